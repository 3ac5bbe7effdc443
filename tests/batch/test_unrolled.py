"""Graphs with reductions are verified on batches of a few events."""

import mpmath
import numpy as np
import pytest

import symhep as sh
from symhep.batch.unrolled import FEW, batches, unrolled
from symhep.checking.evaluate import values
from symhep.checking.verify import VerificationError, verify
from symhep.passes import optimise
from symhep.tracing.trace import trace

X = [mpmath.mpf(1), mpmath.mpf(5), mpmath.mpf(3)]


def test_values_are_those_of_the_batch():
    functions = lambda x, a: (sh.batch_mean(x) * a, x - sh.batch_max(x), sh.batch_min(x), sh.batch_sum(1))
    graph = unrolled(trace(functions, parameters=["a"]).graph)
    assert [n.attrs[0] for n in graph.inputs] == ["0@x", "1@x", "2@x", "a"]
    (point, *_) = batches([{"x": x, "a": 2} for x in X], trace(functions, parameters=["a"]).graph.inputs)
    assert values(graph, point) == [6, -4, 1, FEW]


def test_complex_values():
    traced = trace(lambda z: sh.batch_sum(z * z), {"z": sh.Complex})
    assert verify(traced, optimise(traced.graph).graph).check().points


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (lambda x: sh.batch_sum(np.log(x)), lambda x: np.log(sh.batch_sum(x))),
        (lambda x: x * sh.batch_sum(x), lambda x: sh.batch_sum(x * x)),
        (lambda x: sh.batch_max(-x), lambda x: -sh.batch_max(x)),
        (lambda x: sh.batch_mean(x), lambda x: sh.batch_sum(x)),
    ],
)
def test_what_differs_for_more_than_one_event_is_found(right, wrong):
    traced = trace(right)
    assert verify(traced, optimise(traced.graph).graph, sh.box(x=(1, 2))).check().points == 8
    with pytest.raises(VerificationError):
        verify(traced, trace(wrong).graph, sh.box(x=(1, 2))).check()


def test_formulas_that_one_event_has_no_value_of():
    k = sh.kernel(lambda x: sh.batch_sum((x - sh.batch_mean(x)) ** 2) / (sh.batch_sum(1) - 1))
    assert k.variant().verification.points == 4
    assert k(np.array([1.0, 2.0, 6.0])) == 7
