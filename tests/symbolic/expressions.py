"""Random sympy expressions, and what sympy's lambdify with mpmath makes of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import mpmath
import sympy
from hypothesis import strategies as st
from sympy.functions.elementary.hyperbolic import InverseHyperbolicFunction
from sympy.functions.elementary.trigonometric import InverseTrigonometricFunction

DIGITS = 60
REALS = sympy.symbols("x y z")
COMPLEX = sympy.Symbol("c", complex=True)
NUMBERS = [sympy.Integer(k) for k in (-3, -1, 0, 1, 2, 7)]
NUMBERS += [sympy.Rational(2, 3), sympy.Rational(-5, 4), sympy.Float("0.1"), sympy.pi, sympy.E, sympy.sqrt(2)]
EXPONENTS = [2, 3, -1, -2, sympy.S.Half, -sympy.S.Half, sympy.Rational(1, 3), sympy.Rational(5, 2)]
ONE = [
    sympy.sin, sympy.cos, sympy.tan, sympy.exp, sympy.log, sympy.asin, sympy.acos, sympy.atan, sympy.sinh, sympy.cosh,
    sympy.tanh, sympy.asinh, sympy.acosh, sympy.atanh, sympy.sec, sympy.csc, sympy.cot, sympy.coth, sympy.sech,
    sympy.asec, sympy.acot, sympy.sinc, sympy.Abs, sympy.re, sympy.im, sympy.conjugate,
]  # fmt: skip
REAL_ONLY = [sympy.sign, sympy.floor, sympy.ceiling, sympy.frac, sympy.erf, sympy.Heaviside]
RELATIONS = [sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge, sympy.Eq, sympy.Ne]


@st.composite
def expressions(draw: Any, complex_values: bool = False) -> Any:
    """A random expression of a few operations; half of them are left as they are put together."""
    pool: list[Any] = [*REALS, *([COMPLEX] if complex_values else [])]
    for _ in range(draw(st.integers(1, 9))):
        evaluate = draw(st.booleans())
        try:
            made = draw(_step(pool, complex_values, evaluate))
        except (ValueError, ZeroDivisionError):  # sympy's: a remainder of zero, numbers that it cannot compare
            continue
        if isinstance(made, sympy.Expr) and not made.has(sympy.nan, sympy.zoo, sympy.oo, sympy.AccumBounds):
            pool.append(made)
    return pool[-1]


@st.composite
def _step(draw: Any, pool: list[Any], complex_values: bool, evaluate: bool) -> Any:
    def operand() -> Any:
        return draw(st.sampled_from(pool + pool + NUMBERS))

    def condition() -> Any:
        a, b = draw(st.sampled_from(REALS)), draw(st.sampled_from([*REALS, *NUMBERS[:6]]))
        return draw(st.sampled_from(RELATIONS))(a, b, evaluate=evaluate)

    kinds = ["add", "mul", "pow", "one", "piecewise"] + ["real", "extreme", "atan2", "mod"] * (not complex_values)
    kind = draw(st.sampled_from(kinds))
    if kind in ("add", "mul"):
        cls = sympy.Add if kind == "add" else sympy.Mul
        return cls(*[operand() for _ in range(draw(st.integers(2, 4)))], evaluate=evaluate)
    if kind == "pow":
        return sympy.Pow(operand(), draw(st.sampled_from(EXPONENTS)), evaluate=evaluate)
    if kind == "one":
        return draw(st.sampled_from(ONE))(operand(), evaluate=evaluate)
    if kind == "real":
        return draw(st.sampled_from(REAL_ONLY))(operand())
    if kind == "extreme":
        return draw(st.sampled_from([sympy.Min, sympy.Max]))(operand(), operand(), evaluate=evaluate)
    if kind == "atan2":
        return sympy.atan2(operand(), operand(), evaluate=evaluate)
    if kind == "mod":
        return sympy.Mod(operand(), operand(), evaluate=evaluate)
    first = condition()
    both = draw(st.sampled_from([sympy.And, sympy.Or, sympy.Xor]))(first, condition())
    test = draw(st.sampled_from([first, both, sympy.Not(first)]))
    return sympy.Piecewise((operand(), test), (operand(), True), evaluate=evaluate)


def by_lambdify(expr: Any, point: dict[Any, Any]) -> Any:
    """The value at a point to DIGITS digits; None where a real-valued part of it has no real, finite value."""
    if not expr.free_symbols or expr.has(sympy.Mod):
        return None  # lambdify writes a fraction alone as a quotient of Python's integers, and Mod(x, 1/y) as x % 1/y
    symbols = list(point)
    parts = [e for e in sympy.postorder_traversal(expr) if isinstance(e, sympy.Expr)]
    try:
        function = sympy.lambdify(symbols, parts, modules=[_named(), "mpmath"])
    except KeyError:  # it has no text for an infinity
        return None
    try:
        found = function(*point.values())
    except (ZeroDivisionError, ValueError, TypeError, OverflowError, AttributeError, NotImplementedError):
        return None
    value_of = dict(zip(parts, found))
    if any(_on_a_cut(part, value_of) for part in parts):
        return None
    for part, value in value_of.items():
        if isinstance(value, float):  # a quotient of Python's integers, to no more than 16 digits
            return None
        value = mpmath.mpmathify(value)
        real = COMPLEX not in part.free_symbols and not part.has(sympy.I)
        if (
            not mpmath.isfinite(value)
            or (real and mpmath.im(value) != 0)
            or 0 < abs(value) < 1e-30
            or abs(value) > 1e30
        ):
            return None
    return mpmath.mpmathify(found[-1])


def _on_a_cut(part: Any, value_of: dict[Any, Any]) -> bool:
    """Whether a complex function is taken of a real number, where NumPy and mpmath may choose different values."""
    cut = isinstance(part, (sympy.Pow, sympy.log, sympy.arg, *InverseTrigonometricFunction.__subclasses__()))
    cut = cut or isinstance(part, tuple(InverseHyperbolicFunction.__subclasses__()))
    return cut and any(COMPLEX in a.free_symbols and mpmath.im(mpmath.mpmathify(value_of[a])) == 0 for a in part.args)


@cache
def _named() -> dict[str, Any]:
    """What lambdify does not spell for mpmath, or spells otherwise than sympy means it."""
    return {
        "Heaviside": lambda x, at_zero=0.5: mpmath.mpf(0 if x < 0 else 1 if x > 0 else at_zero),
        "sinc": lambda x: mpmath.sinc(x),
        "frac": lambda x: x - mpmath.floor(x),
    }
