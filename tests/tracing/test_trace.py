"""Functions become graphs as they are written."""

import sys
import time
from fractions import Fraction
from functools import lru_cache, partial, reduce

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError
from symhep.graph import BATCH, CONSTANT, Graph
from symhep.tracing.source import Spot
from symhep.tracing.trace import trace
from tests.interpreter import evaluate


def ops(function, *args, **kwargs):
    return [n.op for n in trace(function, *args, **kwargs).graph.operations()]


def test_as_written():
    traced = trace(lambda x, y: 0 * x + 1 * y - (x - x))
    assert [n.op for n in traced.graph.operations()] == ["mul", "mul", "add", "sub", "sub"]
    assert [n.attrs[0] for n in traced.graph.inputs] == ["x", "y"]
    assert [n.axes for n in traced.graph.inputs] == [BATCH, BATCH]


def test_python_sum_starts_with_zero():
    assert ops(lambda x, y: sum([x, y])) == ["add", "add"]


def test_unused_arguments_stay():
    traced = trace(lambda x, unused, y: x + y)
    assert [n.attrs[0] for n in traced.graph.inputs] == ["x", "unused", "y"]


def test_calls_count_what_was_written():
    def f(x, y):
        a = x * y
        b = x * y
        return a + b + x * y

    traced = trace(f)
    assert {n.op: traced.calls[n] for n in traced.graph.operations()} == {"mul": 3, "add": 1}
    assert sum(traced.calls[n] for n in traced.graph.operations()) == 5


def test_provenance():
    def helper(v):
        return v * v

    def f(x):
        a = x + 1
        b = np.hypot(a, 2)
        return helper(b)

    graph = trace(f).graph
    start = f.__code__.co_firstlineno
    lines = {n.op: (line.file, line.line) for n, line in graph.where.items()}
    assert lines["add"][1] in (start + 1, start + 2) and lines["sqrt"] == (__file__, start + 2)
    assert graph.where[graph.outputs[0]].line == helper.__code__.co_firstlineno + 1
    assert set(graph.operations()) <= set(graph.where)


def test_parameters():
    graph = trace(lambda m, mass: (m - mass) ** 2, parameters=("mass",)).graph
    assert [n.axes for n in graph.inputs] == [BATCH, CONSTANT]


def test_graph_survives_bytes():
    graph = trace(lambda x, z: np.where(x > 0, z * 1j, x**0.3 + Fraction(1, 3)), {"z": sh.Complex}).graph
    assert Graph.from_bytes(graph.to_bytes()).to_bytes() == graph.to_bytes()


# -- literals and powers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "literal, exact",
    [
        (2, 2),
        (2.0, 2),
        (0.1, 0.1),
        (Fraction(1, 3), Fraction(1, 3)),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.int16(7), 7),
        (np.longdouble(1) / 3, Fraction(*(np.longdouble(1) / 3).as_integer_ratio())),
        (np.array(0.25), 0.25),
        (10**40, 10**40),
        (float("inf"), float("inf")),
    ],
    ids=repr,
)
def test_literals_are_exact(literal, exact):
    (node,) = [n for n in trace(lambda x: x + literal).graph.order if n.op == "const"]
    assert node.attrs[0] == exact and type(node.attrs[0]) is type(exact)


def test_negative_zero_is_kept():
    consts = [n for n in trace(lambda x: x * -0.0 + 0.0).graph.order if n.op == "const"]
    assert sorted(repr(n.attrs[0]) for n in consts) == ["-0.0", "0"]


def test_complex_literal_is_made_of_two():
    graph = trace(lambda x: x * (2 - 3j)).graph
    made = next(n for n in graph.order if n.op == "complex")
    assert [a.attrs[0] for a in made.args] == [2, -3] and graph.outputs[0].dtype == "complex"


