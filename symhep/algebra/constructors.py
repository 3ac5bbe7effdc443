"""Smart constructors: real scalar nodes with constants folded and structural zeros and ones removed.

Every simplification carries a safety class:

exact          same bits for every IEEE input
finite         same value for finite inputs (0*x = 0, x + 0 = x whatever the sign of zero); not used by math="strict"
"""

from __future__ import annotations

from fractions import Fraction
from math import isfinite

from symhep.graph import Axes, Builder, Node, Number, exact, is_const, value_of

ZERO, ONE, MINUS_ONE = 0, 1, -1


def rational(value: Number) -> Fraction | None:
    """The exact rational of a finite literal, None for inf and NaN.

    >>> rational(0.5)
    Fraction(1, 2)
    """
    return Fraction(value) if not isinstance(value, float) or isfinite(value) else None


class Algebra:
    """Builds simplified real scalars with a `Builder`; `finite` allows the rules that inf and NaN would break."""

    def __init__(self, builder: Builder, finite: bool = True) -> None:
        self.build = builder
        self.finite = finite
        self.zero = builder.const(ZERO)
        self.one = builder.const(ONE)

    def const(self, value: Number) -> Node:
        return self.build.const(value)

    def input(self, name: str, dtype: str, axes: Axes) -> Node:
        return self.build.input(name, dtype, axes)

    def op(self, op: str, *args: Node, attrs: tuple = ()) -> Node:
        """Any operation that has no rule here."""
        return self.build.node(op, args, attrs)

    def is_value(self, node: Node, value: int) -> bool:
        """Whether the node is the constant `value` (minus zero is not zero when math is strict)."""
        if not is_const(node) or value_of(node) != value:
            return False
        return self.finite or not isinstance(value_of(node), float)

    def _fold(self, op: str, x: Node, y: Node) -> Node | None:
        """The exact constant for an operation on two constants; None if it is not one.

        Under strict math a fold must not skip a rounding, so only integers fold.
        """
        if not (is_const(x) and is_const(y)):
            return None
        a, b = rational(value_of(x)), rational(value_of(y))
        if a is None or b is None or (op == "div" and b == 0):
            return None
        if not self.finite and not (isinstance(value_of(x), int) and isinstance(value_of(y), int)):
            return None
        result = {"add": a + b, "sub": a - b, "mul": a * b}[op] if op != "div" else a / b
        if not self.finite and result.denominator != 1:
            return None
        return self.const(shortest(result))

    def add(self, x: Node, y: Node) -> Node:
        folded = self._fold("add", x, y)
        if folded:
            return folded
        if self.finite and self.is_value(x, ZERO):
            return y
        if self.finite and self.is_value(y, ZERO):
            return x
        return self.op("add", x, y)

    def sub(self, x: Node, y: Node) -> Node:
        folded = self._fold("sub", x, y)
        if folded:
            return folded
        if self.is_value(y, ZERO):
            return x
        if self.finite and self.is_value(x, ZERO):
            return self.neg(y)
        if self.finite and x is y:
            return self.zero
        return self.op("sub", x, y)

    def mul(self, x: Node, y: Node) -> Node:
        folded = self._fold("mul", x, y)
        if folded:
            return folded
        for a, b in ((x, y), (y, x)):
            if self.finite and self.is_value(a, ZERO):
                return self.zero
            if self.is_value(a, ONE):
                return b
            if self.is_value(a, MINUS_ONE):
                return self.neg(b)
        return self.op("mul", x, y)

    def div(self, x: Node, y: Node) -> Node:
        folded = self._fold("div", x, y)
        if folded:
            return folded
        if self.is_value(y, ONE):
            return x
        if self.is_value(y, MINUS_ONE):
            return self.neg(x)
        if self.finite and self.is_value(x, ZERO):
            return self.zero
        return self.op("div", x, y)

    def neg(self, x: Node) -> Node:
        if x.op == "neg":
            return x.args[0]
        if is_const(x) and (self.finite or value_of(x) != 0):
            return self.const(-value_of(x))
        return self.op("neg", x)

    def power(self, x: Node, exponent: Number) -> Node:
        if exponent == 1:
            return x
        if exponent == 0:
            return self.one
        if exponent == Fraction(1, 2):
            return self.op("sqrt", x)
        if is_const(x) and isinstance(exponent, int) and abs(exponent) <= 64 and self.finite:
            base = rational(value_of(x))
            if base is not None and base != 0:
                return self.const(shortest(base**exponent))
        return self.op("power", x, attrs=(exponent,))

    def reduction(self, op: str, x: Node, axis: str) -> Node:
        """A sum or extreme value over a batch axis; of what does not vary over it, a multiple or the value itself."""
        if axis in x.axes:
            return self.op(op, x, attrs=(axis,))
        return self.mul(x, self.op("batch_size", attrs=(axis,))) if op == "batch_sum" else x

    def select(self, condition: Node, x: Node, y: Node) -> Node:
        if x is y:
            return x
        if is_const(condition):
            return x if value_of(condition) else y
        if condition.op == "not":
            return self.select(condition.args[0], y, x)
        return self.op("select", condition, x, y)


def shortest(value: Fraction) -> Number:
    """An exact rational as int or float where one of these holds it exactly, else as it is.

    >>> shortest(Fraction(1, 4)), shortest(Fraction(1, 3))
    (0.25, Fraction(1, 3))
    """
    if value.denominator == 1:
        return value.numerator
    if value.denominator & (value.denominator - 1) == 0 and value.numerator.bit_length() <= 53:
        as_float = value.numerator / value.denominator
        if as_float != 0 and isfinite(as_float):
            return exact(as_float)
    return value
