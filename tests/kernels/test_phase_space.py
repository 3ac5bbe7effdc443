import numpy as np
import pytest

from kernels import kinematics as kin
from kernels import phase_space as ps

RNG = np.random.default_rng(12)


def square(p):
    return p[0] * p[0] - p[1] * p[1] - p[2] * p[2] - p[3] * p[3]


def test_flat_volume_values():
    assert ps.flat_volume(2, 50.0) == pytest.approx(1 / (8 * np.pi), rel=1e-14)
    assert ps.flat_volume(3, 50.0) == pytest.approx(50.0 / (256 * np.pi**3), rel=1e-14)


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_flat_volume_recursion(n):
    """V_n(s) = int dmu^2/(2 pi) Phi2(s; mu^2, 0) V_{n-1}(mu^2); the integrand is a polynomial: Gauss is exact."""
    s = 70.0
    x, weights = np.polynomial.legendre.leggauss(10)
    mu2 = s * (x + 1) / 2
    integrand = ps.two_body_volume(s, np.sqrt(mu2), 0.0) * ps.flat_volume(n - 1, mu2) / (2 * np.pi)
    assert weights @ integrand * s / 2 == pytest.approx(ps.flat_volume(n, s), rel=1e-12)


def test_two_body_volume_from_the_momentum():
    s, m1, m2 = 90.0, 2.0, 3.0
    momentum = ps.two_body_momentum(s, m1, m2)
    assert ps.two_body_volume(s, m1, m2) == pytest.approx(momentum / (4 * np.pi * np.sqrt(s)), rel=1e-14)
    assert np.hypot(momentum, m1) + np.hypot(momentum, m2) == pytest.approx(np.sqrt(s), rel=1e-14)


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_rambo_conserves_momentum_and_is_massless(n):
    sqrt_s = 91.2
    momenta = np.array(ps.rambo(1 - RNG.random((4 * n, 5000)), sqrt_s))
    error = np.abs(momenta.sum(axis=0) - np.array([sqrt_s, 0, 0, 0])[:, None]) / sqrt_s
    assert np.median(error) < 1e-15
    assert np.max(error) < 1e-10  # nearly parallel inputs have a small mass M: n = 2 loses digits
    assert np.max(np.abs(square(momenta.swapaxes(0, 1)))) < 1e-10 * sqrt_s**2
    assert np.all(momenta[:, 0] > 0)


def test_rambo_three_body_moments():
    """Flat three-body phase space: x = 2E/sqrt(s) has density 2x on (0, 1), direction is uniform."""
    n = 200_000
    momenta = np.array(ps.rambo(1 - RNG.random((12, n)), 1.0))
    for p in momenta:
        x, c = 2 * p[0], p[3] / p[0]
        for sample, expected in ((x, 2 / 3), (x**2, 1 / 2), (x**3, 2 / 5), (c, 0), (c**2, 1 / 3)):
            assert abs(sample.mean() - expected) < 5 * sample.std() / np.sqrt(n)


def test_rambo_four_body_pair_masses_are_flat():
    """<s_ij> = s / (n(n-1)/2) by symmetry."""
    n = 100_000
    p = ps.rambo(1 - RNG.random((16, n)), 1.0)
    pair = kin.invariant_mass(p[:2]) ** 2
    assert abs(pair.mean() - 1 / 6) < 5 * pair.std() / np.sqrt(n)


@pytest.mark.parametrize("rotate", [False, True])
def test_random_events_columns(rotate):
    sqrt_s, n = 500.0, 3000
    events = ps.random_events(n, sqrt_s, seed=3, rotate=rotate)
    assert events.shape == (20, n) and events.flags.c_contiguous and events.dtype == np.float64
    p = events.reshape(5, 4, n)
    np.testing.assert_allclose(p[:2].sum(axis=0), p[2:].sum(axis=0), atol=1e-11 * sqrt_s)
    assert np.max(np.abs(square(p.swapaxes(0, 1)))) < 1e-12 * sqrt_s**2
    np.testing.assert_allclose(kin.invariant_mass(p[:2]), sqrt_s, rtol=1e-13)
    beam = p[0, 1:, :1] / p[0, 0, 0]
    cos_theta = np.sum(p[2:, 1:] * beam, axis=1) / p[2:, 0]
    assert np.max(np.abs(cos_theta)) < 0.95 + 1e-12
    assert np.min(p[2:, 0]) > 0.02 * sqrt_s
    if not rotate:
        np.testing.assert_array_equal(p[0], np.array([250.0, 0, 0, 250.0])[:, None] * np.ones(n))
        np.testing.assert_array_equal(p[1], np.array([250.0, 0, 0, -250.0])[:, None] * np.ones(n))


def test_random_events_are_reproducible_and_take_a_dtype():
    np.testing.assert_array_equal(ps.random_events(10, seed=1), ps.random_events(10, seed=1))
    assert not np.array_equal(ps.random_events(10, seed=1), ps.random_events(10, seed=2))
    assert ps.random_events(10, seed=1, dtype=np.float32).dtype == np.float32
    assert ps.random_events(0, seed=1).shape == (20, 0)


@pytest.mark.parametrize("cuts", [{"max_cos_theta": 0.0}, {"min_energy": 0.4}])
def test_random_events_refuse_impossible_cuts(cuts):
    with pytest.raises(ValueError, match="no event passes"):
        ps.random_events(10, **cuts)


def test_rotation_keeps_the_cut_variables():
    still, turned = (ps.random_events(100, seed=5, rotate=rotate).reshape(5, 4, 100) for rotate in (False, True))
    np.testing.assert_allclose(still[:, 0], turned[:, 0], rtol=1e-14)
    for i in range(5):
        for j in range(i):
            products = [np.sum(p[i, 1:] * p[j, 1:], axis=0) for p in (still, turned)]
            np.testing.assert_allclose(*products, atol=1e-9)


def test_rambo3_kernel_agrees_with_its_function():
    sqrt_s = 200.0
    columns = 1 - RNG.random((12, 4000))
    compiled, plain = ps.rambo3(*columns, sqrt_s), ps.rambo3.fn(*columns, sqrt_s)
    for name in ("p1", "p2", "p3"):
        for a, b in zip(compiled[name], plain[name], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-11 * sqrt_s)
    np.testing.assert_allclose(compiled["weight"], plain["weight"], rtol=1e-14)
    total = [sum(components) for components in zip(compiled["p1"], compiled["p2"], compiled["p3"])]
    np.testing.assert_allclose(total[0], sqrt_s, rtol=1e-12)
    np.testing.assert_allclose(total[1:], 0, atol=1e-11 * sqrt_s)
