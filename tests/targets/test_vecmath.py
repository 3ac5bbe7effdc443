"""vecmath.py against mpmath, on a NumPy machine whose fused multiply-add goes through exact fractions."""

import inspect
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from symhep.targets import vecmath_tables
from symhep.targets.vecmath import FUNCTIONS

TOLERANCE = 2.0  # ulp
TINY = 5e-324
MIN_NORMAL = 2.0**-1022
LARGEST = float(np.finfo(np.float64).max)
OVERFLOW = mpmath.ldexp(2 - mpmath.ldexp(1, -53), 1023)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@np.vectorize
def exact_fma(a, b, c):
    """a * b + c, rounded once."""
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)) or a == 0.0 or b == 0.0:
        return a * b + c
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


@np.vectorize
def libm(name, x):
    return getattr(math, name)(x) if math.isfinite(x) else math.nan


class Machine:
    """The abstract machine on NumPy arrays; a mask is a boolean array and an integer an int64 array."""

    tables = vecmath_tables
    wide = False
    const = np.float64
    fma = staticmethod(exact_fma)
    sqrt = staticmethod(np.sqrt)
    abs = staticmethod(np.abs)
    rint = staticmethod(np.rint)
    copysign = staticmethod(np.copysign)
    select = staticmethod(np.where)
    eq = staticmethod(np.equal)
    ne = staticmethod(np.not_equal)

    def __init__(self):
        self.rescued = 0

    def minimum(self, a, b):
        return np.where(a < b, a, b)

    def maximum(self, a, b):
        return np.where(a > b, a, b)

    def bits(self, x):
        return np.asarray(x, np.float64).view(np.int64)

    def from_bits(self, i):
        return np.asarray(i, np.int64).view(np.float64)

    def lshr(self, i, n):
        return (i.view(np.uint64) >> np.uint64(n)).view(np.int64)

    def lookup(self, name, i):
        return np.array(getattr(vecmath_tables, name))[i & 15]

    def rescue(self, mask, name, fast, x):
        self.rescued += np.count_nonzero(mask)
        return np.where(mask, libm(name, x), fast)


class WideMachine(Machine):
    """With the instructions that only some processors have."""

    wide = True

    def exponent(self, x):
        return np.where(np.isfinite(x), np.where(x == 0.0, -math.inf, np.frexp(x)[1] - 1.0), np.abs(x))

    def mantissa(self, x):
        y = np.frexp(np.abs(x))[0]
        y = np.where(np.isinf(x) | (x == 0.0), 1.0, np.where(y < 0.75, 2.0 * y, y))
        return np.where(x < 0.0, math.nan, y)

    def scale(self, x, k):
        return np.ldexp(x, np.where(np.isnan(k), 0.0, k).astype(int))


def evaluate(name, *args, machine=Machine):
    """Values of a function of the table at arrays of arguments."""
    return FUNCTIONS[name](machine(), *(np.asarray(a, np.float64) for a in args))


def ulp_error(got, exact):
    """|got - exact| in units of the last place of `exact`; subnormals have that of the smallest normal number."""
    if mpmath.isnan(exact) or math.isnan(got):
        return 0.0 if mpmath.isnan(exact) and math.isnan(got) else math.inf
    if abs(exact) >= OVERFLOW or math.isinf(got):
        return 0.0 if abs(exact) >= OVERFLOW and got == math.copysign(math.inf, exact) else math.inf
    exponent = max(mpmath.frexp(exact)[1] - 1, -1022) if exact else -1022
    return float(abs(mpmath.mpf(got) - exact) / mpmath.ldexp(1, exponent - 52))


REFERENCE = {
    "pow": mpmath.power,
    "log2": lambda x: mpmath.log(x, 2),
    "exp2": lambda x: mpmath.power(2, x),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
}


def reference(name, *args):
    """The exact value; small arguments need digits beyond their exponent."""
    with mpmath.workprec(2300 if min(map(abs, args)) < 1e-15 else 220):
        value = REFERENCE.get(name) or getattr(mpmath, name)
        return value(*map(mpmath.mpf, args))


def neighbours(*points, steps=2):
    """The points and the doubles next to them."""
    bits = np.array(points, np.float64).view(np.int64)
    return (bits[:, None] + np.arange(-steps, steps + 1)).view(np.float64).ravel()


def multiples(unit, *factors):
    """The doubles next to multiples of an irrational number."""
    return neighbours(*(float(unit * n) for n in factors), steps=1)


def join(*parts):
    return np.concatenate(parts)


