"""Constants and coefficients of the functions of float32 values, named as in vecmath_tables.py.

Own work: minimax fits by a Remez exchange in 40-digit arithmetic (mpmath).  Each coefficient is rounded to float32, or
to double where that is said, in turn, from the lowest power up, and the remaining ones are fitted again, so the stated
error bounds are those of the rounded polynomials.
"""

# The format.
BITS = 32
MANTISSA_BITS = 23
MANTISSA = (1 << 23) - 1
EXPONENT_MASK = 255
BIAS = 127.0
SIGN_BIT = -(1 << 31)
ONE_BITS = 0x3F800000
SQRT_HALF_BITS = 0x3F3504F3
THREE_QUARTERS_BITS = 0x3F400000
MIN_NORMAL = 2.0**-126
LARGEST = 2.0**128 - 2.0**104
SUBNORMAL_BITS = 24.0

# 1.5 * 2**23: adding it rounds to an integer, which then stands in the low bits of the sum.
MAGIC = 12582912.0
MAGIC_BITS = 0x4B400000

# High and low parts.  The first part of LN2 and of LOG10_2 has 16 bits: its products with the integers in use are
# exact.  All of PIO2_PARTS are positive.
LN2 = (0.693145751953125, 1.428606765330187e-06)
LOG10_2 = (0.301025390625, 4.605039066518657e-06)
PIO2_PARTS = (1.570796251296997, 7.549789415861596e-08, 5.390302953474238e-15)
PIO2_EXACT = False
PIO2 = (1.5707963705062866, -4.371138828673793e-08)
PI = (3.1415927410125732, -8.742277657347586e-08)
LOG2_E = (1.4426950216293335, 1.925963033500011e-08)
LOG10_E = (0.4342944920063019, -1.0103049952192578e-08)
THIRD = (0.3333333432674408, -9.934107758624577e-09)
TWO_OVER_PI = 0.6366197466850281
CBRT2 = 1.2599210739135742
CBRT_HALF = 0.7937005162239075

# Where functions change their form, overflow or reach their limit.
TRIG_MAX = 2.0**19  # as far as the number of quarter turns is, nearly, the nearest
EXP_RANGE = (-105.0, 89.0)
EXP2_RANGE = (-151.0, 129.0)
POW_MAX = 105.0
EXPM1_MIN = -30.0
SINH_MAX = 89.5
TANH_MAX = 10.0
ERF_MAX = 4.0
NEGLIGIBLE = 2.0**-25
LARGE = 2.0**13

# exp(r) = 1 + r + r**2 P(r), |r| <= ln2/2, relative error 2**-31.2.
EXP = (
    0.5,
    0.16666647791862488,
    0.041666481643915176,
    0.008337863720953465,
    0.001393335172906518,
    0.0001734418619889766,
)

# 2**r = 1 + r P(r), |r| <= 1/2, relative error 2**-31.4.
EXP2 = (
    0.6931471824645996,
    0.24022650718688965,
    0.05550400912761688,
    0.009618083015084267,
    0.0013342841994017363,
    0.0001545387349324301,
    1.2986626643396448e-05,
)

# sin(r) = r - r z P(z), z = r**2, |r| <= pi/4, relative error 2**-27.9.
SIN = (
    0.16666655242443085,
    -0.008332188241183758,
    0.00019518101180437952,
)

# cos(r) = 1 - z/2 + z**2 P(z), z = r**2, |r| <= pi/4, relative error 2**-33.0.
COS = (
    0.04166664555668831,
    -0.0013887309469282627,
    2.4432349164271727e-05,
)

# 2 atanh(s) = 2 s + s z P(z), z = s**2, |s| <= (sqrt(2)-1)/(sqrt(2)+1), relative error 2**-30.2.
LOG = (
    0.6666677594184875,
    0.39977574348449707,
    0.2987123727798462,
)

