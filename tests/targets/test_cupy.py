"""The CUDA target's text: run on the CPU and compared bit for bit, and compiled for GPUs that are not here."""

import functools

import numpy as np
import pytest

from benchmarks.inputs import INPUTS
from symhep.errors import CompileError, MissingPackage
from symhep.program import build
from symhep.targets import cupy as target
from symhep.targets import numpy as numpy_target
from symhep.targets import nvrtc
from symhep.targets.c_math import ELEMENTARY
from symhep.targets.cupy import emit, resources
from tests.programs import evaluate, program_of, straight_line
from tests.sample_kernels import mass
from tests.targets import cuda_on_cpu
from tests.targets.cuda_on_cpu import needs_cpp
from tests.targets.test_c import ARITHMETIC, EVERY_KIND, SPECIAL, assert_same_bits, dimuon_mass, graph_of, likelihood

DTYPES = [np.float64, np.float32]
needs_nvrtc = pytest.mark.skipif(nvrtc.available() is not None, reason=str(nvrtc.available()))

AMP1 = INPUTS["amp1"]


@functools.cache
def text_of_every_operation(dtype):
    return "".join(emit(build(graph_of(op)), dtype, f"f_{op}") for op in (*ARITHMETIC, *ELEMENTARY))


def on_cpu(program, given, dtype, grid=2, block=5, text=None, name="f"):
    """The outputs of a program without reductions, its text run on the CPU."""
    events = max(np.size(x) for x in given)
    outputs = [np.empty(events, dtype) for _ in program.outputs]
    arguments = [events]
    for n, column in zip(program.inputs, given):
        arguments += [column, int(column.size > 1) * column.strides[0] // column.itemsize] if n.axes else [column]
    for column in outputs:
        arguments += [column, 1]
    cuda_on_cpu.run(text or emit(program, dtype, name), name, grid, block, arguments)
    return outputs


# -- the text, run on the CPU ----------------------------------------------------------------------------------------


@needs_cpp
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ARITHMETIC)
def test_arithmetic_has_numpys_bits(op, dtype):
    graph = graph_of(op)
    values = np.array(SPECIAL, dtype)
    pairs = [np.repeat(values, values.size), np.tile(values, values.size)]
    given = [(pairs[0] > 0).astype(dtype) if n.dtype == "bool" else pairs[i % 2] for i, n in enumerate(graph.inputs)]
    (got,) = on_cpu(build(graph), given, dtype, text=text_of_every_operation(dtype), name=f"f_{op}")
    assert_same_bits(got, evaluate(build(graph), given, dtype)[0])


@needs_cpp
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ELEMENTARY)
def test_elementary_functions_are_within_2_ulp_of_numpys(op, dtype):
    """Of libm on the CPU, that is: the text calls the right function in the right precision."""
    low, high = {"acosh": (1, 9), "atanh": (-1, 1), "asin": (-1, 1), "acos": (-1, 1), "pow": (0, 9)}.get(op, (-9, 9))
    if op.startswith("log") or op == "pow":
        low = 0.01
    program = build(graph_of(op))
    given = [np.random.default_rng(k).uniform(low, high, 500).astype(dtype) for k in range(len(program.inputs))]
    ours = on_cpu(program, given, dtype, text=text_of_every_operation(dtype), name=f"f_{op}")
    for got, right in zip(ours, numpy_target.compile_program(program, dtype)(given)):
        assert np.max(np.abs(got - right) / np.spacing(np.abs(right))) <= 2


@needs_cpp
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_of_random_programs(dtype):
    for seed, size in ((1, 40), (2, 700)):
        program = straight_line(size, 8, 3, ops=EVERY_KIND, seed=seed, parameters=1)
        given = [np.random.default_rng(k).uniform(-2, 2, 101).astype(dtype) for k in range(8)]
        given += [np.array([0.7], dtype)]
        for got, right in zip(on_cpu(program, given, dtype), evaluate(program, given, dtype)):
            assert_same_bits(got, np.broadcast_to(right, 101))


@needs_cpp
@pytest.mark.parametrize(("grid", "block"), [(1, 1), (3, 7), (200, 4)])
def test_any_launch_computes_every_event(grid, block):
    program = program_of(lambda b, x, y: b.node("sub", (x, y)), "x y")
    x, y = np.arange(200.0)[::2], np.array([3.0])
    np.testing.assert_array_equal(on_cpu(program, [x, y], np.float64, grid, block)[0], x - 3)


