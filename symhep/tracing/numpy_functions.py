"""NumPy's functions on traced values: how `__array_ufunc__` and `__array_function__` are answered.

Functions that only move elements about, or combine them by operators, are NumPy's own, run on the arrays of cells.
`HANDLERS` has the others.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from symhep.errors import TraceError, listing, message, nearest
from symhep.tracing import expansions
from symhep.tracing.arrays import Array, cells_of, elementwise, wrap
from symhep.tracing.functions import FUNCTIONS
from symhep.tracing.recorder import Recorder
from symhep.tracing.refusals import no_axes, refusal
from symhep.tracing.small_linalg import determinant, inverse, norm, solve
from symhep.tracing.source import Spot
from symhep.tracing.values import PROTOCOLS, Scalar

_LARGER = (Array, np.ndarray, list, tuple)


# -- ufuncs ----------------------------------------------------------------------------------------------------------


def on_ufunc(recorder: Recorder, ufunc: np.ufunc, method: str, inputs: tuple, options: dict) -> Any:
    """Apply a ufunc to traced values."""
    if method == "__call__" and not options and len(inputs) == 1 and inputs[0].__class__ is Scalar:
        return _function_of(ufunc)(inputs[0])
    name = ufunc.__name__
    out = options.pop("out", None)
    if method != "__call__":
        result = _ufunc_method(recorder, ufunc, method, inputs, options)
    elif name in _PRODUCTS:
        result = _structure(recorder, ufunc, inputs, {})
    else:
        function = _function_of(ufunc)
        if any(isinstance(v, _LARGER) for v in inputs):
            result = elementwise(recorder, function, inputs, ufunc.nout)
        else:
            result = function(*[recorder.value(v) for v in inputs])
    return _finish(result, out, options, name)


_known: dict[np.ufunc, Callable] = {}


def _function_of(ufunc: np.ufunc) -> Callable:
    """The function of traced scalars for a ufunc of NumPy or SciPy; those of others may have the same names."""
    found = _known.get(ufunc)
    if found is None:
        name = ufunc.__name__
        scipy = sys.modules.get("scipy.special")
        of_scipy = getattr(scipy, name, None) is ufunc
        if name in FUNCTIONS and (of_scipy or getattr(np, name, None) is ufunc):
            found = FUNCTIONS[name]
        elif of_scipy:
            found = _special(name)
        else:
            raise unsupported(name)
        _known[ufunc] = found
    return found


def _special(name: str) -> Callable:
    """symhep's function for a ufunc of scipy.special."""
    from symhep import special

    found = special.BY_SCIPY.get(name)
    if found is None:
        close = [f"scipy.special.{n}" for n in nearest(name, special.BY_SCIPY)]
        what = f"scipy.special.{name} is not supported on traced values"
        raise TraceError(message(what, str(Spot.here()), listing(close, "or") if close else ""))
    return found


_PRODUCTS = frozenset({"matmul", "vecdot", "matvec", "vecmat"})


def _finish(result: Any, out: Any, options: dict, name: str) -> Any:
    """Obey the options that a ufunc was called with."""
    if options.get("where", True) is not True:
        raise refusal(f"where= of np.{name}", f"np.where(condition, np.{name}(...), other)")
    if options.get("dtype") is not None:
        result = result.astype(options["dtype"])
    if out is None:
        return result
    for target, part in zip(out, result if isinstance(result, tuple) else (result,)):
        if not isinstance(target, Array):
            raise refusal(f"np.{name} cannot store traced values in a NumPy array", "a = a + b in place of a += b")
        target[...] = part
    return out if len(out) > 1 else out[0]


def _ufunc_method(recorder: Recorder, ufunc: np.ufunc, method: str, inputs: tuple, options: dict) -> Any:
    function = _function_of(ufunc)
    if method not in ("reduce", "accumulate", "outer"):
        raise unsupported(f"{ufunc.__name__}.{method}")
    if method == "outer":
        a, b = (cells_of(recorder, v) for v in inputs)
        return elementwise(recorder, function, (wrap(recorder, a[(..., *[None] * b.ndim)]), wrap(recorder, b)))
    if not isinstance(inputs[0], _LARGER):
        raise no_axes(f"{ufunc.__name__}.{method}")
    cells = cells_of(recorder, inputs[0])
    if method == "accumulate":
        return wrap(recorder, np.frompyfunc(function, 2, 1).accumulate(cells, *inputs[1:], **options))
    axis = inputs[1] if len(inputs) > 1 else options.pop("axis", 0)
    return _fold(recorder, function, cells, axis, options.pop("keepdims", False))


def unsupported(name: str) -> TraceError:
    """The error for a NumPy function that symhep does not have."""
    close = nearest(name.rpartition(".")[2], supported())
    what = f"np.{name} is not supported on traced values"
    return TraceError(message(what, str(Spot.here()), listing([f"np.{n}" for n in close], "or") if close else ""))


