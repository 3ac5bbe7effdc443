"""What the tables of coefficients fit: each function, written with mpmath, on the interval that its formula uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

from symhep.special.fits import Fit, fit, on

STIRLING = 3  # from here on Stirling's series is fitted in 1/x
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


RECIPES: dict[str, Callable[[], Fit]] = {**_gamma_family(), **_error_functions()}
