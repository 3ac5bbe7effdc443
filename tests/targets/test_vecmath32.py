"""Elementary functions of float32 values: errors, special values, and the bits of both forms of a kernel."""

import math

import mpmath
import numpy as np
import pytest

from symhep.ops import OPS
from symhep.targets import numba
from symhep.targets.bodies import emit
from symhep.targets.llvm import INSTRUCTIONS
from symhep.targets.machine import expand
from symhep.targets.native import compile_program
from symhep.targets.processor import emit_assembly
from symhep.targets.vecmath import FUNCTIONS
from symhep.targets.vecmath_tables32 import TRIG_MAX
from tests.programs import program_of

TOLERANCE = 1.1  # ulp, and for functions with a quotient at their end:
TOLERANCES = {"tan": 1.7, "atan2": 1.7, "asin": 1.3, "acos": 1.3, "atan": 1.3}
TINY = float(np.finfo(np.float32).smallest_subnormal)
MIN_NORMAL = 2.0**-126
LARGEST = float(np.finfo(np.float32).max)
OVERFLOW = LARGEST + 2.0**103
ONE = [name for name in FUNCTIONS if OPS[name].arity == 1 and name != "sincos"]
TWO = ["pow", "atan2"]
NUMPY_NAMES = {"pow": "power"} | {name: f"arc{name[1:]}" for name in FUNCTIONS if name.startswith("a")}

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def program(name):
    def make(b, *args):
        made = b.node(name, args)
        return [b.node("item", (made,), (k,)) for k in (0, 1)] if name == "sincos" else made

    return program_of(make, " ".join("xy"[: OPS[name].arity]))


def float32(*columns):
    return [np.ascontiguousarray(c, np.float32) for c in columns]


def results(name, *columns, width=None):
    """The columns that the vector target gives."""
    kernel = compile_program(program(name), np.float32, width=width)
    outputs = [np.empty(columns[0].size, np.float32) for _ in range(1 + (name == "sincos"))]
    kernel.run(float32(*columns), outputs)
    return outputs


def exact(name, *columns):
    """The values in double precision, of which the last bits do not matter here."""
    wide = [c.astype(np.float64) for c in float32(*columns)]
    if name == "erf":
        return np.array([math.erf(x) for x in wide[0]])
    return getattr(np, NUMPY_NAMES.get(name, name))(*wide)


def ulp_errors(got, wanted):
    """|got - wanted| in units of the last place of `wanted`, infinite where a NaN, infinity or sign is wrong."""
    exponent = np.where(np.isfinite(wanted) & (wanted != 0), np.frexp(wanted)[1] - 1, -126)
    errors = np.abs(got - wanted) * np.exp2(23.0 - np.maximum(exponent, -126))
    over = np.abs(wanted) >= OVERFLOW
    errors[over | np.isinf(got)] = np.inf
    errors[over & (got == np.copysign(np.inf, wanted))] = 0
    errors[np.signbit(got) != np.signbit(wanted)] = np.inf
    errors[np.isnan(got) | np.isnan(wanted)] = np.inf
    errors[np.isnan(got) & np.isnan(wanted)] = 0
    return errors


def same_bits(a, b):
    """Whether two columns have the same bits, any NaN being as good as another."""
    first, second = (np.where(np.isnan(column), 0, column.view(np.int32)) for column in (a, b))
    return a.dtype == b.dtype and np.array_equal(first, second) and np.array_equal(np.isnan(a), np.isnan(b))


def neighbours(*points, steps=50):
    """The points and the floats next to them."""
    bits = np.array(points, np.float32).view(np.int32)
    return (bits[:, None] + np.arange(-steps, steps + 1, dtype=np.int32)).view(np.float32).ravel()


RNG = np.random.default_rng(20240229)
POSITIVE_SPECIAL = [0.0, TINY, 3 * TINY, MIN_NORMAL, 0.5, 1.0, 2.0, 3.0, 1e6, 2.0**24, 1e19, LARGEST, math.inf]
SPECIAL = np.array([*POSITIVE_SPECIAL, *(-x for x in POSITIVE_SPECIAL), math.nan], np.float32)
EDGES = neighbours(
    # branch points; limits of the range of exp, exp2, expm1, sinh and cosh; 1 and limits of reductions
    MIN_NORMAL, 2.0**-25, 2.0**-13, 0.5, math.sqrt(0.5), 1.0, math.sqrt(2), 2.0, 4.0, 2.0**13, TRIG_MAX, 2.0**23,
    88.72284, 89.415985, -87.33655, -103.27893, -103.97208, 128.0, -126.0, -149.0, -150.0, 9.010913, LARGEST / 2,
)  # fmt: skip
MULTIPLES = neighbours(
    *(float(n * mpmath.pi / 4) for n in range(1, 400)),
    *(float(n * mpmath.pi / 2) for n in range(1000, 300_000, 997)),
    steps=1,
)
POINTS = np.concatenate(
    [
        RNG.integers(0, 2**32, 40_000, dtype=np.uint32).view(np.float32),
        *(RNG.uniform(-a, a, 20_000).astype(np.float32) for a in (1, 5, 100)),
        (1 + RNG.uniform(-0.5, 1, 20_000)).astype(np.float32),
        *(sign * x for sign in (1, -1) for x in (EDGES, MULTIPLES)),
        SPECIAL,
    ]
)


