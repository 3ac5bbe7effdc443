"""Memory stays when kernels are compiled, called and dropped; `python -m tests.soak` does it longer."""

import linecache

import pytest

from tests import soak


def test_each_kernel_is_another_formula():
    assert len({soak.formula(k) for k in range(3000)}) == 3000


def test_generated_sources_leave_with_their_kernels():
    soak.compile_and_call(0)
    soak.memory()
    before = len(linecache.cache)
    for k in (100, 200, 300):
        soak.compile_and_call(k)
    soak.memory()
    assert len(linecache.cache) <= before


@pytest.mark.slow
def test_memory_stays():
    found = list(soak.soak(1500, parts=5))
    assert soak.grown(found) < 3e6, found
