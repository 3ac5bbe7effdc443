"""Branch-free elementary functions, written once against an abstract machine `m`.

A function takes `m` and values; each operator or method on them is one IEEE operation, and the same text yields
explicit-vector LLVM IR, plain Python or C, depending on the machine.  `m.minimum(a, b)` is `select(a < b, a, b)` and
`m.maximum` likewise: with the constant first, a NaN in the second argument comes through, and this is relied on.
`m.rescue` (libm in a cold branch) stands only in the reduction of trigonometric arguments beyond `m.tables.TRIG_MAX`.

Where `m.wide`, there are instructions that take a number apart and put it together again; elsewhere the same bits are
made of others.

`m.tables` holds the constants of the precision in which the machine computes.  All that is told here is for double
precision; vecmath32.py tells what is different for float32 values.

Own work, with well-known methods: argument reduction after Cody and Waite (Software Manual for the Elementary
Functions, 1980), the logarithm through a table or atanh (P. T. P. Tang, ACM TOMS 16, 1990), error-free
transformations after Dekker and Knuth with a fused multiply-add (J.-M. Muller et al., Handbook of Floating-Point
Arithmetic, 2018).

Largest errors in ulp found against libquadmath, with 2e7 to 6e7 points per function, 5e6 for log and pow (random bit
patterns, log-uniform and uniform ranges, next to multiples of pi/2, branch points, overflow limits and subnormals), and
the number of operations; of these, divisions and square roots in brackets:

    sin    0.87  34      log    0.79  36       asin   1.27  31 (1)   sinh   0.81  42
    cos    0.87  35      log2   1.10  40 (1)   acos   1.22  36 (1)   cosh   0.85  39
    tan    1.36  46 (1)  log10  1.05  40 (1)   atan   1.39  32 (1)   tanh   1.00  60 (1)
    exp    1.01  26      log1p  0.95  46 (1)   atan2  1.48  43 (1)   asinh  1.22  57 (3)
    exp2   1.02  25      pow    0.87 113       erf    1.24  56       acosh  1.02  62 (3)
    expm1  1.25  35      cbrt   0.51  48       sincos       40       atanh  1.09  56 (2)

Of these, `m.wide` leaves 19 of exp, 18 of exp2, 24 of log and 94 of pow.
"""

from __future__ import annotations

from symhep.targets import vecmath_core as core

# Trigonometric functions --------------------------------------------------------------------------------------------


def _sincos(m, x):
    t, r, u, v = core.trig(m, x)
    s, c = r - u, m.fma(r, v, 1.0)
    n = m.bits(t)
    even = m.eq(n & 1, 0)
    sine = m.bits(m.select(even, s, c)) ^ ((n << m.tables.BITS - 2) & m.tables.SIGN_BIT)
    cosine = m.bits(m.select(even, c, s)) ^ (((n + 1) << m.tables.BITS - 2) & m.tables.SIGN_BIT)
    return m.from_bits(sine), m.from_bits(cosine)


def sincos(m, x):
    """(sin(x), cos(x)), the same bits as from `sin` and `cos`."""
    sine, cosine = _sincos(m, x)
    far = m.abs(x) > m.tables.TRIG_MAX
    return m.rescue(far, "sin", sine, x), m.rescue(far, "cos", cosine, x)


def sin(m, x):
    """Sine."""
    return m.rescue(m.abs(x) > m.tables.TRIG_MAX, "sin", _sincos(m, x)[0], x)


def cos(m, x):
    """Cosine."""
    return m.rescue(m.abs(x) > m.tables.TRIG_MAX, "cos", _sincos(m, x)[1], x)


