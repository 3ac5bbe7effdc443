"""Compiled programs on columns of any layout, from any thread."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from symhep.targets import bodies, native
from symhep.targets.inline import njit_function
from symhep.targets.native import SMALL, compile_program
from tests.programs import evaluate, program_of, straight_line

WIDTHS = [2, 4, 8]
DTYPES = [np.float64, np.float32]
INPUTS, OUTPUTS, SIZE = 6, 5, 60


@pytest.fixture(scope="module")
def kernels():
    """Compiled kernels of one program, by dtype and width."""
    program = straight_line(SIZE, INPUTS, OUTPUTS)
    return program, {(d, w): compile_program(program, d, width=w) for d in DTYPES for w in WIDTHS}


def values(n, count, dtype, seed=1):
    return np.random.default_rng(seed).uniform(0.5, 1.5, (n, count)).astype(dtype)


def strided(x, step):
    """The same values in an array of every step-th element."""
    wide = np.zeros(x.size * abs(step), x.dtype)
    wide[::step] = x
    return wide[::step]


def complex_parts(x):
    """The same columns as real and imaginary parts of complex arrays."""
    kind = np.result_type(x.dtype, np.complex64)
    z = [np.array(x[:, k] + 1j * x[:, k + 1], kind) for k in range(0, x.shape[1] - 1, 2)]
    rest = [x[:, -1].copy()] if x.shape[1] % 2 else []
    return [part for c in z for part in (c.real, c.imag)] + rest


LAYOUTS = {
    "soa": lambda x: [x[:, k].copy() for k in range(x.shape[1])],
    "aos": lambda x: list(x.T),
    "reversed": lambda x: list(x[::-1].copy()[::-1].T),
    "strided": lambda x: [strided(x[:, k], 3) for k in range(x.shape[1])],
    "backwards": lambda x: [strided(x[:, k], -1) for k in range(x.shape[1])],
    "complex": complex_parts,
    "wide structs": lambda x: list(np.hstack([x, x, x])[:, 2 : 2 + x.shape[1]].T) if x.shape[1] > 9 else list(x.T),
    "mixed": lambda x: [x[:, 0].copy(), *x.T[1:4], *[strided(x[:, k], 2) for k in range(4, x.shape[1])]],
    "unordered": lambda x: [x.T[k] for k in range(x.shape[1])][::-1][::-1],
}


def outputs_like(layout, n, dtype, count=OUTPUTS):
    """Columns to write to, in the given layout, with poison around them."""
    return LAYOUTS[layout](np.full((n, count), 77, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_layouts_and_tails(kernels, dtype, width, layout):
    program, compiled = kernels
    kernel = compiled[dtype, width]
    for n in [*range(3 * kernel.layout.vector.lanes + 2), 63, 64, 65, 200, 333]:
        x = values(n, INPUTS, dtype)
        wanted = evaluate(program, list(x.T), dtype)
        for results in ("soa", layout):
            outputs = outputs_like(results, n, dtype)
            kernel.run(LAYOUTS[layout](x), outputs)
            assert all(np.array_equal(a, b) for a, b in zip(outputs, wanted)), (n, results)


STRUCTS = [(7,), (4, 3), (3, 4), (1, 6), (1, 1, 5), (2, 2, 2, 1)]


@pytest.fixture
def always_direct(monkeypatch):
    """Code for arrays of structs however few events there are."""
    monkeypatch.setattr(native, "WORTH", 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("sizes", STRUCTS)
def test_structs_read_in_place(always_direct, dtype, width, sizes):
    program = straight_line(60, sum(sizes), OUTPUTS)
    kernel = compile_program(program, dtype, width=width)
    for n in (*range(1, 3 * kernel.layout.vector.lanes + 2), 128, 333):
        structs = [values(n, size + 2, dtype, seed=size)[:, 1:-1] for size in sizes]
        columns = [c for s in structs for c in s.T]
        if n % 2:  # one value for all events
            columns[-1] = np.broadcast_to(columns[-1][0], n)
        wanted = evaluate(program, columns, dtype)
        for results in ("soa", "aos"):
            outputs = outputs_like(results, n, dtype)
            kernel.run(columns, outputs)
            assert all(np.array_equal(a, b) for a, b in zip(outputs, wanted)), (n, results)
    assert 0 < len(kernel._direct) <= native.DIRECT


def test_structs_in_threads_with_parameters_and_careful_functions(always_direct, eager_threads):
    """Angles so large that a vector is computed once more, from the rows that hold it."""
    program = program_of(
        lambda b, x, y, z, p: [b.node("add", (b.node("sin", (b.node("mul", (x, p)),)), b.node("mul", (y, z))))],
        "x y z",
        "p",
    )
    kernel = compile_program(program, np.float64)
    for n in (5, 16, 1000, 5003):
        x = values(n, 3, np.float64)
        x[:: max(1, n // 3), 0] = 1e18
        result, one_thread = np.empty(n), np.empty(n)
        kernel.run([*x.T, np.array([1.5])], [result], threads=4)
        kernel.run([*x.T.copy(), np.array([1.5])], [one_thread])
        assert np.array_equal(result, one_thread)
        assert np.allclose(result, np.sin(x[:, 0] * 1.5) + x[:, 1] * x[:, 2], rtol=1e-14)
    assert len(kernel._direct) == 1


def test_structs_with_odd_strides_or_few_events_are_copied(kernels):
    _, compiled = kernels
    kernel = compiled[np.float64, 8]
    records = np.zeros(
        5000, np.dtype({"names": ["a", "b"], "formats": ["f8", "f8"], "offsets": [0, 8], "itemsize": 20})
    )
    for columns in ([records["a"], records["b"]] * 8, list(values(native.WORTH - 1, INPUTS, np.float64).T)):
        known = dict(kernel._direct)
        n = len(columns[0])
        kernel.run(columns[:INPUTS], outputs_like("soa", n, np.float64))
        assert kernel._direct == known


def shifted(x, offset):
    """A column that begins `offset` values into a cache line, with guards on both sides."""
    memory = np.full(x.size + 48, 77, x.dtype)
    start = -memory.ctypes.data % 64 // x.itemsize + offset
    column = memory[start : start + x.size]
    column[:] = x
    return memory, column


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
def test_columns_that_are_not_aligned(kernels, dtype, width):
    """The first events are taken apart where all columns begin at the same place of a cache line."""
    program, compiled = kernels
    for offset in range(64 // np.dtype(dtype).itemsize):
        for n in (511, 512, 600):
            x = values(n, INPUTS, dtype, seed=offset)
            wanted = evaluate(program, list(x.T), dtype)
            memory, outputs = zip(*[shifted(np.zeros(n, dtype), offset) for _ in range(OUTPUTS)])
            columns = [shifted(c, offset)[1] for c in x.T]
            for given in (columns, [columns[0], shifted(x[:, 1], 1)[1], *columns[2:]], [columns[0], *x.T[1:]]):
                compiled[dtype, width].run(given, outputs)
                assert all(np.array_equal(a, b) for a, b in zip(outputs, wanted)), (offset, n)
            assert all((m == 77).sum() == 48 for m in memory)
            single = [columns[0], x[:1, 1], *columns[2:]]
            compiled[dtype, width].run(single, outputs)
            alone = evaluate(program, [x[:, 0], np.broadcast_to(x[:1, 1], n), *x.T[2:]], dtype)
            assert all(np.array_equal(a, b) for a, b in zip(outputs, alone)), (offset, n)


def test_groups_of_many_sizes():
    for dtype in DTYPES:
        for count in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31):
            program = program_of(
                lambda b, *x: [b.node("mul", (a, b.const(k + 2))) for k, a in enumerate(x)],
                " ".join(f"x{k}" for k in range(count)),
            )
            kernel = compile_program(program, dtype)
            x = values(150, count, dtype)
            y = np.full_like(x, 77)
            kernel.run(list(x.T), list(y.T))
            assert np.array_equal(y, x * np.arange(2, count + 2).astype(dtype))


def test_nothing_is_written_beside_the_outputs(kernels):
    _, compiled = kernels
    for n in (1, 7, 8, 64, 100):
        for memory in (np.full((n + 2, OUTPUTS + 2), 77.0), np.full((OUTPUTS + 2, n + 2), 77.0).T):
            outputs = list(memory[1:-1, 1:-1].T)
            compiled[np.float64, 8].run(list(values(n, INPUTS, np.float64).T), outputs)
            edge = np.concatenate([memory[0], memory[-1], memory[:, 0], memory[:, -1]])
            assert np.all(edge == 77) and not np.any(memory[1:-1, 1:-1] == 77)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_value_for_all_events(kernels, dtype):
    program, compiled = kernels
    for n in (2, 9, 100, 1000):
        x = LAYOUTS["soa"](values(n, INPUTS, dtype))
        x[1], x[4] = np.broadcast_to(dtype(0.8), n), np.array([dtype(1.2)])
        full = [np.broadcast_to(c, n) for c in x]
        outputs = outputs_like("aos", n, dtype)
        compiled[dtype, 8].run(x, outputs)
        assert all(np.array_equal(a, b) for a, b in zip(outputs, evaluate(program, full, dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_result_does_not_depend_on_its_position(dtype):
    program = program_of(lambda b, x, y: [b.node(f, (x,)) for f in ("exp", "sin", "log", "tanh")], "x y")
    kernel = compile_program(program, dtype)
    x = np.full(77, 0.7, dtype)
    for column in (x, strided(x, 3), np.broadcast_to(x[0], 77)):
        outputs = outputs_like("aos", 77, dtype, 4)
        kernel.run([column, x], outputs)
        assert all(np.unique(o).size == 1 for o in outputs)


def test_many_outputs():
    program = straight_line(100, INPUTS, 20)
    kernel = compile_program(program, np.float64)
    for n in (1, 13, 64, 333):
        x = values(n, INPUTS, np.float64)
        for layout in ("soa", "aos", "strided"):
            outputs = outputs_like(layout, n, np.float64, 20)
            kernel.run(LAYOUTS[layout](x), outputs)
            assert all(np.array_equal(a, b) for a, b in zip(outputs, evaluate(program, list(x.T), np.float64)))


# -- parameters ------------------------------------------------------------------------------------------------------


def test_work_that_depends_on_parameters_alone():
    def make(b, x, p, q):
        both = b.node("add", (p, q))
        positive = b.node("lt", (b.const(0), both))
        scale = b.node("select", (positive, b.node("exp", (both,)), q))
        pair = b.node("sincos", (scale,))
        s, c = (b.node("item", (pair,), (k,)) for k in (0, 1))
        return [b.node("mul", (x, b.node("add", (s, c)))), scale, b.node("select", (positive, x, p)), positive]

    program = program_of(make, "x", "p q")
    kernel = compile_program(program, np.float64)
    assert "@once.0" in kernel.text
    x, p, q = np.arange(100.0), np.array(0.5), np.array([0.25])
    outputs = [np.empty(100) for _ in range(4)]
    kernel.run([x, p, q], outputs)
    scale = np.exp(0.75)
    wanted = x * (np.sin(scale) + np.cos(scale)), np.full(100, scale), x, np.ones(100)
    assert all(np.allclose(a, b, rtol=1e-15) for a, b in zip(outputs, wanted))
    each = kernel.text[kernel.text.index("@each.0") :]
    assert "llvm.fma" not in each[: each.index("\n}")]


def test_much_work_once(monkeypatch):
    monkeypatch.setattr(bodies, "LIMIT", 50)

    def make(b, x, p):
        kept = []
        for k in range(300):
            p = b.node("mul", (b.node("add", (p, b.const(k % 3))), b.const(0.5)))
            kept.append(p)
        return [b.node("add", (x, kept[k])) for k in (7, 150, 299)]

    program = program_of(make, "x", "p")
    columns = [np.arange(20.0), np.array([0.5])]
    outputs = [np.empty(20) for _ in range(3)]
    kernel = compile_program(program, np.float64)
    assert "@once.9" in kernel.text
    kernel.run(columns, outputs)
    assert all(np.array_equal(a, b) for a, b in zip(outputs, evaluate(program, columns, np.float64)))


# -- large arguments of trigonometric functions ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
def test_rescue_of_single_events(dtype, width):
    def make(b, x):
        pair = b.node("sincos", (x,))
        return [b.node("item", (pair,), (0,)), b.node("item", (pair,), (1,)), b.node("tan", (x,))]

    kernel = compile_program(program_of(make, "x"), dtype, width=width)
    x = np.linspace(-3, 3, 100).astype(dtype)
    x[[3, 50, 99]] = 1e10, -3e15, 2.0**24
    x[60:70] = 1e9
    outputs = [np.empty(100, dtype) for _ in range(3)]
    kernel.run([x], outputs)
    for got, function in zip(outputs, (np.sin, np.cos, np.tan)):
        assert np.allclose(got, function(x.astype(float)).astype(dtype), rtol=4 * np.finfo(dtype).eps, atol=0)


# -- threads ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def eager_threads(monkeypatch):
    monkeypatch.setattr(native, "THREAD_WORK", 1)


def test_threads_give_the_same(kernels, eager_threads):
    program, compiled = kernels
    x = values(5003, INPUTS, np.float64)
    for layout in ("soa", "aos"):
        outputs = outputs_like(layout, 5003, np.float64)
        compiled[np.float64, 8].run(LAYOUTS[layout](x), outputs, threads=2)
        assert all(np.array_equal(a, b) for a, b in zip(outputs, evaluate(program, list(x.T), np.float64)))


def test_calls_at_the_same_time(kernels, eager_threads):
    program, compiled = kernels
    kernel = compiled[np.float64, 8]

    def call(seed):
        x = values(1000 + seed, INPUTS, np.float64, seed)
        outputs = outputs_like("aos", len(x), np.float64)
        for _ in range(20):
            kernel.run(list(x.T), outputs, threads=1 + seed % 2)
        inputs, results, run = kernel.small()
        inputs[:, :5] = x[:5].T
        run(5)
        wanted = evaluate(program, list(x.T), np.float64)
        return all(np.array_equal(a, b) and np.array_equal(s[:5], b[:5]) for a, s, b in zip(outputs, results, wanted))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(call, range(8)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_child_after_fork(kernels, eager_threads):
    program, compiled = kernels
    x = values(3000, INPUTS, np.float64)
    wanted = evaluate(program, list(x.T), np.float64)

    def works():
        outputs = outputs_like("soa", 3000, np.float64)
        compiled[np.float64, 8].run(list(x.T), outputs, threads=2)
        return all(np.array_equal(a, b) for a, b in zip(outputs, wanted))

    assert works()
    child = os.fork()
    if child == 0:
        os._exit(0 if works() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert works()


def in_thread(function, stack):
    """Run a function in a thread with a stack of so many bytes."""
    found = []
    before = threading.stack_size(stack)
    try:
        thread = threading.Thread(target=lambda: found.append(function()))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    return found[0]


@pytest.mark.parametrize("size, window", [(8000, 500), pytest.param(100_000, 40, marks=pytest.mark.slow)])
def test_huge_bodies_need_little_stack(size, window):
    program = straight_line(size, window=window)
    kernel = compile_program(program, np.float64)
    x = values(100, 20, np.float64)
    outputs = outputs_like("soa", 100, np.float64, 4)
    in_thread(lambda: kernel.run(list(x.T), outputs), 256 * 1024)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(outputs, evaluate(program, list(x.T), np.float64)))


# -- the small path, errors, objects ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_small(dtype):
    program = straight_line(SIZE, INPUTS, OUTPUTS, parameters=1)
    kernel = compile_program(program, dtype)
    inputs, outputs, run = kernel.small()
    for n in (1, 3, 8, 17, SMALL):
        x = values(n, INPUTS, dtype)
        inputs[:INPUTS, :n], inputs[INPUTS, 0] = x.T, 0.8
        run(n)
        wanted = evaluate(program, [*x.T, np.array([0.8], dtype)], dtype)
        assert all(np.array_equal(a[:n], b) for a, b in zip(outputs, wanted))
    assert kernel.small()[0] is inputs and in_thread(kernel.small, 1 << 20)[0] is not inputs


def test_no_events(kernels):
    _, compiled = kernels
    for kernel in compiled.values():
        memory = np.full(16, 7, kernel.dtype)
        kernel.run([memory[8:8]] * INPUTS, [memory[8:8]] * OUTPUTS)
        assert (memory == 7).all()  # nothing is written beside a column of no events


def test_columns_that_do_not_fit(kernels):
    kernel = kernels[1][np.float64, 8]
    x, y = [np.ones(10)] * INPUTS, [np.empty(10) for _ in range(OUTPUTS)]
    with pytest.raises(TypeError, match="float32"):
        kernel.run([*x[1:], np.ones(10, np.float32)], y)
    with pytest.raises(ValueError, match="11 events"):
        kernel.run([*x[1:], np.ones(11)], y)
    with pytest.raises(ValueError):
        kernel.run(x[1:], y)
    with pytest.raises(ValueError, match="5 outputs"):
        kernel.run(x, y[1:])
    with pytest.raises(TypeError, match="int64"):
        compile_program(kernels[0], np.int64)


def test_stored_objects(monkeypatch):
    monkeypatch.setattr("symhep.caching.cache.WORTH", 0.0)
    store = {}
    program = straight_line(50, 4, 2)
    x = values(30, 4, np.float32)
    native._drivers.clear()
    runs = []
    for _ in range(2):
        kernel = compile_program(program, np.float32, store=store)
        runs.append(outputs_like("soa", 30, np.float32, 2))
        kernel.run(list(x.T), runs[-1])
        assert len(store) == 2
    assert np.array_equal(*runs)


# -- inside the user's own compiled functions ------------------------------------------------------------------------


def test_inside_njit():
    program = straight_line(SIZE, 3, 2, parameters=1)
    function = njit_function(compile_program(program, np.float64), 4, 2)

    @numba.njit
    def total(x, y, p):
        result = 0.0
        for k in range(x.size):
            a, b = function(x[k], y[k], 1, p)
            result += a * b
        return result

    @numba.njit
    def arrays(x, y, p):
        return function(x, y[::-1], 1, p)

    x, y = values(101, 2, np.float64).T
    one, p = np.array([1.0]), np.array([0.8])
    a, b = evaluate(program, [x, y, one, p], np.float64)
    assert total(x, y, 0.8) == sum((a * b).tolist())
    for got, wanted in zip(arrays(x, y, 0.8), evaluate(program, [x, y[::-1], one, p], np.float64)):
        assert np.array_equal(got, wanted)


def test_inside_njit_one_result():
    program = straight_line(SIZE, 2, 1)
    function = njit_function(compile_program(program, np.float32), 2, 1)
    x, y = values(9, 2, np.float64).T
    wanted = evaluate(program, [x.astype(np.float32), y.astype(np.float32)], np.float32)[0]
    assert np.array_equal(function(x, y.copy()), wanted) and function(x[0], y[0]) == wanted[0]
    with pytest.raises(ValueError, match="length"):
        function(x, y[1:])
    with pytest.raises(numba.TypingError):
        function(np.ones((2, 2)), 1.0)
