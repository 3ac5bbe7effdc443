"""What is assumed about arguments leaves out what it decides, and nothing else."""

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symhep as sh
from symhep.checking.domain import columns, domain_for
from symhep.checking.verify import compare
from symhep.errors import ArgumentError
from symhep.graph import Builder, Graph
from symhep.passes.assumed import ANY, NEGATIVE, POSITIVE, ZERO, _Facts, assumed
from symhep.reference import apply

WORDS = ["integer", "negative", "nonnegative", "nonpositive", "nonzero", "positive"]


def symbol(name, *words):
    return sympy.Symbol(name, **dict.fromkeys(words, True))


def written(cls, *args):
    return cls(*args, evaluate=False)


x, y = symbol("x", "positive"), symbol("y", "nonnegative")
w, n = symbol("w", "negative"), symbol("n", "integer")
u = sympy.Symbol("u")
RULES = {
    "magnitude": (written(sympy.Abs, x) / x + u, {"add": 1}),
    "magnitude of a negative value": (written(sympy.Abs, w) / w + u, {"sub": 1}),
    "root of a square": (sympy.sqrt(written(sympy.Pow, x, 2)) + u, {"add": 1}),
    "power of a power": (written(sympy.Pow, written(sympy.Pow, x, 3), sympy.Rational(1, 3)) * u, {"mul": 1}),
    "logarithm of a power": (sympy.log(written(sympy.Pow, x, 8)) * u, {"log": 1, "mul": 2}),
    "largest": (written(sympy.Max, w, x) + written(sympy.Min, w, u * 0 + x), {"add": 1}),
    "rounding": (written(sympy.floor, n) + written(sympy.ceiling, n * n) - n * n, {}),
    "sign": (written(sympy.sign, x) * u, {}),
    "choice": (sympy.Piecewise((u, written(sympy.Gt, x + y, 0)), (sympy.sin(u), True)), {}),
    "two conditions": (
        sympy.Piecewise((u, sympy.And(written(sympy.Gt, x, w), u > 1)), (2 * u, True)),
        {"compare": 1, "mul": 1, "select": 1},
    ),
    "step": (written(sympy.Heaviside, x * y - w) + u, {"add": 1}),
}


@pytest.mark.parametrize("effort", ["fast", "default"])
@pytest.mark.parametrize("name", RULES)
def test_rules(name, effort):
    expr, left = RULES[name]
    kernel = sh.compile(expr, sorted(expr.free_symbols, key=str), effort=effort)
    assert dict(kernel.count().kinds) == left
    assert kernel.accuracy(20) is not None
    plain = [sympy.Symbol(a.name) for a in kernel.arguments]
    assert sh.compile(kernel.expr.xreplace({s: sympy.Symbol(s.name) for s in expr.free_symbols}), plain)


def test_the_pass_leaves_graphs_without_facts_alone():
    build = Builder()
    graph = Graph((build.input("x"),), (build.node("abs", (build.input("x"),)),))
    assert assumed(graph, {}) is graph and assumed(graph, {"y": frozenset({"positive"})}) is graph


def test_strict_math_keeps_them():
    strict = sh.compile(written(sympy.Max, x, 0) + u, [x, u], math="strict")
    assert strict.count().max == 1


def test_a_long_chain():
    build = Builder()
    x, total = build.input("x"), build.input("u")
    for k in range(5000):
        total = build.node("add", (total, x if k % 2 else build.const(k)))
    graph = Graph((x, build.input("u")), (build.node("maximum", (build.node("exp", (total,)), build.const(0))),))
    assert assumed(graph, {"x": frozenset({"positive"})}).outputs[0].op == "exp"


