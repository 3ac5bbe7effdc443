"""What the formulas of special functions are made of: fitted polynomials, exact steps, periods."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath

from symhep.special.fits import Fit
from symhep.tracing.expansions import where

__all__ = ["exactly", "fitted", "horner", "keep", "nearest", "polynomial", "sine_pi", "where"]


def exactly(function: Callable[[], Any]) -> Fraction:
    """A constant to 100 digits, cut off there, as formulas read from sympy have it.

    >>> float(exactly(lambda: mpmath.pi))
    3.141592653589793
    """
    with mpmath.workdps(120):
        return Fraction(int(mpmath.floor(function() * 10**100)), 10**100)


PI = exactly(lambda: +mpmath.pi)
ROOT_PI = exactly(lambda: mpmath.sqrt(mpmath.pi))
ROOT_2PI = exactly(lambda: mpmath.sqrt(2 * mpmath.pi))
ROOT_HALF = exactly(lambda: mpmath.sqrt(mpmath.mpf(1) / 2))
HALF_LOG_2PI = exactly(lambda: mpmath.log(2 * mpmath.pi) / 2)


def keep(x: Any) -> Any:
    """x as a stage that nothing is rewritten across: what the optimiser took apart would not round as it has to."""
    return x._recorder.apply("keep", (x._node,))


def fitted(name: str, t: Any) -> Any:
    """The value of a fit of the table at t in [-1, 1]."""
    from symhep.special.coefficients import FITS

    return polynomial(FITS[name], t)


def polynomial(fit: Fit, t: Any) -> Any:
    """The value of a fit at t: by Horner's rule, or by Clenshaw's for Chebyshev polynomials."""
    *lower, last = fit.coefficients
    if fit.basis == "power":
        total = t._recorder.value(last)
        for c in reversed(lower):
            total = keep(total * t + c)
        return total
    twice = 2 * t
    b1, b2 = t._recorder.value(last), t._recorder.value(0)
    for c in reversed(lower[1:]):
        b1, b2 = keep(twice * b1 - b2 + c), b1
    return keep(t * b1 - b2 + lower[0]) if lower else b1


def horner(coefficients: Any, x: Any) -> Any:
    """A polynomial with given coefficients, from degree 0 on."""
    *lower, last = coefficients
    total = x._recorder.value(last)
    for c in reversed(lower):
        total = keep(total * x + c)
    return total


def nearest(x: Any) -> tuple[Any, Any]:
    """The nearest integer, and what x is away from it: exact. Beyond 2**52 all is integer."""
    whole = x.rint()
    return whole, keep(x - whole)


def sine_pi(away: Any) -> Any:
    """sin(pi x) for |x| <= 1/2."""
    return (away * PI).sin()
