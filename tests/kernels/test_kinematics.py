import inspect

import mpmath
import numpy as np
import pytest

from kernels import kinematics as kin

RNG = np.random.default_rng(11)
N = 2000
METRIC = np.diag([1.0, -1.0, -1.0, -1.0])


def random_momenta(n=N, m=1.0):
    """Columns E, px, py, pz of momenta with mass m."""
    return kin.four_momentum(RNG.exponential(30, n) + 0.1, RNG.normal(0, 2, n), RNG.uniform(-np.pi, np.pi, n), m)


def random_velocity(n=N):
    """Columns of velocities, uniform in the ball |v| < 0.95."""
    direction = RNG.normal(size=(3, n))
    return 0.95 * RNG.random(n) ** (1 / 3) * direction / np.linalg.norm(direction, axis=0)


def square(p):
    return p[0] * p[0] - p[1] * p[1] - p[2] * p[2] - p[3] * p[3]


def boost_matrix(v):
    """The 4x4 matrix of `kin.boost`, column by column."""
    return np.array([kin.boost(unit, v) for unit in np.eye(4)]).T


def test_collider_coordinates_round_trip():
    pt, eta, phi, m = RNG.exponential(30, N) + 0.1, RNG.normal(0, 2, N), RNG.uniform(-np.pi, np.pi, N), 1.5
    p = kin.four_momentum(pt, eta, phi, m)
    np.testing.assert_allclose(kin.transverse_momentum(p), pt, rtol=1e-14)
    np.testing.assert_allclose(kin.pseudorapidity(p), eta, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(kin.azimuth(p), phi, rtol=1e-13, atol=1e-14)
    assert np.all(np.abs(kin.mass(p) ** 2 - m * m) < 2**-50 * p[0] ** 2)
    assert np.all(np.abs(square(p) - m * m) < 2**-50 * p[0] ** 2)


def test_rapidity_forms_agree():
    p = random_momenta()
    y = kin.rapidity(p)
    np.testing.assert_allclose(y, 0.5 * np.log((p[0] + p[3]) / (p[0] - p[3])), rtol=1e-8, atol=1e-12)
    mt = np.sqrt(1.0 + p[1] ** 2 + p[2] ** 2)
    np.testing.assert_allclose(mt * np.cosh(y), p[0], rtol=1e-8)


def test_rapidity_differences_are_invariant_under_boosts_along_z():
    p, q = random_momenta(), random_momenta()
    v = (0.0 * p[0], 0.0 * p[0], RNG.uniform(-0.9, 0.9, N))
    before = kin.rapidity(p) - kin.rapidity(q)
    np.testing.assert_allclose(kin.rapidity(kin.boost(p, v)) - kin.rapidity(kin.boost(q, v)), before, atol=1e-7)


@pytest.mark.parametrize("light", [1e-2, 1e-4, 1e-6])
def test_mass_of_a_light_particle_against_mpmath(light):
    """m << E: the error of (E - |p|)(E + |p|) is that of rounding |p|, amplified by E^2/m^2."""
    energy, px, py, pz = kin.four_momentum(3.0, 0.5, 1.0, light)
    with mpmath.workdps(40):
        exact = mpmath.mpf(energy) ** 2 - mpmath.mpf(px) ** 2 - mpmath.mpf(py) ** 2 - mpmath.mpf(pz) ** 2
        exact = float(mpmath.sqrt(exact))
    assert abs(kin.mass((energy, px, py, pz)) / exact - 1) < 2**-51 * energy**2 / light**2


def test_delta_phi_equals_wrapping_by_round():
    phi1, phi2 = RNG.uniform(-np.pi, np.pi, (2, N))
    d = phi1 - phi2
    np.testing.assert_allclose(kin.delta_phi(phi1, phi2), d - 2 * np.pi * np.round(d / (2 * np.pi)), atol=2e-15)
    assert np.all(np.abs(kin.delta_phi(phi1, phi2)) <= np.pi)


def test_delta_r_is_symmetric_and_wraps():
    eta1, eta2, phi1, phi2 = RNG.uniform(-3, 3, (4, N))
    r = kin.delta_r(eta1, phi1, eta2, phi2)
    np.testing.assert_allclose(r, kin.delta_r(eta2, phi2, eta1, phi1), rtol=1e-14)
    np.testing.assert_allclose(r, kin.delta_r(eta1, phi1 + 2 * np.pi, eta2, phi2), rtol=1e-12)


def test_pair_mass_forms_agree_with_four_vectors():
    pt1, pt2 = RNG.exponential(30, (2, N)) + 1
    eta1, eta2 = RNG.normal(0, 2, (2, N))
    phi1, phi2 = RNG.uniform(-np.pi, np.pi, (2, N))
    stable = kin.pair_mass_stable(pt1, eta1, phi1, pt2, eta2, phi2)
    np.testing.assert_allclose(kin.pair_mass(pt1, eta1, phi1, pt2, eta2, phi2), stable, rtol=1e-10)
    vectors = [kin.four_momentum(pt1, eta1, phi1, 0.0), kin.four_momentum(pt2, eta2, phi2, 0.0)]
    np.testing.assert_allclose(kin.invariant_mass(vectors) ** 2, stable**2, atol=1e-13 * np.max(vectors[0][0] ** 2))


def test_stable_pair_mass_of_collinear_particles_against_mpmath():
    """At separations of 1e-9 the textbook form has no digit left; the stable form keeps them all."""
    arguments = (40.0, 1.0, 0.5, 30.0, 1.0 + 2.0**-30, 0.5 + 2.0**-31)
    with mpmath.workdps(60):
        pt1, eta1, phi1, pt2, eta2, phi2 = map(mpmath.mpf, arguments)
        exact = float(mpmath.sqrt(2 * pt1 * pt2 * (mpmath.cosh(eta1 - eta2) - mpmath.cos(phi1 - phi2))))
    assert abs(kin.pair_mass_stable(*arguments) / exact - 1) < 1e-15
    assert abs(kin.pair_mass(*arguments) / exact - 1) > 1e-3


def test_mass_of_n_massless_particles_is_the_sum_over_pairs():
    momenta = [random_momenta(m=0.0) for _ in range(4)]
    coordinates = [(kin.transverse_momentum(p), kin.pseudorapidity(p), kin.azimuth(p)) for p in momenta]
    pairs = sum(kin.pair_mass_stable(*coordinates[i], *coordinates[j]) ** 2 for i in range(4) for j in range(i))
    np.testing.assert_allclose(kin.invariant_mass(momenta) ** 2, pairs, rtol=1e-9)


def test_boost_matrix_is_a_proper_lorentz_transformation():
    for v in random_velocity(50).T:
        b = boost_matrix(v)
        gamma = 1 / np.sqrt(1 - v @ v)
        np.testing.assert_allclose(b.T @ METRIC @ b, METRIC, atol=1e-12)
        np.testing.assert_allclose(np.linalg.det(b), 1, rtol=1e-12)
        np.testing.assert_allclose(b, b.T, atol=1e-13)
        np.testing.assert_allclose(b @ (gamma * np.array([1, *v])), [1, 0, 0, 0], atol=1e-12)
        np.testing.assert_allclose(boost_matrix(-v) @ b, np.eye(4), atol=1e-12)


def test_boost_matrix_equals_the_direction_and_speed_form():
    for v in random_velocity(50).T:
        beta = np.linalg.norm(v)
        gamma, n = 1 / np.sqrt(1 - beta**2), v / beta
        expected = np.block(
            [
                [np.array([[gamma]]), -gamma * beta * n[None]],
                [-gamma * beta * n[:, None], np.eye(3) + (gamma - 1) * np.outer(n, n)],
            ]
        )
        np.testing.assert_allclose(boost_matrix(v), expected, atol=1e-13)


def test_boost_is_regular_at_rest():
    assert kin.boost((5.0, 1.0, 2.0, 3.0), (0.0, 0.0, 0.0)) == (5.0, 1.0, 2.0, 3.0)


def test_boost_to_the_rest_frame():
    p = random_momenta(m=3.0)
    energy, *momentum = kin.boost(p, (p[1] / p[0], p[2] / p[0], p[3] / p[0]))
    np.testing.assert_allclose(energy, 3.0, rtol=1e-6)
    np.testing.assert_allclose(momentum, 0.0, atol=1e-6)


def test_mandelstam_sum_and_angle():
    m1, m2, m3, m4, sqrt_s = 1.0, 2.0, 3.0, 4.0, 20.0
    s = sqrt_s**2
    p_in = np.sqrt(kin.kallen(s, m1, m2)) / (2 * sqrt_s)
    p_out = np.sqrt(kin.kallen(s, m3, m4)) / (2 * sqrt_s)
    e1, e3 = np.hypot(p_in, m1), np.hypot(p_out, m3)
    np.testing.assert_allclose(e1, (s + m1**2 - m2**2) / (2 * sqrt_s), rtol=1e-14)
    c = RNG.uniform(-1, 1, N)
    p1, p2 = (e1, 0.0, 0.0, p_in), (np.hypot(p_in, m2), 0.0, 0.0, -p_in)
    p3 = (e3, p_out * np.sqrt(1 - c * c), 0.0, p_out * c)
    s_, t, u = kin.mandelstam(p1, p2, p3)
    np.testing.assert_allclose(s_ + t + u, m1**2 + m2**2 + m3**2 + m4**2, rtol=1e-12)
    np.testing.assert_allclose(t, m1**2 + m3**2 - 2 * e1 * e3 + 2 * p_in * p_out * c, atol=1e-11)


def test_kallen_product_form_and_threshold():
    s, m1, m2 = RNG.uniform(1, 100, N), *RNG.uniform(0, 3, (2, N))
    a, b, c = s, m1**2, m2**2
    expanded = a * a + b * b + c * c - 2 * a * b - 2 * b * c - 2 * c * a
    np.testing.assert_allclose(kin.kallen(s, m1, m2), expanded, atol=1e-11)
    assert kin.kallen(25.0, 2.0, 3.0) == 0.0


def test_transverse_mass_forms_agree():
    px, py, qx, qy = RNG.normal(0, 40, (4, N))
    general = kin.transverse_mass(0.0, px, py, 0.0, qx, qy)
    massless = kin.transverse_mass_massless(np.hypot(px, py), np.arctan2(py, px), np.hypot(qx, qy), np.arctan2(qy, qx))
    np.testing.assert_allclose(general**2, massless**2, atol=1e-9)


def test_transverse_mass_is_bounded_by_the_mass_and_reaches_it():
    p, q = random_momenta(m=1.0), random_momenta(m=2.0)
    mt = kin.transverse_mass(1.0, p[1], p[2], 2.0, q[1], q[2])
    assert np.all(mt <= kin.invariant_mass([p, q]) * (1 + 1e-9))
    central = [(np.sqrt(m * m + x * x + y * y), x, y, 0.0) for m, (_, x, y, _) in ((1.0, p), (2.0, q))]
    np.testing.assert_allclose(kin.invariant_mass(central), mt, rtol=1e-9)


def test_neutrino_pz_gives_the_w_mass_or_the_real_part():
    m_w = 80.377
    lepton, neutrino = random_momenta(m=0.0), random_momenta(m=0.0)
    solutions = kin.neutrino_pz(lepton, neutrino[1], neutrino[2], m_w)
    real = solutions[0] > solutions[1]
    assert 0.02 < np.mean(real) < 0.98
    for pz in solutions:
        momentum = (np.sqrt(neutrino[1] ** 2 + neutrino[2] ** 2 + pz**2), neutrino[1], neutrino[2], pz)
        m = kin.invariant_mass([lepton, momentum])
        np.testing.assert_allclose(m[real], m_w, rtol=1e-6)
    assert np.all(np.isfinite(solutions))


PT1, PT2, PT3 = RNG.exponential(30, (3, N)) + 1
ETA1, ETA2 = RNG.normal(0, 1.5, (2, N))
PHI1, PHI2 = RNG.uniform(-3.1, 3.1, (2, N))
KERNELS = [
    (kin.dimuon_mass, (PT1, ETA1, PHI1, PT2, ETA2, PHI2), 1e-9),
    (kin.dimuon_mass_stable, (PT1, ETA1, PHI1, PT2, ETA2, PHI2), 1e-13),
    (kin.cartesian, (PT1, ETA1, PHI1, PT2), 1e-13),
    (kin.angular_distance, (ETA1, PHI1, ETA2, PHI2), 1e-12),
    (kin.w_transverse_mass, (PT1, PHI1, PT2, PHI2), 1e-12),
]


def leaves(result):
    """The arrays of a kernel's result, in order."""
    if isinstance(result, dict):
        return list(result.values())
    return list(result) if isinstance(result, tuple | list) else [result]


@pytest.mark.parametrize(("kernel", "columns", "rtol"), KERNELS, ids=lambda x: getattr(x, "__name__", None))
def test_kernel_agrees_with_its_function(kernel, columns, rtol):
    assert len(inspect.signature(kernel.fn).parameters) == len(columns)
    for compiled, plain in zip(leaves(kernel(*columns)), leaves(kernel.fn(*columns)), strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=rtol, atol=1e-12)


def test_four_vector_kernels_agree_with_their_functions():
    p, v = np.stack(random_momenta(), axis=-1), random_velocity().T
    for compiled, plain in zip(kin.boosted(p, v), kin.boosted.fn(p.T, v.T), strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-10, atol=1e-12 * np.max(p[:, 0]))
    compiled, plain = kin.collider_coordinates(p), kin.collider_coordinates.fn(p.T)
    for name in ("pt", "eta", "phi"):
        np.testing.assert_allclose(compiled[name], plain[name], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(compiled["m"] ** 2, plain["m"] ** 2, atol=1e-14 * np.max(p[:, 0] ** 2))
