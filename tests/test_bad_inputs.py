"""Every bad input of the list gives exactly its error, and all of them are in the catalogue."""

import warnings

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError, SymhepError
from symhep.tracing.trace import trace
from tests.bad_functions import CASES
from tests.bad_inputs import BAD_INPUTS, NAMES, X


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.call)
def test_bad_input(bad):
    with pytest.raises(SymhepError) as caught, warnings.catch_warnings():
        warnings.simplefilter("error")
        eval(bad.call, dict(NAMES))
    assert str(caught.value) == bad.expected
    assert type(caught.value) is bad.kind


@pytest.mark.parametrize("function, text", CASES)
def test_refused_function(function, text):
    with pytest.raises(SymhepError) as caught:
        trace(function)
    assert str(caught.value) == text


def test_there_are_many():
    calls = [bad.call for bad in BAD_INPUTS]
    assert len(calls) + len(CASES) >= 75 and len(set(calls)) == len(calls)


# -- what looks like a bad input and is none -------------------------------------------------------------------------


def test_whole_floats_are_integers():
    repeated = NAMES["repeated"]
    np.testing.assert_array_equal(repeated(np.array([1.0, 2.0]), 3.0), [3.0, 6.0])
    assert repeated(True, 2.0) == 2 and repeated(2**60, 1.0) == 2.0**60


def test_parts_of_one_array_can_take_the_results():
    both = np.zeros((3, 2))
    NAMES["polar"](X, X, out=(both[:, 0], both[:, 1]))
    np.testing.assert_allclose(both, [[np.sqrt(2), np.pi / 4]] * 3)
    wide = np.zeros(3)
    assert NAMES["mass"](*[2 * X.astype(np.float32), 0 * X.astype(np.float32)] * 2, out=wide) is wide


def test_covariances_with_rounding():
    C = np.array([[1.0, 0.5], [0.5 * (1 + 1e-14), 1.0]])
    found = sh.propagate(NAMES["polar"], C)(1.0, 0.0)
    np.testing.assert_allclose(found, [[1.0, 0.5], [0.5, 1.0]], rtol=1e-12)
    assert sh.propagate(lambda x: 2 * x, [[0.0]])(1.0) == 0


def test_registered_operations_by_keyword():
    from tests.bad_inputs import product

    k = sh.kernel(lambda a, b: product(y=b, x=2 * a))
    assert k(3.0, 5.0) == 30 and sh.grad(k)(3.0, 5.0) == {"a": 10, "b": 6}
    assert product(x=2.0, y=3.0) == 6


def test_derivatives_with_static_arguments_are_checked_for_their_values():
    assert sh.check_derivatives(NAMES["power"], n=3).points == 3
    with pytest.raises(ArgumentError, match="power has no static argument 'm'"):
        sh.check_derivatives(NAMES["power"], m=3)


SHAPES = [(), (1,), (3,), (2, 3), (1, 3), (3, 1), (0,)]


@pytest.mark.parametrize("bound", SHAPES)
@pytest.mark.parametrize("reduce", [False, True])
def test_bound_data_take_what_the_call_takes(bound, reduce):
    """Where a batch broadcasts to that of the bound data; and never what the call refuses."""
    f = lambda x, y: sh.batch_sum(np.exp(x) * y) if reduce else np.exp(x) * y
    k = sh.kernel(eval("lambda x, y: f(x, y)", {"f": f}))
    x = np.full(bound, 0.3)
    for shape in SHAPES:
        y = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape) + 1
        try:
            whole = np.broadcast_shapes(bound, shape)
        except ValueError:
            whole = None
        if whole == bound:
            np.testing.assert_allclose(k.bind(x=x)(y), k(x, y), rtol=1e-15)
        else:
            with pytest.raises(ArgumentError, match="the arguments have the batch shape"):
                k.bind(x=x)(y)


def test_integers_beside_bound_data():
    @sh.kernel(parameters=("n",))
    def moments(x, n: sh.Integer):
        return sh.batch_sum(x * n)

    bound = moments.bind(x=X)
    assert bound(2) == bound(2.0) == 6
    with pytest.raises(ArgumentError, match=r"moments: n is an integer argument, got 2\.5"):
        bound(2.5)
