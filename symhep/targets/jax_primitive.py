"""One JAX primitive for all programs: bundles of real columns in, bundles out, with rules for JAX's transformations.

A bundle of width w is an array of shape (*batch, w), whose last axis holds w columns of the program; one of width 0 is
an array of the batch's shape, one column. A bundle without batch axes is one value for all events.

A call may be *linear* in some of its inputs: it is then a derivative, by forward or reverse mode, and can be
transposed. Every derivative is again a call of a program, made when it is first asked for, so derivatives of any order
work.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

_private: Any
try:
    from jax._src.interpreters import ad as _private
except ImportError:  # then a value and its gradient are two calls
    _private = None

MANY = 1000  # operations that XLA takes long to compile
# A value and its gradient are one program if the value has at least so many operations for each derivative that then
# waits in memory, and if there are at most so many of these.
WORTH, WIDEST = 8, 64

call_p = Primitive("symhep")
call_p.multiple_results = True


class Computation(Protocol):
    """What the primitive has to know of a program and of its derivatives (`calling/jax_derivatives.py` has it)."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """The widths of the bundles that it takes."""

    @property
    def outputs(self) -> tuple[int, ...]:
        """The widths of the bundles that it computes."""

    @property
    def operations(self) -> int:
        """How many it has."""

    @property
    def parameters(self) -> frozenset[int]:
        """Positions of the inputs that are one number per call, unless JAX makes columns of them."""

    @property
    def jitted(self) -> dict[tuple[int, ...], Any]:
        """The compiled calls that are made outside of any `jit`, by what they are linear in."""

    def function(self, dtype: np.dtype) -> Any:
        """The program as a function of jnp arrays."""

    def target(self, dtype: np.dtype, parameters: frozenset[int]) -> str | None:
        """The name of its machine code for XLA's CPU; None where there is none."""

    def pushforward(self, wrt: tuple[int, ...]) -> Computation:
        """The tangents of all outputs; its inputs are these, then a tangent for each input in wrt."""

    def with_gradient(self, wrt: tuple[int, ...]) -> Computation:
        """The value and its derivatives, where the value is one column."""

    def transpose(self, wrt: tuple[int, ...], outputs: tuple[int, ...]) -> tuple[Computation, tuple[int, ...]]:
        """What undoes the direction of a call that is linear in wrt; and which inputs of the call it takes first."""


def call(
    computation: Computation, bundles: Sequence[Any], linear: Sequence[int] = (), batch: tuple = ()
) -> list[jax.Array]:
    """The output bundles; `batch` is the shape that the batch has at least."""
    aligned = _aligned(bundles, computation.inputs, batch)
    return call_p.bind(*aligned, computation=computation, linear=tuple(linear))


def _split(shape: tuple, width: int) -> tuple[tuple, tuple]:
    """The batch's part of a shape, and the rest."""
    return (shape[:-1], shape[-1:]) if width else (shape, ())


def _aligned(bundles: Sequence[Any], widths: Sequence[int], batch: tuple) -> list[Any]:
    """Bundles of one batch, or single values; in a sharded map, all varying over the same of its axes."""
    batch = jnp.broadcast_shapes(batch, *[_split(jnp.shape(b), w)[0] for b, w in zip(bundles, widths)])
    found = [_aligned_bundle(b, w, batch) for b, w in zip(bundles, widths)]
    if batch and not any(_split(jnp.shape(b), w)[0] for b, w in zip(found, widths)):
        found[0] = jnp.broadcast_to(found[0], (*batch, *jnp.shape(found[0])))
    axes = frozenset[Any]().union(*[_varying(b) for b in found])
    return [_vary(b, axes - _varying(b)) for b in found] if axes else found


def _aligned_bundle(bundle: Any, width: int, batch: tuple) -> Any:
    own, core = _split(jnp.shape(bundle), width)
    if own == batch or not own:
        return bundle
    return jnp.reshape(bundle, core) if all(d == 1 for d in own) else jnp.broadcast_to(bundle, (*batch, *core))


