"""What sympy has not evaluated: sums with bounds, derivatives, integrals, functions that others can stand for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy

from symhep.symbolic.steps import Step, constant, same

MOST_TERMS = 10_000
_DIGITS = 80


class Refused(Exception):
    """There is no way to evaluate an expression: says why, and what to write instead."""


def refuse(why: str) -> Step:
    """Raise Refused."""
    raise Refused(why)


# -- sums and products -----------------------------------------------------------------------------------------------


def series(expr: Any) -> Step:
    """A Sum or Product: written out where its bounds are integers, else as what sympy finds for it."""
    *inner, (variable, *bounds) = expr.limits
    if len(bounds) != 2 or not all(b.is_Integer for b in bounds) or bounds[1] < bounds[0] - 1:
        return _closed_form(expr)
    low, high = map(int, bounds)
    if high - low >= MOST_TERMS:
        raise Refused(f"over {variable} has {high - low + 1} terms, more than {MOST_TERMS}: give a closed form")
    term = expr.func(expr.function, *inner) if inner else expr.function
    combine, empty = (operator.add, 0) if isinstance(expr, sympy.Sum) else (operator.mul, 1)
    if high < low:
        return constant, (empty,)
    terms = [term.xreplace({variable: sympy.Integer(k)}) for k in range(low, high + 1)]
    return (lambda *values: reduce(combine, values)), terms


def _closed_form(expr: Any) -> Step:
    found = _done(expr)
    if found is None:
        ranges = ", ".join([f"{v} from {b[0]} to {b[1]}" if len(b) == 2 else f"{v}" for v, *b in expr.limits])
        raise Refused(f"over {ranges}: sympy finds no closed form; give integers as bounds")
    return same, [found]


# -- by sympy's own rules --------------------------------------------------------------------------------------------


def done(why: str) -> Callable[[Any], Step]:
    """What `doit` gives; refused where it leaves the expression as it is."""

    def plan(expr: Any) -> Step:
        found = _done(expr)
        if found is None:
            raise Refused(why)
        return same, [found]

    return plan


def _done(expr: Any) -> Any:
    """What `doit` gives; None where that has such an expression still, or is undefined."""
    try:
        found = expr.doit()
    except (ValueError, TypeError, NotImplementedError, AttributeError, ZeroDivisionError):
        return None
    return None if found.has(type(expr), sympy.nan) else found


def written_out(expr: Any) -> Step | None:
    """An expression of an unknown class in terms of others, or the value of a number; None where neither is known."""
    if hasattr(expr, "_imp_"):  # sympy.utilities.lambdify.implemented_function
        return expr._imp_, expr.args
    for found in _rewritten(expr):
        if found != expr and not found.has(expr.func):
            return same, [found]
    return number(expr)


def _rewritten(expr: Any) -> Iterator[Any]:
    """What sympy makes of the expression alone, whatever its arguments are."""
    ways: list[Callable[[], Any]] = [
        lambda: expr.doit(deep=False),
        lambda: sympy.expand_func(expr, deep=False),
        lambda: expr.rewrite(sympy.Piecewise, deep=False),
    ]
    for way in ways:
        try:
            found = way()
        except (ValueError, TypeError, NotImplementedError, AttributeError):
            continue
        if isinstance(found, (sympy.Basic, sympy.MatrixBase)):
            yield found


def number(expr: Any) -> Step | None:
    """The value of a constant, to far more digits than a float has."""
    if not isinstance(expr, sympy.Expr) or expr.free_symbols:
        return None
    value = expr.n(_DIGITS, chop=True)
    re, im = value.as_real_imag()
    if not (re.is_Float or re.is_Integer) or not (im.is_Float or im.is_Integer):
        return None
    return constant, (exact(re) if im == 0 else complex(re, im),)


def exact(value: Any) -> Any:
    """A Float as the number that it is: a float where that holds it, else a fraction."""
    if value.is_Integer:
        return int(value)
    sign, mantissa, exponent, _ = value._mpf_
    if not mantissa:
        return float(value)
    number = Fraction(-mantissa if sign else mantissa) * Fraction(2) ** exponent
    return float(number) if value._prec <= 53 else number


# -- sets ------------------------------------------------------------------------------------------------------------


def contains(expr: Any) -> Step:
    """Whether a number lies in a set, as relations."""
    number, given = expr.args
    try:
        return same, [given.as_relational(number)]
    except (NotImplementedError, AttributeError, TypeError, ValueError):
        raise Refused(f"in {type(given).__name__}: give relations, such as (x > 0) & (x < 1)") from None
