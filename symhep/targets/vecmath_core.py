"""The parts of which vecmath.py is made: argument reductions, polynomials and unevaluated sums.

`m.tables` holds the constants of the precision in which the machine computes: vecmath_tables.py or vecmath_tables32.py.
"""

INF = float("inf")
NAN = float("nan")


def clamp(m, x, low, high):
    """x brought between two numbers; NaN stays NaN."""
    return m.maximum(m.const(low), m.minimum(m.const(high), x))


def poly(m, x, coeffs):
    """Horner's rule: the fewest operations."""
    total = coeffs[-1]
    for c in coeffs[-2::-1]:
        total = m.fma(total, x, c)
    return total


def poly2(m, x, x2, coeffs):
    """Horner's rule in x2 = x * x on pairs of coefficients: half the latency, no cancellation if signs alternate."""
    pairs = [m.fma(x, b, a) for a, b in zip(coeffs[0::2], coeffs[1::2])]
    total = pairs.pop() if len(coeffs) % 2 == 0 else coeffs[-1]
    for pair in reversed(pairs):
        total = m.fma(total, x2, pair)
    return total


def fast_two_sum(a, b):
    """The sum of a and b and its rounding error, where |a| >= |b| (Dekker)."""
    total = a + b
    return total, (a - total) + b


def exponent_bits(m, t):
    """k in the place of an exponent, where t = MAGIC + k: the upper bits of t fall off."""
    return m.bits(t) << m.tables.MANTISSA_BITS


def divide(m, num, den):
    """The quotient of two unevaluated sums (high, low): division, one correction step."""
    reciprocal = 1.0 / den[0]
    quotient = num[0] * reciprocal
    rest = m.fma(-quotient, den[1], m.fma(-quotient, den[0], num[0]) + num[1])
    return quotient, rest * reciprocal


def trig(m, x):
    """x = n pi/2 + r; (MAGIC + n, r, sin(r) = r - u, cos(r) = 1 + r v) for |x| <= TRIG_MAX.

    The rounding errors of the first two steps of the reduction, if they are not exact, and of r go into u and v, so
    these keep their relative accuracy near the multiples of pi/2.  The signs are such that -0 stays -0.
    """
    t = m.fma(x, m.tables.TWO_OVER_PI, m.tables.MAGIC)
    n = t - m.tables.MAGIC
    head = m.fma(n, -m.tables.PIO2_PARTS[0], x)
    step = n * m.tables.PIO2_PARTS[1]
    r = head - step
    rest = step - (head - r)
    if not m.tables.PIO2_EXACT:
        rest = rest + m.fma(n, m.tables.PIO2_PARTS[1], -step)
    low = m.fma(n, m.tables.PIO2_PARTS[2], rest)
    z = r * r
    u = m.fma(r, z * poly(m, z, m.tables.SIN), low)
    v = m.fma(r, m.fma(z, poly(m, z, m.tables.COS), -0.5), low)
    return t, r, u, v


def exp_reduce(m, x):
    """x = k ln2 + r; (MAGIC + k, k, r + k LN2[1]), the last without rounding error."""
    t = m.fma(x, m.tables.LOG2_E[0], m.tables.MAGIC)
    k = t - m.tables.MAGIC
    return t, k, m.fma(k, -m.tables.LN2[0], x)


def exp_poly(m, r):
    """exp(r) for |r| <= ln2/2."""
    r2 = r * r
    return 1.0 + m.fma(r2, poly2(m, r, r2, m.tables.EXP), r)


def exp_scale(m, y, t, bounded):
    """y * 2**k for t = MAGIC + k in two halves, so that only the last product rounds, overflows or underflows.

    The addend makes the result NaN where the argument is.
    """
    if m.wide:
        return m.scale(y, t - m.tables.MAGIC)
    n = m.bits(t)
    half = m.lshr(n, 1)
    scaled = m.from_bits(m.bits(y) + (half << m.tables.MANTISSA_BITS))
    return m.fma(scaled, m.from_bits(((n - half) << m.tables.MANTISSA_BITS) + m.tables.ONE_BITS), bounded - bounded)


