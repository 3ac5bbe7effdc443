"""sympy's special functions, read and written."""

import numpy as np
import pytest
import sympy as sy

import symhep as sh
from symhep.errors import ArgumentError
from symhep.symbolic.table_special import SPECIAL

x, y = sy.symbols("x y")
AT = {x: sy.Float("0.3", 30), y: sy.Float("0.55", 30)}


def unevaluated(cls, *args):
    return sy.Basic.__new__(cls, *map(sy.sympify, args))


EXPRESSIONS = [
    sy.gamma(x), sy.loggamma(x), sy.digamma(x), sy.trigamma(x), sy.polygamma(3, x), sy.beta(x, y), sy.factorial(x),
    sy.binomial(x, 3), sy.binomial(x, y), sy.RisingFactorial(x, y), unevaluated(sy.FallingFactorial, x, 2),
    unevaluated(sy.lowergamma, sy.Rational(5, 3), x), sy.uppergamma(sy.Rational(7, 3), x), sy.erfc(x), sy.erfi(x),
    sy.erfinv(x), sy.besselj(2, x), sy.besselj(sy.Rational(1, 2), x), sy.bessely(0, x), sy.besseli(1, x),
    sy.besselk(2, x), sy.hankel1(1, x), sy.hankel2(0, x), sy.jn(2, x), sy.yn(1, x), unevaluated(sy.legendre, 7, x),
    unevaluated(sy.assoc_legendre, 4, 2, x), unevaluated(sy.chebyshevt, 4, x), unevaluated(sy.chebyshevu, 5, x),
    unevaluated(sy.hermite, 4, x), unevaluated(sy.hermite_prob, 5, x), unevaluated(sy.laguerre, 6, x),
    unevaluated(sy.assoc_laguerre, 3, 2, x), unevaluated(sy.gegenbauer, 3, sy.Rational(3, 2), x),
    unevaluated(sy.jacobi, 3, 1, 2, x), sy.Ynm(2, 1, x, y), sy.elliptic_k(x), sy.elliptic_e(x), sy.elliptic_f(y, x),
    sy.elliptic_e(y, x), sy.elliptic_pi(x, y), sy.polylog(2, x), sy.polylog(3, x), unevaluated(sy.LambertW, x),
    x * sy.zeta(3),
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_value_and_round_trip(expression):
    k = sh.compile(expression, [x, y], effort="fast")
    right = complex(expression.subs(AT).doit().evalf(20))
    assert complex(k(0.3, 0.55)) == pytest.approx(right, rel=2e-14)
    again = sh.compile(k.expr, k.arguments, effort="fast")
    assert complex(again(0.3, 0.55)) == pytest.approx(complex(k(0.3, 0.55)), rel=1e-14)


@pytest.mark.parametrize("cls", [sy.gamma, sy.erfc, sy.erfinv, sy.elliptic_k, sy.LambertW], ids=str)
def test_written_as_it_was(cls):
    expression = unevaluated(cls, x)
    assert sh.compile(expression, [x]).expr == expression


def test_orders_are_kept():
    expression = sy.besselj(2, x) * sy.polylog(3, y)
    assert sh.compile(expression, [x, y]).expr == expression


def test_functions_that_sympy_lacks():
    k = sh.kernel(lambda x: sh.special.erfcx(x) + sh.special.spherical_in(2, x))
    assert sh.compile(k.expr, k.arguments)(0.7) == k(0.7)


def test_the_formula_is_a_python_function():
    assert float(sh.compile(sy.besselj(2, x) + sy.gamma(x), [x]).fn(0.3)) == pytest.approx(
        float((sy.besselj(2, 0.3) + sy.gamma(0.3)).evalf()), rel=1e-14
    )


def test_table_has_all_that_it_should():
    read = {type(e) for e in EXPRESSIONS} | {type(sy.zeta(3)), sy.uppergamma}
    assert set(SPECIAL) - read <= {
        sy.digamma, sy.trigamma, sy.erfcinv, sy.Znm, sy.dirichlet_eta,
    }  # fmt: skip


def test_refused():
    with pytest.raises(ArgumentError, match="zeta of what is not a real number has no formula here"):
        sh.compile(sy.zeta(x), [x])
    with pytest.raises(ArgumentError, match="elliptic_pi of three arguments is not supported"):
        sh.compile(sy.elliptic_pi(x, y, sy.Rational(1, 3)), [x, y])
    with pytest.raises(ArgumentError, match="LambertW of another branch is not supported"):
        sh.compile(sy.LambertW(x, -1), [x])
    with pytest.raises(Exception, match="jv: its argument v has to be a constant integer or half-integer"):
        sh.compile(sy.besselj(y, x), [x, y])


def test_erfcinv():
    assert sh.compile(sy.erfcinv(x), [x])(0.3) == pytest.approx(0.7328690779592167, rel=1e-14)
    assert np.isnan(sh.compile(sy.erfcinv(x), [x])(-0.3))
