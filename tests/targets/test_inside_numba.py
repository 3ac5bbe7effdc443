"""Kernels inside the user's own `@njit` functions."""

import pickle

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

import symhep as sh


@sh.kernel
def area_and_side(x, y):
    return x * y, np.hypot(x, y)


@sh.kernel
def wave(x):
    return np.sin(x) * np.exp(-x)


@sh.kernel
def norm(p: sh.Vector[3]):
    return np.sqrt(np.sum(p * p))


@njit
def one_by_one(x):
    total = 0.0
    for i in range(x.size):
        total += wave(x[i])
    return total


@njit
def whole_column(x):
    return wave(x)


@njit
def several(x, y):
    area, side = area_and_side(x, 2.0)
    return area + side * y


def test_numbers_give_the_bits_of_a_call_from_python():
    rng = np.random.default_rng(1)
    x = rng.normal(size=100)
    expected = 0.0
    for value in wave(x):
        expected += value
    assert one_by_one(x) == expected


def test_arrays_and_several_results():
    x = np.linspace(0.1, 2, 33)
    np.testing.assert_array_equal(whole_column(x), wave(x))
    np.testing.assert_array_equal(whole_column(x[::-2]), wave(x[::-2]))
    area, side = area_and_side(x, 2.0)
    np.testing.assert_array_equal(several(x, 3.0), area + side * 3.0)


def test_a_kernel_that_numba_has_seen_still_pickles():
    whole_column(np.ones(3))
    assert pickle.loads(pickle.dumps(wave))(1.0) == wave(1.0)


def test_vectors_are_refused():
    @njit
    def use(p):
        return norm(p)

    with pytest.raises(TypingError, match="give vectors and complex numbers as their components"):
        use(np.ones(3))
