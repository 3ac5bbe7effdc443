"""Work on parameters is done once per call, however the formula is spelled."""

import numpy as np
import pytest

import symhep as sh
from symhep.graph import Builder, Graph
from symhep.passes.per_call import per_call
from tests.checks import assert_same_value

FORMULAS = {
    "quotients": (lambda x, a, b: np.exp(x) / a + x / a / b, 4),
    "product": (lambda x, a, b: a * x * b * 3, 1),
    "sum": (lambda x, a, b: a + x * x + b + 7, 2),
    "shifted": (lambda x, a, b: (x - a) / np.sqrt(b) * a, 2),
    "powers": (lambda x, a, b: x / (a**3 * b**2), 1),
}


@pytest.mark.parametrize("name", sorted(FORMULAS))
@pytest.mark.parametrize("effort", ["fast", "default"])
def test_operations_per_event(name, effort):
    function, operations = FORMULAS[name]
    kernel = sh.kernel(function, parameters=("a", "b"), effort=effort)
    assert kernel.count().total == operations and kernel.count().per_call.total > 0
    x = np.linspace(0.5, 2, 11)
    np.testing.assert_allclose(kernel(x, 1.3, 0.7), function(x, 1.3, 0.7), rtol=1e-14)
    assert_same_value(kernel.traced.graph, kernel._chosen({}).optimised.graph, low=0.2)


def test_nothing_to_do_without_parameters():
    build = Builder()
    x, y = build.input("x"), build.input("y")
    graph = Graph((x, y), (build.node("product", (x, y), ((1, -1),)),))
    assert per_call(graph) is graph