def hyperbolic(m, a, bias):
    """(sinh(a), cosh(a)) * 2**(bias + 1) as unevaluated sums, for a >= 0.

    a = k ln2 + r, and the addition theorems take sinh(r) = r + s and cosh(r) = 1 + c; for k = 0 they lose nothing.
    """
    t, k, head = exp_reduce(m, a)
    r = m.fma(k, -m.tables.LN2[1], head)
    z = r * r
    s = m.fma(r * z, poly(m, z, m.tables.SINH), m.fma(k, -m.tables.LN2[1], head - r))
    c = z * poly(m, z, m.tables.COSH)
    # 2**-k is negligible long before its exponent would leave the range.
    inverse = m.tables.MAGIC - m.minimum(m.const(64.0), k)
    field = m.tables.ONE_BITS + (bias << m.tables.MANTISSA_BITS)
    up = m.from_bits(exponent_bits(m, t) + field)
    down = m.from_bits(exponent_bits(m, inverse) + field)
    odd, even = fast_two_sum(up, -down), fast_two_sum(up, down)

    def combine(p, q):
        total = m.fma(q[0], r, p[0])
        return total, m.fma(q[0], r, p[0] - total) + (p[1] + m.fma(p[0], c, q[0] * s))

    return combine(odd, even), combine(even, odd)


def split(m, x):
    """x = 2**k y with sqrt(1/2) <= y < sqrt(2), for normal x > 0; (k + BIAS, k as a float, y)."""
    shifted = m.bits(x) + (m.tables.ONE_BITS - m.tables.SQRT_HALF_BITS)
    biased = m.lshr(shifted, m.tables.MANTISSA_BITS)
    y = m.from_bits((shifted & m.tables.MANTISSA) + m.tables.SQRT_HALF_BITS)
    return biased, m.from_bits(biased + m.tables.MAGIC_BITS) - (m.tables.MAGIC + m.tables.BIAS), y


def split_any(m, x):
    """As `split`, for x > 0 that may be subnormal; (k, y)."""
    subnormal = x < m.tables.MIN_NORMAL
    _, k, y = split(m, m.select(subnormal, x * 2.0**m.tables.SUBNORMAL_BITS, x))
    return m.select(subnormal, k - m.tables.SUBNORMAL_BITS, k), y


def binary(m, x):
    """x = 2**k y with 3/4 <= y < 3/2, for x > 0 that may be subnormal; (k, y).

    k is -inf at 0, inf or NaN where x is, and y is NaN for x < 0, so that a logarithm made of them needs no more care.
    """
    if m.wide:
        y, k = m.mantissa(x), m.exponent(x)
        return m.select(y < 1.0, k + 1.0, k), y
    subnormal = x < m.tables.MIN_NORMAL
    normal = m.select(subnormal, x * 2.0**m.tables.SUBNORMAL_BITS, x)
    shifted = m.bits(normal) + (m.tables.ONE_BITS - m.tables.THREE_QUARTERS_BITS)
    biased = m.lshr(shifted, m.tables.MANTISSA_BITS)
    k = m.from_bits(biased + m.tables.MAGIC_BITS) - (m.tables.MAGIC + m.tables.BIAS)
    k = m.select(subnormal, k - m.tables.SUBNORMAL_BITS, k)
    k = m.select(x < INF, m.select(m.eq(x, 0.0), -INF, k), x)
    y = m.from_bits((shifted & m.tables.MANTISSA) + m.tables.THREE_QUARTERS_BITS)
    return k, m.select(x < 0.0, NAN, y)


def log_interval(m, x):
    """x = 2**k y and r, about 1/y, for x > 0; (f, offset, low) with log(x) = offset + log(1 + f) + low.

    f = r y - 1 and the offset k ln2 - log(r) are exact but for the part of the latter that is in `low`.
    """
    k, y = binary(m, x)
    i = m.lshr(m.bits(y), m.tables.MANTISSA_BITS - 4)
    f = m.fma(y, m.lookup("LOG_RECIPROCAL", i), -1.0)
    offset = m.fma(k, m.tables.LN2[0], m.lookup("LOG_OFFSET", i))
    return f, offset, m.fma(k, m.tables.LN2[1], m.lookup("LOG_OFFSET_LOW", i))


