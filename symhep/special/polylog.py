"""Polylogarithms of constant integer order, the dilogarithm of complex arguments, and Lambert's W.

For real x <= 1: a power series in -log(1 - x) for -1 <= x <= 1/2, whose coefficients are exact (for the dilogarithm,
Bernoulli numbers), one in log(x) above (DLMF 25.12.12), and the inversion below (DLMF 25.12.4, Jonquière). The complex
dilogarithm is brought to |z| <= 1, re z <= 1/2 by DLMF 25.12.4 and 25.12.6.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np

from symhep.special.node import Special, constant, special
from symhep.special.recipes import W_EDGE
from symhep.special.series import PI, exactly, fitted, horner, keep, where

TERMS = 24


def _bernoulli(k: int) -> Fraction:
    """B_k, with B_1 = -1/2."""
    return Fraction(-1, 2) if k == 1 else Fraction(*mpmath.bernfrac(k))


def _series(n: int) -> list[Fraction]:
    """The coefficients of u, u**2, ... in Li_n(1 - exp(-u)): d Li_n/du = Li_{n-1}/(exp(u) - 1).

    >>> _series(2)[:3]
    [Fraction(1, 1), Fraction(-1, 4), Fraction(1, 36)]
    """
    generating = [_bernoulli(k) / math.factorial(k) for k in range(TERMS)]
    terms = [Fraction(1), *[Fraction(0)] * (TERMS - 1)]
    for _ in range(n - 1):
        product = [sum((terms[i] * generating[k - i] for i in range(k + 1)), Fraction(0)) for k in range(TERMS)]
        terms = [c / (k + 1) for k, c in enumerate(product)]
    return terms


def _polylog(n: int, x: Any) -> Any:
    inside = where((x <= 0.5) & (x >= -1), x, 0)
    inverse = 1 / where(x < -1, x, -1)
    u = -(-where(x < -1, inverse, inside)).log1p()
    series = u * horner(_series(n), u)
    below = _inversion(n, (-where(x < -1, x, -1)).log()) - (-1) ** n * series
    above = _near_one(n, where((x > 0.5) & (x <= 1), x, 1).log())
    return where(x <= 1, where(x > 0.5, above, where(x < -1, below, series)), math.nan)


def _near_one(n: int, mu: Any) -> Any:
    """Li_n(exp(mu)) for -log(2) <= mu <= 0."""
    terms = [Fraction(0) if k == n - 1 else _zeta(n - k) / math.factorial(k) for k in range(TERMS)]
    safe = where(mu == 0, -1, mu)
    harmonic = sum((Fraction(1, k) for k in range(1, n)), Fraction(0))
    logarithm = where(mu == 0, 0, mu ** (n - 1) * (harmonic - (-safe).log())) / math.factorial(n - 1)
    return keep(horner(terms, mu)) + logarithm


def _zeta(k: int) -> Fraction:
    return exactly(lambda: mpmath.zeta(k)) if k > 1 else -_bernoulli(1 - k) / (1 - k) if k < 0 else Fraction(-1, 2)


def _inversion(n: int, logarithm: Any) -> Any:
    """Li_n(x) + (-1)**n Li_n(1/x) for x < 0, a polynomial in log(-x)."""
    terms = [Fraction(0)] * (n + 1)
    terms[n] = Fraction(-1, math.factorial(n))
    for k in range(1, n // 2 + 1):
        terms[n - 2 * k] = -2 * exactly(partial(mpmath.altzeta, 2 * k)) / math.factorial(n - 2 * k)
    return horner(terms, logarithm)


def _slope(n: int, x: Any, r: Any) -> Any:
    safe = where(x == 0, 1, x)
    lower = -(-x).log1p() if n == 2 else real_polylog(n - 1, x)
    return where(x == 0, 1, lower / safe)


real_polylog: Special = special(
    "polylog",
    "x",
    _polylog,
    _slope,
    lambda n, x: mpmath.re(mpmath.polylog(n, x)) if x <= 1 else mpmath.nan,
    parameters="n",
    kinds="integer",
    least=2,
)


def polylog(n: Any, x: Any) -> Any:
    """The polylogarithm Li_n(x) for real x <= 1, with a constant integer n; for n = 2 also of complex x.

    >>> float(np.round(polylog(2, 1.0), 6))
    1.644934
    """
    n = constant(n, "polylog", "n", least=-8)
    if n == 1:
        return -np.log1p(-x)
    if n < 1:
        return _rational(-n, x)
    return _complex_dilog(x) if n == 2 and _is_complex(x) else real_polylog(n, x)


def _rational(n: int, x: Any) -> Any:
    """Li_{-n}(x): DLMF 25.12.10 summed, by d Li_s/d log(x) = Li_{s-1}; Eulerian numbers."""
    if n == 0:
        return x / (1 - x)
    total = 0 * x
    for k in range(n):
        euler = sum((-1) ** j * math.comb(n + 1, j) * (k + 1 - j) ** n for j in range(k + 1))
        total = total + euler * x ** (n - k)
    return total / (1 - x) ** (n + 1)


def dilog(x: Any) -> Any:
    """The dilogarithm Li_2(x), of real x <= 1 or of complex x."""
    return polylog(2, x)


def spence(z: Any) -> Any:
    """Li_2(1 - z), SciPy's dilogarithm."""
    return polylog(2, 1 - z)


