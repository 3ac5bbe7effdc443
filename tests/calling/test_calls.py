"""Calls of kernels: what goes in and what comes out."""

import types
from typing import NamedTuple

import awkward as ak
import numpy as np
import pandas as pd
import pytest

import symhep as sh
from tests.sample_kernels import RNG, Momentum, Pair, boosted, close, columns, linear, mass, propagate, total


@pytest.fixture(params=["auto", "numpy"])
def target(request):
    return request.param


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
    vector = sh.kernel(linear, parameters=["w"])
    close(vector(m, [2.0, 3.0]), 2 * m + 3)


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
