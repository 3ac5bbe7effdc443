"""Every class of sympy expression that is read: the values are those that sympy gives."""

import numpy as np
import pytest
import sympy
from sympy import Interval, Rational, S, Symbol, symbols
from sympy.codegen import cfunctions, numpy_nodes, scipy_nodes
from sympy.codegen.matrix_nodes import MatrixSolve
from sympy.tensor.array.expressions import ArrayContraction, ArraySymbol, ArrayTensorProduct, ZeroArray

import symhep as sh
from symhep.symbolic.table import PLANS
from symhep.symbolic.table_special import SPECIAL
from tests.symbolic.test_reading import COMPLEX, REAL

x, y, z = symbols("x y z")
n, i, j = symbols("n i j", integer=True)
t = Symbol("t")
q = sympy.Function("q")
POINT = {x: Rational(7, 5), y: Rational(13, 10), z: Rational(9, 10)}

SCALARS = [
    sympy.Sum(x**i / sympy.factorial(i), (i, 0, 6)), sympy.Product(x + i, (i, 1, 4)), sympy.Sum(x, (i, 3, 2)),
    sympy.Sum(x**i * y**j, (i, 1, j), (j, 1, 3)), sympy.Sum(x / i**2, (i, 1, S.Infinity)), sympy.Product(x, (i, 1, 0)),
    sympy.Derivative(x**3 * sympy.sin(y), x, (y, 2)), sympy.Integral(sympy.exp(-(t**2)), (t, 0, x)),
    sympy.Integral(t**2 * y, (t, 0, x)), sympy.Subs(t**2 + y, t, x), sympy.Limit(sympy.sin(x * t) / t, t, 0),
    sympy.UnevaluatedExpr(x) + 1, sympy.Poly(x**2 + 3 * x, x), sympy.KroneckerDelta(n, 3) + x,
    sympy.binomial(x, 3), sympy.rf(x, 3), sympy.Ynm(2, 0, x, y), sympy.assoc_legendre(2, 1, x / 4),
    sympy.SingularityFunction(x, 1, 2), sympy.real_root(-x, 3), sympy.CRootOf(t**5 - t - 1, 0) * x,
    sympy.zeta(3) * x, sympy.gamma(Rational(1, 3)) + x, sympy.chebyshevt(4, x) + sympy.hermite(3, y),
    sympy.Add(x, x, evaluate=False), sympy.Mul(2, x + y, evaluate=False), sympy.Pow(x, 1, evaluate=False),
    sympy.Min(x, S.Infinity, evaluate=False), sympy.Max(x, -S.Infinity, evaluate=False),
    sympy.Mul(sympy.EulerGamma + sympy.Catalan, x), sympy.TribonacciConstant * x,
    sympy.Piecewise((1, sympy.Contains(x, Interval.Lopen(1, Rational(7, 5)))), (2, True)),
    sympy.Piecewise((1, sympy.And(x >= y, S.false, evaluate=False)), (2, x <= y), (3, True), evaluate=False),
    sympy.exp(sympy.Abs(x) + sympy.UnevaluatedExpr(sympy.Max(x, y))),
]  # fmt: skip
CONDITIONS = [
    sympy.Contains(x, Interval(0, 1)), sympy.Contains(x, sympy.Union(Interval(1, 2), Interval.open(3, 4))),
    sympy.Contains(x, sympy.FiniteSet(1, Rational(7, 5))), sympy.Implies(x > y, y > z), sympy.Implies(x > y, z > y),
    sympy.Equivalent(x > y, z > y), sympy.Equivalent(x > y, y > z), sympy.Nand(x > y, y > z), sympy.Nor(x > y, z > y),
    sympy.Eq(x > y, y > z, evaluate=False), sympy.Not(sympy.ITE(x > y, z > y, y > z)),
]  # fmt: skip
CODEGEN = [
    (numpy_nodes.minimum(x, y, z), lambda x, y, z: min(x, y, z)),
    (numpy_nodes.maximum(x, y, z), lambda x, y, z: max(x, y, z)),
    (numpy_nodes.logaddexp(x, y), lambda x, y, z: np.logaddexp(x, y)),
    (numpy_nodes.logaddexp2(x, y), lambda x, y, z: np.logaddexp2(x, y)),
    (scipy_nodes.cosm1(x), lambda x, y, z: np.cos(x) - 1),
    (scipy_nodes.powm1(x, y), lambda x, y, z: x**y - 1),
    (cfunctions.fma(x, y, z), lambda x, y, z: x * y + z),
]
A, B = sympy.MatrixSymbol("A", 3, 3), sympy.MatrixSymbol("B", 3, 3)
v = sympy.MatrixSymbol("v", 3, 1)
MATRICES = [
    (A * B + 2 * B, lambda a, b, v: a @ b + 2 * b),
    (x * A * v, lambda a, b, v: 1.4 * a @ v),
    (A.inv() * v, lambda a, b, v: np.linalg.solve(a, v)),
    (MatrixSolve(A, vector=v), lambda a, b, v: np.linalg.solve(a, v)),
    (A**3 - A**-2, lambda a, b, v: a @ a @ a - np.linalg.inv(a @ a)),
    (A.T * v, lambda a, b, v: a.T @ v),
    (sympy.Adjoint(A), lambda a, b, v: a.T),
    (sympy.Determinant(A) * x, lambda a, b, v: np.linalg.det(a) * 1.4),
    (sympy.Trace(A * B), lambda a, b, v: np.trace(a @ b)),
    (sympy.HadamardProduct(A, B), lambda a, b, v: a * b),
    (sympy.KroneckerProduct(A, v), lambda a, b, v: np.kron(a, v)),
    (sympy.BlockMatrix([[A, B]]), lambda a, b, v: np.hstack([a, b])),
    (A[:2, 1:] + sympy.Identity(2), lambda a, b, v: a[:2, 1:] + np.eye(2)),
    ((A * B)[0, 2] + v[1, 0], lambda a, b, v: (a @ b)[0, 2] + v[1, 0]),
    (sympy.MatMul(sympy.Matrix(3, 3, range(9)), A), lambda a, b, v: np.arange(9).reshape(3, 3) @ a),
    ((v.T * A * v)[0, 0], lambda a, b, v: (v.T @ a @ v)[0, 0]),
    (sympy.Sum(A[i, j] * v[j, 0], (i, 0, 2), (j, 0, 2)), lambda a, b, v: (a @ v).sum()),
    (sympy.Sum(A[i, i], (i, 0, 2)), lambda a, b, v: np.trace(a)),
]


