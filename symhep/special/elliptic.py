"""Elliptic integrals of the parameter m = k**2, and Carlson's symmetric ones.

Complete: the arithmetic-geometric mean (DLMF 19.8.5) and Bulirsch's cel (DLMF 19.2.11; Numer. Math. 13 (1969) 305).
Incomplete: Carlson's R_F and R_D by duplication (DLMF 19.26.18, 19.26.20, 19.25.5, 19.25.9, expansions 19.36.1-2).
The numbers of steps are fixed, enough for -1e15 < m < 1 - 1e-16 and for ratios of Carlson's arguments up to 1e16.
"""

from __future__ import annotations

import math
from typing import Any

import mpmath

from symhep.special.node import Special, special
from symhep.special.series import PI, keep, nearest, where

STEPS = 8  # of the arithmetic-geometric mean, from ratios down to 1e-8
MORE_STEPS = 13  # from ratios down to 1e-150
DUPLICATIONS = 9


def _below_one(m: Any, at_one: float, function: Any) -> Any:
    """A function of m < 1, with its limit at one and NaN above."""
    return where(m < 1, function(where(m < 1, m, 0)), where(m == 1, at_one, math.nan))


def _quarter_period(b: Any, steps: int) -> Any:
    """pi/2 over the arithmetic-geometric mean of 1 and b."""
    a = b._recorder.value(1)
    for _ in range(steps):
        a, b = keep((a + b) / 2), keep((a * b).sqrt())
    return PI / (a + b)


def _ellipk(m: Any) -> Any:
    return _below_one(m, math.inf, lambda x: _quarter_period((1 - x).sqrt(), STEPS))


def _ellipkm1(p: Any) -> Any:
    value = _quarter_period(where(p > 0, p, 1).sqrt(), MORE_STEPS)
    return where(p > 0, value, where(p == 0, math.inf, math.nan))


def _cel(m: Any, p: Any, a: Any, b: Any) -> Any:
    """Bulirsch's integral of (a cos**2 + b sin**2)/((cos**2 + p sin**2) sqrt(1 - m sin**2)) to pi/2, for p > 0."""
    k = (1 - m).sqrt()
    p = p.sqrt()
    e, mean, b = k, 1, b / p
    for step in range(STEPS):
        a, b = keep(a + b / p), keep(2 * (b + a * (e / p)))
        p = keep(e / p + p)
        mean = mean + k
        if step < STEPS - 1:
            k = keep(2 * e.sqrt())
            e = k * mean
    return PI / 2 * (b + a * mean) / (mean * (mean + p))


def _complete(m: Any, a: float, b: Any) -> Any:
    one = m._recorder.value(1)
    return _cel(m, one, one * a, one * b)


def _ellipe(m: Any) -> Any:
    return _below_one(m, 1, lambda x: _complete(x, 1, 1 - x))


def _elliptic_b(m: Any) -> Any:
    return _below_one(m, 1, lambda x: _complete(x, 1, 0))


def _elliptic_d(m: Any) -> Any:
    return _below_one(m, math.inf, lambda x: _complete(x, 0, 1))


def _ellippi(n: Any, m: Any) -> Any:
    inside = (m < 1) & (n < 1)
    one = m._recorder.value(1)
    value = _cel(where(inside, m, 0), where(inside, 1 - n, 1), one, one)
    return where(inside, value, math.nan)


def _elliprf(x: Any, y: Any, z: Any) -> Any:
    start = mean = (x + y + z) / 3
    first, second, scale = start - x, start - y, 1.0
    for _ in range(DUPLICATIONS):
        a, b, c = x.sqrt(), y.sqrt(), z.sqrt()
        part = keep(a * b + a * c + b * c)
        x, y, z, mean = [keep((v + part) / 4) for v in (x, y, z, mean)]
        scale /= 4
    u, v = scale * first / mean, scale * second / mean
    w = -u - v
    e2, e3 = u * v - w * w, u * v * w
    series = 1 + e3 / 14 + 3 * e3 * e3 / 104 + e2 * (-1 / 10 + e2 / 24 - 3 * e3 / 44 - 5 * e2 * e2 / 208 + e2 * e3 / 16)
    return keep(series) / mean.sqrt()


def _elliprd(x: Any, y: Any, z: Any) -> Any:
    start = mean = (x + y + 3 * z) / 5
    first, second, scale, total = start - x, start - y, 1.0, 0
    for _ in range(DUPLICATIONS):
        a, b, c = x.sqrt(), y.sqrt(), z.sqrt()
        part = keep(a * b + a * c + b * c)
        total = keep(total + scale / (c * (z + part)))
        x, y, z, mean = [keep((v + part) / 4) for v in (x, y, z, mean)]
        scale /= 4
    u, v = scale * first / mean, scale * second / mean
    w = -(u + v) / 3
    uv, ww = u * v, w * w
    e2, e3, e4, e5 = uv - 6 * ww, (3 * uv - 8 * ww) * w, 3 * (uv - ww) * ww, uv * w * ww
    series = (
        1 - 3 * e2 / 14 + e3 / 6 + 9 * e2 * e2 / 88 - 3 * e4 / 22 - 9 * e2 * e3 / 52 + 3 * e5 / 26
        - e2 * e2 * e2 / 16 + 3 * e3 * e3 / 40 + 3 * e2 * e4 / 20
        + 45 * e2 * e2 * e3 / 272 - 9 * (e3 * e4 + e2 * e5) / 68
    )  # fmt: skip
    return 3 * total + scale * keep(series) / (mean * mean.sqrt())


