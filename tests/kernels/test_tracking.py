"""Tracks: steps against closed forms and differences, filters against least squares over all measurements."""

import numpy as np
import pytest

import symhep as sh
from kernels import tracking
from kernels.tracking import TESLA, Column

RNG = np.random.default_rng(7)
KERNELS = {name: value for name, value in vars(tracking).items() if isinstance(value, sh.Kernel)}
NONE = Column(np.zeros(3), np.zeros(3))


def direction(n):
    T = RNG.normal(size=(n, 3))
    return T / np.linalg.norm(T, axis=1, keepdims=True)


@pytest.mark.parametrize("name", KERNELS)
def test_derivatives(name):
    assert sh.check_derivatives(KERNELS[name])


def test_helix_solves_its_equation():
    r, T, lam = RNG.normal(size=(20, 3)) * 100, direction(20), RNG.uniform(-2, 2, 20)
    B, s, e = RNG.normal(size=(20, 3)) * TESLA, RNG.uniform(1, 1000, 20), 1e-2
    ahead, behind = (tracking.helix(r, T, lam, B, s + d) for d in (e, -e))
    position, now = tracking.helix(r, T, lam, B, s)
    np.testing.assert_allclose((ahead[0] - behind[0]) / (2 * e), now, atol=1e-8)
    np.testing.assert_allclose((ahead[1] - behind[1]) / (2 * e), lam[:, None] * np.cross(now, B), atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(now, axis=1), 1, rtol=1e-13)
    np.testing.assert_allclose(tracking.helix(r, T, lam, B, 0.0)[0], r)


def test_helix_in_a_solenoid_is_a_helix():
    """dr/dψ = -α sgn(κ) p, and both are the same curve."""
    d0, phi0, dz, slope = RNG.normal(size=(4, 30))
    kappa, psi, alpha, e = RNG.uniform(0.1, 2, 30) * RNG.choice([-1, 1], 30), RNG.uniform(0.1, 1, 30), 2500.0, 1e-5
    given = d0, phi0, kappa, dz, slope
    position, p = tracking.helix_in_solenoid(*given, psi, alpha)
    change = (
        tracking.helix_in_solenoid(*given, psi + e, alpha)[0] - tracking.helix_in_solenoid(*given, psi - e, alpha)[0]
    )
    np.testing.assert_allclose(change / (2 * e), -alpha * np.sign(kappa)[:, None] * p, rtol=1e-6, atol=1e-5)
    start, p0 = tracking.helix_in_solenoid(*given, 0.0, alpha)
    size = np.linalg.norm(p0, axis=1)
    B, charge = np.array([0, 0, 1 / alpha]), np.sign(kappa)
    path = -psi * alpha * charge * size
    closed, T = tracking.helix(start, p0 / size[:, None], charge / size, B, path)
    np.testing.assert_allclose(closed, position, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(T * size[:, None], p, rtol=1e-9, atol=1e-12)


# -- steps -----------------------------------------------------------------------------------------------------------


def plain_step(r, T, lam, h, B1, B2, B3):
    """The step as it is written in the books; without normalisation."""
    f = lambda T, B: lam * np.cross(T, B)
    k1 = f(T, B1)
    k2 = f(T + h / 2 * k1, B2)
    k3 = f(T + h / 2 * k2, B2)
    k4 = f(T + h * k3, B3)
    turned = T + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    error = h * h * np.abs(k1 - k2 - k3 + k4).sum()
    return r + h * T + h * h / 6 * (k1 + k2 + k3), turned, error


def step_inputs():
    B = RNG.normal(size=(3, 3)) * 2 * TESLA
    return RNG.normal(size=3) * 100, direction(1)[0], 0.8, 35.0, *B


def test_stages_are_the_plain_step():
    for _ in range(20):
        given = step_inputs()
        found = tracking.rkn_step(*given, NONE, NONE, NONE)
        r, T, error = plain_step(*given)
        np.testing.assert_allclose(found.r, r, rtol=1e-14)
        np.testing.assert_allclose(found.T, T / np.linalg.norm(T), rtol=1e-13, atol=1e-15)
        assert found.error == pytest.approx(error, rel=1e-6)


def test_error_of_a_step_falls_by_32():
    r, T, B = np.zeros(3), direction(1)[0], np.array([1e-4, 2e-4, 6e-4])
    off = [
        np.linalg.norm(
            tracking.rkn_step(r, T, 1.0, h, B, B, B, NONE, NONE, NONE).r - tracking.helix(r, T, 1.0, B, h)[0]
        )
        for h in (400.0, 200.0)
    ]
    assert 25 < off[0] / off[1] < 40


def test_columns_against_differences():
    r, T, lam, h, *B = step_inputs()
    e = 1e-6
    for axis in range(3):
        seed = Column(np.eye(3)[axis], np.eye(3)[(axis + 1) % 3])
        found = tracking.rkn_step(r, T, lam, h, *B, seed, NONE, NONE).first
        ahead, behind = (plain_step(r + s * e * seed.P, T + s * e * seed.S, lam, h, *B) for s in (1, -1))
        np.testing.assert_allclose(found.P, (ahead[0] - behind[0]) / (2 * e), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(found.S, (ahead[1] - behind[1]) / (2 * e), rtol=1e-6, atol=1e-8)
    found = tracking.rkn_step(r, T, lam, h, *B, NONE, NONE, NONE).third
    ahead, behind = (plain_step(r, T, lam * np.exp(s * e), h, *B) for s in (1, -1))
    np.testing.assert_allclose(found.P, (ahead[0] - behind[0]) / (2 * e), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.S, (ahead[1] - behind[1]) / (2 * e), rtol=1e-5, atol=1e-9)


def test_fewer_operations_than_by_hand():
    """ACTS' generated code has 395 for the step and three columns, ATLAS' written by hand 394."""
    assert tracking.rkn_step.count().total <= 390


def test_transport():
    J, A = RNG.normal(size=(2, 50, 6, 6))
    C = A @ A.transpose(0, 2, 1)
    found = tracking.transport(J, C)
    np.testing.assert_allclose(found, J @ C @ J.transpose(0, 2, 1), rtol=1e-11)
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))


