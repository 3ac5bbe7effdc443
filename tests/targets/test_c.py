"""The C target: complete, bit for bit NumPy's and the numba target's, made of vectors, readable, and exported."""

import os
import re
import subprocess

import numpy as np
import pytest

import symhep as sh
from symhep.errors import CompileError
from symhep.graph import Builder, Graph
from symhep.ops import OPS, REDUCTIONS
from symhep.program import build
from symhep.targets import c, c_compiler, c_library, native
from symhep.targets import numpy as numpy_target
from symhep.targets.c_library import compile_program
from symhep.targets.c_math import ELEMENTARY, INSTRUCTIONS
from symhep.targets.ctext import TEXTS
from symhep.targets.machine import expand
from tests.programs import evaluate, program_of, straight_line
from tests.sample_kernels import mass

RAISED = {"custom", "special", "sum", "product", "power", "complex", "real", "imag", "conj"}
WITHOUT_TEXT = {"input", "const", "item", "batch_size", *REDUCTIONS}
DTYPES = [np.float64, np.float32]
ARITHMETIC = sorted(set(TEXTS) - set(ELEMENTARY))
EVERY_KIND = (
    "add", "sub", "mul", "div", "sqrt", "neg", "abs", "minimum", "maximum", "copysign", "floor", "ceil", "trunc", "rint"
)  # fmt: skip
SPECIAL = [0.0, -0.0, 1.0, -1.5, 2.5, -2.5, 0.5, np.inf, -np.inf, np.nan, 1e-42, 1e30, 3e6, -1e12]
STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")
needs_compiler = pytest.mark.skipif(c_compiler() is None, reason="no C compiler")


@sh.kernel
def dimuon_mass(pt1, eta1, φ1, pt2, eta2, φ2):
    """Invariant mass of two massless particles."""
    return np.sqrt(2 * pt1 * pt2 * (np.cosh(eta1 - eta2) - np.cos(φ1 - φ2)))


@sh.kernel(parameters=("centre", "width"))
def likelihood(m, centre, width):
    x = np.log(width / ((m - centre) ** 2 + width**2))
    return {"nll": -sh.batch_sum(x), "most": sh.batch_max(x), "least": sh.batch_min(m), "off": x - sh.batch_mean(x)}


def graph_of(op):
    """One operation on as many inputs as it takes."""
    b = Builder()
    kinds = {"select": ["bool", "real", "real"], "and": ["bool"] * 2, "or": ["bool"] * 2, "not": ["bool"]}
    inputs = [b.input(f"x{i}", kind) for i, kind in enumerate(kinds.get(op, ["real"] * OPS[op].arity))]
    node = b.node(op, tuple(inputs))
    return Graph(tuple(inputs), tuple([b.node("item", (node,), (i,)) for i in range(2)] if op == "sincos" else [node]))


def results(compiled, columns, dtype, count):
    outputs = [np.empty(max(np.size(x) for x in columns), dtype) for _ in range(count)]
    compiled.run(columns, outputs)
    return outputs


def assert_same_bits(a, b):
    """Any NaN is as good as another."""
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.signbit(a) | np.isnan(a), np.signbit(b) | np.isnan(b))


# -- completeness ----------------------------------------------------------------------------------------------------


def test_there_is_a_text_for_every_operation():
    assert set(TEXTS) == set(OPS) - RAISED - WITHOUT_TEXT


def test_every_recorded_instruction_has_a_text():
    used = {i.op for name in ELEMENTARY for narrow in (False, True) for i in expand(name, narrow)}
    assert used <= INSTRUCTIONS.keys() | {"input", "const", "rescue"}


def test_operation_that_should_have_been_lowered():
    with pytest.raises(ValueError, match="may not hold 'power'"):
        c.emit(program_of(lambda b, x: b.node("power", (x,), (3,)), "x"))