def spread(low, high, count=80):
    """Log-uniform magnitudes with random signs."""
    return np.exp(RNG.uniform(math.log(low), math.log(high), count)) * RNG.choice([-1.0, 1.0], count)


RNG = np.random.default_rng(20240229)
SMALL = join(spread(1e-3, 10.0), spread(1e-300, 1.0), neighbours(TINY * 3, MIN_NORMAL, -1.0))
WIDE = join(SMALL, spread(1.0, 1e300), neighbours(LARGEST / 2))
POSITIVE = np.abs(join(WIDE, neighbours(0.5, 2.0, math.sqrt(0.5), math.sqrt(2))))
UNIT = join(RNG.uniform(-1, 1, 100), SMALL[np.abs(SMALL) <= 1], neighbours(0.5, -0.5), neighbours(1.0)[:3])
TRIG = join(
    SMALL, RNG.uniform(-100, 100, 100), spread(100, 2.0**23), neighbours(2.0**23),
    multiples(mpmath.pi / 2, 1, 2, 3, 4, 5, 22, 355, 1000, 11819, 573204, 1068966, 5000003),
    multiples(mpmath.pi / 4, 1, 3, 5, 7, 101),
)  # fmt: skip
EXPONENT = join(
    SMALL, RNG.uniform(-745.2, 709.8, 100), RNG.uniform(-745.2, -707, 40),
    multiples(mpmath.log(2) / 2, 1, 3, -1, -3, 75, -107),
    neighbours(709.782712893384, 710.0, -708.3964185322641, -745.1332191019411, -750.0),
)  # fmt: skip
HYPERBOLIC = join(EXPONENT, RNG.uniform(8, 30, 40), neighbours(710.4758600739439))

LOG_EDGES = [k / 16 for k in range(16, 25)]  # of the intervals in which logarithms are computed

POINTS = {
    "sin": TRIG,
    "cos": TRIG,
    "tan": TRIG,
    "exp": EXPONENT,
    "expm1": EXPONENT,
    "exp2": join(SMALL, RNG.uniform(-1075, 1024, 100), neighbours(1024.0, -1022.0, -1074.0, -1075.0, 0.5, 1.5)),
    "log": join(POSITIVE, RNG.uniform(0.75, 1.5, 300), neighbours(*(k / 32 for k in range(24, 32)), *LOG_EDGES)),
    "log2": POSITIVE,
    "log10": POSITIVE,
    "log1p": join(POSITIVE, UNIT, neighbours(-0.25, 2.0**53)),
    "cbrt": join(POSITIVE, -POSITIVE),
    "atan": WIDE,
    "asin": UNIT,
    "acos": UNIT,
    "atanh": UNIT,
    "sinh": HYPERBOLIC,
    "cosh": HYPERBOLIC,
    "tanh": join(SMALL, RNG.uniform(-22, 22, 100), spread(20, 1e300, 10)),
    "asinh": join(WIDE, neighbours(2.0**28, 2.0**-28)),
    "acosh": 1.0 + np.abs(join(WIDE, neighbours(2.0**28))),
    "erf": join(SMALL, RNG.uniform(-6, 6, 100), neighbours(1.0, 5.92, 5.95)),
}


@pytest.mark.parametrize("name", POINTS)
def test_against_mpmath(name):
    points = POINTS[name]
    errors = [ulp_error(y, reference(name, x)) for x, y in zip(points, evaluate(name, points))]
    worst = int(np.argmax(errors))
    assert errors[worst] <= TOLERANCE, f"{name}({points[worst]!r}): {errors[worst]:.3g} ulp"


def pow_points():
    x = np.abs(join(spread(1e-3, 1e3), spread(TINY, LARGEST), spread(0.5, 2.0), neighbours(1.0)))
    scale = np.where(x == 1.0, 1.0, np.log(x))
    whole = np.rint(RNG.uniform(-40, 40, 80))
    return (
        join(x, x, x, -spread(1e-3, 1e3)),
        join(RNG.uniform(-745, 709.7, x.size) / scale, 709.0 / scale, RNG.uniform(-5, 5, x.size), whole),
    )


def atan2_points():
    close = neighbours(1.0, -1.0, 3.0)
    return (
        join(spread(1e-3, 1e3, 200), spread(TINY, LARGEST), close),
        join(spread(1e-3, 1e3, 200), spread(TINY, LARGEST), close[::-1]),
    )