def tan(m, x):
    """Tangent: the quotient of sine and cosine, each as an unevaluated sum."""
    t, r, u, v = core.trig(m, x)
    s = r - u
    c = m.fma(r, v, 1.0)
    s_low = (r - s) - u
    c_low = m.fma(r, v, 1.0 - c)
    even = m.eq(m.bits(t) & 1, 0)
    num = m.select(even, s, -c), m.select(even, s_low, -c_low)
    den = m.select(even, c, s), m.select(even, c_low, s_low)
    quotient, low = core.divide(m, num, den)
    return m.rescue(m.abs(x) > m.tables.TRIG_MAX, "tan", m.copysign(quotient + low, quotient), x)


# Exponentials -------------------------------------------------------------------------------------------------------


def exp(m, x):
    """Exponential."""
    bounded = core.clamp(m, x, *m.tables.EXP_RANGE)
    t, k, head = core.exp_reduce(m, bounded)
    return core.exp_scale(m, core.exp_poly(m, m.fma(k, -m.tables.LN2[1], head)), t, bounded)


def exp2(m, x):
    """2 to the power x."""
    bounded = core.clamp(m, x, *m.tables.EXP2_RANGE)
    t = bounded + m.tables.MAGIC
    r = bounded - (t - m.tables.MAGIC)
    return core.exp_scale(m, m.fma(r, core.poly2(m, r, r * r, m.tables.EXP2), 1.0), t, bounded)


def expm1(m, x):
    """exp(x) - 1, computed as twice 2**(k - 1) (exp(r) - 1) + (2**(k - 1) - 1/2) in three exact parts."""
    bounded = m.minimum(m.const(m.tables.EXP_RANGE[1]), m.maximum(m.const(m.tables.EXPM1_MIN), x))
    t, k, head = core.exp_reduce(m, bounded)
    r = m.fma(k, -m.tables.LN2[1], head)
    low = m.fma(k, -m.tables.LN2[1], head - r)
    r2 = r * r
    half = m.from_bits(core.exponent_bits(m, t) + (m.tables.ONE_BITS - (1 << m.tables.MANTISSA_BITS)))
    offset = half - 0.5
    total, rest = core.fast_two_sum(offset, half * r)
    rest = m.fma(half, m.fma(r2, core.poly2(m, r, r2, m.tables.EXP), low), rest) + ((half - offset) - 0.5)
    return m.select(m.abs(x) < m.tables.NEGLIGIBLE, x, (total + rest) * 2.0)


def sinh(m, x):
    """Hyperbolic sine."""
    a = m.abs(x)
    (high, low), _ = core.hyperbolic(m, m.minimum(m.const(m.tables.SINH_MAX), a), -2)
    return m.select(a < 1.0 / m.tables.LARGE, x, m.copysign((high + low) * 2.0, x))


def cosh(m, x):
    """Hyperbolic cosine."""
    _, (high, low) = core.hyperbolic(m, m.minimum(m.const(m.tables.SINH_MAX), m.abs(x)), -2)
    return (high + low) * 2.0


def tanh(m, x):
    """Hyperbolic tangent."""
    num, den = core.hyperbolic(m, m.minimum(m.const(m.tables.TANH_MAX), m.abs(x)), -1)
    quotient, low = core.divide(m, core.fast_two_sum(*num), core.fast_two_sum(*den))
    return m.copysign(quotient + low, x)


# Logarithms ---------------------------------------------------------------------------------------------------------


def log(m, x):
    """Natural logarithm."""
    f, offset, low = core.log_interval(m, x)
    f2 = f * f
    return offset + (f + m.fma(f2, core.poly2(m, f, f2, m.tables.LOG_NEAR), low))


def _log_base(m, x, unit, scale):
    """The logarithm to another base, with log(2) = unit and log(e) = scale in that base, each in two parts."""
    k, y = core.split_any(m, x)
    f = y - 1.0
    s, v = core.log1p_series(m, f)
    p = f * scale[0]
    p_low = m.fma(f, scale[1], m.fma(f, scale[0], -p))
    total = m.fma(k, unit[0], p)
    rest = (m.fma(k, unit[0], -total) + p) + m.fma(k, unit[1], p_low)
    return core.log_domain(m, x, total + m.fma(s * v, -scale[0], rest), 0.0)


