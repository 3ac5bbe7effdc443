"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to: renamed to it at the end, removed if anything went wrong.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replaced(Path(folder) / "a.txt") as other:
    ...         _ = other.write_text("whole")
    ...     [p.name for p in Path(folder).iterdir()]
    ['a.txt']
    """
    other = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield other
        os.replace(other, path)
    finally:
        with suppress(FileNotFoundError):
            other.unlink()
