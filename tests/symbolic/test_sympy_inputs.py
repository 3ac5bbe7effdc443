"""What sympy's own tests of lambdify and of its code generators are about: right here too, or refused by name.

Each input is written anew for what such a test checks; the reference is sympy's own evaluation to 30 digits, or NumPy.
"""

import cmath
import math
import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy
import sympy.physics.units
from sympy import MatrixSymbol, Rational, S, Symbol, pi, symbols
from sympy.codegen import ast, numpy_nodes

import symhep as sh
from symhep.errors import ArgumentError

ROOT = Path(__file__).resolve().parents[2]
x, y, z, w = symbols("x y z w")
k, m = symbols("k m", integer=True)
c = Symbol("c", complex=True)
f, g = sympy.Function("f"), sympy.Function("g")
IN = sympy.IndexedBase("v")

# expression, values of x, y, z
NUMERIC = [
    (sympy.sin(x) ** 2, (0.2,)),
    (sympy.Abs(x), (-1.0,)),
    (sympy.sqrt(x), (2.0,)),
    (x**y - 1, (1.25, 0.5)),
    (sympy.cot(x / 2) - sympy.cos(y), (1.4, 3.0)),
    (sympy.Mod(x, y), (-7.5, 2.0)),
    (sympy.Mod(-x, 3), (0.5,)),
    (sympy.sinc(x), (0.0,)),
    (sympy.sinc(x), (1.7,)),
    (sympy.exp(x) * sympy.log(y) + pi * S.Exp1, (0.3, 4.0)),
    (sympy.Piecewise((x, x <= 1), (1 / x, x > 1)), (4.0,)),
    (sympy.Piecewise((x, x < 3), (x**2, x > 5), (0, True)), (4.0,)),
    (sympy.Piecewise((1 / x, y < -1), (x, y < 1), (1 / x, True)), (0.0, 0.0)),
    (sympy.ITE(x < 1, x > y, True), (0.5, 0.2)),
    (sympy.Min(x, y, z) + sympy.Max(x, y, z), (3.0, -1.0, 2.0)),
    (sympy.Heaviside(sympy.Min(x, y)), (2.0, 0.0)),
    (sympy.Heaviside(y - x) * sympy.Heaviside(sympy.Min(x, y)), (1.0, 2.0)),
    (sympy.sign(x) * sympy.floor(y), (-3.0, 2.6)),
    (sympy.Sum(x**k, (k, 0, 10)), (1.01,)),
    (sympy.Sum(x * y + k, (y, 0, k), (k, 0, 4)), (0.5,)),
    (sympy.Product(k * x + 1, (k, 1, 5)), (0.25,)),
    (sympy.Sum(z, (y, 0, m), (m, 0, 10)), (1.0, 1.0, 2.5)),
    (sympy.Integral(sympy.exp(-(w**2)), (w, x, S.Infinity)), (0.4,)),
    (sympy.GoldenRatio * x**2 + sympy.EulerGamma, (3.0,)),
    (Rational(1, 7) * x + Rational(1, 2), (1.0,)),
    (sympy.sqrt(sympy.sqrt(2) + sympy.sqrt(3)) + S.Half, ()),
    (sympy.jn(2, x), (1.3,)),
    (sympy.yn(1, x), (1.3,)),
    (sympy.exp(sympy.I * x) * sympy.exp(-sympy.I * x), (0.7,)),
    (sympy.acos(x) + sympy.atan2(y, x), (0.4, -0.3)),
    (sympy.cosh(x) / sympy.coth(y) + sympy.asinh(z), (0.4, 0.3, -2.0)),
    ((x - 1) ** 3 / (y + 2) ** Rational(5, 2), (0.4, 0.3)),
    (sympy.erf(x) + sympy.erfc(y), (0.4, 1.3)),
    (sympy.Xor(x > 1, y > 1), (2.0, 0.0)),
    (sympy.Not(sympy.And(x > 1, y > 1)), (2.0, 0.0)),
    (sympy.Eq(x, y), (2.0, 2.0)),
    (sympy.Ne(x, y), (2.0, 2.0)),
    (x >= y, (2.0, 2.0)),
    (sympy.fresnels(0) + x, (1.0,)),
    (sympy.Derivative(sympy.sin(x) ** 2, x), (0.7,)),
    (sympy.legendre(3, x), (0.3,)),
    (sympy.chebyshevu(3, x) + sympy.laguerre(2, x) + sympy.gegenbauer(2, 1, x), (0.3,)),
    (sympy.jacobi(2, 1, 3, x), (0.3,)),
    (sympy.LambertW(1) * x, (2.0,)),
    (sympy.li(3) + sympy.Ei(2) * x, (2.0,)),
    (sympy.besselj(1, 2) + x, (2.0,)),
]


