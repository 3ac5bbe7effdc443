"""Programs compiled by the system's C compiler and called through ctypes."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from symhep.errors import CompileError, TargetError, message
from symhep.program import Program
from symhep.targets import c_compiler
from symhep.targets.c import FLAGS, Function


@cache
def _directory() -> tempfile.TemporaryDirectory:
    """Where libraries live as long as this process does."""
    return tempfile.TemporaryDirectory(prefix="symhep_c_", ignore_cleanup_errors=True)


def build(text: str, flags: Sequence[str] = FLAGS) -> ctypes.CDLL:
    """A C text as a library of this process.

    Raises TargetError where there is no compiler, CompileError with its words where it fails.
    """
    command = c_compiler()
    if command is None:
        raise TargetError(message("no C compiler is found", instead='apt install gcc, or CC=path; or k.to("numba")'))
    folder = Path(tempfile.mkdtemp(dir=_directory().name))
    source, library = folder / "kernel.c", folder / "kernel.so"
    source.write_text(text, encoding="utf-8")
    call = [command, "-std=c99", *flags, "-fPIC", "-shared", str(source), "-o", str(library), "-lm"]
    done = subprocess.run(call, capture_output=True, text=True)
    if done.returncode:
        raise CompileError(f"{command} could not compile the kernel:\n{done.stderr}")
    return ctypes.CDLL(str(library))


def compile_program(program: Program, dtype: Any = np.float64) -> Library:
    """A program as a function of a library. Raises as `build` does."""
    return Library(Function(program, dtype, "kernel"))


class Library:
    """A compiled program on columns: a `Runner`; it uses one thread. `code` is a library that has the function."""

    small = None  # no shorter way for few events

    def __init__(self, function: Function, code: ctypes.CDLL | None = None) -> None:
        self.function, self.dtype = function, function.write.dtype
        self._call = getattr(code or build(function.text), function.name)
        self._call.restype = None
        self._value = ctypes.c_double if self.dtype == np.float64 else ctypes.c_float

    def run(self, columns: Sequence[np.ndarray], outputs: Sequence[np.ndarray], threads: int = 1) -> None:
        """Fill the outputs: columns, or arrays of one element for what is reduced."""
        given, results = iter(columns), iter(outputs)
        sizes = self._sizes(columns, outputs)
        arrays: list[np.ndarray] = []
        copies: list[tuple[np.ndarray, np.ndarray]] = []
        arguments: list[Any] = []
        for p in self.function.parameters:
            if p.kind == "size":
                arguments.append(ctypes.c_size_t(sizes[p.axis]))
                continue
            if p.kind == "value":
                arguments.append(self._value(np.asarray(next(given)).reshape(-1)[0]))
                continue
            if p.kind == "column":
                array = self._contiguous(next(given), sizes[p.axis])
            elif p.kind == "work":
                array = np.empty(sum(count * sizes[axis] for axis, count in self.function.work.items()), self.dtype)
            else:
                target = next(results)
                array = target if target.flags.c_contiguous else np.empty(target.shape, self.dtype)
                if array is not target:
                    copies.append((target, array))
            arrays.append(array)
            arguments.append(ctypes.c_void_p(array.ctypes.data))
        self._call(*arguments)
        for target, array in copies:
            target[...] = array

    def _sizes(self, columns: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> dict[str | None, int]:
        """How many events each axis has: as many as its results, or else as its longest column."""
        parameters = [p for p in self.function.parameters if p.kind in ("column", "value", "result")]
        sizes: dict[str | None, int] = {}
        for p, array in zip(parameters, [*columns, *outputs], strict=True):
            if p.axis is not None:
                size = np.size(array)
                sizes[p.axis] = size if p.kind == "result" else max(size, sizes.get(p.axis, 0))
        return sizes

    def _contiguous(self, column: Any, events: int) -> np.ndarray:
        array = np.asarray(column, self.dtype).reshape(-1)
        return np.ascontiguousarray(array if array.size == events else np.broadcast_to(array, events))
