"""A formula compared with its own function on numbers, where NumPy could have misled the trace.

`np.array` of traced values is a NumPy array of Python objects. Its arithmetic is right, but NumPy takes its elements
for real: `.real` and `.imag` of such an array, and a norm, are silently wrong for complex elements.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from symhep.tracing.trace import Leaf, Traced

GOLDEN = 0.6180339887498949


def misled(traced: Traced, function: Callable, statics: Mapping[str, Any]) -> bool:
    """Whether the function gives other numbers than its graph; False where it does not run on numbers."""
    from symhep.checking.evaluate import numpy_values

    columns, values = _point(traced)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = _called(traced, function, values, statics)
            want = [np.asarray(leaf) for _, leaf in traced.tree.take(result, "result")]
    except Exception:
        return False
    got = iter(numpy_values(traced.graph, columns))
    return not all(_close(o, w, got) for o, w in zip(traced.outputs, want))


def _point(traced: Traced) -> tuple[dict[str, Any], list[Any]]:
    """Numbers for the columns and, from the same numbers, for the leaves of the arguments."""
    numbers = (0.6 + (k * GOLDEN) % 1 for k in count(1))
    columns: dict[str, Any] = {}
    values = []
    for leaf in traced.leaves:
        for name, _ in leaf.columns:
            columns[name] = np.float64(next(numbers))
            if leaf.core.kind == "complex":
                columns[name] += 1j * next(numbers)
        values.append(_leaf(leaf, columns))
    return columns, values


def _leaf(leaf: Leaf, columns: Mapping[str, Any]) -> Any:
    if not leaf.core.shape:
        value = columns[leaf.path]
        return np.True_ if leaf.core.kind == "bool" else value
    array = np.zeros([int(d) for d in leaf.core.shape], complex if leaf.core.kind == "complex" else float)
    for name, index in leaf.columns:
        array[index] = columns[name]
        if leaf.core.symmetric:
            array[index[::-1]] = columns[name]
    return array


def _called(traced: Traced, function: Callable, values: list, statics: Mapping[str, Any]) -> Any:
    rest = iter(values)
    positional, named = [], {}
    for a in traced.arguments:
        value = statics.get(a.name, a.default) if a.static else a.tree.build(rest)
        if a.kind is a.kind.KEYWORD_ONLY:
            named[a.name] = value
        else:
            positional.append(value)
    return function(*positional, **named)


def _close(output: Any, want: np.ndarray, got: Any) -> bool:
    cells = [i for i in np.ndindex(output.shape) if not output.symmetric or i[0] <= i[1]]
    found = np.array([complex(next(got)) for _ in cells])
    return want.shape == output.shape and np.allclose(found, [want[i] for i in cells], rtol=1e-6, equal_nan=True)