@needs_cpp
def test_truth_values_constants_and_pairs():
    def make(b, x, y, p):
        less = b.node("lt", (x, y))
        (once, each) = (b.node("sincos", (v,)) for v in (p, x))
        items = [b.node("item", (each,), (1,)), b.node("item", (once,), (0,)), b.node("item", (once,), (1,))]
        logic = b.node("or", (b.node("not", (less,)), b.node("and", (less, y))))
        return [*items, logic, b.node("add", (less, b.const(float("inf")))), b.node("const", (), (1,), dtype="bool")]

    program = program_of(make, "x y", "p")
    given = [np.linspace(-1, 1, 9), np.zeros(9), np.array([0.5])]
    got = on_cpu(program, given, np.float64)
    x, y, p = given
    expected = [np.cos(x), np.sin(p), np.cos(p), (x >= y) | ((x < y) & (y != 0)), np.inf, 1]
    for a, right in zip(got, expected):
        np.testing.assert_allclose(a, np.broadcast_to(right, 9), rtol=5e-16)


def test_operation_that_should_have_been_lowered():
    with pytest.raises(ValueError, match="may not hold 'power'"):
        emit(program_of(lambda b, x: b.node("power", (x,), (3,)), "x"))


def test_the_text_is_readable(golden, root):
    golden(root / "tests/targets/golden/dimuon_mass.cu", dimuon_mass.source("cupy"))


# -- compiled for GPUs that are not here -----------------------------------------------------------------------------


@needs_nvrtc
@pytest.mark.parametrize("architecture", [80, 90])
def test_every_operation_compiles_to_a_cubin(architecture):
    names = [*ARITHMETIC, *ELEMENTARY]
    for dtype in DTYPES:
        code, found = nvrtc.compile_text(text_of_every_operation(dtype), architecture, target.OPTIONS)
        assert code[:4] == b"\x7fELF"
        assert {r.name for r in found} == {f"f_{op}" for op in names}
        assert all(r.architecture == f"sm_{architecture}" and 0 < r.registers <= 255 for r in found)


@needs_nvrtc
@pytest.mark.parametrize("architecture", [80, 90])
def test_one_helicity_spills_nothing(architecture):
    (found,) = resources(build(AMP1.kernel.variant().optimised.graph), np.float64, "amp1", architecture)
    assert found.spilled == 0 and found.registers <= 255
    assert str(found) == f"amp1: {found.registers} registers on sm_{architecture}, nothing spilled"


@needs_nvrtc
def test_the_report_has_registers_and_spills():
    report = mass.with_options(target="cupy").report()
    assert [r.architecture for r in report.cuda] == ["sm_80", "sm_90"]
    assert f"mass: {report.cuda[1].registers} registers on sm_90, nothing spilled" in str(report)
    assert report.as_dict()["cuda"][0]["spilled"] == 0
    assert not mass.report().cuda and "cuda" not in mass.report().as_dict()


@needs_nvrtc
def test_kernels_with_reductions_compile():
    found = resources(build(likelihood.variant().optimised.graph, likelihood.variant().axes), np.float32, "nll", 80)
    assert {"nll_pass0", "nll_pass1", "symhep_batch_sum_lanes", "symhep_batch_max_total"} <= {r.name for r in found}


@needs_nvrtc
def test_words_of_the_compiler():
    with pytest.raises(CompileError, match="no_such"):
        nvrtc.compile_text("__global__ void f() { no_such(); }", 90)


def test_the_log_is_read():
    log = """ptxas info    : Compiling entry function 'f' for 'sm_80'
ptxas info    : Function properties for f
    416 bytes stack frame, 576 bytes spill stores, 700 bytes spill loads
ptxas info    : Used 255 registers, used 0 barriers, 416 bytes cumulative stack size, 568 bytes cmem[0]
"""
    (found,) = nvrtc.parsed(log)
    assert str(found) == "f: 255 registers on sm_80, 576 bytes spilled" and found.stack == 416


def test_without_nvrtc(monkeypatch):
    monkeypatch.setattr(nvrtc, "_library", lambda: None)
    assert "symhep[cuda-compile]" in nvrtc.available()
    with pytest.raises(MissingPackage, match="cuda-compile"):
        resources(straight_line(3))
    assert mass.with_options(target="cupy").report().cuda == ()