def log2(m, x):
    """Logarithm to base 2."""
    return _log_base(m, x, (1.0, 0.0), m.tables.LOG2_E)


def log10(m, x):
    """Logarithm to base 10."""
    return _log_base(m, x, m.tables.LOG10_2, m.tables.LOG10_E)


def log1p(m, x):
    """log(1 + x)."""
    u, c = core.one_plus(x)
    result = m.select(m.abs(x) < m.tables.NEGLIGIBLE, x, core.log_sum(m, u, c))
    return core.log_domain(m, x, result, -1.0)


def asinh(m, x):
    """Inverse hyperbolic sine: log1p(a + a**2 / (1 + sqrt(1 + a**2)))."""
    a = m.abs(x)
    z = a * a
    high, low = core.fast_two_sum(a, z / (m.sqrt(z + 1.0) + 1.0))
    result = core.log1p_pair(m, high, low, a > m.tables.LARGE, a)
    return m.copysign(m.select((a >= 1.0 / m.tables.LARGE) & (a < core.INF), result, a), x)


def acosh(m, x):
    """Inverse hyperbolic cosine: log1p(d + sqrt(2 d + d**2)) with d = x - 1, the root with its rounding error."""
    d = x - 1.0
    twice = d + d
    square = m.fma(d, d, twice)
    root = m.sqrt(square)
    rest = m.fma(d, d, twice - square) + m.fma(-root, root, square)
    high, low = core.fast_two_sum(root, d)
    low = low + rest * (0.5 / m.maximum(m.const(m.tables.MIN_NORMAL), root))
    result = m.select(x >= 1.0, core.log1p_pair(m, high, low, x > m.tables.LARGE, x), core.NAN)
    return m.select(x < core.INF, result, x)


def atanh(m, x):
    """Inverse hyperbolic tangent: log1p(2 a / (1 - a)) / 2."""
    a = m.abs(x)
    high, low = core.divide(m, (a + a, m.const(0.0)), core.fast_two_sum(m.const(1.0), -a))
    u, c = core.one_plus(high)
    result = m.copysign(core.log_sum(m, u, c + low) * 0.5, x)
    return m.select(a < 1.0, result, m.select(m.eq(a, 1.0), x * core.INF, core.NAN))


# Powers and roots ---------------------------------------------------------------------------------------------------


def pow(m, x, y):
    """x to the power y, special cases as in C99."""
    log_high, log_low = core.log_pair(m, m.abs(x))
    # the powers of 1 and -1 are finite, so no exponent may be infinite
    finite = core.clamp(m, y, -m.tables.LARGEST, m.tables.LARGEST)
    high = finite * log_high
    low = m.fma(finite, log_low, m.fma(finite, log_high, -high))
    result = core.exp_pair(m, high, m.select(m.abs(high) < m.tables.POW_MAX, low, 0.0))
    whole = m.eq(m.rint(y), y)
    half = y * 0.5
    result = m.select(whole & m.ne(m.rint(half), half), m.copysign(result, x), result)
    result = m.select((x < 0.0) & (x > -core.INF) & ~whole, core.NAN, result)
    return m.select(m.eq(x, 1.0) | m.eq(y, 0.0), 1.0, result)


def cbrt(m, x):
    """Cube root: a guess of x**(-1/3), one step of third order, one Newton step on the root."""
    a = m.abs(x)
    k, y = core.split_any(m, a)
    t = m.fma(k, m.tables.THIRD[0], m.tables.MAGIC)
    rest = m.fma(t - m.tables.MAGIC, -3.0, k)
    up, down = rest > 0.5, rest < -0.5
    guess = core.poly(m, y, m.tables.RCBRT) * m.select(up, m.tables.CBRT_HALF, m.select(down, m.tables.CBRT2, 1.0))
    y = y * m.select(up, 2.0, m.select(down, 0.5, 1.0))
    error = m.fma(-(y * guess), guess * guess, 1.0)
    guess = m.fma(guess, error * m.fma(error, 2.0 / 9.0, 1.0 / 3.0), guess)
    square = guess * guess
    root = y * square
    root2 = root * root
    excess = m.fma(m.fma(root, root, -root2), root, m.fma(root2, root, -y))
    root = m.fma(excess * square, -m.tables.THIRD[0], root)
    result = m.from_bits(m.bits(root) + core.exponent_bits(m, t))
    return m.copysign(m.select((a > 0.0) & (a < core.INF), result, a), x)


