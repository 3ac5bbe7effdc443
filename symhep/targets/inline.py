"""Compiled programs inside the user's own `@njit` functions: a thin call of the machine code, no second compilation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, overload

from symhep.caching.cache import level
from symhep.program import build
from symhep.targets.layout import PARAMETER
from symhep.targets.native import Native, compile_program

_I64 = ir.IntType(64)
_POINTER = ir.IntType(8).as_pointer()


def njit_function(native: Native, n_in: int, n_out: int) -> Any:
    """A numba function of n_in numbers or one-dimensional arrays; n_out results, bare if it is one.

    Numbers give numbers, for one event. Arrays, with numbers beside them where one value is for all events, give new
    arrays. Parameters have to be numbers. The machine code stays as long as numba's own: to the end of the process.
    """
    names = ", ".join(f"x{k}" for k in range(n_in))
    space: dict[str, Any] = {"np": np, "numba": numba, "dtype": native.dtype.type}
    exec(f"def stub({names}):\n    raise NotImplementedError\n", space)
    space["one"], space["many"] = _one_event(native, n_out), _events(native)
    implement = _Implement(native, n_in, n_out, space)
    exec(f"def implementation({names}):\n    return choose([{names}])\n", {"choose": implement}, space)
    overload(space["stub"])(space["implementation"])
    exec(f"@numba.njit\ndef kernel({names}):\n    return stub({names})\n", space)
    space["kernel"].native = native
    return space["kernel"]


def dispatcher_of(kernel: Any) -> Any:
    """What a kernel is inside an `@njit` function: one number or array of events per argument, real results."""
    variant = kernel.variant()
    if variant.axes is not None:
        what = "inside @njit a symhep kernel works event by event: reductions over the batch and named axes do not"
        raise TypingError(f"{kernel.name}: {what}; call the kernel outside, and pass its result")
    takes = all(not leaf.core.shape and leaf.core.kind in ("real", "integer") for leaf in variant.traced.leaves)
    if not takes or any(slot.kind != "real" for slot in variant.slots):
        raise TypingError(
            f"{kernel.name}: inside @njit a symhep kernel takes and returns real numbers; "
            "give vectors and complex numbers as their components"
        )
    dtype = np.dtype(np.float64 if kernel.options.dtype is None else kernel.options.dtype)
    native = compile_program(build(variant.optimised.graph), dtype, store=level("code"))
    return njit_function(native, len(native.parameters), sum(slot.size for slot in variant.slots))


class _Implement:
    """Chooses the implementation for types of arguments."""

    def __init__(self, native: Native, n_in: int, n_out: int, space: dict[str, Any]) -> None:
        self.native, self.n_in, self.n_out, self.space = native, n_in, n_out, space

    def __call__(self, given: list[types.Type]) -> Callable | None:
        arrays = {k: t for k, t in enumerate(given) if isinstance(t, types.Array)}
        if not all(isinstance(t, (types.Number, types.Boolean)) or k in arrays for k, t in enumerate(given)):
            return None
        if any(t.ndim != 1 for t in arrays.values()):
            raise TypingError("a symhep kernel takes numbers and one-dimensional arrays here")
        if any(self.native.parameters[k] for k in arrays):
            raise TypingError("a parameter of a symhep kernel is one number, not an array")
        names = [f"x{k}" for k in range(self.n_in)]
        head = f"def chosen({', '.join(names)}):\n"
        body = self._arrays(names, arrays) if arrays else f"    return one(({', '.join(names)},))\n"
        exec(head + body, self.space)
        return self.space["chosen"]

    def _arrays(self, names: list[str], arrays: dict[int, types.Array]) -> str:
        real = numba.from_dtype(self.native.dtype)
        columns = [
            f"{name}.astype(dtype)" if k in arrays and arrays[k].dtype != real else name for k, name in enumerate(names)
        ]
        results = [f"y{k}" for k in range(self.n_out)]
        first, *others = arrays
        lines = [f"n = len({names[first]})"]
        for k in others:
            lines += [f"if len({names[k]}) != n:", '    raise ValueError("the columns differ in length")']
        lines += [f"{y} = np.empty(n, dtype)" for y in results]
        lines.append(f"many(({', '.join(columns)},), ({', '.join(results)},), n)")
        lines.append(f"return {results[0] if self.n_out == 1 else '(' + ', '.join(results) + ')'}")
        return "".join(f"    {line}\n" for line in lines)


class _Caller:
    """Writes a call of the driver's `run` into a function that numba compiles."""

    def __init__(self, native: Native, context: Any, builder: ir.IRBuilder, count: int) -> None:
        self.native, self.context, self.builder = native, context, builder
        self.real = numba.from_dtype(native.dtype)
        self.columns = cgutils.alloca_once(builder, _I64, size=2 * count)
        self.used = 0

    def column(self, address: ir.Value, stride: ir.Value) -> None:
        for value in (self.builder.ptrtoint(address, _I64), stride):
            self.builder.store(value, self.builder.gep(self.columns, [_I64(self.used)]))
            self.used += 1

    def array(self, type_: types.Array, value: ir.Value) -> None:
        array = self.context.make_array(type_)(self.context, self.builder, value)
        self.column(array.data, self.builder.extract_value(array.strides, 0))

    def argument(self, k: int, type_: types.Type, value: ir.Value) -> None:
        if isinstance(type_, types.Array):
            self.array(type_, value)
        else:
            number = self.context.cast(self.builder, value, type_, self.real)
            place = cgutils.alloca_once_value(self.builder, number)
            self.column(place, _I64(PARAMETER if self.native.parameters[k] else 0))

    def arguments(self, type_: Any, value: ir.Value) -> None:
        for k, t in enumerate(type_.types):
            self.argument(k, t, self.builder.extract_value(value, k))

    def run(self, events: ir.Value) -> None:
        signature = ir.FunctionType(ir.VoidType(), [_POINTER, _POINTER, _POINTER, _I64, _I64])
        run = self._address(self.native.run_address, signature.as_pointer())
        kernel = self._address(self.native.kernel_address, _POINTER)
        columns = self.builder.bitcast(self.columns, _POINTER)
        self.builder.call(run, [kernel, columns, _POINTER(None), _I64(0), events])

    def _address(self, address: int, type_: ir.Type) -> ir.Value:
        """An address of this process; numba then knows not to cache the code on disk."""
        pointer = self.context.add_dynamic_addr(self.builder, address, info="symhep kernel")
        return self.builder.bitcast(pointer, type_)


def _one_event(native: Native, n_out: int) -> Any:
    real = numba.from_dtype(native.dtype)

    @intrinsic
    def one(typing_context: Any, args: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            caller = _Caller(native, context, builder, len(args.types) + n_out)
            caller.arguments(args, values[0])
            places = [cgutils.alloca_once(builder, context.get_value_type(real)) for _ in range(n_out)]
            for place in places:
                caller.column(place, _I64(native.dtype.itemsize))
            caller.run(_I64(1))
            results = [builder.load(place) for place in places]
            return results[0] if n_out == 1 else context.make_tuple(builder, signature.return_type, results)

        result = real if n_out == 1 else types.UniTuple(real, n_out)
        return result(args), generate

    return one


def _events(native: Native) -> Any:
    @intrinsic
    def many(typing_context: Any, args: Any, outputs: Any, events: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            caller = _Caller(native, context, builder, len(args.types) + len(outputs.types))
            caller.arguments(args, values[0])
            for k, t in enumerate(outputs.types):
                caller.array(t, builder.extract_value(values[1], k))
            caller.run(values[2])
            return context.get_dummy_value()

        return types.void(args, outputs, events), generate

    return many
