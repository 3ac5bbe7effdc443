"""Calls: from the user's arrays to columns of numbers, and from columns back to results in the kernel's own form."""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symhep.containers import Mismatch
from symhep.errors import ArgumentError, TargetError, count, listing, message, nearest
from symhep.tracing.annotations import Argument, Core
from symhep.tracing.source import describe_definition
from symhep.tracing.trace import Leaf, Traced

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
COMPLEX: dict[np.dtype, np.dtype] = {SINGLE: np.dtype(np.complex64), DOUBLE: np.dtype(np.complex128)}

_WEAK = (bool, int, float, complex)
SMALL = 64  # events


Scratch = tuple[np.ndarray, np.ndarray, Callable[[int], None]]


class Runner(Protocol):
    """Compiled code: reads columns, writes outputs, all one-dimensional and of the working dtype.

    run    fills the outputs; parameters are columns of one element
    small  None, or gives (inputs, outputs, function of n) of this thread for up to SMALL events: rows of scratch memory
    """

    @property
    def small(self) -> Callable[[], Scratch] | None: ...

    def run(self, columns: Sequence[np.ndarray], outputs: Sequence[np.ndarray], threads: int = 1) -> None: ...


def default_threads() -> int:
    """The CPUs that this process may use; 1 in a worker of multiprocessing or Dask.

    >>> default_threads() >= 1
    True
    """
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None:
        return 1
    if threading.current_thread().name.startswith(("Dask-", "ThreadPoolExecutor")):
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Site:
    """The kernel that is called, for the words of errors."""

    name: str
    function: Callable | None

    def error(self, what: str, instead: str = "") -> ArgumentError:
        """The error for arguments that do not fit."""
        place = describe_definition(self.function) if self.function is not None else ""
        return ArgumentError(message(what, place, instead))


# -- what was passed -------------------------------------------------------------------------------------------------


def bind(arguments: Sequence[Argument], args: tuple, kwargs: Mapping[str, Any], site: Site) -> list[Any]:
    """One value per argument, by position, by name or by default; raises ArgumentError where a call would fail."""
    positional = [a for a in arguments if a.kind is not a.kind.KEYWORD_ONLY]
    if len(args) > len(positional):
        what = f"{site.name} takes {count(len(positional), 'positional argument')}, got {len(args)}"
        raise site.error(what, f"{site.name}({', '.join([a.name for a in arguments])})")
    given = {a.name: value for a, value in zip(positional, args)}
    by_name = {a.name for a in arguments if a.kind is not a.kind.POSITIONAL_ONLY}
    for name, value in kwargs.items():
        if name in given and name in by_name:
            raise site.error(f"{site.name} got {name!r} twice, by position and by name")
        if name not in by_name:
            close = nearest(name, by_name) or [a.name for a in arguments]
            raise site.error(f"{site.name} has no argument {name!r}", listing(close, "or"))
        given[name] = value
    missing = [a.name for a in arguments if a.required and a.name not in given]
    if missing:
        what = f"{site.name} misses {count(len(missing), 'argument')}: {listing(missing)}"
        raise site.error(what)
    return [given.get(a.name, a.default) for a in arguments]


def leaf_values(arguments: Sequence[Argument], values: Sequence[Any], site: Site) -> list[Any]:
    """The values at the leaves of all arguments that are not static."""
    found: list[Any] = []
    for argument, value in zip(arguments, values):
        if argument.static:
            continue
        try:
            found += [leaf for _, leaf in argument.tree.take(value, argument.name)]
        except Mismatch as error:
            raise site.error(f"{site.name}: {error}") from None
    return found


_FOREIGN = {"jax": "jax", "jaxlib": "jax", "cupy": "cupy", "cupyx": "cupy"}


def target_of(kind: type) -> str | None:
    """The target that arrays of a type ask for, if they are another package's than NumPy."""
    return _FOREIGN.get(kind.__module__.partition(".")[0])


def foreign_target(values: Sequence[Any]) -> str | None:
    """The target that arrays of another package ask for, told by their types alone."""
    found = {target_of(type(v)) for v in values} - {None}
    if len(found) > 1:
        raise TargetError("arrays of jax and cupy in one call: they live on different devices")
    return found.pop() if found else None


def target_for(values: Sequence[Any], bound: str, site: Site) -> str | None:
    """The target, beside those for NumPy arrays, that a call goes to; `bound` is what the kernel is bound to."""
    foreign = foreign_target(values)
    if foreign in (None, bound) or bound == "auto":
        return foreign or (bound if bound in ("jax", "cupy") else None)
    what = f"{site.name} is bound to the target {bound} and got arrays of {foreign}"
    raise TargetError(message(what, instead=f'k.to("{foreign}"), or np.asarray(x) of the arguments'))


