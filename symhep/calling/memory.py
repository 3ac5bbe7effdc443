"""Memory for results, used again when the arrays in it are gone.

A system clears each page of new memory when it is first touched, which takes longer than a light kernel's work on what
is in it. Memory that was used before needs no clearing.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

SMALLEST = 1 << 16  # bytes; less is not given back to the system anyway
KEPT = 1 << 28  # bytes that are kept for later results, at the most
_LINE = 64  # bytes of a cache line: rows that start at one need no head

_free: dict[int, list[np.ndarray]] = {}
_held = 0
_lock = threading.Lock()


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array with anything in it, as `np.empty`; large ones in memory that earlier results have left.

    >>> empty((2, 3), np.dtype(float)).shape
    (2, 3)
    """
    size = dtype.itemsize
    for n in shape:
        size *= n
    if size < SMALLEST:
        return np.empty(shape, dtype)
    return np.asarray(_Lease(_taken(_rounded(size + _LINE)), shape, dtype))


class _Lease:
    """Memory for as long as there are arrays in it: they hold this object."""

    __slots__ = ("__array_interface__", "_memory")

    def __init__(self, memory: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self._memory = memory
        start = memory.ctypes.data
        data = start + -start % _LINE, False
        self.__array_interface__: Any = {"version": 3, "shape": shape, "typestr": dtype.str, "data": data}

    def __del__(self) -> None:
        _give_back(self._memory)


def _rounded(size: int) -> int:
    """So that batches of about the same number of events use the same memory: up to an eighth more.

    >>> _rounded(1_000_000), _rounded(1_048_576)
    (1048576, 1048576)
    """
    step = 1 << max(size.bit_length() - 4, 0)
    return -(-size // step) * step


def _taken(size: int) -> np.ndarray:
    """Memory that is free; new memory where there is none, or where another thread is at the list."""
    global _held
    if _lock.acquire(blocking=False):
        try:
            if found := _free.get(size):
                _held -= size
                return found.pop()
        finally:
            _lock.release()
    return np.empty(size, np.uint8)


def _give_back(memory: np.ndarray) -> None:
    """Keep the memory of an array that is gone. This may be called at any time, also while the lock is held."""
    global _held
    if memory.size > KEPT or not _lock.acquire(blocking=False):
        return
    try:
        if _held + memory.size > KEPT:
            _free.clear()
            _held = 0
        _free.setdefault(memory.size, []).append(memory)
        _held += memory.size
    finally:
        _lock.release()
