"""The numba target, in readable form: plain `@njit` Python over columns, and nothing of symhep in it.

What runs when a kernel is called is the same program as explicit vectors (`native.py`); executing this text gives the
same bits, only more slowly. Elementary functions are written out from the same instruction lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symhep.graph import Node, is_const, value_of
from symhep.ops import ELEMENTARY_COST, OPS, REDUCTIONS
from symhep.program import Program
from symhep.targets import sums
from symhep.targets.machine import Instruction, expand, table
from symhep.targets.numba_stages import staged
from symhep.targets.numpy import identifier, literal, names
from symhep.targets.statements import defined

# What the table of operations and the instruction lists have in common.
_COMMON = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "sqrt": "math.sqrt({0})",
    "abs": "abs({0})",
    "copysign": "math.copysign({0}, {1})",
    "floor": "np.floor({0})",
    "trunc": "np.trunc({0})",
    "rint": "np.rint({0})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "{0} and {1}",
    "or": "{0} or {1}",
    "not": "not {0}",
    "select": "{1} if {0} else {2}",
}

# Operations of a program; those not named here are calls of functions written out above the program.
TEXTS: dict[str, str] = {
    **_COMMON,
    "minimum": "{0} if {0} < {1} or {0} != {0} else {1}",
    "maximum": "{0} if {0} > {1} or {0} != {0} else {1}",
    "ceil": "np.ceil({0})",
    "keep": "{0}",
    **{
        name: f"{name}_({', '.join(f'{{{k}}}' for k in range(row.arity or 0))})"
        for name, row in OPS.items()
        if row.cost >= ELEMENTARY_COST and name != "power"
    },
}

# Instructions of the lists that stand for elementary functions.
INSTRUCTIONS = {
    **_COMMON,
    "fma": "fma({0}, {1}, {2})",
    "minimum": "{0} if {0} < {1} else {1}",
    "maximum": "{0} if {0} > {1} else {1}",
    "ilt": "{0} < {1}",
    "ile": "{0} <= {1}",
    "ieq": "{0} == {1}",
    "ine": "{0} != {1}",
    "iadd": "{0} + {1}",
    "isub": "{0} - {1}",
    "iand": "{0} & {1}",
    "ior": "{0} | {1}",
    "ixor": "{0} ^ {1}",
    "shl": "{0} << {1}",
    "ashr": "{0} >> {1}",
    "lshr": "np.{i}(np.u{i}({0}) >> np.u{i}({1}))",
    "bits": "bits({0})",
    "from_bits": "from_bits({0})",
    "to_int": "np.{i}({0})",
    "to_float": "np.{f}({0})",
    "lookup": "{name}[{0} & 15]",
}

_HEADER = """\
import math

