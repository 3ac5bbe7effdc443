"""Memory stays when kernels are compiled, called and dropped; `python -m tests.soak` does it longer."""

import gc
import linecache
import pickle
from collections import Counter

import numpy as np
import pytest

import symhep as sh
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


def alive():
    """How many objects of each of symhep's classes there are."""
    gc.collect()
    kinds = [type(x) for x in gc.get_objects()]
    return Counter(k.__name__ for k in kinds if str(k.__module__).startswith("symhep."))


def use(k):
    """Everything that might keep something of a kernel: derivatives, targets, bound data, pickles, reports, sympy."""

    @sh.register(derivative=lambda x, r: k * x ** (k - 1) + k * np.cos(x))
    def raised(x):
        return x**k + k * np.sin(x)

    kernel = sh.kernel(lambda x, y: raised(x) * y ** (k + 0.5) + sh.batch_sum(x) / k, effort="fast")
    plain = sh.kernel(lambda x, y: raised(x) * y + x ** (k + 0.5), effort="fast")
    x, y = soak.COLUMNS
    for made in (kernel, plain, kernel.to("numpy"), pickle.loads(pickle.dumps(plain)), sh.jacobian(plain)):
        made(x, y)
    kernel.bind(x=x)(y)
    sh.check_derivatives(plain)
    plain.accuracy(5)
    str(plain.report()), plain.source("c"), plain.source("cupy"), plain.graph
    sh.compile(plain.expr, plain.arguments)(x, y)


def test_nothing_holds_on_to_a_kernel():
    use(2)
    before = alive()
    for k in (3, 4, 5):
        use(k)
    assert alive() - before == Counter()


@pytest.mark.slow
def test_memory_stays():
    found = list(soak.soak(1500, parts=5))
    assert soak.grown(found) < 3e6, found
