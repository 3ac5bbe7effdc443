"""Kernels with data given: the same results, with less to do in each call."""

import pickle

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError
from tests.batch.test_staged import TARGETS, negative_log_likelihood, two_sets, values

M = values(5000)
POINT = (2.0, 0.3, 0.4)


@pytest.mark.parametrize("target", TARGETS)
def test_a_likelihood_of_its_parameters(target):
    bound = negative_log_likelihood.to(target).bind(m=M)
    want = negative_log_likelihood(M, *POINT)
    assert bound(*POINT) == pytest.approx(want, rel=1e-14)
    assert bound(2, width=0.3, fraction=np.float64(0.4)) == bound(*POINT)
    assert bound.kept == 1 and bound.nbytes == M.nbytes
    assert [a.name for a in bound.arguments] == ["mass", "width", "fraction"]


def test_repr_tells_the_memory():
    text = "<negative_log_likelihood of mass, width and fraction, bound to m: 5,000 events, keeps 1 column, 0.04 MB>"
    assert repr(negative_log_likelihood.bind(m=M)) == text


def test_what_is_kept():
    """Only what the data alone decide, and only where it costs more than to read it."""
    k = sh.kernel(lambda x, y, a: np.exp(np.sin(x)) * a + (x + 1) * y, parameters=["a"])
    assert k.bind(x=M).kept == 1 and k.bind(a=2.0).kept == 0 and k.bind(y=M).kept == 0
    assert "exp" not in str(k.bind(x=M)._runner.program.graph.order)


@sh.kernel(parameters=["a"])
def several(x, y, a):
    away = np.exp(x) - sh.batch_mean(np.exp(x))
    return a * away / np.sqrt(sh.batch_mean(away * away)), np.sin(x) * y * a, 1.0, a, x


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("y", [values(5000).reshape(50, 100) - 2, 3.0])
def test_columns_that_are_left(target, y):
    x = M.reshape(50, 100)
    found, want = several.to(target).bind(x=x)(y, 2.0), several.to(target)(x, y, 2.0)
    for a, b in zip(found, want, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_kernels_without_reductions():
    def function(x, y, a, z):
        return np.exp(np.sin(x[0] * x[1])) * y * a * np.exp(z), x

    function.__annotations__ = {"x": sh.Vector[2], "z": sh.Complex}
    k = sh.kernel(function, parameters=["a"])
    x, y, z = values(50, 2), values(50), values(50) + 1j
    bound = k.bind(x=x, z=z)
    for a, b in zip(bound(y, 2.0), k(x, y, 2.0, z), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)
    assert np.array_equal(bound(y=y, a=2)[1], x)


def test_two_sets_of_events():
    m, x, w = values(300), values(40, 2), values(40)
    want = two_sets(m, x, w, 2.0)
    for bound, rest in ((two_sets.bind(m=m, scale=2), (x, w)), (two_sets.bind(x=x, w=w), (m, 2.0))):
        for a, b in zip(bound(*rest), want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14)


def test_lists_and_tables():
    pandas = pytest.importorskip("pandas")
    want = negative_log_likelihood(M, *POINT)
    for data in (M.tolist(), pandas.Series(M), pandas.DataFrame({"m": M})["m"]):
        assert negative_log_likelihood.bind(m=data)(*POINT) == pytest.approx(want, rel=1e-14)


def test_single_precision():
    bound = negative_log_likelihood.bind(m=M.astype(np.float32))
    assert bound(*POINT).dtype == np.float32 and bound.nbytes == M.nbytes / 2
    assert bound(*POINT) == pytest.approx(negative_log_likelihood(M, *POINT), rel=1e-5)


def test_statics_out_and_threads():
    k = sh.kernel(lambda x, a, n=True: sh.batch_sum(x**2 if n else x) * a, parameters=["a"])
    assert k.bind(x=M, n=False)(2.0) == k(M, 2.0, n=False) and k.bind(x=M)(2.0) == k(M, 2.0)
    out = np.zeros(())
    assert k.bind(x=M)(2.0, out=out, threads=2) is out and out == k(M, 2.0)


def test_pickles():
    bound = pickle.loads(pickle.dumps(negative_log_likelihood.bind(m=M)))
    assert bound(*POINT) == negative_log_likelihood.bind(m=M)(*POINT)


def test_errors():
    k = negative_log_likelihood
    for call, text in [
        (lambda: k.bind(mm=M), r"negative_log_likelihood has no argument 'mm'\n.*\n  write instead: m$"),
        (lambda: k.bind(), r"bind\(\) without data\n.*\n  write instead: negative_log_likelihood.bind\(m=m\)"),
        (lambda: k.bind(m=M)(*POINT, m=M), "m is bound already"),
        (lambda: k.bind(m=M)(1.0), "misses 2 arguments: width and fraction"),
        (lambda: several.bind(x=M)(M[:3], 1.0), r"the arguments have the batch shape \(3,\), the bound data \(5000,\)"),
        (lambda: k.bind(m=["a"]), "m holds <U1, not numbers"),
        (
            lambda: k.with_options(target="jax").bind(m=M),
            r'for the target jax\n.*\n  write instead: .*to\("numba"\).bind',
        ),
    ]:
        with pytest.raises(ArgumentError, match=text):
            call()
