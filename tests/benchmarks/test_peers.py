"""The comparison with other packages: right derivatives, limits that hold, tables that keep their rows."""

import doctest
import importlib
import importlib.util
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import sympy
import typer
from rich.console import Console
from typer.testing import CliRunner

from benchmarks import helas_c
from benchmarks.compare import Worker
from benchmarks.peers import __main__ as command
from benchmarks.peers import counting, hlo, measure, table
from benchmarks.peers.cases import CASES, DAUGHTERS, MOTHER, Case, breakup
from benchmarks.peers.measure import Cell, Limits, deviation
from benchmarks.peers.pairs import of_module, trace
from benchmarks.peers.registry import PEERS, Peer
from benchmarks.systems import Unsupported

QUICK = Limits(seconds=60, events=2000, rounds=2)
SMALL = ("dimuon", "helix", "likelihood")
OF_A_PROCESS = ("jax", "tensorwaves", "pytensor", "symbolica")  # these have settings for a whole process
MODULES = ("counting", "hlo", "pairs", "table", "casadi", "symforce")


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    found = doctest.testmod(importlib.import_module(f"benchmarks.peers.{name}"))
    assert found.attempted > 0 and found.failed == 0


def test_every_package_has_a_module_that_says_what_is_compared():
    for peer in PEERS.values():
        source = importlib.util.find_spec(f"benchmarks.peers.{peer.name}")
        assert source is not None
        if not peer.missing:
            module = peer.module()
            assert callable(module.build) and module.__doc__


@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("derivatives", [False, True])
@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer not in OF_A_PROCESS])
def test_values_and_derivatives_are_those_of_differences(peer, derivatives, case):
    """In the small cases; against central differences of the function itself on NumPy."""
    if PEERS[peer].missing:
        pytest.skip(PEERS[peer].missing)
    given = CASES[case]
    program = PEERS[peer].module().build(given, derivatives)
    columns = given.events(50, 3)
    compare(given, columns, derivatives, program.rows(program.run(columns, given.values)))
    assert program.operations() > 0


@pytest.mark.parametrize("peer, case", [*((peer, "helix") for peer in OF_A_PROCESS), ("jax", "likelihood")])
def test_derivatives_in_a_process(peer, case):
    if PEERS[peer].missing:
        pytest.skip(PEERS[peer].missing)
    given = CASES[case]
    worker = Worker(measure.Server, peer, case, True, 50, 8.0)
    try:
        measure._compile(Cell(), worker, 60.0)
        compare(given, given.events(50, 1), True, worker.ask("values"))
        assert worker.ask("operations") > 0
    finally:
        worker.stop()


def compare(case: Case, columns, derivatives: bool, rows):
    expected = by_differences(case, columns, derivatives)
    assert len(rows) == len(expected)
    for row, (right, allowed) in zip(rows, expected):
        assert np.all(np.abs(row - right) <= allowed)


def by_differences(case: Case, columns, derivatives: bool):
    """Values and derivatives, each with how much it may be off."""
    arguments = [*columns, *case.values]

    def values(arguments):
        found = case.function(*arguments)
        found = found if isinstance(found, tuple) else (found,)
        return [np.sum(v) if case.total else v for v in found]

    right = values(arguments)
    rows = [(v, 1e-10 * np.max(np.abs(v))) for v in right]
    for k, value in enumerate(right if derivatives else []):
        for i in case.by:
            step = 1e-5 * np.max(np.abs(arguments[i]))
            up, down = ([a + sign * step * (j == i) for j, a in enumerate(arguments)] for sign in (1, -1))
            slope = (values(up)[k] - values(down)[k]) / (2 * step)
            rows.append((slope, 1e-5 * np.max(np.abs(slope)) + 1e-9 * np.max(np.abs(value)) / step))
    return rows


@pytest.fixture(scope="module")
def found():
    """Measured in processes of their own, as `python -m benchmarks.peers` does."""
    peers = [name for name in ("jax", "lambdify") if not PEERS[name].missing]
    return measure.measure(CASES["dimuon"], peers, QUICK)


def test_a_table(found):
    for peer, halves in found.items():
        for cell in halves:
            assert cell.note == "" and cell.limit is None, peer
            assert cell.operations >= 9 and cell.compile_seconds >= 0 and cell.nanoseconds > 0
            assert cell.times > 0 and (peer != "symhep" or cell.times == 1)
    values, derivatives = found["symhep"]
    assert values.operations == 9 and derivatives.operations > values.operations


