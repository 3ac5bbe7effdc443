"""Kernels: what they are, and what can be asked of them."""

import copy
import inspect
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import symhep as sh
from symhep.calling import calls
from symhep.errors import ArgumentError
from symhep.kernel import Kernel
from symhep.tracing.trace import trace
from tests.sample_kernels import RNG, Momentum, Pair, boosted, close, columns, mass, propagate, total

# -- what it is ------------------------------------------------------------------------------------------------------


def test_looks_like_the_function():
    assert repr(mass) == "<kernel mass(e, px, py, pz)>"
    assert mass.__name__ == "mass" and mass.__doc__ == "Invariant mass." and mass.__module__ == mass.fn.__module__
    assert list(inspect.signature(mass).parameters) == ["e", "px", "py", "pz"]
    assert mass.fn(2.0, 0.0, 0.0, 0.0) == 2 and [a.name for a in mass.arguments] == ["e", "px", "py", "pz"]


def test_nothing_is_traced_before_it_is_needed():
    traced = []

    @sh.kernel
    def f(x):
        traced.append(1)
        return x + 1

    assert not traced
    f(1.0)
    f(np.ones(3))
    assert len(traced) == 2  # the two runs of one trace


def test_options():
    k = sh.kernel(lambda x: x, dtype="float32", effort="fast", math="strict", parameters="x")
    assert k.options.effort == "fast" and k.options.parameters == ("x",)
    for wrong, text in [
        ({"target": "gpu"}, "target is one of 'auto', 'numpy', 'numba', 'jax', 'cupy', 'c', got 'gpu'"),
        ({"effort": "huge"}, "effort is one of 'fast', 'default', 'max' or a number of seconds, got 'huge'"),
        ({"math": "fast"}, "math is one of 'finite', 'strict', got 'fast'"),
        ({"identities": True}, "identities is one of False, 'probe', got True"),
        ({"dtype": "float16"}, "dtype is float32 or float64, got float16"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            sh.kernel(**wrong)(lambda x: x)
        assert str(caught.value) == text
    with pytest.raises(ArgumentError, match="a kernel is made of a function, got int"):
        sh.kernel(3)


def test_names_that_calls_need():
    with pytest.raises(ArgumentError, match=r"<lambda> has an argument 'out', which every kernel's call has already"):
        sh.kernel(lambda x, out: x)


# -- out, threads ----------------------------------------------------------------------------------------------------


def test_out():
    given = columns(500)
    want = mass(*given)
    for out in (np.empty(500), np.empty((500, 3))[:, 1], np.empty(500, np.complex128)):
        assert mass(*given, out=out) is out
        np.testing.assert_array_equal(out, want)
    p = RNG.normal(size=(100, 4))
    want = boosted(p, 0.5)
    for out in (np.empty((100, 4)), np.empty((4, 100)).T, p):  # the last: onto its own input
        boosted(p, 0.5, out=out)
        np.testing.assert_array_equal(out, want)
    x = np.arange(3.0)
    out = {"a": np.empty(3), "b": (np.empty(3, bool), np.empty((3, 2)))}
    assert sh.kernel(lambda x: {"a": -x, "b": (x > 1, np.stack([x, 1]))})(x, out=out) is out
    assert out["b"][0].tolist() == [False, False, True] and out["b"][1][2].tolist() == [2, 1]
    assert mass(2.0, 0.0, 0.0, 0.0, out=np.empty(())) == 2
    C = np.eye(3)
    assert propagate(C, C, out=np.empty((3, 3))).tolist() == C.tolist()


def test_out_that_does_not_fit():
    given = columns(5)
    for out, text in [
        (np.empty(4), r"mass: out has to be float64 of shape \(5,\), got float64 of shape \(4,\)"),
        (np.empty(5, int), r"mass: out has to be float64 of shape \(5,\), got int64 of shape \(5,\)"),
        ([0.0] * 5, "mass: out is of type list, not a NumPy array"),
    ]:
        with pytest.raises(ArgumentError, match=text):
            mass(*given, out=out)
    with pytest.raises(ArgumentError, match="total: out has the fields sum, list, got dict"):
        total(Pair(Momentum(1.0, np.ones(3)), Momentum(1.0, np.ones(3))), out={})


def test_threads_do_not_change_results():
    given = columns(100_000)
    np.testing.assert_array_equal(mass(*given, threads=1), mass(*given, threads=3))


def test_default_threads(monkeypatch):
    assert calls.default_threads() >= 1
    found = []
    worker = threading.Thread(target=lambda: found.append(calls.default_threads()), name="Dask-Default-Threads-0")
    worker.start()
    worker.join()
    assert found == [1]


def test_concurrent_first_calls():
    k = sh.kernel(lambda x, y: np.exp(-x * x) * y)
    given = columns(2000)[:2]
    want, results = k.fn(*given), []
    barrier = threading.Barrier(8)

    def call():
        barrier.wait()
        results.extend([k(*given), k(given[0][0], 2.0), k(given[0][:10], given[1][:10])])

    threads = [threading.Thread(target=call) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == 24 and len(k._variants) == 1
    for got in results:
        close(got, want[: np.size(got)] if np.ndim(got) else k(given[0][0], 2.0), 1e-12)


# -- statics ---------------------------------------------------------------------------------------------------------


@sh.kernel
def power(x, n: sh.Static, mode="plain"):
    result = x
    for _ in range(n - 1):
        result = result * x
    return -result if mode == "negative" else result


def test_statics():
    x = np.arange(4.0)
    close(power(x, 3), x**3)
    close(power(x, n=2, mode="negative"), -(x**2))
    close(power(2.0, 5), 32)
    assert power.count(n=4).total < power.count(n=16).total


def test_statics_differ_by_type():
    k = sh.kernel(_named)
    assert k(1.0, 1) == 2 and k(1.0, True) == 3 and k(1.0, 1.0) == 4


def _named(x, n: sh.Static):
    return x + {"int": 1, "bool": 2, "float": 3}[type(n).__name__]


def test_statics_that_do_not_work():
    with pytest.raises(ArgumentError, match=r"power: static arguments \(n, mode\) have to be hashable"):
        power(1.0, [3])
    with pytest.raises(ArgumentError, match="power: n is static and has no default"):
        power.count()


# -- what can be asked -----------------------------------------------------------------------------------------------


def test_count_report_source():
    count = mass.count()
    assert count["sqrt"] == 1 and count.total == 8
    assert mass.report().after.total == count.total and "mass" in str(mass.report())
    namespace = {}
    exec(mass.source("numpy"), namespace)
    assert namespace["mass"](2.0, 0.0, 0.0, 0.0) == (2,)


def test_pickle():
    for k in (mass, boosted, total, pickle.loads(pickle.dumps(mass))):
        again = pickle.loads(pickle.dumps(k))
        assert isinstance(again, Kernel) and repr(again) == repr(k) and again.fn is None and again.__doc__ == k.__doc__
    given = columns(50)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(mass))(*given), mass(*given))
    power(1.0, 3)
    again = pickle.loads(pickle.dumps(power))
    assert again(2.0, 3) == 8
    with pytest.raises(ArgumentError, match="power was made without a function: static arguments cannot change"):
        again(2.0, 77)


def test_pickle_of_a_deep_graph():
    def f(x):
        for _ in range(3000):
            x = x * 1.5 + 2
        return x

    traced = trace(f)
    again = pickle.loads(pickle.dumps(traced))
    assert [again.calls[n] for n in again.graph.order] == [traced.calls[n] for n in traced.graph.order]


def test_copies_are_the_kernel():
    assert copy.copy(mass) is mass and copy.deepcopy([mass])[0] is mass


def test_from_traced():
    k = Kernel.from_traced(trace(lambda x, y: x / y))
    close(k(3.0, 2.0), 1.5)
    close(k(np.ones(3), y=2.0), np.full(3, 0.5))


def test_inside_another_kernel():
    @sh.kernel
    def pair(e, px, py, pz):
        p = boosted(np.stack([e, px, py, pz]), 0.25)
        return mass(*p) - mass(e, px, py, pz)

    np.testing.assert_allclose(pair(*columns(200)), 0, atol=1e-12)
    assert pair(2.0, 0.5, 0.25, 1.0) == pytest.approx(0, abs=1e-14)


def test_traced_value_as_a_numpy_object_array():
    k = sh.kernel(lambda x, y: total(Pair(Momentum(x, np.array([x, y, 1])), Momentum(y, [1, 2, 3])))["sum"].p)
    close(k(2.0, 3.0), [3, 5, 4])


# -- imports ---------------------------------------------------------------------------------------------------------


def test_import_is_light():
    heavy = ["numba", "sympy", "jax", "llvmlite", "networkx", "rich", "mpmath", "pandas", "awkward", "scipy"]
    code = f"""
import sys, symhep as sh
assert not [m for m in {heavy!r} if m in sys.modules], sys.modules
kernel = sh.kernel(lambda x: x + 1)
kernel.traced
assert not [m for m in {heavy!r} if m in sys.modules], [m for m in {heavy!r} if m in sys.modules]
assert set(sh.__all__) <= set(dir(sh))
for name in sh.__all__:
    getattr(sh, name)
try:
    sh.nothing
except AttributeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "module 'symhep' has no attribute 'nothing'\n"


@pytest.mark.parametrize("effort", ["fast", "default", "max", 0.5])
def test_every_effort_works(effort):
    assert sh.kernel(lambda x, y: x * y + x / y, effort=effort)(2.0, 4.0) == 8.5
