import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy
from sympy import Rational, S, Symbol, pi, sqrt, symbols
from sympy.codegen import cfunctions

import symhep as sh
from symhep.checking.domain import columns, domain_for
from symhep.checking.evaluate import values
from symhep.checking.verify import compare
from symhep.count import count
from symhep.errors import ArgumentError
from symhep.graph import Builder, Graph
from symhep.kernel import Kernel, kernel
from symhep.ops import OPS
from symhep.symbolic.reading import compile, expression, from_sympy, program
from symhep.symbolic.writing import to_sympy
from tests.formulas import formula, graph_of

x, y, z = symbols("x y z")
c = Symbol("c", complex=True)
ONES = [x, y]

REAL = [
    x + y, x - 2 * y / z**2 + 3, -x / y - 1 / x, sqrt(x) / sqrt(y), x**-3, x ** Rational(5, 2), x ** Rational(-1, 3),
    x**y, 2**x, x**2.5, 0.1 * x, Rational(2, 3) * x, pi * x + sympy.E, sqrt(2) * x, sympy.GoldenRatio * x,
    sympy.exp(-(x**2) / 2) / sqrt(2 * pi), sympy.log(x), sympy.log(x, 10),
    sympy.sin(x) + sympy.cos(y) * sympy.tan(z), sympy.asin(x / 4) + sympy.acos(x / 4) + sympy.atan(x),
    sympy.atan2(y, x), sympy.sinh(x) + sympy.cosh(x) * sympy.tanh(x),
    sympy.asinh(x) + sympy.acosh(1 + x) + sympy.atanh(x / 4), sympy.sec(x) + sympy.csc(x) + sympy.cot(x),
    sympy.sech(x) + sympy.csch(x) + sympy.coth(x), sympy.asec(1 + x) + sympy.acsc(1 + x) + sympy.acot(x),
    sympy.asech(x / 4) + sympy.acsch(x) + sympy.acoth(1 + x), sympy.erf(x) + sympy.erfc(y), sympy.sinc(x),
    sympy.Abs(x - y), sympy.sign(x - y), sympy.floor(x) + sympy.ceiling(y), sympy.frac(x), sympy.Mod(x, y),
    sympy.Heaviside(x - y), sympy.Min(x, y, z) + sympy.Max(x, y, 1),
    sympy.Piecewise((x, x > y), (sympy.sin(x), (x < 1) & (y > 1)), (2, True)), sympy.Piecewise((x, x < 100)),
    sympy.ITE(x > y, x > 1, y > 1), sympy.Piecewise((1, sympy.Xor(x > y, y > z)), (0, True)),
    sympy.Piecewise((1, sympy.Or(sympy.Eq(x, y), sympy.Ne(x, z))), (0, True)), cfunctions.hypot(x, y),
    cfunctions.expm1(x) + cfunctions.log1p(x) + cfunctions.exp2(x), cfunctions.log2(x) + cfunctions.log10(x),
    cfunctions.Cbrt(x) + cfunctions.Sqrt(y), cfunctions.fma(x, y, z), sympy.Not(x > y),
    sympy.re(x) + sympy.conjugate(x),
]  # fmt: skip
COMPLEX = [
    c * sympy.conjugate(c), sympy.re(c) + sympy.I * sympy.im(c), sympy.exp(sympy.I * x) * c,
    sympy.arg(c) + sympy.Abs(c), sqrt(c), c**3 / (1 + c), sympy.sin(c) + sympy.log(c),
    sympy.Piecewise((c, x > 1), (2 * c, True)),
]  # fmt: skip


def numbers(expr, point) -> complex:
    """sympy's own value."""
    value = expr.subs(point)
    if value in (sympy.true, sympy.false):
        return complex(bool(value))
    return complex(sympy.N(sympy.expand_func(value.doit()), 30))


