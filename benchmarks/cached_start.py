"""How soon a new process has the first result of a kernel of 10,000 operations, with and without the cache.

    python -m benchmarks.cached_start [operations]

Every figure is from a process of its own, from the definition of the kernel (or the bytes of a pickle) to the result
of the first call, without the imports of numpy, numba, llvmlite and symhep: cold, then warm, the best of several.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPEATS = 7
KERNEL, PICKLE = "a traced kernel", "an unpickled kernel"

TRACED = """
function = straight_line(operations)
start = time.perf_counter()
kernel = sh.kernel(effort="fast")(function)
"""
UNPICKLED = """
data = open(file, "rb").read()
start = time.perf_counter()
kernel = pickle.loads(data)
"""
RUN = """
import json, pickle, sys, time
import llvmlite.binding, numba, numpy as np
import symhep as sh
import symhep.kernel, symhep.program, symhep.targets.native
from symhep.caching import cache
from benchmarks.cached_start import straight_line
operations, file = int(sys.argv[1]), sys.argv[2]
{define}
result = kernel(*np.linspace(0.5, 0.9, 20))
seconds = time.perf_counter() - start
if {write}:
    open(file, "wb").write(pickle.dumps(kernel))
print(json.dumps([seconds, np.ravel(result).tobytes().hex(), dict(cache.statistics)]))
"""


def straight_line(operations: int):
    """A function of 20 arguments and so many operations, whose values stay moderate.

    >>> len(straight_line(100)(*range(20)))
    20
    """
    arguments = [f"x{i}" for i in range(20)]
    names = list(arguments)
    lines = [f"def straight_line({', '.join(arguments)}):"]
    for i in range(operations // 2):
        lines.append(f"    v{i} = ({names[-20]} + {names[-1 - i % 17]}) * 0.5")
        names.append(f"v{i}")
    lines.append(f"    return {', '.join(names[-20:])}")
    made: dict = {}
    exec("\n".join(lines), made)
    return made["straight_line"]


def process(define: str, operations: int, file: Path, directory: str, write: bool = False) -> list:
    """Seconds to the first result, the result, and what the cache was asked for, in a new process."""
    script = RUN.format(define=define, write=write)
    root = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "SYMHEP_CACHE": directory, "PYTHONPATH": root}
    command = [sys.executable, "-c", script, str(operations), str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def compare(operations: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Seconds without and with what an earlier process left, of both ways to have a kernel."""
    directory, file = str(folder / "cache"), folder / "kernel.pickle"
    cold, expected, _ = process(TRACED, operations, file, directory, write=True)
    found = {}
    for name, define in ((KERNEL, TRACED), (PICKLE, UNPICKLED)):
        without = cold if name == KERNEL else process(define, operations, file, "off")[0]
        runs = [process(define, operations, file, directory) for _ in range(REPEATS)]
        for _, result, statistics in runs:
            assert result == expected and "code misses" not in statistics, statistics
        found[name] = without, min(seconds for seconds, _, _ in runs)
    return found


if __name__ == "__main__":
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        print(f"seconds to the first result, {operations} operations{'cold':>14}{'warm':>10}")
        for name, (cold, warm) in compare(operations, Path(folder)).items():
            print(f"  {name:45}{cold:10.3f}{warm:10.3f}")
