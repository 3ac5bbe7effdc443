"""What of NumPy cannot be done with traced values: the exact texts."""

from functools import partial

import numpy as np
import pytest

import symhep as sh
from symhep.tracing.trace import trace
from tests import refused
from tests.refused import VALUE

CASES = []
case = partial(refused.case, CASES)


@case(
    VALUE.format("storing into a NumPy array"),
    "sh.zeros(shape) in place of np.zeros(shape), or sh.array of a list",
    line=2,
)
def array_assignment(x):
    a = np.zeros(4, dtype=complex)
    a[1] = x
    return a


@case("np.add cannot store traced values in a NumPy array", "a = a + b in place of a += b", line=2)
def array_update(x):
    a = np.zeros(2)
    a += np.stack([x, x])
    return a


@case(
    "np.array of complex traced values: NumPy would lose .real and .imag of its elements",
    "sh.array in place of np.array and np.asarray",
)
def array_of_complex(x):
    return np.array([x, x * 1j])


@case(VALUE.format("np.asarray"), "sh.array([...]), without dtype=float")
def array_of_floats(x):
    return np.asarray(x, dtype=float)


@case(VALUE.format("a comparison of NumPy's arrays of Python objects"), "sh.array([...]) in place of np.array([...])")
def comparison_of_objects(x):
    return np.array([x, x + 1]) > 0


@case("NumPy's arrays of Python objects cannot do this", "sh.array([...]) in place of np.array([...])")
def function_of_objects(x):
    return np.sqrt(np.array([x, 2.0]))


@case(VALUE.format("np.max"), "np.max(sh.array([x, 2 * x]))")
def maximum_of_list(x):
    return np.max([x, 2 * x])


@case(VALUE.format("np.sort (not supported)"), "a formula for one event")
def sort_of_list(x):
    return np.sort([x, 2 * x])


@case("np.argmax is not supported on traced values", "np.amax, np.max or np.fmax")
def unknown_function(x):
    return np.argmax(np.stack([x, x]))


@case("np.frexp is not supported on traced values", "np.exp, np.exp2 or np.expm1")
def unknown_ufunc(x):
    return np.frexp(x)


@case("np.fft.fft is not supported on traced values")
def unknown_submodule(x):
    return np.fft.fft(np.stack([x, x]))


@case(
    "np.sum of one value per event: NumPy reductions act on core axes, and a scalar has none",
    "sh.batch_sum(x) for all events, or sh.array([a, b, c]) to combine values of one event",
)
def sum_over_events(x):
    return np.sum(x)


@case(
    "np.mean of one value per event: NumPy reductions act on core axes, and a scalar has none",
    "sh.batch_mean(x) for all events, or sh.array([a, b, c]) to combine values of one event",
)
def mean_over_events(x):
    return x.mean()


@case("np.floor of complex values: complex numbers have no order", "x.real, x.imag or abs(x)")
def floor_of_complex(x):
    return np.floor(x + 1j)


@case("np.less of complex values: complex numbers have no order", "x.real, x.imag or abs(x)")
def order_of_complex(x):
    return x < 1j


@case("np.bitwise_and of numbers: bitwise operations combine conditions here", "conditions, such as (x > 0) & (y > 0)")
def bits(x):
    return x & 1


@case("`~` of a number: it negates conditions", "-x, or x == 0")
def inverted_bits(x):
    return ~x


@case(
    "a constant array of 100 elements, shape (10, 10), inside a kernel: more than 64 are not supported yet",
    "an argument of the kernel",
)
def large_constant(x):
    return x * np.ones((10, 10))


@case("np.where with one argument: how many are found differs from event to event", "np.where(c, a, b)")
def where_of_condition(x):
    return np.where(x > 0)


@case("a traced mask picks different elements in each event", "np.where(condition, a, b)", line=2)
def mask(x):
    p = np.stack([x, 2 * x])
    return p[p > 0]


@case("where= of np.maximum", "np.where(condition, np.maximum(...), other)")
def where_option(x):
    return np.maximum(x, 0, where=x > 1)


@case("np.linalg.det of shape (2, 3): one square matrix per event is needed")
def determinant_of_rectangle(x):
    return np.linalg.det(sh.array([[x, x, x], [x, x, x]]))


LOST = "np.array of traced values is an array of Python objects: NumPy lost what was complex in it"


@case(LOST, "sh.array in place of np.array and np.asarray", line=1)
def imaginary_part_of_objects(x, y):
    p = np.array([x, y]) * 1j
    return p.imag[0] + x


@case(LOST, "sh.array in place of np.array and np.asarray", line=1)
def norm_of_objects(p: sh.Vector[2], C: sh.Symmetric[2], z: sh.Complex, *, flag: sh.Boolean):
    a = np.asarray(p) * (1 + 2j)
    return np.linalg.norm(a) + C[0, 1] * abs(z) + flag


_their_exp = np.frompyfunc(lambda x: x, 1, 1)


@case("np.<lambda> (vectorized) is not supported on traced values")
def ufunc_of_somebody_else(x):
    return _their_exp(x)


@pytest.mark.parametrize("function, text", CASES)
def test_refusal(function, text):
    refused.check(function, text)


def test_objects_that_lose_nothing():
    def f(x, y):
        p = np.array([x, y])
        return abs(p[0] + 1j * p[1]) + (p * 1j).conj()[0]

    assert trace(f).graph.outputs[0].dtype == "complex"


def test_objects_in_a_function_that_needs_traced_values():
    def f(x, y):
        p = np.array([x, y])
        return p[0] * x.kind.count("real") + 1j * y

    assert trace(f).graph.outputs[0].dtype == "complex"
