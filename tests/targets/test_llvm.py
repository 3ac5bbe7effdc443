"""The vector target's text: complete, exact, bit for bit NumPy's, and made of vectors."""

import re
from fractions import Fraction

import llvmlite.binding as llvm
import numpy as np
import pytest

from symhep.graph import Graph
from symhep.ops import OPS, REDUCTIONS
from symhep.program import build
from symhep.targets import bodies
from symhep.targets.bodies import emit
from symhep.targets.driver import driver
from symhep.targets.llvm import INSTRUCTIONS, TEXTS, constant, vector
from symhep.targets.machine import Machine, expand, record
from symhep.targets.native import compile_program
from symhep.targets.processor import emit_assembly, emit_object
from symhep.targets.segments import cuts, segment, straighten
from symhep.targets.structs import Group
from tests.programs import evaluate, program_of, straight_line

LEAVES = {"input", "const", "batch_size"}
LOWERED = {*LEAVES, *REDUCTIONS, "custom", "special", "power", "sum", "product", "complex", "real", "imag", "conj"}
WITHOUT_TEXT = {"item", "keep"}  # a name for a value that is there
EVERY_KIND = (
    "add", "sub", "mul", "div", "sqrt", "neg", "abs", "minimum", "maximum", "copysign", "floor", "ceil", "trunc", "rint"
)  # fmt: skip
SPECIAL = [0.0, -0.0, 1.0, -1.5, 2.5, -2.5, 0.5, np.inf, -np.inf, np.nan, 5e-324, 1e300]
DTYPES = [np.float64, np.float32]
ZEN4 = ("x86_64-unknown-linux-gnu", "znver4", "")
BITWISE = [n for n in TEXTS if n in EVERY_KIND or (n in OPS and OPS[n].counts not in (n, "logic"))]


def results(program, columns, dtype, width=None):
    """What the compiled program gives."""
    kernel = compile_program(program, dtype, width=width)
    outputs = [np.empty(columns[0].size, dtype) for _ in program.outputs]
    kernel.run(columns, outputs)
    return outputs


def same(a, b):
    """Whether two arrays have the same bits, any NaN being as good as another."""
    signs = [np.signbit(x) | np.isnan(x) for x in (a, b)]
    return np.array_equal(a, b, equal_nan=True) and np.array_equal(*signs)


def pairs(dtype):
    """All pairs of special values, as two columns."""
    with np.errstate(over="ignore"):
        values = np.array(SPECIAL, dtype)
    return np.repeat(values, values.size), np.tile(values, values.size)


# -- completeness ----------------------------------------------------------------------------------------------------


def test_every_operation_of_a_lowered_program_has_a_text():
    assert OPS.keys() - LOWERED - WITHOUT_TEXT <= TEXTS.keys()


def test_every_recorded_instruction_has_a_text():
    elementary = [name for name in TEXTS if name in OPS and callable(TEXTS[name])]
    assert len(elementary) > 20
    used = {i.op for name in elementary for wide in (False, True) for i in expand(name, wide=wide)}
    assert {"exponent", "lookup"} < used <= INSTRUCTIONS.keys() | {"input", "const", "rescue", "lookup"}


def test_operation_that_should_have_been_lowered():
    program = program_of(lambda b, x: b.node("power", (x,), (3,)), "x")
    with pytest.raises(ValueError, match="may not hold 'power'"):
        emit(program, np.dtype(np.float64), 8)


# -- recorded instructions -------------------------------------------------------------------------------------------


def test_instructions_are_in_order_and_shared():
    for name in ("sincos", "pow", "erf"):
        listed = expand(name)
        assert all(a < k for k, i in enumerate(listed) for a in i.args)
        assert len({(i.op, i.args, repr(i.attrs), i.type) for i in listed}) == len(listed)
    assert len(expand("sincos")) < len(expand("sin")) + len(expand("cos")) - 30


def test_recording():
    def function(m, x, y):
        unused = x / y
        assert unused is not None
        i = (m.bits(x) & 7) << 2
        return m.select(x > 2.0, 1.0 - x, m.from_bits(i)), -y

    listed = record(function, 2)
    ops = [i.op for i in listed]
    assert "div" not in ops and ops.count("input") == 2
    assert [listed.list[r].op for r in listed.results] == ["select", "neg"]
    shift = next(i for i in listed if i.op == "shl")
    assert [listed.list[a].op for a in shift.args] == ["iand", "const"] and shift.type == "i64"


