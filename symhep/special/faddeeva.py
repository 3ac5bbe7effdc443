"""The Faddeeva function w(z) = exp(-z**2) erfc(-i z), the Voigt profile and Dawson's integral.

In the upper half-plane w is Weideman's rational expansion (SIAM J. Numer. Anal. 31 (1994) 1497) within FADDEEVA_EDGE of
zero, Laplace's continued fraction (DLMF 7.9.3) outside it; below the axis w(z) = 2 exp(-z**2) - w(-z) (DLMF 7.4.3).
Dawson's integral is a fit in (x**2 - 6)/(x**2 + 6).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from itertools import zip_longest
from typing import Any

import mpmath
import numpy as np

from symhep.special.node import Special, special
from symhep.special.recipes import DAWSON, FADDEEVA_EDGE, FADDEEVA_SCALE
from symhep.special.series import ROOT_PI, fitted, keep, where

FRACTIONS = 12  # levels of the continued fraction
LARGE = 1e15
WING, WING_TERMS = 200, 15  # from |z/sigma|**2 on, so many terms


def _product(a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    return keep(a[0] * b[0] - a[1] * b[1]), keep(a[0] * b[1] + a[1] * b[0])


def _reciprocal(x: Any, y: Any) -> tuple[Any, Any]:
    """1/(x + i y)."""
    size = keep(x * x + y * y)
    return x / size, -y / size


def _complex_horner(coefficients: Any, z: tuple[Any, Any]) -> tuple[Any, Any]:
    *lower, last = coefficients
    re, im = z[0]._recorder.value(last), z[0]._recorder.value(0)
    for c in reversed(lower):
        re, im = keep(re * z[0] - im * z[1] + c), keep(re * z[1] + im * z[0])
    return re, im


def _near(x: Any, y: Any) -> tuple[Any, Any]:
    """w(x + i y) for y >= 0 within FADDEEVA_EDGE of zero."""
    from symhep.special.coefficients import FITS

    scale = FADDEEVA_SCALE
    inverse = _reciprocal(scale + y, -x)  # 1/(L - i z)
    variable = _product((scale - y, x), inverse)
    p = _complex_horner(FITS["faddeeva"].coefficients, variable)
    square = _product(inverse, inverse)
    re, im = _product(p, square)
    return 2 * re + inverse[0] / ROOT_PI, 2 * im + inverse[1] / ROOT_PI


@cache
def _fraction() -> tuple[list[int | Fraction], list[int | Fraction]]:
    """z/(z - (1/2)/(z - (2/2)/(z - ...))), which is -i sqrt(pi) z w(z), as two polynomials in 1/z**2.

    >>> [p[:2] for p in _fraction()]
    [[1, Fraction(-65, 2)], [1, -33]]
    """
    above, below = [Fraction(1)], [Fraction(1)]
    for k in range(FRACTIONS - 1, 0, -1):  # 1/(1 - (k/2) s above/below), with s = 1/z**2
        shifted = [Fraction(0), *[Fraction(k, 2) * c for c in above]]
        above, below = below, [b - c for b, c in zip_longest(below, shifted, fillvalue=Fraction(0))]
    return [_shortest(c) for c in above], [_shortest(c) for c in below]


def _shortest(c: Fraction) -> int | Fraction:
    return int(c) if c.denominator == 1 else c


def _far(x: Any, y: Any) -> tuple[Any, Any]:
    """w(x + i y) for y >= 0 outside FADDEEVA_EDGE of zero."""
    inverse = _reciprocal(x, y)
    s = _product(inverse, inverse)
    above, below = _fraction()
    top, bottom = _complex_horner(above, s), _complex_horner(below, s)
    ratio = _product(top, _reciprocal(*bottom))
    re, im = _product(ratio, inverse)
    return -im / ROOT_PI, re / ROOT_PI


def _parts(x: Any, y: Any) -> tuple[Any, Any]:
    """Real and imaginary part of w(x + i y)."""
    height, width = abs(y).minimum(LARGE), x.minimum(LARGE).maximum(-LARGE)
    outside = width * width + height * height > FADDEEVA_EDGE**2
    near = _near(where(outside, 0, width), where(outside, 1, height))
    far = _far(where(outside, width, 8), where(outside, height, 8))
    re, im = (where(outside, f, n) for f, n in zip(far, near))
    low = where(y < 0, y, 0)
    size = 2 * keep((low - x) * (low + x)).minimum(1e4).exp()
    angle = 2 * x * low
    re = where(y < 0, size * angle.cos() - re, re)
    return re, where(y < 0, -size * angle.sin() + im, im)


def _dawsn(x: Any) -> Any:
    y = x.minimum(1e8).maximum(-1e8)
    z = y * y
    t = 1 - 2 * DAWSON / (z + DAWSON)
    return where(abs(x) < 1e8, y * (fitted("dawsn", t) / (1 + 2 * z)), 0.5 / where(x == 0, 1, x))


def _exact_w(x: Any, y: Any) -> Any:
    """w(z); mpmath's erfc of complex argument loses digits far out, so it is given more."""
    if abs(x) > 1e4 or abs(y) > 1e4:
        raise OverflowError
    z = mpmath.mpc(x, y)
    with mpmath.workdps(2 * mpmath.mp.dps + int(abs(z) ** 2) // 2):
        return mpmath.exp(-z * z) * mpmath.erfc(-1j * z)


def _exact_dawsn(x: Any) -> Any:
    if abs(x) > 1e4:
        raise OverflowError
    with mpmath.workdps(2 * mpmath.mp.dps):
        return mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-x * x) * mpmath.erfi(x)


