"""Line shapes against SciPy's distributions, numerical integrals, and each other."""

import mpmath
import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

import symhep as sh
from kernels import line_shapes as shapes

RNG = np.random.default_rng(13)
N = 500
M, MASS, WIDTH, SIGMA = RNG.uniform(60, 120, N), RNG.uniform(85, 95, N), RNG.uniform(0.5, 5, N), RNG.uniform(0.5, 5, N)
LOW, HIGH = 60.0, 120.0

KERNELS = {
    "breit_wigner": (91.0, 2.5),
    "breit_wigner_on": (91.0, 2.5, LOW, HIGH),
    "relativistic_breit_wigner": (91.0, 2.5),
    "gaussian": (91.0, 2.0),
    "gaussian_on": (91.0, 9.0, LOW, HIGH),
    "crystal_ball": (91.0, 2.0, 1.2, 3.0),
    "pseudo_voigt": (91.0, 2.5, 1.5),
    "pseudo_voigt_on": (91.0, 2.5, 1.5, LOW, HIGH),
    "exponential_on": (0.02, LOW, HIGH),
}


def test_all_kernels_are_in_the_table():
    assert {name for name, value in vars(shapes).items() if isinstance(value, sh.Kernel)} == set(KERNELS)


@pytest.mark.parametrize("name", KERNELS)
def test_derivatives(name):
    assert sh.check_derivatives(getattr(shapes, name))


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_their_functions(name):
    kernel = getattr(shapes, name)
    with np.errstate(invalid="ignore"):  # the tail of the Crystal Ball, where it is not chosen
        expected = kernel.fn(M, *KERNELS[name])
    np.testing.assert_allclose(kernel(M, *KERNELS[name]), expected, rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in KERNELS if name.endswith("_on")])
def test_normalised_on_the_interval(name):
    kernel = getattr(shapes, name)
    total, error = integrate.quad(lambda m: kernel(m, *KERNELS[name]), LOW, HIGH, points=[85, 91, 97], epsabs=1e-11)
    assert error < 1e-8
    assert total == pytest.approx(1, abs=1e-10)


def test_breit_wigner_is_cauchy():
    expected = stats.cauchy.pdf(M, MASS, WIDTH / 2)
    np.testing.assert_allclose(shapes.breit_wigner(M, MASS, WIDTH), expected, rtol=1e-13)


def test_breit_wigner_integral_is_that_of_cauchy():
    low, high = MASS - 20, MASS + RNG.uniform(-5, 20, N)
    expected = stats.cauchy.cdf(high, MASS, WIDTH / 2) - stats.cauchy.cdf(low, MASS, WIDTH / 2)
    np.testing.assert_allclose(shapes.breit_wigner_integral(MASS, WIDTH, low, high), expected, rtol=1e-13)


def test_breit_wigner_integral_far_from_the_mass():
    with mpmath.workdps(50):
        low, high = (mpmath.atan((mpmath.mpf(x) - 91) / mpmath.mpf("0.5")) for x in (1e6, 1e6 + 1))
        expected = float((high - low) / mpmath.pi)
    assert shapes.breit_wigner_integral(91.0, 1.0, 1e6, 1e6 + 1) == pytest.approx(expected, rel=1e-14)


def test_relativistic_breit_wigner_of_scipy():
    expected = stats.rel_breitwigner.pdf(M, MASS / WIDTH, scale=WIDTH)
    np.testing.assert_allclose(shapes.relativistic_breit_wigner(M, MASS, WIDTH), expected, rtol=1e-10)


def test_relativistic_breit_wigner_is_the_propagator_squared():
    expected = np.abs(1 / (M**2 - MASS**2 + 1j * MASS * WIDTH)) ** 2
    ratio = shapes.relativistic_breit_wigner(M, MASS, WIDTH) / expected
    at_mass = shapes.relativistic_breit_wigner(MASS, MASS, WIDTH) * (MASS * WIDTH) ** 2
    np.testing.assert_allclose(ratio, at_mass, rtol=1e-12)


def test_narrow_relativistic_breit_wigner_is_the_other_one():
    m = 91.0 + np.linspace(-1e-4, 1e-4, 11)
    relativistic = shapes.relativistic_breit_wigner(m, 91.0, 1e-4)
    np.testing.assert_allclose(relativistic, shapes.breit_wigner(m, 91.0, 1e-4), rtol=1e-5)


def test_gaussian_of_scipy():
    np.testing.assert_allclose(shapes.gaussian(M, MASS, SIGMA), stats.norm.pdf(M, MASS, SIGMA), rtol=1e-12, atol=1e-290)


def test_gaussian_on_is_truncnorm():
    m, low, high = MASS + SIGMA * RNG.uniform(-1, 2, N), MASS - SIGMA, MASS + 2 * SIGMA
    expected = stats.truncnorm.pdf(m, -1, 2, MASS, SIGMA)
    np.testing.assert_allclose(shapes.gaussian_on(m, MASS, SIGMA, low, high), expected, rtol=1e-12)