def _is_complex(x: Any) -> bool:
    return getattr(x, "kind", None) == "complex" or bool(np.iscomplexobj(x) and not hasattr(x, "_node"))


def _complex_dilog(z: Any) -> Any:
    return elementwise_pair(_dilog_parts, z)


def elementwise_pair(function: Any, z: Any) -> Any:
    """A complex function, made of a function of real and imaginary part that returns both parts."""
    from symhep.tracing.arrays import elementwise
    from symhep.tracing.marks import recorder_of

    recorder = recorder_of(z)
    if recorder is not None:

        def cell(value: Any) -> Any:
            re, im = function(value.real, value.imag)
            return re + im * 1j

        return elementwise(recorder, cell, (z,))
    from symhep.checking.evaluate import numpy_values
    from symhep.special.node import _traced

    graph = _traced(2, function).graph
    re, im = numpy_values(graph, {n.attrs[0]: x for n, x in zip(graph.inputs, (np.real(z), np.imag(z)))})
    return re + 1j * im


def _dilog_parts(x: Any, y: Any) -> tuple[Any, Any]:
    size = x * x + y * y
    far = size > 1
    scale = 1 / where(far, size, 1)
    a, b = x * scale, where(far, -y, y) * scale
    mirrored = a > 0.5
    p, q = where(mirrored, 1 - a, a), where(mirrored, -b, b)
    u, v = -keep(keep(p * (p - 2) + q * q).log1p()) / 2, -(-q).arctan2(1 - p)
    re, im = _dilog_series(u, v)
    modulus = p * p + q * q
    at_zero = modulus == 0
    logarithm, angle = where(at_zero, 1, modulus).log() / 2, q.arctan2(where(at_zero, 1, p))
    re = where(mirrored, PI * PI / 6 + keep(u * logarithm - v * angle) - re, re)
    im = where(mirrored, keep(u * angle + v * logarithm) - im, im)
    outer, turn = where(far, size, 1).log() / 2, (-y).arctan2(where(far, -x, 1))
    re = where(far, -PI * PI / 6 - keep(outer * outer - turn * turn) / 2 - re, re)
    return re, where(far, -outer * turn - im, im)


def _dilog_series(u: Any, v: Any) -> tuple[Any, Any]:
    """Li_2 of 1 - exp(-(u + i v))."""
    first, second, *rest = _series(2)
    even = rest[0::2][:11]
    s, t = keep(u * u - v * v), keep(2 * u * v)
    re, im = u._recorder.value(even[-1]), u._recorder.value(0)
    for c in reversed([first, *even[:-1]]):
        re, im = keep(re * s - im * t + c), keep(re * t + im * s)
    return keep(u * re - v * im) + second * s, keep(u * im + v * re) + second * t


# -- Lambert's W -----------------------------------------------------------------------------------------------------

ITERATIONS = 3
ONE_OVER_E = 0.3678794503211975  # to 24 bits, and the rest
ONE_OVER_E_REST = float(Fraction(exactly(lambda: mpmath.exp(-1))) - Fraction(ONE_OVER_E))


def _lambertw(x: Any) -> Any:
    """Below W_EDGE a fit in the root of the distance from -1/e; above, the iteration of Iacono and Boyd,
    Adv. Comput. Math. 43 (2017) 1403."""
    distance = keep(keep(x.minimum(W_EDGE) + ONE_OVER_E) + ONE_OVER_E_REST)
    top = math.sqrt(W_EDGE + math.exp(-1))
    root = distance.maximum(0).sqrt()
    near = x * fitted("lambertw", root * (2 / top) - 1)
    y = where(x < math.inf, x.maximum(W_EDGE), W_EDGE)
    start = y.log1p()
    w = start * (1 - start.log1p() / (2 + start))
    for _ in range(ITERATIONS):
        w = keep(w / (1 + w) * (1 + (y / w).log()))
    value = where(x < W_EDGE, near, where(x < math.inf, w, x))
    return where(distance < 0, math.nan, value)


lambertw: Special = special(
    "lambertw",
    "x",
    _lambertw,
    lambda x, r: (-r).exp() / (1 + r),
    lambda x: mpmath.lambertw(x) if x >= -mpmath.exp(-1) else mpmath.nan,
)
