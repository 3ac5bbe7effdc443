"""Branch-free elementary functions of float32 values, written against the same abstract machine as vecmath.py.

Most are those of vecmath.py with the constants of vecmath_tables32.py; error-free transformations work in any
precision.  Here are those that are better computed in another way; `pow` goes through double precision.

Largest errors in ulp found against double precision, with 2.5e8 points per function (every 17th float, and around the
limits of reductions; 2e8 pairs for pow and atan2), and the number of operations; of these, divisions and square roots
in brackets:

    sin    0.94  30      log    0.84  32      asin   1.12  25 (1)  sinh   0.92  38
    cos    0.96  31      log2   1.06  36 (1)  acos   1.15  30 (1)  cosh   0.74  35
    tan    1.45  42 (1)  log10  1.05  36 (1)  atan   1.21  22 (1)  tanh   1.05  29 (1)
    exp    1.01  22      log1p  0.98  42 (1)  atan2  1.55  33 (1)  asinh  1.17  53 (3)
    exp2   0.98  21      pow    0.71  68      erf    1.14  36      acosh  0.93  58 (3)
    expm1  0.95  31      cbrt   0.50  46      sincos       36      atanh  1.06  52 (2)
"""

from __future__ import annotations

from symhep.targets import vecmath
from symhep.targets import vecmath_core as core
from symhep.targets import vecmath_tables as double_tables


def log(m, x):
    """Natural logarithm, without a division."""
    k, y = core.split_any(m, x)
    f = y - 1.0
    f2 = f * f
    series = m.fma(f, core.poly(m, f, m.tables.LOG1P), -0.5)
    result = m.fma(k, m.tables.LN2[0], f + m.fma(f2, series, k * m.tables.LN2[1]))
    return core.log_domain(m, x, result, 0.0)


def tanh(m, x):
    """Hyperbolic tangent; beyond 1, 1 - 2 / (exp(2 a) + 1)."""
    a = m.abs(x)
    z = a * a
    near = m.fma(-(a * z), core.poly(m, z, m.tables.TANH), a)
    bounded = m.minimum(m.const(m.tables.TANH_MAX), a)
    unit = 2.0 * m.tables.LOG2_E[0]
    t = m.fma(bounded, unit, m.tables.MAGIC)
    r = m.fma(bounded, unit, -(t - m.tables.MAGIC))
    y = m.fma(r, core.poly(m, r, m.tables.EXP2), 1.0)
    far = 1.0 - 2.0 / (m.from_bits(m.bits(y) + core.exponent_bits(m, t)) + 1.0)
    return m.copysign(m.select(a > 1.0, far, near), x)


def pow(m, x, y):
    """x to the power y, special cases as in C99: 2**(y log2(x)) in double precision."""
    a = m.abs(x)
    k, part = core.split_any(m, a)
    k = m.select(a < core.INF, m.select(m.eq(a, 0.0), -core.INF, k), a)
    f = part - 1.0
    tail = core.poly(m, f, m.tables.POW_LOG2_TAIL)
    wide = m.widen(f)
    logarithm = m.fma(wide, core.poly(m, wide, (*m.tables.POW_LOG2, m.widen(tail))), m.widen(k))
    # the powers of 1 and -1 are finite, so no exponent may be infinite
    finite = core.clamp(m, y, -m.tables.LARGEST, m.tables.LARGEST)
    result = m.narrow(_exp2_wide(m, m.widen(finite) * logarithm))
    whole = m.eq(m.rint(y), y)
    half = y * 0.5
    result = m.select(whole & m.ne(m.rint(half), half), m.copysign(result, x), result)
    result = m.select((x < 0.0) & (x > -core.INF) & ~whole, core.NAN, result)
    return m.select(m.eq(x, 1.0) | m.eq(y, 0.0), 1.0, result)


def _exp2_wide(m, x):
    """2 to the power of a double, right where the result is a float32."""
    bounded = m.maximum(-200.0, m.minimum(200.0, x))
    t = bounded + double_tables.MAGIC
    r = bounded - (t - double_tables.MAGIC)
    y = core.poly(m, r, m.tables.POW_EXP2)
    return m.from_bits(m.bits(y) + (m.bits(t) << double_tables.MANTISSA_BITS))


FUNCTIONS = vecmath.FUNCTIONS | {f.__name__: f for f in (log, tanh, pow)}
