"""The C target's text and its export: readable, with names that C has, and what is written to a directory."""

import re
import subprocess
from shutil import which

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError, CompileError, TargetError
from symhep.graph import BATCH, CONSTANT, Builder, Graph
from symhep.program import build
from symhep.targets import c, c_compiler, c_library
from symhep.targets.c_library import compile_program
from symhep.targets.ctext import identifier, literal
from tests.programs import straight_line
from tests.sample_kernels import close, mass, propagate
from tests.sample_kernels import columns as momenta
from tests.targets.test_c import STRICT, dimuon_mass, likelihood, needs_compiler

# -- the text --------------------------------------------------------------------------------------------------------


def test_the_text_is_readable(golden, root):
    golden(root / "tests/targets/golden/mass.c", mass.source("c"))


def test_names_are_of_c():
    names = ["p[0]", "double", "exp", "φ1", "ñ", "_x", "a__b", "2", "n", "i", "lambda", "threadIdx", "µ"]
    made = [identifier(n) for n in names]
    assert made[:7] == ["p_0", "double_", "exp_", "phi1", "n", "x", "a_b"]
    assert all(re.fullmatch(r"[A-Za-z]\w*", n, re.ASCII) for n in made)


@needs_compiler
def test_arguments_may_have_the_names_of_the_text():
    @sh.kernel(parameters=("start",))
    def restrict(n, i, out0, far, exp, start, 真):
        return np.sin(n) * i + out0 - far / exp + start * 真

    values = [np.full(300, x) for x in (0.1, 0.2, 0.3, 0.4, 0.5)]
    close(restrict.to("c")(*values, 0.6, values[0]), np.sin(0.1) * 0.2 + 0.3 - 0.8 + 0.06)
    assert "void restrict_(" in restrict.source("c")


def test_literals():
    texts = [literal(v, np.dtype(np.float32)) for v in (2, -0.1, 1e-310, 1e300, float("nan"), -0.0)]
    assert texts == ["2.0f", "(-0.1f)", "0.0f", "INFINITY", "NAN", "(-0.0f)"]


def test_without_a_compiler(monkeypatch):
    monkeypatch.setattr(c_library, "c_compiler", lambda: None)
    with pytest.raises(TargetError, match="no C compiler"):
        compile_program(straight_line(3))


@needs_compiler
def test_words_of_the_compiler():
    with pytest.raises(CompileError, match="no_such"):
        c_library.build("int f(void) { return no_such; }")


@needs_compiler
def test_calls_of_all_forms():
    e, px, py, pz = momenta(70)
    np.testing.assert_array_equal(mass.to("c")(e, px, py, pz), mass(e, px, py, pz))
    assert mass.to("c")(5.0, 1, 2, 3) == mass(5.0, 1, 2, 3)
    np.testing.assert_array_equal(mass.to("c")(e[::2], px[:1], 0.5, pz[::2]), mass(e[::2], px[:1], 0.5, pz[::2]))
    C, F = np.random.default_rng(0).normal(size=(2, 9, 3, 3))
    np.testing.assert_array_equal(propagate.to("c")(C, F), propagate(C, F))

    @sh.kernel
    def phase(z: sh.Complex):
        return z / abs(z), z.real > 0

    z = np.random.default_rng(1).normal(size=(40, 2)) @ [1, 1j]
    for got, right in zip(phase.to("c")(z), phase(z)):
        np.testing.assert_array_equal(got, right)


# -- export ----------------------------------------------------------------------------------------------------------


@needs_compiler
def test_build_c(tmp_path):
    paths = [*dimuon_mass.build_c(tmp_path), *likelihood.build_c(str(tmp_path))]
    assert {p.name for p in paths} == {
        "dimuon_mass.h", "dimuon_mass.c", "dimuon_mass_f32.c", "likelihood.h", "likelihood.c", "likelihood_f32.c",
        "README.md",
    }  # fmt: skip
    header = (tmp_path / "dimuon_mass.h").read_text()
    assert "Invariant mass of two massless particles." in header and "operations per event" in header
    assert re.search(r"phi1 +φ1: a column", header) and re.search("out0 +result: a column, written", header)
    assert "memory for 1 * n numbers" in (tmp_path / "likelihood.h").read_text()
    readme = (tmp_path / "README.md").read_text()
    command = next(line for line in readme.splitlines() if line.startswith("cc "))
    command = command.replace("cc ", f"{c_compiler()} {' '.join(STRICT)} ", 1)
    assert not subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True).stderr
    assert (tmp_path / "libkernels.so").exists()


@pytest.mark.skipif(which("g++") is None, reason="no g++")
def test_the_header_is_read_by_cpp(tmp_path):
    dimuon_mass.build_c(tmp_path)
    lines = ["double x[6] = {{40, 1, 0, 30, -1, 3}}, m;", "{call}", "return !(m > 95 && m < 110);"]
    program = '#include "dimuon_mass.h"\nint main() {{\n' + "\n".join(lines) + "\n}}\n"
    call = "dimuon_mass(1, x, x + 1, x + 2, x + 3, x + 4, x + 5, &m);"
    (tmp_path / "main.cpp").write_text(program.format(call=call))
    for step in (["gcc", "-c", "dimuon_mass.c"], ["g++", *STRICT, "main.cpp", "dimuon_mass.o", "-lm"], ["./a.out"]):
        subprocess.run(step, cwd=tmp_path, check=True)


def test_export_overwrites_only_its_own_files(tmp_path):
    first = [p.read_text() for p in mass.build_c(tmp_path)]
    assert [p.read_text() for p in mass.build_c(tmp_path)] == first
    (tmp_path / "mass.h").write_text("/* mine */\n")
    (tmp_path / "mass.c").write_text(f"{first[1]}/* changed */\n")
    with pytest.raises(ArgumentError, match=r"mass\.h is there, and symhep did not make it"):
        mass.build_c(tmp_path)
    assert "changed" in (tmp_path / "mass.c").read_text()


def test_a_comment_cannot_be_ended_by_the_users_words(tmp_path):
    @sh.kernel
    def f(x):
        """Ends */ here."""
        return x * x

    f.build_c(tmp_path)
    assert "Ends * / here." in (tmp_path / "f.h").read_text()


def test_axes_of_plain_programs():
    b = Builder()
    x, y = b.input("x", axes=frozenset({"mc"})), b.input("y", axes=CONSTANT)
    assert c._output_axes(build(Graph((x, y), (y,)))) == [frozenset({"mc"})]
    assert c._output_axes(build(Graph((y,), (y,)))) == [BATCH]
