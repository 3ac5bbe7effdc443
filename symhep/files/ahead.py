"""Reading ahead: a thread prepares the next chunk while this one is in use."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK = 0.1  # seconds between looks at whether anybody still wants the next one


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


def ahead(source: Iterable[T]) -> Generator[T, None, None]:
    """The same items, taken by another thread: one waits while the next is made.

    What the source raises is raised here. Whoever stops early closes the iterator, which ends the thread.

    >>> list(ahead(range(3)))
    [0, 1, 2]
    """
    waiting: Queue[Any] = Queue(1)
    unwanted = threading.Event()

    def put(item: Any) -> bool:
        while not unwanted.is_set():
            with suppress(Full):
                waiting.put(item, timeout=_LOOK)
                return True
        return False

    def make() -> None:
        try:
            for item in source:
                if not put(item):
                    return
            put(_END)
        except BaseException as error:
            put(_Raised(error))

    thread = threading.Thread(target=make, name="symhep-read", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield item
            del item
    finally:
        unwanted.set()
        with suppress(Empty):
            waiting.get_nowait()
        thread.join()