import numpy as np
from numba import njit
"""

_INTRINSICS = '''\
from numba.core import types
from numba.extending import intrinsic


@intrinsic
def fma(context, a, b, c):
    """a * b + c, rounded once."""
    real = types.float32 if a == types.float32 else types.float64
    return real(real, real, real), lambda context, build, signature, args: build.fma(*args)


@intrinsic
def bits(context, x):
    """The bits of a float as an integer of the same size."""
    signature = types.int32(types.float32) if x == types.float32 else types.int64(types.float64)
    return signature, lambda c, build, s, args: build.bitcast(args[0], c.get_value_type(s.return_type))


@intrinsic
def from_bits(context, i):
    """The float with these bits."""
    signature = types.float32(types.int32) if i == types.int32 else types.float64(types.int64)
    return signature, lambda c, build, s, args: build.bitcast(args[0], c.get_value_type(s.return_type))
'''

_NJIT = '@njit(error_model="numpy", nogil=True)'


def available() -> str | None:
    """Why this target does not work here; None if it does."""
    from symhep.targets import targets

    entry = targets()["numba"]
    return None if entry else str(entry)


def emit(program: Program, dtype: Any = np.float64, name: str = "kernel") -> str:
    """The text of a Python module: one function, from columns to a tuple of new columns.

    dtype  the working dtype, float64 or float32: constants are rounded to it
    """
    writer = Writer(program, np.dtype(dtype), identifier(name))
    functions = [_function(op, writer.dtype) for op in writer.elementary]
    header = _HEADER + _INTRINSICS + _tables(writer.elementary, writer.dtype) if functions else _HEADER
    return "\n\n".join([header, *functions, *sums.functions(writer.used, _NJIT), writer.function()])


class Writer:
    """Writes the function of one program."""

    def __init__(self, program: Program, dtype: np.dtype, name: str) -> None:
        self.program, self.dtype, self.name = program, dtype, name
        self.names = names(program.graph)
        self.used = {n.op for n in program.graph.order}
        self.taken = {*self.names.values(), *[self.value(n) for n in program.inputs]}
        self.index = self.local("i")
        self.elementary = [op for op, row in OPS.items() if op in self.used and TEXTS.get(op, "").startswith(f"{op}_(")]

    def local(self, name: str) -> str:
        """A name that no value has."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def function(self) -> str:
        staged_program = self.program.axes is not None or not self.used.isdisjoint(REDUCTIONS)
        body = staged(self) if staged_program else self.lines()
        text = "".join(f"    {line}\n" for line in body)
        return f"{_NJIT}\ndef {self.name}({', '.join([self.names[n] for n in self.program.inputs])}):\n{text}"

    def lines(self) -> list[str]:
        """The lines of a function without reductions."""
        graph, i, size = self.program.graph, self.index, self.local("n")
        batch = [n for n in self.program.inputs if n.axes]
        body = [f"{size} = len({self.names[batch[0]]})" if batch else f"{size} = 1"]
        results = [self.local(f"out{k}") for k in range(len(graph.outputs))]
        body += [f"{r} = np.empty({size}, np.{self.dtype.name})" for r in results]
        read = {n for n in graph.order if n.op == "input"}
        body += [self.load(n, "[0]") for n in self.program.inputs if not n.axes and n in read]
        body += [line for step in self.program.steps for line in map(self.line, step.once)]
        body.append(f"for {i} in range({size}):")
        body += [f"    {self.load(n, f'[{i}]')}" for n in batch if n in read]
        body += [f"    {line}" for step in self.program.steps for line in map(self.line, step.each)]
        body += [f"    {r}[{i}] = {self.stored(n)}" for r, n in zip(results, graph.outputs, strict=True)]
        return [*body, f"return ({', '.join(results)},)"]

    def value(self, n: Node) -> str:
        """The name of a value inside the loop; columns have the plain name of their argument."""
        return f"{self.names[n]}_i" if n.op == "input" else self.names[n]

    def load(self, n: Node, index: str) -> str:
        text = f"{self.names[n]}{index}"
        return f"{self.value(n)} = {f'{text} != 0' if n.dtype == 'bool' else text}"

    def stored(self, n: Node) -> str:
        return f"1.0 if {self.argument(n)} else 0.0" if n.dtype == "bool" else self.argument(n)

    def argument(self, n: Node) -> str:
        if not is_const(n):
            return self.value(n)
        if n.dtype == "bool":
            return str(bool(value_of(n)))
        text = literal(value_of(n), self.dtype)
        return text if self.dtype == np.float64 else f"np.float32({text})"

    def line(self, n: Node) -> str:
        if n.op == "item":
            return f"{self.names[n]} = {self.pair(n.args[0])}[{n.attrs[0]}]"
        args = [self.real(a) if n.op in self.elementary else self.argument(a) for a in n.args]
        return f"{self.pair(n) if n.op == 'sincos' else self.names[n]} = {TEXTS[n.op].format(*args)}"

    def real(self, n: Node) -> str:
        """An argument of an elementary function, which works on the bits of numbers of the working dtype."""
        return f"np.{self.dtype.name}({self.argument(n)})" if n.dtype == "bool" else self.argument(n)

    def pair(self, n: Node) -> str:
        """A name for the two results of sincos: that of its first user, with a suffix."""
        user = next(u for u in self.program.graph.order if u.op == "item" and u.args[0] is n)
        return f"{self.names[user]}_pair"


def _tables(ops: Sequence[str], dtype: np.dtype) -> str:
    """The tables that elementary functions look up."""
    used = {i.attrs[0]: i.type for op in ops for i in expand(op, dtype == np.float32) if i.op == "lookup"}
    lines = [
        f"{name} = np.array([{', '.join(literal(x, np.float64) for x in table(name, type_))}], np.{dtype.name})\n"
        for name, type_ in used.items()
    ]
    return "\n\n" + "".join(lines) if lines else ""


def _function(op: str, dtype: np.dtype) -> str:
    """An elementary function written out from its instruction list."""
    instructions = expand(op, dtype == np.float32)
    arguments = [f"x{k}" for k in range(instructions.arity)]
    texts: dict[int, str] = {}
    lines = []
    for k, i in enumerate(instructions):
        if i.op == "input":
            texts[k] = arguments[i.attrs[0]]
        elif i.op == "const":
            texts[k] = _constant(i)
        else:
            texts[k] = f"t{k}"
            lines.append(f"    t{k} = {_expression(i, [texts[a] for a in i.args])}\n")
    results = ", ".join(texts[r] for r in instructions.results)
    return f"{_NJIT}\ndef {op}_({', '.join(arguments)}):\n{''.join(lines)}    return {results}\n"


def _constant(i: Instruction) -> str:
    if i.type == "f64":
        return literal(i.attrs[0], np.float64)
    return f"np.float32({literal(i.attrs[0], np.float64)})" if i.type == "f32" else f"np.int{i.type[1:]}({i.attrs[0]})"


def _expression(i: Instruction, args: list[str]) -> str:
    if i.op == "rescue":
        return _rescue(i, *args)
    size = "32" if i.type in ("f32", "i32") else "64"
    text = INSTRUCTIONS[i.op].format(*args, i=f"int{size}", f=f"float{size}", name=i.attrs and i.attrs[0])
    # numba has the result of smaller integers in 64 bits
    return f"np.int32({text})" if i.type == "i32" and i.op not in ("bits", "select") else text


def _rescue(i: Instruction, mask: str, fast: str, *args: str) -> str:
    if i.type == "f32":
        wide = ", ".join([f"np.float64({x})" for x in args])
        return f"np.float32(math.{i.attrs[0]}({wide})) if {mask} else {fast}"
    return f"math.{i.attrs[0]}({', '.join(args)}) if {mask} else {fast}"


def load(text: str) -> Callable[[Sequence[Any]], list[np.ndarray]]:
    """Make an emitted function callable on a list of columns."""
    function = defined(text)
    return lambda columns: list(function(*[np.asarray(c) for c in columns]))