def _slope(x: Any, y: Any, re: Any, im: Any) -> tuple[Any, Any]:
    """w' = -2 z w + 2i/sqrt(pi)."""
    return -2 * (x * re - y * im), 2 / ROOT_PI - 2 * (x * im + y * re)


def _slopes_of_real(x: Any, y: Any, r: Any) -> tuple[Any, Any]:
    re, im = _slope(x, y, r, w_imag(x, y))
    return re, -im


def _slopes_of_imag(x: Any, y: Any, r: Any) -> tuple[Any, Any]:
    re, im = _slope(x, y, w_real(x, y), r)
    return im, re


w_real: Special = special(
    "faddeeva_real", "x y", lambda x, y: _parts(x, y)[0], _slopes_of_real, lambda x, y: mpmath.re(_exact_w(x, y))
)
w_imag: Special = special(
    "faddeeva_imag", "x y", lambda x, y: _parts(x, y)[1], _slopes_of_imag, lambda x, y: mpmath.im(_exact_w(x, y))
)
dawsn: Special = special("dawsn", "x", _dawsn, lambda x, r: 1 - 2 * x * r, _exact_dawsn)


def wofz(z: Any) -> Any:
    """The Faddeeva function of a complex or real z.

    >>> complex(np.round(wofz(1j), 12))
    (0.427583576156+0j)
    """
    x, y = np.real(z), np.imag(z)
    return w_real(x, y) + 1j * w_imag(x, y)


def voigt_profile(x: Any, sigma: Any, gamma: Any) -> Any:
    """The convolution of a Gaussian of standard deviation sigma > 0 with a Lorentzian of half width gamma >= 0.

    Unit area; x, sigma and gamma in the same units.

    >>> float(np.round(voigt_profile(0.0, 1.0, 0.5), 9))
    0.27895547
    """
    size = x * x + gamma * gamma
    far = size > WING * (sigma * sigma)
    scale = np.where(far, 1.0, sigma) * np.sqrt(2.0)
    near = w_real(np.where(far, 0.0, x) / scale, np.where(far, 1.0, gamma) / scale) / (scale * math.sqrt(math.pi))
    return np.where(far, _wing(x, np.where(far, sigma, 0.0), gamma, np.where(far, size, 1.0)), near)


def _wing(x: Any, sigma: Any, gamma: Any, size: Any) -> Any:
    """The profile far from its centre: Re i/z (1 + r**2 + 3 r**4 + 15 r**6 + ...)/pi, r = sigma/z, z = x + i gamma.

    The asymptotic series of w, DLMF 7.12.1. Derivatives are those of the series: -2 z w + 2i/sqrt(pi) would cancel.
    """
    ratio = sigma / size
    a, b = (x * x - gamma * gamma) * (ratio * ratio), -2 * x * gamma * (ratio * ratio)
    re, im = 1.0, 0.0
    for k in range(WING_TERMS, 0, -1):  # 1 + r**2 (1 + 3 r**2 (1 + 5 r**2 (...)))
        re, im = 1 + (2 * k - 1) * (a * re - b * im), (2 * k - 1) * (a * im + b * re)
    return (gamma * re - x * im) / (math.pi * size)
