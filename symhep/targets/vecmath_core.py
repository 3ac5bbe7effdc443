"""The parts of which vecmath.py is made: argument reductions, polynomials and unevaluated sums."""

from __future__ import annotations

from symhep.targets import vecmath_tables as tables

INF = float("inf")
NAN = float("nan")
MIN_NORMAL = 2.0**-1022

# 1.5 * 2**52: adding it rounds to an integer, which then stands in the low bits of the sum.
MAGIC = 6755399441055744.0
MAGIC_BITS = 0x4338000000000000
ONE_BITS = 0x3FF0000000000000
MANTISSA = (1 << 52) - 1
SIGN_BIT = -(1 << 63)
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD

# High and low parts.  The first part of LN2 and of LOG10_2 has 42 bits and the second of PIO2_PARTS has 30: their
# products with the integers in use are exact.
LN2 = (0.6931471805598903, 5.497923018708371e-14)
LOG10_2 = (0.30102999566395283, 2.8363394551044964e-14)
PIO2_PARTS = (1.5707963267948966, 6.12323399409214e-17, 1.6446256936324258e-26)
PIO2 = (1.5707963267948966, 6.123233995736766e-17)
PI = (3.141592653589793, 1.2246467991473532e-16)
LOG2_E = (1.4426950408889634, 2.0355273740931033e-17)
LOG10_E = (0.4342944819032518, 1.098319650216765e-17)
THIRD = (0.3333333333333333, 1.850371707708594e-17)
TWO_OVER_PI = 0.6366197723675814
CBRT2 = 1.2599210498948732
CBRT_HALF = 0.7937005259840998
TRIG_MAX = 2.0**23


def value(m, a):
    """A Python float as a constant of the machine; values pass."""
    return m.const(a) if isinstance(a, float) else a


def fma(m, a, b, c):
    """a * b + c, rounded once; Python floats are constants."""
    return m.fma(value(m, a), value(m, b), value(m, c))


def select(m, mask, a, b):
    """a where the mask is set, else b; Python floats are constants."""
    return m.select(mask, value(m, a), value(m, b))


def poly(m, x, coeffs):
    """Horner's rule: the fewest operations."""
    total = m.const(coeffs[-1])
    for c in coeffs[-2::-1]:
        total = fma(m, total, x, c)
    return total


def poly2(m, x, x2, coeffs):
    """Horner's rule in x2 = x * x on pairs of coefficients: half the latency, no cancellation if signs alternate."""
    pairs = [fma(m, x, b, a) for a, b in zip(coeffs[0::2], coeffs[1::2])]
    total = pairs.pop() if len(coeffs) % 2 == 0 else m.const(coeffs[-1])
    for pair in reversed(pairs):
        total = m.fma(total, x2, pair)
    return total


def fast_two_sum(a, b):
    """The sum of a and b and its rounding error, where |a| >= |b| (Dekker)."""
    total = a + b
    return total, (a - total) + b


def exponent_bits(m, t):
    """k in the place of an exponent, where t = MAGIC + k: the upper bits of t fall off."""
    return m.bits(t) << 52


def divide(m, num, den):
    """The quotient of two unevaluated sums (high, low): division, one correction step."""
    reciprocal = 1.0 / den[0]
    quotient = num[0] * reciprocal
    rest = fma(m, -quotient, den[1], m.fma(-quotient, den[0], num[0]) + num[1])
    return quotient, rest * reciprocal


def trig(m, x):
    """x = n pi/2 + r; (MAGIC + n, r, sin(r) = r - u, cos(r) = 1 + r v) for |x| <= TRIG_MAX.

    The first two steps of the reduction are exact, so r keeps its relative accuracy near the multiples of pi/2; its
    rounding error goes into u and v.  The signs are such that -0 stays -0.
    """
    t = fma(m, x, TWO_OVER_PI, MAGIC)
    n = t - MAGIC
    head = fma(m, n, -PIO2_PARTS[0], x)
    step = n * PIO2_PARTS[1]
    r = head - step
    low = fma(m, n, PIO2_PARTS[2], step - (head - r))
    z = r * r
    u = m.fma(r, z * poly(m, z, tables.SIN), low)
    v = m.fma(r, fma(m, z, poly(m, z, tables.COS), -0.5), low)
    return t, r, u, v


