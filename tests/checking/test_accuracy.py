import math

import numpy as np
import pytest

import symhep as sh
from symhep.checking.accuracy import Errors, accuracy, compare, inputs_of
from symhep.checking.domain import box
from symhep.tracing.trace import trace


def difference(x, y):
    return (x * x - y * y) / (x - y)


def test_errors_in_ulp_before_and_after():
    graph = trace(difference).graph
    rng = np.random.default_rng(1)
    columns = {"x": rng.uniform(1, 2, 500), "y": rng.uniform(1, 2, 500)}
    found = compare(graph, lambda c: [c["x"] + c["y"]], columns)
    assert found.points == 500 and found.dropped == 0
    assert found.after.max <= 0.5 < found.before.p95 < found.before.max
    assert found.worst.output == "result" and set(found.worst.inputs) == {"x", "y"}
    x, y = found.worst.inputs.values()
    assert found.worst.value == x + y and float(found.worst.reference) == pytest.approx(x + y)


def test_cancellation_does_not_fool_the_reference():
    graph = trace(lambda x: ((x + 1e30) - 1e30) * 3).graph
    found = compare(graph, lambda c: [c["x"] * 3], {"x": np.random.default_rng(0).normal(size=20)})
    assert found.after.max <= 0.5 and found.before.median > 1e10


def test_an_exact_zero_has_no_error():
    graph = trace(lambda x: np.sin(x) ** 2 + np.cos(x) ** 2 - 1).graph
    found = compare(graph, lambda c: [np.zeros(10)], {"x": np.linspace(0.1, 1, 10)})
    assert found.after.max == 0 and found.worst is None and found.points == 10


def test_a_nan_is_an_infinite_error():
    graph = trace(lambda x: np.sqrt(x)).graph
    found = compare(graph, lambda c: [np.array([1.0, np.nan, 0.0])], {"x": np.array([1.0, 4.0, -1.0])})
    assert found.after.max == math.inf and (found.points, found.dropped) == (2, 1)
    assert "∞" in repr(found)


def test_float32_is_judged_by_its_own_ulp():
    graph = trace(difference).graph
    rng = np.random.default_rng(2)
    columns = {name: rng.uniform(1, 2, 200).astype(np.float32) for name in "xy"}
    found = compare(graph, lambda c: [c["x"] + c["y"]], columns, np.float32)
    assert found.dtype == "float32" and 0.1 < found.after.max <= 0.5 < found.before.max


def test_errors_of_a_sample():
    assert Errors.of(np.arange(1, 101.0)) == Errors(50, 95, 100)
    assert Errors.of(np.array([0, math.inf])).max == math.inf
    assert math.isnan(Errors.of(np.array([])).max)


@sh.kernel
def several(p: sh.Vector[2], z: sh.Complex, scale, flag: sh.Boolean) -> dict:
    return {"v": p * scale, "z": z * z, "s": np.where(flag, p[0], p[1]), "above": p[0] > scale}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("target", ["numpy", "numba"])
def test_of_a_kernel(target, dtype):
    kernel = several.with_options(target=target, dtype=dtype)
    found = accuracy(kernel, 50)
    names = ["result.v[0]", "result.v[1]", "result.z.real", "result.z.imag", "result.s", "result.above"]
    assert list(found.outputs) == names and found.points == 50 and found.target == target
    assert found.outputs["result.v[0]"][1].max <= 0.5 and found.outputs["result.s"][1].max == 0
    assert found.outputs["result.above"][1].max == 0


def test_parameters_have_one_value():
    kernel = sh.kernel(lambda x, width: np.exp(-x * x / width), parameters=("width",))
    inputs = inputs_of(kernel, 20, box(x=(0, 1), width=(1, 2)))
    assert np.shape(inputs.arguments["width"]) == () and np.shape(inputs.arguments["x"]) == (20,)
    found = kernel.accuracy(20, box(x=(0, 1), width=(1, 2)))
    assert found.points == 20 and found.after.max < 10


def test_prints_as_a_table():
    found = accuracy(sh.kernel(lambda x: np.sqrt(x) + 1), 100)
    lines = repr(found).splitlines()
    assert lines[0].split() == ["error", "in", "ulp", "(float64)", "median", "95", "%", "max"]
    assert lines[2].startswith("as written, in NumPy") and lines[3].startswith("optimised, numba")
    assert any("% of random inputs have no finite value" in line for line in lines)
    assert any(line.startswith("worst: result = ") for line in lines)
    assert "<table>" in found._repr_html_() and "&" not in found._repr_html_().replace("&#x27;", "")
