"""Symmetric results, packed and whole, in memory of symhep's own and in the user's arrays."""

import numpy as np
import pytest

import symhep as sh

UPPER = np.triu_indices(3)


@sh.kernel
def transported(C: sh.Symmetric[3], x) -> tuple[sh.Symmetric[3], sh.Scalar]:
    F = np.array([[1, x, 0], [0, 1, x * x], [0, 0, 1]])
    return F @ C @ F.T, x + C[0, 2]


def inputs(events):
    rng = np.random.default_rng(events)
    C = rng.normal(size=(events, 3, 3))
    return C + C.transpose(0, 2, 1), rng.normal(size=events)


def expected(C, x):
    F = np.zeros((len(x), 3, 3))
    F[:, [0, 1, 2], [0, 1, 2]], F[:, 0, 1], F[:, 1, 2] = 1, x, x * x
    return F @ C @ F.transpose(0, 2, 1), x + C[:, 0, 2]


def same(found, C, x):
    for a, b in zip(found, expected(C, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    matrix = found[0]
    np.testing.assert_array_equal(matrix, np.swapaxes(matrix, -1, -2))


EVENTS = [0, 1, 5, 100, 1024, 2500]
PLACES = {
    "events last": lambda n: np.empty((3, 3, n)).T,
    "events first": lambda n: np.empty((n, 3, 3)),
    "every other": lambda n: np.empty((2 * n, 3, 3))[::2],
    "backwards": lambda n: np.empty((n, 3, 3))[::-1],
    "part of a larger matrix": lambda n: np.empty((n, 5, 5))[:, 1:4, 1:4],
}


@pytest.mark.parametrize("events", EVENTS)
@pytest.mark.parametrize("target", ["numpy", "numba"])
def test_whole(events, target):
    C, x = inputs(events)
    same(transported.to(target)(C, x), C, x)


@pytest.mark.parametrize("events", EVENTS)
@pytest.mark.parametrize("place", PLACES)
def test_whole_into_arrays_of_the_user(events, place):
    C, x = inputs(events)
    out = PLACES[place](events), np.empty(events)
    assert transported(C, x, out=out) is out
    same(out, C, x)


@pytest.mark.parametrize("events", EVENTS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_packed(events, order):
    C, x = inputs(events)
    packed = np.asarray(C[:, *UPPER], order=order)
    out = np.empty((events, 6), order=order), np.empty(events)
    for found in (transported(packed, x), transported(packed, x, out=out)):
        np.testing.assert_allclose(found[0], expected(C, x)[0][:, *UPPER], rtol=1e-12, atol=1e-12)


def test_into_the_argument_itself():
    C, x = inputs(2000)
    right = expected(C, x)
    transported(C, x, out=(C, x))
    np.testing.assert_allclose(C, right[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(x, right[1], rtol=1e-12)


def test_batch_of_two_axes_and_other_dtypes():
    C, x = inputs(12)
    out = np.empty((3, 4, 3, 3)), np.empty((3, 4))
    transported(C.reshape(3, 4, 3, 3), x.reshape(3, 4), out=out)
    same((out[0].reshape(12, 3, 3), out[1].ravel()), C, x)
    single = transported(C.astype(np.float32), x.astype(np.float32))
    assert single[0].dtype == np.float32
    np.testing.assert_allclose(single[0], expected(C, x)[0], rtol=1e-4, atol=1e-5)


def test_complex_symmetric():
    def product(z: sh.Complex) -> sh.Symmetric[2]:
        return sh.array([[z, z * z], [z * z, 1j * z]])

    z = np.arange(200) + 1j
    found = sh.kernel(product)(z)
    np.testing.assert_allclose(found[:, 0, 0], z, rtol=1e-14)
    np.testing.assert_allclose(found[:, 1, 0], z * z, rtol=1e-14)
    np.testing.assert_array_equal(found[:, 0, 1], found[:, 1, 0])
    np.testing.assert_allclose(found[:, 1, 1], 1j * z, rtol=1e-14)