def supported() -> list[str]:
    """The names of the NumPy functions that work on traced values, sorted."""
    return sorted({*FUNCTIONS, *_PRODUCTS, *(f.__name__ for f in HANDLERS), *(f.__name__ for f in STRUCTURE)})


# -- functions of arrays ---------------------------------------------------------------------------------------------


def on_function(recorder: Recorder, func: Callable, args: tuple, kwargs: dict) -> Any:
    """Apply a NumPy function that is not a ufunc to traced values."""
    handler = HANDLERS.get(func)
    if handler is not None:
        return handler(recorder, *args, **kwargs)
    if func in STRUCTURE:
        return _structure(recorder, func, args, kwargs)
    module = func.__module__.removeprefix("numpy").strip(".")
    raise unsupported(f"{module}.{func.__name__}" if module and not module.startswith("_") else func.__name__)


def _structure(recorder: Recorder, func: Callable, args: tuple, kwargs: dict) -> Any:
    """NumPy's own function, run on the cells."""
    named = {k: _cells(recorder, v) for k, v in kwargs.items()}
    return wrap(recorder, func(*[_cells(recorder, a) for a in args], **named))


def _cells(recorder: Recorder, value: Any) -> Any:
    """The value with every traced part replaced by its cells."""
    if isinstance(value, (Array, Scalar)):
        return cells_of(recorder, value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc" and value.ndim:
        return cells_of(recorder, value)
    if type(value) in (list, tuple):
        return type(value)([_cells(recorder, v) for v in value])
    return value


def _names(prefix: Any, names: str) -> set[Callable]:
    return {getattr(prefix, name) for name in names.split() if hasattr(prefix, name)}


STRUCTURE: set[Callable] = _names(
    np,
    "transpose stack concatenate hstack vstack dstack column_stack reshape ravel diag diagonal trace moveaxis swapaxes "
    "rollaxis roll flip fliplr flipud rot90 take cumsum cumprod diff outer inner dot vdot tensordot kron cross einsum "
    "broadcast_to broadcast_arrays atleast_1d atleast_2d atleast_3d squeeze expand_dims tile repeat split array_split "
    "hsplit vsplit dsplit block append delete insert triu tril copy polyval meshgrid take_along_axis convolve "
    "matrix_transpose unstack pad diagflat compress cumulative_sum cumulative_prod",
) | _names(np.linalg, "matmul outer trace cross vecdot matrix_transpose diagonal multi_dot matrix_power tensordot")


def _fold(recorder: Recorder, function: Callable, cells: np.ndarray, axis: Any, keepdims: bool, empty: Any = None):
    """Combine the cells along axes, from the first to the last."""
    axes = tuple(range(cells.ndim)) if axis is None else tuple(np.atleast_1d(axis) % max(cells.ndim, 1))
    rest = [n for n in range(cells.ndim) if n not in axes]
    rows = cells.transpose(*rest, *axes).reshape(math.prod([cells.shape[n] for n in rest]), -1)
    result = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        if not len(row) and empty is None:
            raise refusal("a minimum or maximum of no values")
        result[i] = reduce(function, row) if len(row) else recorder.value(empty)
    shape = [1 if n in axes else cells.shape[n] for n in range(cells.ndim) if keepdims or n in rest]
    return wrap(recorder, result.reshape(shape))


def _reduction(name: str, function: Callable, prepare: Callable | None = None, empty: Any = None) -> Callable:
    """A handler that folds core axes; `prepare` comes first, cell by cell."""

    def handler(recorder, a, axis=None, dtype=None, out=None, keepdims=False, **unused):
        if not isinstance(a, _LARGER):
            raise no_axes(name)
        if out is not None or any(v is not np._NoValue for v in unused.values()):
            raise refusal(f"out=, initial= and where= of np.{name}", f"np.{name}(a, axis=axis)")
        cells = cells_of(recorder, a)
        if prepare is not None:
            cells = np.frompyfunc(prepare, 1, 1)(cells)
        return _fold(recorder, function, cells, axis, bool(keepdims) and keepdims is not np._NoValue, empty)

    return handler


_sum = _reduction("sum", FUNCTIONS["add"], expansions.number, 0)


def _mean(recorder, a, axis=None, dtype=None, out=None, keepdims=False, **unused):
    if not isinstance(a, _LARGER):
        raise no_axes("mean")
    total = _sum(recorder, a, axis, None, out, keepdims, **unused)
    return total / (cells_of(recorder, a).size // total.size)


def _variance(recorder, a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, **unused):
    if not isinstance(a, _LARGER):
        raise no_axes("var")
    a = wrap(recorder, cells_of(recorder, a))
    away = abs(a - _mean(recorder, a, axis, keepdims=True))
    total = _sum(recorder, away * away, axis, keepdims=keepdims)
    return total / (a.size // total.size - ddof)


def _deviation(recorder, a, *args, **options):
    return np.sqrt(_variance(recorder, a, *args, **options))


def _where(recorder, condition, x=None, y=None):
    if x is None or y is None:
        raise refusal("np.where with one argument: how many are found differs from event to event", "np.where(c, a, b)")
    return elementwise(recorder, expansions.where, (condition, x, y))


def _select(recorder, condlist, choicelist, default=0):
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = _where(recorder, condition, choice, result)
    return result


def _clip(recorder, a, a_min=None, a_max=None, out=None, *, min=None, max=None, **options):
    for bound, function in ((a_min if min is None else min, "maximum"), (a_max if max is None else max, "minimum")):
        if bound is not None and bound is not np._NoValue:
            a = elementwise(recorder, FUNCTIONS[function], (a, bound))
    return _finish(a, None if out is None else (out,), options, "clip")


def _round(recorder, a, decimals=0, out=None):
    if decimals == 0:
        return elementwise(recorder, FUNCTIONS["rint"], (a,))
    scale = 10 ** abs(decimals)
    if decimals > 0:
        return elementwise(recorder, lambda x: (x * scale).rint() / scale, (a,))
    return elementwise(recorder, lambda x: (x / scale).rint() * scale, (a,))


def _each(function: Callable) -> Callable:
    """A handler that applies a function of scalars cell by cell."""
    return lambda recorder, *values: elementwise(recorder, function, values)


def _angle(recorder, z, deg=False):
    angle = elementwise(recorder, expansions.angle, (z,))
    return angle * (180 / math.pi) if deg else angle


def _isclose(recorder, a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    def close(x, y):
        near = (abs(x - y) <= atol + rtol * abs(y)) & expansions.isfinite(y) | (x == y)
        return near | expansions.isnan(x) & expansions.isnan(y) if equal_nan else near

    return elementwise(recorder, close, (a, b))


def _full_like(recorder, a, fill_value, dtype=None, order="K", subok=True, shape=None, **options):
    size = np.shape(cells_of(recorder, a)) if shape is None else shape
    fill = cells_of(recorder, fill_value)
    result = wrap(recorder, np.broadcast_to(fill, size).copy())
    return result if dtype is None else result.astype(dtype)


def _constant_like(value: int) -> Callable:
    return lambda recorder, a, dtype=None, order="K", subok=True, shape=None, **options: _full_like(
        recorder, a, value, None if dtype is None or np.dtype(dtype).kind in "iu" else dtype, shape=shape
    )


def _array(recorder, value, dtype=None, **options):
    result = wrap(recorder, cells_of(recorder, value).copy())
    return result if dtype is None else result.astype(dtype)


def _average(recorder, a, axis=None, weights=None, **options):
    if weights is None:
        return _mean(recorder, a, axis)
    a, weights = wrap(recorder, cells_of(recorder, a)), wrap(recorder, cells_of(recorder, weights))
    return _sum(recorder, a * weights, axis) / _sum(recorder, weights, axis)


def _shape(recorder, a):
    return cells_of(recorder, a).shape


def _size(recorder, a, axis=None):
    return math.prod(_shape(recorder, a)) if axis is None else _shape(recorder, a)[axis]


_minimum = _reduction("min", FUNCTIONS["minimum"])
_maximum = _reduction("max", FUNCTIONS["maximum"])
HANDLERS: dict[Callable, Callable] = {
    np.sum: _sum,
    np.prod: _reduction("prod", FUNCTIONS["multiply"], expansions.number, 1),
    np.min: _minimum,
    np.max: _maximum,
    np.amin: _minimum,
    np.amax: _maximum,
    np.all: _reduction("all", operator.and_, expansions.truth, True),
    np.any: _reduction("any", operator.or_, expansions.truth, False),
    np.count_nonzero: _reduction(
        "count_nonzero", FUNCTIONS["add"], lambda x: expansions.number(expansions.truth(x)), 0
    ),
    np.ptp: lambda recorder, a, axis=None, **o: _maximum(recorder, a, axis) - _minimum(recorder, a, axis),
    np.mean: _mean,
    np.average: _average,
    np.var: _variance,
    np.std: _deviation,
    np.where: _where,
    np.select: _select,
    np.clip: _clip,
    np.round: _round,
    np.around: _round,
    np.fix: _each(lambda x: x.trunc()),
    np.real: _each(lambda x: x.real),
    np.imag: _each(lambda x: x.imag),
    np.angle: _angle,
    np.sinc: _each(expansions.sinc),
    np.isclose: _isclose,
    np.zeros_like: _constant_like(0),
    np.empty_like: _constant_like(0),
    np.ones_like: _constant_like(1),
    np.full_like: _full_like,
    np.array: _array,
    np.asarray: _array,
    np.asanyarray: _array,
    np.shape: _shape,
    np.ndim: lambda recorder, a: len(_shape(recorder, a)),
    np.size: _size,
    np.iscomplexobj: lambda recorder, x: x.kind == "complex",
    np.isrealobj: lambda recorder, x: x.kind != "complex",
    np.linalg.norm: norm,
    np.linalg.det: determinant,
    np.linalg.inv: inverse,
    np.linalg.solve: solve,
}

PROTOCOLS.update(ufunc=on_ufunc, function=on_function)
