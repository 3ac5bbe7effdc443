"""Traced values mean what NumPy means: every function, compared on numbers."""

import copy
import numbers
import operator

import numpy as np
import pytest
import scipy.special

import symhep as sh
from symhep.ops import OPS
from symhep.tracing import expansions
from symhep.tracing.functions import FUNCTIONS
from symhep.tracing.trace import trace
from tests.interpreter import evaluate

RNG = np.random.default_rng(1)
FINITE = np.concatenate([RNG.normal(size=24) * 3, [0.0, -0.0, 1, -1, 0.5, 2, 3, -3]])
SPECIAL = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0, -1.0])
KINDS = {"real": sh.Scalar, "complex": sh.Complex, "bool": sh.Boolean}

# Differences that are meant: no order or rounding of complex numbers, and more for booleans than NumPy has
REFUSED = {
    "clip",
    "fmax",
    "fmin",
    "maximum",
    "minimum",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "erf",
    "rint",
}
MORE = {"expit", "logit", "negative", "positive", "sign", "subtract"}
INTEGER_DIVISION = {"divmod", "floor_divide", "remainder", "fmod", "reciprocal"}  # of booleans by zero


def numpy_function(name):
    return getattr(np, name, None) or getattr(scipy.special, name)


def arity(name):
    return getattr(numpy_function(name), "nin", {"clip": 3}.get(name, 1))


def samples(kind, count, values):
    rng = np.random.default_rng(len(values))
    turned = [values, rng.permutation(values), values[::-1]]
    if kind == "complex":
        return [x + 1j * rng.permutation(x) for x in turned][:count]
    return [x > 0 if kind == "bool" else x for x in turned][:count]


def traced_and_numpy(name, kind, values):
    function, count = numpy_function(name), arity(name)
    arguments = dict(zip("xyz", samples(kind, count, values)))
    code = f"lambda {', '.join(arguments)}: function({', '.join(arguments)})"
    traced = trace(eval(code, {"function": function}), dict.fromkeys(arguments, KINDS[kind]))
    with np.errstate(all="ignore"):
        # NumPy computes with booleans in half precision
        want = function(
            *[x.astype(float) if kind == "bool" and count_as_numbers(name) else x for x in arguments.values()]
        )
    got = evaluate(traced.graph, {k: x.astype(float) if kind == "bool" else x for k, x in arguments.items()})
    return got, want if isinstance(want, tuple) else (want,)


def count_as_numbers(name):
    return not name.startswith(("logical", "bitwise", "invert")) and name not in (
        "add",
        "multiply",
        "not_equal",
        "equal",
    )


def assert_same(got, want):
    for g, w in zip(got, want, strict=True):
        g, w = np.broadcast_to(g, np.shape(w)), np.asarray(w)
        if w.dtype == bool:
            np.testing.assert_array_equal(g.astype(bool), w)
        else:
            np.testing.assert_allclose(g, w, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_function(name, kind):
    refuses = kind == "complex" and (name in REFUSED or name in expansions.REAL_ONLY or cannot(name, kind))
    refuses |= kind != "bool" and (name.startswith("bitwise") or name == "invert")
    if refuses:
        with pytest.raises(TypeError):
            traced_and_numpy(name, kind, FINITE)
    elif cannot(name, kind) and not (kind == "bool" and count_as_numbers(name)):
        assert name in MORE
    else:
        assert_same(*traced_and_numpy(name, kind, FINITE))


def cannot(name, kind):
    """Whether NumPy itself refuses."""
    try:
        with np.errstate(all="ignore"):
            numpy_function(name)(*samples(kind, arity(name), FINITE))
    except TypeError:
        return True
    return False


# fmod and its like of infinite numbers, and hypot(inf, nan), are left as their expansions give them
@pytest.mark.parametrize("name", sorted({*FUNCTIONS} - INTEGER_DIVISION - {"modf", "hypot"}))
def test_function_of_special_values(name):
    if not (name.startswith("bitwise") or name == "invert"):
        assert_same(*traced_and_numpy(name, "real", SPECIAL))


def test_every_primitive_is_reached():
    """The rows of the table that no name of NumPy stands for are made by passes."""
    names = {row.name for row in OPS.values()}
    made = set()
    for name in FUNCTIONS:
        for kind in KINDS:
            arguments = dict.fromkeys("xyz"[: arity(name)], KINDS[kind])
            code = f"lambda {', '.join(arguments)}: function({', '.join(arguments)})"
            try:
                graph = trace(eval(code, {"function": numpy_function(name)}), arguments).graph
            except TypeError:
                continue
            made |= {n.op for n in graph.order}
    made |= {n.op for n in trace(lambda x: (sh.keep(x) ** 2, x * 1j)).graph.order}
    made |= {n.op for n in trace(lambda x: (sh.batch_mean(x), sh.batch_max(x), sh.batch_min(x))).graph.order}
    assert names - made == {"sum", "product", "sincos", "item", "custom", "special"}


# -- operators -------------------------------------------------------------------------------------------------------

BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, divmod,
]  # fmt: skip


