"""The files that a kernel is to run over: looked at before anything is computed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from symhep.calling import calls
from symhep.errors import ArgumentError, listing, message, nearest
from symhep.files.columns import Column, FileError, Reader
from symhep.files.formats import reader
from symhep.files.matching import Source, columns_of, no_column, sources
from symhep.kernel import Kernel
from symhep.variants import Variant


@dataclass(frozen=True, slots=True)
class Settings:
    """How files are run over; the fields are the options of `symhep run`.

    columns     what arguments are called in the files
    parameters  values of arguments that are no columns
    keep        columns that are copied
    chunk       how many events at a time; None for what is fast and fits
    memory      bytes that the process may have
    tree        of ROOT files
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    keep: Sequence[str] = ()
    threads: int | None = None
    chunk: int | None = None
    memory: int = 10**9
    tree: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A file that has been looked at: what is taken from where, and how many events there are if that is known."""

    path: Path
    found: tuple[Source | None, ...]
    described: dict[str, Column]
    kept: tuple[str, ...]
    events: int | None
    overhead: tuple[float, float]

    @property
    def names(self) -> list[str]:
        return list(self.described)


def looked_at(kernel: Kernel, variant: Variant, path: Path, settings: Settings) -> Input:
    """What a kernel takes from a file; raises FileError or ArgumentError where the file does not have it."""
    with closing(reader(path, settings.tree)) as file:
        found = sources(kernel, variant.traced, file, settings.parameters, settings.columns)
        if not any(found):
            raise ArgumentError(f"no argument of {kernel.name} is a column of {path}: all have values already")
        described = {n: file.column(n) for n in columns_of(found)}
        for n in settings.keep:
            described[n] = _to_keep(file, n)
        names = list(described)
        return Input(path, tuple(found), described, tuple(settings.keep), file.count(names), file.overhead(names))


def _to_keep(file: Reader, name: str) -> Column:
    if name not in file.names:
        raise no_column(file, name, f"--keep {name}", "--keep ")
    column = file.column(name)
    if not column.copied:
        raise FileError(f"{file.path}: column {name!r} holds {column}, which cannot be kept")
    return column


def precision(kernel: Kernel, inputs: Sequence[Input]) -> np.dtype:
    """The dtype that the columns of all files ask for together, as in a call."""
    accesses = [(i, a) for i in inputs for s in i.found if s is not None for a in s.accesses]
    arrays = [np.empty(0, _read_as(i.described[a.column])) for i, a in accesses]
    return calls.working_dtype(arrays, arrays, kernel.site)


def _read_as(column: Column) -> np.dtype:
    """Elements of lists of integers may be missing, which NaN stands for."""
    return np.dtype(np.float64) if column.jagged and column.dtype.kind in "biu" else column.dtype


def kept_columns(inputs: Sequence[Input]) -> dict[str, Column]:
    """The columns that are copied, which have to be the same in all files."""
    kept = {n: inputs[0].described[n] for n in inputs[0].kept}
    for i in inputs[1:]:
        for n, first in kept.items():
            own = i.described[n]
            if (own.dtype, own.shape) != (first.dtype, first.shape):
                raise FileError(f"--keep {n}: it is {first} in {inputs[0].path} and {own} in {i.path}")
    return kept


def defaults_used(variant: Variant, one: Input, given: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of the arguments that no column is called by."""
    return {
        a.name: a.default
        for leaf, source in zip(variant.traced.leaves, one.found)
        if source is None and (a := variant.traced.arguments[leaf.argument]).name not in given
    }


def check_parameters(kernel: Kernel, parameters: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    """Raise ArgumentError for a parameter that is no argument, or a column as well."""
    known = [a.name for a in kernel.arguments]
    for name in parameters:
        if any(re.split(r"[.\[]", column)[0] == name for column in columns):
            raise ArgumentError(f"--parameter {name}=... and --column {name}=...: it is the one or the other")
        if name not in known:
            what = f"--parameter {name}=...: {kernel.name} has no argument {name!r}"
            raise ArgumentError(message(what, instead=listing(nearest(name, known) or known, "or")))
