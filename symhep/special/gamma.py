"""The gamma family: gamma, its logarithm, digamma and its derivatives, beta, binomial coefficients.

Between 0 and 3 the argument is shifted to [1, 2], where the function is a fit with its zeros taken out; from 3 on it is
Stirling's series (DLMF 5.11.1-5.11.2), fitted in 1/x; below 0 it is reflected (DLMF 5.5.3, 5.5.4).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath

from symhep.special.node import Special, constant, special
from symhep.special.recipes import STIRLING
from symhep.special.series import HALF_LOG_2PI, PI, ROOT_2PI, fitted, horner, keep, nearest, sine_pi, where

LARGEST = 172  # gamma overflows before
BEYOND = 2.0**53  # from here on every float is an integer
PSI_ZERO = 1.4616321325302124  # the zero of digamma: 24 bits, and the rest
PSI_ZERO_REST = 1.2438149938918909e-08


def _shifted(x: Any) -> tuple[Any, Any]:
    """(a, 2a - 1) with 1 + a in [1, 2] at an integer distance from x, for 0 <= x < 3; a is exact."""
    a = where(x < 1, x, where(x < 2, x - 1, x - 2)).minimum(1).maximum(0)
    return a, 2 * a - 1


def _inverse(x: Any) -> tuple[Any, Any]:
    """(1/x, 6/x - 1) for x >= 3."""
    w = 1 / x.maximum(STIRLING)
    return w, 2 * STIRLING * w - 1


def _stirling(x: Any) -> Any:
    """What Stirling's formula for the logarithm lacks."""
    w, t = _inverse(x)
    return w * fitted("gammaln.stirling", t)


def _log_gamma_above(x: Any) -> Any:
    """log(gamma(x)) for x >= 0."""
    a, t = _shifted(x)
    core = a * keep(a - 1) * fitted("gammaln.core", t)
    logarithm = where((x >= 1) & (x < 2), 1, where((x >= 2) & (x < STIRLING), x - 1, x)).log()
    near = where(x < 1, core - logarithm, core + logarithm)
    far = (x - 0.5) * keep(logarithm - 1) + (HALF_LOG_2PI - Fraction(1, 2) + _stirling(x))
    return where(x < STIRLING, near, where(x == math.inf, x, far))


def _gammaln(x: Any) -> Any:
    y = abs(x).minimum(BEYOND)
    size = where(x < 0, y, x)
    above = _log_gamma_above(size)
    _, away = nearest(y)
    sine = abs(sine_pi(away))
    reflected = (PI / where(x < 0, keep(y * sine), 1)).log() - above
    return where(x < 0, reflected, above)


def _gamma_above(x: Any) -> Any:
    """gamma(x) for x >= 0."""
    a, t = _shifted(x)
    core = fitted("gamma.core", t)
    near = where(x < 1, core / where(x < 1, x, 1), where(x < 2, core, core * (x - 1)))
    y = x.minimum(LARGEST).maximum(STIRLING)
    root = keep(y ** (0.5 * y - 0.25) * (-0.5 * y).exp())
    far = ROOT_2PI * fitted("gamma.stirling", _inverse(x)[1]) * root * root
    return where(x < STIRLING, near, far)


def _even(n: Any) -> Any:
    """Whether an integer is even."""
    half = 0.5 * n
    return half == half.floor()


def _reflection(x: Any) -> tuple[Any, Any, Any]:
    """For x < 0: y = -x, x's distance from an integer, and sin(pi y)."""
    y = abs(x).minimum(BEYOND)
    whole, away = nearest(y)
    sine = sine_pi(away)
    return y, away, where(_even(whole), sine, -sine)


def _gamma(x: Any) -> Any:
    y, away, sine = _reflection(x)
    above = _gamma_above(abs(x))
    pole = (x < 0) & (away == 0)
    below = -PI / where(pole | (x >= 0), 1, keep(y * sine)) / where(x < 0, above, 1)
    return where(pole, math.nan, where(x < 0, below, where(x == 0, 1 / x, above)))


