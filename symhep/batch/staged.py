"""Kernels with reductions, or with more than one batch axis: run stage by stage, on any target."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from symhep.batch.reductions import reduces
from symhep.batch.stages import Source, Stage, program_of, stages
from symhep.calling import results
from symhep.calling.calls import DOUBLE, Columns, Runner, Site, float_dtype
from symhep.calling.plain_calls import threads_for
from symhep.graph import Axes, Graph, Node
from symhep.program import Program
from symhep.tracing.trace import Traced

if TYPE_CHECKING:
    from symhep.variants import Variant


class Reducer(Runner, Protocol):
    """Compiled code whose last output columns may be reduced.

    reduce  computes all events; of the last columns it returns the reductions, each given as position and operation
    """

    def reduce(
        self,
        columns: Sequence[np.ndarray],
        outputs: Sequence[np.ndarray],
        events: int,
        reductions: Sequence[tuple[int, str]],
        threads: int = 1,
    ) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class _Part:
    """A stage and its code."""

    stage: Stage
    sources: list[Source]
    runner: Reducer
    reductions: list[tuple[int, str]]


def has_stages(traced: Traced) -> bool:
    """Whether a traced function has reductions, results without batch axis, or more than one batch axis."""
    axes = {axis for n in traced.graph.inputs for axis in n.axes}
    numbers = bool(axes) and any(not o.axes for o in traced.outputs)
    return len(axes) > 1 or numbers or any(reduces(n) for n in traced.graph.order)


class Staged:
    """A graph with reductions as compiled code: a `Runner` that takes columns of each batch axis.

    axes    for each output the batch axis of its column; none where it is one number
    compile makes the code of one stage
    """

    small = None  # no shorter way for few events

    def __init__(self, graph: Graph, axes: Sequence[Axes], compile: Callable[[Program], Any], dtype: Any) -> None:
        self.graph, self.dtype = graph, float_dtype(dtype)
        self._sizes = [n for n in graph.order if n.op == "batch_size"]
        self._longest: dict[str, int] = {}
        for k, n in enumerate(graph.inputs):
            for axis in n.axes:
                self._longest.setdefault(axis, k)
        self._parts = []
        for stage in stages(graph, axes):
            program, sources = program_of(graph, stage)
            reductions = [(position, n.op) for n, position in stage.reductions]
            self._parts.append(_Part(stage, sources, compile(program), reductions))

    def run(self, columns: Sequence[np.ndarray], outputs: Sequence[np.ndarray], threads: int = 1) -> None:
        """Fill the outputs: columns, or arrays of one element for what is reduced.

        columns  one per input of the graph, those of one batch axis all of one length; parameters of one element
        """
        events = {axis: columns[k].size for axis, k in self._longest.items()}
        values: dict[Node, float] = {n: events[n.attrs[0]] for n in self._sizes}
        kept: dict[Node, np.ndarray] = {}
        for part in self._parts:
            given = [self._given(s, columns, values, kept) for s in part.sources]
            wanted = [outputs[k] for k in part.stage.outputs]
            if part.stage.axis is None:
                _once(part.runner, given, wanted)
                continue
            n = events[part.stage.axis]
            made = {node: np.empty(n, self.dtype) for node in part.stage.keeps}
            totals = part.runner.reduce(given, [*wanted, *made.values()], n, part.reductions, threads)
            kept |= made
            values |= zip([node for node, _ in part.stage.reductions], totals)

    def _given(self, s: Source, columns: Sequence[np.ndarray], values: Mapping, kept: Mapping) -> np.ndarray:
        if s.kind == "input":
            return columns[s.position]
        return kept[s.node] if s.kind == "column" else _number(values[s.node], self.dtype)


def _number(value: float, dtype: np.dtype) -> np.ndarray:
    """A parameter; a double that a single cannot hold is infinite, as in any other operation."""
    if dtype is DOUBLE:
        return np.array((value,), DOUBLE)
    with np.errstate(all="ignore"):
        return np.array((value,), dtype)


def _once(runner: Reducer, given: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> None:
    """Work on numbers alone."""
    if runner.small is None:
        runner.run(given, wanted)
        return
    inputs, outputs, run = runner.small()
    if given:
        inputs[:, 0] = [c[0] for c in given]
    run(1)
    for column, row in zip(wanted, outputs):
        column[0] = row[0]


def run_columns(
    runner: Runner, variant: Variant, given: Columns, dtype: np.dtype, threads: int | None, out: Any, site: Site
) -> Any:
    """A call of a kernel: results are columns of their batch axis, or numbers."""
    slots, tree = variant.slots, variant.traced.tree
    batches = [given.batch_of(s.axes) for s in slots]
    targets = None
    if out is not None:
        targets = results.checked_out(tree, slots, out, batches, dtype, given.packed, site)
    blocks = [results.allocate([s], math.prod(batch), dtype)[0] for s, batch in zip(slots, batches)]
    events = max([c.size for c in given.columns], default=1)
    runner.run(given.columns, results.output_columns(slots, blocks), threads_for(threads, events))
    arrays = [results.shaped(s, b, batch, given.packed) for s, b, batch in zip(slots, blocks, batches)]
    if targets is not None:
        for target, array in zip(targets, arrays):
            target[...] = array
        return out
    return tree.build(iter([a if batch else a[()] for a, batch in zip(arrays, batches)]))
