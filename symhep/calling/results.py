"""Results of calls: memory for them, and the form in which they are returned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from symhep.calling.calls import COMPLEX, Columns, Site
from symhep.calling.memory import empty
from symhep.containers import Mismatch, Tree
from symhep.graph import BATCH, Axes
from symhep.tracing.trace import Traced

_PAGE, _LINE = 4096, 64
_TOGETHER = 1024  # events


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one value of the result comes from: its form, the kind of each of its cells, and the batch axis it has."""

    path: str
    shape: tuple[int, ...]
    symmetric: bool
    kind: str
    cells: tuple[str, ...]
    axes: Axes = BATCH

    @property
    def size(self) -> int:
        return len(self.cells)


def slots_of(traced: Traced) -> tuple[Slot, ...]:
    """The values of a traced function's result."""
    nodes = iter(traced.graph.outputs)
    found = []
    for o in traced.outputs:
        size = o.shape[0] * (o.shape[0] + 1) // 2 if o.symmetric else math.prod(o.shape)
        cells = tuple([next(nodes).dtype for _ in range(size)])
        kind = "complex" if "complex" in cells else "bool" if cells and set(cells) == {"bool"} else "real"
        found.append(Slot(o.path, o.shape, o.symmetric, kind, cells, o.axes))
    return tuple(found)


def axes_of(slots: Sequence[Slot]) -> list[Axes]:
    """For each output of the optimised graph, where complex ones are two, the batch axis that it has."""
    return [s.axes for s in slots for cell in s.cells for _ in range(2 if cell == "complex" else 1)]


def allocate(slots: Sequence[Slot], events: int, dtype: np.dtype, packed: bool = True) -> list[np.ndarray]:
    """Memory for the results: a row of events for each cell of each value; of symmetric ones, for all if not packed."""
    rows = [s.size if packed or not s.symmetric else math.prod(s.shape) for s in slots]
    return [_block(n, events, COMPLEX[dtype] if s.kind == "complex" else dtype) for n, s in zip(rows, slots)]


