"""Kernels with reductions, run: values against NumPy, on both targets."""

import math
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError
from symhep.targets import native, numba
from symhep.targets import numpy as numpy_target

TARGETS = ["numba", "numpy"]
RNG = np.random.default_rng(5)


@sh.kernel(parameters=("mass", "width", "fraction"))
def negative_log_likelihood(m, mass, width, fraction):
    peak = width / ((m - mass) ** 2 + width**2)
    return -sh.batch_sum(np.log(fraction * peak + (1 - fraction) * np.exp(-m)))


@sh.kernel
def standardise(x):
    away = x - sh.batch_mean(x)
    return away / np.sqrt(sh.batch_mean(away**2))


@sh.kernel
def softmax(x):
    e = np.exp(x - sh.batch_max(x))
    return e / sh.batch_sum(e)


@sh.kernel
def many(x, v: sh.Vector[2], z: sh.Complex) -> dict:
    return {
        "sums": sh.batch_sum(v),
        "complex": sh.batch_mean(z * x),
        "range": (sh.batch_min(x), sh.batch_max(x)),
        "above": sh.batch_max(x) > 2,
        "count": sh.batch_sum(x > 0),
        "away": v - sh.batch_mean(v),
        "constant": 3.0,
        "mixed": sh.array([x, 1, sh.batch_sum(x)]),
    }


@sh.kernel
def two_sets(
    m: sh.Scalar.over("data"), x: sh.Vector[2].over("mc"), w: sh.Scalar.over("mc"), scale: sh.Scalar.over("data")
):
    norm = sh.batch_sum(w * x[0])
    return norm * sh.batch_sum(np.log(m * scale)), m * scale / norm, x[1] * sh.batch_mean(m)


def values(n, *shape):
    return np.random.default_rng(n).uniform(1, 3, (n, *shape))


# -- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 63, 64, 65, 4095, 4096, 4097, 100_000])
def test_one_sum(target, n):
    m = values(n)
    total = negative_log_likelihood.to(target)(m, 2.0, 0.3, 0.4)
    each = sh.kernel(lambda m: np.log(0.4 * 0.3 / ((m - 2) ** 2 + 0.3**2) + 0.6 * np.exp(-m)))
    assert type(total) is np.float64
    assert abs(total + math.fsum(each(m))) <= 1e-15 * np.abs(each(m)).sum()


@pytest.mark.parametrize("target", TARGETS)
def test_passes_over_the_events(target):
    x = values(3000)
    np.testing.assert_allclose(standardise.to(target)(x), (x - x.mean()) / x.std(), rtol=1e-12, atol=1e-13)
    e = np.exp(x - x.max())
    np.testing.assert_allclose(softmax.to(target)(x), e / e.sum(), rtol=1e-14)


@pytest.mark.parametrize("target", TARGETS)
def test_containers_of_results(target):
    x, v, z = RNG.normal(size=500), RNG.normal(size=(500, 2)), RNG.normal(size=500) + 1j * RNG.normal(size=500)
    found = many.to(target)(x, v, z)
    np.testing.assert_allclose(found["sums"], v.sum(0), rtol=1e-13)
    np.testing.assert_allclose(found["complex"], (z * x).mean(), rtol=1e-13)
    assert found["range"] == (x.min(), x.max()) and found["above"] == (x.max() > 2)
    assert found["count"] == (x > 0).sum() and found["constant"] == 3 and np.shape(found["constant"]) == ()
    np.testing.assert_allclose(found["away"], v - v.mean(0), rtol=1e-12, atol=1e-14)
    assert found["mixed"].shape == (500, 3) and np.array_equal(found["mixed"][:, 1], np.ones(500))


@pytest.mark.parametrize("target", TARGETS)
def test_two_sets_of_events(target):
    m, x, w = values(300), values(40, 2), values(40)
    total, data, mc = two_sets.to(target)(m, x, w, 2.0)
    norm = (w * x[:, 0]).sum()
    np.testing.assert_allclose(total, norm * np.log(2 * m).sum(), rtol=1e-14)
    np.testing.assert_allclose(data, 2 * m / norm, rtol=1e-14)
    np.testing.assert_allclose(mc, x[:, 1] * m.mean(), rtol=1e-14)
    same = two_sets.to(target)(m.reshape(30, 10), x.reshape(4, 10, 2), w.reshape(4, 10), 2.0)
    assert same[0] == total and same[1].shape == (30, 10) and same[2].shape == (4, 10)
    with pytest.raises(ArgumentError, match=r"batch shapes do not broadcast: x has \(40,\), w has \(39,\)"):
        two_sets(m, x, w[1:], 2.0)


@pytest.mark.parametrize("target", TARGETS)
def test_batches_of_any_shape(target):
    x = values(600)
    k = standardise.to(target)
    assert np.array_equal(k(x.reshape(20, 30)), k(x).reshape(20, 30))
    sums = sh.kernel(lambda x, y: sh.batch_sum(x * y)).to(target)
    assert sums(x.reshape(20, 30), x[:30]) == pytest.approx((x.reshape(20, 30) * x[:30]).sum(), rel=1e-14)
    assert sums(x[::-3], x[0]) == pytest.approx((x[::-3] * x[0]).sum(), rel=1e-14)
    assert sums(x.reshape(20, 30).T[::2], 1) == pytest.approx(x.reshape(20, 30).T[::2].sum(), rel=1e-14)
    assert sums(2, 3) == 6 and type(sums(2, 3)) is np.float64