@pytest.mark.parametrize("expr", REAL, ids=str)
def test_means_what_sympy_means(expr):
    traced, function = from_sympy(expr, [x, y, z])
    point = {x: Rational(7, 5), y: Rational(13, 10), z: Rational(9, 10)}
    right = numbers(expr, point)
    (value,) = values(traced.graph, {s.name: sympy.Float(v, 40)._to_mpmath(150) for s, v in point.items()})
    assert complex(value) == pytest.approx(right, rel=1e-14)
    floats = [float(v) for v in point.values()]
    assert function(*floats) == pytest.approx(right.real, rel=1e-12)
    many = function(*[np.full(3, v) for v in floats])
    np.testing.assert_allclose(np.broadcast_to(many, 3).astype(float), right.real, rtol=1e-12)


@pytest.mark.parametrize("expr", COMPLEX, ids=str)
def test_complex_expressions(expr):
    traced, function = from_sympy(expr, [c, x])
    point = {c: Rational(3, 5) - sympy.I / 3, x: Rational(7, 5)}
    right = numbers(expr, point)
    (value,) = values(traced.graph, {"c": complex(0.6, -1 / 3), "x": 1.4})
    assert complex(value) == pytest.approx(right, rel=1e-14)
    assert complex(function(complex(0.6, -1 / 3), 1.4)) == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("expr", REAL + COMPLEX, ids=str)
def test_out_and_in_again_is_the_same_graph(expr):
    traced, _ = from_sympy(expr, [x, y, z, c])
    again, _ = from_sympy(expression(traced), traced.arguments)
    assert again.graph.outputs[0].key == traced.graph.outputs[0].key


@pytest.mark.parametrize("seed", range(20))
def test_random_formulas_survive_the_round_trip(seed):
    graph = graph_of(formula(seed, steps=40))
    names = [n.attrs[0] for n in graph.inputs]
    again, _ = from_sympy(to_sympy(graph), symbols(names))
    assert count(again.graph).total <= 1.15 * count(graph).total  # a/b and a*(1/b) are the same to sympy
    points = [columns(p, graph.inputs) for p in domain_for(graph).points(3, 80)]
    assert compare(graph, again.graph, points).check()


def test_every_operation_can_be_written():
    build = Builder()
    for name, op in OPS.items():
        if name in ("input", "const", "sum", "product", "item", "sincos", "custom", "special"):
            continue
        attrs = (3,) if name == "power" else ("batch",) if name.startswith("batch") else ()
        kinds = {"select": ["bool", "real", "real"], "and": ["bool"] * 2, "or": ["bool"] * 2, "not": ["bool"]}
        args = tuple(build.input(f"{kind[0]}{i}", kind) for i, kind in enumerate(kinds.get(name, ["real"] * op.arity)))
        (written,) = to_sympy(Graph(args, (build.node(name, args, attrs),)))
        assert isinstance(written, sympy.Basic), name
        sympy.latex(written)


def test_nothing_is_rewritten():
    k = kernel(lambda x, y: 2 * (x + y) - np.sqrt(x**2) + (x + 0.5) + 0.5)
    assert str(k.expr) in ("(x + 0.5) + 2*(x + y) - sqrt(x**2) + 0.5", "-sqrt(x**2) + 2*(x + y) + (x + 0.5) + 0.5")
    assert count(k.traced.graph) == count(from_sympy(k.expr, k.arguments)[0].graph)


def test_minus_and_quotient_are_what_they_look_like():
    assert dict(count(from_sympy(x - y, ONES)[0].graph)) == {"sub": 1}
    assert dict(count(from_sympy(-x + y, ONES)[0].graph)) == {"sub": 1}
    assert dict(count(from_sympy(x / y, ONES)[0].graph)) == {"div": 1}
    assert dict(count(from_sympy(z / (x * y), [x, y, z])[0].graph)) == {"mul": 1, "div": 1}
    assert dict(count(from_sympy(x - 3, [x])[0].graph)) == {"sub": 1}


def test_constants_stay_exact():
    def constants(expr):
        return {n.attrs[0] for n in from_sympy(expr, [x])[0].graph.order if n.op == "const"}

    assert constants(x * Rational(1, 3)) == {Fraction(1, 3)}
    assert constants(0.1 * x) == {0.1}
    (long_pi,) = constants(x + pi)
    assert abs(long_pi - Fraction(sympy.Rational(str(pi.n(90))))) < Fraction(1, 10**85)
    (precise,) = constants(x * sympy.Float("0.1", 50))
    assert abs(precise - Fraction(1, 10)) < Fraction(1, 10**49)
    assert expression(from_sympy(x + pi, [x])[0]) == x + pi


