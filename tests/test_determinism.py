"""The same formula gives the same program in every process, whatever the hash seed."""

import os
import subprocess
import sys

PROCESSES = 5

PROGRAM = """
import numpy as np
import symhep as sh
from kernels.matrix_elements import amp1
from symhep.program import build
from symhep.targets import bodies
from tests import sample_kernels
from tests.bad_inputs import polar, signed, spread
from tests.fuzz.recipes import recipe

def shown(kernel):
    variant = kernel._chosen({})
    for target in ("numba", "numpy", "jax", "c", "cupy"):
        print(kernel.source(target))
    graph = variant.optimised.graph
    if variant.axes is None:
        for dtype in (np.float64, np.float32):
            print(bodies.emit(build(graph), np.dtype(dtype), 8)[0])
    print(variant.traced.graph.digest(), graph.digest())

kernels = [k for k in vars(sample_kernels).values() if isinstance(k, sh.Kernel)]
kernels += [polar, signed, spread, sh.jacobian(polar), sh.grad(spread), sh.propagate(polar)]
kernels.append(sh.hessian(lambda x, y: x**y))
for seed in range(12):
    r = recipe(seed)
    kernels.append(sh.kernel(r.function(), effort=("fast", "default")[seed % 2], parameters=r.parameters))
print(len(kernels))
for kernel in kernels:
    shown(kernel)
shown(amp1)
print(amp1.report().json())
"""


def test_five_processes_make_the_same_source(root):
    """Sources for every target, the code for LLVM, and the digests of the graphs, byte by byte."""
    processes = []
    for seed in range(PROCESSES):
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(root), "SYMHEP_CACHE": "off"}
        command = [sys.executable, "-c", PROGRAM]
        processes.append(subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True))
    texts = [process.communicate(timeout=600)[0] for process in processes]
    assert not any(process.returncode for process in processes)
    for part in ("@njit", "import jax.numpy", "#include <math.h>", "__global__", "define void", "<8 x double>"):
        assert part in texts[0]
    assert len(texts[0].splitlines()) > 15_000
    assert len(set(texts)) == 1