def test_no_events():
    k = sh.kernel(lambda x: (sh.batch_sum(x), sh.batch_mean(x), sh.batch_max(x), sh.batch_min(x), x - sh.batch_mean(x)))
    for target in TARGETS:
        *found, each = k.to(target)(np.empty(0))
        assert np.array_equal(found, [0, np.nan, -np.inf, np.inf], equal_nan=True) and each.shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_special_values(bad):
    x = values(5000)
    x[1234] = bad
    k = sh.kernel(lambda x: (sh.batch_sum(x), sh.batch_mean(x), sh.batch_max(x), sh.batch_min(x)))
    want = [x.sum(), x.mean(), x.max(), x.min()]
    for target in TARGETS:
        assert np.array_equal(k.to(target)(x), want, equal_nan=True)


def test_single_precision():
    x = values(100_000).astype(np.float32)
    total = sh.kernel(lambda x: sh.batch_sum(x))(x)
    assert total.dtype == np.float32 and total == np.float32(math.fsum(x.tolist()))
    assert standardise(x).dtype == np.float32


def test_sums_beyond_single_precision_are_infinite():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for target in TARGETS:
            k = sh.kernel(lambda x: (sh.batch_sum(x), sh.batch_max(x) - x)).to(target)
            total, rest = k(np.full(10, 3e38, np.float32))
            assert np.isinf(total) and not rest.any()


def test_threads_and_vectors_change_nothing(monkeypatch):
    monkeypatch.setattr(native, "THREAD_WORK", 1)
    x = values(50_000) * 10.0 ** RNG.integers(-8, 8, 50_000)
    kernels = [negative_log_likelihood.fn, standardise.fn, softmax.fn]
    for function, rest in zip(kernels, [(2.0, 0.3, 0.4), (), ()]):
        found = []
        for width in (2, 4, 8):
            monkeypatch.setattr(native, "compile_program", partial(native.compile_program, width=width))
            k = sh.kernel(function, parameters=("mass", "width", "fraction")[: len(rest)])
            found += [k(x, *rest, threads=threads) for threads in (1, 2, 3)]
            monkeypatch.undo()
            monkeypatch.setattr(native, "THREAD_WORK", 1)
        assert all(np.array_equal(found[0], other) for other in found)


def test_calls_from_many_threads():
    data = [values(n) for n in range(3000, 3040)]
    want = [softmax(x) for x in data]
    with ThreadPoolExecutor(4) as pool:
        assert all(map(np.array_equal, pool.map(softmax, data), want))


# -- calls -----------------------------------------------------------------------------------------------------------


def test_out():
    x = values(100)
    k = sh.kernel(lambda x: (sh.batch_sum(x), x - sh.batch_mean(x)))
    out = np.zeros(()), np.zeros(100)
    assert k(x, out=out) is out
    assert out[0] == k(x)[0] and np.array_equal(out[1], k(x)[1])
    with pytest.raises(ArgumentError, match=r"out\[0\] has to be float64 of shape \(\), got float64 of shape \(100,\)"):
        k(x, out=(np.zeros(100), np.zeros(100)))


def test_pickles():
    k = pickle.loads(pickle.dumps(two_sets))
    m, x, w = values(30), values(4, 2), values(4)
    assert k(m, x, w, 2.0)[0] == two_sets(m, x, w, 2.0)[0]


def test_expressions_and_accuracy():
    k = sh.kernel(lambda x, a: sh.name(sh.batch_sum(x * a), "total") + 1, parameters=["a"])
    assert str(k.expr) == "batch_sum(a*x) + 1"
    mean = sh.kernel(lambda x, a: sh.batch_mean(x * a) + sh.batch_max(x), parameters=["a"])
    again = sh.compile(mean.expr, mean.arguments)
    assert again(np.arange(5.0), 2.0) == mean(np.arange(5.0), 2.0) == 8
    assert k.accuracy(20).after.max < 2
    assert "total" in k.source("numba")


def test_inside_njit():
    from numba import njit
    from numba.core.errors import TypingError

    with pytest.raises(TypingError, match="inside @njit a symhep kernel works event by event"):
        njit(lambda x: softmax(x))(np.ones(3))


# -- sources ---------------------------------------------------------------------------------------------------------

CASES = {
    "one sum": (negative_log_likelihood, lambda dtype: [values(9000), 2.0, 0.3, 0.4]),
    "standardise": (standardise, lambda dtype: [values(9000)]),
    "softmax": (softmax, lambda dtype: [values(4100)]),
    "two sets": (two_sets, lambda dtype: [values(5000), *values(300, 2).T, values(300), values(5000)]),
    "many": (many, lambda dtype: [values(70), *values(71, 2)[:70].T, values(72)[:70], values(73)[:70]]),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_sources_have_the_same_bits(name, dtype):
    k, columns = CASES[name]
    k = k.with_options(dtype=dtype)
    given = [dtype(c) if np.ndim(c) == 0 else c.astype(dtype) for c in columns(dtype)]
    variant = k.variant()
    rest = [np.atleast_1d(c) for c in given]
    sizes = {axis: c.size for n, c in zip(variant.optimised.graph.inputs, rest) for axis in n.axes}
    for target, load in (("numba", numba.load), ("numpy", numpy_target.load)):
        outputs = [np.empty([sizes[axis] for axis in axes] or 1, dtype) for axes in variant.axes]
        k.to(target).variant().runner(np.dtype(dtype)).run(rest, outputs)
        found = load(k.source(target))(rest if target == "numba" else given)
        assert len(found) == len(outputs)
        for a, b in zip(found, outputs):
            assert np.array_equal(np.broadcast_to(a, b.shape), b)