# Inverse trigonometric functions ------------------------------------------------------------------------------------


def atan(m, x):
    """Arc tangent, beyond 1 through the reciprocal."""
    a = m.abs(x)
    far = a > 1.0
    t = m.select(far, 1.0 / a, a)
    z = t * t
    r = t - m.fma(t, z * core.poly2(m, z, z * z, m.tables.ATAN), m.select(far, m.tables.PIO2[1], 0.0))
    return m.copysign(m.select(far, m.tables.PIO2[0] - r, r), x)


def atan2(m, y, x):
    """Angle of the point (x, y), quadrants and special cases as in C99."""
    ax, ay = m.abs(x), m.abs(y)
    steep, left = ay > ax, m.bits(x) < 0
    t = m.select(steep, ax, ay) / m.select(steep, ay, ax)
    t = m.select(m.eq(ax, ay), m.select(m.eq(ay, 0.0), 0.0, 1.0), t)
    t = m.select(left, -t, t)
    t = m.select(steep, -t, t)
    base, low = (m.select(steep, m.tables.PIO2[i], m.select(left, m.tables.PI[i], 0.0)) for i in (0, 1))
    z = t * t
    r = t - m.fma(t, z * core.poly2(m, z, z * z, m.tables.ATAN), -low)
    return m.copysign(base + r, y)


def asin(m, x):
    """Arc sine; beyond 1/2, pi/2 - 2 asin(sqrt((1 - x) / 2))."""
    far, v, rest = core.asin_core(m, x)
    total, low = core.fast_two_sum(m.const(m.tables.PIO2[0]), -(v + v))
    result = m.select(far, total + (low - m.fma(rest, 2.0, -m.tables.PIO2[1])), v + rest)
    return m.copysign(result, x)


def acos(m, x):
    """Arc cosine; beyond 1/2, 2 asin(sqrt((1 - x) / 2)) or its supplement."""
    far, v, rest = core.asin_core(m, x)
    sign = m.select(far, x, -x)
    v, rest = (m.copysign(m.select(far, p + p, p), sign) for p in (v, rest))
    base, low = (m.select(far, m.select(x < 0.0, m.tables.PI[i], 0.0), m.tables.PIO2[i]) for i in (0, 1))
    return (base + v) + (rest + low)


def erf(m, x):
    """Error function; beyond 1, 1 - exp(log(erfc(x)))."""
    a = m.abs(x)
    z = x * x
    near = m.fma(x, core.poly2(m, z, z * z, m.tables.ERF), x)
    bounded = m.minimum(m.const(m.tables.ERF_MAX), a)
    t, k, head = core.exp_reduce(m, -core.poly2(m, bounded, bounded * bounded, m.tables.ERFC_LOG))
    y = core.exp_poly(m, m.fma(k, -m.tables.LN2[1], head))
    far = 1.0 - m.from_bits(m.bits(y) + core.exponent_bits(m, t))
    return m.select(a >= 1.0, m.copysign(far, x), near)


FUNCTIONS = {
    f.__name__: f
    for f in (
        sin, cos, sincos, tan, exp, expm1, exp2, log, log1p, log2, log10, pow, cbrt,
        atan, atan2, asin, acos, sinh, cosh, tanh, asinh, acosh, atanh, erf,
    )
}  # fmt: skip
