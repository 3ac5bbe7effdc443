"""u ubar -> 3 photons, from HELAS-style Python to a fast kernel: operations, agreement and speed.

    python examples/03_uu_to_3gamma.py
    python examples/03_uu_to_3gamma.py --events 10000

Leaves with an error if the CPU target is missing or a check fails.
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import symhep as sh

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for benchmarks/ and kernels/ beside examples/
from benchmarks import helas_c
from kernels import matrix_elements as me
from kernels.phase_space import random_events

HISTORY = [
    ("plain C, HELAS (2015)", "~1500"),
    ("Theano (2015)", "~1000"),
    ("sympy, then Theano (2015)", "321"),
]
NUMPY_EVENTS = 20_000
console = Console()


def seconds(function, repeats=5):
    """Best time of a call after one to warm up."""
    function()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def require_cpu_target():
    """Leave with the reason if kernels cannot be compiled here."""
    target = sh.targets()["numba"]
    if not target.available:
        sys.exit(f"the numba target is missing: {target.reason}")


def compile_kernel(kernel, events):
    """Compile by calling once on a few events; the time it took in seconds."""
    start = time.perf_counter()
    kernel(*events[:, :8])
    return time.perf_counter() - start


def print_ladder(compile_seconds):
    """Operation counts: what was reached in 2015, and here."""
    table = Table(title="operations per event")
    for heading in ("", "amp1: one helicity", "msq: 12 helicities"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, operations in HISTORY:
        table.add_row(name, operations, "")
    reports = [kernel.report() for kernel in (me.amp1, me.msq)]
    table.add_section()
    table.add_row("symhep, as traced", *(f"{report.before.total:,}" for report in reports))
    table.add_row("symhep, optimised", *(f"{report.after.total:,}" for report in reports), style="bold")
    table.add_row("compile time", *(f"{value:.2f} s" for value in compile_seconds))
    console.print(table)


def errors(events, dtype):
    """Largest and median error of both kernels in this precision, relative to the summed |M|^2 of the closed form."""
    momenta = me.momenta_from_columns(events)
    scale = me.summed_closed_form(momenta)
    expected = {"amp1": me.amplitude_squared_closed_form(momenta, me.AMP1), "msq": scale}
    columns = events.astype(dtype)
    result = {}
    for name, value in expected.items():
        error = np.abs(getattr(me, name)(*columns) - value) / scale
        result[name] = (float(np.max(error)), float(np.median(error)))
    return result


def print_checks(events):
    """Compare with the closed form in both precisions; True if everything agrees."""
    table = Table(title="difference to the closed form / summed |M|²")
    for heading in ("", "median", "largest", "allowed", "verdict"):
        table.add_column(heading)
    good = True
    for dtype, allowed in (("float64", 1e-10), ("float32", 1e-3)):
        for name, (largest, median) in errors(events, dtype).items():
            passed = largest < allowed  # False for nan too
            good &= passed
            verdict = "[green]ok[/]" if passed else "[red]failed[/]"
            table.add_row(f"{name} {dtype}", f"{median:.1e}", f"{largest:.1e}", f"{allowed:.0e}", verdict)
    console.print(table)
    return good


def print_speed(events):
    """Time per event of the kernel, of NumPy on whole columns and, where there is a compiler, of plain C."""
    table = Table(title=f"time per event, one thread, {events.shape[1]:,} events")
    for heading in ("", "symhep", "plain C HELAS", "NumPy", "× C", "× NumPy"):
        table.add_column(heading, justify="right" if heading else "left")
    missing = None
    for dtype in ("float64", "float32"):
        columns = events.astype(dtype)
        few = columns[:, :NUMPY_EVENTS]
        for name in ("amp1", "msq"):
            kernel = getattr(me, name)
            ours = 1e9 * seconds(partial(kernel, *columns, threads=1)) / columns.shape[1]
            numpy = 1e9 * seconds(partial(kernel.fn, *few), repeats=2) / few.shape[1]
            try:
                c = helas_c.nanoseconds_per_event(getattr(helas_c, name), columns, repeats=3)
            except helas_c.NoCompiler as error:
                c, missing = None, error
            c_columns = (f"{c:.1f} ns", f"{c / ours:.1f}") if c else ("–", "–")
            row = (f"{ours:.2f} ns", c_columns[0], f"{numpy:.0f} ns", c_columns[1], f"{numpy / ours:.0f}")
            table.add_row(f"{name} {dtype}", *row)
    console.print(table)
    if missing:
        console.print(f"no comparison with C: {missing}")


def main(
    events: Annotated[int, typer.Option(min=1000, help="number of events")] = 1_000_000,
    sqrt_s: Annotated[float, typer.Option(min=1.0, help="energy of the collision in GeV")] = 1000.0,
    seed: Annotated[int, typer.Option(help="seed of the events")] = 1,
):
    """Compile amp1 and msq, print the operation counts, check against the closed form, time."""
    require_cpu_target()
    columns = random_events(events, sqrt_s, seed)
    compile_seconds = [compile_kernel(kernel, columns) for kernel in (me.amp1, me.msq)]
    console.print(me.msq.report())
    print_ladder(compile_seconds)
    good = print_checks(columns)
    print_speed(columns)
    if not good:
        sys.exit("a check failed: see the table of agreement")


if __name__ == "__main__":
    typer.run(main)
