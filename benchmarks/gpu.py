"""The cupy target on a GPU, next to the numba target on all CPUs and to copying the same columns on the device.

    python -m benchmarks.gpu [events]

Times are of calls with columns that are on the device already, until the results are there; a copy reads and writes
each byte once, so its rate is what memory can do at best. What each kernel needs of registers is NVRTC's word.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.inputs import INPUTS, Input
from benchmarks.timing import seconds_per_call
from symhep.errors import SymhepError
from symhep.targets.cupy_launch import cupy_module

EVENTS = 10_000_000
MEASURED = 0.3  # seconds of each measurement
LINE = "{:8s} {:8s} {:>12s} {:>12s} {:>9s} {:>12s} {:>9s}"


def main(arguments: Sequence[str]) -> None:
    """Print the table, or why there is none."""
    try:
        cupy = cupy_module()
    except SymhepError as error:
        sys.exit(f"benchmarks.gpu needs a CUDA device and CuPy: {error}")
    events = int(arguments[0]) if arguments else EVENTS
    device = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    print(f"{events:,} events on {device}, CuPy {cupy.__version__}")
    print(LINE.format("formula", "dtype", "cupy ps/ev", "numba ps/ev", "speed-up", "GB/s", "of a copy"))
    for name, given in INPUTS.items():
        for dtype in (np.float64, np.float32):
            print(row(name, given, dtype, events, cupy))


def row(name: str, given: Input, dtype: Any, events: int, cupy: Any) -> str:
    """The line of one formula in one precision."""
    columns = repeated(given, dtype, events)
    on_device = [cupy.asarray(c) for c in columns]
    report = given.kernel.report()
    gpu = synchronised(lambda: given.kernel(*on_device), cupy)
    cpu = seconds_per_call(lambda: given.kernel(*columns), MEASURED)
    moved = (report.bytes_in + report.bytes_out) * events * np.dtype(dtype).itemsize // 8
    rate, best = moved / gpu, copy_rate(moved, cupy)
    return LINE.format(
        name,
        np.dtype(dtype).name,
        f"{1e12 * gpu / events:.1f}",
        f"{1e12 * cpu / events:.1f}",
        f"{cpu / gpu:.1f}",
        f"{rate / 1e9:.0f}",
        f"{rate / best:.0%}",
    )


def repeated(given: Input, dtype: Any, events: int) -> list[np.ndarray]:
    """Columns of so many events: some thousands, again and again."""
    few = [np.asarray(c, dtype) for c in given.columns(min(events, 10_000), 1)]
    return [np.resize(c, events) for c in few]


def copy_rate(moved: int, cupy: Any) -> float:
    """Bytes per second, read and written, of a copy on the device that moves as much."""
    source = cupy.zeros(moved // 16)
    target = cupy.empty_like(source)

    def copy() -> None:
        target[...] = source

    return moved / synchronised(copy, cupy)


def synchronised(call: Callable[[], Any], cupy: Any) -> float:
    """Seconds of a call until the device is done with it."""

    def done() -> None:
        call()
        cupy.cuda.get_current_stream().synchronize()

    return seconds_per_call(done, MEASURED)


if __name__ == "__main__":
    main(sys.argv[1:])
