"""The directory that the cache is in: where it is, whether it may be used, and how it stays small."""

from __future__ import annotations

import os
import re
import stat
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

KINDS = ("programs", "code")  # of entries, each in a directory of its own
TEMPORARY, WRITTEN = "tmp", "written"
DEFAULT_SIZE = 10**9  # bytes
STALE = 600  # seconds after which a file that was not finished is taken for abandoned
WRITE = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)

_UNIT = 4096  # bytes that a character in the file WRITTEN stands for
_SHARE = 16  # the files are looked through when a 16th of what is allowed has been written
_POSIX = os.name == "posix"

_warned: set[str] = set()
_tidied: set[Path] = set()


def location() -> Path | None:
    """Where entries are kept; None where that is switched off."""
    named = os.environ.get("SYMHEP_CACHE", "")
    if named.lower() == "off":
        return None
    path = Path(os.path.expanduser(named)) if named else _default_location()
    return Path(os.path.abspath(path)) if named or path.is_absolute() else None  # relative: there is no home directory


@cache
def _default_location() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("symhep", appauthor=False)


def limit() -> int:
    """How many bytes may be kept."""
    named = os.environ.get("SYMHEP_CACHE_SIZE", "")
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?\s*", named, re.IGNORECASE)
    if match is None:
        if named:
            warn(f"SYMHEP_CACHE_SIZE={named!r} is not a size as in 200MB; {DEFAULT_SIZE // 10**6}MB is used")
        return DEFAULT_SIZE
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(unit.lower() or " "))


def unusable(root: Path) -> str:
    """Why a directory is not to be used; empty if it may be, or is not there yet."""
    try:
        status = os.stat(root)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    if not stat.S_ISDIR(status.st_mode):
        return "it is not a directory"
    return "" if own(status) else "another user owns it or may write there (chmod 700 helps if it is yours)"


def own(status: os.stat_result) -> bool:
    """Whether a file belongs to this user, and nobody else may write it."""
    return not _POSIX or (status.st_uid == os.geteuid() and not status.st_mode & 0o022)


def warn(text: str) -> None:
    """Say once per process why there is no cache."""
    if text not in _warned:
        _warned.add(text)
        warnings.warn(text, RuntimeWarning, stacklevel=2)


def make_directories(root: Path) -> None:
    """Make what is missing, and once per process remove what processes left that were killed; raises OSError."""
    if root not in _tidied:
        _tidied.add(root)
        _remove_stale(root)
    if not (root / TEMPORARY).is_dir() or not all((root / name).is_dir() for name in KINDS):
        root.parent.mkdir(parents=True, exist_ok=True)
        for path in (root, root / TEMPORARY, *(root / name for name in KINDS)):
            path.mkdir(mode=0o700, exist_ok=True)
        if reason := unusable(root):  # somebody else was faster
            raise OSError(reason)


def note_written(root: Path, size: int) -> None:
    """Count what is written, in the length of a file: all processes may append to it at once."""
    file = os.open(root / WRITTEN, WRITE | os.O_APPEND, 0o600)
    try:
        os.write(file, b"." * -(-size // _UNIT))
        written = os.fstat(file).st_size * _UNIT
    finally:
        os.close(file)
    if written > limit() // _SHARE:
        sweep(root)


def sweep(root: Path) -> None:
    """Remove the entries that were not used for longest until the rest is small enough; raises nothing."""
    with suppress(OSError):
        os.truncate(root / WRITTEN, 0)
    _remove_stale(root)
    entries = sorted([(s.st_mtime, s.st_size, path) for name in KINDS for path, s in files(root / name)])
    excess = sum(size for _, size, _ in entries) - (limit() - limit() // _SHARE)
    for _, size, path in entries:
        if excess <= 0:
            break
        excess -= size
        with suppress(OSError):
            os.unlink(path)


def _remove_stale(root: Path) -> None:
    for path, status in files(root / TEMPORARY):
        if time.time() - status.st_mtime > STALE:
            with suppress(OSError):
                os.unlink(path)


def files(directory: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The files of a directory; none if it cannot be read."""
    try:
        with os.scandir(directory) as found:
            entries = list(found)
    except OSError:
        return
    for entry in entries:
        with suppress(OSError):
            if entry.is_file(follow_symlinks=False):
                yield entry.path, entry.stat(follow_symlinks=False)