# -- forms -----------------------------------------------------------------------------------------------------------


def test_containers_and_matrices():
    out = {"sum": x + y, "m": sympy.Matrix([[x, y], [1, x * y]]), "t": (x, [y]), "a": sympy.Array([x, y, 2])}
    k = compile(out, [x, y])
    got = k(np.array([1.0, 2.0]), 3.0)
    assert list(got) == ["sum", "m", "t", "a"]
    np.testing.assert_array_equal(got["m"][1], [[2, 3], [1, 6]])
    np.testing.assert_array_equal(got["a"][0], [1, 3, 2])
    assert isinstance(got["t"], tuple) and isinstance(got["t"][1], list)
    again = compile(k.expr, k.arguments)
    assert again.traced.outputs == k.traced.outputs
    one = k.fn(2.0, 3.0)
    np.testing.assert_array_equal(one["m"], [[2, 3], [1, 6]])


def test_matrix_arguments_and_expressions():
    p, m = sympy.MatrixSymbol("p", 2, 1), sympy.MatrixSymbol("m", 2, 2)
    k = compile((p.T * m * p)[0, 0] + (m.inv() * p)[1], [p, m])
    assert [a.cores[0].shape for a in k.arguments] == [(2,), (2, 2)]
    vectors, matrices = np.array([[1.0, 2.0], [0.5, 1.5]]), np.array([[3.0, 1.0], [1.0, 2.0]])
    right = [v @ matrices @ v + (np.linalg.inv(matrices) @ v)[1] for v in vectors]
    np.testing.assert_allclose(k(vectors, matrices), right, rtol=1e-14)
    result = compile(m * p, [p, m])(vectors[0], matrices)
    assert result.shape == (2, 1)


def test_arguments_by_name_as_matrices_or_nested():
    a, b = symbols("p[0] p[1]")
    k = compile(a * b + x + y, {"p": sympy.Matrix([a, b]), "pair": [x, y]})
    assert [arg.name for arg in k.arguments] == ["p", "pair"]
    assert k(np.array([2.0, 3.0]), [1.0, 10.0]) == 17
    assert compile(a * b, [sympy.Matrix([a, b])]).arguments[0].name == "p"
    s = symbols("s0:3")
    symmetric = sympy.Matrix([[s[0], s[1]], [s[1], s[2]]])
    k = compile(symmetric.det(), {"S": symmetric})
    assert k.arguments[0].cores[0].symmetric and k(np.array([[2.0, 1.0], [1.0, 3.0]])) == 5


def test_indexed_arguments():
    p = sympy.IndexedBase("p", shape=(3,))
    assert compile(p[0] * p[2], [p])(np.array([2.0, 5.0, 7.0])) == 14


def test_assumptions_do_not_tell_symbols_apart():
    assert compile(Symbol("x", positive=True) + Symbol("x", real=True), [Symbol("x")])(2.0) == 4


def test_dummies_are_told_apart():
    a, b = sympy.Dummy("t"), sympy.Dummy("t")
    with pytest.raises(ArgumentError):
        from_sympy(a + b, [a])


def test_parameters():
    k = compile(x * sympy.exp(y), [x, y], parameters=[y])
    assert k.count().per_call.exp == 1 and k(np.ones(3), 0.0).shape == (3,)
    rate, dummy = sympy.Function("q")(x), sympy.Dummy("d")
    k = compile(x * sympy.exp(rate * dummy), [x, rate, dummy], parameters=[rate, dummy])
    assert k.count().per_call.exp == 1 and [a.parameter for a in k.arguments] == [False, True, True]
    with pytest.raises(ArgumentError, match="w in parameters= is not an argument"):
        compile(x, [x], parameters="w")


