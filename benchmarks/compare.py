"""Run the systems on one input, each in a process of its own, so that one that takes too long can be stopped.

The processes take turns: while one measures, the others wait.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks.inputs import INPUTS, WARM_UP, Input
from benchmarks.systems import SYSTEMS, Unsupported, results
from benchmarks.timing import Median, medians, seconds_per_call

REFERENCES = ("plain C", "NumPy")  # what the others are compared with: the first that could be measured
DTYPES = ("float64", "float32")
FEW = 8
ENDING = 10  # seconds that a process may take to end, once it has closed its connection
CHECKED = 1000  # events on which values are compared with the function's own
ALLOWED = {"float64": 1e-9, "float32": 1e-2}  # relative

Batch = tuple[str, int]  # dtype, events


class WrongValues(RuntimeError):
    """A system's values are not those of the function."""


class Late(RuntimeError):
    """A process did not answer in time, and was stopped."""


class Server:
    """The side of the process that compiles and measures."""

    def __init__(self, system: str, given: Input) -> None:
        self.system, self.given = SYSTEMS[system], given
        self._batches: dict[Batch, Sequence[np.ndarray]] = {}
        with suppress(Unsupported):
            self.system(WARM_UP).run(WARM_UP.columns(FEW, 1))

    def ready(self) -> None:
        """Everything is imported."""

    def prepare(self) -> float:
        """Seconds from the function to its first values."""
        columns = self.given.columns(FEW, 1)
        start = time.perf_counter()
        self.prepared = self.system(self.given)
        self.prepared.run(columns)
        return time.perf_counter() - start

    def operations(self) -> int:
        return self.prepared.operations()

    def check(self, dtype: str) -> None:
        """Compile for the dtype, and compare the values with those of the function itself."""
        difference = deviation(self.prepared.run, self.given, dtype)
        if not difference <= ALLOWED[dtype]:
            raise WrongValues(f"{dtype} values differ from the function's by {difference:.1e}")

    def events(self, batch: Batch) -> None:
        """Make the columns."""
        dtype, events = batch
        self._batches[batch] = columns_of(self.given, events, dtype)

    def sample(self, batch: Batch, at_least: float) -> float:
        """Seconds of one call."""
        return seconds_per_call(partial(self.prepared.run, self._batches[batch]), at_least)


def deviation(run: Callable[[Any], Any], given: Input, dtype: str = "float64") -> float:
    """The largest relative difference to the values of the function itself; to the median where those are smaller."""
    right = results(given.kernel.fn(*given.columns(CHECKED, 2)))
    size = np.maximum(np.abs(right), np.median(np.abs(right), axis=1, keepdims=True))
    return float(np.max(np.abs(results(run(columns_of(given, CHECKED, dtype, seed=2))) - right) / size))


def columns_of(given: Input, events: int, dtype: str, seed: int = 1) -> list[np.ndarray]:
    """Events in one precision."""
    return [np.ascontiguousarray(column, dtype) for column in given.columns(events, seed)]


def server(system: str, name: str) -> Server:
    """Made in the process itself: kernels travel without their functions."""
    return Server(system, INPUTS[name])


def serve(connection: Connection, make: Callable[..., Any], *given: Any) -> None:
    """Answer questions until there are no more: the name of a method of the server that is made, and its arguments."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    made = make(*given)
    while True:
        try:
            question, *arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send((getattr(made, question)(*arguments), None))
        except (Unsupported, WrongValues) as error:
            connection.send((None, str(error)))
        except Exception as error:
            connection.send((None, f"{type(error).__name__}: {error}"))


class Worker:
    """A process, the leader of a group of its own, with a server made of these arguments."""

    def __init__(self, make: Callable[..., Any], *given: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, make, *given), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, question: str, *arguments: Any, seconds: float | None = None) -> Any:
        """Raises Late after so many seconds, Unsupported with the reason where the system could not do it."""
        try:
            self._connection.send((question, *arguments))
            if not self._connection.poll(seconds):
                self.stop()
                raise Late(f"not finished in {seconds:g} s")
            answer, error = self._connection.recv()
        except (EOFError, OSError):
            self._process.join(ENDING)
            self.stop()
            raise Unsupported(f"the process ended with status {self._process.exitcode}") from None
        if error is not None:
            raise Unsupported(error.partition("\n")[0])
        return answer

    @property
    def exitcode(self) -> int | None:
        """How the process ended; negative for a signal."""
        return self._process.exitcode

    def stop(self) -> None:
        """End the process, and the compilers that it may have started."""
        with suppress(OSError, AttributeError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()


@dataclass
class Row:
    """What was found out about one system; `note` says why there is no more."""

    system: str
    operations: int | None = None
    compile_seconds: float | None = None
    times: dict[Batch, Median] = field(default_factory=dict)
    note: str = ""

    def nanoseconds(self, batch: Batch) -> float | None:
        return 1e9 * self.times[batch].seconds / batch[1] if batch in self.times else None


@dataclass
class Comparison:
    """All systems on one input."""

    given: Input
    batches: list[Batch]
    rows: list[Row]

    @property
    def reference(self) -> Row | None:
        """The row that the others are compared with."""
        measured = {row.system: row for row in self.rows if row.times}
        return next((measured[name] for name in REFERENCES if name in measured), None)

    @property
    def spread(self) -> float:
        """The median over all times of the distance of their quartiles, relative to them."""
        return float(np.median([m.spread for row in self.rows for m in row.times.values()] or [0.0]))


def compare(
    name: str,
    systems: Sequence[str] = tuple(SYSTEMS),
    events: Sequence[int] = (20_000, 100_000),
    *,
    dtypes: Sequence[str] = DTYPES,
    rounds: int = 15,
    at_least: float = 0.005,
    budget: float = 60.0,
    progress: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Compile with every system, then measure them in turn.

    at_least  seconds that one sample lasts
    budget    seconds that a system may take to compile
    """
    batches = [(dtype, n) for n in events for dtype in dtypes]
    workers = {system: Worker(server, system, name) for system in systems}
    rows = {system: Row(system) for system in systems}
    try:
        for system, worker in workers.items():
            _fill(rows[system], lambda row, worker=worker: worker.ask("ready"))
        for system, worker in workers.items():
            if not rows[system].note:
                progress(f"{name}: compiling with {system}")
                _fill(rows[system], lambda row, worker=worker: _prepare(row, worker, batches, budget))
        progress(f"{name}: measuring")
        samples = {
            (system, batch): partial(workers[system].ask, "sample", batch, at_least)
            for batch in batches
            for system, row in rows.items()
            if batch in row.times
        }
        for (system, batch), median in medians(samples, rounds).items():
            rows[system].times[batch] = median
    finally:
        for worker in workers.values():
            worker.stop()
    return Comparison(INPUTS[name], batches, [row for row in rows.values() if row.times or row.note])


def _fill(row: Row, step: Callable[[Row], Any]) -> None:
    """Do something for a row, or note why that was not possible."""
    try:
        step(row)
    except (Late, Unsupported) as error:
        row.note = str(error)


def _prepare(row: Row, worker: Worker, batches: Sequence[Batch], budget: float) -> None:
    """Find out what is known before measuring; batches that can be measured get an empty time."""
    row.compile_seconds = worker.ask("prepare", seconds=budget)
    row.operations = worker.ask("operations")
    for dtype in dict.fromkeys(dtype for dtype, _ in batches):
        worker.ask("check", dtype, seconds=budget)
    for batch in batches:
        worker.ask("events", batch)
        row.times[batch] = Median(0.0, 0.0)
