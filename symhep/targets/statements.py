"""Programs as Python statements over whole columns: what the targets that are array libraries have in common."""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from symhep.graph import Node, is_const, value_of
from symhep.program import Program

# One text per operation of a lowered program; a tuple where there are several results, which `item` picks from
Texts = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Statements:
    """Writes the operations of a program.

    texts    of the operations
    names    of inputs and operations
    library  the name that the array library is imported by
    truth    the type of a truth value
    dtype    the working dtype: constants are rounded to it
    """

    texts: Texts
    names: Mapping[Node, str]
    library: str
    truth: str
    dtype: np.dtype

    def body(self, program: Program) -> str:
        """The statements that compute and return the outputs, indented."""
        column = {axis: self.names[n] for n in reversed(program.inputs) for axis in n.axes}
        lines: list[str] = []
        for step in program.steps:
            once, each = ([self._line(n, column) for n in nodes] for nodes in (step.once, step.each))
            if once:
                lines += ["# once per call", *once]
            if each:
                lines += ["# for every event", *each] if once else each
        lines.append(f"return {_tuple(self.operand(n, alone=True) for n in program.outputs)}")
        return "".join(f"    {line}\n" for line in lines if line)

    def operand(self, n: Node, alone: bool) -> str:
        """The text of an operand; a constant that has no column beside it says its dtype, or it would be float64."""
        from symhep.targets.numpy import literal

        if not is_const(n):
            return self.names[n]
        if n.dtype == "bool":
            return f"{self.truth}({bool(value_of(n))})"
        text = literal(value_of(n), self.dtype).replace("np.", f"{self.library}.")
        return f"real({text})" if alone else text

    def _line(self, n: Node, column: Mapping[str, str]) -> str:
        """The statement that computes a node; none for `sincos`, whose results are computed as they are taken out.

        column  for each batch axis the name of a column that has it
        """
        if n.op == "sincos":
            return ""
        if n.op == "item":
            pair = n.args[0]
            return f"{self.names[n]} = {self._expression(self.texts[pair.op][n.attrs[0]], pair.args)}"
        text = self.texts.get(n.op)
        if not isinstance(text, str):
            raise ValueError(f"a program for a target may not hold {n.op!r}: lower the graph first")
        if n.op == "batch_size":
            return f"{self.names[n]} = {text.format(column[n.attrs[0]])}"
        return f"{self.names[n]} = {self._expression(text, n.args)}"

    def _expression(self, text: str, args: tuple[Node, ...]) -> str:
        alone = all(is_const(a) for a in args if a.dtype == "real")
        return text.format(*[self.operand(a, alone) for a in args])


def _tuple(texts: Iterable[str]) -> str:
    parts = list(texts)
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def defined(text: str) -> Callable[..., tuple]:
    """The last function that an emitted text defines; tracebacks show its lines as long as it lives."""
    file = f"<symhep {blake2b(text.encode(), digest_size=6).hexdigest()}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {}
    exec(compile(text, file, "exec"), namespace)
    function = next(f for f in reversed(namespace.values()) if callable(f))
    weakref.finalize(function, linecache.cache.pop, file, None)
    return function
