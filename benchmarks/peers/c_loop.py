"""A loop over events around C code that a package wrote, compiled with gcc."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import helas_c
from benchmarks.inputs import Columns
from benchmarks.peers.cases import Case

FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-fPIC")


class Loop:
    """A function of columns and parameters: results (outputs, events), or (outputs,) where the case is a total.

    code      what stands before the loop
    body      the statements for one event: from x0, x1, ... (columns, then parameters) to y0, y1, ...
    language  c or c++
    """

    def __init__(self, case: Case, code: str, body: str, outputs: int, language: str = "c") -> None:
        self.case, self.outputs = case, outputs
        directory = Path(helas_c.build_directory().name)
        source, made, linked = (directory / f"loop_{id(self)}{end}" for end in (f".{language}", ".o", ".so"))
        source.write_text(f"{code}\n{loop(case, body, outputs, language)}", encoding="utf-8")
        command = helas_c.compiler()
        if command is None:
            raise helas_c.NoCompiler("needs a C compiler: install gcc (e.g. apt install gcc) or set CC")
        # -ffast-math only to compile: linking with it would make the process flush denormals
        for line in ([*FLAGS, "-c", str(source), "-o", str(made)], ["-shared", str(made), "-o", str(linked), "-lm"]):
            done = subprocess.run([command, *line], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{command}: {done.stderr.strip().splitlines()[0]}")
        self._function = ctypes.CDLL(str(linked)).loop
        self._function.restype = None

    def __call__(self, columns: Columns, parameters: np.ndarray) -> np.ndarray:
        events = len(columns[0])
        results = np.empty(self.outputs if self.case.total else (self.outputs, events))
        starts = (ctypes.c_void_p * len(columns))(*(column.ctypes.data for column in columns))
        self._function(ctypes.c_long(events), starts, _pointer(parameters), _pointer(results))
        return results


def _pointer(array: np.ndarray) -> Any:
    return ctypes.c_void_p(array.ctypes.data)


def loop(case: Case, body: str, outputs: int, language: str) -> str:
    """The text of the loop; arrays are told not to overlap, as a user would who wants vector instructions."""
    columns, names = len(case.columns), range(len(case.names))
    results = [f"y{i}" for i in range(outputs)]
    sums = [f"s{i}" for i in range(outputs)] if case.total else []
    before = [f"const double *restrict c{i} = columns[{i}];" for i in range(columns)]
    before += [f"const double x{i} = parameters[{i - columns}];" for i in names if i >= columns]
    before += [f"double {s} = 0;" for s in sums] or [
        f"double *restrict r{i} = results + {i} * events;" for i in range(outputs)
    ]
    inner = [*(f"const double x{i} = c{i}[event];" for i in range(columns)), f"double {', '.join(results)};", body]
    inner += [f"s{i} += y{i};" if case.total else f"r{i}[event] = y{i};" for i in range(outputs)]
    after = [f"results[{i}] = s{i};" for i in range(len(sums))]
    pragma = f"#pragma omp simd reduction(+:{', '.join(sums)})" if sums else "#pragma omp simd"
    head = "void loop(long events, const double *const *columns, const double *parameters, double *results) {"
    text = [head, *before, pragma, "for (long event = 0; event < events; event++) {", *inner, "}", *after, "}"]
    if language == "c":
        return "\n".join(text)
    return "\n".join(['extern "C"', *text]).replace("restrict", "__restrict__")