def _rgamma(x: Any) -> Any:
    y, _, sine = _reflection(x)
    above = _gamma_above(abs(x))
    inverse = where(x == 0, 0, 1 / where(x > 0, above, 1))
    return where(x < 0, -y * sine / PI * where(x < 0, above, 1), where(x == x, inverse, x))


def _digamma_above(x: Any) -> Any:
    """digamma(x) for x >= 0."""
    a, t = _shifted(x)
    core = (keep(keep(a + (1 - PSI_ZERO)) - PSI_ZERO_REST)) * fitted("digamma.core", t)
    near = where(x < 1, core - 1 / where(x < 1, x, 1), where(x < 2, core, core + 1 / where(x < 2, 1, x - 1)))
    w, t = _inverse(x)
    far = x.maximum(STIRLING).log() - w * (0.5 + w * fitted("digamma.stirling", t))
    return where(x < STIRLING, near, far)


def _digamma(x: Any) -> Any:
    _, away, _ = _reflection(x)
    y = abs(x)
    pole = (x < 0) & (away == 0)
    angle = where(pole | (x >= 0), 0.5, away) * PI
    reflected = _digamma_above(y) + 1 / where(x < 0, y, 1) + PI * (angle.cos() / angle.sin())
    return where(pole, math.nan, where(x < 0, reflected, _digamma_above(y)))


def _polygamma(n: int, x: Any) -> Any:
    """DLMF 5.15.1, 5.15.6, 5.15.8: terms of the sum, its rest by the asymptotic series, and the reflection."""
    if n == 0:
        return _digamma(x)
    above = where(x < 0, 1 - x, x)
    value = _polygamma_above(n, above)
    if n % 2 == 0:
        value = -value
    _, away, _ = _reflection(x)
    angle = where((x >= 0) | (away == 0), 0.5, -away) * PI
    cotangent = angle.cos() / angle.sin()
    derivative = horner(cotangent_derivative(n), cotangent)
    below = (value if n % 2 == 0 else -value) - PI * derivative
    return where((x < 0) & (away == 0), math.nan, where(x < 0, below, value))


def _polygamma_above(n: int, x: Any) -> Any:
    """|polygamma(n, x)| for x > 0."""
    terms, coefficients = 10 + n, []
    with mpmath.workdps(40):
        for k in range(1, 40):
            b = Fraction(*mpmath.bernfrac(2 * k)) * Fraction(math.factorial(2 * k + n - 1), math.factorial(2 * k))
            coefficients.append(b)
            if abs(b) < Fraction(math.factorial(n - 1) * terms ** (2 * k), 2**58):
                break
    far = x + terms
    w = 1 / far
    tail = math.factorial(n - 1) + w * (Fraction(math.factorial(n), 2) + w * horner(coefficients, w * w))
    total = tail * w**n
    for k in reversed(range(1, terms)):
        total = keep(total + math.factorial(n) / (x + k) ** (n + 1))
    return total + math.factorial(n) / x ** (n + 1)


def cotangent_derivative(n: int) -> list[Any]:
    """The n-th derivative of cot(pi x) as a polynomial in cot(pi x): d cot = -pi (1 + cot**2).

    >>> cotangent_derivative(1) == [-PI, 0, -PI]
    True
    """
    p = [0, 1]
    for _ in range(n):
        slope = [k * c for k, c in enumerate(p)][1:]
        p = [0] * (len(slope) + 2)
        for k, c in enumerate(slope):
            p[k] -= c
            p[k + 2] -= c
    return [c * PI**n for c in p]


def _betaln(a: Any, b: Any) -> Any:
    """By Stirling's series where an argument is large, so that large logarithms do not cancel."""
    large, small = a.maximum(b), a.minimum(b)
    direct = _gammaln(a) + _gammaln(b) - _gammaln(a + b)
    stirling = (small > 0) & (large >= STIRLING)
    x, y = large.maximum(STIRLING), where(stirling, small, 1)
    ratio = _stirling(x) - _stirling(x + y) - (x - 0.5) * (y / x).log1p() - y * keep((x + y).log() - 1)
    return where(stirling, _log_gamma_above(y) + ratio, direct)