def log1p_series(m, f):
    """(s, v) with log(1 + f) = 2 atanh(s) = f - s v, where s = f / (2 + f); sqrt(1/2) <= 1 + f < sqrt(2)."""
    s = f / (f + 2.0)
    z = s * s
    return s, m.fma(-z, poly2(m, z, z * z, m.tables.LOG), f)


def log_domain(m, x, result, edge):
    """`result`, with -inf at x = edge, NaN below, and inf or NaN as they are."""
    result = m.select(x > edge, result, m.select(m.eq(x, edge), -INF, NAN))
    return m.select(x < INF, result, x)


def log_combine(m, k, f, low):
    """k ln2 + log(1 + f + low), the two large terms summed without error."""
    s, v = log1p_series(m, f)
    total = m.fma(k, m.tables.LN2[0], f)
    rest = m.fma(k, m.tables.LN2[0], -total) + f
    rest = m.fma(k, m.tables.LN2[1], rest + low)
    return total + m.fma(-s, v, rest)


def log_sum(m, u, c, extra=None):
    """log(u + c), where c is at most a rounding error of u >= 2**-53, or u = 1; plus extra * ln2."""
    biased, k, y = split(m, u)
    # 2**(1 - k), as 2**-k leaves the range for the largest u; the exclusive or subtracts.
    scale = m.from_bits((biased ^ m.tables.EXPONENT_MASK) << m.tables.MANTISSA_BITS)
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
    u, c = m.select(large, a, u), m.select(large, 0.0, c + low)
    return log_sum(m, u, c, m.select(large, 1.0, 0.0))


def log_pair(m, x):
    """log(x) for x >= 0 as an unevaluated sum, relative error about 2**-64; inf and NaN as they are in the first part.

    The second part is up to 2**-14 of the first. log(1 + f) = f + f**2 w with w = -1/2 + f/3 + ..., the product and the
    first two terms of w with their rounding errors.
    """
    f, offset, low = log_interval(m, x)
    f2 = f * f
    f2_low = m.fma(f, f, -f2)
    tail = m.fma(f, poly2(m, f, f2, m.tables.LOG_NEAR_TAIL), m.tables.THIRD[1])
    w = m.fma(f, m.tables.THIRD[0], -0.5)
    w_low = m.fma(f, tail, m.fma(f, m.tables.THIRD[0], -0.5 - w))
    q = f2 * w
    q_low = m.fma(f2, w_low, m.fma(f2_low, w, m.fma(f2, w, -q)))
    near, near_low = fast_two_sum(f, q)
    high, rest = fast_two_sum(offset, near)
    return high, rest + (low + (near_low + q_low))


def exp_pair(m, high, low):
    """exp(high + low) for |low| < 1/8."""
    bounded = clamp(m, high, *m.tables.EXP_RANGE)
    t = m.fma(bounded + low, m.tables.LOG2_E[0], m.tables.MAGIC)
    k = t - m.tables.MAGIC
    head = m.fma(k, -m.tables.LN2[0], bounded)
    rest = m.fma(k, -m.tables.LN2[1], low)
    r = head + rest
    r2 = r * r
    y = 1.0 + (r + m.fma(r2, poly2(m, r, r2, m.tables.EXP), (head - r) + rest))
    return exp_scale(m, y, t, bounded)


def asin_core(m, x):
    """(|x| > 1/2, v, asin(v) - v), where v = sqrt((1 - |x|) / 2) beyond 1/2, else |x|."""
    a = m.abs(x)
    far = a > 0.5
    z = m.select(far, m.fma(a, -0.5, 0.5), a * a)
    v = m.select(far, m.sqrt(z), a)
    return far, v, v * (z * poly2(m, z, z * z, m.tables.ASIN))