def as_array(value: Any, leaf: Leaf, site: Site) -> np.ndarray:
    """A value as a NumPy array of numbers."""
    try:
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise site.error(f"{site.name}: {leaf.path} has masked elements", "x.filled(value)")
        if not isinstance(value, np.ndarray) and hasattr(value, "to_numpy"):
            value = value.to_numpy()
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise site.error(f"{site.name}: {leaf.path} is not an array of numbers: {error}") from error
    return array if array.dtype.kind in "biufc" else _no_numbers(array, leaf, site)


def _no_numbers(array: np.ndarray, leaf: Leaf, site: Site) -> np.ndarray:
    if array.dtype == object:
        instead = f"np.asarray({leaf.path}, dtype=float)"
        what = f"{site.name}: {leaf.path} is an array of Python objects"
    else:
        what, instead = f"{site.name}: {leaf.path} holds {array.dtype}, not numbers", ""
    raise site.error(what, instead)


def working_dtype(values: Sequence[Any], arrays: Sequence[np.ndarray], site: Site) -> np.dtype:
    """The float type of a call: NumPy's promotion, Python numbers weak, integers in double precision."""
    kinds: list[Any] = [v if type(v) in _WEAK else a.dtype for v, a in zip(values, arrays)]
    strong = [k for k in kinds if isinstance(k, np.dtype)]
    if not strong:
        return DOUBLE
    weak = [complex(0) if type(k) is complex else 0.0 for k in kinds if not isinstance(k, np.dtype)]
    dtype = np.result_type(*strong, *weak[:1])
    if dtype.kind in "biu":
        return DOUBLE
    if dtype.char in "gG":
        what = f"{site.name}: {dtype} is not supported, only float32 and float64"
        raise site.error(what, "x.astype(np.float64)")
    return DOUBLE if dtype.char in "dD" else SINGLE


def float_dtype(dtype: Any) -> np.dtype:
    """A dtype that kernels work in; raises ArgumentError for any but float32 and float64."""
    found = np.dtype(dtype)
    if found != SINGLE and found != DOUBLE:
        raise ArgumentError(f"dtype is float32 or float64, got {found}")
    return SINGLE if found == SINGLE else DOUBLE


# -- columns ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Columns:
    """A call's arguments, ready to run.

    batch    the shape of the batch
    columns  one per input column of the program
    packed   whether a symmetric argument came as its upper triangle
    plain    whether there are numbers among the columns: Python's, NumPy's or arrays without axes
    batches  the shapes of the batches by axis, where there are several axes
    """

    batch: tuple[int, ...]
    columns: Sequence[Any]
    packed: bool = False
    plain: bool = False
    batches: Mapping[str, tuple[int, ...]] | None = None

    def batch_of(self, axes: Iterable[str]) -> tuple[int, ...]:
        """The shape of the batch of an axis; that of one event for no axis."""
        for axis in axes:
            return self.batch if self.batches is None else self.batches[axis]
        return ()


def columns_of(traced: Traced, values: Sequence[Any], dtype: np.dtype | None, site: Site) -> tuple[Columns, np.dtype]:
    """Arrays of any layout as the columns of a program, and the dtype to work in."""
    arrays = [as_array(v, leaf, site) for v, leaf in zip(values, traced.leaves)]
    refuse_complex(traced, arrays, site)
    refuse_fractions(traced, arrays, site)
    if dtype is None:
        dtype = working_dtype(values, arrays, site)
    cores = [core_shape(a, leaf, site) for a, leaf in zip(arrays, traced.leaves)]
    batches = batch_shapes(traced, arrays, cores, site)
    columns: list[np.ndarray] = []
    for leaf, array, core in zip(traced.leaves, arrays, cores):
        own = batches[leaf.core.axis] if leaf.core.axis else ()
        columns += _leaf_columns(leaf, array, core, own, dtype)
    packed = any(leaf.core.symmetric and core != leaf.core.shape for leaf, core in zip(traced.leaves, cores))
    batch = next(iter(batches.values()), ())
    return Columns(batch, columns, packed, batches=batches if len(batches) > 1 else None), dtype


def batch_shapes(
    traced: Traced, arrays, cores, site: Site, broadcast: Callable[..., tuple] = np.broadcast_shapes
) -> dict[str, tuple[int, ...]]:
    """The shape that the batch axes broadcast to, for each named axis that arguments have."""
    axes = dict.fromkeys([x.core.axis for x in traced.leaves if x.core.axis])
    if len(axes) < 2:
        return dict.fromkeys(axes or ("batch",), batch_shape(traced, arrays, cores, site, broadcast))
    return {axis: batch_shape(traced, arrays, cores, site, broadcast, axis) for axis in axes}


def refuse_complex(traced: Traced, arrays: Sequence[Any], site: Site) -> None:
    """Raise ArgumentError where an array is complex and the argument is not."""
    for leaf, array in zip(traced.leaves, arrays):
        if array.dtype.kind == "c" and leaf.core.kind != "complex":
            what = f"{site.name}: {leaf.path} is a real argument, got {array.dtype}"
            raise site.error(what, f"{leaf.path}: sh.Complex in the signature, or pass its .real")


