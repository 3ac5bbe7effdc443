"""Calls of kernels: what goes in, what comes out, and what is refused."""

import inspect
import pickle
import subprocess
import sys
import threading
import types
from dataclasses import dataclass
from typing import NamedTuple

import awkward as ak
import numpy as np
import pandas as pd
import pytest

import symhep as sh
from symhep import calls
from symhep.errors import ArgumentError, TargetError
from symhep.kernel import Kernel
from symhep.trace import trace

RNG = np.random.default_rng(2)


@sh.kernel
def mass(e, px, py, pz):
    """Invariant mass."""
    return np.sqrt(e * e - px * px - py * py - pz * pz)


@sh.kernel
def boosted(p: sh.Vector[4], beta):
    gamma = 1 / np.sqrt(1 - beta * beta)
    return np.stack([gamma * (p[0] - beta * p[3]), p[1], p[2], gamma * (p[3] - beta * p[0])])


def columns(n=1000, dtype=float):
    p = RNG.normal(size=(3, n))
    return [c.astype(dtype) for c in (np.sqrt((p * p).sum(0) + 1), *p)]


def close(got, want, rtol=1e-13):
    np.testing.assert_allclose(got, want, rtol=rtol)


@pytest.fixture(params=["auto", "numpy"])
def target(request):
    return request.param


# -- what it is ------------------------------------------------------------------------------------------------------


