"""NPZ: an archive of arrays, one per column, first axis the events. Read and written without holding a whole array."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from symhep.errors import listing, message
from symhep.files.columns import OBJECT, Chunk, Column, FileError, whole
from symhep.files.npy import column, header, items, native

_BLOCK = 1 << 20  # bytes that are skipped or copied at a time


class _Array:
    """One array of the archive, read from front to back.

    In Fortran's order each cell of the value of an event is a column of its own: it has its own stream.
    """

    def __init__(self, archive: zipfile.ZipFile, member: str, name: str) -> None:
        self.member, self._archive = member, archive
        with archive.open(member) as file:
            shape, fortran, self._dtype = header(file, f"{archive.filename}, {name}")
        self.events = shape[0] if shape else 0
        self.column = column(name, self._dtype, shape[1:])
        self.scalar = not shape
        self.shape, self._turned = shape[1:], fortran and len(shape) > 1
        self._streams: list[Any] = []

    def open(self) -> None:
        """Begin to read."""
        cells = items(self.shape) if self._turned else 1
        for cell in range(cells):
            file = self._archive.open(self.member)
            self._streams.append(file)
            header(file, self.column.name)
            _skip(file, cell * self.events * self._dtype.itemsize)

    def read(self, events: int) -> np.ndarray:
        """The values of the next events."""
        if not self._turned:
            return native(self._part(self._streams[0], events * items(self.shape)).reshape(events, *self.shape))
        cells = np.stack([self._part(file, events) for file in self._streams])
        return native(cells.reshape(*self.shape[::-1], events).T)

    def _part(self, file: IO[bytes], count: int) -> np.ndarray:
        data = file.read(count * self._dtype.itemsize)
        if len(data) < count * self._dtype.itemsize:
            raise zipfile.BadZipFile(f"{self.member} is cut off")
        return np.frombuffer(data, self._dtype)

    def close(self) -> None:
        for file in self._streams:
            file.close()


def _skip(file: IO[bytes], size: int) -> None:
    while size > 0:
        size -= len(file.read(min(size, _BLOCK))) or size


class Reader:
    """An .npz file, compressed or not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise FileError(f"{path} cannot be read: {error}") from None
        arrays = [_Array(self._archive, m, m.removesuffix(".npy")) for m in self._archive.namelist()]
        self._arrays = {a.column.name: a for a in arrays if not a.scalar}
        self.names = list(self._arrays)

    def column(self, name: str) -> Column:
        return self._arrays[name].column

    def count(self, names: Sequence[str]) -> int:
        lengths = {n: self._arrays[n].events for n in names}
        if len(set(lengths.values())) > 1:
            said = listing([f"{n} has {k:,}" for n, k in lengths.items()])
            raise FileError(f"{self.path}: the columns have different numbers of events: {said}")
        return next(iter(lengths.values()))

    def overhead(self, names: Sequence[str]) -> tuple[float, float]:
        return max([self._arrays[n].column.nbytes for n in names], default=0.0), 1e6

    def chunks(self, names: Sequence[str], kept: Sequence[str], size: int) -> Iterator[Chunk]:
        arrays, total = [self._arrays[n] for n in names], self.count(names)
        try:
            for a in arrays:
                a.open()
            for start in range(0, total, size):
                events = min(size, total - start)
                yield Chunk(start, events, {a.column.name: a.read(events) for a in arrays})
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise FileError(f"{self.path} cannot be read: {error}") from None
        finally:
            for a in arrays:
                a.close()

    def fraction(self) -> float:
        return 1.0

    def close(self) -> None:
        self._archive.close()


class Writer:
    """An .npz file. The numbers of each column go to a file of their own first: an archive has one after the other."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        for c in columns:
            if c.dtype == OBJECT:
                what = f"NPZ has no place for text of any length, as in {c.name!r}"
                raise FileError(message(what, instead="-o with .csv or .parquet"))
        self._path, self._columns, self._events = path, list(columns), 0
        self._parts = [tempfile.TemporaryFile(dir=path.parent) for _ in columns]  # noqa: SIM115  (closed by `close`)

    def write(self, columns: Mapping[str, np.ndarray]) -> None:
        for c, file in zip(self._columns, self._parts):
            reason = f"{c.name!r} has missing values and holds {c.dtype}, and NPZ has no place for them"
            values = np.ascontiguousarray(whole(columns[c.name], reason), c.dtype)
            file.write(values.data)
        self._events += len(values)

    def finish(self) -> None:
        with zipfile.ZipFile(self._path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for c, file in zip(self._columns, self._parts):
                with archive.open(f"{c.name}.npy", "w", force_zip64=True) as member:
                    shape = (self._events, *c.shape)
                    described = {"descr": npy.dtype_to_descr(c.dtype), "fortran_order": False, "shape": shape}
                    npy.write_array_header_1_0(member, described)
                    file.seek(0)
                    shutil.copyfileobj(file, member, _BLOCK)

    def close(self) -> None:
        for file in self._parts:
            file.close()