def test_a_program_that_takes_too_long_is_stopped(monkeypatch):
    pytest.importorskip("resource")
    monkeypatch.setattr(measure, "PATIENCE", 100)  # so that the limit of processor time is what ends it
    cell = Cell(limit=1)
    worker = Worker(measure.Server, "lambdify", "amp1", True, 1000, 8.0)  # minutes
    with pytest.raises(measure.OverLimit):
        measure._compile(cell, worker, 1.0)
    assert worker.exitcode == -measure.SIGXCPU
    assert table.texts(cell) == ["–", "> 1", "–", "–"]


def test_a_compiler_that_takes_too_long_is_stopped(tmp_path):
    pytest.importorskip("resource")
    if (command := helas_c.compiler()) is None:
        pytest.skip("no C compiler")
    sums = "\n".join(f"  y += sin(x + {i}) * cos(x * {i});" for i in range(30_000))
    (tmp_path / "long.c").write_text(f"#include <math.h>\ndouble f(double x) {{ double y = 0;\n{sums}\n  return y; }}")
    limited = "import resource, subprocess, sys; resource.setrlimit(resource.RLIMIT_CPU, (1, 100)); "
    run = "print(subprocess.run(sys.argv[1:], capture_output=True, text=True).stderr)"
    line = [command, "-O3", "-c", str(tmp_path / "long.c"), "-o", str(tmp_path / "long.o")]
    done = subprocess.run([sys.executable, "-c", limited + run, *line], capture_output=True, text=True)
    assert "CPU time limit" in done.stdout.splitlines()[0]


def test_wrong_values_are_not_timed():
    class Worker:
        def ask(self, question, **options):
            return [np.array([1.0, 2.0])]

    measure._check(Worker(), [np.array([1.0, 2.0])])
    with pytest.raises(Unsupported, match=r"^wrong values: 1e-03 from symhep's$"):
        measure._check(Worker(), [np.array([1.0, 2.002])])


def test_deviation():
    assert deviation([np.array([1.0, 0.0])], [np.array([1.0, 0.0])]) == 0
    assert deviation([np.zeros(3)], [np.zeros(3)]) == 0
    assert deviation([np.array([1.0, np.nan])], [np.array([1.0, 2.0])]) == np.inf
    assert deviation([np.zeros(3)], []) == np.inf
    assert deviation([np.array([1.0, 2.0, 1e-9])], [np.array([1.0, 2.0, 0.0])]) == pytest.approx(1e-9)


def test_a_package_that_is_missing_says_what_to_install():
    peer = Peer("nothing", "Nothing", "no_such_package", extra="some")
    assert peer.missing == "not installed: pip install 'symhep[some]'"
    line = table.absent(peer)
    assert line.text == f"| Nothing | {' | '.join(['–'] * 8)} | not installed: pip install 'symhep[some]' |"


def test_the_command_has_a_row_for_what_is_missing(monkeypatch):
    monkeypatch.setitem(PEERS, "jax", Peer("jax", "JAX", "no_such_package"))
    monkeypatch.setattr(command, "measure", lambda case, peers, *rest: {p: (Cell(), Cell()) for p in peers})
    rows = command.lines("dimuon", ["symhep", "jax"], QUICK, print)
    assert list(rows) == ["symhep", "jax"]
    console = Console(width=100, file=io.StringIO())
    console.print(command.printed("dimuon", rows))
    assert "JAX: not installed: pip install 'symhep[bench]'" in " ".join(console.file.getvalue().split())


def test_extras_exist(root):
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    for peer in PEERS.values():
        if peer.package not in ("symhep", "sympy"):
            (listed,) = re.findall(rf"^{peer.extra} = \[(.*)\]", text, re.MULTILINE)
            assert peer.package in listed


