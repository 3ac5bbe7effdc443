"""What is not one function with a reference in mpmath: harmonics, Wigner functions, complex dilogarithms, errors."""

import subprocess
import sys
from functools import partial

import mpmath
import numpy as np
import pytest
import scipy.special as sp
import sympy
from sympy.physics.quantum.spin import Rotation

import symhep as sh
from symhep import special
from symhep.errors import ArgumentError, TraceError


@pytest.mark.parametrize("l, m", [(0, 0), (1, -1), (3, 2), (8, -5), (4, 4)])
def test_spherical_harmonics(l, m):
    theta, phi = np.array([0.2, 1.3, 2.9]), np.array([-1.0, 0.4, 5.0])
    k = sh.kernel(lambda theta, phi: special.sph_harm_y(l, m, theta, phi))
    right = sp.sph_harm_y(l, m, theta, phi)
    np.testing.assert_allclose(k(theta, phi), right, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(special.sph_harm_y(l, m, theta, phi), right, rtol=1e-13, atol=1e-15)


def test_real_harmonics_are_orthonormal():
    x, w = np.polynomial.legendre.leggauss(12)
    phi = np.arange(24) * 2 * np.pi / 24
    theta, phi = (a.ravel() for a in np.meshgrid(np.arccos(x), phi))
    weight = np.tile(w, 24) * 2 * np.pi / 24
    orders = [(n, m) for n in range(4) for m in range(-n, n + 1)]
    values = np.array([special.real_sph_harm(n, m, theta, phi) for n, m in orders])
    np.testing.assert_allclose(values * weight @ values.T, np.eye(len(orders)), atol=1e-13)


@pytest.mark.parametrize("j", [sympy.Rational(1, 2), 1, sympy.Rational(3, 2), 2])
def test_wigner_functions(j):
    """Against sympy's small d."""
    beta = 0.7
    orders = [j - i for i in range(int(2 * j) + 1)]
    for m1 in orders:
        for m2 in orders:
            right = float(sympy.re(Rotation.d(j, m1, m2, sympy.Float(beta, 30)).doit()))
            args = (float(j), float(m1), float(m2))
            assert special.wigner_d(*args, beta) == pytest.approx(right, rel=1e-13, abs=1e-15)
            k = sh.kernel(partial(special.wigner_d, *args))
            assert k(beta) == pytest.approx(right, rel=1e-13, abs=1e-15)
            turned = special.wigner_D(*args, 0.3, beta, 0.9)
            phase = np.exp(-1j * (args[1] * 0.3 + args[2] * 0.9))
            assert turned == pytest.approx(phase * right, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("z", [0.2 + 0.1j, 0.9 - 0.8j, -3 + 0.5j, 5 + 2j, 0.5 + 0.866j, 1e-9 + 1e-9j, 0j, 1 + 0j])
def test_complex_dilogarithm(z):
    right = complex(mpmath.polylog(2, mpmath.mpc(z)))
    found = sh.kernel(lambda a, b: special.dilog(a + 1j * b))(z.real, z.imag)
    assert found == pytest.approx(right, rel=5e-15, abs=1e-300)
    assert special.dilog(z) == pytest.approx(right, rel=5e-15, abs=1e-300)


@pytest.mark.parametrize("z", [0.1 - 0.5j, -3 - 1e-3j, 7.4 + 0.2j, -7.6 + 0.2j, 1e8 + 1j, 2j])
def test_faddeeva(z):
    assert special.wofz(z) == pytest.approx(sp.wofz(z), rel=2e-14)
    found = sh.kernel(lambda a, b: sp.wofz(a + 1j * b))(z.real, z.imag)
    assert found == pytest.approx(sp.wofz(z), rel=2e-14)


def test_voigt_profile_is_normalised():
    x = np.linspace(-4000, 4000, 4_000_001)
    values = sh.kernel(lambda x: special.voigt_profile(x, 1.0, 0.5))(x)
    tails = 1 - 2 / np.pi * np.arctan(4000 / 0.5)
    assert np.trapezoid(values, x) + tails == pytest.approx(1, abs=1e-9)


def test_polylogarithms_of_small_order():
    x = 0.3
    for n in (-3, -1, 0, 1):
        right = float(mpmath.polylog(n, x))
        assert special.polylog(n, x) == pytest.approx(right, rel=1e-14)
        assert sh.kernel(partial(special.polylog, n))(x) == pytest.approx(right, rel=1e-14)


def test_high_degrees_keep_their_digits():
    x = np.linspace(-1, 1, 41)
    np.testing.assert_allclose(
        sh.kernel(lambda x: sp.eval_legendre(30, x))(x), sp.eval_legendre(30, x), rtol=0, atol=3e-15
    )


def test_traced_parameters_of_polynomials():
    k = sh.kernel(lambda a, x: special.eval_genlaguerre(3, a, x))
    assert k(1.5, 0.3) == pytest.approx(sp.eval_genlaguerre(3, 1.5, 0.3), rel=1e-14)


def test_accuracy_is_against_the_true_function():
    """A wrong coefficient is seen by accuracy(), which takes mpmath's gamma."""
    k = sh.kernel(lambda x: sp.gammaln(x) * sp.erfc(x))
    assert k.accuracy(50, sh.box(x=(3, 9))).after.max < 16


def test_batch_and_derivative_of_a_likelihood():
    @sh.kernel(parameters=("mean",))
    def negative_log_likelihood(n, mean):
        return sh.batch_sum(mean - n * np.log(mean) + sp.gammaln(n + 1))

    n = np.array([1.0, 3.0, 2.0])
    right = 3 * 2.5 - n.sum() * np.log(2.5) + sp.gammaln(n + 1).sum()
    assert negative_log_likelihood(n, 2.5) == pytest.approx(right, rel=1e-14)
    assert sh.grad(negative_log_likelihood, "mean")(n, 2.5) == pytest.approx(3 - 6 / 2.5, rel=1e-13)


def error_of(function):
    with pytest.raises((TraceError, ArgumentError)) as caught:
        sh.kernel(function).traced  # noqa: B018
    return str(caught.value)


def test_errors():
    text = error_of(lambda n, x: sp.jv(n, x))
    assert "jv: its argument v has to be a constant integer or half-integer; it is a traced value" in text
    assert "instead" in text or "jv(2, x)" in text
    assert "spherical_jn: its argument n has to be a constant integer, at least 0; it is -1" in error_of(
        lambda x: special.spherical_jn(-1, x)
    )
    assert "eval_legendre: its argument n has to be a constant integer, at least 0; it is 1.5" in error_of(
        lambda x: sp.eval_legendre(1.5, x)
    )
    assert (
        "gammainc: its argument a has to be a constant, at least 0.01, at most 200; it is a traced value"
        in error_of(lambda a, x: sp.gammainc(a, x))
    )
    assert "polylog: its argument n has to be a constant integer, at least -8; it is 2.5" in error_of(
        lambda x: special.polylog(2.5, x)
    )
    assert "gamma takes 1 argument (x), got 2" in error_of(lambda x: special.gamma(x, 1))
    assert "scipy.special.hyp2f1 is not supported on traced values" in error_of(lambda x: sp.hyp2f1(1, 2, 3, x))
    assert "erfc" in error_of(lambda x: special.erfc(x + 1j))


def test_kernels_without_special_functions_do_not_load_them():
    text = "import sys, symhep as sh; sh.kernel(lambda x: x * x).traced; print('symhep.special' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert found.stdout == "False\n"
