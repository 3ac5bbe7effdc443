"""Which columns of a file a kernel's arguments are, by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symhep.calling.results import mirrored
from symhep.errors import ArgumentError, count, listing, message, nearest
from symhep.files.columns import Chunk, Column, FileError, Jagged, Reader, element, plain
from symhep.kernel import Kernel
from symhep.tracing.trace import Leaf, Traced

_SHOWN = 60  # names of columns in an error


@dataclass(frozen=True, slots=True)
class Access:
    """A column, or one element of it."""

    column: str
    index: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.column}[{','.join(map(str, self.index))}]" if self.index else self.column


@dataclass(frozen=True, slots=True)
class Source:
    """Where the value of one leaf of the arguments comes from.

    accesses  one column for the whole value; or one for each cell, or for each part of each complex cell
    """

    leaf: Leaf
    accesses: tuple[Access, ...]
    parts: bool = False

    @property
    def whole(self) -> bool:
        return len(self.accesses) == 1 and not self.parts


def sources(
    kernel: Kernel, traced: Traced, reader: Reader, given: Collection[str], renamed: Mapping[str, str]
) -> list[Source | None]:
    """For each leaf of the arguments its place in a file; None for those of arguments that are given or have defaults.

    given    names of the arguments that have a value already
    renamed  what arguments, or parts of them, are called in the file
    """
    match = _Match(kernel, traced, reader, renamed)
    found: list[Source | None] = []
    for leaf in traced.leaves:
        argument = traced.arguments[leaf.argument]
        if argument.name in given:
            found.append(None)
            continue
        if argument.parameter:
            if argument.required or argument.name in match.known:
                what = f"{argument.name} is a parameter of {kernel.name}: it has one value, not a column"
                raise ArgumentError(message(what, instead=f"--parameter {argument.name}=1.0"))
            found.append(None)
            continue
        source = match.source(leaf)
        if source is None and (argument.required or match.is_renamed(leaf)):
            raise match.missing(leaf)
        found.append(source)
    _check_partly(traced, found, match)
    return found


def _check_partly(traced: Traced, found: Sequence[Source | None], match: _Match) -> None:
    """Raise FileError for an argument with a default that has columns for some of its parts only."""
    partly = {s.leaf.argument for s in found if s is not None}
    for leaf, source in zip(traced.leaves, found):
        if source is None and leaf.argument in partly:
            raise match.missing(leaf)


def parts_of(leaf: Leaf) -> list[str]:
    """The names of the columns of a leaf that is not one column: each cell, or both parts of each complex cell."""
    sides = (".real", ".imag") if leaf.core.kind == "complex" else ("",)
    return [f"{cell}{side}" for cell, _ in leaf.columns for side in sides]


class _Match:
    def __init__(self, kernel: Kernel, traced: Traced, reader: Reader, renamed: Mapping[str, str]) -> None:
        self.kernel, self.reader, self.renamed = kernel, reader, renamed
        self.known = set(reader.names)

    def source(self, leaf: Leaf) -> Source | None:
        """The place of a leaf; None if the file has none."""
        paths = parts_of(leaf)
        access = self.access(leaf.path)
        # a part that has a column of its own is not taken from that of the whole
        if access is not None and not any(p in self.renamed for p in paths if p != leaf.path):
            self.check(leaf, access)
            return Source(leaf, (access,))
        if paths == [leaf.path]:
            return None
        found = [self.access(p) for p in paths]
        if not any(found):
            return None
        for path, one in zip(paths, found):
            if one is None:
                raise self.missing(leaf, path)
            self.check_number(path, one)
        return Source(leaf, tuple([a for a in found if a is not None]), parts=leaf.core.kind == "complex")

    def is_renamed(self, leaf: Leaf) -> bool:
        """Whether --column names a leaf, a part of it, or what it is a part of."""
        return self.inside_renamed(leaf.path) != leaf.path or any(
            p in self.renamed for p in [leaf.path, *parts_of(leaf)]
        )

    def access(self, path: str) -> Access | None:
        """The column, or element, that a path is said to be, or is called."""
        if path in self.renamed:
            return self.named(path, self.renamed[path])
        wanted = self.inside_renamed(path)
        for name in (wanted, plain(wanted)):
            if name in self.known:
                return Access(name)
        return None

    def inside_renamed(self, path: str) -> str:
        """The path, with the name in the file for the longest part at its beginning that has one."""
        for end in sorted([m.start() for m in re.finditer(r"[.\[]", path)], reverse=True):
            if path[:end] in self.renamed:
                return self.renamed[path[:end]] + path[end:]
        return path

    def named(self, path: str, text: str) -> Access | None:
        """What --column names; None if it is only the beginning of the names of columns."""
        if text in self.known:
            return Access(text)
        name, index = element(text)
        if name in self.known and index:
            return Access(name, index)
        beginnings = (f"{text}.", f"{text}[", f"{plain(text)}_")
        if any(n.startswith(beginnings) for n in self.known):
            return None
        raise no_column(self.reader, name, f"--column {path}={text}", f"--column {path}=")

    def check(self, leaf: Leaf, access: Access) -> None:
        """Raise FileError where a column is not of the form of a leaf."""
        column, core = self.check_number(leaf.path, access, whole=True), leaf.core
        shape = () if access.index else column.shape
        wanted = tuple([int(d) for d in core.shape])
        packed = (core.size,) if core.symmetric else wanted
        if column.dtype.kind == "c" and core.kind != "complex":
            raise self.unfit(leaf, access, column, "write instead: sh.Complex in the kernel's signature")
        if column.jagged and not access.index:
            if len(wanted) == 1:
                return  # lists of one length are arrays, which is known only when they are read
            first = f"write instead: --column {leaf.path}={access}[0], the first of each list, NaN where there is none"
            raise self.unfit(leaf, access, column, first if not wanted else "")
        if shape not in (wanted, packed):
            cell = f"{access}[{','.join('0' * len(shape))}]" if shape and not wanted else ""
            raise self.unfit(leaf, access, column, f"write instead: --column {leaf.path}={cell}" if cell else "")

    def check_number(self, path: str, access: Access, whole: bool = False) -> Column:
        """Raise FileError unless an access is to numbers: one per event, or a whole column."""
        column = self.reader.column(access.column)
        place = f"{self.reader.path}: column {access.column!r}"
        if not column.numeric:
            raise FileError(f"{place} holds {column}, and {path} is a number")
        depth = 1 if column.jagged else len(column.shape)
        if access.index and len(access.index) != depth:
            raise FileError(f"{place} is {column}: {access} is not an element of it")
        if access.index and any(i >= n for i, n in zip(access.index, column.shape)):
            raise FileError(f"{place} is {column}: there is no element {access}")
        if not whole and not access.index and (column.jagged or column.shape):
            raise FileError(f"{place} is {column}, and {path} is a number")
        if not whole and column.dtype.kind == "c":
            raise FileError(f"{place} is {column}, and {path} is a real number")
        return column

    def unfit(self, leaf: Leaf, access: Access, column: Column, hint: str) -> FileError:
        core = repr(leaf.core) if leaf.core != type(leaf.core)() else "one real number per event"
        what = f"{self.reader.path}: column {access.column!r} is {column}, and the argument {leaf.path} is {core}"
        return FileError(f"{what}\n  {hint}" if hint else what)

    def missing(self, leaf: Leaf, path: str = "") -> FileError:
        """The error for an argument that has no column."""
        path = path or leaf.path
        name = self.renamed.get(path, self.inside_renamed(path))
        what = f"the argument {path} of {self.kernel.name}"
        if leaf.core.shape and path == leaf.path:
            cells = [c for c, _ in leaf.columns]
            what += f" (in one column, or as {cells[0]}, {'..., ' if len(cells) > 2 else ''}{cells[-1]})"
        return no_column(self.reader, name, what, f"--column {path}=")


def no_column(reader: Reader, name: str, wanted_by: str, option: str) -> FileError:
    """The error for a column that a file does not have, with those that it has."""
    known = list(reader.names)
    like = nearest(name, known) or _ignoring_case(name, known)
    shown = ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN:,} more" if len(known) > _SHOWN else "")
    what = f"{reader.path} has no column {name!r}, for {wanted_by}\n  its columns: {shown or 'none'}"
    return FileError(message(what, instead=listing([f"{option}{n}" for n in like], "or") if like else ""))


def _ignoring_case(name: str, known: Sequence[str]) -> list[str]:
    lower: dict[str, str] = {}
    for n in known:
        lower.setdefault(n.lower(), n)
    return [lower[n] for n in nearest(name.lower(), lower)]


def check_renamed(renamed: Mapping[str, str], kernel: Kernel, traced: Traced) -> None:
    """Raise ArgumentError for a name in --column that is no argument, nor a part of one."""
    known: set[str] = set()
    for leaf in traced.leaves:
        for path in (leaf.path, *[cell for cell, _ in leaf.columns]):
            known |= {path, *[path[: m.start()] for m in re.finditer(r"[.\[]", path)]}
            if leaf.core.kind == "complex":
                known |= {f"{path}.real", f"{path}.imag"}
    for name in renamed:
        if name not in known:
            arguments = [a.name for a in kernel.arguments if not a.static]
            like = nearest(name, known) or arguments
            what = f"--column {name}=...: {kernel.name} has no argument {name!r}"
            raise ArgumentError(message(what, instead=listing(like, "or")))


# -- values ----------------------------------------------------------------------------------------------------------


def value(source: Source, chunk: Chunk, path: Path, missing: Counter[str]) -> np.ndarray:
    """The value of a leaf for the events of a chunk: NaN where the file has none, which `missing` counts."""
    leaf = source.leaf
    if source.whole:
        found = _numbers(leaf, source.accesses[0], chunk, path, missing)
        return _unpacked(found, int(leaf.core.shape[0])) if leaf.core.symmetric and found.ndim == 2 else found
    cells = [_numbers(leaf, a, chunk, path, missing) for a in source.accesses]
    if source.parts:
        cells = [re + 1j * im for re, im in zip(cells[::2], cells[1::2])]
    if not leaf.core.shape:
        return cells[0]
    rows = np.empty((len(cells), chunk.events), np.result_type(*cells))
    for row, cell in zip(rows, cells):
        row[:] = cell
    if leaf.core.symmetric:
        rows = rows[mirrored(int(leaf.core.shape[0]))]
    shape = tuple([int(d) for d in leaf.core.shape])
    return np.moveaxis(rows.reshape(*shape, chunk.events), -1, 0)


def _unpacked(triangles: np.ndarray, n: int) -> np.ndarray:
    """Symmetric matrices from their upper triangles."""
    return triangles[:, mirrored(n)].reshape(-1, n, n)


def _numbers(leaf: Leaf, access: Access, chunk: Chunk, path: Path, missing: Counter[str]) -> np.ndarray:
    found: Any = chunk.columns[access.column]
    if isinstance(found, Jagged):
        found = found.element(access.index[0]) if access.index else _uniform(found, leaf, access, chunk, path)
    elif access.index:
        found = found[(slice(None), *access.index)]
    if not isinstance(found, np.ma.MaskedArray):
        return found
    mask = np.ma.getmaskarray(found)
    events = mask.reshape(len(mask), -1).any(axis=1)
    lost = int(events.sum())
    if not lost:
        return found.data
    missing[str(access)] += lost
    if leaf.core.kind == "bool":
        first = chunk.start + int(events.argmax())
        what = f"{path}: event {first:,} has no value of {access}, and {leaf.path} is true or false"
        raise FileError(what)
    numbers: Any = found if found.dtype.kind in "fc" else found.astype(np.float64)
    return numbers.filled(np.nan)


def _uniform(column: Jagged, leaf: Leaf, access: Access, chunk: Chunk, path: Path) -> np.ndarray:
    """Lists that all have the length of an array."""
    length = int(leaf.core.shape[0])
    wrong = np.flatnonzero(column.lengths != length)
    if len(wrong):
        has = count(int(column.lengths[wrong[0]]), "value")
        what = f"{path}: event {chunk.start + int(wrong[0]):,} has {has} of {access}, and {leaf.path} is {leaf.core!r}"
        raise FileError(
            message(what, instead=f"--column {leaf.path}[0]={access}[0] and so on: NaN where there is none")
        )
    return column.values.reshape(-1, length)


def columns_of(found: Iterable[Source | None]) -> Iterator[str]:
    """The columns that sources read, once each."""
    return iter(dict.fromkeys([a.column for s in found if s is not None for a in s.accesses]))
