"""Special functions against mpmath and SciPy: values, edges, derivatives, targets."""

import inspect
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import scipy.special as sp

import symhep as sh
from benchmarks.special_accuracy import CASES, DTYPES, Case
from symhep import special
from symhep.special import SPECIALS

ids = [f"{c.name}{c.fixed}{c.low}" for c in CASES]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_against_mpmath(case):
    """The stated bounds, in double precision on the target that runs; the rest of the domains is in the benchmark."""
    assert case.worst(DTYPES[0], 25) <= case.most


@pytest.mark.parametrize("case", CASES[::4], ids=ids[::4])
def test_single_precision_and_the_numpy_target(case):
    assert case.worst(DTYPES[1], 15) <= case.most
    assert case.worst(DTYPES[0], 15, "numpy") <= case.most


def test_every_function_has_a_case():
    assert set(SPECIALS) - {c.name for c in CASES} == {"loggamma", "elliptic_b", "elliptic_d"}


def test_the_error_is_measured():
    """The comparison itself: a value that is off by some epsilon is seen."""
    case = Case("gamma", (1.0,), (2.0,), 1.0)
    right = case.exact([1.5])
    eps = np.finfo(float).eps
    assert case.error(float(right), right, DTYPES[0]) < 1
    assert 9 < case.error(float(right) * (1 + 10 * eps), right, DTYPES[0]) < 11
    assert case.error(np.nan, right, DTYPES[0]) == np.inf


NAMES = {
    "gamma": (2.5,), "gammaln": (2.5,), "loggamma": (2.5,), "rgamma": (2.5,), "psi": (2.5,), "beta": (1.5, 2.5),
    "betaln": (1.5, 2.5), "binom": (5.5, 2.25), "poch": (1.5, 2.25), "erfc": (0.7,), "erfcx": (0.7,),
    "erfinv": (0.7,), "erfcinv": (0.7,), "ndtr": (0.7,), "log_ndtr": (0.7,), "ndtri": (0.7,), "dawsn": (0.7,),
    "voigt_profile": (0.7, 1.2, 0.3), "j0": (2.5,), "j1": (2.5,), "jv": (3, 2.5), "y0": (2.5,), "y1": (2.5,),
    "yn": (2, 2.5), "yv": (2, 2.5), "i0": (2.5,), "i0e": (2.5,), "i1": (2.5,), "i1e": (2.5,), "iv": (1.5, 2.5),
    "ive": (2, 2.5), "k0": (2.5,), "k0e": (2.5,), "k1": (2.5,), "k1e": (2.5,), "kn": (2, 2.5), "kv": (2.5, 2.5),
    "kve": (2, 2.5), "ellipk": (0.4,), "ellipkm1": (0.4,), "ellipe": (0.4,), "ellipkinc": (2.4, 0.4),
    "ellipeinc": (2.4, 0.4), "elliprf": (1.0, 2.0, 3.0), "elliprd": (1.0, 2.0, 3.0), "spence": (0.4,),
    "gammainc": (2.5, 1.5), "gammaincc": (2.5, 1.5), "chdtr": (3, 1.5), "chdtrc": (3, 1.5),
    "eval_legendre": (9, 0.3), "lpmv": (-2, 4, 0.3), "eval_chebyt": (9, 0.3), "eval_chebyu": (9, 0.3),
    "eval_hermite": (9, 0.3), "eval_hermitenorm": (9, 0.3), "eval_laguerre": (9, 0.3),
    "eval_genlaguerre": (4, 1.5, 0.3), "eval_gegenbauer": (4, 1.5, 0.3), "eval_jacobi": (4, 1.5, 0.5, 0.3),
    "wofz": (0.3 + 0.4j,),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(special.BY_SCIPY))
def test_scipys_ufuncs_inside_kernels(name):
    """Constants come first, the last argument is traced; what is returned is what SciPy returns for numbers."""
    *fixed, x = NAMES[name]
    ufunc = getattr(sp, name)

    if isinstance(x, complex):
        found = sh.kernel(lambda re, im: ufunc(re + 1j * im))(x.real, x.imag)
    else:
        found = sh.kernel(lambda x: ufunc(*fixed, x))(x)
    assert found == pytest.approx(ufunc(*fixed, x), rel=3e-14)
    if name != "wofz":
        assert special.BY_SCIPY[name](*fixed, x) == pytest.approx(ufunc(*fixed, x), rel=3e-14)


EDGES = [0.0, -1.0, -2.5, 1.0, 0.5, 1e-300, 1e300, np.inf, -np.inf, np.nan]
EDGE_CASES = {
    "gamma": sp.gamma, "gammaln": sp.gammaln, "rgamma": sp.rgamma, "erfc": sp.erfc, "erfcx": sp.erfcx,
    "erfinv": sp.erfinv, "erfcinv": sp.erfcinv, "ndtr": sp.ndtr, "log_ndtr": sp.log_ndtr, "ndtri": sp.ndtri,
    "dawsn": sp.dawsn, "ellipk": sp.ellipk, "ellipe": sp.ellipe,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(EDGE_CASES))
