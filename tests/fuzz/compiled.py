"""The C and CUDA texts of many formulas, compiled in one go and compared with the numba target.

gcc takes 30 ms for a formula if it is given forty at once, and three times that one by one. CUDA texts are compiled by
g++ and run on the CPU, one thread after another; their elementary functions are then the C library's, one by one
compiled in the same way for the comparison.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any
from unittest import mock

import numpy as np

from symhep.graph import Builder, Graph
from symhep.ops import OPS
from symhep.program import build
from symhep.targets import c_compiler, cupy, cupy_launch
from symhep.targets.c import FLAGS, Function
from symhep.targets.c_library import Library
from tests.fuzz import checks
from tests.fuzz.case import Case
from tests.fuzz.checks import Failure, differences, outputs, stepwise
from tests.targets import cuda_on_cpu
from tests.targets.cuda_on_cpu import SHIM

C_FLAGS = ("-std=c99", "-O1", *FLAGS[1:], "-w", "-fPIC", "-shared")  # -O1: half the time, and flags change no bit
CUDA_FLAGS = ("-O1", "-ffp-contract=off", "-w", "-fPIC", "-shared")


def available(part: str) -> bool:
    """Whether there is a compiler for it."""
    return (c_compiler() if part == "c" else which("g++")) is not None


def compiled_failures(cases: Sequence[Case]) -> Iterator[tuple[Case, Failure]]:
    """What is wrong with the C and CUDA texts of cases that have been run."""
    with tempfile.TemporaryDirectory(prefix="symhep_fuzz_", ignore_cleanup_errors=True) as folder:
        for part, library, check in (("c", _c_library, _c_failures), ("cupy", _cuda_library, _cuda_failures)):
            chosen = [case for case in cases if part in case.options.parts and available(part)]
            if part == "cupy":
                for case in chosen:
                    if case.axes is not None:
                        case.seen["cupy in stages"] += 1
                        yield from ((case, failure) for failure in _staged_failures(case))
                chosen = [case for case in chosen if case.axes is None]
            if chosen:
                yield from _checked(part, chosen, library, check, Path(folder))


def _checked(
    part: str, cases: Sequence[Case], library: Any, check: Any, folder: Path
) -> Iterator[tuple[Case, Failure]]:
    """One library of all; where that fails, one by one."""
    try:
        code = library(cases, folder / f"{part}.so")
    except subprocess.CalledProcessError as error:
        if len(cases) == 1:
            yield cases[0], Failure(part, f"does not compile: {error.stderr[-300:]}")
        else:
            for k, case in enumerate(cases):
                (own := folder / str(k)).mkdir(exist_ok=True)
                yield from _checked(part, [case], library, check, own)
        return
    for k, case in enumerate(cases):
        case.seen[part] += 1
        for failure in check(case, code, k):
            yield case, failure


def _compile(command: Sequence[str], made: Path) -> ctypes.CDLL:
    subprocess.run([*command, "-o", str(made), "-lm"], capture_output=True, text=True, check=True)
    code = ctypes.CDLL(str(made))
    return code


# -- C ---------------------------------------------------------------------------------------------------------------


def _function(case: Case, k: int) -> Function:
    return Function(build(case.graph, case.axes), case.options.dtype, f"case_{k}")


def _c_library(cases: Sequence[Case], made: Path) -> ctypes.CDLL:
    files = []
    for k, case in enumerate(cases):
        files.append(made.with_name(f"c_{k}.c"))
        files[-1].write_text(_function(case, k).text, encoding="utf-8")
    return _compile([str(c_compiler()), *C_FLAGS, *map(str, files)], made)


def _c_failures(case: Case, code: ctypes.CDLL, k: int) -> Iterator[Failure]:
    library = Library(_function(case, k), code)
    given = [np.atleast_1d(np.asarray(case.columns[n.attrs[0]], case.options.dtype)) for n in case.graph.inputs]
    found = checks.filled(library, given, case.sizes)
    found = [np.where(u, r, f) for u, f, r in zip(case.unsigned, found, case.found)]
    yield from differences("c", case.names, found, case.found, case.columns)


# -- CUDA ------------------------------------------------------------------------------------------------------------


def _cuda_library(cases: Sequence[Case], made: Path) -> ctypes.CDLL:
    return _cuda([cupy.emit(build(c.graph), c.options.dtype, f"case_{k}") for k, c in enumerate(cases)], made)


def _cuda(texts: Sequence[str], made: Path) -> ctypes.CDLL:
    source = made.with_suffix(".cpp")
    source.write_text(SHIM + "\n".join([re.sub(r"#define (NAN|INFINITY) ", r"#undef \1\n\g<0>", t) for t in texts]))
    # without -fno-builtin, g++ finds functions of what it knows to be constant by other means than the C library
    return _compile(["g++", *CUDA_FLAGS, "-fno-builtin", str(source)], made)


def _launched(case_name: str, code: ctypes.CDLL, arguments: Sequence[Any]) -> None:
    """Two blocks of two threads, one after another."""
    function = getattr(code, case_name)
    function.restype = None
    given = [ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else ctypes.c_longlong(a) for a in arguments]
    code.set_grid(2, 2)
    for block in range(2):
        for thread in range(2):
            code.set_thread(block, thread)
            function(*given)


def _run_cuda(
    name: str, code: ctypes.CDLL, graph: Graph, columns: Sequence[np.ndarray], count: int
) -> list[np.ndarray]:
    results = [np.full(count, 77, columns[0].dtype) for _ in graph.outputs]
    arguments: list[Any] = [count]
    for n, column in zip(graph.inputs, columns):
        arguments += [column, int(column.size > 1)] if n.axes else [column]
    for column in results:
        arguments += [column, 1]
    _launched(name, code, arguments)
    return results


def _cuda_failures(case: Case, code: ctypes.CDLL, k: int) -> Iterator[Failure]:
    graph, dtype = case.graph, case.options.dtype
    given = [np.ascontiguousarray(np.atleast_1d(case.columns[n.attrs[0]]), dtype) for n in graph.inputs]
    found = _run_cuda(f"case_{k}", code, graph, given, case.found[0].size)
    right = outputs(graph, stepwise(graph, case.columns, dtype, function=_by_cuda), case.sizes, dtype)
    right = [np.where(u, f, r) for u, f, r in zip(case.unsigned, found, right)]
    yield from differences("cupy", case.names, found, right, case.columns)


def _staged_failures(case: Case) -> Iterator[Failure]:
    """A program with reductions: its kernels are launched by the target's own code, on a stand-in for CuPy."""
    graph, dtype = case.graph, case.options.dtype
    totals = [n for n in graph.order if n.op in checks.REDUCTIONS]
    shown = Graph(graph.inputs, (*graph.outputs, *totals), order=graph.order)
    device = lambda x: np.ascontiguousarray(np.atleast_1d(x), dtype).view(cuda_on_cpu.ndarray)
    given = [device(case.columns[n.attrs[0]]) for n in graph.inputs]
    results = [device(np.full(size, 77, dtype)) for size in [*case.sizes, *[1] * len(totals)]]
    events = max([x.size for x in given], default=1)
    with mock.patch.dict(sys.modules, cupy=cuda_on_cpu.module()):
        program = build(shown, [*case.axes, *[n.axes for n in totals]])
        launcher = cupy_launch.compile_program(program, dtype, "case")
        launcher.run(given, results, {axis: events for n in graph.inputs for axis in n.axes})
    found = [np.asarray(x) for x in results]
    values = stepwise(graph, case.columns, dtype, function=_by_cuda, given=dict(zip(totals, found[len(case.sizes) :])))
    yield from checks.sums(graph, values, case.columns, dtype)
    right = outputs(graph, values, case.sizes, dtype)
    right = [np.where(u, f, r) for u, f, r in zip(case.unsigned, found, right)]
    yield from differences("cupy in stages", case.names, found[: len(right)], right, case.columns)


def _by_cuda(op: str, args: Sequence[Any], dtype: np.dtype) -> Any:
    """An elementary function by a CUDA text of its own."""
    code, graph = _one_function(op, dtype)
    shape = np.broadcast_shapes(*map(np.shape, args))
    columns = [np.array(np.broadcast_to(np.atleast_1d(x), shape or (1,)), dtype) for x in args]
    results = [r.reshape(shape) for r in _run_cuda(f"f_{op}", code, graph, columns, columns[0].size)]
    return tuple(results) if op == "sincos" else results[0]


@cache
def _one_function(op: str, dtype: np.dtype) -> tuple[ctypes.CDLL, Graph]:
    b = Builder()
    xs = tuple([b.input(f"x{k}") for k in range(OPS[op].arity or 1)])
    made = b.node(op, xs)
    graph = Graph(xs, (made,) if op != "sincos" else tuple([b.node("item", (made,), (k,)) for k in (0, 1)]))
    with tempfile.TemporaryDirectory(prefix="symhep_fuzz_", ignore_cleanup_errors=True) as folder:
        return _cuda([cupy.emit(build(graph), dtype, f"f_{op}")], Path(folder) / "one.so"), graph
