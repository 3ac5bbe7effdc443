"""Calls: from the user's arrays to columns of numbers, and from columns back to results in the kernel's own form."""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symhep.annotations import Argument, Core
from symhep.containers import Mismatch, Tree
from symhep.errors import ArgumentError, TargetError, count, listing, message, nearest
from symhep.trace import Leaf, Traced

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
COMPLEX = {SINGLE: np.dtype(np.complex64), DOUBLE: np.dtype(np.complex128)}

_WEAK = (bool, int, float, complex)
_PAGE, _LINE = 4096, 64


class Runner(Protocol):
    """Compiled code: reads columns, writes outputs, all one-dimensional and of the working dtype."""

    def run(self, columns: Sequence[np.ndarray], outputs: Sequence[np.ndarray], threads: int = 1) -> None:
        """Fill the outputs; parameters are columns of one element."""


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


# -- what was passed -------------------------------------------------------------------------------------------------


def bind(arguments: Sequence[Argument], args: tuple, kwargs: Mapping[str, Any], title: str, place: str) -> list[Any]:
    """One value per argument, by position, by name or by default; raises ArgumentError where a call would fail."""
    positional = [a for a in arguments if a.kind is not a.kind.KEYWORD_ONLY]
    if len(args) > len(positional):
        what = f"{title} takes {count(len(positional), 'positional argument')}, got {len(args)}"
        raise ArgumentError(message(what, place, f"{title}({', '.join([a.name for a in arguments])})"))
    given = {a.name: value for a, value in zip(positional, args)}
    by_name = {a.name for a in arguments if a.kind is not a.kind.POSITIONAL_ONLY}
    for name, value in kwargs.items():
        if name in given and name in by_name:
            raise ArgumentError(message(f"{title} got {name!r} twice, by position and by name", place))
        if name not in by_name:
            close = nearest(name, by_name) or [a.name for a in arguments]
            raise ArgumentError(message(f"{title} has no argument {name!r}", place, listing(close, "or")))
        given[name] = value
    missing = [a.name for a in arguments if a.required and a.name not in given]
    if missing:
        what = f"{title} misses {count(len(missing), 'argument')}: {listing(missing)}"
        raise ArgumentError(message(what, place))
    return [given.get(a.name, a.default) for a in arguments]


def leaf_values(arguments: Sequence[Argument], values: Sequence[Any], title: str, place: str) -> list[Any]:
    """The values at the leaves of all arguments that are not static."""
    found: list[Any] = []
    for argument, value in zip(arguments, values):
        if argument.static:
            continue
        try:
            found += [leaf for _, leaf in argument.tree.take(value, argument.name)]
        except Mismatch as error:
            raise ArgumentError(message(f"{title}: {error}", place)) from None
    return found


_FOREIGN = {"jax": "jax", "jaxlib": "jax", "cupy": "cupy", "cupyx": "cupy"}


def foreign_target(values: Sequence[Any]) -> str | None:
    """The target that arrays of another package ask for, told by their types alone."""
    found = {_FOREIGN.get(type(v).__module__.partition(".")[0]) for v in values} - {None}
    if len(found) > 1:
        raise TargetError("arrays of jax and cupy in one call: they live on different devices")
    return found.pop() if found else None


def as_array(value: Any, leaf: Leaf, title: str, place: str) -> np.ndarray:
    """A value as a NumPy array of numbers."""
    try:
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise ArgumentError(message(f"{title}: {leaf.path} has masked elements", place, "x.filled(value)"))
        if not isinstance(value, np.ndarray) and hasattr(value, "to_numpy"):
            value = value.to_numpy()
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(message(f"{title}: {leaf.path} is not an array of numbers: {error}", place)) from error
    return array if array.dtype.kind in "biufc" else _no_numbers(array, leaf, title, place)


def _no_numbers(array: np.ndarray, leaf: Leaf, title: str, place: str) -> np.ndarray:
    if array.dtype == object:
        instead = f"np.asarray({leaf.path}, dtype=float)"
        what = f"{title}: {leaf.path} is an array of Python objects"
    else:
        what, instead = f"{title}: {leaf.path} holds {array.dtype}, not numbers", ""
    raise ArgumentError(message(what, place, instead))


def working_dtype(values: Sequence[Any], arrays: Sequence[np.ndarray], title: str, place: str) -> np.dtype:
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
        what = f"{title}: {dtype} is not supported, only float32 and float64"
        raise ArgumentError(message(what, place, "x.astype(np.float64)"))
    return DOUBLE if dtype.char in "dD" else SINGLE


