"""Bessel functions of constant order, integer or half-integer; the spherical ones.

Where x is small against the order, J is its leading power of x times a smooth factor that is fitted; elsewhere orders 0
and 1 are amplitudes, fitted in 1/x**2, times sine and cosine (DLMF 10.17.3-10.17.4). I is fitted in x/(x + c) with its
leading power and its growth taken out, K as in DLMF 10.31.1 below 2 and in 1/x above (DLMF 10.40.2). Higher orders
follow by recurrences in the direction in which they are stable (DLMF 10.6.1, 10.29.1, 10.51.1). Fits for orders above 1
are made when a formula first asks for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath

from symhep.special.fits import Fit
from symhep.special.node import Special, constant, special
from symhep.special.recipes import BESSEL_EDGE, K_EDGE, growing_fit, growing_middle, growing_scale, oscillating_fit
from symhep.special.series import PI, fitted, keep, polynomial, where

# -- J and Y ---------------------------------------------------------------------------------------------------------


def _amplitudes(x: Any, order: int) -> tuple[Any, Any]:
    """(J, Y) of order 0 or 1 for x >= BESSEL_EDGE."""
    y = x.maximum(BESSEL_EDGE)
    t = 2 * (BESSEL_EDGE / y) ** 2 - 1
    p, q = fitted(f"bessel.p{order}", t), fitted(f"bessel.q{order}", t) / y
    size = 1 / (y * PI).sqrt()
    sine, cosine = y.sin(), y.cos()
    total, difference = sine + cosine, sine - cosine
    if order == 0:
        return size * keep(p * total - q * difference), size * keep(p * difference + q * total)
    return size * keep(p * difference + q * total), size * keep(q * difference - p * total)


def _square(x: Any) -> Any:
    """x**2 on [0, BESSEL_EDGE**2] as t."""
    y = x.minimum(BESSEL_EDGE)
    return 2 * (y / BESSEL_EDGE) ** 2 - 1


def _j_first(x: Any, order: int) -> Any:
    """J of order 0 or 1 for x >= 0."""
    near = fitted(f"bessel.j{order}", _square(x))
    near = near if order == 0 else x.minimum(BESSEL_EDGE) * near
    return where(x < BESSEL_EDGE, near, _amplitudes(x, order)[0])


@cache
def _oscillating(nu: Fraction) -> tuple[float, Fit]:
    """Up to which x J of this order is fitted, and the fit."""
    edge = max(BESSEL_EDGE, math.ceil(nu))
    return edge, oscillating_fit(nu, edge)


def _leading(x: Any, nu: Fraction) -> Any:
    """J of order nu over (x/2)**nu/gamma(nu + 1), up to the edge of its fit."""
    edge, fit = _oscillating(nu)
    y = x.minimum(edge)
    return (-y * y / (4 * (nu + 1))).exp() * polynomial(fit, 2 * (y / edge) ** 2 - 1)


def _upwards(n: int, x: Any, first: Any, second: Any, step: int) -> Any:
    """f_n of f_0 and f_1 by f_{k+1} = (2k + step)/x f_k - f_{k-1}."""
    before, now = first, second
    for k in range(1, n):
        before, now = now, keep((2 * k + step) / x * now - before)
    return now


def _odd(n: int, x: Any, value: Any) -> Any:
    """A value for |x| as that for x, of parity (-1)**n."""
    return where(x < 0, -value, value) if n % 2 else value


def _jn(n: int, x: Any) -> Any:
    size = abs(x)
    if n < 2:
        return _odd(n, x, _j_first(size, n))
    edge, _ = _oscillating(Fraction(n))
    near = (size.minimum(edge) / 2) ** n / math.factorial(n) * _leading(size, Fraction(n))
    first, second = (_amplitudes(size, k)[0] for k in (0, 1))
    far = _upwards(n, size.maximum(edge), first, second, 0)
    return _odd(n, x, where(size < edge, near, far))


def _y_first(x: Any, order: int) -> Any:
    """Y of order 0 or 1 for x > 0."""
    y = x.minimum(BESSEL_EDGE)
    logarithm = 2 / PI * y.log()
    rest = fitted(f"bessel.y{order}", _square(x))
    first = fitted(f"bessel.j{order}", _square(x))
    near = logarithm * first + rest if order == 0 else y * (logarithm * first + rest) - 2 / (PI * y)
    return where(x < BESSEL_EDGE, near, _amplitudes(x, order)[1])


def _unbounded(n: int, x: Any, first: Any, second: Any, step: int) -> Any:
    """`_upwards` for a function that is -inf at 0."""
    before, now = first, second
    for k in range(1, n):
        term = keep((2 * k + step) / x * now)
        before, now = now, keep(where(term == -math.inf, term, term - before))
    return now


def _on_positive(x: Any, at_zero: float, function: Callable[[Any], Any]) -> Any:
    """A function of x > 0, with its limit at zero and NaN below."""
    value = function(where(x > 0, x, 1))
    return where(x > 0, value, where(x == 0, at_zero, math.nan))


def _yn(n: int, x: Any) -> Any:
    def value(y: Any) -> Any:
        return _y_first(y, n) if n < 2 else _unbounded(n, y, _y_first(y, 0), _y_first(y, 1), 0)

    return _on_positive(x, -math.inf, value)


# -- I and K ---------------------------------------------------------------------------------------------------------


@cache
def _growing(nu: Fraction) -> Fit:
    return growing_fit(nu)


def _growth(x: Any, nu: Fraction, fits: Callable[[Any], Any] | None = None) -> tuple[Any, Any]:
    """exp(-x) I_nu(x) gamma(nu + 1) (2/x)**nu (1 + x/c)**(nu + 1/2) for x >= 0, and 1/(1 + x/c)."""
    c, middle = growing_scale(nu), growing_middle(nu)
    y = x.minimum(1e30)
    share = c / (y + c)
    t = 1 - 2 * middle / (y + middle)
    return (fits(t) if fits else polynomial(_growing(nu), t)), share


def _ive_above(n: int, x: Any) -> Any:
    """exp(-x) I_n(x) for x >= 0."""
    fits = (lambda t: fitted(f"bessel.i{n}", t)) if n < 2 else None
    value, share = _growth(x, Fraction(n), fits)
    c = growing_scale(Fraction(n))
    value = value * (c / (x + c)).sqrt()
    return value if n == 0 else (x.minimum(1e30) * share / 2) ** n / math.factorial(n) * value


def _ive(n: int, x: Any) -> Any:
    return _odd(n, x, _ive_above(n, abs(x)))


def _iv(n: int, x: Any) -> Any:
    return _ive(n, x) * abs(x).exp()


def _k_first(x: Any, order: int, scaled: bool) -> Any:
    """K of order 0 or 1 for x > 0, times exp(x) where that is asked for."""
    y = x.minimum(K_EDGE)
    t = 2 * (y / K_EDGE) ** 2 - 1
    logarithm = (y / 2).log()
    log_part, rest = fitted(f"bessel.k{order}log", t), fitted(f"bessel.k{order}rest", t)
    near = rest - logarithm * log_part if order == 0 else 1 / y + y * (logarithm * log_part + rest)
    z = x.maximum(K_EDGE)
    far = fitted(f"bessel.k{order}", 2 * K_EDGE / z - 1) / z.sqrt()
    if scaled:
        return where(x < K_EDGE, near * y.exp(), far)
    return where(x < K_EDGE, near, far * (-z).exp())


def _k(scaled: bool) -> Callable[[int, Any], Any]:
    def function(n: int, x: Any) -> Any:
        def value(y: Any) -> Any:
            before, now = _k_first(y, 0, scaled), _k_first(y, 1, scaled)
            if n == 0:
                return before
            for k in range(1, n):
                before, now = now, keep(before + 2 * k / y * now)
            return now

        return _on_positive(x, math.inf, value)

    return function


# -- spherical -------------------------------------------------------------------------------------------------------


def _double_factorial(n: int) -> int:
    return math.prod(range(n, 0, -2))


def _spherical_jn(n: int, x: Any) -> Any:
    size = abs(x)
    if n == 0:
        y = where(x == 0, 1, x)
        return where(x == 0, 1, where(size == math.inf, 0, y.sin() / y))
    nu = n + Fraction(1, 2)
    edge, _ = _oscillating(nu)
    near = size.minimum(edge) ** n / _double_factorial(2 * n + 1) * _leading(size, nu)
    y = size.maximum(edge)
    first = y.sin() / y
    far = _upwards(n, y, first, (first - y.cos()) / y, 1)
    return _odd(n, x, where(size < edge, near, where(size == math.inf, 0, far)))


def _spherical_yn(n: int, x: Any) -> Any:
    def value(y: Any) -> Any:
        first = -y.cos() / y
        if n == 0:
            return first
        return _unbounded(n, y, first, (first - y.sin()) / y, 1)

    above = _on_positive(abs(x), -math.inf, value)
    return where(x < 0, -above, above) if n % 2 == 0 else above


def _spherical_in(n: int, x: Any) -> Any:
    size = abs(x)
    value, share = _growth(size, n + Fraction(1, 2))
    value = value * share * size.exp()
    if n:
        value = (size.minimum(1e30) * share) ** n / _double_factorial(2 * n + 1) * value
    return _odd(n, x, value)


def _spherical_kn(n: int, x: Any) -> Any:
    """DLMF 10.49.12."""

    def value(y: Any) -> Any:
        terms = [
            Fraction(math.factorial(n + k), math.factorial(k) * math.factorial(n - k) * 2**k) for k in range(n + 1)
        ]
        total = y._recorder.value(terms[-1])
        for c in reversed(terms[:-1]):
            total = keep(total / y + c)
        return PI / 2 * (-y).exp() * total / y

    return _on_positive(x, math.inf, value)


# -- the functions ---------------------------------------------------------------------------------------------------


def _within(function: Callable[..., Any], most: float = 1e9) -> Callable[..., Any]:
    """mpmath's function, where it does not take for ever."""

    def value(n: int, x: Any) -> Any:
        if abs(x) > most:
            raise OverflowError
        return function(n, x)

    return value


