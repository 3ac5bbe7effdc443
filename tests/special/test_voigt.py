"""The Voigt profile and its derivatives where one width is far below the other, and NaN in polylogarithms."""

import mpmath
import numpy as np
import pytest
import scipy.special

import symhep as sh


@sh.kernel
def profile(x, sigma, gamma):
    return scipy.special.voigt_profile(x, sigma, gamma)


def exactly(x, sigma, gamma):
    """Re w(z)/(sigma sqrt(2 pi)); far out w by its asymptotic series, DLMF 7.12.1."""
    z = (x + mpmath.mpc(0, 1) * gamma) / (sigma * mpmath.sqrt(2))
    if abs(z) < 30:
        w = mpmath.exp(-z * z) * mpmath.erfc(-1j * z)
    else:
        term = total = mpmath.mpf(1)
        for k in range(1, 40):
            term = term * (2 * k - 1) / (2 * z * z)
            total += term
        w = 1j * total / (mpmath.sqrt(mpmath.pi) * z)
    return mpmath.re(w) / (sigma * mpmath.sqrt(2 * mpmath.pi))


POINTS = [
    *[(1.5, 10.0**-p, 1.0) for p in (0, 0.5, 1, 1.14, 1.16, 1.5, 2, 4, 8, 15)],
    (200.0, 0.5, 1.25), (0.3, 1e-3, 1.0), (3.0, 1.0, 1e-2), (14.2, 1.0, 0.5), (14.1, 1.0, 0.5),
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_value_and_derivatives(point):
    value, gradient = sh.value_and_grad(profile)(*point)
    with mpmath.workdps(60):
        at = [mpmath.mpf(v) for v in point]
        assert value == pytest.approx(float(exactly(*at)), rel=1e-13)
        for k, name in enumerate(("x", "sigma", "gamma")):
            slope = mpmath.diff(lambda v, k=k: exactly(*[v if j == k else w for j, w in enumerate(at)]), at[k])
            assert gradient[name] == pytest.approx(float(slope), rel=1e-11, abs=1e-15 * float(value)), name


def test_a_lorentzian():
    for sigma in (0.0, 1e-20, 1e-100, 1e-300):
        assert profile(1.0, sigma, 1.0) == pytest.approx(0.5 / np.pi, rel=1e-15)
    assert np.isnan(profile(np.nan, 1.0, 1.0)) and np.isnan(profile(1.0, 1.0, np.nan))


@pytest.mark.parametrize("function", [scipy.special.spence, sh.special.dilog, lambda x: sh.special.polylog(3, x)])
def test_nan_stays(function):
    assert np.isnan(sh.kernel(lambda x: function(x))(np.nan))
