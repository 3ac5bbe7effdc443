"""The cupy target: CUDA C++ from a program, one thread per event.

Each column is a pointer and a stride in elements, and a stride of 0 broadcasts one value; a parameter is a pointer.
Threads stride over the grid, so that neighbours read neighbouring events and any number of events works with any
launch. The statements are those of the c target. With OPTIONS nothing is contracted: arithmetic has the bits of the
numpy target; elementary functions are CUDA's own, whose errors its programming guide lists (up to 2 ulp in double
precision for what programs hold).

A program with reductions over the batch is one kernel for each stage, and the functions of `cuda_sums.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symhep.batch.stages import program_of, stages
from symhep.graph import Axes
from symhep.ops import REDUCTIONS
from symhep.program import Program
from symhep.targets.ctext import Statements, identifier, indented
from symhep.targets.cuda_sums import sum_kernels

OPTIONS = ("-fmad=false", "--std=c++14")  # without the first, products and sums are contracted
THREADS = 256  # of a block

_HEAD = """\
// {name}: made by symhep, CUDA C++, {real}. Compile with -fmad=false: then arithmetic has the bits of the numpy target.
"""

_CONSTANTS = """\
#define INFINITY __longlong_as_double(0x7ff0000000000000LL)
#define NAN __longlong_as_double(0x7ff8000000000000LL)
"""


def available() -> str | None:
    """Why this target does not work here; None if it does. Its text can be made everywhere."""
    from symhep.targets import targets

    entry = targets()["cupy"]
    return None if entry else str(entry)


def emit(program: Program, dtype: Any = np.float64, name: str = "kernel") -> str:
    """The text of a CUDA source: one kernel, or one for each stage where the program reduces over the batch.

    dtype  the working dtype, float64 or float32: constants are rounded to it
    """
    name = identifier(name)
    used = {n.op for n in program.graph.order}
    if is_staged(program):
        cut = stages(program.graph, output_axes(program))
        texts = [_Kernel(program_of(program.graph, s)[0], dtype, pass_name(name, k)).text() for k, s in enumerate(cut)]
        texts = [*sum_kernels(used & REDUCTIONS, _real(dtype)), *texts]
    else:
        texts = [_Kernel(program, dtype, name).text()]
    head = [_HEAD.format(name=name, real=np.dtype(dtype))]
    head += [_CONSTANTS] if any("INFINITY" in t or "NAN" in t for t in texts) else []
    return "\n".join([*head, *texts])


def is_staged(program: Program) -> bool:
    """Whether a program is more than one kernel."""
    return program.axes is not None or any(n.op in REDUCTIONS for n in program.graph.order)


def output_axes(program: Program) -> Sequence[Axes]:
    """The batch axis of each output of a program with stages."""
    return [n.axes for n in program.outputs] if program.axes is None else program.axes


def pass_name(name: str, k: int) -> str:
    """The kernel of a stage."""
    return f"{identifier(name)}_pass{k}"


def resources(program: Program, dtype: Any = np.float64, name: str = "kernel", architecture: int = 90) -> list[Any]:
    """The registers and spilled bytes of each kernel, from NVRTC; no GPU is needed.

    Raises MissingPackage where there is no NVRTC, CompileError with its words where it fails.
    """
    from symhep.targets.nvrtc import compile_text

    return compile_text(emit(program, dtype, name), architecture, OPTIONS)[1]


def _real(dtype: Any) -> str:
    return "double" if np.dtype(dtype) == np.float64 else "float"


class _Kernel:
    """The kernel of one program without reductions."""

    def __init__(self, program: Program, dtype: Any, name: str) -> None:
        self.program, self.name = program, name
        self.write = Statements(program.graph, dtype)
        self.write.taken.add(name)
        self.results = [self.write.local(f"out{k}") for k in range(len(program.outputs))]
        columns = [*[self.write.names[n] for n in program.inputs if n.axes], *self.results]
        self.strides = {text: self.write.local(f"{text}_stride") for text in columns}
        self.size, self.i, self.step = (self.write.local(text) for text in ("n", "i", "step"))

    def text(self) -> str:
        s, nodes = self.write, self.program.graph.order
        lines = [s.load(n, f"{s.names[n]}[0]") for n in nodes if n.op == "input" and not n.axes]
        lines += s.lines([n for body in self.program.steps for n in body.once])
        first = "(long long)blockIdx.x * blockDim.x + threadIdx.x"
        each = [s.load(n, self._at(s.names[n])) for n in nodes if n.op == "input" and n.axes]
        each += s.lines([n for body in self.program.steps for n in body.each])
        each += [f"{self._at(r)} = {s.stored(n)};" for r, n in zip(self.results, self.program.outputs)]
        i, size, step = self.i, self.size, self.step
        lines = ["// once per thread", *lines, "// for every event"] if lines else lines
        lines += [
            f"const long long {step} = (long long)gridDim.x * blockDim.x;",
            f"for (long long {i} = {first}; {i} < {size}; {i} += {step}) {{",
            *indented(each),
            "}",
        ]
        head = f'extern "C" __global__ void __launch_bounds__({THREADS}) {self.name}('
        return "\n".join([head, *indented(self._parameters()), "{", *indented(lines), "}", ""])

    def _parameters(self) -> list[str]:
        s = self.write
        found = [f"const long long {self.size}"]
        for n in self.program.inputs:
            name = s.names[n]
            stride = f", const long long {self.strides[name]}" if n.axes else ""
            found.append(f"const {s.real} *__restrict__ {name}{stride}")
        for name in self.results:
            found.append(f"{s.real} *__restrict__ {name}, const long long {self.strides[name]}")
        return [*[f"{text}," for text in found[:-1]], f"{found[-1]})"]

    def _at(self, name: str) -> str:
        return f"{name}[{self.i} * {self.strides[name]}]"