# -- filters ---------------------------------------------------------------------------------------------------------


def measurements(n, measured, events=40):
    A, k = RNG.normal(size=(events, n, n)), len(measured)
    C = A @ A.transpose(0, 2, 1) + np.eye(n)
    return RNG.normal(size=(events, n)), C, RNG.normal(size=(events, k)), RNG.uniform(0.1, 1, (events, k))


def least_squares(x, C, m, V, H):
    """(C⁻¹ + HᵀV⁻¹H)⁻¹, and the minimum of χ² over the state."""
    weight, by_m = np.linalg.inv(C), np.linalg.inv(V)
    after = np.linalg.inv(weight + H.T @ by_m @ H)
    state = after @ (weight @ x + H.T @ by_m @ m)
    r, d = m - H @ state, state - x
    return state, after, r @ by_m @ r + d @ weight @ d


@pytest.mark.parametrize("form", [tracking.update, tracking.update_joseph, tracking.update_sequential])
@pytest.mark.parametrize("n, measured", [(5, (0, 1)), (5, (2,)), (6, (0, 1)), (6, (1, 4)), (4, (0, 1, 3))])
def test_updates_are_least_squares(form, n, measured):
    x, C, m, variances = measurements(n, measured)
    V = variances if form is tracking.update_sequential else variances[..., None] * np.eye(len(measured))
    found = tracking.update_of(n, measured, form)(x, C, m, V)
    H = tracking.selecting(n, measured)
    for k in range(len(x)):
        expected = least_squares(x[k], C[k], m[k], np.diag(variances[k]), H)
        for got, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(got[k], wanted, rtol=1e-9, atol=1e-11)


def test_packed_covariances():
    x, C, m, variances = measurements(5, (0, 1))
    V = variances[..., None] * np.eye(2)
    whole = tracking.kalman_update(x, C, m, V)
    upper = np.triu_indices(5)
    packed = tracking.kalman_update(x, C[:, *upper], m, V[:, [0, 0, 1], [0, 1, 1]])
    np.testing.assert_array_equal(packed[1], whole[1][:, *upper])


@pytest.mark.parametrize("n, limit", [(5, 122), (6, 156)])
def test_operations_of_an_update(n, limit):
    """Without χ²: state and covariance from two measured components."""

    def update(
        x: sh.Vector[n], C: sh.Symmetric[n], m: sh.Vector[2], V: sh.Symmetric[2]
    ) -> tuple[sh.Vector[n], sh.Symmetric[n]]:
        return tracking.update(x, C, m, V, tracking.selecting(n, (0, 1)))[:2]

    assert sh.kernel(update).count().total <= limit


def test_filter_and_smoother_are_one_fit_of_the_whole_track():
    """A walk of 6 places: smoothed states, their covariances and Σχ² are those of least squares over all of it."""
    n, places = 3, 6
    F, Q = RNG.normal(size=(n, n)), np.diag([0.1, 0.2, 0.3])
    H, V = RNG.normal(size=(2, n)), np.diag([0.5, 0.7])
    m = RNG.normal(size=(places, 2))
    x, C = RNG.normal(size=n), 2 * np.eye(n)
    prior, total, predicted, filtered = (x, C), 0.0, [], []
    for k in range(places):
        if k:
            x, C = tracking.predict(x, C, F, Q)
        predicted.append((x, C))
        x, C, chi2 = tracking.update(x, C, m[k], V, H)
        filtered.append((x, C))
        total += chi2
    smoothed = [filtered[-1]]
    for k in reversed(range(places - 1)):
        smoothed.insert(0, tracking.smooth(*filtered[k], *predicted[k + 1], *smoothed[0], F))
    rows, values, weights = [np.eye(n, n * places)], [prior[0]], [np.linalg.inv(prior[1])]
    for k in range(places):
        here = np.eye(n, n * places, n * k)
        rows.append(H @ here)
        values.append(m[k])
        weights.append(np.linalg.inv(V))
        if k:
            rows.append(here - F @ np.eye(n, n * places, n * (k - 1)))
            values.append(np.zeros(n))
            weights.append(np.linalg.inv(Q))
    normal = sum(A.T @ W @ A for A, W in zip(rows, weights))
    covariance = np.linalg.inv(normal)
    state = covariance @ sum(A.T @ W @ v for A, W, v in zip(rows, weights, values))
    assert total == pytest.approx(sum((v - A @ state) @ W @ (v - A @ state) for A, W, v in zip(rows, weights, values)))
    for k, (x, C) in enumerate(smoothed):
        place = slice(n * k, n * k + n)
        np.testing.assert_allclose(x, state[place], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(C, covariance[place, place], rtol=1e-9, atol=1e-12)
