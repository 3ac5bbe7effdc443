"""The derivative column of the table of operations: its texts read once, evaluated on nodes as often as needed."""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from types import CodeType
from typing import Any, NamedTuple

from symhep.algebra.constructors import Algebra
from symhep.graph import Node, is_const, value_of
from symhep.ops import OPS, REDUCTIONS
from symhep.passes.split_complex import LN2, LN10
from symhep.tracing.custom import OPAQUE, partials_of, written

# correct to 60 digits, as the other irrational constants are
TWO_OVER_ROOT_PI = Fraction(1128379167095512573896158903121545171688101258657997713688171, 10**60)


class Partial(NamedTuple):
    """A partial derivative: a factor, and the condition under which the argument counts at all.

    factor     None where the derivative is zero by structure
    condition  the argument counts only where this has the value `holds`; None: everywhere
    """

    factor: Node | None
    condition: Node | None = None
    holds: bool = True


NOTHING = Partial(None)


class Term:
    """A node in a rule's text: operators and functions on it make further nodes."""

    __slots__ = ("algebra", "node")

    def __init__(self, algebra: Algebra, node: Node) -> None:
        self.algebra, self.node = algebra, node

    def _with(self, method: str, other: Any, swap: bool = False) -> Term:
        pair = (self.node, node_of(self.algebra, other))
        return Term(self.algebra, getattr(self.algebra, method)(*(pair[::-1] if swap else pair)))

    def _compared(self, op: str, other: Any) -> Term:
        return Term(self.algebra, self.algebra.op(op, self.node, node_of(self.algebra, other)))

    def __add__(self, other: Any) -> Term:
        return self._with("add", other)

    def __radd__(self, other: Any) -> Term:
        return self._with("add", other, swap=True)

    def __sub__(self, other: Any) -> Term:
        return self._with("sub", other)

    def __rsub__(self, other: Any) -> Term:
        return self._with("sub", other, swap=True)

    def __mul__(self, other: Any) -> Term:
        return self._with("mul", other)

    def __rmul__(self, other: Any) -> Term:
        return self._with("mul", other, swap=True)

    def __truediv__(self, other: Any) -> Term:
        return self._with("div", other)

    def __rtruediv__(self, other: Any) -> Term:
        return self._with("div", other, swap=True)

    def __neg__(self) -> Term:
        return Term(self.algebra, self.algebra.neg(self.node))

    def __le__(self, other: Any) -> Term:
        return self._compared("le", other)

    def __lt__(self, other: Any) -> Term:
        return self._compared("lt", other)

    def __eq__(self, other: Any) -> Term:  # type: ignore[override]
        return self._compared("eq", other)

    __hash__ = None  # type: ignore[assignment]


def node_of(a: Algebra, value: Any) -> Node:
    """The node of a term or of a number."""
    return value.node if isinstance(value, Term) else a.const(value)


def _where(c: Term, x: Any, y: Any) -> Term:
    a = c.algebra
    return Term(a, a.select(c.node, node_of(a, x), node_of(a, y)))


def _inverse(d: Term) -> Term:
    """1/d, and 0 where d is 0."""
    return _where(d == 0, 0, 1 / d)


def _above(x: Term, y: Term) -> Term:
    """Whether x is what maximum(x, y) takes: of two equals always the same, in whatever order they are given.

    A constant is taken last, so that maximum(x, 0) has the slope of |x| at zero; `_below` takes the other of two
    equals. So maximum(x, y) + minimum(x, y) has the derivatives of x + y everywhere.
    """
    return y <= x if _first(x, y) else y < x


def _below(x: Term, y: Term) -> Term:
    """Whether x is what minimum(x, y) takes."""
    return x < y if _first(x, y) else x <= y


def _first(x: Term, y: Term) -> bool:
    return (is_const(x.node), x.node.key) < (is_const(y.node), y.node.key)


def _copysign(x: Any, y: Term) -> Term:
    return Term(y.algebra, y.algebra.op("copysign", node_of(y.algebra, x), y.node))


def _power(x: Term, exponent: Any) -> Term:
    return Term(x.algebra, x.algebra.power(x.node, exponent))


def _pow(x: Term, y: Term) -> Term:
    return Term(x.algebra, x.algebra.op("pow", x.node, y.node))


def _function(op: str) -> Callable[[Term], Term]:
    return lambda x: Term(x.algebra, x.algebra.op(op, x.node))


# What may stand in a rule beside x, y, z, r and n
FUNCTIONS: dict[str, Any] = {
    "where": _where,
    "inverse": _inverse,
    "copysign": _copysign,
    "above": _above,
    "below": _below,
    "power": _power,
    "pow": _pow,
    "LN2": LN2,
    "LN10": LN10,
    "TWO_OVER_ROOT_PI": TWO_OVER_ROOT_PI,
    **{op: _function(op) for op in ("sqrt", "exp", "log", "sin", "cos", "sinh", "cosh")},
}


@cache
def _read(text: str) -> tuple[CodeType | None, ...]:
    """The code of each partial derivative; None for one that is zero."""
    body = ast.parse(text, mode="eval").body
    parts = body.elts if isinstance(body, ast.Tuple) else [body]
    zero = [isinstance(p, ast.Constant) and p.value == 0 for p in parts]
    return tuple([None if z else compile(ast.Expression(p), "<rule>", "eval") for p, z in zip(parts, zero)])


def depends(op: str, position: int) -> bool:
    """Whether an operation has a derivative by one of its arguments that is not zero by structure.

    >>> depends("copysign", 0), depends("copysign", 1)
    (True, False)
    """
    return op in OPAQUE or op in REDUCTIONS or _codes(op)[position] is not None


def _codes(op: str) -> tuple[CodeType | None, ...]:
    text = OPS[op].derivative
    if text is None:
        raise ValueError(f"{op!r} has no derivative rule: lower the graph first")
    return _read(text)


def partial(a: Algebra, node: Node, position: int) -> Partial:
    """The derivative of a node by one of its arguments, all in the graph that `a` builds."""
    if node.op in OPAQUE:
        return _chosen(written(a.build, partials_of(node), (*node.args, node))[position])
    code = _codes(node.op)[position]
    if code is None:
        return NOTHING
    names = {name: Term(a, x) for name, x in zip("xyz", node.args)}
    names["r"] = Term(a, node)
    if node.attrs:
        names["n"] = node.attrs[0]
    found = node_of(a, eval(code, FUNCTIONS, names))
    return _chosen(found)


def _chosen(found: Node) -> Partial:
    """select(c, 1, 0) as the condition c, so that nothing is multiplied by zero where it does not hold."""
    if found.op == "select" and all(is_const(x) for x in found.args[1:]):
        pair = tuple([value_of(x) for x in found.args[1:]])
        if pair in ((1, 0), (0, 1)):
            return Partial(found.args[1 if pair[0] else 2], found.args[0], pair == (1, 0))
    if is_const(found) and value_of(found) == 0:
        return NOTHING
    return Partial(found)