# -- bits ------------------------------------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ARITHMETIC)
def test_arithmetic_has_numpys_bits(op, dtype):
    graph = graph_of(op)
    values = np.array(SPECIAL, dtype)
    pairs = [np.repeat(values, values.size), np.tile(values, values.size)]
    columns = [(pairs[0] > 0).astype(dtype) if n.dtype == "bool" else pairs[i % 2] for i, n in enumerate(graph.inputs)]
    program = build(graph)
    (got,) = results(compile_program(program, dtype), columns, dtype, 1)
    assert_same_bits(got, evaluate(program, columns, dtype)[0])


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ELEMENTARY)
def test_elementary_functions_are_the_numba_targets(op, dtype):
    """Bit for bit, also where libm steps in; and within 2 ulp of NumPy's, beyond what those are off themselves."""
    program, rng = build(graph_of(op)), np.random.default_rng(5)
    low, high = {"acosh": (1, 9), "atanh": (-1, 1), "asin": (-1, 1), "acos": (-1, 1)}.get(op, (-9, 9))
    ordinary = rng.uniform(low, high, (2, 2000))
    special = [np.repeat(SPECIAL, len(SPECIAL)), np.tile(SPECIAL, len(SPECIAL))]
    columns = [np.concatenate([a, b]).astype(dtype) for a, b in zip(ordinary, special)][: len(program.inputs)]
    count = len(program.outputs)
    ours = results(compile_program(program, dtype), columns, dtype, count)
    theirs = results(native.compile_program(program, dtype), columns, dtype, count)
    reference = numpy_target.compile_program(program, dtype)(columns)
    for a, b, right in zip(ours, theirs, reference):
        assert_same_bits(a, b)
        a, right = (x[:2000][np.isfinite(right[:2000])] for x in (a, right))
        error = np.abs(a - right) / np.spacing(np.abs(right))
        assert error.max() <= (4 if dtype == np.float32 else 3)  # 2 of ours and what NumPy's have


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_of_random_programs(dtype):
    rng = np.random.default_rng(1)
    for seed, size in ((1, 40), (2, 700)):
        program = straight_line(size, 8, 3, ops=EVERY_KIND, seed=seed, parameters=1)
        columns = [rng.uniform(-2, 2, 301).astype(dtype) for _ in range(8)] + [np.array([0.7], dtype)]
        for got, right in zip(
            results(compile_program(program, dtype), columns, dtype, 3), evaluate(program, columns, dtype)
        ):
            assert_same_bits(got, np.broadcast_to(right, 301))


@needs_compiler
@pytest.mark.parametrize("flags", [("-O3", "-march=native", "-std=gnu99"), ("-O0",)])
def test_bits_do_not_depend_on_flags(flags):
    """gcc contracts products and sums in its own dialect of C, unless the text forbids it."""
    program = straight_line(200, 8, 3, seed=3)
    columns = [np.random.default_rng(k).uniform(0.5, 1.5, 99) for k in range(8)]
    compiled = compile_program(program)
    compiled._call = getattr(c_library.build(compiled.function.text, flags), compiled.function.name)
    for got, right in zip(results(compiled, columns, float, 3), evaluate(program, columns, float)):
        assert_same_bits(got, right)


@needs_compiler
@pytest.mark.parametrize("flags", [("-O1",), ("-O3", "-march=native", "-std=gnu11")])
def test_functions_do_not_depend_on_flags_or_instructions(flags):
    """A processor without fused products has libm's, with the same bits."""
    program = program_of(lambda b, x, y: [b.node("exp", (x,)), b.node("pow", (x, y)), b.node("sin", (y,))], "x y")
    columns = [np.random.default_rng(k).uniform(0.1, 9, 150) for k in range(2)]
    columns[1][3] = 1e20
    compiled = compile_program(program)
    compiled._call = getattr(c_library.build(compiled.function.text, flags), compiled.function.name)
    right = results(native.compile_program(program, np.float64), columns, float, 3)
    for a, b in zip(results(compiled, columns, float, 3), right):
        assert_same_bits(a, b)


@needs_compiler
def test_fast_math_is_refused():
    with pytest.raises(CompileError, match="compile without -ffast-math"):
        c_library.build(c.emit(straight_line(3)), ("-O2", "-ffast-math"))


@needs_compiler
def test_a_matrix_element():
    from benchmarks.inputs import INPUTS

    amp1 = INPUTS["amp1"]
    ours, right = amp1.kernel.to("c"), amp1.kernel.to("numpy")
    for dtype in DTYPES:
        columns = [np.asarray(x, dtype) for x in amp1.columns(500, 1)]
        assert_same_bits(ours(*columns), right(*columns))


@needs_compiler
def test_truth_values_and_logic():
    def make(b, x, y):
        less, same = b.node("lt", (x, y)), b.node("eq", (x, y))
        either = b.node("or", (less, b.node("not", (same,))))
        chosen = b.node("select", (either, less, same))
        both = b.node("and", (chosen, x))
        return [less, both, b.node("eq", (less, same)), b.node("ne", (both, less)), b.node("add", (both, x)),
                b.node("div", (less, both)), b.const(0.5), b.node("const", (), (1,), dtype="bool")]  # fmt: skip

    program = program_of(make, "x y")
    columns = [np.repeat(SPECIAL, len(SPECIAL)), np.tile(SPECIAL, len(SPECIAL))]
    for got, right in zip(results(compile_program(program), columns, float, 8), evaluate(program, columns, float)):
        assert_same_bits(got, np.broadcast_to(right, got.shape))