def _varying(bundle: Any) -> frozenset[Any]:
    """The axes of a `shard_map` that a value varies over."""
    aval = getattr(bundle, "aval", None)
    found = getattr(aval, "vma", None) or getattr(getattr(aval, "manual_axis_type", None), "varying", None)
    return frozenset(found or ())


def _vary(bundle: Any, axes: frozenset[Any]) -> Any:
    if not axes:
        return bundle
    if hasattr(jax.lax, "pcast"):
        return jax.lax.pcast(bundle, tuple(axes), to="varying")
    return jax.lax.pvary(bundle, tuple(axes))  # type: ignore[attr-defined]  # before JAX 0.8


@call_p.def_impl
def _run(*bundles: Any, computation: Computation, linear: tuple[int, ...]) -> Any:
    if linear not in computation.jitted:
        bound = functools.partial(call_p.bind, computation=computation, linear=linear)
        computation.jitted[linear] = jax.jit(bound)
    return computation.jitted[linear](*bundles)


@call_p.def_abstract_eval
def _types(*bundles: Any, computation: Computation, linear: tuple[int, ...]) -> list[Any]:
    parts = [_split(b.shape, w) for b, w in zip(bundles, computation.inputs)]
    first = next((k for k, (batch, _) in enumerate(parts) if batch), 0)
    full, batch = bundles[first], parts[first][0]
    for b, (own, core), width in zip(bundles, parts, computation.inputs, strict=True):
        if b.dtype != full.dtype or own not in ((), batch) or core != ((width,) if width else ()):
            raise TypeError(f"columns of different types: {', '.join([b.str_short() for b in bundles])}")
    return [_result_type(full, batch, (w,) if w else ()) for w in computation.outputs]


def _result_type(like: Any, batch: tuple, core: tuple) -> Any:
    """The type of an array that is placed as another one is, whose batch it has."""
    shape = (*batch, *core)
    if shape == like.shape:
        return like.update(weak_type=False)
    sharding = getattr(like, "sharding", None)
    if sharding is None:
        return like.update(shape=shape, weak_type=False)
    spec = (*sharding.spec[: len(batch)], *[None] * len(core))
    return like.update(shape=shape, weak_type=False, sharding=sharding.update(spec=spec))


# -- lowering --------------------------------------------------------------------------------------------------------


def _lower_anywhere(ctx: Any, *bundles: Any, computation: Computation, linear: tuple[int, ...]) -> Any:
    if computation.operations > MANY:
        said = f"{computation!r} runs as jnp operations here: XLA may take minutes to compile more than {MANY} of them"
        warnings.warn(said, stacklevel=2)
    return _lower_plain(ctx, *bundles, computation=computation)


def _lower_plain(ctx: Any, *bundles: Any, computation: Computation) -> Any:
    function = functools.partial(plain, computation)
    return mlir.lower_fun(function, multiple_results=True)(ctx, *bundles)


def plain(computation: Computation, *bundles: Any) -> list[jax.Array]:
    """The output bundles by jnp operations."""
    columns: list[Any] = []
    for b, width in zip(bundles, computation.inputs):
        columns += [jax.lax.index_in_dim(b, k, b.ndim - 1, keepdims=False) for k in range(width)] if width else [b]
    batch, dtype = jnp.broadcast_shapes(*[c.shape for c in columns]), bundles[0].dtype
    results = computation.function(np.dtype(dtype))(*columns)
    rest = iter([jnp.broadcast_to(jnp.asarray(r, dtype), batch) for r in results])
    return [jnp.stack([next(rest) for _ in range(w)], axis=-1) if w else next(rest) for w in computation.outputs]


