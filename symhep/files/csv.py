"""CSV: a line of names, then a line per event; empty fields are missing values. Read and written by pyarrow."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from symhep.errors import listing
from symhep.files import arrow
from symhep.files.columns import Chunk, Column, FileError, split, split_values

_MISSING = ["", "NA", "N/A", "#N/A", "null", "NULL"]
_SAMPLE = 1 << 19  # bytes, for the types of the columns
_BLOCK = 1 << 20  # bytes of text that are parsed at a time
_BLOCKS = 60  # the memory that pyarrow takes for that, in blocks: measured


class Reader:
    """A CSV file, or a TSV one, whose columns are separated by tabs; also compressed, as .csv.gz."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pa = arrow.pyarrow()
        self._tab = ".tsv" in path.suffixes
        with self._text() as file:
            self._sample = bytes(file.read(_SAMPLE))
        lines = self._sample.decode("utf-8-sig", errors="replace").splitlines()
        if not lines:
            raise FileError(f"{path} is empty: a line with the names of the columns is missing")
        self.names = [n.strip() for n in next(csv.reader(lines[:1], delimiter=self._delimiter))]
        self._check_names()
        self._size = path.stat().st_size
        self._open: Any = None

    @property
    def _delimiter(self) -> str:
        return "\t" if self._tab else ","

    def _text(self) -> Any:
        return self._pa.input_stream(str(self.path), compression="detect")

    def _check_names(self) -> None:
        twice = sorted({n for n in self.names if self.names.count(n) > 1})
        if twice:
            raise FileError(f"{self.path} has more than one column {listing(map(repr, twice))}")
        if all(map(_is_number, self.names)):
            raise FileError(f"{self.path} begins with numbers: a line with the names of the columns is missing")

    @cached_property
    def _kinds(self) -> dict[str, Any]:
        """The types that pyarrow finds in the first lines."""
        from pyarrow import csv as reading

        lines = self._sample if len(self._sample) < _SAMPLE else self._sample[: self._sample.rfind(b"\n") + 1]
        try:
            table = reading.read_csv(self._pa.BufferReader(lines), **self._options(self.names, {}))
        except self._pa.ArrowInvalid as error:
            if "Empty CSV file" not in str(error):
                raise FileError(f"{self.path}: {error}") from None
            return dict.fromkeys(self.names, self._pa.null())
        return {field.name: field.type for field in table.schema}

    def _options(self, names: Sequence[str], types: Mapping[str, Any]) -> dict[str, Any]:
        from pyarrow import csv as reading

        return {
            "read_options": reading.ReadOptions(column_names=self.names, skip_rows=1, block_size=_BLOCK),
            "parse_options": reading.ParseOptions(delimiter=self._delimiter),
            "convert_options": reading.ConvertOptions(
                column_types=types, include_columns=list(names), null_values=_MISSING, strings_can_be_null=True
            ),
        }

    def _stream(self, names: Sequence[str], types: Mapping[str, Any]) -> Any:
        from pyarrow import csv as reading

        self._open = self._pa.OSFile(str(self.path))
        try:
            return reading.open_csv(self._uncompressed(self._open), **self._options(names, types))
        except self._pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error):
                return self._pa.RecordBatchReader.from_batches(self._pa.schema([(n, types[n]) for n in names]), [])
            raise FileError(f"{self.path}: {error}") from None

    def _uncompressed(self, file: Any) -> Any:
        packed = self._pa.Codec.detect(str(self.path)) if self.path.suffix in (".gz", ".bz2", ".zst") else None
        return self._pa.CompressedInputStream(file, packed.name) if packed else file

    def column(self, name: str) -> Column:
        return arrow.described(name, self._kinds[name])

    def count(self, names: Sequence[str]) -> None:
        return None

    def overhead(self, names: Sequence[str]) -> tuple[float, float]:
        return 0.0, float(_BLOCKS * _BLOCK)

    def chunks(self, names: Sequence[str], kept: Sequence[str], size: int) -> Iterator[Chunk]:
        double, types = self._pa.float64(), self._pa.types
        forced = dict(self._kinds)
        for n, kind in self._kinds.items():
            if types.is_null(kind) or not (n in kept or types.is_boolean(kind)):
                forced[n] = double
        start = 0
        for block in self._blocks(self._stream(names, {n: forced[n] for n in names})):
            for first in range(0, block.num_rows, size):
                part = block.slice(first, size)
                yield Chunk(start, part.num_rows, {n: arrow.values(part.column(n)) for n in names})
                start += part.num_rows

    def _blocks(self, stream: Any) -> Iterator[Any]:
        while True:
            try:
                yield stream.read_next_batch()
            except StopIteration:
                return
            except self._pa.ArrowInvalid as error:
                raise FileError(f"{self.path}: {error}") from None

    def fraction(self) -> float:
        if self._open is None or self._open.closed:
            return 1.0
        return min(self._open.tell() / max(self._size, 1), 1.0)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Writer:
    """A CSV file: arrays have a column for each cell, complex numbers one for each part."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        arrow.pyarrow()
        from pyarrow import csv as writing

        self._schema = arrow.schema(split(columns, shapes=False, complexes=False))
        options = writing.WriteOptions(quoting_style="needed", quoting_header="needed")
        self._writer = writing.CSVWriter(str(path), self._schema, write_options=options)

    def write(self, columns: Mapping[str, np.ndarray]) -> None:
        self._writer.write_batch(arrow.batch(split_values(columns, shapes=False, complexes=False), self._schema))

    def finish(self) -> None:
        """Nothing comes after the last line."""

    def close(self) -> None:
        self._writer.close()