def _split(phi: Any) -> tuple[Any, Any, Any, Any]:
    """The number of half periods, and sine, its square and the square of the cosine of what is left."""
    whole, _ = nearest(phi * (1 / math.pi))
    sine = phi.sin()
    sine = where((0.5 * whole).floor() * 2 == whole, sine, -sine)
    cosine = phi.cos()
    return whole, sine, sine * sine, cosine * cosine


def _periods(whole: Any, complete: Any) -> Any:
    return where(whole == 0, 0, 2 * whole * where(whole == 0, 0, complete))


def _ellipkinc(phi: Any, m: Any) -> Any:
    whole, sine, square, rest = _split(phi)
    return sine * _elliprf(rest, 1 - m * square, rest * 0 + 1) + _periods(whole, _ellipk(m))


def _ellipeinc(phi: Any, m: Any) -> Any:
    whole, sine, square, rest = _split(phi)
    y, one = 1 - m * square, rest * 0 + 1
    value = _elliprf(rest, y, one) - m * square / 3 * _elliprd(rest, y, one)
    return sine * value + _periods(whole, _ellipe(m))


# -- derivatives -----------------------------------------------------------------------------------------------------


def _slopes_kinc(phi: Any, m: Any, r: Any) -> tuple[Any, Any]:
    whole, sine, square, rest = _split(phi)
    y = 1 - m * square
    by_m = sine * square * elliprd(rest, rest * 0 + 1, y) / 6
    return 1 / y.sqrt(), by_m + _periods(whole, elliptic_b(m) / (2 * (1 - m)))


def _slopes_einc(phi: Any, m: Any, r: Any) -> tuple[Any, Any]:
    whole, sine, square, rest = _split(phi)
    y = 1 - m * square
    by_m = -sine * square * elliprd(rest, y, rest * 0 + 1) / 6
    return y.sqrt(), by_m - _periods(whole, elliptic_d(m) / 2)


def _slopes_rd(x: Any, y: Any, z: Any, r: Any) -> tuple[Any, Any, Any]:
    """By partial fractions of the integrand; the last since R_D is homogeneous of degree -3/2."""
    by_x = (elliprd(y, z, x) - r) / (2 * (x - z))
    by_y = (elliprd(x, z, y) - r) / (2 * (y - z))
    return by_x, by_y, -(3 * r / 2 + x * by_x + y * by_y) / z


def _slopes_pi(n: Any, m: Any, r: Any) -> tuple[Any, Any]:
    """DLMF 19.4.4 and its like, written with E and K."""
    k, e = ellipk(m), ellipe(m)
    by_n = (e + (m - n) * k / n + (n * n - m) * r / n) / (2 * (m - n) * (n - 1))
    return by_n, (e / (m - 1) + r) / (2 * (n - m))


# -- true values -----------------------------------------------------------------------------------------------------


def _exact_b(m: Any) -> Any:
    if m == 0:
        return mpmath.pi / 4
    with mpmath.workdps(2 * mpmath.mp.dps):
        return (mpmath.ellipe(m) - (1 - m) * mpmath.ellipk(m)) / m


def _exact_d(m: Any) -> Any:
    if m == 0:
        return mpmath.pi / 4
    with mpmath.workdps(2 * mpmath.mp.dps):
        return (mpmath.ellipk(m) - mpmath.ellipe(m)) / m


def _exact_km1(p: Any) -> Any:
    with mpmath.workdps(2 * mpmath.mp.dps + max(0, int(-mpmath.log10(p)))):
        return mpmath.ellipk(1 - p)


elliptic_b: Special = special(
    "elliptic_b",
    "m",
    _elliptic_b,
    lambda m, r: r / (2 * (1 - m)) - (r / (1 - m) - elliptic_d(m)) / (2 * m),
    _exact_b,
)
elliptic_d: Special = special(
    "elliptic_d", "m", _elliptic_d, lambda m, r: (elliptic_b(m) / (1 - m) - r) / (2 * m), _exact_d
)
ellipk: Special = special("ellipk", "m", _ellipk, lambda m, r: elliptic_b(m) / (2 * (1 - m)), mpmath.ellipk)
ellipe: Special = special("ellipe", "m", _ellipe, lambda m, r: -elliptic_d(m) / 2, mpmath.ellipe)
ellipkm1: Special = special("ellipkm1", "p", _ellipkm1, lambda p, r: -elliptic_b(1 - p) / (2 * p), _exact_km1)
ellippi: Special = special(
    "ellippi", "n m", _ellippi, _slopes_pi, lambda n, m: mpmath.ellippi(n, m) if n < 1 else mpmath.nan
)
elliprd: Special = special("elliprd", "x y z", _elliprd, _slopes_rd, mpmath.elliprd)
elliprf: Special = special(
    "elliprf",
    "x y z",
    _elliprf,
    lambda x, y, z, r: (-elliprd(y, z, x) / 6, -elliprd(x, z, y) / 6, -elliprd(x, y, z) / 6),
    mpmath.elliprf,
)
ellipkinc: Special = special("ellipkinc", "phi m", _ellipkinc, _slopes_kinc, mpmath.ellipf)
ellipeinc: Special = special("ellipeinc", "phi m", _ellipeinc, _slopes_einc, mpmath.ellipe)