def refuse_fractions(traced: Traced, arrays: Sequence[Any], site: Site) -> None:
    """Raise ArgumentError where an argument is an integer and an array has other numbers; whole floats are taken."""
    for leaf, array in zip(traced.leaves, arrays):
        if leaf.core.kind == "integer" and array.dtype.kind == "f":
            other = array[~((array == np.trunc(array)) & np.isfinite(array))]
            if other.size:
                what = f"{site.name}: {leaf.path} is an integer argument, got {other.flat[0]}"
                raise site.error(what, f"np.rint({leaf.path}), or {leaf.path}: sh.Scalar in the signature")


def core_shape(array: Any, leaf: Leaf, site: Site) -> tuple[int, ...]:
    """The part of an array's shape that belongs to one event."""
    core: Core = leaf.core
    wanted: tuple[int, ...] = core.shape  # type: ignore[assignment]
    if not wanted or array.shape[-len(wanted) :] == wanted:
        return wanted
    if core.symmetric and array.shape[-1:] == (core.size,):
        return (core.size,)
    packed = f" or (..., {core.size})" if core.symmetric else ""
    what = f"{site.name}: {leaf.path} is {core!r}, shape {_dots(wanted)}{packed}, got shape {array.shape}"
    raise site.error(what, _axes_hint(array.shape, wanted, leaf.path))


def _dots(shape: tuple[int, ...]) -> str:
    return f"(..., {', '.join(map(str, shape))})"


def _axes_hint(shape: tuple[int, ...], wanted: tuple[int, ...], path: str) -> str:
    if len(shape) > len(wanted) and shape[: len(wanted)] == wanted:
        if len(wanted) == 1:
            return f"np.moveaxis({path}, 0, -1)"
        return f"np.moveaxis({path}, {tuple(range(len(wanted)))}, {tuple(range(-len(wanted), 0))})"
    return ""


def batch_shape(
    traced: Traced, arrays, cores, site: Site, broadcast: Callable[..., tuple] = np.broadcast_shapes, axis: str = ""
) -> tuple[int, ...]:
    """The shape that the batch axes of all arguments broadcast to, or of those of one named axis."""
    shapes = {}
    for leaf, array, core in zip(traced.leaves, arrays, cores):
        batch = array.shape[: array.ndim - len(core)]
        if not leaf.axes:
            if batch:
                raise _one_value(leaf, array, traced.arguments[leaf.argument], site)
        elif not axis or leaf.core.axis == axis:
            shapes[leaf.path] = batch
    distinct = set(shapes.values())
    if len(distinct) == 1:
        return distinct.pop()
    try:
        return broadcast(*distinct)
    except ValueError:
        raise _no_broadcast(shapes, site) from None


def _one_value(leaf: Leaf, array: Any, argument: Argument, site: Site) -> ArgumentError:
    """The error for an array where there is one value per call."""
    if argument.parameter:
        what = f"{site.name}: {leaf.path} is a parameter and has no batch axis, got shape {array.shape}"
        return site.error(what, f"{leaf.path} without parameters=, or one value")
    return site.error(f"{site.name}: {leaf.path} is one value for all events, got shape {array.shape}", "one value")


def _no_broadcast(shapes: Mapping[str, tuple[int, ...]], site: Site) -> ArgumentError:
    """The error for batch shapes that do not fit, each with the arguments that have it."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, shape in shapes.items():
        if shape:
            groups.setdefault(shape, []).append(name)
    said = [f"{listing(names)} {'has' if len(names) == 1 else 'have'} {shape}" for shape, names in groups.items()]
    return site.error(f"{site.name}: batch shapes do not broadcast: {', '.join(said)}")


def _leaf_columns(leaf: Leaf, array: np.ndarray, core: tuple, batch: tuple, dtype: np.dtype) -> list[np.ndarray]:
    """The columns of one leaf: a view of the array for each cell, or for each part of each cell."""
    wanted = COMPLEX[dtype] if array.dtype.kind == "c" else dtype
    if array.dtype != wanted or not array.flags.aligned:
        array = array.astype(wanted)
    columns = []
    for position, (_, index) in enumerate(leaf.columns):
        where: Any = (position,) if core != leaf.core.shape else index
        cell = array[(..., *where)] if where else array
        if leaf.core.kind == "complex":
            columns += [_flat(cell.real, batch), _flat(_imaginary(cell, dtype), batch)]
        else:
            columns.append(_flat(cell, batch))
    return columns


def _imaginary(cell: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return cell.imag if cell.dtype.kind == "c" else np.zeros((), dtype)


def _flat(cell: np.ndarray, batch: tuple[int, ...]) -> np.ndarray:
    """One-dimensional, of the batch's length; a view wherever there is one."""
    if cell.ndim == 1 and cell.shape == batch:
        return cell
    events = math.prod(batch)
    if cell.size == events:
        return cell.reshape(events)
    if cell.size == 1:
        return np.broadcast_to(cell.reshape(()), (events,))
    return np.broadcast_to(cell, batch).reshape(events)
