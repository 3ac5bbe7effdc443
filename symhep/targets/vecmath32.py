"""Branch-free elementary functions of float32 values, written against the same abstract machine as vecmath.py.

Most are those of vecmath.py with the constants of vecmath_tables32.py; error-free transformations work in any
precision.  Here are those that are better computed in another way.

Largest errors in ulp found against double precision, with 2.5e8 points per function (every 17th float, and around the
limits of reductions; 2e8 pairs for atan2, 2.4e7 for pow), and the number of operations; of these, divisions and square
roots in brackets:

    sin    0.94  30      log    0.79  31      asin   1.12  25 (1)  sinh   0.92  38
    cos    0.96  31      log2   1.06  36 (1)  acos   1.15  30 (1)  cosh   0.74  35
    tan    1.45  42 (1)  log10  1.05  36 (1)  atan   1.21  22 (1)  tanh   1.05  29 (1)
    exp    1.01  22      log1p  0.98  42 (1)  atan2  1.55  33 (1)  asinh  1.17  53 (3)
    exp2   0.98  21      pow    0.95 103      erf    1.14  36      acosh  0.93  58 (3)
    expm1  0.95  31      cbrt   0.50  46      sincos       36      atanh  1.06  52 (2)

Of these, `m.wide` leaves 15 of exp, 14 of exp2, 19 of log and 84 of pow.
"""

from __future__ import annotations

from symhep.targets import vecmath
from symhep.targets import vecmath_core as core


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


FUNCTIONS = vecmath.FUNCTIONS | {"tanh": tanh}
