"""Sums and extreme values over columns: exact to the last digit, whatever the threads and vectors."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from symhep.graph import Builder, Graph
from symhep.program import build
from symhep.targets import native, sums
from symhep.targets import numpy as numpy_target
from symhep.targets.native import compile_program
from symhep.targets.numba import _NJIT
from symhep.targets.reductions import BLOCK, LANES
from tests.targets.test_native import LAYOUTS

SIZES = [0, 1, 2, 7, 8, 9, 15, 16, 17, BLOCK - 1, BLOCK, BLOCK + 1, 4095, 4096, 4097, 100_000]
WIDTHS = [2, 4, 8]
DTYPES = [np.float64, np.float32]


def square():
    """x*x and x, as columns."""
    b = Builder()
    x = b.input("x")
    return build(Graph((x,), (b.node("mul", (x, x)), x)))


ALL = [(0, "batch_sum"), (1, "batch_sum"), (1, "batch_max"), (1, "batch_min"), (0, "batch_min")]


def column(n, dtype=np.float64, seed=1):
    return np.random.default_rng(seed).normal(size=n).astype(dtype)


def right(x):
    squares = x * x
    return [
        math.fsum(squares.tolist()),
        math.fsum(x.tolist()),
        x.max(initial=-np.inf),
        x.min(initial=np.inf),
        squares.min(initial=np.inf),
    ]


@pytest.fixture(scope="module")
def compiled():
    return {(d, w): compile_program(square(), d, width=w) for d in DTYPES for w in WIDTHS}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
def test_exact_for_any_size_and_number_of_threads(compiled, dtype, width, monkeypatch):
    monkeypatch.setattr(native, "THREAD_WORK", 1)
    for n in SIZES:
        x = column(n, dtype)
        for threads in (1, 2, 3):
            assert compiled[dtype, width].reduce([x], [], n, ALL, threads) == right(x), (n, threads)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ill_conditioned_sums_do_not_depend_on_vectors_or_threads(compiled, dtype, monkeypatch):
    monkeypatch.setattr(native, "THREAD_WORK", 1)
    x = (column(30_000) * 10.0 ** np.random.default_rng(2).integers(-15, 15, 30_000)).astype(dtype)
    x[15_000:] = -x[:15_000][::-1]
    x[7] = 1
    found = {compiled[dtype, w].reduce([x], [], x.size, [(1, "batch_sum")], t)[0] for w in WIDTHS for t in (1, 2, 3)}
    assert len(found) == 1
    assert abs(found.pop() - math.fsum(x.tolist())) < 1e-25 * np.abs(x).sum(dtype=float) + np.spacing(abs(x[7]))


def test_sums_by_the_multipliers_are_the_same(monkeypatch):
    x = column(10_000) * 10.0 ** np.random.default_rng(2).integers(-15, 15, 10_000)
    x[77] = np.inf
    found = set()
    for balance in {False, native.host().balance}:
        monkeypatch.setattr(native, "_drivers", {})
        monkeypatch.setattr(native, "host", partial(replace, native.host(), balance=balance))
        kernel = compile_program(square(), np.float64)
        found.add((*kernel.reduce([x[:77]], [], 77, ALL), *kernel.reduce([x], [], x.size, ALL)))
        monkeypatch.undo()
    assert len(found) == 1


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_layouts(layout):
    b = Builder()
    inputs = [b.input(f"x{k}") for k in range(3)]
    graph = Graph(tuple(inputs), (b.node("mul", (inputs[0], inputs[2])), inputs[1]))
    kernel = compile_program(build(graph), np.float64)
    for n in (1, 5, 8, 100, 5000):
        x = np.random.default_rng(n).normal(size=(n, 3))
        out = np.empty(n)
        (total,) = kernel.reduce(LAYOUTS[layout](x), [out], n, [(0, "batch_sum")])
        assert total == math.fsum(x[:, 1].tolist()) and np.array_equal(out, x[:, 0] * x[:, 2])


def test_one_value_for_all_events(compiled):
    x = np.broadcast_to(np.float64(0.1), 10_000)
    assert compiled[np.float64, 8].reduce([x], [], x.size, [(1, "batch_sum")]) == [math.fsum(x.tolist())]


@pytest.mark.parametrize("place", [0, 1, LANES, BLOCK, 4999])
@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values(compiled, place, dtype):
    kernel = compiled[dtype, 8]
    x = column(5000, dtype)
    x[place] = np.nan
    assert np.isnan(kernel.reduce([x], [], x.size, ALL)).all()
    x[place] = np.inf
    found = kernel.reduce([x], [], x.size, ALL)
    assert found[:3] == [np.inf] * 3 and found[3] == x.min()
    x[(place + 77) % 5000] = -np.inf
    assert np.isnan(kernel.reduce([x], [], x.size, ALL)[1])


def test_the_texts_have_the_same_bits(compiled):
    """As NumPy over columns, and as the loops that numba compiles."""
    space = {"np": np, "njit": lambda **options: lambda f: f}
    exec("\n\n".join(sums.functions(set(sums.NAMES), _NJIT)), space)
    for n in (0, 1, 17, BLOCK + 5, 3 * BLOCK):
        x = column(n) * 10.0 ** np.random.default_rng(3).integers(-15, 15, n)
        found = compiled[np.float64, 4].reduce([x], [], n, [(1, name) for name in sums.NAMES])
        assert found == [sums.function(name)(x) for name in sums.NAMES] == [space[name](x) for name in sums.NAMES]


def test_zeros_have_no_sign(compiled):
    x = np.array([-0.0] * 20)
    for name in sums.NAMES:
        (found,) = compiled[np.float64, 8].reduce([x], [], 20, [(1, name)])
        assert math.copysign(1, found) == math.copysign(1, sums.function(name)(x)) == 1


def test_numpy_target():
    kernel = numpy_target.compile_program(square(), np.float64)
    for n in (0, 1, 5000):
        x = column(n)
        out = np.empty(n)
        assert kernel.reduce([x], [], n, ALL) == right(x)
        assert kernel.reduce([x], [out], n, [(0, "batch_sum")]) == right(x)[1:2] and np.array_equal(out, x * x)