def test_no_branches_in_recorded_functions():
    with pytest.raises(TypeError, match="select"):
        record(lambda m, x: x if x > 0.0 else -x, 1)
    assert Machine().const(-0.0).position == 0


# -- bits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [2, 4, 8])
def test_bits_of_random_programs(dtype, width):
    rng = np.random.default_rng(width)
    for seed, size in ((1, 40), (2, 150), (3, 700)):
        program = straight_line(size, 8, 3, ops=EVERY_KIND, seed=seed, parameters=1)
        columns = [rng.uniform(-2, 2, 101).astype(dtype) for _ in range(8)] + [np.array([0.7], dtype)]
        for got, wanted in zip(results(program, columns, dtype, width), evaluate(program, columns, dtype)):
            assert same(got, np.broadcast_to(wanted, 101))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", BITWISE)
def test_bits_of_special_values(op, dtype):
    def make(b, x, y, z):
        args = (x, y, z)[: OPS[op].arity]
        return b.node(op, (b.node("lt", (x, y)), y, z) if op == "select" else args)

    x, y = pairs(dtype)
    program = program_of(make, "x y z")
    columns = [x, y, x[::-1].copy()]
    assert same(results(program, columns, dtype)[0], evaluate(program, columns, dtype)[0])


def test_logic_and_truth_values():
    def make(b, x, y):
        less, same_ = b.node("lt", (x, y)), b.node("eq", (x, y))
        either = b.node("or", (less, b.node("not", (same_,))))
        chosen = b.node("select", (either, less, same_))
        both = b.node("and", (chosen, b.node("le", (x, y))))
        return [less, both, b.node("eq", (less, same_)), b.node("ne", (both, less)), b.node("add", (both, x))]

    x, y = pairs(np.float64)
    program = program_of(make, "x y")
    for got, wanted in zip(results(program, [x, y], np.float64), evaluate(program, [x, y], np.float64)):
        assert same(got, wanted)


def test_truth_values_cross_segments(monkeypatch):
    monkeypatch.setattr(bodies, "LIMIT", 8)

    def make(b, x, y):
        less = b.node("lt", (x, y))
        for _ in range(40):
            x = b.node("mul", (b.node("add", (x, y)), x))
        return b.node("select", (less, x, y))

    program = program_of(make, "x y")
    x, y = (np.random.default_rng(1).uniform(-1, 1, 50) for _ in range(2))
    assert same(results(program, [x, y], np.float64)[0], evaluate(program, [x, y], np.float64)[0])


