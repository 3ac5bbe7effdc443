"""Memory for results: used again when nothing is in it any more, and only then."""

import gc
import pickle
import threading

import numpy as np
import pytest

import symhep as sh
from symhep.calling import memory
from symhep.calling.memory import SMALLEST, empty

DOUBLE = np.dtype(np.float64)
LARGE = SMALLEST // 8 + 1


@pytest.fixture(autouse=True)
def _nothing_kept():
    memory._free.clear()
    memory._held = 0


def test_used_again_when_it_is_gone():
    first = empty((3, LARGE), DOUBLE)
    place = first.ctypes.data
    assert place % 64 == 0 and first.flags.writeable and first.flags.c_contiguous
    other = empty((3, LARGE), DOUBLE)
    assert not np.shares_memory(first, other)
    del first
    assert empty((3, LARGE), DOUBLE).ctypes.data == place


@pytest.mark.parametrize("view", [lambda a: a[1], lambda a: a[:, ::7], lambda a: a.T, lambda a: a.view(np.int64)])
def test_not_while_there_is_a_view(view):
    array = empty((3, LARGE), DOUBLE)
    part = view(array)
    del array
    gc.collect()
    assert not memory._free
    again = empty((3, LARGE), DOUBLE)
    assert not np.shares_memory(part, again)
    del part
    assert sum(map(len, memory._free.values())) == 1


def test_results_that_are_kept_stay_as_they_are():
    kernel = sh.kernel(lambda x: (x + 1, x * 2))
    x = np.arange(20_000.0)
    kept = [kernel(x + k)[k % 2] for k in range(6)]
    for k, found in enumerate(kept):
        np.testing.assert_array_equal(found, (x + k) * 2 if k % 2 else x + k + 1)


def test_small_arrays_are_numpys():
    assert empty((4,), DOUBLE).flags.owndata and not memory._free


def test_not_more_than_so_much_is_kept(monkeypatch):
    monkeypatch.setattr(memory, "KEPT", 20 * SMALLEST)
    arrays = [empty((n, LARGE), DOUBLE) for n in range(1, 9)] + [empty((40, LARGE), DOUBLE)]
    del arrays
    held = sum(m.nbytes for kept in memory._free.values() for m in kept)
    assert 0 < held == memory._held <= 20 * SMALLEST


def test_pickles_and_copies_are_whole():
    array = empty((2, LARGE), DOUBLE)
    array[:] = 3
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array)), array)
    assert array.copy().flags.owndata


def test_many_threads():
    kernel = sh.kernel(lambda x: (x + 1, x * 2))
    wrong = []

    def work(k):
        x = np.full(20_000, float(k))
        for _ in range(50):
            one, two = kernel(x, threads=1)
            if not (np.all(one == k + 1) and np.all(two == 2 * k)):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and memory._held == sum(m.nbytes for kept in memory._free.values() for m in kept)


def test_given_back_while_another_is_taken():
    """A collection may come at any time: what is given back then is left to the system."""
    array = empty((3, LARGE), DOUBLE)
    with memory._lock:
        del array
    assert not memory._free
    assert empty((3, LARGE), DOUBLE).shape == (3, LARGE)
