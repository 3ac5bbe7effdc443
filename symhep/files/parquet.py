"""Parquet, read and written by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symhep.files import arrow
from symhep.files.columns import Chunk, Column, FileError, split, split_values

_BUFFER = 1 << 20  # bytes read at a time, of each column
_ROWS = 1 << 16  # of a row group that is written, at least


class Reader:
    """A Parquet file; the fields of a struct are columns of their own, as p.x."""

    def __init__(self, path: Path) -> None:
        self._pa = arrow.pyarrow()
        from pyarrow import parquet

        self.path = path
        try:
            self._file = parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
        except (self._pa.ArrowInvalid, OSError) as error:
            raise FileError(f"{path} cannot be read: {error}") from None
        self._columns = {c.name: c for c in _columns(self._file.schema_arrow, "", self._pa.types)}
        self.names = list(self._columns)

    def column(self, name: str) -> Column:
        return self._columns[name]

    def count(self, names: Sequence[str]) -> int:
        return self._file.metadata.num_rows

    def overhead(self, names: Sequence[str]) -> tuple[float, float]:
        # what pyarrow takes for decoding, and for pages and dictionaries: measured
        return 12 * sum(self._columns[n].nbytes for n in names), 10e6 + 4.0 * _BUFFER * len(names)

    def chunks(self, names: Sequence[str], kept: Sequence[str], size: int) -> Iterator[Chunk]:
        start = 0
        try:
            for block in self._file.iter_batches(size, columns=list(names), use_threads=False):
                yield Chunk(start, block.num_rows, {n: arrow.values(_field(block, n, self._pa)) for n in names})
                start += block.num_rows
        except (self._pa.ArrowException, OSError) as error:
            raise FileError(f"{self.path} cannot be read: {error}") from None

    def fraction(self) -> float:
        return 1.0

    def close(self) -> None:
        self._file.close()


def _columns(fields: Any, prefix: str, types: Any) -> Iterator[Column]:
    for field in fields:
        if types.is_struct(field.type):
            yield from _columns(field.type, f"{prefix}{field.name}.", types)
        else:
            yield arrow.described(prefix + field.name, field.type)


def _field(block: Any, name: str, pa: Any) -> Any:
    """A column, or the field of a struct: missing where the struct is."""
    if name in block.schema.names:
        return block.column(name)
    from pyarrow import compute

    known = [n for n in block.schema.names if name.startswith(f"{n}.")]
    outer = max(known, key=len)
    found, rest = block.column(outer), name[len(outer) + 1 :]
    while rest:
        inner = max([f.name for f in found.type if rest == f.name or rest.startswith(f"{f.name}.")], key=len)
        found, rest = compute.struct_field(found, inner), rest[len(inner) + 1 :]
    return found


class Writer:
    """A Parquet file: arrays are lists of fixed size, complex numbers two columns."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._pa = arrow.pyarrow()
        from pyarrow import parquet

        made = split(columns, shapes=True, complexes=False)
        self._schema = arrow.schema(made)
        # computed numbers are all different: a dictionary of them is ten times slower to write, and larger
        repeating = [c.name for c in made if c.dtype.kind != "f"]
        self._writer = parquet.ParquetWriter(str(path), self._schema, use_dictionary=repeating)
        self._batches: list[Any] = []
        self._rows = 0

    def write(self, columns: Mapping[str, np.ndarray]) -> None:
        made = arrow.batch(split_values(columns, shapes=True, complexes=False), self._schema)
        self._batches.append(made)
        self._rows += made.num_rows
        if self._rows >= _ROWS:
            self.finish()

    def finish(self) -> None:
        if self._batches:
            self._writer.write_table(self._pa.Table.from_batches(self._batches))
        self._batches, self._rows = [], 0

    def close(self) -> None:
        self._writer.close()