def _lower_cpu(ctx: Any, *bundles: Any, computation: Computation, linear: tuple[int, ...]) -> Any:
    """A call of machine code; jnp operations where an exported program has to run without symhep."""
    if getattr(ctx.module_context.lowering_parameters, "for_export", False):
        return _lower_plain(ctx, *bundles, computation=computation)
    ranks = [len(_split(aval.shape, w)[0]) for aval, w in zip(ctx.avals_in, computation.inputs)]
    parameters = frozenset([k for k in computation.parameters if not ranks[k]])
    name = computation.target(np.dtype(ctx.avals_in[0].dtype), parameters)
    if name is None:
        return _lower_anywhere(ctx, *bundles, computation=computation, linear=linear)
    if max(ranks) == 0 or getattr(ctx.module_context.axis_context, "num_devices", None) == 1 or not _PARTITIONS:
        from symhep.targets.jax_ffi import interface

        return interface().ffi_lowering(name)(ctx, *bundles)
    return mlir.lower_fun(_partitioned(name, ranks, computation), multiple_results=True)(ctx, *bundles)


def _partitioned(name: str, ranks: list[int], computation: Computation) -> Any:
    """A call of machine code that is divided as its batch is among devices."""
    from jax.experimental.custom_partitioning import custom_partitioning
    from jax.sharding import NamedSharding, PartitionSpec

    from symhep.targets.jax_ffi import interface

    inputs, outputs = computation.inputs, computation.outputs
    rank = max(ranks)
    first = ranks.index(rank)

    def local(*bundles: Any) -> tuple:
        full = jax.typeof(bundles[first]) if hasattr(jax, "typeof") else bundles[first].aval
        batch = _split(full.shape, inputs[first])[0]
        results = [_result_type(full, batch, (w,) if w else ()) for w in outputs]
        return tuple(interface().ffi_call(name, results)(*bundles))

    def placed(sharding: Any, mesh: Any, own: int, width: int) -> Any:
        """The sharding of a bundle whose batch is placed as that of another is; its last axis is never divided."""
        if not isinstance(sharding, NamedSharding):
            return sharding if own else NamedSharding(mesh, PartitionSpec())
        spec = (*sharding.spec, *[None] * rank)[:own]
        return NamedSharding(mesh, PartitionSpec(*spec, *[None] * bool(width)))

    def partition(mesh: Any, arguments: Any, results: Any) -> Any:
        like = results[0].sharding
        given = tuple([placed(like, mesh, own, w) for own, w in zip(ranks, inputs)])
        return mesh, local, tuple([placed(like, mesh, rank, w) for w in outputs]), given

    def infer(mesh: Any, arguments: Any, results: Any) -> Any:
        return tuple([placed(arguments[first].sharding, mesh, rank, w) for w in outputs])

    batch = [f"i{k}" for k in range(rank)]
    taken = [" ".join([*(batch if own else []), *[f"c{k}"] * bool(w)]) for k, (own, w) in enumerate(zip(ranks, inputs))]
    made = [" ".join([*batch, *[f"r{k}"] * bool(w)]) for k, w in enumerate(outputs)]
    found = custom_partitioning(local)
    rules: dict[str, Any] = {"partition": partition, "infer_sharding_from_operands": infer}
    if "sharding_rule" in inspect.signature(found.def_partition).parameters:  # not before JAX 0.5
        rules["sharding_rule"] = f"{', '.join(taken)} -> {', '.join(made)}"
    found.def_partition(**rules)
    return found


def _allow_partitions() -> bool:
    """Have JAX tell the lowering rule which devices a program is for; whether it does."""
    try:
        from jax._src.dispatch import prim_requires_devices_during_lowering

        prim_requires_devices_during_lowering.add(call_p)
    except (ImportError, AttributeError):
        return False
    return True


_PARTITIONS = _allow_partitions()
mlir.register_lowering(call_p, _lower_anywhere)
mlir.register_lowering(call_p, _lower_cpu, platform="cpu")


# -- transformations -------------------------------------------------------------------------------------------------


