"""Calls with CuPy arrays: on a stand-in whose kernels run on the CPU and, marked `gpu`, on a device."""

import subprocess
import sys

import numpy as np
import pytest

import symhep as sh
from benchmarks import gpu
from benchmarks.inputs import INPUTS
from symhep import bench
from symhep.errors import ArgumentError, CompileError, DeviceMemoryError, MissingPackage, TargetError
from symhep.program import build
from symhep.targets import cupy_launch
from symhep.targets import numpy as numpy_target
from symhep.targets.c_math import ELEMENTARY
from tests.programs import program_of, straight_line
from tests.sample_kernels import Momentum, Pair, columns, mass, propagate, total
from tests.targets import cuda_on_cpu
from tests.targets.cuda_on_cpu import needs_cpp
from tests.targets.test_c import ARITHMETIC, dimuon_mass, graph_of, likelihood

DTYPES = [np.float64, np.float32]
AMP1 = INPUTS["amp1"]


@pytest.fixture
def cupy(monkeypatch):
    """A stand-in for CuPy whose kernels run on the CPU."""
    module = cuda_on_cpu.module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(cuda_on_cpu.RawModule, "launches", [])
    for kernel in (mass, propagate, total, likelihood, dimuon_mass, AMP1.kernel):
        monkeypatch.setattr(kernel.variant(), "cupy", {})
    return module


# -- calls, on the stand-in and on a device --------------------------------------------------------------------------


def check_calls(cupy):
    """The forms of arguments and results, compared with the numpy target."""
    on = cupy.asarray
    e, px, py, pz = columns(300)
    assert_equal(cupy, mass(*map(on, (e, px, py, pz))), mass.to("numpy")(e, px, py, pz))
    single = [x.astype(np.float32) for x in (e, px, py, pz)]
    assert_equal(cupy, mass(*map(on, single)), mass.to("numpy")(*single))
    assert_equal(cupy, mass(on(e[:6].reshape(2, 3)), 0.5, on(py[:3]), 0), mass(e[:6].reshape(2, 3), 0.5, py[:3], 0))
    assert_equal(cupy, mass(on(e)[::3], on(px)[:100], on(np.array(0.1)), 0), mass(e[::3], px[:100], 0.1, 0))
    assert_equal(cupy, mass(5.0, 1, np.float64(2), on(np.array(3.0))), mass(5.0, 1, 2, 3))
    assert_equal(cupy, mass(on(e[:0]), 1, 2, 3), mass(e[:0], 1, 2, 3))
    assert_equal(cupy, mass(on(np.arange(9, 12)), 1, 2, 3), mass(np.arange(9, 12), 1, 2, 3))
    C, F = np.random.default_rng(0).normal(size=(2, 9, 3, 3))
    C = C + C.transpose(0, 2, 1)
    assert_equal(cupy, propagate(on(C), on(F[0])), propagate(C, F[0]))
    packed = C[:, *np.triu_indices(3)]
    assert_equal(cupy, propagate(on(packed), on(F)), propagate(packed, F))
    p = np.random.default_rng(1).normal(size=(2, 7, 3))
    pairs = [Pair(Momentum(f(e[:7]), f(p[0])), Momentum(f(e[7:14]), f(p[1]))) for f in (on, np.asarray)]
    got, right = total(pairs[0], (on(px[:7]), 2.0)), total(pairs[1], (px[:7], 2.0))
    assert_equal(cupy, got["sum"].p, right["sum"].p)
    assert_equal(cupy, got["list"][1][0], right["list"][1][0])


def check_complex_and_truth(cupy):
    @sh.kernel
    def phase(z: sh.Complex, chosen: sh.Boolean):
        return np.where(chosen, z, 1 / z), z.real > 0

    z = np.random.default_rng(1).normal(size=(40, 2)) @ [1, 1j]
    chosen = np.arange(40) % 3 == 0
    for got, right in zip(phase(cupy.asarray(z), cupy.asarray(chosen)), phase.to("numpy")(z, chosen)):
        assert_equal(cupy, got, right)
    for got, right in zip(phase(cupy.asarray(z.real), True), phase.to("numpy")(z.real, True)):
        assert_equal(cupy, got, right)


