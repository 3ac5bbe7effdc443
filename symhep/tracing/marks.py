"""What a kernel's function can say beyond NumPy; on plain numbers these do what NumPy would."""

from __future__ import annotations

from typing import Any

import numpy as np

from symhep.errors import ArgumentError, message
from symhep.tracing import expansions
from symhep.tracing.arrays import Array, cells_of, elementwise
from symhep.tracing.recorder import Recorder
from symhep.tracing.source import Spot
from symhep.tracing.trace import give_name, recording
from symhep.tracing.values import Scalar


def recorder_of(*values: Any) -> Recorder | None:
    """The recorder of the first traced value, also within lists and arrays of objects; None if there is none."""
    for v in values:
        if isinstance(v, (Scalar, Array)):
            return v._recorder
        if isinstance(v, (list, tuple)) or (isinstance(v, np.ndarray) and v.dtype == object and v.ndim):
            found = recorder_of(*v)
            if found is not None:
                return found
    return None


def name(x: Any, label: str) -> Any:
    """Name an intermediate value, to be seen in the source, in reports and in identities; returns it.

    >>> name(2.0, "s12")
    2.0
    """
    if not (isinstance(label, str) and label.isidentifier()):
        what, where = f"a name has to be an identifier, got {label!r}", str(Spot.here())
        raise ArgumentError(message(what, where, 'a name such as sh.name(x, "s12")'))
    recorder = recorder_of(x)
    if recorder is not None:
        cells: Any = cells_of(recorder, x)
        for index in np.ndindex(cells.shape):
            suffix = f"[{','.join(map(str, index))}]" if index else ""
            give_name(recorder, cells[index]._node, label + suffix)
    return x


def keep(x: Any) -> Any:
    """Keep a value as a stage of the computation: nothing is rewritten across it.

    >>> keep(2.0)
    2.0
    """
    recorder = recorder_of(x)
    if recorder is None:
        return x
    return elementwise(recorder, lambda cell: recorder.apply("keep", (cell._node,)), (x,))


def where(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, else b; as np.where, also for arrays of traced values.

    >>> int(where(True, 1, 2))
    1
    """
    recorder = recorder_of(condition, a, b)
    if recorder is None:
        return np.where(condition, a, b)
    return elementwise(recorder, expansions.where, (condition, a, b))


def array(values: Any, dtype: Any = None) -> Any:
    """An array of nested lists of values, traced ones among them; without any, np.array.

    >>> array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    recorder = recorder_of(values)
    if recorder is None:
        return np.array(values, dtype)
    cells = cells_of(recorder, values)
    made = Array(recorder, cells.copy()) if cells.ndim else cells[()]
    return made if dtype is None else made.astype(dtype)


def zeros(shape: Any, dtype: Any = float) -> Any:
    """An array of zeros that traced values can be stored in; outside a kernel, np.zeros.

    >>> zeros(2).tolist()
    [0.0, 0.0]
    """
    recorder = recording()
    plain = np.zeros(shape, dtype)
    if recorder is None:
        return plain
    cells = np.empty(plain.shape, object)
    for index in np.ndindex(plain.shape):
        cells[index] = recorder.value(False if plain.dtype.kind == "b" else 0)
    return Array(recorder, cells)
