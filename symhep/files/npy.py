"""NPY: one array. As a file of columns it is a structured array, whose fields are the columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from symhep.errors import message
from symhep.files.columns import OBJECT, Chunk, Column, FileError


def header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether it is in Fortran's order, and dtype of the array that begins here."""
    try:
        major, _ = npy.read_magic(file)
        read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
        return read(file)
    except ValueError as error:
        raise FileError(f"{name} is not an array as NumPy writes it: {error}") from None


def column(name: str, dtype: np.dtype, shape: tuple[int, ...]) -> Column:
    """The column that an array is, or a field; `shape` is that of one event's value."""
    if dtype.subdtype is not None:
        dtype, inner = dtype.subdtype
        shape = (*shape, *inner)
    if dtype.kind in "SUOV":
        return Column(name, OBJECT, shape, type=str(dtype), text=dtype.kind in "SU")
    return Column(name, dtype.newbyteorder("="), shape, type=str(dtype))


def native(values: np.ndarray) -> np.ndarray:
    """The same in this machine's byte order; text as Python's."""
    if values.dtype.kind in "SU":
        return values.astype(str).astype(object)
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


class Reader:
    """An .npy file with a structured array."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open(path, "rb")  # noqa: SIM115  (closed by `close`)
        shape, _, self._dtype = header(self._file, str(path))
        fields = self._dtype.fields
        if fields is None or len(shape) != 1:
            self.close()
            what = f"{path} holds an array of {self._dtype} of shape {shape}, whose columns have no names"
            raise FileError(message(what, instead=f"np.savez({path.with_suffix('.npz').name!r}, pt=..., eta=...)"))
        self._events = shape[0]
        self._columns = {n: column(n, field[0], ()) for n, field in fields.items()}
        self.names = list(self._columns)

    def column(self, name: str) -> Column:
        return self._columns[name]

    def count(self, names: Sequence[str]) -> int:
        return self._events

    def overhead(self, names: Sequence[str]) -> tuple[float, float]:
        return float(self._dtype.itemsize), 0.0

    def chunks(self, names: Sequence[str], kept: Sequence[str], size: int) -> Iterator[Chunk]:
        for start in range(0, self._events, size):
            events = min(size, self._events - start)
            rows = np.fromfile(self._file, self._dtype, events)
            if len(rows) < events:
                raise FileError(f"{self.path} is cut off after event {start + len(rows):,} of {self._events:,}")
            yield Chunk(start, events, {n: native(np.ascontiguousarray(rows[n])) for n in names})

    def fraction(self) -> float:
        return 1.0

    def close(self) -> None:
        self._file.close()


def items(shape: Sequence[int]) -> int:
    """How many numbers one event has."""
    return math.prod(shape)
