"""CUDA texts run on the CPU: compiled by g++ with a few definitions in front, and a stand-in for the CuPy module.

The stand-in's arrays are NumPy's; its kernels run thread by thread. It has what symhep uses of CuPy, and no more: what
it lacks fails here, although CuPy may have it.
"""

import contextlib
import ctypes
import functools
import hashlib
import subprocess
import tempfile
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from shutil import which

import numpy as np
import pytest

SHIM = """\
#include <cmath>
#include <cstring>
using std::sqrt; using std::fabs;
#undef INFINITY
#undef NAN
#define __global__
#define __device__
#define __launch_bounds__(n)
struct dim3 { unsigned x, y, z; };
static dim3 gridDim, blockDim, blockIdx, threadIdx;
inline double __longlong_as_double(long long i) { double x; std::memcpy(&x, &i, 8); return x; }
extern "C" void set_grid(unsigned grid, unsigned block) { gridDim.x = grid; blockDim.x = block; }
extern "C" void set_thread(unsigned block, unsigned thread) { blockIdx.x = block; threadIdx.x = thread; }
"""

needs_cpp = pytest.mark.skipif(which("g++") is None, reason="no g++ to run CUDA texts on the CPU with")


@functools.cache
def _folder():
    return tempfile.TemporaryDirectory(prefix="cuda_on_cpu_", ignore_cleanup_errors=True)


@functools.cache
def library(text):
    """A CUDA text compiled for the CPU, without contractions, as -fmad=false is."""
    path = Path(_folder().name) / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.cpp"
    path.write_text(SHIM + text, encoding="utf-8")
    made = path.with_suffix(".so")
    flags = ["-O1", "-ffp-contract=off", "-Wall", "-Wno-unused-but-set-variable", "-fPIC", "-shared"]
    done = subprocess.run(["g++", *flags, str(path), "-o", str(made)], capture_output=True, text=True)
    assert not done.returncode and not done.stderr, done.stderr
    return ctypes.CDLL(str(made))


def run(text, name, grid, block, arguments):
    """Launch a kernel: every thread in turn."""
    code = library(text)
    function = getattr(code, name)
    function.restype = None
    given = [ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else ctypes.c_longlong(a) for a in arguments]
    code.set_grid(grid, block)
    for b in range(grid):
        for t in range(block):
            code.set_thread(b, t)
            function(*given)


class ndarray(np.ndarray):
    """An array on the device that there is not."""

    __module__ = "cupy"

    @property
    def device(self):
        return Device()


class Device(contextlib.nullcontext):
    id = 0


class RawModule:
    """A text as kernels; `launches` lists what was launched."""

    launches: list = []

    def __init__(self, *, code, options):
        self.code, self.options = code, options

    def compile(self):
        library(self.code)

    def get_function(self, name):
        def launch(grid, block, arguments):
            assert all(type(a) in (ndarray, np.int64) for a in arguments)
            self.launches.append((name, grid[0]))
            # a small grid takes the same events by longer strides
            run(self.code, name, min(grid[0], 3), 8, arguments)

        return launch


class OutOfMemoryError(MemoryError):
    pass


class CUDARuntimeError(RuntimeError):
    pass


def _made(function):
    return lambda *args, **options: function(*args, **options).view(ndarray)


def module():
    """What `import cupy` gives."""
    cupy = types.ModuleType("cupy")
    cupy.__spec__ = ModuleSpec("cupy", None)
    for name in ("empty", "zeros", "full", "asarray", "broadcast_to", "ascontiguousarray", "empty_like"):
        setattr(cupy, name, _made(getattr(np, name)))
    cupy.ndarray, cupy.RawModule = ndarray, RawModule
    cupy.get_default_memory_pool = lambda: types.SimpleNamespace(free_bytes=lambda: 0)
    runtime = types.SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=lambda: 1,
        memGetInfo=lambda: (10**6, 10**7),
        getDeviceProperties=lambda device: {"name": b"none"},
    )
    memory = types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError)
    compiler = types.SimpleNamespace(CompileException=RuntimeError)
    stream = types.SimpleNamespace(synchronize=lambda: None)
    cupy.cuda = types.SimpleNamespace(
        runtime=runtime, memory=memory, compiler=compiler, Device=Device, get_current_stream=lambda: stream
    )
    cupy.__version__ = "0"
    return cupy
