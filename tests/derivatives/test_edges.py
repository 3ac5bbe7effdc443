"""Derivatives at the edges: what is not chosen never matters, and sub-gradients are as documented."""

import numpy as np
import pytest

import symhep as sh

BOTH = pytest.mark.parametrize("target", ["numpy", "numba"])


def derivatives(f, *args, target="numba"):
    """The derivative by every argument, in forward and in reverse mode."""
    n = len(args)
    reverse = sh.grad(sh.kernel(f)).to(target)(*args)
    reverse = list(reverse.values()) if isinstance(reverse, dict) else [reverse]
    along = sh.jvp(sh.kernel(f)).to(target)
    forward = [along(*args, *[1.0 if i == j else 0.0 for j in range(n)])[1] for i in range(n)]
    np.testing.assert_allclose(forward, reverse, rtol=1e-14, atol=0)
    return [float(x) for x in reverse]


UNTAKEN = {
    "sqrt of a negative number": (lambda x: np.where(x > 0, np.sqrt(x), -x), -4.0, -1.0),
    "log of zero": (lambda x: np.where(x > 0, np.log(x), x), 0.0, 1.0),
    "log of a negative number": (lambda x: np.where(x > 0, x * np.log(x), 0 * x), -1.0, 0.0),
    "division by zero": (lambda x: np.where(x == 0, 1 + x, np.sin(x) / x), 0.0, 1.0),
    "overflow": (lambda x: np.where(x < 100, x, np.exp(x)), 50.0, 1.0),
    "taken overflow beside": (lambda x: np.where(x > 0, x * x, np.exp(-1000 * x)), 3.0, 6.0),
    "power": (lambda x: np.where(x > 0, x**-2.5, 3 * x), -2.0, 3.0),
    "minimum of inf": (lambda x: np.minimum(x, 1 / (x - 2)), 2.0, 1.0),
    "maximum beside nan": (lambda x: np.where(x > 1, np.maximum(np.log(x - 1), x), 2 * x), 0.5, 2.0),
}


@BOTH
@pytest.mark.parametrize("name", sorted(UNTAKEN))
def test_what_is_not_taken(name, target):
    f, x, expected = UNTAKEN[name]
    with np.errstate(all="ignore"):
        assert derivatives(f, x, target=target) == [expected]


def test_what_is_not_taken_and_shared():
    """The dangerous value is used in both branches and outside, at three depths."""

    def f(x, y):
        s = np.sqrt(x)
        inner = np.where(y > 0, s * y, np.log(y))
        return np.where(x > 1, inner + s, np.where(x > 0, 1 / x, x)) + y * y

    assert derivatives(f, -2.0, 3.0) == [1.0, 6.0]
    assert derivatives(f, 4.0, 3.0) == [1.0, 8.0]
    assert derivatives(f, 0.5, 3.0) == [-4.0, 6.0]


def test_second_derivatives_of_what_is_not_taken():
    h = sh.hessian(lambda x: np.where(x > 0, x**1.5, x * x))
    assert h(-1.0) == 2.0 and h(0.0) == 2.0
    assert h(4.0) == pytest.approx(0.375, rel=1e-15)


SUBGRADIENTS = {
    "abs": (lambda x: np.abs(x), (0.0,), [1.0]),
    "abs at -0": (lambda x: np.abs(x), (-0.0,), [1.0]),
    "positive part": (lambda x: np.maximum(x, 0), (0.0,), [1.0]),
    "positive part, other order": (lambda x: np.maximum(0, x), (-0.0,), [1.0]),
    "negative part": (lambda x: np.minimum(x, 0), (0.0,), [0.0]),
    "sqrt": (lambda x: np.sqrt(x), (0.0,), [0.0]),
    "arcsin": (lambda x: np.arcsin(x), (1.0,), [0.0]),
    "arccos": (lambda x: np.arccos(x), (-1.0,), [0.0]),
    "arccosh": (lambda x: np.arccosh(x), (1.0,), [0.0]),
    "cbrt": (lambda x: np.cbrt(x), (0.0,), [0.0]),
    "hypot": (lambda x, y: np.hypot(x, y), (0.0, 0.0), [0.0, 0.0]),
    "norm": (lambda x, y: np.sqrt(x * x + y * y), (0.0, 0.0), [0.0, 0.0]),
    "arctan2": (lambda x, y: np.arctan2(x, y), (0.0, 0.0), [0.0, 0.0]),
    "x**y at y = 0": (lambda x, y: x**y, (0.0, 0.0), [0.0, 0.0]),
    "x**y at x = 0": (lambda x, y: x**y, (0.0, 2.0), [0.0, 0.0]),
    "x**y at x = 0, y = 1": (lambda x, y: x**y, (0.0, 1.0), [1.0, 0.0]),
    "x**y at x = 0, y = 0.5": (lambda x, y: x**y, (0.0, 0.5), [0.0, 0.0]),
    "x**y at x < 0": (lambda x, y: x**y, (-2.0, 3.0), [12.0, 0.0]),
    "x**(1/3)": (lambda x: x ** (1 / 3), (0.0,), [0.0]),
    "x**0": (lambda x: x**0 + x, (0.0,), [1.0]),
    "x**1": (lambda x: x**1, (0.0,), [1.0]),
    "x**2": (lambda x: x**2, (0.0,), [0.0]),
    "sign": (lambda x: np.sign(x) + x, (0.0,), [1.0]),
    "floor": (lambda x: np.floor(x) + x, (2.0,), [1.0]),
    "copysign": (lambda x, y: np.copysign(x, y), (2.0, -1.0), [-1.0, 0.0]),
}