def _positive(function: Callable[..., Any]) -> Callable[..., Any]:
    return _within(lambda n, x: function(n, x) if x > 0 else mpmath.nan)


def _ordered(name: str, value: Callable, derivative: Callable, exact: Callable) -> Special:
    return special(name, "x", value, derivative, exact, parameters="n", kinds="integer")


def _halves(of: Callable[[], Any], sign: int, start: int) -> Callable[..., Any]:
    """(f_{n-1} + sign f_{n+1})/2 for n > 0, f_1 times `start` for 0."""
    return lambda n, x, r: start * of()(1, x) if n == 0 else (of()(n - 1, x) + sign * of()(n + 1, x)) / 2


bessel_j: Special = _ordered("bessel_j", _jn, _halves(lambda: bessel_j, -1, -1), _within(mpmath.besselj))
bessel_y: Special = _ordered("bessel_y", _yn, _halves(lambda: bessel_y, -1, -1), _positive(mpmath.bessely))
bessel_i: Special = _ordered("bessel_i", _iv, _halves(lambda: bessel_i, 1, 1), _within(mpmath.besseli))
bessel_k: Special = _ordered(
    "bessel_k",
    _k(scaled=False),
    lambda n, x, r: -bessel_k(1, x) if n == 0 else -(bessel_k(n - 1, x) + bessel_k(n + 1, x)) / 2,
    _positive(mpmath.besselk),
)


