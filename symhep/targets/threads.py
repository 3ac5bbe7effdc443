"""Pieces of work done by the threads of a pool."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


def side_by_side(do: Callable[[int, int], None], pieces: Sequence[tuple[int, int]]) -> None:
    """Do all pieces, the first in this thread and the others in threads of the pool."""
    others = [_pool().submit(do, *piece) for piece in pieces[1:]]
    do(*pieces[0])
    for other in others:
        other.result()


_executor: ThreadPoolExecutor | None = None
_executor_lock = threading.Lock()


def _pool() -> ThreadPoolExecutor:
    """The threads that pieces run on, made when first needed."""
    global _executor
    with _executor_lock:
        if _executor is None:
            _executor = ThreadPoolExecutor(os.cpu_count() or 1, "symhep")
        return _executor


def _after_fork() -> None:
    """A child has none of its parent's threads."""
    global _executor, _executor_lock
    _executor, _executor_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