def exp_reduce(m, x):
    """x = k ln2 + r; (MAGIC + k, k, r + k LN2[1]), the last without rounding error."""
    t = fma(m, x, LOG2_E[0], MAGIC)
    k = t - MAGIC
    return t, k, fma(m, k, -LN2[0], x)


def exp_poly(m, r):
    """exp(r) for |r| <= ln2/2."""
    r2 = r * r
    return 1.0 + m.fma(r2, poly2(m, r, r2, tables.EXP), r)


def exp_scale(m, y, t, bounded):
    """y * 2**k for t = MAGIC + k in two halves, so that only the last product rounds, overflows or underflows.

    The addend makes the result NaN where the argument is.
    """
    n = m.bits(t)
    half = m.lshr(n, 1)
    scaled = m.from_bits(m.bits(y) + (half << 52))
    return m.fma(scaled, m.from_bits(((n - half) << 52) + ONE_BITS), bounded - bounded)


def hyperbolic(m, a, bias):
    """(sinh(a), cosh(a)) * 2**(bias + 1) as unevaluated sums, for a >= 0.

    a = k ln2 + r, and the addition theorems take sinh(r) = r + s and cosh(r) = 1 + c; for k = 0 they lose nothing.
    """
    t, k, head = exp_reduce(m, a)
    r = fma(m, k, -LN2[1], head)
    z = r * r
    s = m.fma(r * z, poly(m, z, tables.SINH), fma(m, k, -LN2[1], head - r))
    c = z * poly(m, z, tables.COSH)
    # 2**-k is negligible long before its exponent would leave the range.
    inverse = MAGIC - m.minimum(m.const(64.0), k)
    field = ONE_BITS + (bias << 52)
    up = m.from_bits(exponent_bits(m, t) + field)
    down = m.from_bits(exponent_bits(m, inverse) + field)
    odd, even = fast_two_sum(up, -down), fast_two_sum(up, down)

    def combine(p, q):
        total = m.fma(q[0], r, p[0])
        return total, m.fma(q[0], r, p[0] - total) + (p[1] + m.fma(p[0], c, q[0] * s))

    return combine(odd, even), combine(even, odd)


def split(m, x):
    """x = 2**k y with sqrt(1/2) <= y < sqrt(2), for normal x > 0; (k + 1023, k as a float, y)."""
    shifted = m.bits(x) + (ONE_BITS - SQRT_HALF_BITS)
    biased = m.lshr(shifted, 52)
    y = m.from_bits((shifted & MANTISSA) + SQRT_HALF_BITS)
    return biased, m.from_bits(biased + MAGIC_BITS) - (MAGIC + 1023.0), y


def split_any(m, x):
    """As `split`, for x > 0 that may be subnormal; (k, y)."""
    subnormal = x < MIN_NORMAL
    _, k, y = split(m, m.select(subnormal, x * 2.0**54, x))
    return m.select(subnormal, k - 54.0, k), y


def log1p_series(m, f):
    """(s, v) with log(1 + f) = 2 atanh(s) = f - s v, where s = f / (2 + f); sqrt(1/2) <= 1 + f < sqrt(2)."""
    s = f / (f + 2.0)
    z = s * s
    return s, m.fma(-z, poly2(m, z, z * z, tables.LOG), f)


def log_domain(m, x, result, edge):
    """`result`, with -inf at x = edge, NaN below, and inf or NaN as they are."""
    result = m.select(x > edge, result, select(m, m.eq(x, edge), -INF, NAN))
    return m.select(x < INF, result, x)