def float_dtype(dtype: Any, title: str = "dtype") -> np.dtype:
    """A dtype that kernels work in; raises ArgumentError for any but float32 and float64."""
    found = np.dtype(dtype)
    if found not in (SINGLE, DOUBLE):
        raise ArgumentError(f"{title}: dtype is float32 or float64, got {found}")
    return found


# -- columns ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Columns:
    """A call's arguments, ready to run.

    batch    the shape of the batch
    columns  one per input column of the program
    packed   whether a symmetric argument came as its upper triangle
    weak     whether every argument is one number, so that the results are NumPy scalars
    """

    batch: tuple[int, ...]
    columns: Sequence[np.ndarray]
    packed: bool = False
    weak: bool = False


def columns_of(
    traced: Traced, values: Sequence[Any], dtype: np.dtype | None, title: str, place: str
) -> tuple[Columns, np.dtype]:
    """Arrays of any layout as the columns of a program, and the dtype to work in."""
    arrays = [as_array(v, leaf, title, place) for v, leaf in zip(values, traced.leaves)]
    for leaf, array in zip(traced.leaves, arrays):
        if array.dtype.kind == "c" and leaf.core.kind != "complex":
            what = f"{title}: {leaf.path} is a real argument, got {array.dtype}"
            raise ArgumentError(message(what, place, f"{leaf.path}: sh.Complex in the signature, or pass its .real"))
    dtype = dtype or working_dtype(values, arrays, title, place)
    cores = [_core_shape(a, leaf, title, place) for a, leaf in zip(arrays, traced.leaves)]
    batch = _batch_shape(traced, arrays, cores, title, place)
    columns: list[np.ndarray] = []
    for leaf, array, core in zip(traced.leaves, arrays, cores):
        own = () if traced.arguments[leaf.argument].parameter else batch
        columns += _leaf_columns(leaf, array, core, own, dtype)
    packed = any(leaf.core.symmetric and core != leaf.core.shape for leaf, core in zip(traced.leaves, cores))
    return Columns(batch, columns, packed, not any(a.ndim for a in arrays)), dtype


def _core_shape(array: np.ndarray, leaf: Leaf, title: str, place: str) -> tuple[int, ...]:
    """The part of an array's shape that belongs to one event."""
    core: Core = leaf.core
    wanted: tuple[int, ...] = core.shape  # type: ignore[assignment]
    if not wanted or array.shape[-len(wanted) :] == wanted:
        return wanted
    if core.symmetric and array.shape[-1:] == (core.size,):
        return (core.size,)
    packed = f" or (..., {core.size})" if core.symmetric else ""
    what = f"{title}: {leaf.path} is {core!r}, shape {_dots(wanted)}{packed}, got shape {array.shape}"
    raise ArgumentError(message(what, place, _axes_hint(array.shape, wanted, leaf.path)))


def _dots(shape: tuple[int, ...]) -> str:
    return f"(..., {', '.join(map(str, shape))})"


def _axes_hint(shape: tuple[int, ...], wanted: tuple[int, ...], path: str) -> str:
    if len(shape) > len(wanted) and shape[: len(wanted)] == wanted:
        if len(wanted) == 1:
            return f"np.moveaxis({path}, 0, -1)"
        return f"np.moveaxis({path}, {tuple(range(len(wanted)))}, {tuple(range(-len(wanted), 0))})"
    return ""


def _batch_shape(traced: Traced, arrays, cores, title: str, place: str) -> tuple[int, ...]:
    shapes = {}
    for leaf, array, core in zip(traced.leaves, arrays, cores):
        batch = array.shape[: array.ndim - len(core)]
        if traced.arguments[leaf.argument].parameter:
            if batch:
                what = f"{title}: {leaf.path} is a parameter and has no batch axis, got shape {array.shape}"
                raise ArgumentError(message(what, place, f"{leaf.path} without parameters=, or one value"))
        else:
            shapes[leaf.path] = batch
    distinct = set(shapes.values())
    if len(distinct) == 1:
        return distinct.pop()
    try:
        return np.broadcast_shapes(*distinct)
    except ValueError:
        raise _no_broadcast(shapes, title, place) from None


