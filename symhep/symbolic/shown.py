"""Large expressions that are shown in part: in a notebook, and wherever LaTeX is made of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair

# How much of an expression is shown: operations and symbols in all, levels, and terms of one sum or product
MOST, DEPTH, TERMS = 400, 12, 20

_ELLIPSIS = sympy.Symbol(r"\ldots")
_LONG = (sympy.Add, sympy.Mul, sympy.Min, sympy.Max, sympy.And, sympy.Or)


def unevaluated(cls: Any, *args: Any) -> Any:
    """An expression that is not evaluated.

    The classes' own constructors compare with what they have made before, which recurses through deep expressions.
    """
    made = sympy.Basic.__new__(cls, *args)
    if issubclass(cls, (sympy.Add, sympy.Mul, sympy.Pow)):
        made.is_commutative = True
    if issubclass(cls, (sympy.Min, sympy.Max, sympy.And, sympy.Or)):
        made._argset = frozenset(args)
    hash(made)  # kept by the object: later, it would recurse
    return made


def abridged(expr: Any) -> Any:
    """An expression; if it is large, one that equals it, of which LaTeX and notebooks show a part."""
    if not expr.args or isinstance(expr, AppliedUndef) or _size(expr) <= MOST:
        return expr
    cls: Any = type(expr)
    return unevaluated(_shown_in_part(cls), *expr.args)


def _size(expr: Any) -> int:
    """The number of operations and symbols of an expression as it would be written, as far as it is not above MOST."""
    size, stack = 0, [expr]
    while stack and size <= MOST:
        size += 1
        stack += stack.pop().args
    return size


@cache
def _shown_in_part(plain: Any) -> Any:
    """The subclass of a class of expressions whose LaTeX is cut."""
    return type(plain)(plain.__name__, (_Large, plain), {"__slots__": (), "plain": plain})


class _Large:
    """What differs in a large expression."""

    __slots__ = ()
    plain: Any
    args: tuple

    @property
    def func(self) -> Any:
        return self.plain

    def __eq__(self, other: object) -> bool:
        same = getattr(other, "func", None) is self.plain
        return same and self.args == other.args  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return self.plain.__hash__(self)

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return unevaluated, (self.plain, *self.args)

    def _latex(self, printer: Any, **_options: Any) -> str:
        return printer._print(part(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(part(self)).replace(str(_ELLIPSIS), "..."))


def part(expr: Any) -> Any:
    """The outer levels of an expression, with an ellipsis for the rest."""
    level, kept, number = [expr], {}, 0
    for depth in range(DEPTH):
        below: list[Any] = []
        for e in level:
            room = depth < DEPTH - 1 and number < MOST // 2
            kept[id(e)] = shown = _arguments(e) if room else ()
            number += len(shown)
            below += shown
        level = below
    return _with(expr, kept)


def _arguments(expr: Any) -> tuple:
    return expr.args[:TERMS] if isinstance(expr, _LONG) else expr.args


def _with(expr: Any, kept: dict[int, tuple]) -> Any:
    if not expr.args:
        return expr
    args = kept.get(id(expr), ())
    if not args and not isinstance(expr, ExprCondPair):
        return _ELLIPSIS
    parts = [_with(a, kept) for a in args or expr.args]
    return unevaluated(expr.func, *parts, *([_ELLIPSIS] if len(parts) < len(expr.args) else []))