def value(expr):
    found = expr.as_expr().subs(POINT).doit() if isinstance(expr, sympy.Poly) else expr.subs(POINT).doit()
    return float(sympy.N(sympy.expand_func(found), 30))


@pytest.mark.parametrize("expr", SCALARS, ids=str)
def test_scalars(expr):
    kernel = sh.compile(expr, [x, y, z, n], effort="fast", target="numpy")
    right = value(expr.subs(n, 3))
    assert kernel(1.4, 1.3, 0.9, 3) == pytest.approx(right, rel=1e-13)
    assert kernel.fn(1.4, 1.3, 0.9, 3) == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("expr", CONDITIONS, ids=str)
def test_conditions(expr):
    right = bool(expr.subs(POINT).doit())
    assert sh.compile(expr, [x, y, z], effort="fast", target="numpy")(1.4, 1.3, 0.9) == right
    assert sh.compile(sympy.Not(expr), [x, y, z], effort="fast", target="numpy")(1.4, 1.3, 0.9) != right


@pytest.mark.parametrize(("expr", "right"), CODEGEN, ids=lambda v: str(v) if isinstance(v, sympy.Basic) else "")
def test_nodes_of_sympys_code_generators(expr, right):
    assert sh.compile(expr, [x, y, z], target="numpy")(1.4, 1.3, 0.9) == pytest.approx(right(1.4, 1.3, 0.9), rel=1e-14)


