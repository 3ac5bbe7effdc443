"""Containers of traced values, and kernels inside kernels."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import symhep as sh
from kernels import matrix_elements
from symhep.errors import ArgumentError
from symhep.tracing.trace import trace
from tests.interpreter import evaluate

# -- containers ------------------------------------------------------------------------------------------------------


class Momentum(NamedTuple):
    e: sh.Scalar
    p: sh.Vector[3]


@dataclass
class Track:
    state: sh.Vector[2]
    momentum: Momentum
    charge: float = 1.0


def test_nested_arguments():
    def f(track: Track, pair: tuple[sh.Scalar, Momentum]):
        return {"m": track.momentum.e + pair[1].p[2], "t": Track(track.state * 2, pair[1], track.charge)}

    traced = trace(f)
    names = [n.attrs[0] for n in traced.graph.inputs]
    assert names == [
        "track.state[0]", "track.state[1]", "track.momentum.e", "track.momentum.p[0]", "track.momentum.p[1]",
        "track.momentum.p[2]", "track.charge", "pair[0]", "pair[1].e", "pair[1].p[0]", "pair[1].p[1]", "pair[1].p[2]",
    ]  # fmt: skip
    assert [o.path for o in traced.outputs] == [
        "result.m", "result.t.state", "result.t.momentum.e", "result.t.momentum.p", "result.t.charge",
    ]  # fmt: skip


def test_runtime_axes_are_not_there_yet():
    def f(wave: sh.Array["ticks"]):
        return wave

    with pytest.raises(
        ArgumentError, match="wave: axes known only at run time, such as 'ticks', are not supported yet"
    ):
        trace(f)


# -- kernels within kernels ------------------------------------------------------------------------------------------


@sh.kernel
def mass(e, p):
    return np.sqrt(sh.name(e * e - p * p, "m2"))


def test_inlined():
    traced = trace(lambda x, y: mass(x, y) + mass(x, p=y) + mass(y, 1.0))
    assert [n.op for n in traced.graph.operations()].count("sqrt") == 2
    assert sum(traced.calls[n] for n in traced.graph.operations() if n.op == "sqrt") == 3
    assert sorted(traced.graph.names.values()) == ["m2", "m2_2"]
    root = next(n for n in traced.graph.order if n.op == "sqrt")
    assert traced.graph.where[root].line == mass.fn.__code__.co_firstlineno + 2


def test_extra_axes_of_an_inlined_kernel():
    graph = trace(lambda e, p: np.sum(mass(e, p[:, None]) - mass(e, p)), {"p": sh.Vector[3], "e": sh.Scalar}).graph
    assert evaluate(graph, {"e": 2.0, "p[0]": 0.5, "p[1]": 1.0, "p[2]": 1.5}) == [0.0]


def test_numbers_into_an_inlined_kernel():
    @sh.kernel
    def scaled(p: sh.Vector[2], z: sh.Complex, flag: sh.Boolean):
        return {"p": np.where(flag, p, -p), "z": z.conj() * z}

    def f(x):
        return scaled([x, 2.0], x, x > 1)["p"] + scaled([1.0, x], 1j * x, True)["z"].real

    assert evaluate(trace(f).graph, {"x": 3.0}) == [3 + 9, 2 + 9]


def test_inlined_with_wrong_arguments():
    @sh.kernel
    def vector(p: sh.Vector[3]):
        return p[0]

    with pytest.raises(ArgumentError, match=r"vector: p is sh.Vector\[3\], got shape \(2,\)\n  .*, in f: return"):

        def f(x):
            return vector([x, x])

        trace(f)
    with pytest.raises(ArgumentError, match="mass: e is a real argument, got a complex value"):
        trace(lambda x: mass(1j * x, x))


# -- the physics library ---------------------------------------------------------------------------------------------


def test_matrix_elements():
    momenta = [x for p in matrix_elements.EXAMPLE_EVENT for x in p]
    for kernel in (matrix_elements.amp1, matrix_elements.msq, matrix_elements.msq_closed_form):
        graph = kernel.traced.graph
        values = {n.attrs[0]: np.float64(v) for n, v in zip(graph.inputs, momenta)}
        assert evaluate(graph, values)[0] == pytest.approx(kernel.fn(*map(np.float64, momenta)), rel=1e-13)
