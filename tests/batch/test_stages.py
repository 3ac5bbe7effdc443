"""Graphs with reductions cut into passes over the events, and what is kept between them."""

import numpy as np
import pytest

import symhep as sh
from symhep.batch.keeping import worth_keeping
from symhep.batch.stages import program_of, stages
from symhep.errors import CompileError
from symhep.graph import Builder, Graph
from symhep.passes import optimise
from symhep.program import build, levels
from symhep.tracing.trace import trace


def cut(function, annotations=None, **options):
    traced = trace(function, annotations, **options)
    graph = optimise(traced.graph).graph
    return graph, stages(graph, [o.axes for o in traced.outputs])


def shape(found):
    """For each stage its axis, and how many values it loads, keeps, reduces and returns."""
    return [(s.axis, len(s.loads), len(s.keeps), len(s.reductions), s.outputs) for s in found]


def test_without_reductions_there_is_one():
    graph, found = cut(lambda x, y: x * y)
    assert shape(found) == [("batch", 0, 0, 0, [0])]
    (step,) = build(graph).steps
    assert [n.op for n in step.each] == ["mul"] and not step.once


def test_one_sum():
    _, found = cut(lambda x: -sh.batch_sum(np.log(x)))
    assert shape(found) == [("batch", 0, 0, 1, []), (None, 0, 0, 0, [0])]


def test_levels_and_steps():
    traced = trace(lambda x: x - sh.batch_mean(x * x) * sh.batch_max(x))
    level = levels(traced.graph)
    assert level[traced.graph.outputs[0]] == 1
    first, second = build(traced.graph).steps
    assert [n.op for n in first.each] == ["mul"] and [n.op for n in first.once] == ["batch_size"]
    assert {n.op for n in second.once} == {"batch_sum", "batch_max", "div", "mul"}
    assert [n.op for n in second.each] == ["sub"]


def test_cheap_values_are_computed_again():
    _, found = cut(lambda x, y: (x + y) / sh.batch_sum(x + y))
    assert shape(found) == [("batch", 0, 0, 1, []), ("batch", 0, 0, 0, [0])]


def test_expensive_values_are_kept():
    graph, found = cut(lambda x: np.exp(np.sin(x)) / sh.batch_sum(np.exp(np.sin(x))))
    assert shape(found) == [("batch", 0, 1, 1, []), ("batch", 1, 0, 0, [0])]
    assert [n.op for n in found[0].keeps] == ["exp"]
    program, sources = program_of(graph, found[1])
    assert [s.kind for s in sources] == ["value", "column"]
    assert not {"exp", "sin"} & {n.op for n in program.graph.order}


def test_kept_once_for_several_passes():
    def function(x):
        e = np.exp(x)
        a = e - sh.batch_mean(e)
        return e + a / sh.batch_mean(a * a)

    _, found = cut(function)
    assert [len(s.keeps) for s in found] == [1, 0, 0] and [len(s.loads) for s in found] == [0, 1, 1]


def test_the_cut_is_minimal():
    """Two cheap values of one expensive: that is kept, not they."""

    def function(x, y):
        e = np.exp(x * y)
        return (e + x) * (e - y) / sh.batch_sum((e + x) * (e - y))

    _, found = cut(lambda x, y: (function(x, y), (np.exp(x * y) + x) * sh.batch_sum(np.exp(x * y) + x)))
    assert [n.op for n in found[0].keeps] == ["exp"]


def test_values_that_earlier_passes_do_not_compute_are_not_kept_there():
    _, found = cut(lambda x, y: np.exp(y) * sh.batch_sum(x))
    assert shape(found) == [("batch", 0, 0, 1, []), ("batch", 0, 0, 0, [0])]


def test_axes():
    axes = {"x": sh.Scalar.over("data"), "y": sh.Scalar.over("mc")}
    _, found = cut(lambda x, y: (x * sh.batch_sum(y), sh.batch_sum(x) + y, 1), axes)
    expected = [("data", 0, 0, 1, []), ("mc", 0, 0, 1, []), ("data", 0, 0, 0, [0]), ("mc", 0, 0, 0, [1])]
    assert shape(found) == [*expected, (None, 0, 0, 0, [2])]


def test_constants_of_columns_are_written_in_a_pass_that_is_there():
    traced = trace(lambda x: sh.array([x * sh.batch_sum(x), 1]))
    graph = optimise(traced.graph).graph
    found = stages(graph, [traced.outputs[0].axes] * 2)
    assert shape(found) == [("batch", 0, 0, 1, []), ("batch", 0, 0, 0, [0, 1])]


def test_pairs_of_events_are_refused():
    b = Builder()
    pair = b.node("mul", (b.input("x"), b.input("y", axes=frozenset({"mc"}))))
    with pytest.raises(CompileError, match="for each pair of events"):
        stages(Graph(pair.args, (pair,)), [pair.axes])


def test_axes_of_outputs_have_to_be_right():
    b = Builder()
    x = b.input("x")
    with pytest.raises(CompileError, match="varies over a batch axis"):
        stages(Graph((x,), (x, b.node("batch_sum", (x,), ("batch",)))), [frozenset(), frozenset()])


def test_large_graphs_take_the_simple_rule(monkeypatch):
    monkeypatch.setattr("symhep.batch.keeping._LARGEST", 1)
    _, found = cut(lambda x: np.exp(np.sin(x)) / sh.batch_sum(np.exp(np.sin(x))))
    assert [n.op for n in found[0].keeps] == ["exp"] and len(found[1].loads) == 1


def test_what_cannot_be_kept_is_computed_again():
    b = Builder()
    x = b.input("x")
    pair = b.node("sincos", (x,))
    sine, cosine = (b.node("item", (pair,), (k,)) for k in (0, 1))
    known = {x: None, pair: None, sine: None, cosine: None}
    target = b.node("mul", (sine, cosine))
    assert worth_keeping([target], known, lambda n: None if n is pair else 8.0) == {sine, cosine}
    assert worth_keeping([target], known, lambda n: None) == set()
    assert worth_keeping([target], {x: None}, lambda n: 8.0) == set()
