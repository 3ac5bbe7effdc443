"""The comparisons: the same values from every system, and tables that say what was measured."""

import doctest
import importlib
import io
import re

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import cached_start, helas_c
from benchmarks.compare import DTYPES, Comparison, Row, Server, WrongValues, compare, deviation
from benchmarks.inputs import INPUTS, Input
from benchmarks.systems import IN_C, SYSTEMS, Prepared, Unsupported, as_written
from benchmarks.timing import FEWEST, medians, seconds_per_call

MODULES = ("__main__", "cached_start", "compile_time", "special_functions", "sympy_route", "systems", "timing")


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    assert doctest.testmod(importlib.import_module(f"benchmarks.{name}")).failed == 0


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "name",
    ["dimuon", "helix", pytest.param("amp1", marks=pytest.mark.slow), pytest.param("msq", marks=pytest.mark.slow)],
)
def test_every_system_gives_the_functions_values(system, name):
    given = INPUTS[name]
    try:
        prepared = SYSTEMS[system](given)
    except Unsupported:
        pytest.skip("no C code, or no C compiler")
    assert deviation(prepared.run, given) < 1e-9
    assert deviation(prepared.run, given, "float32") < 1e-2
    assert 0 < prepared.operations() <= as_written(given) + 2  # sympy writes 1 as 0 + 1 and the like


@pytest.mark.parametrize("system", ["symhep", "plain C", "sympy, NumPy"])
def test_quick_systems_on_amp1(system):
    if system == "plain C" and helas_c.compiler() is None:
        pytest.skip("no C compiler")
    assert deviation(SYSTEMS[system](INPUTS["amp1"]).run, INPUTS["amp1"]) < 1e-9


def test_results_have_the_precision_of_the_columns():
    given = INPUTS["helix"]
    for dtype in DTYPES:
        columns = [np.asarray(column, dtype) for column in given.columns(10, 1)]
        for system in ("symhep", "NumPy", "numba"):
            assert {np.dtype(dtype)} == {np.asarray(r).dtype for r in SYSTEMS[system](given).run(columns)}, system


def test_deviation_sees_a_wrong_value():
    given = INPUTS["dimuon"]
    assert deviation(lambda columns: given.kernel.fn(*columns) * (1 + 1e-6), given) == pytest.approx(1e-6, rel=1e-3)


@pytest.fixture(scope="module")
def comparison():
    systems = ("symhep", "plain C", "NumPy", "sympy, NumPy")
    return compare("dimuon", systems, (100, 300), rounds=2, at_least=1e-5)


def test_comparison_measures_every_batch(comparison):
    assert [row.system for row in comparison.rows] == ["symhep", "NumPy", "sympy, NumPy"]
    assert comparison.reference.system == "NumPy"
    for row in comparison.rows:
        assert row.note == ""
        assert row.operations > 0 and row.compile_seconds > 0
        assert all(row.nanoseconds(batch) > 0 for batch in comparison.batches)
    assert len(comparison.batches) == 4


def test_tables_show_every_system_with_its_speedup(comparison):
    console = Console(width=140, file=io.StringIO())
    console.print(command.table(comparison))
    text = console.file.getvalue()
    assert re.search(r"symhep +100 +\d+ +\d+\.\d+ +\d", text) and re.search(r"symhep +300 ", text)
    assert "× is relative to NumPy" in text
    page = command.page([comparison], ["a machine"], ["--only", "dimuon"])
    assert "`python -m benchmarks --only dimuon`" in page
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 2 * len(comparison.rows)
    assert {line.count("|") for line in rows} == {1 + 4 + 2 * 2}
    assert [cell.strip() for cell in rows[3].split("|")][6] == "1.00"  # the reference


def test_a_system_that_takes_too_long_is_stopped():
    made = compare("amp1", ("sympy, numba",), (100,), rounds=1, budget=0.05)
    (row,) = made.rows
    assert row.note == "not finished in 0.05 s"
    assert not row.times and made.reference is None
    assert command.MISSING in command.lines(made)[0]


def test_wrong_values_are_not_measured():
    server = Server("NumPy", INPUTS["dimuon"])
    assert server.prepare() > 0
    server.check("float64")
    right = server.prepared.run
    server.prepared = Prepared(lambda columns: right(columns) * 1.001, lambda: 1)
    with pytest.raises(WrongValues, match=r"float64 values differ from the function's by 1\.0e-03"):
        server.check("float64")


def test_a_row_without_times_says_why(comparison):
    row = Row("numba", 10, 0.5, note="values differ")
    made = Comparison(comparison.given, comparison.batches, [row])
    assert made.reference is None
    assert command.lines(made)[0] == ["numba", "100", "10", "0.50", *[command.MISSING] * 4]
    assert "numba: values differ" in command.remarks(made)


def test_medians_take_turns_and_drop_what_is_slow(monkeypatch):
    order = []
    clock = iter(range(10_000))
    monkeypatch.setattr("benchmarks.timing.time.perf_counter", lambda: float(next(clock)))

    def sampler(name, value):
        def sample():
            order.append(name)
            return value

        return sample

    found = medians({"a": sampler("a", 1.0), "b": sampler("b", 3.0)}, rounds=9)
    assert order[:4] == ["a", "b", "a", "b"]
    assert found["a"].seconds == 1.0 and found["b"].seconds == 3.0 and found["a"].spread == 0.0
    assert FEWEST <= order.count("a") < 9


def test_seconds_per_call_repeats_short_calls():
    calls = []
    assert seconds_per_call(lambda: calls.append(1), 0.05) < 0.05
    assert len(calls) > 10


def test_unknown_names_are_refused_with_the_known_ones():
    done = CliRunner().invoke(_app(), ["--only", "nothing"])
    assert done.exit_code != 0
    assert all(name in done.output for name in INPUTS)


def test_inputs_are_described():
    assert all(isinstance(given, Input) and given.title and given.names for given in INPUTS.values())
    assert set(IN_C) <= set(INPUTS)


@pytest.mark.slow
def test_the_command_writes_a_page(tmp_path):
    path = tmp_path / "performance.md"
    done = CliRunner().invoke(_app(), ["--quick", "--only", "helix", "--markdown", str(path)])
    assert done.exit_code == 0, done.output
    text = path.read_text(encoding="utf-8")
    assert "## helix" in text and "numpy 2" in text and str(tmp_path) not in text
    assert text.count("| symhep |") == 1


def _app():
    app = typer.Typer()
    app.command()(command.main)
    return app


def test_a_cached_kernel_is_sooner_ready(tmp_path):
    for cold, warm in cached_start.compare(500, tmp_path).values():
        assert 0 < warm < cold
