"""Reductions over the batch as they are traced and optimised."""

from functools import partial

import numpy as np
import pytest

import symhep as sh
from symhep.count import count
from symhep.errors import ArgumentError, TraceError
from symhep.graph import BATCH, Builder, Graph
from symhep.passes import optimise
from symhep.passes.canonical import canonical
from symhep.passes.lower import lower
from symhep.tracing.trace import trace
from tests import refused

CASES = []
case = partial(refused.case, CASES)


@case(
    "an operation on values of different batch axes, 'data' and 'mc': they belong to different events",
    "a reduction of one of them first, such as sh.batch_sum(x, axis='mc')",
)
def two_axes(x: sh.Scalar.over("data"), y: sh.Scalar.over("mc")):
    return x * y


@case(
    "sh.batch_sum over the axis 'sim': the batch axes of the arguments are 'data' and 'mc'",
    "axis='data' or axis='mc'",
)
def unknown_axis(x: sh.Scalar.over("data"), y: sh.Scalar.over("mc")):
    return sh.batch_sum(x, axis="sim")


@case(
    "sh.batch_mean of a value that varies over no batch axis; those of the arguments are 'data' and 'mc'",
    "sh.batch_mean(x, axis='data')",
)
def no_axis(x: sh.Scalar.over("data"), y: sh.Scalar.over("mc")):
    return sh.batch_mean(3 * sh.batch_sum(x))


@case("np.batch_max of complex values: complex numbers have no order", "x.real, x.imag or abs(x)")
def largest_complex(x):
    return sh.batch_max(x + 1j)


@case(
    "np.max of one value per event: NumPy reductions act on core axes, and a scalar has none",
    "sh.batch_max(x) for all events, or sh.array([a, b, c]) to combine values of one event",
)
def largest(x):
    return np.max(x)


@case("result of mixed has elements of different batch axes, data and mc", "a result for each axis", line=0)
def mixed(x: sh.Scalar.over("data"), y: sh.Scalar.over("mc")):
    return sh.array([x, y])


@pytest.mark.parametrize(("function", "text"), CASES)
def test_refusal(function, text):
    refused.check(function, text)


def test_parameters_alone_have_no_batch():
    with pytest.raises(TraceError, match="no argument has a batch axis, all are parameters"):
        trace(lambda a: sh.batch_sum(a), parameters=["a"])


def test_a_parameter_over_an_axis():
    with pytest.raises(ArgumentError, match=r"x is a parameter and has no batch axis, but .*over\('mc'\)"):
        trace(lambda x: x, {"x": sh.Scalar.over("mc")}, parameters=["x"])


def test_names_of_axes():
    assert repr(sh.Vector[4].over("mc")) == "sh.Vector[4].over('mc')"
    assert sh.Complex.over("mc")[2].axis == "mc" and sh.Symmetric[3].over("mc").symmetric
    with pytest.raises(ArgumentError, match="named by an identifier"):
        sh.Scalar.over("two words")


# -- nodes -----------------------------------------------------------------------------------------------------------


def test_axes_of_nodes():
    b = Builder()
    x, y = b.input("x"), b.input("y", axes=frozenset({"mc"}))
    assert b.node("batch_sum", (x,), ("batch",)).axes == frozenset()
    assert b.node("batch_sum", (x,), ("mc",)).axes == BATCH
    assert b.node("batch_max", (y,), ("mc",)).axes == frozenset()


def ops(function, *annotations, **options):
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return [n.op for n in trace(function, dict(zip(names, annotations)), **options).graph.operations()]


def test_what_is_traced():
    assert ops(lambda x: sh.batch_sum(x)) == ["batch_sum"]
    assert ops(lambda x: sh.batch_mean(x)) == ["batch_sum", "batch_size", "div"]
    assert ops(lambda x, a: sh.batch_sum(a) + x, parameters=["a"]) == ["batch_size", "mul", "add"]
    assert ops(lambda x, a: sh.batch_mean(a) + sh.batch_max(a) + x, parameters=["a"]) == ["add", "add"]
    assert ops(lambda x: sh.batch_sum(1) + x) == ["batch_size", "mul", "add"]
    assert ops(lambda x: sh.batch_sum(x > 0)) == ["lt", "select", "batch_sum"]
    assert ops(lambda v: sh.batch_sum(v), sh.Vector[3]) == ["batch_sum"] * 3


def outputs(function, annotations=None, **options):
    return [set(o.axes) for o in trace(function, annotations, **options).outputs]