def test_rows_stay_where_they_are_not_measured_again(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("# Performance\n\ntext\n", encoding="utf-8")
    first = {
        "symhep": (Cell(9, 0.1, 2.0, 1.0), Cell(20, 0.1, 4.0, 1.0)),
        "jax": (Cell(13, 1, 1.0, 0.5), Cell(limit=120)),
    }
    rows = {name: table.Line(name, table.line(PEERS[name], cells).cells) for name, cells in first.items()}
    table.write(page, {"helix": rows, "dimuon": rows}, "Notes.")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Performance\n\ntext\n\n<!-- peers:begin -->\n## ")
    assert text.index("### dimuon: ") < text.index("### helix: ")
    assert re.search(r"\| JAX [\d.]+ \| 13 \| 1.00 \| 1.00 \| \*\*0.50\*\* \| – \| > 120 \| – \| – \|  \|\n", text)
    assert table.read(text) == {"dimuon": rows, "helix": rows}

    table.write(page, {"helix": {"symhep": table.line(PEERS["symhep"], (Cell(8), Cell(note="a|b")))}}, "Notes.")
    changed = table.read(page.read_text(encoding="utf-8"))
    assert changed["dimuon"] == rows and changed["helix"]["jax"] == rows["jax"]
    assert changed["helix"]["symhep"].cells[1:] == ("8", *["–"] * 7, "derivatives: a/b")

    monkeypatch.setitem(PEERS, "jax", Peer("jax", "JAX", "no_such_package"))
    table.write(page, {"helix": {"jax": table.absent(PEERS["jax"])}}, "Notes.")
    assert table.read(page.read_text(encoding="utf-8")) == changed


def test_counting_leaves_out_what_depends_on_parameters_alone():
    assert counting.per_event(["a, b = m*m, m + 1", "c = x*a + b"], ["x"]) == 2
    assert counting.per_event(["c = x**2 - 2*x", "d = sqrt(c)/m"], ["x"]) == 5


def test_instructions_of_xla_are_counted_by_their_shape():
    text = """
      %p.1 = f64[] parameter(0)
      %c = f64[] multiply(%p.1, %p.1)
      %a.2 = f64[100]{0} add(%x, %b), metadata={op_name="jit(f)/mul"}
      %s = (f64[100]{0}) tuple(%a.2)
      ROOT %sqrt.1 = f64[100]{0:T(8)} sqrt(%a.2)
      %n = f64[100]{0} negate(%a.2)
    """
    assert hlo.operations(text, 100) == 2


def test_pairs_are_complex_numbers():
    number = of_module(sympy)
    x, y = sympy.symbols("x y", real=True)
    made = trace(
        lambda x, y: ((z := (x + 2j * y) / (1 - 1j * x)).real, z.imag, abs(x) ** 2, -np.exp(x) * 0), number, [x, y]
    )
    z = (x + 2 * sympy.I * y) / (1 - sympy.I * x)
    assert sympy.simplify(made[0] - sympy.re(z)) == 0 and sympy.simplify(made[1] - sympy.im(z)) == 0
    assert made[2] == x**2 and made[3] == 0
    for function in (np.sqrt, abs, lambda z: z**2):
        with pytest.raises(TypeError, match=r"^powers, magnitudes and functions are those of real numbers$"):
            function(number(x, y))


def test_events_of_the_dalitz_plot_are_inside_of_it():
    s12, s13 = CASES["likelihood"].events(1000, 1)
    d1, d2, d3 = DAUGHTERS
    s23 = MOTHER**2 + d1**2 + d2**2 + d3**2 - s12 - s13
    for s, a, b in ((s12, d1, d2), (s13, d1, d3), (s23, d2, d3)):
        assert np.all(s > (a + b) ** 2) and np.all(breakup(s, a, b) > 0)
    assert np.all(np.isfinite(CASES["likelihood"].function(s12, s13, *CASES["likelihood"].values)))


def test_unknown_names_are_refused_with_the_known_ones():
    app = typer.Typer()
    app.command()(command.main)
    done = CliRunner().invoke(app, ["--only", "nothing"], env={"COLUMNS": "200"})
    assert done.exit_code != 0
    assert all(name in done.output for name in PEERS)


def test_a_process_has_its_limits(root):
    """Of memory, and of processors: no thread of a package makes it faster."""
    pytest.importorskip("resource")
    text = """
import os, sys
import numpy as np
from benchmarks.peers.measure import limit
limit(2)
assert not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) == 1
try:
    np.ones(2**29)
except MemoryError:
    print("no more memory")
"""
    done = subprocess.run([sys.executable, "-c", text], cwd=root, capture_output=True, text=True)
    assert done.stdout == "no more memory\n", done.stderr
