"""What outlives the process: files under content hashes, read and written so that nothing can go wrong.

An entry is never trusted for its name: it says what it is (magic, key, checksum), belongs to this user, and is data or
machine code that this user wrote; nothing is unpickled. Whatever is not as it should be is taken for absent. Entries
are written under another name and renamed, so that processes may share the files, and be killed, at any time.

SYMHEP_CACHE       the directory, or "off"
SYMHEP_CACHE_SIZE  how large it may grow, in bytes or as in "200MB"
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from symhep.caching import directory as directory
from symhep.errors import SymhepError, count

WORTH = 0.005  # seconds: what is made faster than this is not kept

# The packages that decide what a program is
_MEANING = "algebra batch caching checking derivatives passes special symbolic tracing"

# What is kept, and the sources that it depends on: other sources, other entries
LEVELS = {
    "programs": ("*.py", *[f"{p}/*.py" for p in _MEANING.split()]),
    "code": ("*.py", *[f"{p}/*.py" for p in "batch calling targets".split()]),
}

statistics: Counter[str] = Counter()  # of this process: "code hits", "code misses", "code writes", "programs hits", ...

_MAGIC = b"symhep cache 1\n"
_TOUCH = 60  # seconds; the time of the last use is not kept more accurately
_IMPORTED = time.time()
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class CacheError(SymhepError):
    """The cache could not be cleared."""


# -- entries ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Level:
    """Entries of one kind: bytes under keys made by `key`. Reading and writing never raise."""

    root: Path
    name: str

    def get(self, key: str) -> bytes | None:
        """What was kept under a key; None if nothing was, or it is damaged."""
        found = _read(self.root / self.name / key, key)
        statistics[f"{self.name} {'misses' if found is None else 'hits'}"] += 1
        return found

    def __setitem__(self, key: str, payload: bytes) -> None:
        """Keep something under a key."""
        if len(payload) > directory.limit() // 2:
            return
        data = _header(key, payload) + payload
        try:
            directory.make_directories(self.root)
            _replace(self.root, self.root / self.name / key, data)
            directory.note_written(self.root, len(data))
        except OSError:
            return
        statistics[f"{self.name} writes"] += 1


class Store(Protocol):
    """Keeps bytes under keys: a level of the cache, or a dictionary."""

    def get(self, key: str, /) -> bytes | None: ...

    def __setitem__(self, key: str, value: bytes, /) -> None: ...


def kept(store: Store | None, key: str, make: Callable[[], bytes]) -> bytes:
    """What is kept under a key; else what `make` returns, which is kept if it took long enough to make.

    >>> store = {"some key": b"found"}
    >>> kept(store, "some key", lambda: b"made"), kept(None, "some key", lambda: b"made")
    (b'found', b'made')
    """
    found = store.get(key) if store is not None else None
    if found is None:
        start = time.perf_counter()
        found = make()
        if store is not None and time.perf_counter() - start >= WORTH:
            store[key] = found
    return found


def level(name: str) -> Level | None:
    """The entries of one kind ("programs", "code"); None where nothing can be kept.

    Raises nothing: a directory that is not this user's alone is reported once and left alone.
    """
    root = directory.location()
    if root is None or _sources(LEVELS[name]) is None:
        return None
    reason = directory.unusable(root)
    if reason:
        directory.warn(f"symhep keeps nothing in {root}: {reason}")
        return None
    return Level(root, name)


def key(name: str, *parts: str | bytes) -> str:
    """The key of an entry of one kind: a hash of its parts and of the sources that it depends on.

    >>> key("code", "float64", "8") == key("code", "float64", "8"), key("code", "ab", "c") == key("code", "a", "bc")
    (True, False)
    """
    digest = hashlib.sha256((_sources(LEVELS[name]) or "").encode())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


@cache
def _sources(patterns: tuple[str, ...]) -> str | None:
    """A hash of this package's files; None if they changed after they were imported, or cannot be read."""
    home = Path(__file__).parent.parent
    digest = hashlib.sha256()
    files = sorted({f for pattern in patterns for f in home.glob(pattern)})
    try:
        for file in files:
            if file.stat().st_mtime > _IMPORTED:
                return None
            data = file.read_bytes()
            digest.update(f"{file.relative_to(home).as_posix()} {len(data)}\n".encode() + data)
    except OSError:
        return None
    return digest.hexdigest() if files else None


def _header(key: str, payload: bytes) -> bytes:
    return _MAGIC + bytes.fromhex(key) + hashlib.sha256(payload).digest()


def _read(path: Path, key: str) -> bytes | None:
    """The payload of a file; None unless it is a whole and sound entry for this key."""
    try:
        file = os.open(path, _READ)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode) or not directory.own(status):
                return None
            with open(file, "rb", closefd=False) as stream:
                data = stream.read()
            if time.time() - status.st_mtime > _TOUCH:
                with suppress(OSError):
                    os.utime(path)
        finally:
            os.close(file)
    except OSError:
        return None
    size = len(_MAGIC) + 64
    payload = data[size:]
    return payload if data[:size] == _header(key, payload) else None


def _replace(root: Path, path: Path, data: bytes) -> None:
    """Write a file such that it is there as a whole or not at all."""
    temporary = root / directory.TEMPORARY / f"{os.getpid()}-{secrets.token_hex(8)}"
    try:
        with open(os.open(temporary, directory.WRITE | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


# -- for the user ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Info:
    """What is kept.

    location  the directory; empty if nothing is kept
    problem   why the directory is not used; empty if it is
    entries   how many entries there are of each kind
    bytes     their size
    limit     how large they may grow together
    """

    location: str
    problem: str
    entries: dict[str, int]
    bytes: dict[str, int]
    limit: int

    def __str__(self) -> str:
        if not self.location:
            return f"nothing is kept: {self.problem}"
        lines = [f"{self.location}" + (f" is not used: {self.problem}" if self.problem else "")]
        for name, number in self.entries.items():
            entries = f"{number} {'entry' if number == 1 else 'entries'}"
            lines.append(f"  {name:9} {entries:>14} {self.bytes[name] / 1e6:10.1f} MB")
        return "\n".join([*lines, f"  limit {' ' * 18} {self.limit / 1e6:10.1f} MB"])


def info() -> Info:
    """Where entries are kept, how many and how large they are."""
    root = directory.location()
    if root is None:
        off = os.environ.get("SYMHEP_CACHE", "").lower() == "off"
        return Info("", "SYMHEP_CACHE=off" if off else "there is no home directory", {}, {}, directory.limit())
    sizes = {name: [status.st_size for _, status in directory.files(root / name)] for name in LEVELS}
    totals = {name: sum(found) for name, found in sizes.items()}
    return Info(
        str(root),
        directory.unusable(root),
        {name: len(found) for name, found in sizes.items()},
        totals,
        directory.limit(),
    )


def clear() -> int:
    """Remove all entries, and say how many; raises CacheError if that cannot be done."""
    root = directory.location()
    if root is None:
        return 0
    if reason := directory.unusable(root):
        raise CacheError(f"{root} is not cleared: {reason}")
    paths = [path for name in (*LEVELS, directory.TEMPORARY) for path, _ in directory.files(root / name)]
    failed = [error for path in [*paths, str(root / directory.WRITTEN)] if (error := _removed(path)) is not None]
    if failed:
        raise CacheError(f"{count(len(failed), 'file')} in {root} cannot be removed: {failed[0]}")
    return len(paths)


def _removed(path: str) -> str | None:
    """Remove a file; what prevents that, if something does."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror or str(error)
    return None
