"""Calls with plain numbers and columns that need no conversion: the shorter ways, for which microseconds matter."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.calling import results
from symhep.calling.calls import COMPLEX, DOUBLE, SMALL, Columns, default_threads
from symhep.errors import ArgumentError, message
from symhep.tracing.trace import Traced

if TYPE_CHECKING:
    from symhep.variants import Variant

NUMBERS = {float, int, np.float64}
ARRAYS = {np.ndarray}
SIMPLE = NUMBERS | ARRAYS
_WORTH_THREADS = 4096  # events; below, starting threads takes longer than the work


def few_events(variant: Variant, scratch: tuple, given: Columns, events: int) -> list[np.ndarray]:
    """Run a few events by way of the scratch memory of this thread, which has no cost per column."""
    inputs, outputs, run = scratch
    if given.plain and not given.batch:
        inputs[:, 0] = given.columns
    elif given.plain:
        for row, value in zip(inputs, given.columns):
            row[:events] = value
    elif variant.parameters:
        for row, column in zip(inputs, given.columns):
            row[: column.size] = column
    elif events:
        inputs[:, :events] = np.concatenate(given.columns).reshape(-1, events)
    run(events)
    return results.taken(variant.slots, outputs[:, :events])


def full(given: Columns, dtype: np.dtype) -> Sequence[np.ndarray]:
    """Columns as arrays: plain numbers become arrays of one event."""
    if not given.plain:
        return given.columns
    return [c if type(c) is np.ndarray and c.ndim else np.full(1, c, dtype) for c in given.columns]


def threads_for(wanted: int | None, events: int) -> int:
    """How many threads to use: what the caller wants, else all that are worth while; raises ArgumentError."""
    if wanted is not None and (not isinstance(wanted, numbers.Integral) or isinstance(wanted, bool) or wanted < 1):
        raise ArgumentError(message(f"threads is a number of threads, got {wanted!r}", instead="threads=1, or None"))
    return wanted or (default_threads() if events >= _WORTH_THREADS else 1)


def common(arrays: tuple) -> np.dtype | None:
    """The dtype of columns that can be used as they are: one-dimensional, of one length and one working dtype."""
    first = arrays[0]
    dtype, shape = first.dtype, first.shape
    if len(shape) != 1 or dtype not in COMPLEX:
        return None
    for a in arrays:
        if a.dtype is not dtype or a.shape != shape:
            return None
    return dtype if shape[0] <= SMALL or all(a.flags.aligned for a in arrays) else None


def mixed(values: tuple) -> tuple[int, ...] | None:
    """The batch of numbers and float64 arrays of one length or none; None if they are not just that."""
    batch: tuple[int, ...] = ()
    for a in values:
        if type(a) is np.ndarray:
            if a.dtype is not DOUBLE or a.ndim > 1 or not a.flags.aligned or (a.ndim and batch not in ((), a.shape)):
                return None
            batch = a.shape or batch
    return batch


def ready(traced: Traced, values: Sequence[Any]) -> tuple[Columns, np.dtype] | None:
    """Numbers for parameters and float64 columns of one length for all else, as columns; None if they are not that."""
    columns: list[np.ndarray] = []
    events = -1
    for leaf, value in zip(traced.leaves, values):
        kind = type(value)
        if kind is np.ndarray:
            if value.dtype is not DOUBLE or value.ndim != 1 or value.size != events >= 0 or not value.flags.aligned:
                return None
            events = value.size
            columns.append(value)
        elif kind in NUMBERS and not leaf.axes:
            columns.append(np.array((value,), DOUBLE))
        else:
            return None
        if leaf.core.axis != ("batch" if kind is np.ndarray else None):
            return None
    return (Columns((events,), columns), DOUBLE) if events >= 0 else None