OPERATIONS = ["add", "sub", "mul", "div", "neg", "abs", "sqrt", "exp", "minimum", "maximum", "floor", "ceil", "trunc"]
OPERATIONS += ["rint", "copysign", "lt", "le", "eq", "ne", "select", "power", "log", "tanh", "cbrt", "pow", "acosh"]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_signs_hold_and_values_stay(data):
    """Random programs on inputs that keep to what is assumed: each sign is one of those found, no value changes."""
    build = Builder()
    known = {name: frozenset(data.draw(st.sets(st.sampled_from(WORDS), max_size=1))) for name in "abc"}
    point = {name: data.draw(_number(words)) for name, words in known.items()}
    pool = [build.input(name) for name in "abc"] + [build.const(k) for k in (-2, 0, 1, 0.5)]
    truths = []
    for _ in range(data.draw(st.integers(1, 12))):
        op = data.draw(st.sampled_from(OPERATIONS))
        if op == "select" and not truths:
            continue
        first = (data.draw(st.sampled_from(truths)),) if op == "select" else ()
        arity = 1 if op == "power" else (len(first) and 2) or {"pow": 2}.get(op, sh.ops.OPS[op].arity)
        args = first + tuple(data.draw(st.sampled_from(pool)) for _ in range(arity))
        attrs = (data.draw(st.sampled_from([2, 3, -1, -2])),) if op == "power" else ()
        made = build.node(op, args, attrs)
        (truths if made.dtype == "bool" else pool).append(made)
    facts, values = _Facts(known), {}
    inputs = tuple([build.input(name) for name in "abc"])
    graph = Graph(inputs, (pool[-1],))
    for node in graph.order:
        values[node] = point[node.attrs[0]] if node.op == "input" else _apply(node, [values[a] for a in node.args])
        value = values[node]
        if value is None:
            return
        if node.dtype != "bool":
            assert facts.signs(node) & (POSITIVE if value > 0 else NEGATIVE if value < 0 else ZERO)
            assert not facts.whole(node) or value == mpmath.floor(value)
    after = assumed(graph, known)
    found = {}
    for node in after.order:
        found[node] = point[node.attrs[0]] if node.op == "input" else _apply(node, [found[a] for a in node.args])
    assert found[after.outputs[0]] == pytest.approx(values[graph.outputs[0]], rel=1e-12, abs=1e-12)


def _number(words):
    if "integer" in words:
        return st.integers(-4, 4).map(mpmath.mpf)
    bounds = {"positive": (0.25, 4), "negative": (-4, -0.25), "nonnegative": (0, 4), "nonpositive": (-4, 0)}
    low, high = bounds.get(next(iter(words), ""), (-4, 4))
    number = st.floats(low, high, width=16).map(mpmath.mpf)
    return number.filter(lambda v: v != 0) if "nonzero" in words else number


def _apply(node, args):
    """The value of a node; None where it has no finite real value."""
    if node.op == "const":
        return bool(node.attrs[0]) if node.dtype == "bool" else mpmath.mpf(apply("const", node.attrs, []))
    try:
        value = apply(node.op, node.attrs, args)
    except (ValueError, ZeroDivisionError, OverflowError, ArithmeticError):
        return None
    if isinstance(value, bool):
        return value
    return None if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value) or abs(value) > 1e60 else value


def test_bits():
    assert NEGATIVE | ZERO | POSITIVE == ANY


# -- domains ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [[w] for w in WORDS] + [["integer", w] for w in WORDS[1:]], ids="-".join)
def test_samples_keep_to_what_is_assumed(words):
    s = symbol("s", *words)
    kernel = sh.compile(s * 2, [s])
    domain = domain_for(kernel.traced.graph, None, kernel.traced.leaves)
    for draws in (domain.sample(200)["s"], np.array([float(p["s"]) for p in domain.points(20)])):
        holds = {
            "positive": draws > 0, "negative": draws < 0, "nonnegative": draws >= 0, "nonpositive": draws <= 0,
            "nonzero": draws != 0, "integer": draws == np.rint(draws),
        }  # fmt: skip
        assert all(holds[word].all() for word in words)


def test_a_box_keeps_to_what_is_assumed():
    with pytest.raises(ArgumentError) as error:
        sh.compile(sympy.log(x), [x], domain=sh.box(x=(-1, 1))).accuracy()
    assert str(error.value) == "sh.box has 'x' between -1.0 and 1.0, and it is assumed to be positive"


def test_assumptions_go_with_the_arguments():
    kernel = sh.compile(written(sympy.Abs, x) + x**2, [x])
    assert kernel.arguments[0].cores[0].assumed == {"nonnegative", "nonzero", "positive"}
    slope = sh.grad(kernel)
    assert dict(slope.count().kinds) == {"add": 1, "mul": 1} and slope(2.0) == 5
    graph = sh.compile(kernel.expr, kernel.arguments).traced.graph
    points = [columns(p, graph.inputs) for p in domain_for(graph, None, kernel.traced.leaves).points(3, 80)]
    compare(graph, kernel._chosen({}).optimised.graph, points).check()