def test_compile_takes_the_options_of_kernel():
    k = compile(x + y, [x, y], name="total", dtype=np.float32, effort="fast", target="numpy")
    assert isinstance(k, Kernel) and k.name == "total" and k(1, 2).dtype == np.float32
    with pytest.raises(ArgumentError, match="no option 'efort'; the options are name"):
        compile(x, [x], efort="fast")


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "arguments", "text"),
    [
        ("x + 1", [x], "the text 'x \\+ 1' is not an expression"),
        ([x, "__import__('os')"], [x], "evaluate it as Python code"),
        (x + y + z, [x], "y and z in the expression, but not among the arguments"),
        (sympy.airyai(x) + sympy.Function("wobble")(x), [x], r"airyai: .*\n.*wobble: give wobble\(x\)"),
        (sympy.Function("arctan2")(x, y), ONES, "arctan2: did you mean atan2"),
        (sympy.Integral(sympy.sin(x) ** x, x), [x], "Integral: sympy finds no closed form"),
        (x, [x, x + 1], r"x \+ 1 cannot be an argument"),
        (x, [x, x], "the symbol x is an argument twice"),
        (x, ["x"], "'x' cannot be an argument"),
        (lambda v: v, [x], "of type function.*\n.*@sh.kernel"),
    ],
)
def test_errors(expr, arguments, text):
    with pytest.raises(ArgumentError, match=text):
        from_sympy(expr, arguments)


# -- size ------------------------------------------------------------------------------------------------------------


def deep(levels: int):
    """A deep expression, made without sympy's recursion."""
    expr = x
    for i in range(levels):
        cls, args = (sympy.sin, (expr,)) if i % 3 else (sympy.Add, (expr, y, S.One))
        expr = sympy.Basic.__new__(cls, *args)
        if cls is sympy.Add:
            expr.is_commutative = True
    return expr


def test_depth_does_not_matter():
    assert sys.getrecursionlimit() < 3000
    traced, function = from_sympy(deep(10_000), ONES)
    assert len(traced.graph.operations()) == 2 * 3334 + 6666
    written, again = to_sympy(traced.graph), to_sympy(traced.graph)
    assert hash(written[0]) == hash(again[0])
    assert from_sympy(written, ONES)[0].graph.outputs[0].key == traced.graph.outputs[0].key
    assert np.isfinite(function(0.5, 0.25))


def test_sharing_is_kept():
    expr = x
    for _ in range(60):  # 2**60 terms, were it a tree
        expr = sympy.Mul(expr, sympy.Add(expr, y, evaluate=False), evaluate=False)
    traced, _ = from_sympy(expr, ONES)
    assert len(traced.graph.operations()) == 120
    (written,) = to_sympy(traced.graph)
    assert written.args[0] is written.args[1].args[0]


def test_the_optimised_program_as_replacements():
    traced, _ = from_sympy([sympy.sin(x + y) ** 2 + 1 / sympy.sin(x + y), x + y], ONES)
    replaced, outputs = program(traced.graph)
    assert [str(s) for s, _ in replaced] == ["t0", "t1"]
    assert str(replaced[0][1]) == "x + y" and outputs[1] == replaced[0][0]
    for symbol, expr in reversed(replaced):
        outputs = [o.subs(symbol, expr) for o in outputs]
    assert sympy.simplify(outputs[0] - (sympy.sin(x + y) ** 2 + 1 / sympy.sin(x + y))) == 0


def test_names_of_intermediates_are_used():
    @kernel
    def f(a, b):
        return sh.name(a * b, "s12") ** 2

    replaced, (output,) = f.optimised_expr
    assert str(replaced[0][0]) == "s12" and str(replaced[0][1]) == "a*b"


def test_what_is_written_behaves_like_sympy():
    k = kernel(lambda x, y: np.where(x > y, np.sin(x) * y, np.abs(x) + np.minimum(x, y)) / np.exp(x))
    expr = k.expr
    point = {x: 0.7, y: 0.3}
    assert float(expr.subs(point)) == pytest.approx(k.fn(0.7, 0.3))
    assert float(expr.diff(y).subs(point)) == pytest.approx(np.sin(0.7) / np.exp(0.7))
    assert sympy.latex(expr).startswith(r"\frac{\begin{cases}") or "cases" in sympy.latex(expr)
    assert sympy.lambdify((x, y), expr)(0.7, 0.3) == pytest.approx(k.fn(0.7, 0.3))
    assert expr.free_symbols == {x, y} and sympy.srepr(expr) and sympy.count_ops(expr) > 5
    assert not expr.has(sympy.cos)
