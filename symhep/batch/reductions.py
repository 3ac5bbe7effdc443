"""Sums, means and extreme values over the events of a batch, inside a kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symhep.errors import TraceError, listing, message
from symhep.graph import Node
from symhep.ops import REDUCTIONS
from symhep.tracing import expansions
from symhep.tracing.recorder import Recorder
from symhep.tracing.refusals import no_order, refusal
from symhep.tracing.source import Spot


def reduces(n: Node) -> bool:
    """Whether a node is about all events of a batch: a reduction, or their number."""
    return n.op in REDUCTIONS or n.op == "batch_size"


def batch_sum(x: Any, axis: str | None = None) -> Any:
    """The sum over the events, with twice the working precision (on JAX, XLA's own sum); 0 if there are none.

    axis  the batch axis to sum over; None for the one that x varies over

    An array is summed element by element. Raises TraceError if there is no such axis. On plain arrays, outside a
    kernel, it is the sum of all elements.

    >>> float(batch_sum([1.0, 2.0, 4.0]))
    7.0
    """
    return _reduced("batch_sum", x, axis)


def batch_mean(x: Any, axis: str | None = None) -> Any:
    """The mean over the events; NaN if there are none. Axis and errors are those of `batch_sum`.

    >>> float(batch_mean([1.0, 2.0, 6.0]))
    3.0
    """
    return _reduced("batch_mean", x, axis)


def batch_max(x: Any, axis: str | None = None) -> Any:
    """The largest value of all events; minus infinity if there are none. Axis and errors are those of `batch_sum`.

    >>> float(batch_max([1.0, 4.0, 2.0]))
    4.0
    """
    return _reduced("batch_max", x, axis)


def batch_min(x: Any, axis: str | None = None) -> Any:
    """The smallest value of all events; infinity if there are none. Axis and errors are those of `batch_sum`.

    >>> float(batch_min([1.0, 4.0, 2.0]))
    1.0
    """
    return _reduced("batch_min", x, axis)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "batch_sum": np.sum,
    "batch_mean": lambda x: np.mean(x) if np.size(x) else np.float64(np.nan),
    "batch_max": lambda x: np.max(x, initial=-np.inf),
    "batch_min": lambda x: np.min(x, initial=np.inf),
}


def _reduced(name: str, x: Any, axis: str | None) -> Any:
    from symhep.tracing.arrays import elementwise
    from symhep.tracing.marks import recorder_of
    from symhep.tracing.trace import recording

    recorder = recorder_of(x) or recording()
    if recorder is None:
        return _PLAIN[name](x)
    return elementwise(recorder, lambda cell: _cell(recorder, name, cell, axis), (x,))


def _cell(recorder: Recorder, name: str, x: Any, axis: str | None) -> Any:
    """The reduction of one traced scalar."""
    x = expansions.number(x)
    if x.kind == "complex" and name in ("batch_max", "batch_min"):
        raise no_order(name)
    chosen = _axis(recorder, name, x._node, axis)
    recorder.reduced = True
    if chosen in x._node.axes:
        total = recorder.apply("batch_sum" if name == "batch_mean" else name, (x._node,), (chosen,))
        return total / _size(recorder, chosen) if name == "batch_mean" else total
    return x * _size(recorder, chosen) if name == "batch_sum" else x


def _size(recorder: Recorder, axis: str) -> Any:
    return recorder.apply("batch_size", (), (axis,))


def _axis(recorder: Recorder, name: str, x: Node, axis: str | None) -> str:
    """The axis that is meant; an error where there is none, or more than one."""
    known = listing([repr(a) for a in recorder.axes]) if recorder.axes else "none"
    if axis is not None:
        if axis in recorder.axes:
            return axis
        what = f"sh.{name} over the axis {axis!r}: the batch axes of the arguments are {known}"
        instead = listing([f"axis={a!r}" for a in recorder.axes], "or") if recorder.axes else ""
        raise refusal(what, instead)
    if x.axes:
        return next(iter(x.axes))
    if len(recorder.axes) == 1:
        return recorder.axes[0]
    if not recorder.axes:
        raise refusal(f"sh.{name}: no argument has a batch axis, all are parameters", "the value itself")
    what = f"sh.{name} of a value that varies over no batch axis; those of the arguments are {known}"
    raise refusal(what, f"sh.{name}(x, axis={recorder.axes[0]!r})")


# -- kernels inside kernels ------------------------------------------------------------------------------------------


def outer_axes(inputs: Sequence[Node], arguments: Sequence[Node]) -> dict[str, str]:
    """For each batch axis of an inner kernel, that of what it is called with; left out where that has none."""
    found: dict[str, str] = {}
    for old, new in zip(inputs, arguments):
        for axis in old.axes:
            for outer in new.axes:
                if found.setdefault(axis, outer) != outer:
                    what = f"values of different batch axes, {found[axis]!r} and {outer!r}, as one batch of a kernel"
                    raise TraceError(message(what, str(Spot.here())))
    return found


def reduced_inside(recorder: Recorder, old: Node, args: Sequence[Node], axes: dict[str, str]) -> Node:
    """A reduction of an inner kernel: over the batch of what it is called with, else over that one event."""
    axis = axes.get(old.attrs[0])
    if old.op == "batch_size":
        return recorder.builder.const(1) if axis is None else _size(recorder, axis)._node
    x = recorder.dress(args[0])
    return x._node if axis is None else _cell(recorder, old.op, x, axis)._node
