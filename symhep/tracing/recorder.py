"""The recorder: writes down the operations of one function as nodes, each with the user's line that asks for it."""

from __future__ import annotations

import numbers
from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import isfinite, nan
from sys import _getframe
from types import CodeType
from typing import Any

import numpy as np

from symhep.errors import TraceError, message
from symhep.graph import CONSTANT, Builder, Node, Where
from symhep.symbolic.traced import is_expression, node_of_expression
from symhep.tracing import expansions
from symhep.tracing.source import Spot, _inner

# The class of traced value for each kind of node; `values` fills it
CLASSES: dict[str, type] = {}


class Recorder:
    """The nodes of the function that is being traced, and what is kept beside them."""

    __slots__ = (
        "_lines", "_literals", "_places", "_table", "axes", "builder", "calls", "names", "objects", "reduced",
        "symbols", "where",
    )  # fmt: skip

    def __init__(self) -> None:
        self.builder = Builder()
        self.calls = self.builder.calls
        self.where: dict[Node, Where] = {}
        self.names: dict[Node, str] = {}
        self.axes: tuple[str, ...] = ()  # the batch axes that arguments have
        self.reduced = False  # whether a reduction over the batch was asked for
        self.objects: Spot | None = None  # where NumPy first made an array of Python objects of traced values
        self.symbols: dict[Any, Node] = {}  # sympy symbols that stand for nodes
        self._table = self.builder._table
        self._places: dict[tuple[int, int], Where] = {}
        self._lines: dict[int, tuple[CodeType, list[int], list[int]]] = {}
        self._literals: dict[tuple, Node] = {}

    def apply(self, op: str, args: tuple[Node, ...], attrs: tuple = ()) -> Any:
        """The value of an operation on nodes."""
        node = self._table.get((op, args, attrs, None))
        if node is None:
            node = self.builder.node(op, args, attrs)
            frame = _getframe(2)
            while _inner[frame.f_code.co_filename] and frame.f_back is not None:
                frame = frame.f_back
            place = id(frame.f_code), frame.f_lasti  # a code object as a key would be hashed whole, every time
            where = self._places.get(place)
            if where is None:
                where = self._places[place] = self._line(frame.f_code, frame.f_lasti)
            self.where[node] = where
            if len(node.axes) > 1:
                raise two_axes(args)
        else:
            self.calls[node] += 1
        return CLASSES[node.dtype](self, node)

    def _line(self, code: CodeType, instruction: int) -> Where:
        """The line of an instruction. (`frame.f_lineno` searches the whole function every time it is asked.)"""
        lines = self._lines.get(id(code))
        if lines is None:
            entries = [(start, line) for start, _, line in code.co_lines() if line is not None]
            lines = self._lines[id(code)] = code, [start for start, _ in entries], [line for _, line in entries]
        _, starts, found = lines
        return Where(code.co_filename, found[max(bisect_right(starts, instruction) - 1, 0)])

    def dress(self, node: Node) -> Any:
        """The value that stands for a node."""
        return CLASSES[node.dtype](self, node)

    def node_of(self, value: Any) -> Node | None:
        """The node of a traced value or of a number; None for anything else."""
        kind = value.__class__
        if kind is int or (kind is float and 0 != value == value):
            node = self._literals.get((kind, value))
            if node is None:
                node = self._literals[kind, value] = self.builder.const(value)
            return node
        if hasattr(kind, "_recorder"):
            if value._recorder is not self:
                raise _from_elsewhere()
            return getattr(value, "_node", None)
        return self._number(value)

    def operand(self, value: Any) -> Node | None:
        """As `node_of`, with a boolean taken as the number 1 or 0."""
        node = self.node_of(value)
        if node is not None and node.dtype == "bool":
            return expansions.number(self.dress(node))._node
        return node

    def value(self, value: Any) -> Any:
        """A traced value or a number as a traced value; anything else raises TraceError."""
        node = self.node_of(value)
        if node is None:
            what = f"a value of type {type(value).__name__} is neither a number nor traced: {value!r:.60}"
            raise TraceError(message(what, str(Spot.here())))
        return self.dress(node)

    def _number(self, value: Any) -> Node | None:
        if isinstance(value, np.ndarray) and value.ndim == 0:
            return self.node_of(value[()])
        if isinstance(value, (bool, np.bool_)):
            return self.builder.node("const", (), (int(value),), dtype="bool", axes=CONSTANT)
        if isinstance(value, (complex, np.complexfloating)):
            return self.apply("complex", (self._real(value.real), self._real(value.imag)))._node
        if isinstance(value, (numbers.Real, np.number, Decimal)):
            return self._real(value)
        return node_of_expression(self, value) if is_expression(value) else None

    def _real(self, value: Any) -> Node:
        if isinstance(value, numbers.Integral):
            return self.builder.const(int(value))
        if isinstance(value, (float, np.float32, np.float16)) or not isfinite(value):
            # one NaN for all, so that it is found again
            return self.builder.const(float(value) if value == value else nan)
        if isinstance(value, numbers.Rational):
            return self.builder.const(Fraction(int(value.numerator), int(value.denominator)))
        return self.builder.const(Fraction(*value.as_integer_ratio()))


def two_axes(args: Sequence[Node]) -> TraceError:
    """The error for an operation on values of different batch axes."""
    first, *_, last = sorted({axis for a in args for axis in a.axes})
    what = f"an operation on values of different batch axes, {first!r} and {last!r}: they belong to different events"
    instead = f"a reduction of one of them first, such as sh.batch_sum(x, axis={last!r})"
    return TraceError(message(what, str(Spot.here()), instead))


def _from_elsewhere() -> TraceError:
    what = "a traced value is used outside the call that made it; was it kept in a global, a cache or a default?"
    return TraceError(message(what, str(Spot.here()), "a function that gets it as an argument"))