def check_reductions(cupy, ulps):
    for events in (0, 1, 100, 5000):
        m = np.random.default_rng(events).normal(size=events)
        got, right = likelihood(cupy.asarray(m), 0.1, 1.0), likelihood.to("numpy")(m, 0.1, 1.0)
        for name in right:
            assert_equal(cupy, got[name], right[name], ulps)


def assert_equal(cupy, got, right, ulps=0):
    assert type(got) is cupy.ndarray
    got = got.get() if hasattr(got, "get") else np.asarray(got)
    assert got.dtype == right.dtype and got.shape == np.shape(right)
    if ulps:
        np.testing.assert_allclose(got, right, rtol=ulps * np.finfo(got.dtype).eps)
    else:
        np.testing.assert_array_equal(got, right)


@needs_cpp
def test_calls(cupy):
    check_calls(cupy)


@needs_cpp
def test_complex_and_truth_values(cupy):
    check_complex_and_truth(cupy)


@needs_cpp
def test_reductions(cupy):
    check_reductions(cupy, 4)
    launched = {name for name, _ in cuda_on_cpu.RawModule.launches}
    assert {"likelihood_pass0", "likelihood_pass1", "symhep_batch_min_lanes", "symhep_batch_sum_total"} <= launched


@needs_cpp
def test_several_batch_axes(cupy):
    @sh.kernel
    def both(x, y: sh.Scalar.over("mc")):
        return sh.batch_sum(x) / sh.batch_mean(y * y, axis="mc"), x - sh.batch_max(y, axis="mc"), y + 1

    x, y = np.linspace(0, 1, 60).reshape(3, 20), np.linspace(1, 2, 3000)
    for got, right in zip(both(cupy.asarray(x), cupy.asarray(y)), both(x, y)):
        assert_equal(cupy, got, right)


@needs_cpp
def test_a_matrix_element(cupy):
    given = AMP1.columns(200, 1)
    assert_equal(cupy, AMP1.kernel(*map(cupy.asarray, given)), AMP1.kernel.to("numpy")(*given))


@needs_cpp
def test_results_are_written_into_out(cupy):
    given = [cupy.asarray(x) for x in columns(50)]
    out = cupy.empty(50)
    assert mass(*given, out=out) is out
    assert_equal(cupy, out, mass(*map(np.asarray, given)))
    for wrong in (np.empty(50), cupy.empty(49), cupy.empty(50, int)):
        with pytest.raises(ArgumentError, match="out"):
            mass(*given, out=wrong)


@needs_cpp
def test_large_batches_take_few_blocks(cupy):
    program = program_of(lambda b, x: b.node("neg", (x,)), "x")
    made = cupy_launch.compile_program(program, np.float64, "f")
    given, out = cupy.asarray(np.arange(2000.0)), cupy.empty(2000)
    made.run([given], [out], {"batch": 2000})
    np.testing.assert_array_equal(out, -given)
    launched = []
    cupy_launch.launch(lambda grid, block, arguments: launched.append((grid, block)), 2**40, [])
    assert launched == [((cupy_launch.MOST_BLOCKS,), (cupy_launch.THREADS,))]


# -- errors ----------------------------------------------------------------------------------------------------------


def test_arrays_of_numpy_are_refused(cupy):
    x = np.ones(3)
    with pytest.raises(TargetError, match=r"e is of type ndarray, in the memory of the host\n.*cupy\.asarray\(e\)"):
        mass.with_options(target="cupy")(x, x, x, x)
    with pytest.raises(TargetError, match=r"cupy\.asarray\(py\)"):
        mass(cupy.zeros(3), 1, x, 1)


def test_arguments_that_do_not_fit(cupy):
    with pytest.raises(ArgumentError, match="batch shapes do not broadcast"):
        mass(cupy.zeros(3), cupy.zeros(4), 0, 0)
    with pytest.raises(ArgumentError, match="is a real argument"):
        mass(cupy.zeros(3, complex), 0, 0, 0)


@needs_cpp
def test_out_of_memory_says_what_fits(cupy, monkeypatch):
    def empty(*_):
        raise cuda_on_cpu.OutOfMemoryError("out of memory")

    given = [cupy.asarray(x) for x in columns(1000)]
    monkeypatch.setattr(cupy, "empty", empty)
    with pytest.raises(DeviceMemoryError) as error:
        mass(*given)
    assert "1,000 events need 8,000 bytes on the device, 1,000,000 are free" in str(error.value)
    assert "batches of at most 110,000 events" in str(error.value)
    assert isinstance(error.value, MemoryError)


