"""Formulas that random testing found wrong, each as small as it could be made."""

import mpmath
import numpy as np
import pytest

import symhep as sh
from symhep.checking.verify import compare, values
from symhep.program import build
from symhep.targets import numba
from tests.formulas import graph_of

X = np.array([0.0, 3.0, -4.0, 0.0, 1e-3])
Y = np.array([0.0, -4.0, 3.0, 2.0, 0.0])


@pytest.mark.parametrize("effort", ["fast", "default"])
@pytest.mark.parametrize("target", ["numpy", "numba"])
def test_the_direction_of_nothing_is_along_the_first_axis(effort, target):
    """cos(arctan2(0, 0)) is 1, not 0/0: a particle without transverse momentum."""

    def direction(x, y):
        phi = np.arctan2(y, x)
        return np.cos(phi), np.sin(phi)

    k = sh.kernel(direction, effort=effort, target=target)
    assert k.count().atan2 == 0
    np.testing.assert_allclose(k(X, Y), direction(X, Y), rtol=1e-15, atol=1e-16)


@pytest.mark.parametrize("effort", ["fast", "default"])
@pytest.mark.parametrize("math", ["finite", "strict"])
def test_conditions_that_are_constant_stay_conditions(effort, math):
    def choices(x):
        never = np.logical_and(False, x < 0)
        pair = np.where(x < 0, True, x > 2), np.where(np.logical_not(np.where(x < 0, False, x > 2)), x, 2 * x)
        return (*pair, np.where(x < 0, True, False), never, np.logical_or(True, x > 1), x * x + x)

    k = sh.kernel(choices, effort=effort, math=math)
    columns = np.array([-1.0, 0.0, 1.0, 3.0])
    for target in ("numpy", "numba"):
        for found, right in zip(k.to(target)(columns), choices(columns), strict=True):
            assert found.dtype == right.dtype and (found == right).all()
    assert compare(k.traced.graph, k._chosen({}).optimised.graph, [{"x": mpmath.mpf(v)} for v in columns])
    readable = numba.load(numba.emit(build(k._chosen({}).optimised.graph)))([columns])
    assert all((found == right).all() for found, right in zip(readable, choices(columns), strict=True))


def test_a_constant_condition_chooses_at_once():
    k = sh.kernel(lambda x: np.where(True, x, x * x))
    assert not any(n.op == "select" for n in k._chosen({}).optimised.graph.order)