@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "other", [3, 2.5, np.float64(0.7), np.array(1.5), True, np.array([1.0, 2.0]), [1, 2]], ids=repr
)
def test_operator(function, other):
    x = 1.75
    for f in (lambda v: function(v, other), lambda v: function(other, v)):
        with np.errstate(all="ignore"):
            want = np.asarray(f(np.float64(x) if not isinstance(other, list) else np.array(x)))
        got = np.asarray(evaluate(trace(f).graph, {"x": x, "v": x}))
        np.testing.assert_allclose(got.astype(float), want.ravel().astype(float), rtol=1e-14)


def test_unary_operators():
    graph = trace(
        lambda x: (-x, +x, abs(x), np.floor(x), __import__("math").floor(x), __import__("math").ceil(x))
    ).graph
    assert evaluate(graph, {"x": -1.5}) == [1.5, -1.5, 1.5, -2, -2, -1]


def test_in_place_operators_on_scalars():
    def f(x):
        y = x
        y += 2
        y *= x
        y **= 2
        return y - x

    assert evaluate(trace(f).graph, {"x": 3.0}) == [15.0**2 - 3]


def test_behaves_like_a_numpy_scalar():
    def f(x):
        assert isinstance(x, numbers.Number) and not isinstance(x, (float, np.ndarray))
        assert x.shape == () and x.ndim == 0 and x.size == 1 and x.dtype == np.float64 and x.T is x
        assert np.shape(x) == () and np.ndim(x) == 0 and np.size(x) == 1 and np.isscalar(x) and not np.iterable(x)
        assert not np.iscomplexobj(x) and np.iscomplexobj(x * 1j) and np.isrealobj(x)
        assert copy.copy(x) is x and copy.deepcopy([x])[0] is x and x.copy() is x and x.item() is x
        assert not hasattr(x, "__len__") and not hasattr(x, "__iter__") and not hasattr(x, "nothing")
        assert {x: 1}[x] == 1 and x in [x]
        assert repr(x) == f"{x}" == f"{x:.3f}" == "<traced real x>" and "mul" in str(x * x)
        assert (x > 0).dtype == bool and (x * 1j).dtype == complex
        return x.astype(complex) * x.astype(np.float32) * (x > 0).astype(float) * x.astype(bool)

    assert evaluate(trace(f).graph, {"x": 3.0}) == [9.0]


def test_methods_for_arrays_of_objects():
    def f(x, y):
        a = np.array([x, y])
        return np.sqrt(a) + np.hypot(a, a) + np.arctan2(a, 2 * a) + np.floor(a) + np.conjugate(a) + np.exp(a) ** 2

    x = np.array([0.3, 0.7])
    want = np.sqrt(x) + np.hypot(x, x) + np.arctan2(x, 2 * x) + np.floor(x) + x + np.exp(x) ** 2
    np.testing.assert_allclose(evaluate(trace(f).graph, {"x": x[0], "y": x[1]}), want)
