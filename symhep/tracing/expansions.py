"""What NumPy offers beyond the operation table, in terms of it: one small function each.

Every function takes and returns traced scalars, numbers unless its name says logical; `EXPANSIONS` maps NumPy's name to
it. The elementary functions and the operators of a traced scalar make the nodes, so an expansion reads like a formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

LOG_2 = math.log(2)


def number(x):
    """A boolean as 1 or 0; anything else as it is."""
    return where(x, 1, 0) if x.kind == "bool" else x


def truth(x):
    """A number as the condition that it is not zero; a boolean as it is."""
    return x if x.kind == "bool" else x != 0


def where(condition, a, b):
    """a where the condition holds, else b; booleans stay booleans if both are."""
    condition = truth(condition)
    make = condition._recorder
    a, b = make.value(a), make.value(b)
    if not a.kind == b.kind == "bool":
        a, b = number(a), number(b)
    return make.apply("select", (condition._node, a._node, b._node))


def power(x, y):
    """x to the power y; a constant y is kept exactly, and 1/2 is the square root."""
    exponent = constant_exponent(y)
    if exponent is None:
        return x._recorder.apply("pow", (x._node, y._node))
    return constant_power(x, exponent)


def constant_exponent(y):
    """The exact value of a real finite constant; None for anything else."""
    value = y._node.attrs[0] if y._node.op == "const" else None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def constant_power(x, exponent):
    """x to an exponent that is an int, a Fraction or a float."""
    if isinstance(exponent, float):
        exact = Fraction(exponent)
        exponent = exact if exact.denominator <= 8 else exponent
    if exponent == Fraction(1, 2):
        return x._recorder.apply("sqrt", (x._node,))
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        exponent = exponent.numerator
    return x._recorder.apply("power", (x._node,), (exponent,))


def positive(x):
    """+x."""
    return x


def square(x):
    """x*x."""
    return x * x


def reciprocal(x):
    """1/x."""
    return 1 / x


def floor_divide(x, y):
    """The largest integer not above x/y."""
    return (x / y).floor()


def remainder(x, y):
    """x - y*floor(x/y), with the sign of y."""
    return x - y * (x / y).floor()


def fmod(x, y):
    """x - y*trunc(x/y), with the sign of x."""
    return x - y * (x / y).trunc()


def divmod_(x, y):
    """Quotient and remainder of floor division."""
    whole = floor_divide(x, y)
    return whole, x - y * whole


def modf(x):
    """Fractional and integral part, both with the sign of x."""
    whole = x.trunc()
    return x - whole, whole


def hypot(x, y):
    """sqrt(x*x + y*y): overflows where a square does."""
    return (x * x + y * y).sqrt()


def absolute_complex(z):
    """The modulus of a complex value."""
    return hypot(z.real, z.imag)


def sign(x):
    """-1, 0 or 1; NaN where x is NaN. Of zero and NaN, trunc is the same with no slope."""
    if x.kind == "complex":
        size = absolute_complex(x)
        zero = size == 0
        return where(zero, x, x / where(zero, 1, size))
    return where(x > 0, 1, where(x < 0, -1, x.trunc()))


def signbit(x):
    """Whether the sign bit is set, also that of -0."""
    return x._recorder.value(1).copysign(x) < 0


def fabs(x):
    """The magnitude of a real value."""
    return abs(x)


def heaviside(x, at_zero):
    """0 below zero, 1 above, at_zero at zero."""
    return where(x < 0, 0, where(x > 0, 1, where(x == 0, at_zero, x)))


def fmin(x, y):
    """The smaller of two; the other one where one is NaN."""
    return where(isnan(x), y, where(isnan(y), x, x.minimum(y)))


def fmax(x, y):
    """The larger of two; the other one where one is NaN."""
    return where(isnan(x), y, where(isnan(y), x, x.maximum(y)))


def clip(x, low, high):
    """x limited to [low, high]."""
    return x.maximum(low).minimum(high)


def logaddexp(x, y):
    """log(exp(x) + exp(y)) without overflow."""
    larger, difference = _larger(x, y)
    return where(abs(larger) == math.inf, larger, larger + difference.exp().log1p())


def logaddexp2(x, y):
    """log2(2**x + 2**y) without overflow."""
    larger, difference = _larger(x, y)
    return where(abs(larger) == math.inf, larger, larger + difference.exp2().log1p() * (1 / LOG_2))


def _larger(x, y):
    """The larger of two values and -|x - y|, so written that derivatives are right where the two are equal."""
    larger = x.maximum(y)
    return larger, (x - larger) + (y - larger)


def radians(x):
    """Degrees to radians."""
    return x * (math.pi / 180)


def degrees(x):
    """Radians to degrees."""
    return x * (180 / math.pi)


def isnan(x):
    """Whether x is NaN."""
    return isnan(x.real) | isnan(x.imag) if x.kind == "complex" else x != x


def isinf(x):
    """Whether x is infinite."""
    return isinf(x.real) | isinf(x.imag) if x.kind == "complex" else abs(x) == math.inf


def isfinite(x):
    """Whether x is neither infinite nor NaN."""
    return isfinite(x.real) & isfinite(x.imag) if x.kind == "complex" else abs(x) < math.inf


def logical_and(x, y):
    """Both, with numbers true where not zero."""
    return truth(x) & truth(y)


def logical_or(x, y):
    """Either, with numbers true where not zero."""
    return truth(x) | truth(y)


def logical_xor(x, y):
    """Just one, with numbers true where not zero."""
    return truth(x) ^ truth(y)


def logical_not(x):
    """Not, with numbers true where not zero."""
    return ~truth(x)


def angle(z):
    """The argument of a complex value."""
    return z.imag.arctan2(z.real)


def sinc(x):
    """sin(pi x)/(pi x): near zero its series, whose derivatives keep their digits."""
    y = math.pi * x
    near = abs(y) < 1
    square, far = where(near, y * y, 0), where(near, 1, y)
    series = 0
    for k in reversed(range(10)):
        series = series * square + Fraction((-1) ** k, math.factorial(2 * k + 1))
    return where(near, series, far.sin() / far)


def expit(x):
    """1/(1 + exp(-x))."""
    return 1 / (1 + (-x).exp())


def logit(x):
    """log(x/(1 - x))."""
    return (x / (1 - x)).log()


def xlogy(x, y):
    """x*log(y), 0 where x is 0 and y is a number."""
    zero = (x == 0) & (y == y)
    return where(zero, 0, x * where(zero, 1, y).log())


EXPANSIONS: dict[str, Callable] = {
    "power": power,
    "float_power": power,
    "positive": positive,
    "square": square,
    "reciprocal": reciprocal,
    "floor_divide": floor_divide,
    "remainder": remainder,
    "fmod": fmod,
    "divmod": divmod_,
    "modf": modf,
    "hypot": hypot,
    "sign": sign,
    "signbit": signbit,
    "fabs": fabs,
    "heaviside": heaviside,
    "fmin": fmin,
    "fmax": fmax,
    "clip": clip,
    "logaddexp": logaddexp,
    "logaddexp2": logaddexp2,
    "radians": radians,
    "deg2rad": radians,
    "degrees": degrees,
    "rad2deg": degrees,
    "isnan": isnan,
    "isinf": isinf,
    "isfinite": isfinite,
    "logical_and": logical_and,
    "logical_or": logical_or,
    "logical_xor": logical_xor,
    "logical_not": logical_not,
    "angle": angle,
    "sinc": sinc,
    # functions that SciPy has as ufuncs
    "expit": expit,
    "logit": logit,
    "xlogy": xlogy,
}

# What needs an order or a rounding, and so has no meaning for complex numbers
_REAL_ONLY = """
    floor_divide remainder fmod divmod modf hypot signbit fabs heaviside fmin fmax clip logaddexp logaddexp2
    radians deg2rad degrees rad2deg
"""
REAL_ONLY = frozenset(_REAL_ONLY.split())