@pytest.mark.parametrize(
    "exponent, op, attrs",
    [
        (2, "power", (2,)),
        (-1, "power", (-1,)),
        (0, "power", (0,)),
        (1, "power", (1,)),
        (3.0, "power", (3,)),
        (0.5, "sqrt", ()),
        (Fraction(1, 2), "sqrt", ()),
        (1.5, "power", (Fraction(3, 2),)),
        (-0.5, "power", (Fraction(-1, 2),)),
        (Fraction(2, 3), "power", (Fraction(2, 3),)),
        (0.3, "power", (0.3,)),
        (np.int64(4), "power", (4,)),
        (np.array(2.0), "power", (2,)),
    ],
)
def test_constant_powers(exponent, op, attrs):
    for function in (
        lambda x: x**exponent,
        lambda x: np.power(x, exponent),
        lambda x: (np.stack([x, x]) ** exponent)[0],
    ):
        node = trace(function).graph.outputs[0]
        assert (node.op, node.attrs) == (op, attrs)
        assert all(type(a) is type(b) for a, b in zip(node.attrs, attrs))


def test_other_powers():
    assert ops(lambda x, y: x**y) == ["pow"]
    assert ops(lambda x: 2**x) == ["pow"]
    assert ops(lambda x: x ** float("nan")) == ["pow"]
    assert trace(lambda x, z: z**x, {"z": sh.Complex}).graph.outputs[0].dtype == "complex"


# -- depth, sharing, speed -------------------------------------------------------------------------------------------


def test_depth():
    def f(x):
        for _ in range(50_000):
            x = x * 1.5 + 2
        return x

    assert sys.getrecursionlimit() < 50_000
    graph = trace(f).graph
    assert len(graph.operations()) == 100_000
    graph.to_bytes()


def test_sharing():
    def double(x):
        for _ in range(100):
            x = x + x
        return x

    traced = trace(double)
    assert len(traced.graph.operations()) == 100
    assert evaluate(traced.graph, {"x": 1.0}) == [2.0**100]
    assert len(trace(lambda x: sh.kernel(double)(double(x))).graph.operations()) == 200


def test_speed():
    def f(x, y):
        for _ in range(5_000):
            x, y = x * y, x - y
        return x + y

    best = 1.0
    for _ in range(5):
        start = time.perf_counter()
        trace(f)
        best = min(best, time.perf_counter() - start)
    assert best < 0.3  # 0.04 s on a free machine


# -- complex and boolean ---------------------------------------------------------------------------------------------


def test_parts():
    graph = trace(lambda z: (z.real, z.imag, z.conj(), abs(z)), {"z": sh.Complex}).graph
    assert [n.op for n in graph.outputs] == ["real", "imag", "conj", "sqrt"]
    assert [n.op for n in trace(lambda x: (x.real, x.imag, x.conj())).graph.outputs] == ["input", "const", "input"]


def test_logic():
    assert ops(lambda x, y: np.where((x > 0) & ~(y > 0), x, y)) == ["lt", "lt", "not", "and", "select"]
    assert ops(lambda x: x > 2) == ["lt"]
    assert ops(lambda x, y: x >= y) == ["le"]
    assert ops(lambda x, y: (x > y) + (y > 0)) == ["lt", "lt", "or"]
    assert ops(lambda x: (x > 0) * x) == ["lt", "select", "mul"]
    assert ops(lambda x: np.where(x, 1, 2)) == ["ne", "select"]


def test_boolean_constants():
    out = trace(lambda x: np.where(x > 0, True, x < -1)).graph.outputs[0]
    assert out.dtype == "bool" and out.args[1].dtype == "bool"


def test_boolean_arguments():
    graph = trace(lambda x, b: np.where(b, x, -x), {"b": sh.Boolean}).graph
    assert [n.dtype for n in graph.inputs] == ["real", "real"]
    assert evaluate(graph, {"x": 2.0, "b": 1.0}) == [2.0]


def test_equality_with_other_things():
    def f(x):
        assert (x == None) is False  # noqa: E711
        assert x != "text"
        assert x is not None
        return x

    assert ops(f) == []


# -- arrays ----------------------------------------------------------------------------------------------------------


def test_vector_components():
    graph = trace(lambda p: p[0] * p[3], {"p": sh.Vector[4]}).graph
    assert [n.attrs[0] for n in graph.inputs] == ["p[0]", "p[1]", "p[2]", "p[3]"]


def test_matrix_components():
    graph = trace(lambda m: m[0, 1], {"m": sh.Matrix[1, 2]}).graph
    assert [n.attrs[0] for n in graph.inputs] == ["m[0,0]", "m[0,1]"]


