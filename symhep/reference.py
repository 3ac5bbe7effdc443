"""What each operation means, to any precision: the functions that the table names where mpmath or operator has none.

They follow the real-valued NumPy function where one exists: outside its domain the result is NaN, not complex.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath

from symhep.ops import OPS, resolve

NAN = mpmath.nan
INF = mpmath.inf


def number(value: Any) -> Any:
    """An exact constant as an mpmath number at the working precision.

    >>> number(Fraction(1, 2))
    mpf('0.5')
    """
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return mpmath.mpf(value)


def _complex(x: Any) -> bool:
    return isinstance(x, mpmath.mpc)


def _on(condition: Callable[[Any], bool], function: Callable[[Any], Any], edge: dict | None = None):
    """A real function with NaN outside its domain and given values at its edges; complex arguments pass through."""

    def restricted(x):
        if _complex(x):
            return function(x)
        if edge and x in edge:
            return edge[x]
        return function(x) if condition(x) else NAN

    return restricted


sqrt = _on(lambda x: x >= 0, mpmath.sqrt)
log = _on(lambda x: x > 0, mpmath.log, {0: -INF})
log1p = _on(lambda x: x > -1, lambda x: mpmath.log1p(x), {-1: -INF})
acosh = _on(lambda x: x >= 1, mpmath.acosh)


def _on_cut(function: Callable[[Any], Any], cut: Callable[[Any], bool], mirrored: Callable[[Any], Any]):
    """A function with NumPy's values on a branch cut, for a zero without sign; mpmath has those of the other side."""

    def corrected(z):
        return mirrored(function(z)) if _complex(z) and cut(z) else function(z)

    return corrected


def _right(z) -> bool:
    return z.imag == 0 and z.real > 1


def _below(z) -> bool:
    return z.real == 0 and z.imag < -1


def _other_side(z):
    return -mpmath.conj(z)


asin = _on(lambda x: abs(x) <= 1, _on_cut(mpmath.asin, _right, mpmath.conj))
acos = _on(lambda x: abs(x) <= 1, _on_cut(mpmath.acos, _right, mpmath.conj))
asinh = _on_cut(mpmath.asinh, _below, _other_side)


def _atanh(z):
    """For complex z in a form in which nothing cancels: mpmath loses the smaller part of a large argument's."""
    if not _complex(z):
        return mpmath.atanh(z)
    x, y = abs(z.real), z.imag
    distance = (1 - x) ** 2 + y**2
    if distance == 0:
        return NAN
    re, im = mpmath.log1p(4 * x / distance) / 4, mpmath.atan2(2 * y, (1 - x) * (1 + x) - y**2) / 2
    return mpmath.mpc(-re if z.real < 0 else re, im)


def atan(z):
    """Arctangent; complex by way of atanh."""
    return -1j * _atanh(1j * z) if _complex(z) else mpmath.atan(z)


atanh = _on(lambda x: abs(x) < 1, _atanh, {1: INF, -1: -INF})


def log2(x):
    """Logarithm to base 2."""
    return log(x) / mpmath.log(2)


def log10(x):
    """Logarithm to base 10."""
    return log(x) / mpmath.log(10)


def exp2(x):
    """2 to the power x."""
    return mpmath.power(2, x)


def cbrt(x):
    """Real cube root, odd in x."""
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


def divide(x, y):
    """x / y with IEEE results for a zero denominator."""
    if y == 0:
        if _complex(x) or _complex(y) or x == 0 or mpmath.isnan(x):
            return NAN
        return mpmath.sign(x) * INF
    return x / y


def power(x, exponent):
    """x to a constant rational exponent."""
    if x == 0 and exponent < 0:
        return NAN if _complex(x) else INF
    if not _complex(x) and x < 0 and exact_denominator(exponent) != 1:
        return NAN
    return mpmath.power(x, number(exponent))


def exact_denominator(exponent) -> int:
    """The denominator of an exact exponent (1 for an integer)."""
    return Fraction(exponent).denominator


def pow(x, y):
    """x to the power y; NaN for a negative real base with a fractional exponent."""
    if _complex(x) or _complex(y):
        return mpmath.power(x, y)
    if y == 0 or x == 1:
        return mpmath.mpf(1)
    if x == 0:
        return INF if y < 0 else mpmath.mpf(0)
    if x < 0 and not mpmath.isint(y):
        return NAN
    return mpmath.power(x, y)


def weighted_sum(*values, attrs):
    """c0 x0 + c1 x1 + ... + constant, for attrs = (coefficients, constant)."""
    coefficients, constant = attrs
    return mpmath.fsum([number(c) * v for c, v in zip(coefficients, values, strict=True)]) + number(constant)


def power_product(*values, attrs):
    """x0**e0 x1**e1 ..., for attrs = (exponents,)."""
    result = mpmath.mpf(1)
    for v, e in zip(values, attrs[0], strict=True):
        result *= power(v, e)
    return result


def copysign(x, y):
    """|x| with the sign of y (mpmath has no negative zero)."""
    return -abs(x) if y < 0 else abs(x)


def minimum(x, y):
    """The smaller; NaN if either is."""
    return NAN if mpmath.isnan(x) or mpmath.isnan(y) else min(x, y)


def maximum(x, y):
    """The larger; NaN if either is."""
    return NAN if mpmath.isnan(x) or mpmath.isnan(y) else max(x, y)


def _rounded(function: Callable[[Any], Any]):
    return lambda x: function(x) if mpmath.isfinite(x) else x


floor = _rounded(mpmath.floor)
ceil = _rounded(mpmath.ceil)
trunc = _rounded(lambda x: mpmath.floor(x) if x >= 0 else mpmath.ceil(x))
rint = _rounded(mpmath.nint)


def select(condition, x, y):
    """x where the condition holds, else y."""
    return x if condition else y


def sincos(x):
    """(sin x, cos x)."""
    return mpmath.sin(x), mpmath.cos(x)


def item(pair, index):
    """One of several results."""
    return pair[index]


def imag(x):
    """The imaginary part; NaN of NaN, which is real to mpmath."""
    return NAN if mpmath.isnan(x) else mpmath.im(x)


def identity(x):
    """x itself."""
    return x


def one_event():
    """How many events there are at one point."""
    return mpmath.mpf(1)


def custom(*args: Any, attrs: tuple) -> Any:
    """The value of a registered operation: that of its graph."""
    from symhep.checking.evaluate import Tape

    graph = attrs[0]
    tape = Tape(graph)
    return tape.run({n.attrs[0]: x for n, x in zip(graph.inputs, args)})[tape.results[0][0]]


def special(*args: Any, attrs: tuple) -> Any:
    """The true value of a special function."""
    from symhep.special.node import exact_value

    return exact_value(attrs[0], attrs[1:], args)


_TAKES_ATTRS = {
    "power": "spread",
    "item": "spread",
    **dict.fromkeys(("sum", "product", "custom", "special"), "keyword"),
}


def apply(op: str, attrs: tuple, args: Sequence[Any]) -> Any:
    """The value of one operation at the working precision.

    >>> apply("power", (3,), [mpmath.mpf(2)])
    mpf('8.0')
    """
    if op == "const":
        return number(attrs[0])
    function = resolve(OPS[op].mpmath)
    how = _TAKES_ATTRS.get(op)
    if how == "keyword":
        return function(*args, attrs=attrs)
    return function(*args, *attrs) if how == "spread" else function(*args)