def pow_points():
    x = np.concatenate([np.exp(RNG.uniform(-87, 88, 20_000)), 1 + RNG.uniform(-1e-3, 1e-3, 20_000)]).astype(np.float32)
    with np.errstate(divide="ignore"):
        over = RNG.uniform(-104, 89, x.size) / np.log(x.astype(float))
    whole = np.rint(RNG.uniform(-20, 20, x.size))
    subnormal = RNG.integers(1, 2**23, x.size, dtype=np.uint32).view(np.float32)
    pairs = [(x, over), (x, RNG.uniform(-5, 5, x.size)), (-x, whole), (subnormal, RNG.uniform(-1, 1, x.size))]
    return tuple(np.concatenate(columns) for columns in zip(*pairs))


def atan2_points():
    patterns = [RNG.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32) for _ in range(2)]
    near = [RNG.uniform(-5, 5, 40_000).astype(np.float32) for _ in range(2)]
    return tuple(np.concatenate(columns) for columns in zip(patterns, near))


def pairs_of_special_values():
    return np.repeat(SPECIAL, SPECIAL.size), np.tile(SPECIAL, SPECIAL.size)


CASES = [(name, (POINTS,)) for name in ONE]
CASES += [("pow", pow_points()), ("atan2", atan2_points())]
CASES += [(name, pairs_of_special_values()) for name in TWO]


@pytest.mark.parametrize("name, columns", CASES)
def test_against_double_precision(name, columns):
    columns = float32(*columns)
    errors = ulp_errors(results(name, *columns)[0], exact(name, *columns))
    worst = int(np.argmax(errors))
    assert errors[worst] <= TOLERANCES.get(name, TOLERANCE), [errors[worst], *(c[worst] for c in columns)]


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_large_angles_against_mpmath(name):
    x = np.concatenate([np.exp(RNG.uniform(math.log(1e4), 88.7, 200)), [LARGEST, -LARGEST]]).astype(np.float32)
    with mpmath.workprec(300):
        wanted = np.array([float(getattr(mpmath, name)(mpmath.mpf(float(a)))) for a in x])
    assert np.max(ulp_errors(results(name, x)[0], wanted)) <= 1.7


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("width", [4, 8])
def test_readable_form_has_the_same_bits(name, width):
    columns = [POINTS, POINTS[::-1].copy()][: OPS[name].arity]
    if name in TWO:
        columns = float32(*map(np.concatenate, zip(columns, pairs_of_special_values())))
    readable = numba.load(numba.emit(program(name), np.float32))(columns)
    for got, wanted in zip(results(name, *columns, width=width), readable, strict=True):
        assert same_bits(got, wanted)


def test_functions_of_truth_values():
    def make(b, x, y):
        return [b.node(name, (b.node("lt", (x, y)),)) for name in ("sin", "exp", "log")]

    program, columns = program_of(make, "x y"), float32([1.0, 2.0], [2.0, 1.0])
    outputs = [np.empty(2, np.float32) for _ in program.outputs]
    compile_program(program, np.float32).run(columns, outputs)
    for got, wanted in zip(outputs, numba.load(numba.emit(program, np.float32))(columns)):
        assert same_bits(got, wanted)


def test_exact_cases():
    k = np.arange(-149.0, 128.0)
    powers = np.exp2(k).astype(np.float32)
    assert np.array_equal(results("exp2", k)[0], powers)
    assert np.array_equal(results("log2", powers)[0], k)
    assert np.array_equal(results("cbrt", powers[2::3])[0], np.exp2(k[2::3] / 3))
    digits = np.arange(11.0)  # the powers of ten that are floats
    assert np.array_equal(results("log10", 10.0**digits)[0], digits)
    assert np.array_equal(results("pow", np.full(11, 10.0), digits)[0], 10.0**digits)
    x = np.arange(-4096.0, 4097.0)
    assert np.array_equal(results("pow", x, np.full(x.size, 2.0))[0], x**2)
    assert np.array_equal(results("pow", x, np.ones(x.size))[0], x)


def test_sincos_has_the_bits_of_sin_and_cos():
    for got, name in zip(results("sincos", POINTS), ("sin", "cos")):
        assert same_bits(got, results(name, POINTS)[0])


@pytest.mark.parametrize("name", ["sin", "tan", "sinh", "tanh", "asinh", "atanh", "atan", "asin", "cbrt", "erf"])
def test_odd(name):
    assert same_bits(results(name, -POINTS)[0], -results(name, POINTS)[0])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_computed_in_float32(name):
    listed = expand(name, narrow=True)
    assert {listed.list[k].type for k in (*range(listed.arity), *listed.results)} == {"f32"}
    assert {i.op for i in listed} <= INSTRUCTIONS.keys() | {"input", "const", "rescue", "lookup"}
    assert {i.type for i in listed} <= {"f32", "i32", "mask"}
    assert all(
        i.attrs[0] == np.float32(i.attrs[0])
        for i in listed
        if i.op == "const" and i.type == "f32" and i.attrs[0] == i.attrs[0]
    )


def test_packed():
    names = [name for name in FUNCTIONS if name not in (*TWO, "sincos")]
    text, _ = emit(program_of(lambda b, x: [b.node(f, (x,)) for f in names], "x"), np.dtype(np.float32), 8)
    assembly = emit_assembly(text, "x86_64-unknown-linux-gnu", "znver4", "")
    each = assembly[assembly.index("each.0:") : assembly.index(".Lfunc_end0")]
    assert each.count("ps\t") > 300 and "pd\t" not in each.replace("vmovupd", "").replace("vmovapd", "")
