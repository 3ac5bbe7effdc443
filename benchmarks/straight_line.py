"""Straight-line arithmetic through the vector target: compile time, and time per event against what is to be reached.

    python -m benchmarks.straight_line [events]

The bound is the larger of 0.02 ns per operation and 1.3 times the bytes read and written over the copy bandwidth,
measured in the same run. The mixes: half additions, half multiplications; one third each of +, − and ×.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from symhep.targets.native import Native, compile_program
from tests.programs import straight_line

INPUTS = 20
MIXES = {"+×": ("add", "mul"), "+−×": ("add", "sub", "mul")}


def best(run: Callable[[], object], repeats: int = 25) -> float:
    """The shortest time of several runs, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def copy_bandwidth(events: int) -> float:
    """Bytes read and written per nanosecond when an array of the size of the inputs is copied."""
    source = np.ones(events * INPUTS)
    target = np.empty_like(source)
    return 2 * source.nbytes / best(lambda: np.copyto(target, source)) / 1e9


def columns(events: int, count: int, layout: str) -> list[np.ndarray]:
    """Columns of an array of structs, or each by itself."""
    if layout == "AoS":
        return list(np.random.default_rng(1).uniform(0.5, 1.5, (events, count)).T)
    return [np.random.default_rng(j).uniform(0.5, 1.5, events) for j in range(count)]


def time_per_event(kernel: Native, events: int, outputs: int, layout: str) -> float:
    """Nanoseconds."""
    given, results = columns(events, INPUTS, layout), columns(events, outputs, layout)
    return best(lambda: kernel.run(given, results)) / events * 1e9


def rows(events: int, sizes: tuple[int, ...]) -> None:
    """Print the table."""
    bandwidth = copy_bandwidth(events)
    print(f"{events} events, copy bandwidth {bandwidth:.1f} GB/s (read + written)")
    print("   ops mix  outputs layout  compile s  ns/event  ns/event/op   bound  ratio")
    for size in sizes:
        for mix, ops in MIXES.items():
            for outputs in (1, 4, 30):
                program = straight_line(size, INPUTS, outputs, ops=ops)
                start = time.perf_counter()
                kernel = compile_program(program, np.float64)
                compiling = time.perf_counter() - start
                bound = max(0.02 * size, 1.3 * 8 * (INPUTS + outputs) / bandwidth)
                for layout in ("SoA", "AoS"):
                    took = time_per_event(kernel, events, outputs, layout)
                    print(
                        f"{size:6d} {mix:4s} {outputs:6d} {layout:>6s} {compiling:10.3f} {took:9.2f} "
                        f"{took / size:12.4f} {bound:7.2f} {took / bound:6.2f}"
                    )


if __name__ == "__main__":
    compile_program(straight_line(10), np.float64)  # the driver, once per process
    rows(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, (300, 1000, 3000, 10_000))
