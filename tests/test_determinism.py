"""The same formula gives the same program in every process, whatever the hash seed."""

import os
import subprocess
import sys

PROGRAM = """
from kernels.matrix_elements import amp1
for target in ("numba", "numpy", "c", "cupy"):
    print(amp1.source(target))
print(amp1.report().json())
print(amp1.traced.graph.digest(), amp1.variant().optimised.graph.digest())
"""


def test_five_processes_make_the_same_source(root):
    processes = []
    for seed in range(5):
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", PROGRAM]
        processes.append(subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True))
    texts = [process.communicate(timeout=300)[0] for process in processes]
    assert not any(process.returncode for process in processes)
    assert "@njit" in texts[0] and len(texts[0].splitlines()) > 1000
    assert len(set(texts)) == 1