def test_edges_are_scipys(name):
    edges = [x for x in EDGES if not (name in ("gamma", "gammaln", "rgamma") and x == -np.inf)]
    if name in ("ellipk", "ellipe"):
        edges = [x for x in edges if not np.isinf(x)]
    x = np.array(edges)
    found = sh.kernel(lambda x: SPECIALS[name](x))(x)
    np.testing.assert_allclose(found, EDGE_CASES[name](x), rtol=1e-13, equal_nan=True)


@pytest.mark.parametrize(
    "name, at_zero", [("bessel_j", 0.0), ("bessel_y", -np.inf), ("bessel_i", 0.0), ("bessel_k", np.inf)]
)
@pytest.mark.parametrize("n", [1, 4])
def test_edges_of_bessel_functions(name, at_zero, n):
    k = sh.kernel(lambda x: SPECIALS[name](n, x))
    assert k(0.0) == at_zero and np.isnan(k(np.nan))
    x = np.array([1e-100, 1e-3, 600.0])
    np.testing.assert_allclose(k(x), getattr(sp, name[-1] + "v")(n, x), rtol=1e-11)
    if name in ("bessel_j", "bessel_i"):
        assert k(-2.0) == (-1) ** n * k(2.0)
    else:
        assert np.isnan(k(-2.0))


SLOW = {"bessel_y", "bessel_k", "scaled_bessel_k", "ellippi", "elliprd"}  # mpmath takes seconds to 700 digits
CENTRES = {"erfinv": (-0.9, 0.9), "ellipkm1": (0.1, 0.9)}


@pytest.mark.parametrize("name", sorted(set(SPECIALS) - SLOW))
def test_derivatives(name):
    """The rule against differences of mpmath's function, to 25 digits."""
    f = SPECIALS[name]
    fixed = (2,) * len(f.parameters)
    low, high = CENTRES.get(name, (0.1, 0.9))
    kernels = {1: lambda x: f(*fixed, x), 2: lambda x, y: f(*fixed, x, y), 3: lambda x, y, z: f(*fixed, x, y, z)}
    k = sh.kernel(kernels[len(f.arguments)])
    domain = sh.box(**{a.name: (low, high) for a in k.arguments})
    assert sh.check_derivatives(k, points=1, domain=domain)


@pytest.mark.parametrize("name", sorted(SLOW - {"elliprd"}))
def test_derivatives_in_floats(name):
    f = SPECIALS[name]
    fixed, x = (2,) * len(f.parameters), 0.4
    rest = (0.7,) * (len(f.arguments) - 1)
    gradient = sh.grad(sh.kernel(lambda x: f(*fixed, x, *rest)))(x)
    with mpmath.workdps(30):
        assert gradient == pytest.approx(float(mpmath.diff(lambda t: f.exact(*fixed, t, *rest), x)), rel=1e-13)


def test_derivative_of_rd():
    gradient = sh.grad(sh.kernel(lambda x, y, z: special.elliprd(x, y, z)))(1.0, 2.0, 3.0)
    with mpmath.workdps(30):
        for i, name in enumerate("xyz"):
            order = tuple(int(i == j) for j in range(3))
            assert gradient[name] == pytest.approx(float(mpmath.diff(mpmath.elliprd, (1, 2, 3), order)), rel=1e-12)


def test_second_derivatives():
    hessian = sh.hessian(sh.kernel(lambda a, b: special.betaln(a, b)))(1.5, 2.5)
    assert hessian["a"]["a"] == pytest.approx(sp.polygamma(1, 1.5) - sp.polygamma(1, 4.0), rel=1e-13)
    assert hessian["a"]["b"] == pytest.approx(-sp.polygamma(1, 4.0), rel=1e-13)


POINTS = np.array([0.3, 0.7, 1.9])


@pytest.mark.parametrize("name", sorted(SPECIALS))
def test_jax_and_c(name):
    f = SPECIALS[name]
    fixed = (2,) * len(f.parameters)
    others = (0.4, 0.6)[: len(f.arguments) - 1]
    x = POINTS[:2] / 2
    k = sh.kernel(lambda x: f(*fixed, x, *others), effort="fast")
    expected = k(x)
    np.testing.assert_array_max_ulp(np.asarray(k.to("c")(x)), expected, 8)
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
        np.testing.assert_allclose(np.asarray(k.to("jax")(x)), expected, rtol=1e-14)


def test_coefficients_are_up_to_date():
    assert subprocess.run([sys.executable, "-m", "symhep.special", "--check"]).returncode == 0


def test_public_functions_have_a_docstring():
    for name in special.__all__:
        value = getattr(special, name)
        assert isinstance(value, dict) or inspect.getdoc(value), name
