"""erfc, erfcx, their inverses, and the normal distribution.

erfcx is a fit in (x - 3.75)/(x + 3.75) for x > 0; the others are made of it and of exp(-x**2), whose exponent is split
into two parts so that its rounding does not grow with x. DLMF 7.2, 7.4, 7.17.
"""

from __future__ import annotations

import math
from typing import Any

import mpmath

from symhep.special.node import Special, special
from symhep.special.recipes import SCALED, scaled_erfc
from symhep.special.series import ROOT_2PI, ROOT_HALF, ROOT_PI, fitted, keep, where


def _erf(x: Any) -> Any:
    return x._recorder.apply("erf", (x._node,))


def _gaussian(x: Any, share: float = 1, most: float = 28) -> Any:
    """exp(-share x**2): of the square the leading digits are exact, the rest is small."""
    y = x.minimum(most).maximum(-most)
    lead = keep((16 * y).rint() * 0.0625)
    rest = keep((y - lead) * (y + lead))
    return keep((-share * (lead * lead)).exp()) * keep((-share * rest).exp())


def _growing(x: Any) -> Any:
    """exp(x**2), split like `_gaussian`."""
    y = x.minimum(28).maximum(-28)
    lead = keep((16 * y).rint() * 0.0625)
    rest = keep((y - lead) * (y + lead))
    return keep((lead * lead).exp()) * keep(rest.exp())


def _scaled(x: Any) -> Any:
    """exp(x**2)*erfc(x) for x >= 0."""
    t = 1 - 2 * SCALED / keep(x.minimum(1e30) + SCALED)
    return fitted("erfcx", t) / (1 + 2 * x)


def _erfc(x: Any) -> Any:
    size = x.maximum(0.5)
    return where(x < 0.5, 1 - _erf(x), _gaussian(size) * _scaled(size))


def _erfcx(x: Any) -> Any:
    scaled = _scaled(abs(x))
    return where(x < 0, 2 * _growing(x) - scaled, scaled)


def _tail(x: Any) -> Any:
    """Half of erfc(x/sqrt(2)), for x >= 0."""
    return 0.5 * _gaussian(x, 0.5, 40) * _scaled(ROOT_HALF * x)


def _ndtr(x: Any) -> Any:
    tail = _tail(abs(x))
    return where(abs(x) < 0.7, 0.5 + 0.5 * _erf(ROOT_HALF * x), where(x < 0, tail, 1 - tail))


def _log_ndtr(x: Any) -> Any:
    low = x.minimum(0)
    below = (0.5 * _scaled(-ROOT_HALF * low)).log() - 0.5 * low * low
    return where(x < -1, below, (-_ndtr(-x.maximum(-1))).log1p())


def _inverse_by_width(w: Any) -> Any:
    """erfinv(y)/y at w = -log(1 - y**2)."""
    s = w.maximum(4).sqrt()
    middle = s * fitted("erfinv.middle", 0.5 * s.minimum(6) - 2)
    tail = s * fitted("erfinv.tail", s.maximum(6).minimum(28) * (1 / 11) - 17 / 11)
    return where(w < 4, fitted("erfinv.core", 0.5 * w.minimum(4) - 1), where(s < 6, middle, tail))


def _edges(x: Any, low: Any, high: Any, at_low: float, at_high: float, inside: Any) -> Any:
    """A function on (low, high) with infinities at the ends, NaN outside."""
    outside = where(x == low, at_low, where(x == high, at_high, math.nan))
    return where((x > low) & (x < high), inside, outside)


def _erfinv(y: Any) -> Any:
    inside = abs(y) < 1
    safe = where(inside, y, 0)
    w = -(keep(1 - safe) * keep(1 + safe)).log()
    return _edges(y, -1, 1, -math.inf, math.inf, safe * _inverse_by_width(w))


def _erfcinv(q: Any) -> Any:
    safe = where((q > 0) & (q < 2), q, 1)
    w = -(safe.log() + keep(2 - safe).log())
    return _edges(q, 0, 2, math.inf, -math.inf, (1 - safe) * _inverse_by_width(w))


def _ndtri(p: Any) -> Any:
    return -2 * ROOT_HALF * _erfcinv(2 * p)


# -- true values -----------------------------------------------------------------------------------------------------


def _exact_inverse(q: Any) -> Any:
    """The x with erfc(x) = q."""
    if q == 1:
        return mpmath.mpf(0)
    if not 0 < q < 2:
        return mpmath.nan
    if q > 1:
        return -_exact_inverse(2 - q)
    x = mpmath.sqrt(-mpmath.log(q)) if q < 0.3 else mpmath.erfinv(1 - q)
    for _ in range(30):
        step = mpmath.log(mpmath.erfc(x) / q) * mpmath.sqrt(mpmath.pi) / 2 * scaled_erfc(x)
        x += step
        if abs(step) < abs(x) * mpmath.mpf(10) ** (5 - mpmath.mp.dps):
            break
    return x


def _exact_log_ndtr(x: Any) -> Any:
    return mpmath.log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2)


def _exact_ndtr(x: Any) -> Any:
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


erfc: Special = special("erfc", "x", _erfc, lambda x, r: -2 / ROOT_PI * (-x * x).exp(), mpmath.erfc)
erfcx: Special = special("erfcx", "x", _erfcx, lambda x, r: 2 * x * r - 2 / ROOT_PI, scaled_erfc)
erfinv: Special = special(
    "erfinv", "y", _erfinv, lambda y, r: ROOT_PI / 2 * (r * r).exp(), lambda y: _exact_inverse(1 - y)
)
erfcinv: Special = special("erfcinv", "q", _erfcinv, lambda q, r: -ROOT_PI / 2 * (r * r).exp(), _exact_inverse)
ndtr: Special = special("ndtr", "x", _ndtr, lambda x, r: (-x * x / 2).exp() / ROOT_2PI, _exact_ndtr)
log_ndtr: Special = special(
    "log_ndtr", "x", _log_ndtr, lambda x, r: 2 / ROOT_2PI / erfcx(-x * ROOT_HALF), _exact_log_ndtr
)
ndtri: Special = special(
    "ndtri", "p", _ndtri, lambda p, r: ROOT_2PI * (r * r / 2).exp(), lambda p: -mpmath.sqrt(2) * _exact_inverse(2 * p)
)
