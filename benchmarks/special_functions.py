"""Time per event of elementary functions inside a kernel, against NumPy.

    python -m benchmarks.special_functions [events]

A kernel that sums a function of COPIES independent columns, minus one that sums the columns, divided by COPIES; for
NumPy, the function called with one column. One thread; the median of rounds in which all take turns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import symhep as sh
from benchmarks.timing import medians, seconds_per_call

COPIES = 8
DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Function:
    """A function, and the interval that its arguments are drawn from."""

    name: str
    function: Callable[..., Any]
    low: float
    high: float
    arguments: int = 1


FUNCTIONS = (
    Function("sin", np.sin, -100, 100),
    Function("cos", np.cos, -100, 100),
    Function("sincos", lambda x: np.sin(x) + np.cos(x), -100, 100),
    Function("exp", np.exp, -20, 20),
    Function("log", np.log, 0.01, 100),
    Function("pow", lambda x, y: x**y, 0.1, 5, 2),
    Function("atan2", np.arctan2, -5, 5, 2),
    Function("tanh", np.tanh, -5, 5),
)


def summing(term: Callable[..., Any], arguments: int) -> sh.Kernel:
    """The kernel that sums a term of each group of `arguments` columns.

    >>> summing(np.exp, 1).count().exp == COPIES
    True
    """

    @sh.kernel
    def total(x: sh.Vector[COPIES * arguments]):
        return sum(term(*[x[i + j] for j in range(arguments)]) for i in range(0, COPIES * arguments, arguments))

    return total


def baseline(*values: Any) -> Any:
    """As many loads and additions as there are with a function, or one more."""
    return sum(values[1:], values[0])


def times(events: int, rounds: int = 9, at_least: float = 0.005) -> dict[tuple[str, str], tuple[float, float]]:
    """Nanoseconds per event of symhep and of NumPy, by name and dtype."""
    samples: dict[Any, Callable[[], float]] = {}
    for f in FUNCTIONS:
        columns = np.random.default_rng(1).uniform(f.low, f.high, (COPIES * f.arguments, events))
        for dtype in DTYPES:
            given = columns.astype(dtype)
            calls = {
                "with": partial(summing(f.function, f.arguments), given.T, threads=1),
                "without": partial(summing(baseline, f.arguments), given.T, threads=1),
                "NumPy": partial(f.function, *given[: f.arguments]),
            }
            for label, call in calls.items():
                call()  # compiles
                samples[f.name, dtype, label] = partial(seconds_per_call, call, at_least)
    found = medians(samples, rounds)
    result = {}
    for f in FUNCTIONS:
        for dtype in DTYPES:
            with_it, without, numpy = (found[f.name, dtype, label].seconds for label in ("with", "without", "NumPy"))
            result[f.name, dtype] = 1e9 * (with_it - without) / COPIES / events, 1e9 * numpy / events
    return result


def table(found: dict[tuple[str, str], tuple[float, float]], events: int) -> Table:
    """All of them, for a terminal."""
    made = Table(title=f"ns per event, one thread, {events:,} events", box=box.SIMPLE_HEAD)
    made.add_column("")
    for dtype in DTYPES:
        for heading in (f"{dtype} symhep", "NumPy", "× NumPy"):
            made.add_column(heading, justify="right")
    for f in FUNCTIONS:
        line = []
        for dtype in DTYPES:
            ours, numpy = found[f.name, dtype]
            line += [f"{ours:.2f}", f"{numpy:.2f}", f"{numpy / ours:.1f}"]
        made.add_row(f.name, *line)
    return made


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    Console().print(table(times(count), count))
