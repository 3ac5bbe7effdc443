"""Uncertainties propagated: J C Jᵀ against the matrices themselves, and against random numbers."""

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError

RNG = np.random.default_rng(11)


@sh.kernel
def polar(pt, phi, z):
    return pt * np.cos(phi), {"py": pt * np.sin(phi), "theta": np.arctan2(pt, z)}


def covariance(n, events=None):
    A = RNG.normal(size=(*(() if events is None else (events,)), n, n))
    return A @ np.swapaxes(A, -1, -2)


def jacobian_of_polar(pt, phi, z):
    J = sh.jacobian(polar)(pt, phi, z)
    return np.array([[row[k] for k in ("pt", "phi", "z")] for row in (J[0], J[1]["py"], J[1]["theta"])])


def test_matrix_per_event():
    at, C = RNG.uniform(0.5, 2, (3, 50)), covariance(3, 50)
    found = sh.propagate(polar)(*at, C)
    assert found.shape == (50, 3, 3) and (found == np.swapaxes(found, 1, 2)).all()
    J = np.moveaxis(jacobian_of_polar(*at), -1, 0)
    np.testing.assert_allclose(found, J @ C @ np.swapaxes(J, 1, 2), rtol=1e-12, atol=1e-13)


def test_one_matrix_for_all_and_fewer_operations_if_it_is_diagonal():
    at, C = (1.2, 0.4, -0.7), covariance(3)
    J = jacobian_of_polar(*at)
    np.testing.assert_allclose(sh.propagate(polar, C)(*at), J @ C @ J.T, rtol=1e-12)
    diagonal = sh.propagate(polar, np.diag([0.1, 0.2, 0.3]))
    assert diagonal.count().total < sh.propagate(polar).count().total


def test_single_number_and_some_arguments():
    mass = sh.kernel(lambda pt, eta, gain: gain * pt * np.cosh(eta))
    variance = sh.propagate(mass, wrt=("pt", "eta"))
    C = np.array([[0.2, 0.05], [0.05, 0.1]])
    J = np.array([1.5 * np.cosh(0.7), 1.5 * 20 * np.sinh(0.7)])
    assert variance(20.0, 0.7, 1.5, C) == pytest.approx(J @ C @ J, rel=1e-13)


def test_against_random_numbers():
    C, at = 1e-6 * covariance(3), np.array([1.2, 0.4, -0.7])
    drawn = RNG.multivariate_normal(at, C, 200_000)
    x, rest = polar(*drawn.T)
    sample = np.cov([x, rest["py"], rest["theta"]])
    found, sigma = sh.propagate(polar, C)(*at), np.sqrt(np.diag(sample))
    np.testing.assert_allclose(found / np.outer(sigma, sigma), sample / np.outer(sigma, sigma), atol=0.02)


def test_errors():
    with pytest.raises(ArgumentError, match=r"covariance of pt, phi and z has the shape \(3, 3\), got \(2, 2\)"):
        sh.propagate(polar, np.eye(2))(1.0, 2.0, 3.0)
    with pytest.raises(ArgumentError, match="the matrices of all events in the call"):
        sh.propagate(polar, np.zeros((5, 3, 3)))(1.0, 2.0, 3.0)
    with pytest.raises(ArgumentError, match="complex or boolean"):
        sh.propagate(lambda x: x * 1j, [[1.0]])(1.0)
