"""Orthogonal polynomials of constant degree, by their recurrences (DLMF 18.9), and what is made of them.

Degrees are constants; the other parameters may be traced. From degree 7 on each step is kept as it is: multiplied out
into powers of x, a polynomial of high degree would lose digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from symhep.special.node import constant
from symhep.special.series import PI
from symhep.tracing.marks import keep, recorder_of
from symhep.tracing.values import Scalar

_FREE = 6  # polynomials up to this degree may be rearranged


def _recurrence(n: int, first: Any, second: Any, following: Callable[[int, Any, Any], Any]) -> Any:
    """The n-th of a sequence, where following(k, p_k, p_{k-1}) is p_{k+1}."""
    if n == 0:
        return first
    before, now = first, second
    for k in range(1, n):
        before, now = now, following(k, now, before)
        now = now if n <= _FREE else keep(now)
    return now


def _one(x: Any) -> Any:
    return x._recorder.value(1) if isinstance(x, Scalar) else 0 * x + 1


def _number(value: Any, x: Any) -> Any:
    """An exact number for use with x: a float where x is not traced."""
    return float(value) if isinstance(value, Fraction) and recorder_of(x) is None else value


def _known(value: Any) -> Any:
    """A parameter as an exact number if it is a constant; else as it is."""
    node = getattr(value, "_node", None)
    if node is not None and node.op != "const":
        return value
    return value if isinstance(value, np.ndarray) else constant(value, "a polynomial", "parameter", "real", -math.inf)


def eval_legendre(n: Any, x: Any) -> Any:
    """The Legendre polynomial P_n(x).

    >>> eval_legendre(2, 0.5)
    -0.125
    """
    n = constant(n, "eval_legendre", "n")
    return _recurrence(n, _one(x), x, lambda k, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1))


def eval_chebyt(n: Any, x: Any) -> Any:
    """The Chebyshev polynomial of the first kind, T_n(x).

    >>> eval_chebyt(3, 0.5)
    -1.0
    """
    return _recurrence(constant(n, "eval_chebyt", "n"), _one(x), x, lambda k, p, q: 2 * x * p - q)


def eval_chebyu(n: Any, x: Any) -> Any:
    """The Chebyshev polynomial of the second kind, U_n(x).

    >>> eval_chebyu(2, 0.5)
    0.0
    """
    return _recurrence(constant(n, "eval_chebyu", "n"), _one(x), 2 * x, lambda k, p, q: 2 * x * p - q)


def eval_hermite(n: Any, x: Any) -> Any:
    """The physicists' Hermite polynomial H_n(x).

    >>> eval_hermite(2, 0.5)
    -1.0
    """
    n = constant(n, "eval_hermite", "n")
    return _recurrence(n, _one(x), 2 * x, lambda k, p, q: 2 * x * p - 2 * k * q)


def eval_hermitenorm(n: Any, x: Any) -> Any:
    """The probabilists' Hermite polynomial He_n(x).

    >>> eval_hermitenorm(2, 0.5)
    -0.75
    """
    return _recurrence(constant(n, "eval_hermitenorm", "n"), _one(x), x, lambda k, p, q: x * p - k * q)


def eval_laguerre(n: Any, x: Any) -> Any:
    """The Laguerre polynomial L_n(x).

    >>> eval_laguerre(2, 2.0)
    -1.0
    """
    return _laguerre(constant(n, "eval_laguerre", "n"), 0, x)


def eval_genlaguerre(n: Any, alpha: Any, x: Any) -> Any:
    """The associated Laguerre polynomial with parameter alpha.

    >>> eval_genlaguerre(2, 1, 2.0)
    -1.0
    """
    return _laguerre(constant(n, "eval_genlaguerre", "n"), _known(alpha), x)


def _laguerre(n: int, alpha: Any, x: Any) -> Any:
    a = _number(alpha, x)
    return _recurrence(n, _one(x), 1 + a - x, lambda k, p, q: ((2 * k + 1 + a - x) * p - (k + a) * q) / (k + 1))


def eval_gegenbauer(n: Any, alpha: Any, x: Any) -> Any:
    """The Gegenbauer polynomial with parameter alpha.

    >>> eval_gegenbauer(2, 1, 0.5)
    0.0
    """
    n, a = constant(n, "eval_gegenbauer", "n"), _number(_known(alpha), x)
    following = lambda k, p, q: (2 * (k + a) * x * p - (k + 2 * a - 1) * q) / (k + 1)
    return _recurrence(n, _one(x), 2 * a * x, following)


def eval_jacobi(n: Any, alpha: Any, beta: Any, x: Any) -> Any:
    """The Jacobi polynomial with parameters alpha, beta > -1.

    >>> eval_jacobi(2, 0, 0, 0.5)
    -0.125
    """
    n, a, b = constant(n, "eval_jacobi", "n"), _number(_known(alpha), x), _number(_known(beta), x)

    def following(k: int, p: Any, q: Any) -> Any:
        s = 2 * k + a + b
        scale = 2 * (k + 1) * (k + 1 + a + b) * s
        return ((s + 1) * ((s + 2) * s * x + (a * a - b * b)) * p - 2 * (k + a) * (k + b) * (s + 2) * q) / scale

    return _recurrence(n, _one(x), (a + 1) + (a + b + 2) * (x - 1) / 2, following)


def lpmv(m: Any, l: Any, x: Any) -> Any:
    """The associated Legendre function P_l^m(x), |x| <= 1, with the factor (-1)**m; l and m are constants.

    >>> float(lpmv(1, 1, 0.6))
    -0.8
    """
    m, degree = constant(m, "lpmv", "m", least=-math.inf), constant(l, "lpmv", "l")
    return _associated(degree, m, x, lambda k: _root_power((1 - x) * (1 + x), k))


def _root_power(square: Any, k: int) -> Any:
    """square**(k/2)."""
    whole = square ** (k // 2) if k > 1 else 1
    return whole * np.sqrt(square) if k % 2 else whole


def _associated(n: int, m: int, x: Any, sine_power: Callable[[int], Any]) -> Any:
    """P_n^m(x), with (1 - x**2)**(k/2) as a function of k; DLMF 14.10.3, 14.9.3."""
    k = abs(m)
    if k > n:
        return 0 * x
    sign = (-1) ** k * math.prod(range(1, 2 * k, 2))
    first = sign * sine_power(k) if k else _one(x)
    step = lambda i, p, q: ((2 * (i + k) + 1) * x * p - (i + 2 * k) * q) / (i + 1)
    value = _recurrence(n - k, first, (2 * k + 1) * x * first, step)
    if m < 0:
        value = _number(Fraction((-1) ** k * math.factorial(n - k), math.factorial(n + k)), x) * value
    return value


def sph_harm_y(l: Any, m: Any, theta: Any, phi: Any) -> Any:
    """The spherical harmonic Y_l^m at polar angle theta and azimuth phi, complex; l and m are constants.

    >>> complex(np.round(sph_harm_y(1, 0, 0.0, 0.0), 6))
    (0.488603+0j)
    """
    degree, order = constant(l, "sph_harm_y", "l"), constant(m, "sph_harm_y", "m", least=-math.inf)
    size = _normalised(degree, order, theta)
    return size * np.cos(order * phi) + 1j * (size * np.sin(order * phi))


def _normalised(n: int, m: int, theta: Any) -> Any:
    if abs(m) > n:
        return 0 * theta
    ratio = Fraction((2 * n + 1) * math.factorial(n - m), 4 * math.factorial(n + m))
    sine = np.sin(theta)
    value = _associated(n, m, np.cos(theta), lambda k: sine**k)
    if recorder_of(theta) is None:
        return math.sqrt(ratio / PI) * value
    return (theta._recorder.value(ratio) / PI).sqrt() * value


def real_sph_harm(l: Any, m: Any, theta: Any, phi: Any) -> Any:
    """The real spherical harmonic: sqrt(2) times real (m > 0) or imaginary part (m < 0) of (-1)**m Y_l^|m|.

    >>> float(np.round(real_sph_harm(1, 1, np.pi / 2, 0.0), 6))
    0.488603
    """
    degree, order = constant(l, "real_sph_harm", "l"), constant(m, "real_sph_harm", "m", least=-math.inf)
    value = _normalised(degree, abs(order), theta)
    if order == 0:
        return value
    angular = np.cos(order * phi) if order > 0 else np.sin(-order * phi)
    return (-1) ** order * np.sqrt(2 + 0 * phi) * value * angular


def wigner_d(j: Any, m1: Any, m2: Any, beta: Any) -> Any:
    """Wigner's d function d^j_{m1 m2}(beta), with constant j, m1 and m2, integers or half-integers.

    The sign is that of d^{1/2}_{1/2,-1/2} = -sin(beta/2) (Review of Particle Physics; Varshalovich 4.3.1).

    >>> float(np.round(wigner_d(1, 1, 1, 0.0), 6))
    1.0
    """
    spin = Fraction(constant(j, "wigner_d", "j", "half"))
    first = Fraction(constant(m1, "wigner_d", "m1", "half", -math.inf))
    second = Fraction(constant(m2, "wigner_d", "m2", "half", -math.inf))
    if abs(first) > spin or abs(second) > spin or (spin - first).denominator != 1 or (spin - second).denominator != 1:
        return 0 * beta
    c, s = np.cos(beta / 2), np.sin(beta / 2)
    up, down, right, left = (int(v) for v in (spin + first, spin - first, spin + second, spin - second))
    root = math.factorial(up) * math.factorial(down) * math.factorial(right) * math.factorial(left)
    total: Any = None
    for k in range(max(0, right - up), min(right, down) + 1):
        below = (
            math.factorial(right - k) * math.factorial(k) * math.factorial(up - right + k) * math.factorial(down - k)
        )
        sign = (-1) ** (up - right + k)
        term = _number(Fraction(sign, below), beta) * c ** (right + down - 2 * k) * s ** (up - right + 2 * k)
        total = term if total is None else total + term
    return total * (math.sqrt(root) if recorder_of(beta) is None else beta._recorder.value(root).sqrt())


def wigner_D(j: Any, m1: Any, m2: Any, alpha: Any, beta: Any, gamma: Any) -> Any:
    """Wigner's D function exp(-i m1 alpha) d^j_{m1 m2}(beta) exp(-i m2 gamma), complex.

    >>> complex(np.round(wigner_D(1, 1, 1, 0.0, 0.0, 0.0), 6))
    (1+0j)
    """
    size = wigner_d(j, m1, m2, beta)
    first = _number(constant(m1, "wigner_D", "m1", "half", -math.inf), alpha)
    second = _number(constant(m2, "wigner_D", "m2", "half", -math.inf), gamma)
    angle = first * alpha + second * gamma
    return size * np.cos(angle) - 1j * (size * np.sin(angle))