INVERSE = ("arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "tan", "tanh")


@pytest.mark.parametrize("name", INVERSE)
def test_complex_functions_are_exact_in_the_whole_plane(name):
    """arcsinh lost all digits for a large negative real part, arctanh and arcsin those of small arguments."""
    rng = np.random.default_rng(1)
    z = 10 ** rng.uniform(-9, 9, 400) * np.exp(1j * rng.uniform(-np.pi, np.pi, 400))
    z[:100] = rng.uniform(-3, 3, 100) + 1j * rng.uniform(-3, 3, 100)
    if name in ("tan", "tanh"):  # beyond, the results are 1 or i in double precision
        z = z[np.abs(z) < 15]
    function = getattr(np, name)

    def f(z: sh.Complex):
        return function(z)

    right = getattr(mpmath, name.replace("arc", "a"))
    for x, y in zip(z, sh.kernel(f, effort="fast")(z)):
        with mpmath.workdps(50):
            exact = right(mpmath.mpc(complex(x)))
            assert abs(mpmath.mpc(complex(y)) - exact) < 2e-15 * abs(exact), (x, y, exact)


def test_both_parts_of_a_complex_tangent_are_right_far_from_the_axis():
    def f(z: sh.Complex):
        return np.tanh(z)

    z = np.array([15 + 1j, -20 + 0.3j, 300 - 2j])
    with mpmath.workdps(400):
        right = [complex(mpmath.tanh(mpmath.mpc(complex(x)))) for x in z]
    found = sh.kernel(f, effort="fast")(z)
    np.testing.assert_allclose(found.real, np.real(right), rtol=1e-15)
    np.testing.assert_allclose(found.imag, np.imag(right), rtol=1e-14)


@pytest.mark.parametrize("name", ["sqrt", "log", "log1p", *INVERSE[:6]])
@pytest.mark.parametrize("z", [2 + 0j, -2 + 0j, 0.5 + 0j, -0.5 + 0j, 2j, complex(0, -2), 0.5j, complex(0, -0.5)])
def test_branch_cuts_are_those_of_numpy(name, z):
    """Also in high precision, where a zero has no sign."""
    function = getattr(np, name)

    def f(z: sh.Complex):
        return function(z)

    right = function(np.complex128(z))
    k = sh.kernel(f, effort="fast")
    np.testing.assert_allclose(k(np.array([z]))[0], right, rtol=1e-14, atol=1e-15)
    assert compare(k.traced.graph, k._chosen({}).optimised.graph, [{"z": mpmath.mpc(z)}])
    assert abs(complex(values(k.traced.graph, {"z": z})[0]) - right) < 1e-14


def test_isclose_knows_infinities_and_nan():
    a = np.array([0.0, 1.0, np.inf, -np.inf, np.inf, np.nan, np.nan, 1.0])
    b = np.array([np.inf, np.inf, np.inf, np.inf, 1.0, np.nan, 1.0, 1 + 1e-9])
    for equal_nan in (False, True):
        f = lambda x, y, e=equal_nan: np.isclose(x, y, equal_nan=e)
        k = sh.kernel(eval("lambda x, y: f(x, y)", {"f": f}))
        np.testing.assert_array_equal(k(a, b), f(a, b))


def test_a_difference_that_no_float_can_hold_is_none():
    before, after = (graph_of(f, 1) for f in (lambda x: np.exp(-x * x), lambda x: 0 * x))
    assert compare(before, after, [{"x0": mpmath.mpf(100)}])
    assert not compare(before, after, [{"x0": mpmath.mpf(5)}])


AXIS = {
    "sqrt": lambda x: np.sqrt(x + 0j),
    "log": lambda x: np.log(x.astype(complex)),
    "log10": lambda x: np.log10(x + 0j),
    "log1p": lambda x: np.log1p(x + 0j),
    "arcsin": lambda x: np.arcsin(x + 0j),
    "arccos": lambda x: np.arccos(x + 0j),
    "arccosh": lambda x: np.arccosh(x + 0j),
    "arctanh": lambda x: np.arctanh(x + 0j),
    "power": lambda x: (x + 0j) ** 1.5,
    "pow": lambda x: np.power(x + 0j, 0.3 * x),
    "sqrt of a product": lambda x: np.sqrt(-x * np.conj(1 + 0j)),
}


@pytest.mark.parametrize("math", ["finite", "strict"])
@pytest.mark.parametrize("name", AXIS)
def test_a_real_number_as_complex_leaves_the_axis(name, math):
    """np.sqrt(x + 0j) is imaginary for x < 0; it was NaN."""
    f = AXIS[name]
    x = np.array([-4.0, -1.5, -0.25, 0.25, 0.5, 2.25])
    np.testing.assert_allclose(sh.kernel(f, math=math)(x), f(x), rtol=1e-14, atol=1e-15)


def test_zero_to_a_negative_power():
    x = np.array([1.0, 2.0])
    for exponent in (-0.5, -1.5, -1):
        f = lambda x, e=exponent: (x - x) ** e + x
        with np.errstate(divide="ignore"):
            assert (sh.kernel(eval("lambda x: f(x)", {"f": f}))(x) == np.inf).all()


def test_what_compares_nan_is_not_verified():
    """sqrt(x)*sqrt(x) < y is false for x < 0, x < y is not (class: on-domain)."""
    graph = graph_of(lambda x, y: np.where(np.sqrt(x) * np.sqrt(x) < y, x, y), 2)
    after = graph_of(lambda x, y: np.where(x < y, x, y), 2)
    points = [{"x0": mpmath.mpf(-1), "x1": mpmath.mpf(1)}, {"x0": mpmath.mpf(1), "x1": mpmath.mpf(2)}]
    outcome = compare(graph, after, points)
    assert (outcome.points, outcome.invalid, outcome.failed) == (1, 1, 0)


def test_cancellation_beyond_all_digits_is_no_difference():
    before = graph_of(lambda x, z: (x + 1e200) / z + (x - 1e200) / z, 2)
    after = graph_of(lambda x, z: 2 * x / z, 2)
    point = {"x0": mpmath.mpf(1) / 3, "x1": mpmath.mpf(7)}
    assert compare(before, after, [point])
    assert compare(before, graph_of(lambda x, z: 3 * x / z, 2), [point]).failed == 1


def test_constants_beyond_all_floats_are_not_folded():
    k = sh.kernel(lambda x: np.sinh(1e5 + 1j * x), effort="fast")
    assert not np.isfinite(k(np.array([1.0]))).any()


def test_the_imaginary_part_of_nan_is_nan():
    graph = graph_of(lambda x, y: ((x + 1j * y) / (0 * x + 0j * y)).imag, 2)
    assert mpmath.isnan(values(graph, {"x0": mpmath.mpf(1), "x1": mpmath.mpf(2)})[0])


def test_a_part_that_is_smaller_than_memory_is_long():
    """tanh(1e15 + i) is 1 with an imaginary part of 10**(-10**15), which mpmath would add up exactly."""

    def f(z: sh.Complex):
        return np.tanh(z) ** 5

    graph = sh.kernel(f, effort="fast").traced.graph
    outcome = compare(graph, graph, [{"z": mpmath.mpc(10**15, 1)}, {"z": mpmath.mpc(1, 1)}])
    assert (outcome.points, outcome.invalid) == (1, 1)