@BOTH
@pytest.mark.parametrize("name", sorted(SUBGRADIENTS))
def test_subgradients(name, target):
    f, at, expected = SUBGRADIENTS[name]
    with np.errstate(all="ignore"):
        assert derivatives(f, *at, target=target) == expected


@pytest.mark.parametrize("f", [np.minimum, np.maximum])
def test_of_two_equals_one_counts(f):
    assert sorted(derivatives(lambda x, y: f(x, y), 1.0, 1.0)) == [0.0, 1.0]


def test_nan_and_infinite_inputs_stay_visible():
    g = sh.grad(lambda x: x * x)
    assert np.isnan(g(np.nan)) and g(np.inf) == np.inf


@pytest.mark.parametrize("x", [1e-150, 1e150, 1e-308, 3e-5])
def test_huge_and_tiny(x):
    assert derivatives(lambda x: np.log(x), x)[0] == pytest.approx(1 / x, rel=1e-14)
    assert derivatives(lambda x: np.sqrt(x), x)[0] == pytest.approx(0.5 / np.sqrt(x), rel=1e-14)


def test_real_derivatives_through_complex_values():
    def f(x, y):
        z = (x + 1j * y) ** 2 * np.exp(1j * x) / (1 + 2j * y)
        return np.abs(z) ** 2 + z.real * np.angle(z)

    assert sh.check_derivatives(f, points=4)


def test_complex_root_beside_its_cut():
    f = lambda x: np.sqrt(x + 0j).imag + x
    assert derivatives(f, 4.0) == [1.0] and derivatives(f, -4.0) == [1.0 - 0.25]


SMOOTH_THOUGH_MADE_OF_KINKS = {
    "softplus": (lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))), (0.0,), [0.5]),
    "x + y": (lambda x, y: np.maximum(x, y) + np.minimum(y, x), (1.0, 1.0), [1.0, 1.0]),
    "x y": (lambda x, y: np.maximum(y, x) * np.minimum(x, y), (2.0, 2.0), [2.0, 2.0]),
    "x": (lambda x: np.maximum(x, 0) + np.minimum(x, 0), (0.0,), [1.0]),
    "logaddexp": (lambda x, y: np.logaddexp(x, y), (1.5, 1.5), [0.5, 0.5]),
    "logaddexp of a constant": (lambda x: np.logaddexp(0, x), (0.0,), [0.5]),
    "logaddexp along a line": (lambda x: np.logaddexp(x, 2 * x), (0.0,), [1.5]),
    "logaddexp2": (lambda x, y: np.logaddexp2(x, y), (-3.0, -3.0), [0.5, 0.5]),
}


@BOTH
@pytest.mark.parametrize("name", sorted(SMOOTH_THOUGH_MADE_OF_KINKS))
def test_kinks_that_cancel(name, target):
    f, at, expected = SMOOTH_THOUGH_MADE_OF_KINKS[name]
    assert derivatives(f, *at, target=target) == pytest.approx(expected, rel=1e-14)


def test_second_derivative_where_kinks_cancel():
    assert sh.hessian(lambda x: np.logaddexp(x, 0))(0.0) == pytest.approx(0.25, rel=1e-14)


@pytest.mark.parametrize("x", [1e-200, 1e-8, 1e-4, 0.02])
def test_sinc_near_zero(x):
    """sin(y)/y = 1 - y²/6 + y⁴/120 - y⁶/5040 + ...; the quotient rule would lose all digits."""
    k, y = sh.kernel(lambda x: np.sinc(x)), np.pi * x
    assert sh.grad(k)(x) == pytest.approx(np.pi * y * (-1 / 3 + y**2 / 30 - y**4 / 840 + y**6 / 45360), rel=1e-14)
    assert sh.hessian(k)(x) == pytest.approx(np.pi**2 * (-1 / 3 + y**2 / 10 - y**4 / 168 + y**6 / 6480), rel=1e-14)
    assert sh.grad(k)(0.0) == 0 and k(np.nan) != k(np.nan)