# Of sixteen intervals of 3/4 <= y < 3/2, by the four upper bits of the mantissa of y: r, about 1/y and a multiple of
# 1/32, so that r y - 1 has no rounding error; and -log(r) in two parts, the first a multiple of the last bit of LN2[0],
# so that its sum with k LN2[0] has none. Next to y = 1 they are 1 and 0; everywhere, -1/32 <= r y - 1 <= 1/16.
LOG_RECIPROCAL = (
    1.0, 0.9375, 0.875, 0.84375, 0.78125, 0.75, 0.71875, 0.6875,
    1.3125, 1.25, 1.21875, 1.15625, 1.125, 1.09375, 1.0625, 1.0,
)  # fmt: skip
LOG_OFFSET = (
    0.0, 0.064544677734375, 0.1335296630859375, 0.1699066162109375,
    0.246856689453125, 0.287689208984375, 0.3302459716796875, 0.37469482421875,
    -0.2719268798828125, -0.22314453125, -0.1978302001953125, -0.1451873779296875,
    -0.1177825927734375, -0.0896148681640625, -0.0606231689453125, 0.0,
)  # fmt: skip
LOG_OFFSET_LOW = (
    0.0, -6.1565970099763945e-06, 1.72953855326341e-06, -7.579415523650823e-06,
    3.388478489796398e-06, -7.136532531148987e-06, -4.284809165255865e-06, -1.3747772982242168e-06,
    -6.835600743215764e-06, 9.799357485462679e-07, 4.456865553947864e-06, 5.368085112422705e-06,
    -4.428829356584174e-07, 2.709474301809678e-06, -1.452871174478787e-06, 0.0,
)  # fmt: skip

# log(1 + f) = f + f**2 P(f), -1/32 <= f <= 1/16, relative error 2**-27.8.
LOG_NEAR = (
    -0.4999999701976776,
    0.33334627747535706,
    -0.2501177191734314,
    0.18860147893428802,
)

# log(1 + f) = f - f**2/2 + f**3/3 + f**4 P(f), same interval, relative error 2**-32.8.
LOG_NEAR_TAIL = (
    -0.2500123977661133,
    0.20006157457828522,
    -0.15603159368038177,
)

# sinh(r) = r + r z P(z), z = r**2, |r| <= ln2/2, relative error 2**-34.3.
SINH = (
    0.1666666716337204,
    0.00833317544311285,
    0.0001997408107854426,
)

# cosh(r) = 1 + z P(z), z = r**2, |r| <= ln2/2, absolute error 2**-33.2.
COSH = (
    0.5,
    0.041666459292173386,
    0.0013935437891632318,
)

# tanh(x) = x - x z P(z), z = x**2, |x| <= 1, relative error 2**-27.7.
TANH = (
    0.33333295583724976,
    -0.13332346081733704,
    0.053879860788583755,
    -0.021486788988113403,
    0.007946301251649857,
    -0.0023015285842120647,
    0.00035850811400450766,
)

# atan(t) = t - t z P(z), z = t**2, |t| <= 1, relative error 2**-31.1.
ATAN = (
    0.333333283662796,
    -0.1999971568584442,
    0.14280343055725098,
    -0.11061233282089233,
    0.08821462094783783,
    -0.06763648986816406,
    0.04498325660824776,
    -0.02277761697769165,
    0.007425363175570965,
    -0.0011345221428200603,
)

# asin(t) = t + t z P(z), z = t**2, |t| <= 1/2, relative error 2**-31.6.
ASIN = (
    0.16666659712791443,
    0.07500521838665009,
    0.04451373964548111,
    0.03183145821094513,
    0.01436250377446413,
    0.03760436922311783,
)

# x**(-1/3) = P(x), sqrt(1/2) <= x <= sqrt(2), relative error 2**-9.1 (a first guess only).
RCBRT = (
    1.5581564903259277,
    -0.76723313331604,
    0.20967429876327515,
)

# erf(x) = x + x P(x**2), |x| <= 1, relative error 2**-29.2.
ERF = (
    0.12837916612625122,
    -0.3761262595653534,
    0.11283578723669052,
    -0.02685343287885189,
    0.005187594331800938,
    -0.000800443347543478,
    7.838238525437191e-05,
)

# erfc(x) = exp(-P(x)), 1 <= x <= 4, error 2**-29.8 relative to erf(x).
ERFC_LOG = (
    0.0003415503597352654,
    1.127089023590088,
    0.6381452083587646,
    0.10310633480548859,
    -0.021837811917066574,
    0.0029475796036422253,
    -0.00018636907043401152,
)