@pytest.mark.parametrize("name, points", [("pow", pow_points()), ("atan2", atan2_points())])
def test_two_arguments_against_mpmath(name, points):
    errors = [ulp_error(v, reference(name, *p)) for *p, v in zip(*points, evaluate(name, *points))]
    worst = int(np.argmax(errors))
    assert errors[worst] <= TOLERANCE, f"{name}{tuple(p[worst] for p in points)}: {errors[worst]:.3g} ulp"


def same_bits(a, b):
    """Whether two columns have the same bits, any NaN being as good as another."""
    return np.array_equal(*(np.where(np.isnan(c), 0, np.asarray(c).view(np.int64)) for c in (a, b))) and np.array_equal(
        np.isnan(a), np.isnan(b)
    )


@pytest.mark.parametrize("name", ["log", "exp", "exp2", "erf"])
def test_wide_instructions_give_the_same_bits(name):
    points = join(POSITIVE, EXPONENT, SPECIAL)
    assert same_bits(evaluate(name, points), evaluate(name, points, machine=WideMachine))


def test_wide_instructions_give_the_same_powers():
    x, y = (a.ravel() for a in np.meshgrid(SPECIAL, SPECIAL))
    for pair in (pow_points(), (x, y)):
        assert same_bits(evaluate("pow", *pair), evaluate("pow", *pair, machine=WideMachine))


POSITIVE_SPECIAL = [0.0, TINY, MIN_NORMAL, 0.5, 1.0, 2.0, 3.0, 1e6, 1e19, 1e300, LARGEST, math.inf]
SPECIAL = np.array([*POSITIVE_SPECIAL, *(-x for x in POSITIVE_SPECIAL), math.nan])
NUMPY_NAMES = {"pow": "power", "atan": "arctan", "atan2": "arctan2", "asin": "arcsin", "acos": "arccos"}
NUMPY_NAMES |= {"asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh"}


def assert_same_special(got, expected, args):
    """Equal up to rounding, with the same zeros, infinities and NaNs."""
    same_sign = np.isnan(expected) | (np.signbit(got) == np.signbit(expected))
    bad = ~(same_sign & np.isclose(got, expected, 1e-14, TINY, equal_nan=True))
    assert not bad.any(), [*(a[bad] for a in args), got[bad], expected[bad]]


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("sincos", "pow", "atan2", "erf")])
def test_special_values(name):
    expected = getattr(np, NUMPY_NAMES.get(name, name))(SPECIAL)
    assert_same_special(evaluate(name, SPECIAL), expected, [SPECIAL])


def test_special_values_of_erf():
    assert_same_special(evaluate("erf", SPECIAL), np.array([math.erf(x) for x in SPECIAL]), [SPECIAL])


@pytest.mark.parametrize("name", ["pow", "atan2"])
def test_special_values_of_pairs(name):
    x, y = (a.ravel() for a in np.meshgrid(SPECIAL, SPECIAL))
    assert_same_special(evaluate(name, x, y), getattr(np, NUMPY_NAMES[name])(x, y), [x, y])


def test_exact_cases():
    k = np.arange(-1074.0, 1024.0)
    powers = np.array([math.ldexp(1.0, int(i)) for i in k])
    assert np.array_equal(evaluate("exp2", k), powers)
    assert np.array_equal(evaluate("log2", powers), k)
    assert np.array_equal(evaluate("cbrt", powers[::3]), [math.ldexp(1.0, int(i) // 3) for i in k[::3]])
    digits = np.arange(23.0)  # the powers of ten that are doubles
    assert np.array_equal(evaluate("log10", 10.0**digits), digits)
    assert np.array_equal(evaluate("pow", np.full(23, 10.0), digits), 10.0**digits)


def test_sincos_has_the_bits_of_sin_and_cos():
    sine, cosine = evaluate("sincos", TRIG)
    assert np.array_equal(sine, evaluate("sin", TRIG)) and np.array_equal(cosine, evaluate("cos", TRIG))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_libm_is_only_for_large_angles(name):
    machine = Machine()
    arity = len(inspect.signature(FUNCTIONS[name]).parameters) - 1
    small = SPECIAL[~(np.abs(SPECIAL) > 2.0**23)]
    FUNCTIONS[name](machine, *[small] * arity)
    assert machine.rescued == 0


@pytest.mark.parametrize("name", ["sin", "tan", "sinh", "tanh", "asinh", "atanh", "atan", "asin", "cbrt", "erf"])
def test_odd(name):
    assert np.array_equal(evaluate(name, -UNIT), -evaluate(name, UNIT))
