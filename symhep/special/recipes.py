"""What the tables of coefficients fit: each function, written with mpmath, on the interval that its formula uses."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath

from symhep.special.fits import DIGITS, Fit, fit, on

STIRLING = 3  # from here on Stirling's series is fitted in 1/x
BESSEL_EDGE = 8  # J and Y of order 0 and 1 are fitted in x**2 below, by amplitude and phase above
K_EDGE = 2  # K is fitted in x**2 below, in 1/x above
W_EDGE = 2  # Lambert's W is fitted below, iterated above
DAWSON = 6.0  # Dawson's integral is fitted in (x**2 - DAWSON)/(x**2 + DAWSON)
FADDEEVA_TERMS = 44
FADDEEVA_SCALE = 5.578  # sqrt(FADDEEVA_TERMS/sqrt(2))
FADDEEVA_EDGE = 7.5  # further out w(z) is a continued fraction
SCALED = 3.75  # erfcx is fitted in (x - SCALED)/(x + SCALED)


def _precisely(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function computed with more digits, for formulas that cancel."""

    def more(x: Any) -> Any:
        with mpmath.workdps(mpmath.mp.dps + 40):
            return function(mpmath.mpf(x))

    return more


def _remainder(x: Any) -> Any:
    """log(gamma(x)) less Stirling's formula; DLMF 5.11.1."""
    return mpmath.loggamma(x) - ((x - 0.5) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2)


def _gamma_family() -> dict[str, Callable[[], Fit]]:
    def psi_factor(a: Any) -> Any:
        return mpmath.digamma(1 + a) / (1 + a - mpmath.findroot(mpmath.digamma, 1.4616))

    return {
        "gammaln.core": lambda: on(0, 1, _precisely(lambda a: mpmath.loggamma(1 + a) / (a * (a - 1)))),
        "gammaln.stirling": lambda: on(0, mpmath.mpf(1) / STIRLING, _precisely(lambda w: _remainder(1 / w) / w)),
        "gamma.core": lambda: on(0, 1, lambda a: mpmath.gamma(1 + a)),
        "gamma.stirling": lambda: on(0, mpmath.mpf(1) / STIRLING, _precisely(lambda w: mpmath.exp(_remainder(1 / w)))),
        "digamma.core": lambda: on(0, 1, _precisely(psi_factor)),
        "digamma.stirling": lambda: on(
            0,
            mpmath.mpf(1) / STIRLING,
            _precisely(lambda w: (-mpmath.log(w) - w / 2 - mpmath.digamma(1 / w)) / w**2),
        ),
    }


def scaled_erfc(x: Any) -> Any:
    """exp(x**2)*erfc(x)."""
    return mpmath.exp(x * x) * mpmath.erfc(x)


def _erfc_of_width(w: Any) -> Any:
    """The x > 0 at which -log(1 - erf(x)**2) is w."""
    q = -mpmath.expm1(mpmath.log1p(-mpmath.exp(-w)) / 2)
    start = mpmath.sqrt(w) if w > 2 else mpmath.erfinv(1 - q)
    if w <= 2:
        return start
    log = lambda x: mpmath.log(mpmath.erfc(x)) - mpmath.log(q)
    for _ in range(60):
        step = log(start) / (-2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-(start**2)) / mpmath.erfc(start))
        start -= step
        if abs(step) < mpmath.mpf(10) ** (-mpmath.mp.dps + 5):
            break
    return start


def _inverse_erf(w: Any) -> Any:
    """erfinv(y)/y at -log(1 - y**2) = w."""
    return _erfc_of_width(w) / mpmath.sqrt(-mpmath.expm1(-w))


def _error_functions() -> dict[str, Callable[[], Fit]]:
    def by_ratio(function: Callable[[Any], Any]) -> Callable[[], Fit]:
        return lambda: fit(lambda t: function(SCALED * (1 + t) / (1 - t)))

    return {
        "erfcx": by_ratio(lambda x: (1 + 2 * x) * scaled_erfc(x)),
        "erfinv.core": lambda: on(0, 4, _inverse_erf),
        "erfinv.middle": lambda: on(2, 6, lambda s: _inverse_erf(s * s) / s),
        "erfinv.tail": lambda: on(6, 28, lambda s: _inverse_erf(s * s) / s),
    }


def oscillating_fit(nu: Any, edge: Any) -> Fit:
    """J_nu(x) gamma(nu + 1) (2/x)**nu exp(x**2/(4 (nu + 1))) on x <= edge, in x**2; its values are near 1."""
    order = mpmath.mpf(nu.numerator) / nu.denominator

    def factor(z: Any) -> Any:
        return mpmath.hyp0f1(order + 1, -z / 4) * mpmath.exp(z / (4 * (order + 1)))

    return on(0, edge**2, factor)


def growing_scale(nu: Any) -> float:
    """The c with which exp(-x) I_nu(x) gamma(nu + 1) (2/x)**nu (1 + x/c)**(nu + 1/2) is about 1 at infinity too."""
    with mpmath.workdps(DIGITS):
        order = mpmath.mpf(nu.numerator) / nu.denominator
        at_infinity = mpmath.gamma(order + 1) * 2**order / mpmath.sqrt(2 * mpmath.pi)
        return max(2.0, float(mpmath.nint(8 * at_infinity ** (1 / (order + mpmath.mpf(1) / 2)))) / 8)


def growing_middle(nu: Any) -> float:
    """The x in the middle of the fit of I_nu."""
    return 4 + float(nu) ** 2 / 4