def output_columns(slots: Sequence[Slot], blocks: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The rows as output columns of the program, in order."""
    columns: list[np.ndarray] = []
    for slot, block in zip(slots, blocks):
        rows = [block[k] for k in upper(slot.shape[0])] if len(block) > slot.size else list(block)
        if slot.kind != "complex":
            columns += rows
            continue
        for row, kind in zip(rows, slot.cells):
            columns.append(row.real)
            if kind == "complex":
                columns.append(row.imag)
            else:
                row.imag[...] = 0
    return columns


def taken(slots: Sequence[Slot], rows: np.ndarray) -> list[np.ndarray]:
    """The results of a program that wrote its columns into rows of a scratch memory: copies, a block for each value."""
    if len(slots) == 1 and slots[0].kind != "complex":
        return [rows.copy()]
    blocks = allocate(slots, rows.shape[1], rows.dtype)
    for column, row in zip(output_columns(slots, blocks), rows):
        column[...] = row
    return blocks


def shaped(slot: Slot, block: np.ndarray, batch: tuple[int, ...], packed: bool) -> np.ndarray:
    """The rows of one value as the array that is returned, batch axes in front."""
    if slot.kind == "bool":
        block = block.astype(bool)
    if not slot.shape:
        return block[0].reshape(batch)
    if slot.symmetric and not packed:
        block = mirror(slot, block)
    shape = (slot.size,) if slot.symmetric and packed else slot.shape
    cells = block.reshape(*shape, *batch)
    return np.moveaxis(cells, tuple(range(len(shape))), tuple(range(-len(shape), 0)))


@cache
def mirrored(n: int) -> np.ndarray:
    """For each cell of a symmetric matrix, its position in the upper triangle."""
    upper = np.zeros((n, n), int)
    upper[np.triu_indices(n)] = np.arange(n * (n + 1) // 2)
    return np.maximum(upper, upper.T).ravel()


@cache
def upper(n: int) -> tuple[int, ...]:
    """The positions of the upper triangle among the cells of a matrix.

    >>> upper(3)
    (0, 1, 2, 4, 5, 8)
    """
    return tuple([i * n + j for i in range(n) for j in range(i, n)])


def mirror(slot: Slot, block: np.ndarray) -> np.ndarray:
    """The rows of all cells of a symmetric value, from those of the upper triangle; in place where there is room."""
    n = slot.shape[0]
    if len(block) == slot.size:
        return block[mirrored(n)]
    for i in range(n):
        for j in range(i):
            block[i * n + j] = block[j * n + i]
    return block


def _block(rows: int, events: int, dtype: np.dtype) -> np.ndarray:
    """Rows over events; padded where row starts would all fall on the same cache sets."""
    pad = _LINE // dtype.itemsize if rows >= 8 and events * dtype.itemsize % _PAGE == 0 else 0
    return empty((rows, events + pad), dtype)[:, :events]


def checked_out(
    tree: Tree, slots: Sequence[Slot], out: Any, batches: Sequence[tuple], dtype: np.dtype, packed: bool, site: Site
) -> list[np.ndarray]:
    """The arrays of `out=`, in the order of the results; raises ArgumentError where one does not fit."""
    try:
        targets = [leaf for _, leaf in tree.take(out, "out")]
    except Mismatch as error:
        raise site.error(f"{site.name}: {error}") from None
    for slot, target, batch in zip(slots, targets, batches):
        path = slot.path.replace("result", "out", 1)
        if not isinstance(target, np.ndarray):
            raise site.error(f"{site.name}: {path} is of type {type(target).__name__}, not a NumPy array")
        shape = batch + ((slot.size,) if slot.symmetric and packed else slot.shape)
        wanted = {"complex": COMPLEX[dtype], "bool": np.dtype(bool)}.get(slot.kind, dtype)
        if target.shape != shape or not np.can_cast(wanted, target.dtype, "safe"):
            what = f"{path} has to be {wanted} of shape {shape}, got {target.dtype} of shape {target.shape}"
            raise site.error(f"{site.name}: {what}", f"{path} = np.empty({shape}, np.{wanted})")
        if not target.flags.writeable:
            raise site.error(f"{site.name}: {path} is read-only", f"{path} = np.empty({shape}, np.{wanted})")
    if (both := _overlapping(targets)) is not None:
        first, second = [slots[k].path.replace("result", "out", 1) for k in both]
        raise site.error(f"{site.name}: {first} and {second} share memory", "an array of its own for each result")
    return targets


def _overlapping(targets: Sequence[np.ndarray]) -> tuple[int, int] | None:
    """The positions of two arrays that have an element in common."""
    bounds = sorted([(*np.lib.array_utils.byte_bounds(t), k) for k, t in enumerate(targets) if t.size])
    for place, (_, end, k) in enumerate(bounds):
        for start, _, other in bounds[place + 1 :]:
            if start >= end:
                break
            if np.shares_memory(targets[k], targets[other]):
                return min(k, other), max(k, other)
    return None


def direct_columns(
    slots: Sequence[Slot], targets: Sequence[np.ndarray], given: Columns, dtype: np.dtype
) -> list[np.ndarray] | None:
    """The columns of the user's arrays, if a program can write into them as they are."""
    if len(given.batch) != 1 or any(s.kind != "real" for s in slots):
        return None
    if any(t.dtype != dtype or not t.flags.aligned for t in targets):
        return None
    if any(np.may_share_memory(t, c) for t in targets for c in given.columns):
        return None
    return [column for s, t in zip(slots, targets) for column in _cells(s, t)]


def _cells(slot: Slot, target: np.ndarray) -> list[np.ndarray]:
    """The columns of an array that a program writes: of a symmetric value its upper triangle."""
    if slot.symmetric and target.ndim == 2:
        return [target[:, k] for k in range(slot.size)]
    return [target[(..., *i)] for i in np.ndindex(slot.shape) if not slot.symmetric or i[0] <= i[1]]


def mirror_written(slot: Slot, target: np.ndarray) -> None:
    """Copy the upper triangle of the user's array to the lower one, so many events at a time as stay in the caches."""
    if slot.symmetric and target.ndim == 3:
        for start in range(0, len(target), _TOGETHER):
            part = target[start : start + _TOGETHER]
            for i in range(slot.shape[0]):
                part[:, i, :i] = part[:, :i, i]
