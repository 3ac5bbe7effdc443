"""sympy functions applied to traced values."""

import numpy as np
import pytest
import sympy

import symhep as sh
from symhep.errors import TraceError
from symhep.tracing.trace import trace


def test_functions_of_sympy():
    k = sh.kernel(lambda x, y: x * sympy.sin(x + y) + sympy.sqrt(y) / 3)
    assert k(1.0, 2.0) == pytest.approx(np.sin(3) + np.sqrt(2) / 3, rel=1e-15)
    x, y = np.random.default_rng(1).uniform(1, 2, (2, 100))
    np.testing.assert_allclose(k(x, y), x * np.sin(x + y) + np.sqrt(y) / 3, rtol=1e-14, atol=1e-15)


def test_results_and_constants_of_sympy():
    def f(x, z):
        return {"a": sympy.exp(x), "b": x + sympy.pi, "c": x * sympy.Rational(1, 3), "d": z * sympy.I}

    graph = trace(f, {"z": sh.Complex}).graph
    assert [n.op for n in graph.outputs] == ["exp", "add", "mul", "mul"]
    third = graph.outputs[2].args[1]
    assert third.attrs[0].numerator == 1 and third.attrs[0].denominator == 3
    k = sh.kernel(f)
    assert trace(f, {"z": sh.Complex}).graph.outputs[3].dtype == "complex"
    assert k(1.0, 2.0)["d"] == 2j


def test_symbols_from_elsewhere():
    with pytest.raises(TraceError, match="the sympy symbol w is not a value of this kernel"):
        trace(lambda x: x + sympy.Symbol("w"))
    with pytest.raises(TraceError, match="a condition inside sympy"):
        trace(lambda x: sympy.sin(x > 0))
