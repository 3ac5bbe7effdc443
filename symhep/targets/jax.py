"""The jax target, as text: one jnp operation for each of the program's, for any platform that JAX has.

This is what runs on GPUs and TPUs and what is exported. On a CPU the same program runs as machine code of symhep's own
(`jax_ffi.py`), which compiles far faster and runs as fast as the numba target; `jax_primitive.py` chooses.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from symhep.graph import Graph, Node, is_const, value_of
from symhep.program import Program
from symhep.targets.numpy import identifier, literal, names

# One text per operation of a lowered program; a tuple where there are several results, which `item` picks from.
TEXTS: dict[str, str | tuple[str, ...]] = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "sqrt": "jnp.sqrt({0})",
    "abs": "jnp.abs({0})",
    "copysign": "jnp.copysign({0}, {1})",
    "minimum": "jnp.minimum({0}, {1})",
    "maximum": "jnp.maximum({0}, {1})",
    "floor": "jnp.floor({0})",
    "ceil": "jnp.ceil({0})",
    "trunc": "jnp.trunc({0})",
    "rint": "jnp.rint({0})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "jnp.logical_and({0}, {1})",
    "or": "jnp.logical_or({0}, {1})",
    "not": "jnp.logical_not({0})",
    "select": "jnp.where({0}, {1}, {2})",
    "exp": "jnp.exp({0})",
    "expm1": "jnp.expm1({0})",
    "exp2": "jnp.exp2({0})",
    "log": "jnp.log({0})",
    "log1p": "jnp.log1p({0})",
    "log2": "jnp.log2({0})",
    "log10": "jnp.log10({0})",
    "cbrt": "jnp.cbrt({0})",
    "sin": "jnp.sin({0})",
    "cos": "jnp.cos({0})",
    "tan": "jnp.tan({0})",
    "asin": "jnp.arcsin({0})",
    "acos": "jnp.arccos({0})",
    "atan": "jnp.arctan({0})",
    "atan2": "jnp.arctan2({0}, {1})",
    "sinh": "jnp.sinh({0})",
    "cosh": "jnp.cosh({0})",
    "tanh": "jnp.tanh({0})",
    "asinh": "jnp.arcsinh({0})",
    "acosh": "jnp.arccosh({0})",
    "atanh": "jnp.arctanh({0})",
    "erf": "jax.scipy.special.erf({0})",
    "pow": "jnp.power({0}, {1})",
    "sincos": ("jnp.sin({0})", "jnp.cos({0})"),
    "keep": "{0}",
    "batch_sum": "jnp.sum({0})",
    "batch_max": "jnp.max({0}, initial=-jnp.inf)",
    "batch_min": "jnp.min({0}, initial=jnp.inf)",
    "batch_size": "real({0}.size)",
}

_RESERVED = frozenset({"jax", "jnp", "real"})


def available() -> str | None:
    """Why this target does not work here; None if it does."""
    from symhep.targets import targets

    entry = targets()["jax"]
    return None if entry else str(entry)


def emit(program: Program, dtype: Any = np.float64, name: str = "kernel") -> str:
    """The text of a Python module with one function over columns: arrays of one shape, or numbers.

    Where a program reduces over the batch, all columns of a batch axis have to be arrays of its shape.

    dtype  the working dtype, float64 or float32: constants are rounded to it, and take on the dtype of the columns
    """
    writer = _Writer(program.graph, np.dtype(dtype))
    lines: list[str] = []
    for body in program.steps:
        if body.once:
            lines += ["# once per call", *map(writer.line, body.once)]
        if body.each:
            lines += ["# for every event", *map(writer.line, body.each)] if body.once else map(writer.line, body.each)
    lines.append(f"return {_tuple(writer.operand(n, alone=True) for n in program.outputs)}")
    arguments = ", ".join(writer.names[n] for n in program.inputs)
    body_text = "".join(f"    {line}\n" for line in lines if line)
    return f"{writer.header()}\n\ndef {identifier(name)}({arguments}):\n{body_text}"


def _tuple(texts: Iterable[str]) -> str:
    parts = list(texts)
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


class _Writer:
    """Writes the operations of one graph."""

    def __init__(self, graph: Graph, dtype: np.dtype) -> None:
        self.names = {n: f"{text}_" if text in _RESERVED else text for n, text in names(graph).items()}
        self.dtype = dtype
        # for each batch axis a column that has it
        self.column = {axis: self.names[n] for n in reversed(graph.inputs) for axis in n.axes}
        self.jax = any(n.op == "erf" for n in graph.order)

    def header(self) -> str:
        imports = "import jax\nimport jax.numpy as jnp\n" if self.jax else "import jax.numpy as jnp\n"
        return f"{imports}\nreal = jnp.{self.dtype.name}\n"

    def operand(self, n: Node, alone: bool) -> str:
        """The text of an operand; a constant that has no column beside it says its dtype."""
        if not is_const(n):
            return self.names[n]
        if n.dtype == "bool":
            return f"jnp.bool_({bool(value_of(n))})"
        text = literal(value_of(n), self.dtype).replace("np.", "jnp.")
        return f"real({text})" if alone else text

    def line(self, n: Node) -> str:
        """The statement that computes a node; none for `sincos`, whose results are computed as they are taken out."""
        if n.op == "sincos":
            return ""
        if n.op == "item":
            pair = n.args[0]
            return f"{self.names[n]} = {self._expression(TEXTS[pair.op][n.attrs[0]], pair.args)}"
        text = TEXTS.get(n.op)
        if n.op == "batch_size":
            return f"{self.names[n]} = {str(text).format(self.column[n.attrs[0]])}"
        if not isinstance(text, str):
            raise ValueError(f"a program for a target may not hold {n.op!r}: lower the graph first")
        return f"{self.names[n]} = {self._expression(text, n.args)}"

    def _expression(self, text: str, args: Sequence[Node]) -> str:
        alone = all(is_const(a) for a in args if a.dtype == "real")
        return text.format(*[self.operand(a, alone) for a in args])


def load(text: str) -> Callable[..., tuple]:
    """The function that an emitted text defines."""
    file = f"<symhep {blake2b(text.encode(), digest_size=6).hexdigest()}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {}
    exec(compile(text, file, "exec"), namespace)
    return next(f for f in reversed(namespace.values()) if callable(f))
