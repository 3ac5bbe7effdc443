"""One package on one formula, in a process of its own: operations, time to compile, time per event, values.

The process is limited in time and memory. symhep's own process runs beside it; the two take turns while they are timed.
"""

from __future__ import annotations

import math
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.compare import Late, Worker
from benchmarks.peers.cases import CASES, Case
from benchmarks.peers.registry import PEERS
from benchmarks.systems import Unsupported
from benchmarks.timing import Median, medians, seconds_per_call

CHECKED = 1000  # events whose values are compared
ALLOWED = 1e-8  # relative
ROUNDS, AT_LEAST = 15, 0.005  # samples of a time, and seconds that one lasts
PATIENCE = 4  # times the limit of processor time, after which a process is stopped
IMPORTED = 120.0  # seconds in which a package has to be imported
SYMHEP = "symhep"
SIGXCPU = getattr(signal, "SIGXCPU", 0)


class OverLimit(RuntimeError):
    """A program took more processor time to compile than it may."""


class Server:
    """The side of the process that compiles and measures."""

    def __init__(self, peer: str, case: str, derivatives: bool, events: int, gigabytes: float) -> None:
        limit(gigabytes)
        self.module, self.case, self.derivatives = PEERS[peer].module(), CASES[case], derivatives
        self.batch = list(self.case.events(events, 1))

    def ready(self) -> None:
        """Import what is needed, and do what is done once per process."""
        getattr(self.module, "prepare", lambda: None)()

    def compile(self, seconds: float | None) -> float:
        """Seconds from the function to the first values of a batch, without those of running it; ends after so many."""
        with processor_limit(seconds):
            first = seconds_of(self._first)
        return max(first - seconds_of(self._run), 0.0)

    def _first(self) -> None:
        self.program = self.module.build(self.case, self.derivatives)
        self._run()

    def _run(self) -> object:
        return self.program.run(self.batch, self.case.values)

    def sample(self) -> float:
        """Seconds of one call."""
        return seconds_per_call(self._run, AT_LEAST, processor_time)

    def operations(self) -> int:
        return self.program.operations()

    def values(self) -> list[np.ndarray]:
        """Of the first events of the batch, or of the whole batch where they are summed."""
        events = len(self.batch[0])
        rows = self.program.rows(self._run())
        if self.case.total:
            return [np.array(row, dtype=float).reshape(1) for row in rows]
        return [np.array(np.broadcast_to(row, events)[:CHECKED], dtype=float) for row in rows]


def processor_time() -> float:
    """Seconds of this process and of those that it waited for; other work on the machine does not count."""
    used = os.times()
    return time.process_time() + used.children_user + used.children_system


def seconds_of(call: Callable[[], object]) -> float:
    start = processor_time()
    call()
    return processor_time() - start


@contextmanager
def processor_limit(seconds: float | None) -> Iterator[None]:
    """The system ends this process, or one that it starts, after so many seconds of processor time."""
    try:
        import resource
    except ImportError:
        seconds = None
    if seconds is None:
        yield
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), hard))
    yield
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def limit(gigabytes: float) -> None:
    """One processor, and so much memory, for this process and those that it starts."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        import resource
    except ImportError:
        return
    size = int(gigabytes * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


@dataclass
class Cell:
    """What was found out about one program; `note` says why there is no more.

    times  the time per event as a multiple of symhep's, measured in turn
    limit  the seconds in which it could not be compiled
    """

    operations: int | None = None
    compile_seconds: float | None = None
    nanoseconds: float | None = None
    times: float | None = None
    limit: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Limits:
    """What a package may use.

    seconds    of processor time for a program to be compiled; symhep's own may take longer
    gigabytes  of memory for a process
    events     in a batch
    rounds     of timing
    """

    seconds: float = 120.0
    gigabytes: float = 8.0
    events: int = 20_000
    rounds: int = ROUNDS


def measure(
    case: Case, peers: Sequence[str], limits: Limits, progress: Callable[[str], None] = lambda text: None
) -> dict[str, tuple[Cell, Cell]]:
    """For each package, the program of the values and that of values and derivatives; symhep is always there."""
    halves = [_measure(case, derivatives, peers, limits, progress) for derivatives in (False, True)]
    return {peer: (halves[0][peer], halves[1][peer]) for peer in halves[0]}


def _measure(
    case: Case, derivatives: bool, peers: Sequence[str], limits: Limits, progress: Callable[[str], None]
) -> dict[str, Cell]:
    cells = {peer: Cell() for peer in (SYMHEP, *(p for p in peers if p != SYMHEP))}
    make = lambda peer: Worker(Server, peer, case.name, derivatives, limits.events, limits.gigabytes)
    own = make(SYMHEP)
    try:
        _compile(cells[SYMHEP], own, None)
        right, taken = own.ask("values"), []
        for peer, cell in cells.items():
            if peer != SYMHEP:
                progress(f"{case.name}{' with derivatives' * derivatives}: {PEERS[peer].title}")
                worker = make(peer)
                try:
                    taken += _fill(cell, worker, own, right, limits)
                finally:
                    worker.stop()
        middle = statistics.median(taken or [_time({SYMHEP: own}, limits)[SYMHEP].seconds])
        cells[SYMHEP].nanoseconds, cells[SYMHEP].times = 1e9 * middle / limits.events, 1.0
        cells[SYMHEP].operations = own.ask("operations")
    finally:
        own.stop()
    return cells


def _fill(cell: Cell, worker: Worker, own: Worker, right: Sequence[np.ndarray], limits: Limits) -> list[float]:
    """Find out what there is to know about one program; symhep's time beside it, if it came to that."""
    taken = []
    try:
        _compile(cell, worker, limits.seconds)
        _check(worker, right)
        found = _time({"": worker, SYMHEP: own}, limits)
        taken.append(found[SYMHEP].seconds)
        cell.nanoseconds = 1e9 * found[""].seconds / limits.events
        cell.times = found[""].seconds / found[SYMHEP].seconds
        cell.operations = worker.ask("operations", seconds=PATIENCE * limits.seconds)
    except OverLimit:
        cell.limit = limits.seconds
    except (Late, Unsupported) as error:
        cell.note = str(error)
    return taken


def _compile(cell: Cell, worker: Worker, seconds: float | None) -> None:
    worker.ask("ready", seconds=IMPORTED)
    try:
        cell.compile_seconds = worker.ask("compile", seconds, seconds=seconds and PATIENCE * seconds)
    except Unsupported as error:
        if worker.exitcode == -SIGXCPU or "CPU time limit" in str(error):  # in gcc's words
            raise OverLimit from None
        raise


def _time(workers: dict[str, Worker], limits: Limits) -> dict[str, Median]:
    samples = {name: partial(w.ask, "sample", seconds=PATIENCE * limits.seconds) for name, w in workers.items()}
    return medians(samples, limits.rounds)  # type: ignore[return-value]


def _check(worker: Worker, right: Sequence[np.ndarray]) -> None:
    """Raises Unsupported where the values are not symhep's."""
    difference = deviation(worker.ask("values"), right)
    if not difference <= ALLOWED:
        raise Unsupported(f"wrong values: {difference:.0e} from symhep's")


def deviation(found: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> float:
    """The largest difference, relative to the value or, where that is smaller, to the median value of its row."""
    if len(found) != len(right):
        return float("inf")
    largest = 0.0
    for row, other in zip(found, right):
        size = np.maximum(np.abs(other), np.median(np.abs(other)))
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(row == other, 0.0, np.abs(row - other) / size)
        largest = max(largest, float(np.max(part)) if not np.isnan(part).any() else float("inf"))
    return largest
