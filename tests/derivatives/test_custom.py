"""Registered operations: their own value, their own derivative."""

import pickle

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError


@sh.register(derivative=lambda x, r: 1 / (1 + np.exp(-x)))
def softplus(x):
    return np.logaddexp(x, 0.0)


@sh.register(derivative=lambda x, y, r: (y * np.cos(x * y) + 5, x * np.cos(x * y)))
def tilted(x, y):
    """A derivative that is not that of the value: it is what the user says."""
    return np.sin(x * y)


@sh.kernel
def mixed(x, y):
    return softplus(x * y) + y * softplus(y)


def test_value():
    assert softplus(0.5) == pytest.approx(np.log1p(np.exp(0.5)), rel=1e-15)
    assert mixed(0.5, 2.0) == pytest.approx(softplus(1.0) + 2 * softplus(2.0), rel=1e-15)
    np.testing.assert_allclose(softplus(np.array([1.0, 2.0])), np.logaddexp([1.0, 2.0], 0))


def test_derivatives_to_any_order():
    assert sh.check_derivatives(mixed) and sh.check_derivatives(sh.grad(mixed))
    assert sh.check_derivatives(sh.grad(sh.grad(mixed, "x"), "x"))


def test_the_users_derivative_is_used():
    J = sh.grad(lambda x, y: tilted(2 * x, y))(0.3, 0.7)
    assert J["x"] == pytest.approx(2 * (0.7 * np.cos(0.42) + 5), rel=1e-14)
    with pytest.raises(sh.DerivativeError, match="the rule of 'tilted' for its argument 1"):
        sh.check_derivatives(lambda x, y: tilted(2 * x, y))


def test_arrays_inside_a_kernel():
    @sh.kernel
    def total(v: sh.Vector[3]):
        return np.sum(softplus(v))

    v = np.array([0.1, -2.0, 3.0])
    np.testing.assert_allclose(sh.grad(total)(v), 1 / (1 + np.exp(-v)), rtol=1e-14)


def test_constant_derivative_and_kernels():
    through = sh.register(sh.kernel(lambda x: np.rint(x)), derivative=lambda x, r: 1, name="straight_through")
    assert through(2.3) == 2.0 and sh.grad(lambda x: through(3 * x))(0.9) == 3.0
    assert repr(through) == "<operation straight_through>"


def test_inside_other_kernels_and_pickled():
    outer = sh.kernel(lambda a: mixed(a, a))
    right = sh.grad(outer)(0.8)
    assert pickle.loads(pickle.dumps(outer)).grad()(0.8) == right
    assert sh.check_derivatives(outer)


def test_under_a_choice():
    g = sh.grad(lambda x: np.where(x > 0, softplus(x), x))
    assert g(-1.0) == 1.0 and g(0.5) == pytest.approx(1 / (1 + np.exp(-0.5)))


def total(x):
    return sh.batch_sum(x)


ERRORS = {
    "reduction": (sh.register(lambda x, y: total(x) * y, derivative=lambda x, y, r: (y, x)), "is about one event"),
    "too few derivatives": (
        sh.register(lambda x, y: x * y, derivative=lambda x, y, r: x),
        "takes 3 numbers and returns 1",
    ),
    "two results": (sh.register(lambda x, y: (x, y), derivative=lambda x, y, r: (x, y)), "has one real result"),
}


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_errors(name):
    operation, words = ERRORS[name]
    with pytest.raises(ArgumentError, match=words):
        sh.grad(lambda x, y: operation(x, y))


def test_number_of_arguments():
    with pytest.raises(ArgumentError, match="softplus: too many positional arguments"):
        sh.kernel(lambda x: softplus(x, x)).traced  # noqa: B018
