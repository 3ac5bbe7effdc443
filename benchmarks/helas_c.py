"""The plain C HELAS code (helas.c) as Python functions over columns: the yardstick of the comparisons.

Compiled at first use with the C compiler found ($CC, gcc or cc) into a directory which lives as long as the process.
The comparisons give C its best: RELAXED lets gcc drop the terms that vanish by chirality or mass = 0, which STRICT must
keep because of signed zeros and infinities (1.5 times slower). Not -ffast-math: loading such a library would switch the
whole process to flush denormals. Run it to time it: python benchmarks/helas_c.py
"""

import ctypes
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("helas.c")
STRICT = ("-O3", "-march=native")
RELAXED = (*STRICT, "-ffinite-math-only", "-fno-signed-zeros", "-fno-math-errno", "-fno-trapping-math")
COUPLING = 2 / 3 * np.sqrt(4 * np.pi / 132.507)


class NoCompiler(RuntimeError):
    """There is no C compiler, or it does not work."""


def compiler():
    """Path of the C compiler, or None.

    >>> compiler() is None or isinstance(compiler(), str)
    True
    """
    return next((path for name in (os.environ.get("CC"), "gcc", "cc") if name and (path := shutil.which(name))), None)


@functools.cache
def build_directory():
    """A temporary directory removed at exit."""
    return tempfile.TemporaryDirectory(prefix="helas_c_", ignore_cleanup_errors=True)


@functools.cache
def library(dtype="float64", flags=RELAXED):
    """The compiled library for float64 or float32. Errors: NoCompiler says what is missing."""
    real = {"float64": "double", "float32": "float"}[dtype]
    command = compiler()
    if command is None:
        raise NoCompiler("plain C HELAS needs a C compiler: install gcc (e.g. apt install gcc) or set CC")
    path = Path(build_directory().name) / f"helas_{real}_{len(flags)}.so"
    arguments = [command, *flags, "-fPIC", "-shared", f"-DREAL={real}", str(SOURCE), "-o", str(path), "-lm"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        raise NoCompiler(f"{command} could not compile {SOURCE.name}:\n{done.stderr}")
    return ctypes.CDLL(str(path))


def call(name, columns, flags=RELAXED):
    """Run one of the C functions on 20 columns (E, px, py, pz of p1 to p5, in GeV), each of shape (N,)."""
    dtype, real = (np.float32, ctypes.c_float) if columns[0].dtype == np.float32 else (np.float64, ctypes.c_double)
    columns = [np.ascontiguousarray(column, dtype) for column in columns]
    if len(columns) != 20 or any(column.shape != columns[0].shape or column.ndim != 1 for column in columns):
        raise ValueError("plain C HELAS takes 20 columns of equal length: E, px, py, pz of p1 to p5")
    function = getattr(library(np.dtype(dtype).name, flags), name)
    function.restype = None
    result = np.empty_like(columns[0])
    pointers = (ctypes.c_void_p * 20)(*(column.ctypes.data for column in columns))
    function(pointers, ctypes.c_void_p(result.ctypes.data), ctypes.c_long(result.size), real(COUPLING))
    return result


def amp1(columns, flags=RELAXED):
    """|amplitude|^2 of u ubar -> 3 photons for helicities (-, +; -, +, +): 20 columns in GeV -> (N,) in GeV^-2."""
    return call("amp1", columns, flags)


def msq(columns, flags=RELAXED):
    """Sum of |amplitude|^2 over the 12 non-vanishing helicities: 20 columns in GeV -> (N,) in GeV^-2."""
    return call("msq", columns, flags)


def nanoseconds_per_event(function, columns, repeats=7):
    """Best time of `function(columns)` per event in ns, after one call to warm up."""
    function(columns)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function(columns)
        best = min(best, time.perf_counter() - start)
    return 1e9 * best / len(columns[0])


def main():
    """Print the time per event of both functions in both precisions, with both sets of flags."""
    sys.path.insert(0, str(SOURCE.parents[1]))
    from kernels.phase_space import random_events

    events = random_events(100_000, seed=1)
    for flags in (RELAXED, STRICT):
        print(" ".join(flags))
        for dtype in ("float64", "float32"):
            columns = events.astype(dtype)
            for function in (amp1, msq):
                time_per_event = nanoseconds_per_event(functools.partial(function, flags=flags), columns)
                print(f"  {function.__name__:5s} {dtype}  {time_per_event:8.1f} ns/event")


if __name__ == "__main__":
    try:
        main()
    except NoCompiler as error:
        sys.exit(str(error))
