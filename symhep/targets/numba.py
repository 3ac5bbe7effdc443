"""The numba target, in readable form: plain `@njit` Python over columns, and nothing of symhep in it.

What runs when a kernel is called is the same program as explicit vectors (`native.py`); executing this text gives the
same bits, only more slowly. Elementary functions are written out from the same instruction lists.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from symhep.graph import Node, is_const, value_of
from symhep.ops import ELEMENTARY_COST, OPS
from symhep.program import Program
from symhep.targets.machine import Instruction, expand
from symhep.targets.numpy import identifier, literal, names

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
    "lshr": "np.int64(np.uint64({0}) >> np.uint64({1}))",
    "bits": "bits({0})",
    "from_bits": "from_bits({0})",
    "to_int": "np.int64({0})",
    "to_float": "np.float64({0})",
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
    signature = types.float64(types.float64, types.float64, types.float64)
    return signature, lambda context, build, signature, args: build.fma(*args)


@intrinsic
def bits(context, x):
    """The 64 bits of a float64 as an integer."""
    signature = types.int64(types.float64)
    return signature, lambda c, build, s, args: build.bitcast(args[0], c.get_value_type(types.int64))


@intrinsic
def from_bits(context, i):
    """The float64 with these 64 bits."""
    signature = types.float64(types.int64)
    return signature, lambda c, build, s, args: build.bitcast(args[0], c.get_value_type(types.float64))
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
    writer = _Writer(program, np.dtype(dtype), identifier(name))
    functions = [_function(op) for op in writer.elementary]
    header = _HEADER + _INTRINSICS if functions else _HEADER
    return "\n\n".join([header, *functions, writer.function()])


class _Writer:
    """Writes the function of one program."""

    def __init__(self, program: Program, dtype: np.dtype, name: str) -> None:
        self.program, self.dtype, self.name = program, dtype, name
        self.names = names(program.graph)
        used = {n.op for n in program.graph.order}
        self.elementary = [op for op, row in OPS.items() if op in used and TEXTS.get(op, "").startswith(f"{op}_(")]

    def function(self) -> str:
        graph, names = self.program.graph, self.names
        columns = [names[n] for n in self.program.inputs]
        batch = [n for n in self.program.inputs if n.axes]
        body = [f"n = len({names[batch[0]]})" if batch else "n = 1"]
        results = [f"out{i}" for i in range(len(graph.outputs))]
        body += [f"{r} = np.empty(n, np.{self.dtype.name})" for r in results]
        read = {n for n in graph.order if n.op == "input"}
        body += [self.load(n, "[0]") for n in self.program.inputs if not n.axes and n in read]
        body += [line for step in self.program.steps for line in map(self.line, step.once)]
        body.append("for i in range(n):")
        body += [f"    {self.load(n, '[i]')}" for n in batch if n in read]
        body += [f"    {line}" for step in self.program.steps for line in map(self.line, step.each)]
        body += [f"    {r}[i] = {self.stored(n)}" for r, n in zip(results, graph.outputs, strict=True)]
        body.append(f"return ({', '.join(results)},)")
        text = "".join(f"    {line}\n" for line in body)
        return f"{_NJIT}\ndef {self.name}({', '.join(columns)}):\n{text}"

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
            text = f"{self.pair(n.args[0])}[{n.attrs[0]}]"
            return f"{self.names[n]} = {self.narrowed(text)}"
        args = [self.argument(a) for a in n.args]
        if n.op not in self.elementary:
            return f"{self.names[n]} = {TEXTS[n.op].format(*args)}"
        text = TEXTS[n.op].format(*map(self.widened, args))
        return f"{self.pair(n)} = {text}" if n.op == "sincos" else f"{self.names[n]} = {self.narrowed(text)}"

    def widened(self, text: str) -> str:
        """Elementary functions take float64."""
        return text if self.dtype == np.float64 else f"np.float64({text})"

    def narrowed(self, text: str) -> str:
        """Elementary functions are computed in float64 and rounded."""
        return text if self.dtype == np.float64 else f"np.float32({text})"

    def pair(self, n: Node) -> str:
        """A name for the two results of sincos: that of its first user, with a suffix."""
        user = next(u for u in self.program.graph.order if u.op == "item" and u.args[0] is n)
        return f"{self.names[user]}_pair"


def _function(op: str) -> str:
    """An elementary function written out from its instruction list."""
    instructions = expand(op)
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
    number = i.attrs[0]
    return f"np.int64({number})" if i.type == "i64" else literal(number, np.float64)


def _expression(i: Instruction, args: list[str]) -> str:
    if i.op == "rescue":
        mask, fast, *given = args
        return f"math.{i.attrs[0]}({', '.join(given)}) if {mask} else {fast}"
    return INSTRUCTIONS[i.op].format(*args)


def load(text: str) -> Callable[[Sequence[Any]], list[np.ndarray]]:
    """Make an emitted function callable on a list of columns."""
    file = f"<symhep {blake2b(text.encode(), digest_size=6).hexdigest()}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {}
    exec(compile(text, file, "exec"), namespace)
    function = next(f for f in reversed(namespace.values()) if callable(f))
    return lambda columns: list(function(*[np.asarray(c) for c in columns]))