@pytest.mark.parametrize(
    "value", [Fraction(1, 3), 10**400, -(10**400), 0.1, -0.0, 2**53 + 1, Fraction(1, 3) * 2**-140, float("nan")]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_constants_are_rounded_once(value, dtype):
    def make(b, x):
        return [b.node("copysign", (b.const(value), x)), b.const(value)]

    program = program_of(make, "x")
    x = np.array([1.0, -1.0], dtype)
    for got, wanted in zip(results(program, [x], dtype), evaluate(program, [x], dtype)):
        assert same(got, np.broadcast_to(wanted, 2))


def test_constant_between_two_floats():
    # halfway between two float32 as a float64, but not as a fraction
    value = 1 + Fraction(1, 2**24) + Fraction(1, 2**60)
    assert constant(value, vector(np.float32, 8)) == constant(1 + 2**-23, vector(np.float32, 8))


def test_no_licence_to_change_results():
    text, _ = emit(straight_line(200, ops=EVERY_KIND), np.dtype(np.float64), 8)
    assert not re.search(r"\b(fast|contract|reassoc|nnan|ninf|nsz|arcp|afn)\b", text)
    assert "llvm.fma" not in text


# -- segments --------------------------------------------------------------------------------------------------------


def test_cuts_cover_all_lines_within_the_limit():
    lines = straighten(straight_line(3000)).each
    ranges = cuts(lines, lambda line: 1, 500)
    assert [a for a, _ in ranges] == [0, *[b for _, b in ranges[:-1]]] and ranges[-1][1] == 3000
    assert all(b - a <= 500 for a, b in ranges)


def test_rows_are_used_again():
    straight = straighten(straight_line(5000, window=30))
    segments, rows = segment(straight, lambda line: 1, 300)
    assert rows < 80 < sum(len(s.saves) for s in segments)
    for s in segments:
        assert not set(s.loads.values()) & set(s.saves.values())


# -- machine code ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [300, 1000, 10_000])
@pytest.mark.parametrize("outputs", [1, 6, 30])
def test_arithmetic_is_packed(size, outputs):
    text, _ = emit(straight_line(size, outputs=outputs), np.dtype(np.float64), 8)
    assembly = emit_assembly(text, *ZEN4)
    packed = re.findall(r"\tv(?:add|sub|mul|f\w+)pd\t.*zmm", assembly)
    narrow = re.findall(r"\tv(?:add|sub|mul|f\w+)(?:sd\t|pd\t(?!.*zmm))", assembly)
    assert len(packed) >= 0.99 * size and len(narrow) <= 0.01 * size


def test_elementary_functions_are_packed():
    program = program_of(lambda b, x: [b.node(f, (x,)) for f in ("exp", "log", "sin", "erf")], "x")
    assembly = emit_assembly(emit(program, np.dtype(np.float64), 8)[0], *ZEN4)
    each = assembly[assembly.index("each.0:") : assembly.index(".Lfunc_end0")]
    packed, narrow = re.findall(r"\tv\w+pd\t", each), re.findall(r"\tv\w+sd\t", each)
    assert len(packed) > 100 and not [n for n in narrow if n != "\tvmovsd\t" and n != "\tvbroadcastsd\t"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "triple, cpu, width",
    [
        ("aarch64-unknown-linux-gnu", "neoverse-n1", 2),
        ("arm64-apple-darwin", "apple-m1", 2),
        ("x86_64-unknown-linux-gnu", "x86-64", 2),
        ("x86_64-pc-windows-msvc-elf", "haswell", 4),
        ("x86_64-unknown-linux-gnu", "skylake-avx512", 8),
    ],
)
def test_objects_for_other_processors(triple, cpu, width, dtype):
    def make(b, x, y):
        pair = b.node("sincos", (x,))
        taken = [b.node("item", (pair,), (k,)) for k in (0, 1)]
        return [*taken, b.node("pow", (x, y)), b.node("minimum", (x, y)), b.node("rint", (b.node("div", (x, y)),))]

    program = program_of(make, "x y")
    structs = (Group(0, 2, 24),)
    texts = [emit(program, np.dtype(dtype), width, structs=s)[0] for s in ((), structs)]
    texts += [emit(program, np.dtype(dtype), 8, special="avx512")[0]] if "avx512" in cpu else []
    for text in (*texts, driver(vector(dtype, width))):
        assert len(emit_object(text, triple, cpu)) > 1000
        llvm.parse_assembly(text).verify()


def test_no_undefined_symbols():
    program = program_of(lambda b, x: [b.node("tan", (x,)), b.node("pow", (x, x))], "x")
    for text in (emit(program, np.dtype(np.float64), 8)[0], driver(vector(np.float64, 8))):
        assert not re.search(r"^declare", text, re.MULTILINE)
        assert "@PLT" not in emit_assembly(text, *ZEN4)


def test_tables_are_in_registers_where_there_are_instructions_for_that():
    program = program_of(lambda b, x, y: [b.node("log", (x,)), b.node("pow", (x, y))], "x y")
    for dtype, permute in ((np.float64, "vpermi2pd|vpermt2pd"), (np.float32, "vpermps|vpermd\\t")):
        text, _ = emit(program, np.dtype(dtype), 8, special="avx512")
        assembly = emit_assembly(text, *ZEN4)
        assert len(re.findall(permute, assembly)) >= 6 and "@lookup" not in text
        assert "vgetexp" in assembly and "vgetmant" in assembly and "vscalef" in assembly


def test_text_is_deterministic():
    def text():
        return emit(straight_line(500, ops=EVERY_KIND), np.dtype(np.float64), 8)[0]

    assert text() == text()


def test_program_without_operations():
    program = program_of(lambda b, x, p: [x, b.const(3), p, x], "x", "p")
    columns = [np.arange(11.0), np.array([5.0])]
    got = results(program, columns, np.float64)
    assert [o.tolist() for o in got] == [list(range(11)), [3] * 11, [5] * 11, list(range(11))]
    assert build(Graph((), ())).outputs == ()