def test_symmetric_shares_its_triangles():
    traced = trace(lambda C: C[0, 1] - C[1, 0], {"C": sh.Symmetric[2]})
    assert [n.attrs[0] for n in traced.graph.inputs] == ["C[0,0]", "C[0,1]", "C[1,1]"]
    difference = traced.graph.outputs[0]
    assert difference.args[0] is difference.args[1]


def test_symmetric_result():
    def f(C: sh.Symmetric[3]) -> sh.Symmetric[3]:
        return 2 * C

    traced = trace(f)
    assert traced.outputs[0].symmetric and len(traced.graph.outputs) == 6


def test_item_assignment():
    def f(x, y):
        a = sh.zeros((2, 2))
        a[0, 0] = x
        row = a[1]
        row[:] = [y, 3]  # a view, as in NumPy
        a[0] += 1
        return a

    traced = trace(f)
    assert evaluate(traced.graph, {"x": 5.0, "y": 7.0}) == [6, 1, 7, 3]
    assert traced.outputs[0].shape == (2, 2)


def test_assignment_does_not_change_the_arguments():
    def f(p: sh.Vector[2]):
        p[0] = p[0] + p[1]
        return p

    assert [n.op for n in trace(f).graph.outputs] == ["add", "input"]


def test_numpy_arrays_of_values():
    def f(x, y):
        p = np.array([x, y, 1.0])
        return np.dot(p, p) + np.sum(p) + np.array([[x, y], [y, x]])[1, 0]

    assert evaluate(trace(f).graph, {"x": 2.0, "y": 3.0}) == [14 + 6 + 3]


def test_captured_arrays():
    metric = np.diag([1.0, -1, -1, -1])
    graph = trace(lambda p: p @ metric @ p, {"p": sh.Vector[4]}).graph
    assert evaluate(graph, {f"p[{i}]": v for i, v in enumerate((5.0, 1, 2, 3))}) == [25 - 14]


# -- names, stages, statics ------------------------------------------------------------------------------------------


def test_names():
    def f(x, y, p):
        s = sh.name(x * y, "s12")
        t = sh.name(x + y, "s12")
        sh.name(p * 2, "q")
        return s + t + p[0] * 2

    graph = trace(f, {"p": sh.Vector[2]}).graph
    assert {name: n.op for n, name in graph.names.items()} == {
        "s12": "mul",
        "s12_2": "add",
        "q[0]": "mul",
        "q[1]": "mul",
    }
    with pytest.raises(ArgumentError, match="a name has to be an identifier, got '2x'"):
        sh.name(1.0, "2x")


def test_keep():
    assert ops(lambda x: sh.keep(x + 1) * 2) == ["add", "keep", "mul"]
    assert sh.keep(3.0) == 3.0


def test_where():
    assert ops(lambda x: sh.where(x > 0, x, [1, 2])) == ["lt", "select", "select"]
    assert sh.where(np.array([True, False]), 1, 2).tolist() == [1, 2]


def test_array_and_zeros_outside_a_kernel():
    assert sh.array([[1, 2]]).shape == (1, 2) and type(sh.zeros(3)) is np.ndarray


def test_array_of_nested_lists():
    traced = trace(lambda x, z: sh.array([[x, z], [1, 2j]]) @ sh.array([1, x]), {"z": sh.Complex})
    assert [n.dtype for n in traced.graph.outputs] == ["complex", "complex"]


def test_statics():
    def f(x, n: sh.Static, mode="up"):
        assert mode in ("up", "down")
        return reduce(lambda a, b: a * b, [x] * n)

    assert ops(f, statics={"n": 4}) == ["mul", "mul", "mul"]


def test_caches_of_helpers():
    @lru_cache
    def square(v):
        return v * v

    assert ops(lambda x: square(x) + square(x)) == ["mul", "add"]


def test_callables_of_other_kinds():
    class Shift:
        def __call__(self, x):
            return x + 1

    def scaled(x, factor):
        return x * factor

    assert [trace(f).name for f in (Shift(), Shift().__call__, partial(scaled, factor=2.0))] == [
        "Shift", "__call__", "scaled",
    ]  # fmt: skip
    assert sh.kernel(partial(scaled, factor=2.0))(3.0) == 6 and sh.kernel(Shift())(1.0) == 2


def test_source_of_a_running_line():
    spot = Spot.here()
    assert spot.where.file == __file__ and str(spot).endswith("in test_source_of_a_running_line: spot = Spot.here()")