# -- loops -----------------------------------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_bodies_are_cut(dtype, monkeypatch):
    monkeypatch.setattr(c, "LIMIT", 60)

    def make(b, x, y, p):
        less, pair = b.node("lt", (x, y)), b.node("sincos", (b.node("mul", (x, p)),))
        sine, cosine = (b.node("item", (pair,), (k,)) for k in range(2))
        z, once = x, b.node("mul", (p, p))
        for _ in range(90):
            z = b.node("mul", (b.node("add", (z, y)), b.node("add", (cosine, once))))
            z = b.node("div", (z, b.node("add", (b.node("abs", (z,)), b.const(1)))))
        return [b.node("select", (less, z, sine)), b.node("add", (z, cosine)), x, once]

    program = program_of(make, "x y", "p")
    text = c.emit(program, dtype, "f")
    assert text.count("SEPARATE void f_part") > 5
    columns = [np.random.default_rng(k).uniform(-1, 1, 300).astype(dtype) for k in range(2)] + [np.array([0.3], dtype)]
    columns[0][7] = 1e9  # sine far from zero
    got = results(compile_program(program, dtype), columns, dtype, 4)
    for a, b in zip(got, results(native.compile_program(program, dtype), columns, dtype, 4)):
        assert_same_bits(a, b)
    whole = straight_line(500, 6, 2, seed=4)
    columns = [np.random.default_rng(k).uniform(0.5, 1.5, 1001).astype(dtype) for k in range(6)]
    for a, b in zip(results(compile_program(whole, dtype), columns, dtype, 2), evaluate(whole, columns, dtype)):
        assert_same_bits(a, b)


@needs_compiler
@pytest.mark.parametrize("limit", [2500, 5])
@pytest.mark.parametrize("events", [0, 1, 100, 5000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_reductions_have_the_bits_of_the_numba_target(events, dtype, limit, monkeypatch):
    monkeypatch.setattr(c, "LIMIT", limit)
    m = np.random.default_rng(events).normal(size=events).astype(dtype)
    ours, theirs = likelihood.to("c")(m, dtype(0.1), dtype(1)), likelihood(m, dtype(0.1), dtype(1))
    for name in theirs:
        assert_same_bits(ours[name], theirs[name])


@needs_compiler
def test_sums_are_compensated_and_extremes_carry_nan():
    @sh.kernel
    def both(x):
        return sh.batch_sum(x), sh.batch_max(x)

    x = np.ones(3000)
    x[[5, 2500]] = 1e100, -1e100
    assert both.to("c")(x)[0] == 2998
    x[7] = np.nan
    assert all(np.isnan(both.to("c")(x)))


@needs_compiler
def test_several_batch_axes():
    @sh.kernel
    def likelihood(x, y: sh.Scalar.over("mc")):
        return sh.batch_sum(np.sin(x)) / sh.batch_sum(y * y, axis="mc"), x - sh.batch_mean(y, axis="mc")

    x, y = np.linspace(0, 1, 70), np.linspace(1, 2, 3000)
    for got, right in zip(likelihood.to("c")(x, y), likelihood(x, y)):
        assert_same_bits(got, right)


@needs_compiler
@pytest.mark.parametrize("make", ["likelihood", "dimuon_mass", "every", "cut"])
def test_compilers_have_nothing_to_say(make, monkeypatch):
    if make == "cut":
        monkeypatch.setattr(c, "LIMIT", 50)
        text = c.emit(straight_line(300))
    elif make == "every":
        text = "".join(c.emit(build(graph_of(op)), np.float32, f"f_{op}") for op in ARITHMETIC)
    else:
        text = {"likelihood": likelihood, "dimuon_mass": dimuon_mass}[make].source("c")
    c_library.build(text, (*c.FLAGS, *STRICT))


@pytest.mark.skipif(c_compiler() is None or "gcc" not in str(c_compiler()), reason="no gcc to say what it vectorises")
@pytest.mark.parametrize("dtype", DTYPES)
def test_loops_become_vectors(dtype, tmp_path):
    @sh.kernel
    def many(x, y):
        return np.where(x < y, np.exp(x) / y, np.arctan2(x, y)) + np.sin(x) + np.minimum(np.floor(x), np.sqrt(y))

    for kernel in (many, dimuon_mass, mass):
        source = tmp_path / "kernel.c"
        source.write_text(c.emit(build(kernel._chosen({}).optimised.graph), dtype, "f"), encoding="utf-8")
        call = [c_compiler(), "-std=c99", *c.FLAGS, "-fopt-info-vec", "-c", str(source), "-o", os.devnull]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
        assert re.search(r"loop vectorized using (16|32|64) byte vectors", done.stdout + done.stderr)
