"""The incomplete gamma functions P(a, x) and Q(a, x) with constant a, and the chi-squared distribution.

Both are x**a exp(-x) times a factor that is fitted when a formula first asks for it: P up to x = a + 1 (DLMF 8.7.1), Q
in 1/x above (DLMF 8.11.2); elsewhere each is one minus the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath

from symhep.special.fits import Fit, on
from symhep.special.node import Special, constant, special
from symhep.special.series import exactly, keep, polynomial, where

MOST = 200  # a up to here


def _real(a: Any) -> Any:
    return mpmath.mpf(a.numerator) / a.denominator


@cache
def _lower_fit(a: Fraction) -> Fit:
    """P(a, x) gamma(a + 1) x**-a exp(x) on 0 <= x <= a + 1."""
    return on(0, float(a) + 1, lambda x: mpmath.hyp1f1(1, _real(a) + 1, x))


@cache
def _upper_fit(a: Fraction) -> Fit:
    """Q(a, x) gamma(a) x**(1 - a) exp(x) on x >= a + 1, in (a + 1)/x."""
    edge = float(a) + 1

    def factor(w: Any) -> Any:
        x = edge / w
        return x * mpmath.hyperu(1, 1 + _real(a), x)

    return on(0, 1, factor)


def _both(a: Fraction, x: Any) -> tuple[Any, Any]:
    """P and Q for x > 0."""
    edge = float(a) + 1
    size = exactly(lambda: _real(a) ** _real(a) * mpmath.exp(-_real(a)) / mpmath.gamma(_real(a) + 1))
    root = keep((x / float(a)) ** (a / 4) * ((float(a) - x) / 4).exp())  # of the power, lest it overflows
    power = size * keep(root * root) * keep(root * root)
    lower = power * polynomial(_lower_fit(a), 2 / edge * x.minimum(edge) - 1)
    y = x.maximum(edge)
    upper = power * float(a) / y * polynomial(_upper_fit(a), 2 * edge / y - 1)
    return where(x < edge, lower, 1 - upper), where(x < edge, 1 - lower, upper)


def _within(a: Any, x: Any, which: int) -> Any:
    a = Fraction(a)
    inside = (x > 0) & (x < math.inf)
    value = _both(a, where(inside, x, 1))[which]
    zero, one = (0, 1) if which == 0 else (1, 0)
    return where(inside, value, where(x == 0, zero, where(x == math.inf, one, math.nan)))


def _density(a: Any, x: Any) -> Any:
    """The derivative of P by x; at zero its limit."""
    a = Fraction(a)
    size = exactly(lambda: 1 / mpmath.gamma(_real(a)))
    return size * x ** (a - 1) * (-x).exp()


def _incomplete(name: str, which: int, sign: int, exact: Callable[..., Any]) -> Special:
    return special(
        name,
        "x",
        lambda a, x: _within(a, x, which),
        lambda a, x, r: sign * _density(a, x),
        lambda a, x: exact(_real(a), x) if x >= 0 else mpmath.nan,
        parameters="a",
        kinds="real",
        least=0.01,
        most=MOST,
    )


gammainc: Special = _incomplete("gammainc", 0, 1, lambda a, x: mpmath.gammainc(a, 0, x, regularized=True))
gammaincc: Special = _incomplete("gammaincc", 1, -1, lambda a, x: mpmath.gammainc(a, x, mpmath.inf, regularized=True))


def gamma_of(a: Any) -> Fraction:
    """The gamma function of a constant, to 100 digits.

    >>> gamma_of(5)
    Fraction(24, 1)
    """
    exact = Fraction(constant(a, "gamma_of", "a", "real"))
    return exactly(lambda: mpmath.gamma(_real(exact)))


def chdtr(v: Any, x: Any) -> Any:
    """The chi-squared distribution with a constant number v of degrees of freedom: the probability below x.

    >>> round(float(chdtr(2, 2.0)), 6)
    0.632121
    """
    return gammainc(constant(v, "chdtr", "v", "real") * Fraction(1, 2), x / 2)


def chdtrc(v: Any, x: Any) -> Any:
    """The probability above x of the chi-squared distribution with v degrees of freedom: the p-value.

    >>> round(float(chdtrc(2, 2.0)), 6)
    0.367879
    """
    return gammaincc(constant(v, "chdtrc", "v", "real") * Fraction(1, 2), x / 2)