def _no_broadcast(shapes: Mapping[str, tuple[int, ...]], title: str, place: str) -> ArgumentError:
    """The error for batch shapes that do not fit, each with the arguments that have it."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, shape in shapes.items():
        if shape:
            groups.setdefault(shape, []).append(name)
    said = [f"{listing(names)} {'has' if len(names) == 1 else 'have'} {shape}" for shape, names in groups.items()]
    return ArgumentError(message(f"{title}: batch shapes do not broadcast: {', '.join(said)}", place))


def _leaf_columns(leaf: Leaf, array: np.ndarray, core: tuple, batch: tuple, dtype: np.dtype) -> list[np.ndarray]:
    """The columns of one leaf: a view of the array for each cell, or for each part of each cell."""
    wanted = COMPLEX[dtype] if array.dtype.kind == "c" else dtype
    if array.dtype != wanted or not array.flags.aligned:
        array = array.astype(wanted)
    columns = []
    for position, (_, index) in enumerate(leaf.columns):
        where = (position,) if core != leaf.core.shape else index
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
    if cell.size == 1:
        return np.broadcast_to(cell.reshape(()), (math.prod(batch),))
    return np.broadcast_to(cell, batch).reshape(-1)


# -- results ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one value of the result comes from: its form and, for each of its cells, kind and position in the graph."""

    path: str
    shape: tuple[int, ...]
    symmetric: bool
    kind: str
    cells: tuple[str, ...]

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
        found.append(Slot(o.path, o.shape, o.symmetric, kind, cells))
    return tuple(found)


class Results:
    """Memory for a call's results: allocated contiguous over events, or the user's own."""

    def __init__(self, slots: Sequence[Slot], batch: tuple[int, ...], dtype: np.dtype, packed: bool):
        self.slots, self.batch, self.packed = slots, batch, packed
        self.events = math.prod(batch)
        self.blocks = [_block(s.size, self.events, COMPLEX[dtype] if s.kind == "complex" else dtype) for s in slots]

    def columns(self) -> list[np.ndarray]:
        """The output columns of the program, in order."""
        columns: list[np.ndarray] = []
        for slot, block in zip(self.slots, self.blocks):
            for row, kind in zip(block, slot.cells):
                if slot.kind != "complex":
                    columns.append(row)
                elif kind == "complex":
                    columns += [row.real, row.imag]
                else:
                    columns.append(row.real)
                    row.imag[...] = 0
        return columns

    def arrays(self) -> list[np.ndarray]:
        """The results, batch axes in front."""
        pairs = zip(self.slots, self.blocks)
        return [self._shaped(s, block.astype(bool) if s.kind == "bool" else block) for s, block in pairs]

    def _shaped(self, slot: Slot, block: np.ndarray) -> np.ndarray:
        if not slot.shape:
            return block[0].reshape(self.batch)
        if slot.symmetric and not self.packed:
            n = slot.shape[0]
            mirrored = np.zeros((n, n), int)
            mirrored[np.triu_indices(n)] = mirrored.T[np.triu_indices(n)] = np.arange(slot.size)
            block = block[mirrored.ravel()]
        shape = (slot.size,) if slot.symmetric and self.packed else slot.shape
        cells = block.reshape(*shape, *self.batch)
        return np.moveaxis(cells, tuple(range(len(shape))), tuple(range(-len(shape), 0)))


def _block(rows: int, events: int, dtype: np.dtype) -> np.ndarray:
    """Rows over events; padded where row starts would all fall on the same cache sets."""
    pad = _LINE // dtype.itemsize if rows >= 8 and events * dtype.itemsize % _PAGE == 0 else 0
    return np.empty((rows, events + pad), dtype)[:, :events]


def store(tree: Tree, slots: Sequence[Slot], results: Sequence[np.ndarray], out: Any, title: str, place: str) -> Any:
    """Copy results into the arrays that the user gave as `out=`; returns `out`."""
    try:
        targets = [leaf for _, leaf in tree.take(out, "out")]
    except Mismatch as error:
        raise ArgumentError(message(f"{title}: {error}", place)) from None
    for slot, target, result in zip(slots, targets, results):
        path = slot.path.replace("result", "out", 1)
        if not isinstance(target, np.ndarray):
            raise ArgumentError(message(f"{title}: {path} is a {type(target).__name__}, not a NumPy array", place))
        if target.shape != result.shape or not np.can_cast(result.dtype, target.dtype, "same_kind"):
            wanted, got = f"{result.dtype}{list(result.shape)}", f"{target.dtype}{list(target.shape)}"
            raise ArgumentError(message(f"{title}: {path} has to be {wanted}, got {got}", place))
    for target, result in zip(targets, results):
        target[...] = result
    return out