def _jvp(primals: Any, tangents: Any, *, computation: Computation, linear: tuple[int, ...]) -> Any:
    values = call_p.bind(*primals, computation=computation, linear=linear)
    wrt = tuple([k for k, t in enumerate(tangents) if type(t) is not ad.Zero])
    batch = _split(values[0].shape, computation.outputs[0])[0]
    if wrt and set(wrt) <= set(linear):
        bundles = list(primals)
        for k in linear:
            bundles[k] = tangents[k] if k in wrt else _zero(primals[k].dtype, computation.inputs[k])
        return values, call(computation, bundles, linear, batch)
    bundles = [*primals, *[tangents[k] for k in wrt]]
    return values, call(computation.pushforward(wrt), bundles, range(len(primals), len(bundles)), batch)


def _zero(dtype: Any, width: int) -> Any:
    return jnp.zeros((width,) if width else (), dtype)


def _transpose(cotangents: Any, *bundles: Any, computation: Computation, linear: tuple[int, ...]) -> list[Any]:
    wrt = tuple([k for k in linear if ad.is_undefined_primal(bundles[k])])
    outputs = tuple([k for k, c in enumerate(cotangents) if type(c) is not ad.Zero])
    results: list[Any] = [None] * len(bundles)
    if not outputs:
        return results
    back, taken = computation.transpose(wrt, outputs)
    bars = [cotangents[k] for k in outputs]
    widths = computation.inputs
    first = [_zero(bars[0].dtype, widths[k]) if k in linear else bundles[k] for k in taken]
    batch = _split(bars[0].shape, computation.outputs[outputs[0]])[0]
    adjoints = call(back, [*first, *bars], range(len(first), len(first) + len(bars)), batch)
    for k, adjoint in zip(wrt, adjoints):
        own = _split(bundles[k].aval.shape, widths[k])[0]
        results[k] = adjoint if own else jnp.sum(adjoint, axis=tuple(range(len(batch))))
    return results


def _linearize(is_vjp: bool, nonzero: Sequence[bool], *primals: Any, computation: Computation, linear: Any) -> Any:
    """The value, and what is linear in the tangents: in reverse mode, products with derivatives made with the value."""
    wrt = tuple([k for k, needed in enumerate(nonzero) if needed])
    widths = [computation.inputs[k] for k in wrt]
    columns = sum([w or 1 for w in widths])
    if not is_vjp or linear or computation.outputs != (0,) or columns > min(WIDEST, computation.operations / WORTH):
        rest = {"computation": computation, "linear": linear}
        return _private.fallback_linearize_rule(call_p, is_vjp, nonzero, *primals, **rest)
    value, *gradient = call(computation.with_gradient(wrt), primals)

    def along(gradient: Sequence[Any], *tangents: Any) -> list[Any]:
        products = [g * tangents[k] for g, k in zip(gradient, wrt)]
        return [sum([jnp.sum(p, axis=-1) if w else p for p, w in zip(products, widths)])]

    return [value], [True], gradient, along


def _batch(bundles: Any, axes: Any, *, computation: Computation, linear: tuple[int, ...]) -> Any:
    mapped = [b if axis is None else jnp.moveaxis(b, axis, 0) for b, axis in zip(bundles, axes)]
    size = next(b.shape[0] for b, axis in zip(mapped, axes) if axis is not None)
    parts = [_split(b.shape[axis is not None :], w) for b, axis, w in zip(mapped, axes, computation.inputs)]
    inner = jnp.broadcast_shapes(*[batch for batch, _ in parts])
    for k, (own, core) in enumerate(parts):
        if axes[k] is not None and not own:
            mapped[k] = mapped[k].reshape(size, *[1] * len(inner), *core)
    return call(computation, mapped, linear, (size, *inner)), [0] * len(computation.outputs)


def _linearizes() -> bool:
    """Have JAX ask for value and derivatives together in reverse mode; whether it can be asked to."""
    fallback = getattr(_private, "fallback_linearize_rule", None)
    if fallback is None or list(inspect.signature(fallback).parameters)[1:3] != ["_is_vjp", "_nonzeros"]:
        return False
    _private.primitive_linearizations[call_p] = _linearize
    return True


LINEARIZES = _linearizes()
ad.primitive_jvps[call_p] = _jvp
ad.primitive_transposes[call_p] = _transpose
batching.primitive_batchers[call_p] = _batch