def test_without_a_device(cupy, monkeypatch):
    def none():
        raise cuda_on_cpu.CUDARuntimeError("cudaErrorInsufficientDriver")

    monkeypatch.setattr(cupy.cuda.runtime, "getDeviceCount", none)
    with pytest.raises(TargetError, match=r"no CUDA device: cudaErrorInsufficientDriver\n  write instead: k\.to"):
        mass.with_options(target="cupy")(1, 2, 3, 4)


def test_without_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(MissingPackage, match=r"'symhep\[cupy12\]' or pip install 'symhep\[cupy13\]'"):
        mass.with_options(target="cupy")(1, 2, 3, 4)


def test_too_many_columns(cupy):
    program = program_of(lambda b, *x: x[0], " ".join(f"x{k}" for k in range(2050)))
    with pytest.raises(CompileError, match="2,051 columns"):
        cupy_launch.compile_program(program, np.float64, "f")


def test_what_cuda_cannot_compile(cupy, monkeypatch):
    def fail(self):
        raise cupy.cuda.compiler.CompileException("words")

    monkeypatch.setattr(cuda_on_cpu.RawModule, "compile", fail)
    with pytest.raises(CompileError, match="words"):
        cupy_launch.compile_program(straight_line(3), np.float64, "f")


def test_import_leaves_cupy_alone():
    text = "import sys, symhep; symhep.targets(); assert not {'cupy', 'jax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", text], check=True)


# -- the benchmark ---------------------------------------------------------------------------------------------------


@needs_cpp
def test_the_benchmark_prints_a_table(cupy, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "INPUTS", {"dimuon": INPUTS["dimuon"]})
    monkeypatch.setattr(gpu, "MEASURED", 1e-4)
    monkeypatch.setattr(INPUTS["dimuon"].kernel.variant(), "cupy", {})
    gpu.main(["200"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("200 events on none") and [x.split()[1] for x in lines[2:]] == ["float64", "float32"]


@needs_cpp
def test_timing_a_kernel(cupy, monkeypatch):
    monkeypatch.setattr(sys.modules["symhep.targets"], "_has_nvidia_driver", lambda: True)
    monkeypatch.setattr(bench, "SECONDS", 1e-4)
    for kernel in (sh.kernel(lambda x, y: x * y), total):
        assert bench.measure(kernel, ["cupy"], 50).timings[0].label == "cupy"


def test_the_benchmark_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(SystemExit, match=r"needs a CUDA device and CuPy: cupy is not installed"):
        gpu.main([])


# -- on a device -----------------------------------------------------------------------------------------------------


@pytest.mark.gpu
def test_on_a_device():
    import cupy

    check_calls(cupy)
    check_complex_and_truth(cupy)
    check_reductions(cupy, 100)
    given = AMP1.columns(10_000, 1)
    assert_equal(cupy, AMP1.kernel(*map(cupy.asarray, given)), AMP1.kernel.to("numpy")(*given))


@pytest.mark.gpu
def test_nothing_is_copied_to_the_host_and_streams_are_respected():
    import cupy

    given = [cupy.asarray(x) for x in columns(100_000)]
    mass(*given)
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        delay = cupy.zeros(10**7)
        for _ in range(20):
            delay += 1
        result = mass(*[x + 0 * delay[0] for x in given])
    stream.synchronize()
    assert_equal(cupy, result, mass.to("numpy")(*[x.get() for x in given]))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", [*ARITHMETIC, *ELEMENTARY])
def test_operations_on_a_device(op, dtype):
    import cupy

    program = build(graph_of(op))
    low = 1.01 if op == "acosh" else 0.01
    given = [np.random.default_rng(k).uniform(low, low + 0.9, 5000).astype(dtype) for k in range(len(program.inputs))]
    made = cupy_launch.compile_program(program, dtype, "f")
    outputs = [cupy.empty(5000, dtype) for _ in program.outputs]
    made.run([cupy.asarray(x) for x in given], outputs, {"batch": 5000})
    for got, right in zip(outputs, numpy_target.compile_program(program, dtype)(given)):
        error = np.abs(got.get() - right) / np.spacing(np.abs(right).astype(dtype))
        assert error.max() <= (0 if op in ARITHMETIC else 6)
