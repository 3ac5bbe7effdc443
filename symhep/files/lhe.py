"""LHE, the event files of generators, read by pylhe: lists of particles as jagged columns, in the order of the file.

Format: Alwall et al., Comput. Phys. Commun. 176 (2007) 300, hep-ph/0609017.
"""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from symhep.errors import MissingPackage
from symhep.files.columns import Chunk, Column, FileError, Jagged, Values

_INTEGERS = "nparticles pid id status mother1 mother2 color1 color2"
_EVENT = "nparticles pid weight scale aqed aqcd"
_PARTICLE = "id status mother1 mother2 color1 color2 px py pz e m lifetime spin"
_END, _LAST = b"</event>", b"</LesHouchesEvents"
_EVENT_BYTES = 12_000  # of pylhe's objects for an event of about ten particles: measured


def pylhe() -> Any:
    """The package; raises MissingPackage without it."""
    try:
        import pylhe
    except ImportError:
        raise MissingPackage("pylhe", extra="hep") from None
    # damage is an error here, found by counting
    warnings.filterwarnings("ignore", "Parse Error", RuntimeWarning, r"pylhe\b")
    return pylhe


class _Counting:
    """A file that counts the ends of events while it is read: pylhe stops at a damaged line with a warning only.

    ends    how many events ended in what was read
    ended   whether the end of the last one was followed by that of the file
    """

    def __init__(self, path: Path) -> None:
        self._raw: BinaryIO = open(path, "rb")  # noqa: SIM115  (closed by __exit__)
        packed = self._raw.read(2) == b"\x1f\x8b"
        self._raw.seek(0)
        self._file: Any = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        self.ends, self.ended, self._rest = 0, False, b""

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        text = self._rest + data
        self.ends += text.count(_END)
        self.ended |= _LAST in text
        # what may begin a word that the next block ends; too short for an event to be counted twice
        self._rest = text[-len(_LAST) :]
        self._rest = self._rest[self._rest.rfind(b"<") :] if b"<" in self._rest else b""
        if _END in self._rest:
            self._rest = b""
        return data

    def tell(self) -> int:
        """How much of the file on disk was read."""
        return 0 if self._raw.closed else self._raw.tell()

    def __enter__(self) -> _Counting:
        return self

    def __exit__(self, *_: Any) -> None:
        self._raw.close()


class Reader:
    """An LHE file, as it is or compressed by gzip."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names = [*_EVENT.split(), *_PARTICLE.split()]
        self._size = path.stat().st_size
        self._file = _Counting(path)
        try:
            self._events = pylhe().LHEFile.frombuffer(self._file, with_attributes=False).events
        except (ValueError, OSError) as error:
            raise FileError(f"{path} is not an LHE file: {error}") from None

    def count(self, names: Sequence[str]) -> None:
        return None

    def column(self, name: str) -> Column:
        dtype = np.dtype(np.int64 if name in _INTEGERS.split() else np.float64)
        jagged = name in _PARTICLE.split()
        return Column(name, dtype, jagged=jagged, type="particles" if jagged else "event", list_bytes=80.0)

    def overhead(self, names: Sequence[str]) -> tuple[float, float]:
        return float(_EVENT_BYTES), 1e6

    def chunks(self, names: Sequence[str], kept: Sequence[str], size: int) -> Iterator[Chunk]:
        start = 0
        try:
            while events := list(islice(self._events, size)):
                yield Chunk(start, len(events), {n: self._values(n, events) for n in names})
                start += len(events)
        except (ValueError, IndexError, OSError, EOFError) as error:
            raise FileError(f"{self.path} cannot be read after event {start:,}: {error}") from error
        if self._file.ends > start or not self._file.ended:
            raise FileError(f"{self.path} is damaged or cut off after event {start:,}")

    def _values(self, name: str, events: list[Any]) -> Values:
        get, dtype = attrgetter(name), self.column(name).dtype
        if name in _EVENT.split():
            return np.array([get(e.eventinfo) for e in events], dtype)
        lengths = [len(e.particles) for e in events]
        values = np.array([get(p) for e in events for p in e.particles], dtype)
        return Jagged(values, np.concatenate([[0], np.cumsum(lengths)]))

    def fraction(self) -> float:
        return min(self._file.tell() / max(self._size, 1), 1.0)

    def close(self) -> None:
        self._file.__exit__()