def growing_fit(nu: Any) -> Fit:
    """exp(-x) I_nu(x) gamma(nu + 1) (2/x)**nu (1 + x/c)**(nu + 1/2) on x >= 0, in (x - m)/(x + m)."""
    order, c = mpmath.mpf(nu.numerator) / nu.denominator, mpmath.mpf(growing_scale(nu))
    middle = mpmath.mpf(growing_middle(nu))

    def factor(t: Any) -> Any:
        x = middle * (1 + t) / (1 - t)
        scaled = mpmath.besseli(order, x) * mpmath.exp(-x) * mpmath.gamma(order + 1) * (2 / x) ** order
        return scaled * (1 + x / c) ** (order + 0.5)

    return fit(factor)


def _amplitude(order: int, which: int) -> Callable[[Any], Any]:
    """The amplitudes p and q x of DLMF 10.17.3, in (BESSEL_EDGE/x)**2."""

    def value(v: Any) -> Any:
        x = BESSEL_EDGE / mpmath.sqrt(v)
        phase = x - (mpmath.mpf(order) / 2 + mpmath.mpf(1) / 4) * mpmath.pi
        j, y, size = mpmath.besselj(order, x), mpmath.bessely(order, x), mpmath.sqrt(mpmath.pi * x / 2)
        if which == 0:
            return size * (j * mpmath.cos(phase) + y * mpmath.sin(phase))
        return size * (y * mpmath.cos(phase) - j * mpmath.sin(phase)) * x

    return _precisely(value)


def _of_square(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return _precisely(lambda z: function(mpmath.sqrt(z)))


def _decaying(order: int) -> Callable[[Any], Any]:
    """exp(x) sqrt(x) K(x), in K_EDGE/x; DLMF 10.40.2."""

    def value(w: Any) -> Any:
        x = K_EDGE / w
        return mpmath.besselk(order, x) * mpmath.exp(x) * mpmath.sqrt(x)

    return value


def _bessel() -> dict[str, Callable[[], Fit]]:
    edge, k_edge = BESSEL_EDGE**2, K_EDGE**2
    j, y, i, k, log = mpmath.besselj, mpmath.bessely, mpmath.besseli, mpmath.besselk, mpmath.log
    pi = lambda: +mpmath.pi
    recipes: dict[str, Callable[[], Fit]] = {
        "bessel.j0": lambda: on(0, edge, _of_square(lambda x: j(0, x))),
        "bessel.j1": lambda: on(0, edge, _of_square(lambda x: j(1, x) / x)),
        "bessel.y0": lambda: on(0, edge, _of_square(lambda x: y(0, x) - 2 / pi() * log(x) * j(0, x))),
        "bessel.y1": lambda: on(
            0, edge, _of_square(lambda x: (y(1, x) - 2 / pi() * (log(x) * j(1, x) - 1 / x)) / x)
        ),
        "bessel.i0": lambda: growing_fit(Fraction(0)),
        "bessel.i1": lambda: growing_fit(Fraction(1)),
        "bessel.k0log": lambda: on(0, k_edge, _of_square(lambda x: i(0, x))),
        "bessel.k0rest": lambda: on(0, k_edge, _of_square(lambda x: k(0, x) + log(x / 2) * i(0, x))),
        "bessel.k1log": lambda: on(0, k_edge, _of_square(lambda x: i(1, x) / x)),
        "bessel.k1rest": lambda: on(
            0, k_edge, _of_square(lambda x: (k(1, x) - 1 / x - log(x / 2) * i(1, x)) / x)
        ),
    }  # fmt: skip
    for order in (0, 1):
        recipes[f"bessel.p{order}"] = partial(on, 0, 1, _amplitude(order, 0))
        recipes[f"bessel.q{order}"] = partial(on, 0, 1, _amplitude(order, 1))
        recipes[f"bessel.k{order}"] = partial(on, 0, 1, _decaying(order))
    return recipes


def _w_ratio(root: Any) -> Any:
    """W(x)/x at x = root**2 - 1/e."""
    x = root**2 - mpmath.exp(-1)
    return mpmath.re(mpmath.lambertw(x)) / x if x else mpmath.mpf(1)


def _dawson(t: Any) -> Any:
    """D(x)/x (1 + 2 x**2), in (x**2 - DAWSON)/(x**2 + DAWSON); DLMF 7.5.1."""
    z = DAWSON * (1 + t) / (1 - t)
    x = mpmath.sqrt(z)
    return mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-z) * mpmath.erfi(x) / x * (1 + 2 * z)


def _weideman() -> Fit:
    """The coefficients of Z**n in Weideman's rational expansion of w(z); SIAM J. Numer. Anal. 31 (1994) 1497."""
    with mpmath.workdps(DIGITS):
        scale, points = mpmath.mpf(FADDEEVA_SCALE), 4 * FADDEEVA_TERMS
        angles = [mpmath.pi * k / points for k in range(-points + 1, points)]
        tangents = [scale * mpmath.tan(a / 2) for a in angles]
        values = [mpmath.exp(-(t**2)) * (scale**2 + t**2) for t in tangents]
        return Fit("power", tuple([
            float(mpmath.fsum([v * mpmath.cos(n * a) for v, a in zip(values, angles)]) / (2 * points))
            for n in range(1, FADDEEVA_TERMS + 1)
        ]))  # fmt: skip


def _others() -> dict[str, Callable[[], Fit]]:
    return {
        "lambertw": lambda: on(0, mpmath.sqrt(W_EDGE + mpmath.exp(-1)), _precisely(_w_ratio)),
        "dawsn": lambda: fit(_dawson),
        "faddeeva": _weideman,
    }


RECIPES: dict[str, Callable[[], Fit]] = {**_gamma_family(), **_error_functions(), **_bessel(), **_others()}
