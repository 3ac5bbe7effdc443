"""The formats, by the ends of file names."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from symhep.errors import ArgumentError, listing
from symhep.files.columns import Column, FileError, Reader, Writer

# the end of a file's name: the module of symhep.files that reads and writes such files
FORMATS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".npz": "npz",
    ".npy": "npy",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".root": "root",
    ".lhe": "lhe",
    ".lhe.gz": "lhe",
}
WRITTEN = (".csv", ".npz", ".parquet", ".pq", ".root")


def format_of(path: Path, among: Sequence[str] = tuple(FORMATS)) -> str:
    """The module for a file; raises ArgumentError if there is none.

    >>> format_of(Path("events.lhe.gz"))
    'lhe'
    """
    name = path.name.lower()
    for end in sorted(among, key=len, reverse=True):
        if name.endswith(end):
            return FORMATS[end]
    doing = "written" if tuple(among) == WRITTEN else "read"
    raise ArgumentError(f"{path}: the format is not known by its name; {doing} are {listing(among)}")


def reader(path: Path, tree: str | None = None) -> Reader:
    """Open a file for reading; `tree` is for ROOT. Raises FileError, MissingPackage, or ArgumentError for its name."""
    name = format_of(path)
    if not path.is_file():
        raise FileError(f"{path} is not a file" if path.exists() else f"there is no file {path}")
    module = import_module(f"symhep.files.{name}")
    try:
        return module.Reader(path, tree) if name == "root" else module.Reader(path)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error


def writer(path: Path, target: Path, columns: Sequence[Column]) -> Writer:
    """Open `target` for what is to become `path`, whose name tells the format."""
    return import_module(f"symhep.files.{format_of(path, WRITTEN)}").Writer(target, columns)
