"""Values computed again in later segments: the same values, fewer of them passed on, in any program."""

import numpy as np
import pytest

from symhep.derivatives.modes import pullback
from symhep.graph import Graph
from symhep.program import build
from symhep.targets import bodies
from symhep.targets.native import compile_program
from symhep.targets.recompute import recompute
from symhep.targets.segments import results, segment, straighten
from tests.programs import evaluate, straight_line

OPS = ("add", "sub", "mul", "div", "neg", "minimum", "sqrt")


def gradient(size, ops=("add", "sub", "mul"), seed=1):
    graph = straight_line(size, inputs=6, outputs=1, ops=ops, seed=seed).graph
    return build(pullback(Graph(graph.inputs, graph.outputs), range(6)))


def passed(program, rework):
    """Rows, and how many values are stored and read."""
    segments, rows = segment(straighten(program), lambda line: 1, 300, rework)
    return rows, sum(len(s.saves) for s in segments), sum(len(s.loads) for s in segments)


def test_fewer_values_pass():
    program = gradient(2000)
    for now, before in zip(passed(program, recompute), passed(program, lambda _, segments: segments), strict=True):
        assert now < 0.75 * before


@pytest.mark.parametrize("seed", range(6))
def test_every_value_is_made_once_and_before_it_is_used(seed):
    straight = straighten(gradient(1500, OPS, seed))
    given = {*straight.inputs, *straight.constants, *[r for line in straight.once for r in results(line)]}
    plain, _ = segment(straight, lambda line: 1, 200)
    line_of = {r: line for line in straight.each for r in results(line)}
    segments, _ = segment(straight, lambda line: 1, 200, recompute)
    everywhere: set[int] = set()
    for s, before in zip(segments, plain, strict=True):
        there = given | s.loads.keys()
        assert set(s.loads) <= everywhere
        for line in s.lines:
            assert set(line.args) <= there and not {*results(line)} & everywhere
            there |= {*results(line)}
            everywhere |= {*results(line)}
        copies = [line for line in s.lines if line.result not in line_of]
        assert [line.result for line in s.lines if line.result in line_of] == [line.result for line in before.lines]
        assert all(line.op in ("add", "sub", "mul", "neg", "minimum") for line in copies)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", [1, 2])
def test_same_bits(dtype, seed, monkeypatch):
    monkeypatch.setattr(bodies, "LIMIT", 150)
    program = gradient(800, OPS, seed)
    columns = [np.random.default_rng(k).uniform(0.5, 1.5, 37).astype(dtype) for k in range(7)]
    outputs = [np.empty(37, dtype) for _ in program.outputs]
    compile_program(program, dtype).run(columns, outputs)
    for got, wanted in zip(outputs, evaluate(program, columns, dtype), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_deterministic():
    straight = straighten(gradient(1500, OPS))
    once, again = (segment(straight, lambda line: 1, 200, recompute)[0] for _ in range(2))
    assert [s.lines for s in once] == [s.lines for s in again]
