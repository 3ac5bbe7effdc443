"""Kernels in other processes: what travels with a pickle, and that nothing is compiled again there."""

import multiprocessing
import os
import pickle
from typing import NamedTuple

import numpy as np
import pytest

import symhep as sh
from symhep.caching import cache
from symhep.targets import native

COLUMNS = [np.random.default_rng(k).uniform(0.5, 1.5, 57) for k in range(3)]


class Pair(NamedTuple):
    first: sh.Scalar
    second: sh.Complex


@sh.kernel
def formula(x, y, z):
    s = sh.name(np.sqrt(x * x + y * y), "s")
    for k in range(1, 12):
        s = s + np.exp(-s * z / k) * np.sin(k * x + y) / (1 + s * s)
    return s


@sh.kernel(parameters=("z",), domain=sh.box(x=(1, 2), z=(1, 2), p={"first": (1, 2), "second": (1, 2)}))
def others(x, p: Pair, z, *, n: sh.Static = 2):
    return {"a": x**n + p.first * z, "b": [p.second * z, np.exp(p.second)], "c": x > 1}


def compiled_nothing(kernel) -> tuple:
    """In a worker: the result, how much was looked for in the cache, and how often code was made."""
    made = []
    native.machine_code = lambda text, real=native.machine_code: made.append(text) or real(text)
    native._drivers.clear()  # a forked worker has its parent's
    cache.statistics.clear()
    return kernel(*COLUMNS).tobytes(), dict(cache.statistics), len(made), "symhep.passes" in __import__("sys").modules


def fresh():
    """The same kernel, as if this process had only just defined it."""
    return sh.kernel(formula.fn)


@pytest.fixture(autouse=True)
def own_cache(cache_dir, monkeypatch):
    monkeypatch.setattr(native, "_drivers", {})


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes(method, root, monkeypatch):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]))
    kernel = fresh()
    expected = kernel(*COLUMNS).tobytes()
    with multiprocessing.get_context(method).Pool(1) as pool:
        result, statistics, made, _ = pool.apply(compiled_nothing, (kernel,))
    assert result == expected and made == 0
    assert statistics == {"code hits": 2}  # its own code and the driver; the optimised program came with the pickle


def test_what_travels():
    kernel = fresh()
    bare = pickle.loads(pickle.dumps(kernel))
    assert bare.variant()._saved is None and bare.variant()._optimised is None
    assert kernel.variant().optimised and pickle.loads(pickle.dumps(kernel)).variant()._saved.verified is False
    kernel(*COLUMNS)
    again = pickle.loads(pickle.dumps(kernel))
    assert again.variant()._saved.verified and again.fn is None
    twice = pickle.loads(pickle.dumps(again))
    for k in (again, twice):
        assert np.array_equal(k(*COLUMNS), kernel(*COLUMNS))
        assert k.variant().verification == kernel.variant().verification
        assert k.variant().verify_seconds == kernel.variant().verify_seconds > 0
        assert k.count() == kernel.count() and k.source() == kernel.source()
        assert k.variant().optimised.stages == kernel.variant().optimised.stages


def test_nothing_is_searched_or_verified_again(monkeypatch):
    from symhep import naming, passes
    from symhep.checking import verify

    kernel = fresh()
    expected = kernel(*COLUMNS)
    data = pickle.dumps(kernel)

    def refused(*arguments, **named):
        raise AssertionError("done again")

    for module, name in ((passes, "optimise"), (verify, "verify"), (naming, "named")):
        monkeypatch.setattr(module, name, refused)
    monkeypatch.setenv("SYMHEP_CACHE", "off")
    assert np.array_equal(pickle.loads(data)(*COLUMNS), expected)


def test_all_kinds_of_arguments_and_results():
    x, y, z = COLUMNS
    given = (x, Pair(y, y + 1j * z), 1.5)
    expected = others(*given, n=3)
    again = pickle.loads(pickle.dumps(others))
    found = again(*given, n=3)
    for a, b in zip((found["a"], *found["b"], found["c"]), (expected["a"], *expected["b"], expected["c"])):
        assert a.dtype == b.dtype and np.array_equal(a, b)
    assert repr(again.options) == repr(others.options)
    with pytest.raises(sh.ArgumentError, match="static arguments cannot change"):
        again(*given, n=4)


def test_pickles_are_the_same_every_time():
    kernel = fresh()
    kernel(*COLUMNS)
    assert pickle.dumps(kernel) == pickle.dumps(kernel)
    assert pickle.dumps(pickle.loads(pickle.dumps(kernel)).traced.graph) == pickle.dumps(kernel.traced.graph)


def test_cloudpickle():
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle comes with dask: pip install 'symhep[dask]'")
    kernel = fresh()

    def weighted(weights, *columns):
        return weights * kernel(*columns)

    again = pickle.loads(cloudpickle.dumps(weighted))
    assert np.array_equal(again(2.0, *COLUMNS), weighted(2.0, *COLUMNS))


def test_dask(root):
    distributed = pytest.importorskip("distributed", reason="dask is missing: pip install 'symhep[dask]'")
    kernel = fresh()
    expected = kernel(*COLUMNS).tobytes()
    settings = dict(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    environment = {"PYTHONPATH": str(root)}
    with distributed.LocalCluster(**settings, env=environment) as cluster, distributed.Client(cluster) as client:
        workers = list(client.scheduler_info()["workers"])
        found = [client.submit(compiled_nothing, kernel, workers=[w], pure=False).result(60) for w in workers]
        again = client.submit(lambda *c: kernel(*c) + 1, *COLUMNS).result(60)
    for result, statistics, made, searched in found:
        assert result == expected and made == 0 and statistics == {"code hits": 2} and not searched
    assert np.array_equal(again, kernel(*COLUMNS) + 1)