@pytest.mark.parametrize(("expr", "right"), MATRICES, ids=lambda v: str(v) if isinstance(v, sympy.Basic) else "")
def test_matrix_expressions(expr, right):
    kernel = sh.compile(expr, [A, B, v, x], effort="fast", target="numpy")
    rng = np.random.default_rng(1)
    a, b, c = rng.normal(size=(5, 3, 3)), rng.normal(size=(5, 3, 3)), rng.normal(size=(5, 3))
    expected = [right(*event[:2], event[2][:, None]) for event in zip(a, b, c)]
    np.testing.assert_allclose(kernel(a, b, c, 1.4), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(kernel.fn(a[0], b[0], c[0], 1.4), expected[0], rtol=1e-9, atol=1e-9)


def test_arrays_of_symbols():
    a = ArraySymbol("a", (2, 3))
    kernel = sh.compile(a, [a], target="numpy")
    values = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(kernel(values), values)
    b = ArraySymbol("b", (3, 2))
    both = ArrayContraction(ArrayTensorProduct(a, b), (1, 2))
    np.testing.assert_array_equal(sh.compile(both, [a, b], target="numpy")(values, values.T), values @ values.T)
    np.testing.assert_array_equal(sh.compile(ZeroArray(2), [a])(values), [0, 0])


@pytest.mark.parametrize(
    "cls", [sympy.Matrix, sympy.ImmutableMatrix, sympy.SparseMatrix, sympy.ImmutableSparseMatrix], ids=str
)
def test_kinds_of_matrices(cls):
    kernel = sh.compile(cls([[x, 0], [1, x * y]]), [x, y], target="numpy")
    np.testing.assert_array_equal(kernel(np.array([2.0, 3.0]), 5.0), [[[2, 0], [1, 10]], [[3, 0], [1, 15]]])


@pytest.mark.parametrize("cls", ["Mutable", "Immutable"])
@pytest.mark.parametrize("kind", ["Dense", "Sparse"])
def test_kinds_of_arrays(cls, kind):
    array = getattr(sympy, f"{cls}{kind}NDimArray")([[x, y], [1, 2]])
    np.testing.assert_array_equal(sh.compile(array, [x, y], target="numpy")(3.0, 4.0), [[3, 4], [1, 2]])


def test_the_branch_that_is_not_taken_never_counts():
    expr = sympy.Piecewise((sympy.sin(x) / x, sympy.Ne(x, 0)), (1, True))
    root = sympy.Piecewise((sympy.sqrt(x) * sympy.log(x), x > 0), (0, True))
    points = np.array([-1.0, 0.0, 0.5])
    for effort in ("fast", "default"):
        kernel = sh.compile([expr, root], [x], effort=effort)
        np.testing.assert_allclose(kernel(points)[0], np.sinc(points / np.pi), rtol=1e-14)
        np.testing.assert_allclose(kernel(points)[1], [0, 0, np.sqrt(0.5) * np.log(0.5)], rtol=1e-14)
        slope = sh.grad(sh.compile(root, [x], effort=effort))(points)
        np.testing.assert_allclose(slope, [0, 0, (np.log(0.5) / 2 + 1) / np.sqrt(0.5)], rtol=1e-13)
    assert np.isnan(sh.compile(sympy.Piecewise((x, x > 0)), [x])(-1.0))


def test_nan_and_infinity_are_asked_for():
    points = np.array([1.0, np.nan, -np.inf])
    for name, right in (("isnan", [0, 1, 0]), ("isinf", [0, 0, 1])):
        asked = [sympy.Function(name)(x), *([getattr(cfunctions, name)(x)] if hasattr(cfunctions, name) else [])]
        for condition in asked:
            np.testing.assert_array_equal(sh.compile(condition, [x], math="strict", target="numpy")(points), right)


def test_heaviside_at_zero():
    points = np.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(sh.compile(sympy.Heaviside(x), [x])(points), [0, 0.5, 1])
    np.testing.assert_array_equal(sh.compile(sympy.Heaviside(x, 1), [x])(points), [0, 1, 1])


def test_unevaluated_parts_are_stages():
    a, b = symbols("a b")
    huge = sh.compile(sympy.exp(x + sympy.UnevaluatedExpr(a + b)), [x, a, b])
    assert huge(1.0, 1e18, -1e18) == pytest.approx(np.e)
    assert huge.expr == sympy.exp(x + sympy.UnevaluatedExpr(a + b))


def test_implemented_functions():
    from sympy.utilities.lambdify import implemented_function

    f = implemented_function("f", lambda a: a * a + 1)
    assert sh.compile(f(x) * y, [x, y])(3.0, 2.0) == 20


def test_constants_alone():
    assert sh.compile(sympy.pi, [])() == np.pi
    np.testing.assert_array_equal(sh.compile(sympy.Matrix([[1, 0], [0, 2]]), [x])(np.ones(2))[1], [[1, 0], [0, 2]])
    assert sh.compile(S.true, [x])(1.0)


def test_a_complex_constant():
    assert sh.compile(sympy.polylog(2, 3) * x, [x])(2.0) == pytest.approx(complex(2 * sympy.polylog(2, 3)), rel=1e-14)


def test_every_class_has_a_test():
    expressions = [*REAL, *COMPLEX, *SCALARS, *CONDITIONS, *[e for e, _ in CODEGEN], *[e for e, _ in MATRICES]]
    seen = {type(node) for expr in expressions for node in sympy.preorder_traversal(expr)}
    seen |= {type(sympy.Matrix([x])), type(sympy.Array([x])), ArrayContraction, ZeroArray}
    untested = [cls.__name__ for cls in PLANS if cls not in SPECIAL and not any(issubclass(s, cls) for s in seen)]
    assert set(untested) <= {"NaN", "LessThan", "GreaterThan", "isnan", "isinf"}, untested
