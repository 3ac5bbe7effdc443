"""Kernels called inside other kernels: their graphs are written down again there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symhep.batch.reductions import reduces
from symhep.errors import ArgumentError, message
from symhep.graph import Node
from symhep.tracing import expansions
from symhep.tracing.arrays import cells_of, wrap
from symhep.tracing.marks import recorder_of
from symhep.tracing.recorder import Recorder
from symhep.tracing.source import Spot
from symhep.tracing.trace import Leaf, Traced, inline
from symhep.tracing.values import Scalar


def call_inside(name: str, traced: Traced, values: Sequence[Any]) -> Any:
    """The result of a kernel in the function that is being traced, for each extra axis of its arguments."""
    recorder = recorder_of(*values)
    assert recorder is not None
    cells = [_leaf_cells(recorder, v, leaf, name) for v, leaf in zip(values, traced.leaves)]
    extra = [c.shape[: c.ndim - len(leaf.core.shape)] for c, leaf in zip(cells, traced.leaves)]
    batch = np.broadcast_shapes(*extra)
    if batch and any(reduces(n) for n in traced.graph.order):
        what = f"{name} is reduced over the batch; inside a kernel it cannot take arrays of shape {batch} as events too"
        raise ArgumentError(message(what, str(Spot.here()), f"a call of {name} for each element"))
    parts = [np.empty(batch + o.shape, object) for o in traced.outputs]
    for index in np.ndindex(batch):
        nodes: list[Node] = []
        for c, leaf, lead in zip(cells, traced.leaves, extra):
            event: Any = np.broadcast_to(c, batch + c.shape[len(lead) :])
            nodes += [event[index + where]._node for _, where in leaf.columns]
        _place(parts, index, traced, [recorder.dress(n) for n in inline(recorder, traced, nodes)])
    return traced.tree.build(iter([wrap(recorder, part) for part in parts]))


def _leaf_cells(recorder: Recorder, value: Any, leaf: Leaf, name: str) -> np.ndarray:
    """The cells of an argument."""
    cells, core = cells_of(recorder, value), leaf.core.shape
    if cells.shape[cells.ndim - len(core) :] != core:
        what = f"{name}: {leaf.path} is {leaf.core!r}, got shape {cells.shape}"
        raise ArgumentError(message(what, str(Spot.here())))
    if leaf.core.kind != "complex" and any(cell.kind == "complex" for cell in cells.flat):
        what = f"{name}: {leaf.path} is a real argument, got a complex value"
        instead = f"{leaf.path}: sh.Complex in the signature of {name}"
        raise ArgumentError(message(what, str(Spot.here()), instead))
    return np.frompyfunc(expansions.number, 1, 1)(cells) if cells.ndim else cells


def _place(parts: list[np.ndarray], index: tuple, traced: Traced, values: list[Scalar]) -> None:
    """Put the outputs of one graph into the result's arrays."""
    rest = iter(values)
    for part, output in zip(parts, traced.outputs):
        for where in np.ndindex(output.shape):
            if not output.symmetric or where[0] <= where[1]:
                part[index + where] = value = next(rest)
                if output.symmetric:
                    part[index + where[::-1]] = value
