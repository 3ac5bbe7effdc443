"""What is in a file: columns by name, with one value, one array or one list per event."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from symhep.errors import ArgumentError, SymhepError

# The dtype of text, and of whatever has no place in an array of numbers
OBJECT = np.dtype(object)


class FileError(SymhepError):
    """A file cannot be read or written, or does not have what a kernel needs."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file.

    dtype   of its numbers; `object` for text and for what NumPy has no numbers for
    shape   of one event's value
    jagged  whether an event has a list of such values, of any length
    type    what the file calls it
    text    whether it holds text
    list_bytes  about how many bytes the list of one event takes, if it is jagged
    """

    name: str
    dtype: np.dtype
    shape: tuple[int, ...] = ()
    jagged: bool = False
    type: str = ""
    text: bool = False
    list_bytes: float = 0.0

    @property
    def numeric(self) -> bool:
        """Whether kernels can take it."""
        return self.dtype.kind in "biufc"

    @property
    def copied(self) -> bool:
        """Whether it can be written to another file."""
        return not self.jagged and (self.text or self.dtype.kind in "biufcmM")

    @property
    def nbytes(self) -> float:
        """About how many bytes one event takes in memory."""
        if self.jagged:
            return 8 + self.list_bytes
        return (100 if self.dtype == OBJECT else self.dtype.itemsize) * math.prod(self.shape)

    def __str__(self) -> str:
        if not self.numeric:
            return self.type or str(self.dtype)
        shape = f" of shape {self.shape}" if self.shape else ""
        return f"a list of {self.dtype} per event" if self.jagged else f"{self.dtype}{shape}"


@dataclass(frozen=True, slots=True)
class Jagged:
    """A column of lists: those of all events one after the other, and where each begins.

    >>> Jagged(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 1, 3])).lengths
    array([1, 0, 2])
    """

    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """How many values each event has."""
        return np.diff(self.offsets)

    def element(self, position: int) -> np.ma.MaskedArray:
        """The value at one position of every list, masked where a list is shorter.

        >>> Jagged(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 1, 3])).element(0)
        masked_array(data=[1.0, --, 2.0], mask=[False,  True, False], fill_value=...)
        """
        there = self.lengths > position
        found = np.zeros(len(self), self.values.dtype)
        found[there] = self.values[self.offsets[:-1][there] + position]
        return np.ma.MaskedArray(found, ~there)


# Values that are missing in the file are masked: NaN is a value.
Values = np.ndarray | Jagged


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some events of a file: the position of the first one, how many there are, and their columns."""

    start: int
    events: int
    columns: Mapping[str, Values]


class Reader(Protocol):
    """A file that is read chunk by chunk.

    names  of all columns
    """

    path: Path
    names: Sequence[str]

    def column(self, name: str) -> Column:
        """What a column holds."""
        ...

    def count(self, names: Sequence[str]) -> int | None:
        """How many events there are in some columns; None where that is known only at the end."""
        ...

    def overhead(self, names: Sequence[str]) -> tuple[float, float]:
        """Bytes that reading takes beyond the columns: per event of a chunk, and for any chunk."""
        ...

    def chunks(self, names: Sequence[str], kept: Sequence[str], size: int) -> Iterator[Chunk]:
        """All events, at most `size` at a time. `kept` are the names that must keep their type: integers, text."""
        ...

    def fraction(self) -> float:
        """How much of the file was read, from 0 to 1; of no meaning where `count` tells."""
        ...

    def close(self) -> None: ...


class Writer(Protocol):
    """A file that is written chunk by chunk; made with its path and columns."""

    def write(self, columns: Mapping[str, np.ndarray]) -> None: ...

    def finish(self) -> None:
        """What comes after the last chunk."""
        ...

    def close(self) -> None:
        """Let go of the file, whole or not."""
        ...


_ELEMENT = re.compile(r"(?P<name>.+?)(?P<index>(?:\[\d+(?:\s*,\s*\d+)*\])+)")


def element(text: str) -> tuple[str, tuple[int, ...]]:
    """The name and the index of what is written as one element of a column.

    >>> element("Muon_pt[0]"), element("C[1,2]"), element("C[1][2]"), element("pt")
    (('Muon_pt', (0,)), ('C', (1, 2)), ('C', (1, 2)), ('pt', ()))
    """
    match = _ELEMENT.fullmatch(text)
    if match is None:
        return text, ()
    return match["name"], tuple([int(d) for d in re.findall(r"\d+", match["index"])])


def plain(name: str) -> str:
    """A name without brackets and dots.

    >>> plain("p1.x"), plain("C[0,1]"), plain("q.b[0]")
    ('p1_x', 'C_0_1', 'q_b_0')
    """
    return re.sub(r"\W+", "_", name).strip("_")


_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?\s*", re.IGNORECASE)


def size_in_bytes(text: str) -> int:
    """A size as it is written; raises ArgumentError for anything else.

    >>> size_in_bytes("500MB"), size_in_bytes("2 GiB")
    (500000000, 2147483648)
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ArgumentError(f"{text!r} is not a size, as 500MB or 2GB is")
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(unit.lower() or " "))


def written(size: float) -> str:
    """A size in words.

    >>> written(1.5e9), written(250e6), written(999)
    ('1.5 GB', '250 MB', '999 B')
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} B"


def whole(values: np.ndarray, reason: str) -> np.ndarray:
    """Values for a format that has no place for missing ones: NaN in floats; raises FileError for others."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if not np.ma.is_masked(values):
        return values.data
    if values.dtype.kind not in "fc":
        raise FileError(reason)
    return values.filled(np.nan)


def split(columns: Iterable[Column], shapes: bool, complexes: bool) -> list[Column]:
    """The columns as a format can hold them: arrays as a column for each cell, complex numbers as two.

    >>> [c.name for c in split([Column("p", np.dtype(complex), (2,))], shapes=False, complexes=False)]
    ['p[0].real', 'p[0].imag', 'p[1].real', 'p[1].imag']
    """
    made = []
    for c in columns:
        shape = c.shape if shapes else ()
        for index in [()] if shapes else np.ndindex(c.shape):
            name = f"{c.name}[{','.join(map(str, index))}]" if index else c.name
            if c.dtype.kind == "c" and not complexes:
                part = np.empty(0, c.dtype).real.dtype
                made += [Column(f"{name}.{side}", part, shape) for side in ("real", "imag")]
            else:
                made.append(Column(name, c.dtype, shape))
    return made


def split_values(columns: Mapping[str, np.ndarray], shapes: bool, complexes: bool) -> dict[str, np.ndarray]:
    """Values of columns, taken apart as `split` does."""
    made: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        shape = values.shape[1:]
        for index in [()] if shapes else np.ndindex(shape):
            own = f"{name}[{','.join(map(str, index))}]" if index else name
            part = values[(slice(None), *index)] if index else values
            if part.dtype.kind == "c" and not complexes:
                made[f"{own}.real"], made[f"{own}.imag"] = part.real, part.imag
            else:
                made[own] = part
    return made
