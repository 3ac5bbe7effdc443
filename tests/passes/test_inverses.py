"""Divisions by what is the same for all events."""

import numpy as np
import pytest

import symhep as sh
from symhep.graph import Graph
from symhep.passes.inverses import inverses
from tests.programs import program_of


def ops(make, inputs="x y"):
    return [n.op for n in inverses(program_of(make, inputs).graph).operations()]


@pytest.mark.parametrize(
    ("divisor", "expected"),
    [(3, ["mul"]), (0.25, ["mul"]), (0, ["div"]), (10**400, ["div"]), (1e-40, ["div"]), (float("inf"), ["div"]),
     (float("nan"), ["div"])],
)  # fmt: skip
def test_constants(divisor, expected):
    assert ops(lambda b, x: b.node("div", (x, b.const(divisor))), "x") == expected


def test_a_column_stays():
    assert ops(lambda b, x, y: b.node("div", (x, y))) == ["div"]


def test_nothing_to_do_is_the_same_graph():
    graph = program_of(lambda b, x, y: b.node("mul", (x, y)), "x y").graph
    assert inverses(graph) is graph and isinstance(graph, Graph)


def shape(x, y, a, b):
    """Divisions that no rewriting makes fewer."""
    return np.sqrt(x / a / (1 + y * y)) + np.log(y / b / (1 + x * x))


@pytest.mark.parametrize("math", ["finite", "strict"])
def test_parameters(math):
    kernel = sh.kernel(shape, parameters=("a", "b"), math=math)
    x, y = np.random.default_rng(1).uniform(1, 2, (2, 50))
    np.testing.assert_allclose(kernel(x, y, 1.3, 0.7), shape(x, y, 1.3, 0.7), rtol=1e-12, atol=1e-15)
    assert kernel.count().div == (2 if math == "finite" else 4)
    assert kernel.count().per_call.div == (2 if math == "finite" else 0)