@pytest.mark.parametrize(("expr", "values"), NUMERIC, ids=str)
def test_numbers(expr, values):
    arguments = [x, y, z][: len(values)]
    right = expr.subs(dict(zip(arguments, map(sympy.Float, values)))).doit()
    right = float(bool(right)) if right in (S.true, S.false) else complex(sympy.N(right, 30))
    got = sh.compile(expr, arguments, effort="fast", target="numpy")(*values)
    assert complex(got) == pytest.approx(right, rel=1e-13, abs=1e-13, nan_ok=True)


POINTS = [0.0, 1.0, -1.0, 2.0, 1j, -2j, 0.3 - 0.7j]
FUNCTIONS = ["sqrt", "log", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh"]
FUNCTIONS += ["asin", "acos", "atan", "asinh", "acosh", "atanh"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_complex_symbols(name):
    kernel = sh.compile(getattr(sympy, name)(c), [c], effort="fast", target="numpy")
    for point in POINTS:
        try:
            right = getattr(cmath, name)(point)
        except ValueError:  # a pole
            continue
        assert complex(kernel(complex(point))) == pytest.approx(right, rel=1e-13, abs=1e-15)


def test_forms_of_arguments():
    compiled = lambda *given: sh.compile(*given, target="numpy")
    assert compiled(1, [])() == 1
    assert compiled(2 * x, x)(1) == 2
    assert compiled([w, x, y, z], [w, [[[x]], y], z])(10, [[[52]], 31], 44) == [10, 52, 31, 44]
    assert compiled((z, y, x), sympy.Tuple(x, (y, z)))(1, (2, 3)) == (3, 2, 1)
    assert compiled({"a": x + y, "b": [x]}, {x, y})(1.0, 2.0) == {"a": 3, "b": [1]}
    assert compiled(((), (x,)), [x])(1.0) == ((), (1.0,))
    assert compiled(2 * f(x) ** 2 / g(x), [f(x), g(x)])(2.0, 4.0) == 2
    keyword = Symbol("if")
    assert compiled(keyword / 2, [keyword])(3.0) == 1.5
    assert compiled(mpmath.mpf("0.25"), [x])(3.0) == 0.25


def test_matrices_of_expressions():
    made = sympy.Matrix([[x, x * y], [sympy.sin(z) + 4, x**z]])
    right = [[1, 2], [math.sin(3) + 4, 1]]
    for matrix in (made, sympy.ImmutableMatrix(made), sympy.SparseMatrix(made)):
        np.testing.assert_allclose(sh.compile(matrix, [x, y, z], target="numpy")(1, 2, 3), right)
    column = MatrixSymbol("X", 3, 1)
    np.testing.assert_allclose(sh.compile(column.T * column, [column])(np.array([1.0, 2, 3])), [[14]])
    a = MatrixSymbol("A", 2, 2)
    np.testing.assert_allclose(sh.compile(a.I, [a])(np.array([[2.0, 0], [0, 4]])), [[0.5, 0], [0, 0.25]])


def listed(hint):
    return f"symhep does not have these sympy functions\n  {hint}"


REFUSED = [
    (
        sympy.zeta(x),
        "zeta of what is not a real number has no formula here: zeta(x)\n"
        "  write instead: a number as its argument, as in zeta(3)",
    ),
    (
        sympy.LambertW(x, -1),
        "LambertW of another branch is not supported with these arguments\n  write instead: LambertW(x)",
    ),
    (sympy.betainc(x, y, 0, z), listed("betainc: rewrite it in functions that symhep has")),
    (sympy.bernoulli(x), listed("bernoulli: rewrite it in functions that symhep has")),
    (sympy.fibonacci(k * x), listed("fibonacci: rewrite it in functions that symhep has")),
    (sympy.DiracDelta(x), listed(
        "DiracDelta: a distribution has no value at a point: integrate it with .doit() first")),
    (S.ComplexInfinity, listed("ComplexInfinity: the expression is infinite with no sign, as 1/0")),
    (sympy.O(x**2), listed("Order: call .removeO() first")),
    (sympy.Lambda(x, x + 1), listed("Lambda: apply it to its arguments: f(x)")),
    (sympy.exp_polar(x), listed("exp_polar: call sympy.unpolarify first")),
    (sympy.Interval(0, x), listed("Interval: a set is no value: sympy.Contains(x, set) is a condition")),
    (sympy.Contains(x, sympy.S.Rationals), listed(
        "Contains: in Rationals: give relations, such as (x > 0) & (x < 1)")),
    (sympy.AccumBounds(0, 1), listed("AccumulationBounds: an interval is no value")),
    (f(x) + 1, listed("f: give f(x) as an argument")),
    (sympy.Function("arcsinh")(x), listed("arcsinh: did you mean asinh, sinh or asin?")),
    (sympy.Derivative(f(x), x), listed(
        "Derivative: sympy does not find it: an unknown function, or one without derivative")),
    (sympy.Subs(sympy.Derivative(f(x), x), x, 0), listed("Subs: sympy cannot put the values in")),
    (sympy.Integral(sympy.sin(x) ** x, (x, 0, 1)) * x, listed("Integral: sympy finds no closed form")),
    (sympy.Integral(w**2 * sympy.exp(w * y), (w, -z, z), (y, 0, z)), listed("Integral: sympy finds no closed form")),
    (sympy.Sum(sympy.sin(k * x) / k**3, (k, 1, S.Infinity)), listed(
        "Sum: over k from 1 to oo: sympy finds no closed form; give integers as bounds")),
    (sympy.Product(x + k, (k, 1, 20_000)), listed(
        "Product: over k has 20000 terms, more than 10000: give a closed form")),
    (ast.Assignment(x, y), listed("Assignment: a statement is no value: give the expressions in it")),
    (numpy_nodes.amin(x), listed("amin: it is over an axis of an array: sympy.Min of the values")),
    (sympy.physics.units.meter * x, listed(
        "Quantity: a unit is no number: divide by a unit of its dimension, and simplify")),
    (x + w, "w in the expression, but not among the arguments\n"
            "  write instead: sh.compile(expressions, [..., w])"),
    (IN[0] + x, "v[0] in the expression, but not among the arguments\n"
                "  write instead: sh.compile(expressions, [..., v[0]])"),
    (MatrixSymbol("M", 2, 2)[0, 1] + x, "M in the expression, but not among the arguments\n"
                                        "  write instead: sh.compile(expressions, [..., M])"),
    (sympy.Derivative(sympy.zeta(x), x), listed(
        "Derivative: sympy does not find it: an unknown function, or one without derivative")),
    (sympy.erf(sympy.I * x), "erf of a complex value: symhep has the real error function only"),
]  # fmt: skip


@pytest.mark.parametrize(("expr", "text"), REFUSED, ids=lambda v: str(v)[:30])
def test_refused_by_name(expr, text):
    with pytest.raises(ArgumentError) as error:
        sh.compile(expr, [x, y, z])
    assert str(error.value) == text


ARGUMENTS = [
    ([x, x], "the symbol x is an argument twice"),
    ([x, Symbol("x", positive=True)], "the symbol x is an argument twice"),
    ([sympy.sin(x)], "sin(x) cannot be an argument\n  write instead: a symbol, or a matrix, array or list of symbols"),
    (["x"], "'x' cannot be an argument\n  write instead: a symbol, or a matrix, array or list of symbols"),
    ([x, IN], "v has no shape, and the size of an argument has to be known\n"
              "  write instead: IndexedBase('v', shape=(3,)), with the sizes that it has"),
    ([x, MatrixSymbol("M", k, k)], "M has the shape (k, k), and the size of an argument has to be known\n"
                                   "  write instead: MatrixSymbol('M', 3, 3), with the sizes that it has"),
    ([x, Symbol("out")], "formula has an argument 'out', which every kernel's call has already\n"
                         "  write instead: {'out_': sympy.Symbol('out'), ...}"),
    ([x, Symbol("Q", commutative=False)], "the symbol Q does not commute: the arguments of a kernel are numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "text"), ARGUMENTS, ids=str)
def test_refused_arguments(arguments, text):
    with pytest.raises(ArgumentError) as error:
        sh.compile(x, arguments)
    assert str(error.value) == text


def test_an_index_has_to_be_a_number():
    v = sympy.IndexedBase("v", shape=(3,))
    for index in (k, sympy.Idx("i", 3)):
        with pytest.raises(ArgumentError, match=r"Indexed: v\[.\]: an index has to be a number, within the shape"):
            sh.compile(v[index], [v, k])
    with pytest.raises(ArgumentError, match=r"Indexed: v\[4\]: an index has to be a number, within the shape"):
        sh.compile(v[4], [v])


DIGESTS = """
import hashlib, symhep as sh
from tests.symbolic.test_classes import CONDITIONS, SCALARS, n, x, y, z
kernels = [sh.compile(e, [x, y, z, n], effort="fast") for e in SCALARS + CONDITIONS]
print(hashlib.sha256("".join(k.traced.graph.digest() + k.source("numba") for k in kernels).encode()).hexdigest())
"""


def test_the_hash_seed_does_not_matter():
    found = set()
    for seed in ("0", "1", "12345"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "SYMHEP_CACHE": "off"}
        command = [sys.executable, "-c", DIGESTS]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1