def _slope_of_scaled_i(n: int, x: Any, r: Any) -> Any:
    neighbours = scaled_i(1, x) if n == 0 else (scaled_i(n - 1, x) + scaled_i(n + 1, x)) / 2
    return neighbours - where(x < 0, -r, r)


def _slope_of_scaled_k(n: int, x: Any, r: Any) -> Any:
    neighbours = scaled_k(1, x) if n == 0 else (scaled_k(n - 1, x) + scaled_k(n + 1, x)) / 2
    return r - neighbours


scaled_i: Special = _ordered(
    "scaled_bessel_i", _ive, _slope_of_scaled_i, _within(lambda n, x: mpmath.exp(-abs(x)) * mpmath.besseli(n, x))
)
scaled_k: Special = _ordered(
    "scaled_bessel_k", _k(scaled=True), _slope_of_scaled_k, _positive(lambda n, x: mpmath.exp(x) * mpmath.besselk(n, x))
)


def _spherical(cylindrical: Callable, parity: int, factor: int = 1) -> Callable[..., Any]:
    """sqrt(pi/(2x)) f_{n+1/2}(x), of the parity (-1)**(n + parity)."""

    def value(n: int, x: Any) -> Any:
        if x == 0:
            return mpmath.mpf(n == 0) if parity == 0 else mpmath.nan
        nu = mpmath.mpf(2 * n + 1) / 2
        found = mpmath.sqrt(mpmath.pi / (2 * abs(x))) * cylindrical(nu, abs(x)) * factor
        return found * (-1) ** (n + parity) if x < 0 else found

    return _within(value)


