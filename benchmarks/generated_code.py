"""Generated C next to the numba target, and what generated CUDA needs of a GPU's registers.

    python -m benchmarks.generated_code

C is compiled with the flags of `kernel.build_c`'s README; both run in one thread, and take turns. CUDA is compiled by
NVRTC, without a GPU.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.inputs import INPUTS, Input
from benchmarks.timing import medians, seconds_per_call
from symhep.program import Program, build
from symhep.targets import c_library, cupy, native, nvrtc, targets
from symhep.targets.c import FLAGS

EVENTS = 20_000
SHORT, ROUNDS = 0.02, 9  # seconds of a sample, and samples
DTYPES = ("float64", "float32")
ARCHITECTURES = (80, 90)


def program_of(given: Input) -> Program:
    """The optimised program of an input's kernel."""
    return build(given.kernel.variant().verified())


def against_numba() -> Iterator[str]:
    """A line for each kernel and dtype: nanoseconds per event of both, and how many times as fast C is."""
    yield f"{EVENTS} events, one thread, C with {' '.join(FLAGS)}; ns per event"
    yield f"{'':8s} {'':8s} {'numba':>8s} {'C':>8s} {'C is × as fast':>15s}"
    for given in INPUTS.values():
        program = program_of(given)
        for dtype in DTYPES:
            columns = [np.ascontiguousarray(c, dtype) for c in given.columns(EVENTS, 1)]
            calls = {target: _call(target, program, columns, dtype) for target in (native, c_library)}
            times = medians({t: partial(seconds_per_call, call, SHORT) for t, call in calls.items()}, ROUNDS)
            by_numba, by_c = (times[t].seconds / EVENTS * 1e9 for t in calls)
            yield f"{given.name:8s} {dtype:8s} {by_numba:8.2f} {by_c:8.2f} {by_numba / by_c:15.2f}"


def _call(target: Any, program: Program, columns: Sequence[np.ndarray], dtype: str) -> Callable[[], Any]:
    outputs = [np.empty(EVENTS, dtype) for _ in program.outputs]
    return partial(target.compile_program(program, dtype).run, columns, outputs)


def on_gpus() -> Iterator[str]:
    """A line for each kernel, dtype and architecture: registers, and bytes spilled to memory, per thread."""
    yield "CUDA by NVRTC: registers of a thread, and bytes spilled"
    for given in INPUTS.values():
        for dtype in DTYPES:
            for sm in ARCHITECTURES:
                for r in cupy.resources(program_of(given), dtype, given.name, sm):
                    yield f"{r.name:8s} {dtype:8s} {r.architecture:6s} {r.registers:4d} registers {r.spilled:5d} bytes"


def main() -> None:
    """Print both tables, or why there is none."""
    os.environ["SYMHEP_CACHE"] = "off"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for missing, lines in ((targets()["c"].reason, against_numba), (nvrtc.available(), on_gpus)):
        for line in [missing] if missing else lines():
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
