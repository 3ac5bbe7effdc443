"""How long it takes from a Python function to machine code, and other things that a user waits for.

    python -m benchmarks.compile_time [operations ...]

Functions of straight-line code with 20 arguments and 20 results, traced, optimised with effort="fast", and compiled for
float64; calls with one event; and the time to import symhep, in a new process.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import symhep as sh
from benchmarks.inputs import INPUTS
from benchmarks.timing import seconds_per_call

SIZES = (1_000, 10_000, 100_000)
LATEST = 20  # arguments, results, and values that an operand is chosen from


def function(operations: int, seed: int = 1) -> Callable[..., tuple]:
    """A Python function of so many additions, subtractions and products of its latest values.

    >>> sh.kernel(function(1000)).report().before.total
    1000
    """
    rng = random.Random(seed)
    arguments = [f"x{i}" for i in range(LATEST)]
    names = list(arguments)
    lines = [f"def straight_line({', '.join(arguments)}):"]
    for i in range(operations):
        # the oldest of the latest values is always used, so that no operation is in vain
        lines.append(f"    v{i} = {names[-LATEST]} {rng.choice('+-*')} {rng.choice(names[1 - LATEST :])}")
        names.append(f"v{i}")
    lines.append(f"    return {', '.join(names[-LATEST:])}")
    made: dict[str, Any] = {}
    exec("\n".join(lines), made)
    return made["straight_line"]


def stages(operations: int) -> list[float]:
    """Seconds of tracing, of the passes and of the code generator."""
    kernel = sh.kernel(effort="fast")(function(operations))
    found = []
    for step in (
        lambda: kernel.traced,
        lambda: kernel.variant().optimised,
        lambda: kernel.variant().runner(np.dtype("float64")),
    ):
        start = time.perf_counter()
        step()
        found.append(time.perf_counter() - start)
    return found


def stage_table(sizes: list[int]) -> Table:
    """Seconds to compile functions of these sizes."""
    stages(10)  # what is done once per process
    table = Table(title='seconds to compile, effort="fast", float64', box=box.SIMPLE_HEAD)
    for heading in ("operations", "trace", "passes", "machine code", "sum"):
        table.add_column(heading, justify="right")
    for size in sizes:
        found = stages(size)
        table.add_row(f"{size:,}", *[f"{value:.3f}" for value in (*found, sum(found))])
    return table


def call_table() -> Table:
    """Microseconds of a call with one event, given as floats and as arrays, and of the function on floats."""
    table = Table(title="µs of a call with one event", box=box.SIMPLE_HEAD)
    for heading in ("", "floats", "arrays", "the function itself"):
        table.add_column(heading, justify="right" if heading else "left")
    for given in INPUTS.values():
        kernel = sh.kernel(effort="fast")(given.kernel.fn)
        arrays = given.columns(1, 1)
        floats = [float(column[0]) for column in arrays]
        calls = partial(kernel, *floats), partial(kernel, *arrays), partial(given.kernel.fn, *floats)
        kernel(*floats)  # compiles
        table.add_row(given.name, *[f"{1e6 * seconds_per_call(call, 0.02):.1f}" for call in calls])
    return table


def import_seconds(statement: str, repeats: int = 5) -> float:
    """What a statement takes in a new process, less what an empty process takes."""

    def once(text: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", text], check=True)
        return time.perf_counter() - start

    return statistics.median(once(statement) - once("pass") for _ in range(repeats))


def main(sizes: list[int]) -> None:
    """Print everything."""
    console = Console()
    console.print(stage_table(sizes))
    console.print(call_table())
    for statement in ("import symhep", "import symhep; symhep.kernel", "import numpy", "import numba"):
        console.print(f"{statement:30s} {import_seconds(statement):.3f} s", highlight=False)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