spherical_jn: Special = _ordered(
    "spherical_jn",
    _spherical_jn,
    lambda n, x, r: (
        -spherical_jn(1, x) if n == 0 else (n * spherical_jn(n - 1, x) - (n + 1) * spherical_jn(n + 1, x)) / (2 * n + 1)
    ),
    _spherical(mpmath.besselj, 0),
)
spherical_yn: Special = _ordered(
    "spherical_yn",
    _spherical_yn,
    lambda n, x, r: (
        -spherical_yn(1, x) if n == 0 else (n * spherical_yn(n - 1, x) - (n + 1) * spherical_yn(n + 1, x)) / (2 * n + 1)
    ),
    _spherical(mpmath.bessely, 1),
)
spherical_in: Special = _ordered(
    "spherical_in",
    _spherical_in,
    lambda n, x, r: (
        spherical_in(1, x) if n == 0 else (n * spherical_in(n - 1, x) + (n + 1) * spherical_in(n + 1, x)) / (2 * n + 1)
    ),
    _spherical(mpmath.besseli, 0),
)
spherical_kn: Special = _ordered(
    "spherical_kn",
    _spherical_kn,
    lambda n, x, r: (
        -spherical_kn(1, x)
        if n == 0
        else -(n * spherical_kn(n - 1, x) + (n + 1) * spherical_kn(n + 1, x)) / (2 * n + 1)
    ),
    _within(lambda n, x: _spherical(mpmath.besselk, 1)(n, x) if x > 0 else mpmath.nan),
)


def _root(x: Any) -> Any:
    """sqrt(2x/pi)."""
    return (2 * x / PI) ** Fraction(1, 2) if hasattr(x, "_node") else (2 / math.pi * x) ** 0.5


def _of_any_order(name: str, whole: Any, half: Any, mirrored: int) -> Callable[..., Any]:
    """The function of integer or half-integer order; negative integers by f_{-n} = mirrored**n f_n."""

    def function(v: Any, x: Any) -> Any:
        order = Fraction(constant(v, name, "v", "half", -math.inf))
        if order.denominator == 1:
            n = int(order)
            return whole(-n, x) * mirrored**n if n < 0 else whole(n, x)
        return _root(x) * half(constant(order - Fraction(1, 2), name, "v - 1/2"), x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"scipy.special.{name} of constant order v, an integer or a positive half-integer."
    return function


def _scaled_in(n: int, x: Any) -> Any:
    return spherical_in(n, x) * _exp(-abs(x))


def _scaled_kn(n: int, x: Any) -> Any:
    return spherical_kn(n, x) * _exp(x)


def _exp(x: Any) -> Any:
    import numpy as np

    return np.exp(x)


jv = _of_any_order("jv", bessel_j, spherical_jn, -1)
yv = _of_any_order("yv", bessel_y, spherical_yn, -1)
iv = _of_any_order("iv", bessel_i, spherical_in, 1)
kv = _of_any_order("kv", bessel_k, spherical_kn, 1)
ive = _of_any_order("ive", scaled_i, _scaled_in, 1)
kve = _of_any_order("kve", scaled_k, _scaled_kn, 1)