def test_crystal_ball_of_scipy():
    alpha, n = RNG.uniform(0.5, 3, N), RNG.uniform(1.5, 6, N)
    expected = stats.crystalball.pdf(M, alpha, n, MASS, SIGMA)
    pulls = (M - MASS) / SIGMA
    assert 50 < np.count_nonzero(pulls < -alpha) < N - 50
    np.testing.assert_allclose(shapes.crystal_ball(M, MASS, SIGMA, alpha, n), expected, rtol=1e-11)


def test_crystal_ball_joins_with_its_first_derivative():
    slope = sh.grad(shapes.crystal_ball, "m")(89.0 + np.array([-1e-10, 1e-10]), 91.0, 2.0, 1.0, 3.0)
    assert slope[0] == pytest.approx(slope[1], rel=1e-8)


@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.3, 0.5, 1.0, 3.0, 10.0, 100.0])
def test_pseudo_voigt_is_near_the_voigt_profile(ratio):
    """1.3% of the maximum, as the docstring says."""
    sigma = 1.0
    width = ratio * shapes.FWHM_OF_SIGMA * sigma
    offset = np.linspace(-10, 10, 2001) * shapes.voigt_width(width, sigma)[0]
    exact = special.voigt_profile(offset, sigma, width / 2)
    found = shapes.pseudo_voigt(91.0 + offset, 91.0, width, sigma)
    assert np.max(np.abs(found - exact)) < 0.013 * exact.max()


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 1.0, 2.0, 10.0])
def test_width_of_the_voigt_profile(ratio):
    sigma = 1.0
    width = ratio * shapes.FWHM_OF_SIGMA * sigma
    maximum = special.voigt_profile(0.0, sigma, width / 2)
    half = optimize.brentq(lambda x: special.voigt_profile(x, sigma, width / 2) / maximum - 0.5, 0, 2 * sigma + width)
    assert shapes.voigt_width(width, sigma)[0] == pytest.approx(2 * half, rel=5e-3)


def test_limits_of_the_pseudo_voigt():
    offset = np.linspace(-5, 5, 101)
    narrow = shapes.pseudo_voigt(91.0 + offset, 91.0, 1e-9, 1.5)
    np.testing.assert_allclose(narrow, stats.norm.pdf(offset, 0, 1.5), rtol=1e-5)
    sharp = shapes.pseudo_voigt(91.0 + offset, 91.0, 2.5, 1e-9)
    np.testing.assert_allclose(sharp, stats.cauchy.pdf(offset, 0, 1.25), rtol=1e-4)


@pytest.mark.parametrize("slope", [0.5, 0.02, 0.0333, -0.1, 1e-3])
def test_exponential_is_the_textbook_one(slope):
    expected = slope * np.exp(-slope * (M - LOW)) / -np.expm1(-slope * (HIGH - LOW))
    np.testing.assert_allclose(shapes.exponential_on(M, slope, LOW, HIGH), expected, rtol=1e-12)


def test_exponential_without_slope_and_with_any():
    gradient, curvature = (f(shapes.exponential_on, "slope")(70.0, 0.0, LOW, HIGH) for f in (sh.grad, sh.hessian))
    assert shapes.exponential_on(70.0, 0.0, LOW, HIGH) == 1 / 60
    assert gradient == pytest.approx(20 / 60, rel=1e-14)  # c - m of the flat density
    assert curvature == pytest.approx((20**2 - 30**2 / 3) / 60, rel=1e-14)
    for slope in (1e3, 1e5, -1e5):
        edge = LOW if slope > 0 else HIGH
        assert shapes.exponential_on(edge, slope, LOW, HIGH) == pytest.approx(abs(slope), rel=1e-12)


def test_exponential_where_the_series_ends():
    """Value, first and second derivative agree with high precision on both sides of |x| = 1."""
    kernel = sh.value_grad_hessian(shapes.exponential_on, "slope")
    for slope in (0.999 / 30, 1.001 / 30, -1.001 / 30, 1e-4 / 30):
        with mpmath.workdps(40):
            density = lambda s: mpmath.exp(-s * 10) * s / -mpmath.expm1(-s * 60)
            expected = [float(mpmath.diff(density, mpmath.mpf(slope), k)) for k in range(3)]
        np.testing.assert_allclose(kernel(70.0, slope, LOW, HIGH), expected, rtol=1e-12)


def test_parameters_are_worked_on_once_per_call():
    """In a likelihood, normalisations cost nothing per event."""
    names = ("mass", "width", "sigma")
    plain = sh.kernel(lambda m, mass, width, sigma: shapes.pseudo_voigt(m, mass, width, sigma), parameters=names)

    @sh.kernel(parameters=names)
    def cut(m, mass, width, sigma):
        return shapes.pseudo_voigt_on(m, mass, width, sigma, LOW, HIGH)

    assert cut.count().total <= plain.count().total
    assert cut.count().per_call.erf == 2 and cut.count().exp == 1