def test_looks_like_the_function():
    assert repr(mass) == "<kernel mass(e, px, py, pz)>"
    assert mass.__name__ == "mass" and mass.__doc__ == "Invariant mass." and mass.__module__ == __name__
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
        ({"effort": "huge"}, "effort is one of 'fast', 'default', 'max', got 'huge'"),
        ({"math": "fast"}, "math is one of 'finite', 'strict', got 'fast'"),
        ({"identities": True}, "identities is one of False, 'probe', got True"),
        ({"dtype": "float16"}, "dtype is float32 or float64, got float16"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            sh.kernel(**wrong)(lambda x: x)
        assert str(caught.value) == text
    with pytest.raises(ArgumentError, match="a kernel is made of a function, got int"):
        sh.kernel(3)


# -- scalars and columns ---------------------------------------------------------------------------------------------


def test_columns(target):
    k = mass.to(target)
    for n in (0, 1, 7, 64, 65, 1000, 10_001):
        given = columns(n)
        got = k(*given)
        assert got.shape == (n,) and got.dtype == float and got.flags.c_contiguous
        close(got, mass.fn(*given), 1e-12)


def test_numbers(target):
    k = mass.to(target)
    for given in [
        (2.0, 0.5, 0.25, 0.125),
        (2, 1, 0, 0),
        tuple(map(np.float64, (2, 1, 0.5, 0))),
        (2.0, 1, np.float64(0), 0),
    ]:
        got = k(*given)
        assert type(got) is np.float64
        close(got, mass.fn(*map(float, given)))
    assert type(k(*map(np.float32, (2, 1, 0.5, 0)))) is np.float32
    assert type(k(*[np.array(v) for v in (2.0, 1, 0.5, 0)])) is np.float64
    assert type(k(True, False, 0, 0)) is np.float64


@pytest.mark.parametrize(
    "dtypes, result",
    [
        (("f8", "f8"), "f8"),
        (("f4", "f4"), "f4"),
        (("f4", "f8"), "f8"),
        (("i8", "i8"), "f8"),
        (("i4", "f4"), "f8"),
        (("i2", "f4"), "f4"),
        (("?", "f4"), "f4"),
        (("?", "u1"), "f8"),
        (("f2", "f2"), "f4"),
        ((">f8", ">f8"), "f8"),
        ((">f4", "f4"), "f4"),
        (("f4", float), "f4"),
        (("f4", int), "f4"),
        (("f8", int), "f8"),
        (("i4", float), "f8"),
        (("f4", np.float64), "f8"),
    ],
)
def test_dtype_follows_the_inputs(dtypes, result):
    k = sh.kernel(lambda x, y: x * y + 1)
    x, y = [np.array([3, 1, 2]).astype(d) if isinstance(d, str) else d(2) for d in dtypes]
    got = k(x, y)
    assert got.dtype == np.dtype(result)
    close(got, np.asarray(x, float) * np.asarray(y, float) + 1)


def test_dtype_casts():
    k = sh.kernel(lambda x: x * 0.1, dtype=np.float32)
    assert k(np.ones(3)).dtype == np.float32 and type(k(1.0)) is np.float32
    assert k(1.0) == np.float32(0.1)
    assert sh.kernel(lambda x: x, dtype=float)(np.ones(2, np.float32)).dtype == float


def test_broadcasting():
    x, y = RNG.normal(size=(5, 1)), RNG.normal(size=(1, 7))
    k = sh.kernel(lambda x, y, z: x * y - z)
    for given in [(x, y, 2.0), (x, y[0], np.ones((5, 7))), (1.0, y, 3), (x[:, 0], 2.0, 1), (x[:, :, None], y, y[0])]:
        close(k(*given), given[0] * given[1] - given[2])
        assert k(*given).shape == np.broadcast_shapes(*map(np.shape, given))
    assert k(x[:0], y, 1.0).shape == (0, 7)


def test_layouts():
    k = sh.kernel(lambda x, y: x - 2 * y)
    table = RNG.normal(size=(200, 5))
    packed = np.zeros(200, dtype=[("a", "i1"), ("x", "f8"), ("y", "f8")])  # rows of 17 bytes
    packed["x"], packed["y"] = table[:, 0], table[:, 1]
    read_only = table.copy()
    read_only.setflags(write=False)
    want = table[:, 0] - 2 * table[:, 1]
    for x, y in [
        (table[:, 0], table[:, 1]),
        (table.T.copy()[0], table[:, 1]),
        (packed["x"], packed["y"]),
        (read_only[:, 0], read_only[:, 1]),
        (table[:, 0].tolist(), tuple(table[:, 1])),
        (pd.Series(table[:, 0]), pd.Series(table[:, 1], index=range(200, 0, -1))),
        (ak.Array(table[:, 0]), ak.Array(table[:, 1])),
        (memoryview(table[:, 0].copy()), table[:, 1]),
    ]:
        np.testing.assert_array_equal(k(x, y), want)
    np.testing.assert_array_equal(k(table[::-3, 0], table[::-3, 1]), want[::-3])


def test_defaults_and_keywords():
    @sh.kernel
    def f(x, scale=2.0, *, shift=1.0):
        return x * scale + shift

    x = np.arange(3.0)
    close(f(x), 2 * x + 1)
    close(f(x, 3.0), 3 * x + 1)
    close(f(scale=x, x=x, shift=x), x * x + x)
    close(f(2.0, shift=np.ones(4)), np.full(4, 5.0))


def test_parameters():
    k = sh.kernel(lambda m, mass, width: 1 / ((m - mass) ** 2 + width), parameters=("mass", "width"))
    m = RNG.normal(size=100)
    close(k(m, 1.0, np.array(0.5)), 1 / ((m - 1) ** 2 + 0.5))
    close(k(m.reshape(10, 10)[:, ::2], 1.0, 0.5), 1 / ((m.reshape(10, 10)[:, ::2] - 1) ** 2 + 0.5))
    close(k(m[:3], 1.0, 0.5), 1 / ((m[:3] - 1) ** 2 + 0.5))
    close(k(0.5, 1.0, 0.5), 1 / 0.75)
    vector = sh.kernel(parameters=["w"])(lambda x, w: x * w[0] + w[1])
    vector = sh.kernel(_linear, parameters=["w"])
    close(vector(m, [2.0, 3.0]), 2 * m + 3)


def _linear(x, w: sh.Vector[2]):
    return x * w[0] + w[1]


# -- vectors, matrices, complex, conditions --------------------------------------------------------------------------


def test_vectors(target):
    k = boosted.to(target)
    p = RNG.normal(size=(4, 300)).T
    for given in (p, np.ascontiguousarray(p), p.reshape(3, 100, 4), p[:5], p[0], p[0].tolist(), p[:0]):
        got = k(given, 0.5)
        assert got.shape == np.shape(given)
        close(got, np.moveaxis(boosted.fn(np.moveaxis(np.asarray(given), -1, 0), 0.5), 0, -1))
    assert k(p, 0.5)[:, 0].flags.c_contiguous  # contiguous over events


def test_matrices_with_batches_in_front():
    @sh.kernel
    def f(a: sh.Matrix[2, 3], x: sh.Vector[3]):
        return a @ x, a.T

    a, x = RNG.normal(size=(4, 1, 2, 3)), RNG.normal(size=(5, 3))
    y, t = f(a, x)
    close(y, np.einsum("abij,bj->abi", np.broadcast_to(a, (4, 5, 2, 3)), x))
    assert t.shape == (4, 5, 3, 2)
    close(t, np.broadcast_to(a.swapaxes(-1, -2), (4, 5, 3, 2)))


@sh.kernel
def propagate(C: sh.Symmetric[3], F: sh.Matrix[3, 3]) -> sh.Symmetric[3]:
    return F @ C @ F.T


def test_symmetric():
    n, upper = 50, np.triu_indices(3)
    F, C = RNG.normal(size=(2, n, 3, 3))
    C = C + C.swapaxes(-1, -2)
    want = F @ C @ F.swapaxes(-1, -2)
    close(propagate(C, F), want, 1e-10)
    packed = propagate(C[:, *upper], F)
    assert packed.shape == (n, 6)
    close(packed, want[:, *upper], 1e-10)
    lower_ignored = np.triu(C) + np.tril(RNG.normal(size=C.shape), -1)
    close(propagate(lower_ignored, F), want, 1e-10)
    close(propagate(C[0], F[0]), want[0], 1e-10)


def test_complex(target):
    @sh.kernel
    def f(z: sh.Complex, x, w: sh.Complex[2]):
        return {"product": z * w[0] + x, "size": abs(z), "both": w * x, "angle": np.angle(z)}

    k = f.to(target)
    z, x = RNG.normal(size=40) + 1j * RNG.normal(size=40), RNG.normal(size=40)
    w = np.stack([z[::-1], z * z], axis=-1)
    got = k(z, x, w)
    close(got["product"], z * w[:, 0] + x)
    close(got["size"], abs(z))
    close(got["both"], w * x[:, None])
    close(got["angle"], np.angle(z))
    assert got["product"].dtype == complex and got["both"].shape == (40, 2) and got["size"].dtype == float
    single = k(z.astype("c8"), x.astype("f4"), w.astype("c8"))
    assert single["product"].dtype == np.complex64 and single["size"].dtype == np.float32
    real = k(x, x, np.stack([x, x], axis=-1))
    close(real["product"], x * x + x)
    one = k(1j, 2.0, [1.0, 2j])
    assert one["product"] == 2 + 1j and type(one["product"]) is np.complex128 and one["both"].tolist() == [2, 4j]


def test_array_that_is_complex_in_part():
    k = sh.kernel(lambda x: np.stack([x, x * 1j, 0]))
    assert k(np.array([2.0, 3.0])).tolist() == [[2, 2j, 0], [3, 3j, 0]]
    assert k(np.arange(100.0)).shape == (100, 3)


def test_conditions(target):
    @sh.kernel
    def f(x, flag: sh.Boolean):
        return x > 0, np.stack([x > 1, flag]), np.where(flag, x, -x)

    x = np.array([-1.0, 0.5, 2.0])
    flag = np.array([True, False, True])
    positive, pair, signed = f.to(target)(x, flag)
    assert positive.dtype == bool and positive.tolist() == [False, True, True]
    assert pair.dtype == bool and pair.tolist() == [[False, True], [False, False], [True, True]]
    assert signed.tolist() == [-1, -0.5, 2]
    one = f.to(target)(2.0, False)
    assert one[0] is np.True_ and one[2] == -2
    bare = sh.kernel(lambda x: x > 1).to(target)
    assert bare(x).tolist() == [False, False, True] and bare(x).dtype == bool and bare(3.0) is np.True_


def test_constant_results():
    k = sh.kernel(lambda x: (x, 3.0, np.zeros(2)))
    x, three, zeros = k(np.ones(5))
    assert three.tolist() == [3.0] * 5 and zeros.shape == (5, 2)
    assert k(1.0)[1] == 3.0


# -- containers ------------------------------------------------------------------------------------------------------


class Momentum(NamedTuple):
    e: sh.Scalar
    p: sh.Vector[3]


@dataclass
class Pair:
    first: Momentum
    second: Momentum


@sh.kernel
def total(pair: Pair, names: tuple[sh.Scalar, sh.Scalar] = (0.0, 1.0)) -> dict:
    a, b = pair.first, pair.second
    return {"sum": Momentum(a.e + b.e, a.p + b.p), "list": [names[0], (names[1],)]}


def test_containers():
    p, q = RNG.normal(size=(2, 10, 3))
    got = total(Pair(Momentum(np.ones(10), p), Momentum(2.0, q)))
    assert isinstance(got["sum"], Momentum) and isinstance(got["list"], list) and isinstance(got["list"][1], tuple)
    close(got["sum"].p, p + q)
    close(got["sum"].e, np.full(10, 3.0))
    as_tuples = total({"first": (1.0, p), "second": {"e": 2.0, "p": q}}, [3.0, 4.0])
    close(as_tuples["sum"].p, p + q)
    close(as_tuples["list"][1][0], np.full(10, 4.0))
    table = types.SimpleNamespace(first=Momentum(1.0, p), second=Momentum(1.0, p))
    close(total(table)["sum"].p, 2 * p)


def test_tables_as_containers():
    class Columns(NamedTuple):
        x: sh.Scalar
        y: sh.Scalar

    @sh.kernel
    def f(c: Columns):
        return c.x - c.y

    values = {"x": [1.0, 2.0], "y": [3.0, 5.0]}
    for table in (values, pd.DataFrame(values), ak.Array(values), Columns(**values)):
        assert f(table).tolist() == [-2, -3]


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


def test_statics_that_do_not_work():
    with pytest.raises(ArgumentError, match=r"power: static arguments \(n, mode\) have to be hashable"):
        power(1.0, [3])
    with pytest.raises(ArgumentError, match=r"power has static arguments \['n', 'mode'\], got \[\]"):
        power.count()


# -- refusals --------------------------------------------------------------------------------------------------------

PLACE = f"{__file__}:{mass.fn.__code__.co_firstlineno + 1}: def mass(e, px, py, pz):"
X = np.ones(3)


@pytest.mark.parametrize(
    "call, text, instead",
    [
        (lambda: mass(X, X, X), "mass misses 1 argument: pz", ""),
        (lambda: mass(), "mass misses 4 arguments: e, px, py and pz", ""),
        (lambda: mass(X, X, X, X, X), "mass takes 4 positional arguments, got 5", "mass(e, px, py, pz)"),
        (lambda: mass(X, X, X, pt=X), "mass has no argument 'pt'", "e, px, py or pz"),
        (lambda: mass(X, X, X, X, px=X), "mass got 'px' twice, by position and by name", ""),
        (
            lambda: mass(X, X, np.ones(4), 1.0),
            "mass: batch shapes do not broadcast: e and px have (3,), py has (4,)",
            "",
        ),
        (
            lambda: mass(1j, X, X, X),
            "mass: e is a real argument, got complex128",
            "e: sh.Complex in the signature, or pass its .real",
        ),
        (lambda: mass("1", X, X, X), "mass: e holds <U1, not numbers", ""),
        (lambda: mass(np.array(["a"]), X, X, X), "mass: e holds <U1, not numbers", ""),
        (lambda: mass(None, X, X, X), "mass: e is an array of Python objects", "np.asarray(e, dtype=float)"),
        (
            lambda: mass(X.astype(np.longdouble), X, X, X),
            "mass: float128 is not supported, only float32 and float64",
            "x.astype(np.float64)",
        ),
        (
            lambda: mass(np.ma.masked_array(X, [True, False, False]), X, X, X),
            "mass: e has masked elements",
            "x.filled(value)",
        ),
    ],
)
def test_arguments_that_do_not_fit(call, text, instead):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == f"{text}\n  {PLACE}" + (f"\n  write instead: {instead}" if instead else "")


@pytest.mark.parametrize(
    "call, text",
    [
        (
            lambda: boosted(np.ones((4, 7)), 0.5),
            "boosted: p is sh.Vector[4], shape (..., 4), got shape (4, 7)\n  {}\n"
            "  write instead: np.moveaxis(p, 0, -1)",
        ),
        (lambda: boosted(1.0, 0.5), "boosted: p is sh.Vector[4], shape (..., 4), got shape ()\n  {}"),
        (
            lambda: propagate(np.ones((5, 2)), np.eye(3)),
            "propagate: C is sh.Symmetric[3], shape (..., 3, 3) or (..., 6), got shape (5, 2)\n  {}",
        ),
        (lambda: total(1.0), "total: pair has the fields first, second, got float\n  {}"),
        (
            lambda: total(Pair(Momentum(1.0, np.ones(3)), (1.0,))),
            "total: pair.second has the fields e, p, got 1 values\n  {}",
        ),
    ],
)
def test_shapes_that_do_not_fit(call, text):
    with pytest.raises(ArgumentError) as caught:
        call()
    name = text.partition(":")[0]
    function = globals()[name].fn
    line = function.__code__.co_firstlineno + 1
    source = inspect.getsource(function).splitlines()[1]
    assert str(caught.value) == text.format(f"{__file__}:{line}: {source}")


def test_ragged_lists():
    with pytest.raises(ArgumentError, match="mass: e is not an array of numbers: "):
        mass([[1.0], [1.0, 2.0]], X, X, X)


def test_parameter_with_a_batch_axis():
    k = sh.kernel(_linear, parameters=["w"])
    with pytest.raises(ArgumentError) as caught:
        k(X, np.ones((3, 2)))
    assert "_linear: w is a parameter and has no batch axis, got shape (3, 2)" in str(caught.value)


def test_arrays_of_other_packages():
    """Told by the type's module alone: the packages need not be there."""

    def array(module):
        return type("Array", (), {"__module__": module})()

    for module, name in [
        ("jaxlib._jax", "jax"),
        ("jax._src.interpreters.partial_eval", "jax"),
        ("cupy._core.core", "cupy"),
    ]:
        with pytest.raises(TargetError) as caught:
            mass(array(module), X, X, X)
        assert str(caught.value).startswith(f"target {name} is not available in this version: not in this version (")
    with pytest.raises(TargetError, match="arrays of jax and cupy in one call: they live on different devices"):
        mass(array("jaxlib"), array("cupy"), X, X)


def test_to():
    assert mass.to("numpy").options.target == "numpy" and mass.options.target == "auto"
    with pytest.raises(TargetError, match="target cupy is not available in this version"):
        mass.to("cupy")


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
