"""Programs as CUDA kernels on CuPy's arrays, launched on the current stream; nothing passes through the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symhep.batch.stages import Source, program_of, stages
from symhep.errors import CompileError, MissingPackage, TargetError, message
from symhep.graph import Node
from symhep.program import Program
from symhep.targets.cuda_sums import BLOCK, KERNELS, LANES
from symhep.targets.cupy import OPTIONS, THREADS, emit, is_staged, output_axes, pass_name

MOST_BLOCKS = 4096  # of threads; these stride over the rest
MOST_BYTES = 32_764  # of a kernel's arguments

Sizes = Mapping[str, int]  # how many events each batch axis has


def cupy_module() -> Any:
    """CuPy, with a device.

    Raises MissingPackage where it is not installed, TargetError where it finds no device.
    """
    try:
        import cupy
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise
        raise MissingPackage("cupy", extra=("cupy12", "cupy13")) from None
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise TargetError(message(f"no CUDA device: {error}", instead='k.to("numba")')) from error
    if not count:
        raise TargetError(message("the CUDA driver finds no device", instead='k.to("numba")'))
    return cupy


def compile_program(program: Program, dtype: Any, name: str) -> Launcher | StagedLauncher:
    """A program as code for the current device. Raises as `cupy_module` does, and CompileError if CUDA fails."""
    cupy = cupy_module()
    widest = max([len(p.inputs) + len(p.outputs) for p in _parts(program)])
    if 16 * widest + 8 > MOST_BYTES:
        raise CompileError(f"{name} has {widest:,} columns; a CUDA kernel takes at most {MOST_BYTES // 16:,}")
    module = cupy.RawModule(code=emit(program, dtype, name), options=OPTIONS)
    try:
        module.compile()
    except cupy.cuda.compiler.CompileException as error:
        raise CompileError(f"CUDA could not compile {name}:\n{error}") from error
    if is_staged(program):
        return StagedLauncher(program, dtype, name, module, cupy)
    return Launcher(program, module.get_function(_entry(name)))


def _parts(program: Program) -> list[Program]:
    if not is_staged(program):
        return [program]
    return [program_of(program.graph, s)[0] for s in stages(program.graph, output_axes(program))]


def _entry(name: str) -> str:
    from symhep.targets.ctext import identifier

    return identifier(name)


def launch(function: Any, threads: int, arguments: Sequence[Any]) -> None:
    """Run a kernel with about so many threads, on the current stream."""
    if threads:
        blocks = min(-(-threads // THREADS), MOST_BLOCKS)
        function((blocks,), (THREADS,), tuple([np.int64(a) if isinstance(a, int) else a for a in arguments]))


def stride(column: Any) -> int:
    """The distance from event to event in elements; 0 for one value."""
    return 0 if column.size == 1 else column.strides[0] // column.itemsize


class Launcher:
    """The kernel of a program without reductions.

    extra  bytes per event of memory beside inputs and outputs
    """

    extra = 0

    def __init__(self, program: Program, function: Any) -> None:
        self.varies = [bool(n.axes) for n in program.inputs]
        self.function = function

    def run(self, columns: Sequence[Any], outputs: Sequence[Any], sizes: Sizes) -> None:
        """Fill the outputs from columns: arrays of one axis, of one element where all events have the same value."""
        events = max(sizes.values(), default=1)
        self.launch(columns, outputs, events)

    def launch(self, columns: Sequence[Any], outputs: Sequence[Any], events: int) -> None:
        """Compute so many events."""
        arguments: list[Any] = [events]
        for column, varies in zip(columns, self.varies, strict=True):
            arguments += [column, stride(column)] if varies else [column]
        for column in outputs:
            arguments += [column, stride(column)]
        launch(self.function, events, arguments)


class StagedLauncher:
    """The kernels of a program with reductions over the batch, one for each stage."""

    def __init__(self, program: Program, dtype: Any, name: str, module: Any, cupy: Any) -> None:
        self.graph, self.dtype, self.module, self.cupy = program.graph, np.dtype(dtype), module, cupy
        self.stages = stages(program.graph, output_axes(program))
        self.parts: list[tuple[Launcher, list[Source]]] = []
        for k, stage in enumerate(self.stages):
            part, sources = program_of(program.graph, stage)
            self.parts.append((Launcher(part, module.get_function(pass_name(name, k))), sources))
        self.extra = self.dtype.itemsize * sum(len(s.keeps) + len(s.arguments) for s in self.stages)

    def run(self, columns: Sequence[Any], outputs: Sequence[Any], sizes: Sizes) -> None:
        """Fill the outputs: columns, or arrays of one element for what is reduced."""
        empty, dtype = self.cupy.empty, self.dtype
        counts = [n for n in self.graph.order if n.op == "batch_size"]
        values: dict[Node, Any] = {n: self.cupy.full(1, sizes[n.attrs[0]], dtype) for n in counts}
        kept: dict[Node, Any] = {}
        for stage, (part, sources) in zip(self.stages, self.parts, strict=True):
            given = [self._given(s, columns, values, kept) for s in sources]
            events = 1 if stage.axis is None else sizes[stage.axis]
            kept |= {n: empty(events, dtype) for n in stage.keeps}
            reduced = [empty(events, dtype) for _ in stage.arguments]
            results = [outputs[k] for k in stage.outputs]
            part.launch(given, [*results, *[kept[n] for n in stage.keeps], *reduced], events)
            for n, position in stage.reductions:
                values[n] = self._reduced(n.op, reduced[position])

    def _given(self, s: Source, columns: Sequence[Any], values: Mapping[Node, Any], kept: Mapping[Node, Any]) -> Any:
        if s.kind == "input":
            return columns[s.position]
        return kept[s.node] if s.kind == "column" else values[s.node]

    def _reduced(self, op: str, column: Any) -> Any:
        """The reduction of a column, as an array of one element."""
        lanes, blocks, total = (self.module.get_function(f"symhep_{op}_{step}") for step in KERNELS)
        count = -(-column.size // BLOCK)
        pairs, partials = self.cupy.empty(2 * LANES * count), self.cupy.empty(2 * count)
        result = self.cupy.empty(1, self.dtype)
        launch(lanes, LANES * count, [column.size, column, column.strides[0] // column.itemsize, pairs])
        launch(blocks, count, [count, pairs, partials])
        launch(total, 1, [count, partials, result])
        return result