def test_axes_of_outputs():
    assert outputs(lambda x: (x, sh.batch_sum(x), 3.0)) == [{"batch"}, set(), set()]
    assert outputs(lambda x, a: (x, a), parameters=["a"]) == [{"batch"}, {"batch"}]
    assert outputs(lambda x: sh.array([x, sh.batch_sum(x), 1])) == [{"batch"}]
    axes = {"x": sh.Scalar.over("data"), "y": sh.Scalar.over("mc")}
    assert outputs(lambda x, y: (x, y, sh.batch_sum(x) + y, 1), axes) == [{"data"}, {"mc"}, {"mc"}, set()]
    assert outputs(lambda x: (x, 1), {"x": axes["x"]}) == [{"data"}, {"data"}]


# -- passes ----------------------------------------------------------------------------------------------------------


def optimised(function, **options):
    return optimise(trace(function, **options).graph).graph


def test_coefficients_leave_the_sum():
    graph = optimised(lambda x: -3 * sh.batch_sum(2 * x))
    assert [n.op for n in graph.operations()] == ["batch_sum", "mul"]


def test_a_negative_coefficient_turns_the_order():
    graph = optimised(lambda x: sh.batch_max(-2 * x))
    assert [n.op for n in graph.operations()] == ["batch_min", "mul"]


def test_arguments_found_to_be_constant():
    for function in (lambda x: sh.batch_sum(x - x + 3), lambda x: sh.batch_sum(np.cos(x) / np.cos(x) + 2)):
        assert [n.op for n in optimised(function).operations()] == ["batch_size", "mul"]
    b = Builder()
    total = b.node("batch_sum", (b.const(3),), ("batch",))
    assert [n.op for n in lower(Graph((), (total,))).operations()] == ["batch_size", "mul"]


@pytest.mark.parametrize("math", ["finite", "strict"])
def test_complex_sums_are_split(math):
    graph = optimise(trace(lambda z: sh.batch_sum(z), {"z": sh.Complex}).graph, math=math).graph
    assert [n.op for n in graph.operations()] == ["batch_sum"] * 2 and len(graph.outputs) == 2


def test_passes_keep_the_axes():
    graph = canonical(trace(lambda x, a: x * a - sh.batch_mean(x * a), parameters=["a"]).graph)
    assert {n.op: n.axes for n in graph.order}["batch_sum"] == frozenset()
    assert graph.outputs[0].axes == BATCH


def test_counting():
    k = sh.kernel(lambda x, a: sh.batch_sum(x * x) * (a + 1) + sh.batch_max(x), parameters=["a"])
    assert dict(k.count()) == {"add": 1, "mul": 1, "max": 1}
    assert dict(k.count().per_call) == {"add": 2, "mul": 1}
    assert "3 more operations once per call" in str(k.report())
    assert k.report().bytes_out == 0
    assert count(trace(lambda x: sh.batch_sum(x * 1j)).graph).add == 2


# -- outside kernels -------------------------------------------------------------------------------------------------


def test_on_plain_arrays():
    x = np.arange(6.0).reshape(2, 3)
    assert [float(f(x)) for f in (sh.batch_sum, sh.batch_mean, sh.batch_max, sh.batch_min)] == [15, 2.5, 5, 0]
    assert sh.batch_sum(3.0) == 3 and sh.batch_sum(x, axis="mc") == 15
    empty = [float(f(np.empty(0))) for f in (sh.batch_sum, sh.batch_mean, sh.batch_max, sh.batch_min)]
    assert np.array_equal(empty, [0, np.nan, -np.inf, np.inf], equal_nan=True)


# -- kernels in kernels ----------------------------------------------------------------------------------------------


def test_a_kernel_in_a_kernel_is_reduced_over_the_same_batch():
    inner = sh.kernel(lambda x, a: sh.batch_sum(x * a), parameters=["a"])
    outer = sh.kernel(lambda y, b: inner(y, b) + b, parameters=["b"])
    assert outer(np.arange(4.0), 2.0) == 14
    mc = sh.kernel(lambda x, y: inner(y, 2) + sh.batch_sum(x) + inner(3, 2))
    mc = sh.kernel(_with_axes(mc.fn))
    assert mc(np.arange(3.0), np.arange(4.0)) == 12 + 3 + 6


def _with_axes(function):
    function.__annotations__ = {"x": sh.Scalar.over("data"), "y": sh.Scalar.over("mc")}
    return function


def test_arrays_of_events_inside():
    inner = sh.kernel(lambda x: sh.batch_sum(x))
    with pytest.raises(ArgumentError, match=r"inside a kernel it cannot take arrays of shape \(3,\) as events too"):
        trace(lambda v: inner(v), {"v": sh.Vector[3]})
