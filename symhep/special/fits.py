"""Chebyshev fits of functions that mpmath knows, rounded to double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath

DIGITS = 40
TOLERANCE = mpmath.mpf(2) ** -58
SIZES = (12, 18, 26, 36, 48, 64, 90, 128)
AMPLIFIED = 4  # powers of t are as good as Chebyshev polynomials where rounding is amplified no more than this


class Fit(NamedTuple):
    """A polynomial on -1 <= t <= 1: coefficients of powers of t, or of Chebyshev polynomials, from degree 0 on."""

    basis: str
    coefficients: tuple[float, ...]


def fit(function: Callable[[Any], Any]) -> Fit:
    """Fit a smooth function on -1 <= t <= 1, to a quarter of an ulp of its largest value.

    >>> fit(lambda t: 1 + t / 2)
    Fit(basis='power', coefficients=(1.0, 0.5))
    """
    with mpmath.workdps(DIGITS):
        terms = _chebyshev(function)
        powers = _powers(terms)
        points = [mpmath.mpf(k) / 16 for k in range(-16, 17)]
        amplified = max(
            sum([abs(p * t**k) for k, p in enumerate(powers)]) / abs(function(t) or 1) for t in points if abs(t) < 1
        )
        if amplified <= AMPLIFIED:
            return Fit("power", tuple(map(float, powers)))
        return Fit("chebyshev", tuple(map(float, terms)))


def _chebyshev(function: Callable[[Any], Any]) -> list[Any]:
    """The Chebyshev coefficients, as many as are needed."""
    for n in SIZES:
        angles = [mpmath.pi * (2 * j + 1) / (2 * n) for j in range(n)]
        cosines = [mpmath.cos(mpmath.pi * k / (2 * n)) for k in range(4 * n)]
        values = [mpmath.mpf(function(mpmath.cos(a))) for a in angles]
        terms = [
            mpmath.fsum([v * cosines[k * (2 * j + 1) % (4 * n)] for j, v in enumerate(values)])
            * (1 if k == 0 else 2)
            / n
            for k in range(n)
        ]
        small = TOLERANCE * max(map(abs, values))
        if sum(map(abs, terms[-3:])) < small:
            rest = mpmath.mpf(0)
            while len(terms) > 1 and rest + abs(terms[-1]) < small:
                rest += abs(terms.pop())
            return terms
    raise ValueError(f"not smooth enough: {mpmath.nstr(terms[-1], 3)} left of {mpmath.nstr(small, 3)}")


def _powers(terms: list[Any]) -> list[Any]:
    """A sum of Chebyshev polynomials as powers of t."""
    total = [mpmath.mpf(0)] * len(terms)
    before: list[int] = [1]
    now: list[int] = [0, 1]
    for k, c in enumerate(terms):
        polynomial = before if k == 0 else now
        if k > 1:
            following = [0, *[2 * p for p in now]]
            for i, p in enumerate(before):
                following[i] -= p
            before, now = now, following
            polynomial = now
        for i, p in enumerate(polynomial):
            total[i] += c * p
    return total


def on(low: Any, high: Any, function: Callable[[Any], Any]) -> Fit:
    """Fit on low <= x <= high, as a function of t = (2 x - low - high)/(high - low)."""
    with mpmath.workdps(DIGITS):
        low, high = mpmath.mpf(low), mpmath.mpf(high)
        return fit(lambda t: function((high + low + t * (high - low)) / 2))