def log_combine(m, k, f, low=None):
    """k ln2 + log(1 + f + low), the two large terms summed without error."""
    s, v = log1p_series(m, f)
    total = fma(m, k, LN2[0], f)
    rest = fma(m, k, LN2[0], -total) + f
    rest = fma(m, k, LN2[1], rest if low is None else rest + low)
    return total + m.fma(-s, v, rest)


def log_sum(m, u, c, extra=None):
    """log(u + c), where c is at most a rounding error of u >= 2**-53, or u = 1; plus extra * ln2."""
    biased, k, y = split(m, u)
    # 2**(1 - k), as 2**-k leaves the range for the largest u; the exclusive or is 2047 - biased.
    scale = m.from_bits((biased ^ 2047) << 52)
    head = y - 1.0
    half = c * 0.5
    f = m.fma(half, scale, head)
    low = m.fma(half, scale, head - f)
    return log_combine(m, k if extra is None else k + extra, f, low)


def one_plus(a):
    """1 + a and its rounding error (Knuth)."""
    total = a + 1.0
    part = total - 1.0
    return total, (1.0 - (total - part)) + (a - part)


def log1p_pair(m, high, low, large, a):
    """log(1 + high + low), or log(2 a) where `large`."""
    u, c = one_plus(high)
    u, c = m.select(large, a, u), select(m, large, 0.0, c + low)
    return log_sum(m, u, c, select(m, large, 1.0, 0.0))


def log_pair(m, x):
    """log(x) for x >= 0 as an unevaluated sum, relative error about 2**-65; inf and NaN as they are."""
    k, y = split_any(m, x)
    f, den = y - 1.0, y + 1.0
    s, s_low = divide(m, (f, m.const(0.0)), (den, y - (den - 1.0)))
    z = s * s
    z_low = m.fma(s + s, s_low, m.fma(s, s, -z))
    # atanh(s) = s + s (z/3 + z tail), the bracket in two parts; z_low counts in both terms.
    tail = z * poly2(m, z, z * z, tables.LOG_TAIL)
    third = z * THIRD[0]
    third_low = fma(m, z, THIRD[1], fma(m, z, THIRD[0], -third))
    w, w_low = fast_two_sum(third, z * tail)
    w_low = w_low + m.fma(z_low, fma(m, tail, 2.0, THIRD[0]), third_low)
    q = s * w
    q_low = m.fma(s, w_low, m.fma(s_low, w, m.fma(s, w, -q)))
    half, half_low = fast_two_sum(s, q)
    f, low = half + half, (half_low + (s_low + q_low)) * 2.0
    total = fma(m, k, LN2[0], f)
    rest = (fma(m, k, LN2[0], -total) + f) + fma(m, k, LN2[1], low)
    high, low = fast_two_sum(total, rest)
    return select(m, m.eq(x, 0.0), -INF, m.select(x < INF, high, x)), low


def exp_pair(m, high, low):
    """exp(high + low) for |low| << 1."""
    bounded = m.maximum(m.const(-750.0), m.minimum(m.const(710.0), high))
    t, k, head = exp_reduce(m, bounded)
    rest = fma(m, k, -LN2[1], low)
    r = head + rest
    r2 = r * r
    y = 1.0 + (r + m.fma(r2, poly2(m, r, r2, tables.EXP), (head - r) + rest))
    return exp_scale(m, y, t, bounded)


def asin_core(m, x):
    """(|x| > 1/2, v, asin(v) - v), where v = sqrt((1 - |x|) / 2) beyond 1/2, else |x|."""
    a = m.abs(x)
    far = a > 0.5
    z = m.select(far, fma(m, a, -0.5, 0.5), a * a)
    v = m.select(far, m.sqrt(z), a)
    return far, v, v * (z * poly2(m, z, z * z, tables.ASIN))