def _sign(x: Any) -> Any:
    """The sign of gamma(x)."""
    return where((x > 0) | _even(x.floor()), 1, -1)


def _beta(a: Any, b: Any) -> Any:
    return _sign(a) * _sign(b) * _sign(a + b) * _betaln(a, b).exp()


def _loggamma(x: Any) -> Any:
    return where(x < 0, math.nan, _log_gamma_above(where(x < 0, 1, x)))


# -- true values -----------------------------------------------------------------------------------------------------


def _no_pole(function: Any) -> Any:
    def value(x: Any) -> Any:
        return mpmath.nan if x <= 0 and mpmath.isint(x) else function(x)

    return value


def _real_log_gamma(x: Any) -> Any:
    return mpmath.re(mpmath.loggamma(x))


_exact_gammaln = _no_pole(_real_log_gamma)
_exact_gamma = _no_pole(mpmath.gamma)
_exact_digamma = _no_pole(mpmath.digamma)


def _exact_polygamma(n: int, x: Any) -> Any:
    return _no_pole(lambda y: mpmath.psi(n, y))(x)


def _exact_betaln(a: Any, b: Any) -> Any:
    return _exact_gammaln(a) + _exact_gammaln(b) - _exact_gammaln(a + b)


digamma: Special = special("digamma", "x", _digamma, lambda x, r: polygamma(1, x), _exact_digamma)
polygamma: Special = special(
    "polygamma", "x", _polygamma, lambda n, x, r: polygamma(n + 1, x), _exact_polygamma, parameters="n", kinds="integer"
)
gammaln: Special = special("gammaln", "x", _gammaln, lambda x, r: digamma(x), _exact_gammaln)
loggamma: Special = special(
    "loggamma", "x", _loggamma, lambda x, r: digamma(x), lambda x: mpmath.loggamma(x) if x > 0 else mpmath.nan
)
gamma: Special = special("gamma", "x", _gamma, lambda x, r: r * digamma(x), _exact_gamma)
rgamma: Special = special("rgamma", "x", _rgamma, lambda x, r: -r * digamma(x), mpmath.rgamma)
betaln: Special = special(
    "betaln",
    "a b",
    _betaln,
    lambda a, b, r: (digamma(a) - digamma(a + b), digamma(b) - digamma(a + b)),
    _exact_betaln,
)
beta: Special = special(
    "beta",
    "a b",
    _beta,
    lambda a, b, r: (r * (digamma(a) - digamma(a + b)), r * (digamma(b) - digamma(a + b))),
    mpmath.beta,
)


def factorial(x: Any) -> Any:
    """x! as gamma(x + 1)."""
    return gamma(x + 1)


SHORT = 20  # so many factors are written out


def _small(value: Any, name: str, which: str) -> int | None:
    """A constant integer from 0 to SHORT; None for anything else."""
    node = getattr(value, "_node", None)
    if isinstance(value, (int, Fraction)) or (node is not None and node.op == "const"):
        exact = constant(value, name, which, "real", -math.inf)
        return exact if isinstance(exact, int) and 0 <= exact <= SHORT else None
    return None


def _rising(x: Any, n: int) -> Any:
    """x (x + 1) ... (x + n - 1), for n > 0."""
    total = x
    for k in range(1, n):
        total = total * (x + k)
    return total


def binom(n: Any, k: Any) -> Any:
    """The binomial coefficient n over k; a product where k is a constant integer up to 20, else by beta.

    >>> binom(5, 2)
    10.0
    """
    few = _small(k, "binom", "k")
    if few:
        return _rising(n - (few - 1), few) / math.factorial(few)
    return n * 0 + 1 if few == 0 else 1 / ((n + 1) * beta(n - k + 1, k + 1))


def poch(x: Any, n: Any) -> Any:
    """The rising factorial (x)_n; a product where n is a constant integer up to 20, else gamma(x + n)/gamma(x).

    >>> poch(2, 3)
    24
    """
    few = _small(n, "poch", "n")
    if few:
        return _rising(x, few)
    return x * 0 + 1 if few == 0 else gamma(x + n) * rgamma(x)
