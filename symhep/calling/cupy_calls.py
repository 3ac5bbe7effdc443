"""Calls with CuPy arrays: from arrays to columns, through a CUDA kernel, and to results in the kernel's own form.

Everything stays on the device and runs on the current stream. Numbers among the arguments are the only things that are
copied to it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.calling import calls
from symhep.calling.calls import COMPLEX, Columns, Site
from symhep.calling.results import Slot, mirrored, output_columns
from symhep.containers import Mismatch
from symhep.errors import DeviceMemoryError, TargetError, message
from symhep.program import build
from symhep.targets.cupy_launch import compile_program, cupy_module
from symhep.tracing.trace import Leaf

if TYPE_CHECKING:
    from symhep.variants import Variant

_NUMBERS = (bool, int, float, complex, np.generic)


def call(name: str, variant: Variant, dtype: np.dtype | None, site: Site, values: Sequence[Any], out: Any) -> Any:
    """The result of a kernel for CuPy arrays and numbers.

    Raises ArgumentError for arguments that do not fit, TargetError for NumPy arrays and where there is no device,
    DeviceMemoryError where its memory is too small.
    """
    cupy = cupy_module()
    given = [_accepted(v, leaf, cupy, site) for v, leaf in zip(values, variant.traced.leaves)]
    devices = {a.device.id: a.device for a in given if isinstance(a, cupy.ndarray)}
    if len(devices) > 1:
        raise TargetError(f"{site.name}: arrays of {len(devices)} devices in one call: {sorted(devices)}")
    with next(iter(devices.values()), cupy.cuda.Device()):
        return _Call(name, variant, dtype, site, values, given, cupy).result(out)


def _accepted(value: Any, leaf: Leaf, cupy: Any, site: Site) -> Any:
    """An array of CuPy as it is, a number as an array of NumPy without axes."""
    if isinstance(value, cupy.ndarray):
        return value
    if isinstance(value, _NUMBERS) or (isinstance(value, np.ndarray) and not value.ndim):
        return calls.as_array(value, leaf, site)
    what = f"{site.name} runs on a GPU and {leaf.path} is of type {type(value).__name__}, in the memory of the host"
    raise TargetError(message(what, instead=f'cupy.asarray({leaf.path}), or k.to("numba")'))


class _Call:
    """One call on the current device."""

    def __init__(
        self,
        name: str,
        variant: Variant,
        dtype: np.dtype | None,
        site: Site,
        values: Sequence[Any],
        given: Sequence[Any],
        cupy: Any,
    ) -> None:
        traced = variant.traced
        self.name, self.variant, self.site, self.given, self.cupy = name, variant, site, given, cupy
        calls.refuse_complex(traced, given, site)
        self.dtype = calls.working_dtype(values, given, site) if dtype is None else dtype
        self.cores = [calls.core_shape(a, leaf, site) for a, leaf in zip(given, traced.leaves)]
        batches = calls.batch_shapes(traced, given, self.cores, site)
        first = next(iter(batches.values()), ())
        self.batches = Columns(first, (), batches=batches if len(batches) > 1 else None)
        self.sizes = {axis: math.prod(batch) for axis, batch in batches.items()}
        self.packed = any(x.core.symmetric and core != x.core.shape for x, core in zip(traced.leaves, self.cores))

    def result(self, out: Any) -> Any:
        """Run the kernel; the result in its form, or written into `out`."""
        slots, tree = self.variant.slots, self.variant.traced.tree
        targets = None if out is None else self._targets(out)
        code = self._code()
        try:
            columns = [c for leaf, a, core in zip(self.variant.traced.leaves, self.given, self.cores)
                       for c in self._columns(leaf, a, core)]  # fmt: skip
            blocks = [self._block(s) for s in slots]
            code.run(columns, output_columns(slots, blocks), self.sizes)
            arrays = [self._shaped(s, b) for s, b in zip(slots, blocks)]
        except self.cupy.cuda.memory.OutOfMemoryError as error:
            raise self._out_of_memory(code.extra, error) from error
        if targets is None:
            return tree.build(iter(arrays))
        for target, array in zip(targets, arrays):
            target[...] = array
        return out

    def _code(self) -> Any:
        """The compiled kernel for this dtype and device, made at the first call."""
        made, variant, dtype = self.variant.cupy, self.variant, self.dtype
        key = dtype, self.cupy.cuda.Device().id
        if key not in made:
            graph = variant.verified()
            start = time.perf_counter()
            made.setdefault(key, compile_program(build(graph, variant.axes), dtype, self.name))
            variant.compile_seconds["cupy", dtype] = time.perf_counter() - start
        return made[key]

    def _columns(self, leaf: Leaf, array: Any, core: tuple[int, ...]) -> list[Any]:
        """The columns of one leaf: a view of the array for each cell, or for each part of each cell."""
        batch = self.batches.batch_of(leaf.axes)
        wanted = COMPLEX[self.dtype] if array.dtype.kind == "c" else self.dtype
        array = self.cupy.asarray(array, wanted)
        columns = []
        for position, (_, index) in enumerate(leaf.columns):
            where: Any = (position,) if core != leaf.core.shape else index
            cell = array[(..., *where)] if where else array
            if leaf.core.kind != "complex":
                columns.append(self._flat(cell, batch))
                continue
            imaginary = cell.imag if cell.dtype.kind == "c" else self.cupy.zeros((), self.dtype)
            columns += [self._flat(cell.real, batch), self._flat(imaginary, batch)]
        return columns

    def _flat(self, cell: Any, batch: tuple[int, ...]) -> Any:
        """One-dimensional, of the batch's length or of one element; a view wherever there is one."""
        if cell.size == 1:
            return cell.reshape(1)
        events = math.prod(batch)
        if cell.size != events:
            cell = self.cupy.broadcast_to(cell, batch)
        flat = cell.reshape(events)
        return flat if events == 0 or flat.strides[0] % flat.itemsize == 0 else self.cupy.ascontiguousarray(flat)

    def _block(self, s: Slot) -> Any:
        """Memory for one value of the result: a row of events for each cell."""
        events = math.prod(self.batches.batch_of(s.axes))
        return self.cupy.empty((s.size, events), COMPLEX[self.dtype] if s.kind == "complex" else self.dtype)

    def _shaped(self, s: Slot, block: Any) -> Any:
        """The rows of one value as the array that is returned, batch axes in front."""
        if s.kind == "bool":
            block = block.astype(bool)
        if s.symmetric and not self.packed:
            block = block[self.cupy.asarray(mirrored(s.shape[0]))]
        shape = self._core(s)
        cells = block.reshape((*shape, *self.batches.batch_of(s.axes)))
        return cells.transpose((*range(len(shape), cells.ndim), *range(len(shape)))) if shape else cells

    def _core(self, s: Slot) -> tuple[int, ...]:
        return (s.size,) if s.symmetric and self.packed else s.shape

    def _targets(self, out: Any) -> list[Any]:
        """The arrays of `out=`, in the order of the results; raises ArgumentError where one does not fit."""
        try:
            targets = [leaf for _, leaf in self.variant.traced.tree.take(out, "out")]
        except Mismatch as error:
            raise self.site.error(f"{self.site.name}: {error}") from None
        for slot, target in zip(self.variant.slots, targets):
            path = slot.path.replace("result", "out", 1)
            if not isinstance(target, self.cupy.ndarray):
                raise self.site.error(f"{self.site.name}: {path} is of type {type(target).__name__}, not a CuPy array")
            shape = self.batches.batch_of(slot.axes) + self._core(slot)
            wanted = {"complex": COMPLEX[self.dtype], "bool": np.dtype(bool)}.get(slot.kind, self.dtype)
            if target.shape != shape or not np.can_cast(wanted, target.dtype, "safe"):
                what = f"{path} has to be {wanted} of shape {shape}, got {target.dtype} of shape {target.shape}"
                raise self.site.error(f"{self.site.name}: {what}", f"{path} = cupy.empty({shape}, cupy.{wanted})")
        return targets

    def _out_of_memory(self, extra: int, error: Exception) -> DeviceMemoryError:
        """The error that says what is needed and what would fit."""
        events = max(self.sizes.values(), default=1)
        needed = bytes_per_event(self.variant.slots, self.given, self.dtype, self.cupy) + extra
        free = self.cupy.cuda.runtime.memGetInfo()[0] + self.cupy.get_default_memory_pool().free_bytes()
        fits = int(0.9 * free) // max(needed, 1)
        what = f"{self.site.name}: {events:,} events need {events * needed:,} bytes on the device, {free:,} are free"
        instead = f"batches of at most {_rounded(fits):,} events" if fits else "free some of the device's memory"
        return DeviceMemoryError(message(f"{what} ({error})", instead=instead))


def bytes_per_event(slots: Sequence[Slot], given: Sequence[Any], dtype: np.dtype, cupy: Any) -> int:
    """Bytes that a call allocates for each event: results, and arguments that have to be converted."""
    results = sum(s.size * dtype.itemsize * (2 if s.kind == "complex" else 1) for s in slots)
    other = [a for a in given if isinstance(a, cupy.ndarray) and a.dtype not in (dtype, COMPLEX[dtype])]
    return results + dtype.itemsize * len(other)


def _rounded(number: int) -> int:
    """A number with two digits that is not larger.

    >>> _rounded(123456), _rounded(7)
    (120000, 7)
    """
    unit = 10 ** max(len(str(number)) - 2, 0)
    return number // unit * unit
