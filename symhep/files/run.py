"""A kernel over files: columns in, results out, chunk by chunk in bounded memory."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symhep.batch.reductions import reduces
from symhep.errors import ArgumentError, listing, message
from symhep.files import memory, results
from symhep.files.ahead import ahead
from symhep.files.atomic import replaced
from symhep.files.columns import Chunk, FileError, written
from symhep.files.devices import caller
from symhep.files.formats import WRITTEN, format_of, reader, writer
from symhep.files.inputs import Input, Settings, check_parameters, defaults_used, kept_columns, looked_at, precision
from symhep.files.matching import check_renamed, value
from symhep.kernel import Kernel
from symhep.variants import Variant

CHUNK = 1 << 16  # events: more is not faster, as columns then leave the cache
_LEAST = 256  # events
_SLACK = 1.25  # what allocators take beyond what they are asked for
_MARGIN = 40e6  # bytes for the writers, and for threads: measured


class Interrupted(KeyboardInterrupt):
    """The user, or the system, stopped a run; says how far it was."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done.

    prepared  seconds for looking at the files and for compiling
    seconds   for the events: reading, computing and writing
    memory    bytes that the process had at most
    chunk     how many events at a time, at most
    columns   of the output
    missing   how many events had no value, by column: NaN in its place
    defaults  arguments that no column is called by, and the defaults that they had
    """

    output: str
    events: int
    prepared: float
    seconds: float
    memory: int
    chunk: int
    columns: tuple[str, ...]
    missing: dict[str, int]
    defaults: dict[str, Any]


def run(
    kernel: Kernel,
    inputs: Sequence[Path],
    output: Path,
    settings: Settings,
    progress: Callable[[float, int], None] = lambda fraction, events: None,
) -> Summary:
    """Call a kernel with the columns of files and write its results, with what is kept, to another.

    progress  is told how much is done, from 0 to 1, and how many events

    Raises FileError for files that cannot be read, written or matched, ArgumentError for settings that do not fit, and
    Interrupted. `output` is there at the end, whole, or as it was.
    """
    start = time.perf_counter()
    _check_output(inputs, output)
    job = _Job(kernel, inputs, output, settings)
    ready, done = start, 0
    try:
        with replaced(output) as target, closing(writer(output, target, job.columns)) as to:
            job.prepare()
            ready = time.perf_counter()
            for columns, events, fraction in job.results():
                to.write(columns)
                done += events
                progress(fraction, done)
                del columns
            to.finish()
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted after {done:,} events{job.of_all}; {output} was not written") from None
    except OSError as error:
        raise FileError(f"{output} cannot be written: {error.strerror or error}") from error
    return Summary(
        output=str(output),
        events=done,
        prepared=ready - start,
        seconds=time.perf_counter() - ready,
        memory=memory.most_in_use(),
        chunk=job.chunk,
        columns=tuple([c.name for c in job.columns]),
        missing=dict(job.missing),
        defaults=job.defaults,
    )


def _check_output(inputs: Sequence[Path], output: Path) -> None:
    format_of(output, WRITTEN)
    if not output.parent.is_dir():
        raise FileError(f"{output}: there is no folder {output.parent}")
    for path in inputs:
        if path.exists() and output.exists() and path.samefile(output):
            raise ArgumentError(f"{output} is an input as well: the results need a file of their own")


class _Job:
    """A kernel, and the files that it is to run over, checked; `prepare` comes before `results`."""

    def __init__(self, kernel: Kernel, inputs: Sequence[Path], output: Path, settings: Settings) -> None:
        self.settings, self.missing = settings, Counter[str]()
        check_parameters(kernel, settings.parameters, settings.columns)
        given = settings.parameters
        statics = {a.name: given[a.name] for a in kernel.arguments if a.static and a.name in given}
        variant = kernel._chosen(statics)
        check_renamed(settings.columns, kernel, variant.traced)
        self.whole = _reduces(kernel, variant)
        self.inputs = [looked_at(kernel, variant, path, settings) for path in inputs]
        kept = kept_columns(self.inputs)
        self._dtype = kernel._dtype or precision(kernel, self.inputs)
        self.kernel = kernel.with_options(dtype=self._dtype)
        self.variant = self.kernel._chosen(statics)
        self.one_row = bool(self.whole) and not any(slot.axes for slot in variant.slots)
        if self.one_row and kept:
            raise ArgumentError(f"--keep {next(iter(kept))}: the results of {kernel.name} are one row for all events")
        made = results.result_columns(kernel, variant, self._dtype)
        results.check_names(made, kept)
        self.columns = [*kept.values(), *made]
        self.defaults = defaults_used(variant, self.inputs[0], settings.parameters)
        self._call = caller(self.kernel)

    @property
    def of_all(self) -> str:
        """How many events there are, for a message."""
        known = [i.events for i in self.inputs]
        return "" if None in known else f" of {sum(k or 0 for k in known):,}"

    # -- memory -----------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Compile, and choose the size of the chunks: now that all packages are there, it is known what they take."""
        if self.kernel.options.target not in ("jax", "cupy"):  # these compile for arrays of their own
            self.variant.runner(self._dtype)
        self.chunk = self._chunk_size()

    def _chunk_size(self) -> int:
        s = self.settings
        per_event = max([self._bytes(i) for i in self.inputs])
        taken = memory.in_use() + _MARGIN + max([i.overhead[1] for i in self.inputs])
        room = s.memory - taken
        fits = int(room / per_event)
        if self.whole:
            return self._all_events(per_event, taken, fits)
        if fits < max(_LEAST, s.chunk or 0):
            size = f"{s.chunk or _LEAST:,} events of {written(per_event)}"
            what = f"--memory {written(s.memory)} is too little for {size}: {written(taken)} are taken without them"
            needed = taken + (s.chunk or CHUNK) * per_event
            raise ArgumentError(message(what, instead=f"--memory {_round(needed)}"))
        return s.chunk or min(fits, CHUNK)

    def _bytes(self, i: Input) -> float:
        """What an event takes in memory: one chunk is read, one waits, one is computed, and its results written."""
        columns = sum(c.nbytes for c in i.described.values())
        arguments = sum(2 * self._dtype.itemsize * len(s.leaf.columns) for s in i.found if s is not None)
        out = sum(c.nbytes for c in self.columns)
        return _SLACK * (3 * columns + i.overhead[0] + arguments + 3 * out)

    def _all_events(self, per_event: float, taken: float, fits: int) -> int:
        """All events at once, if there is room for them."""
        known = [i.events for i in self.inputs]
        events = sum(k or 0 for k in known)
        if events > fits:
            raise self.too_large(f"{events:,}", taken + events * per_event)
        self._fits = fits
        return min(self.settings.chunk or CHUNK, max(fits, 1))

    def too_large(self, events: str, needed: float) -> ArgumentError:
        """The error for reductions over more events than there is room for."""
        what = (
            f"{self.kernel.name} reduces over all events ({self.whole}), so that chunks would give other results, "
            f"and {events} events at once are too many for --memory {written(self.settings.memory)}"
        )
        return ArgumentError(message(what, instead=f"--memory {_round(needed)}, or a kernel without reductions"))

    # -- running ----------------------------------------------------------------------------------------------------

    def results(self) -> Iterator[tuple[dict[str, np.ndarray], int, float]]:
        """The columns of the output, chunk by chunk, with the number of events, and how much is done."""
        with closing(ahead(self._chunks())) as chunks:
            parts = (self._part(i, chunk, fraction) for i, chunk, fraction in chunks)
            for part in self._gathered(parts) if self.whole else parts:
                yield {**part.kept, **self._computed(part)}, part.events, part.fraction
                del part

    def _chunks(self) -> Iterator[tuple[Input, Chunk, float]]:
        """The chunks of all files, and how much of these was read."""
        sizes = [i.path.stat().st_size for i in self.inputs]
        before, total = 0, max(sum(sizes), 1)
        for i, size in zip(self.inputs, sizes):
            with closing(reader(i.path, self.settings.tree)) as file:
                try:
                    for chunk in file.chunks(i.names, i.kept, self.chunk):
                        read = (chunk.start + chunk.events) / i.events if i.events else file.fraction()
                        yield i, chunk, (before + read * size) / total
                        del chunk
                except OSError as error:
                    raise FileError(f"{i.path} cannot be read: {error.strerror or error}") from error
            before += size

    def _part(self, i: Input, chunk: Chunk, fraction: float) -> _Part:
        leaves = [None if s is None else value(s, chunk, i.path, self.missing) for s in i.found]
        kept: dict[str, Any] = {n: chunk.columns[n] for n in i.kept}
        return _Part(chunk.events, leaves, kept, fraction)

    def _gathered(self, parts: Iterator[_Part]) -> Iterator[_Part]:
        """All events as one part, for reductions."""
        found: list[_Part] = []
        events = 0
        for part in parts:
            events += part.events
            if events > self._fits:
                raise self.too_large(f"more than {self._fits:,}", 2 * self.settings.memory)
            found.append(part)
        if found:
            leaves = [None if p[0] is None else _joined(p) for p in zip(*[part.leaves for part in found])]
            kept = {n: _joined([part.kept[n] for part in found]) for n in found[0].kept}
            yield _Part(events, leaves, kept, 1.0)

    def _computed(self, part: _Part) -> dict[str, np.ndarray]:
        """The results for some events."""
        leaves, given = iter(part.leaves), self.settings.parameters
        positional, named = [], {}
        for a in self.variant.traced.arguments:
            values = [] if a.static else [next(leaves) for _ in range(a.tree.size)]
            if a.name in given:
                filled = given[a.name]
            elif a.static or values[0] is None:
                filled = a.default
            else:
                filled = a.tree.build(iter(values))
            if a.kind is a.kind.KEYWORD_ONLY:
                named[a.name] = filled
            else:
                positional.append(filled)
        result = self._call(positional, named, self.settings.threads)
        return results.result_values(self.kernel, self.variant, result, 1 if self.one_row else part.events)


@dataclass(frozen=True, slots=True)
class _Part:
    """Some events: the values of the arguments' leaves, what is copied, and how much of the files that completes."""

    events: int
    leaves: list[Any]
    kept: dict[str, Any]
    fraction: float


def _round(size: float) -> str:
    """A size that is a little larger, as an option takes it.

    >>> _round(123.4e6), _round(2.345e9)
    ('130MB', '2350MB')
    """
    return f"{math.ceil(size / 1e7) * 10}MB"


def _reduces(kernel: Kernel, variant: Variant) -> str:
    """Where a kernel reduces over the batch, in words; "" if nowhere. Raises ArgumentError for several batch axes."""
    axes = {axis for leaf in variant.traced.leaves for axis in leaf.axes}
    if len(axes) > 1 or axes - {"batch"}:
        what = f"{kernel.name} has arguments over {listing(sorted(axes))}: the events of files are one batch"
        raise ArgumentError(message(what, instead="a kernel whose arguments are all of one batch, without .over"))
    if variant.axes is None:
        return ""
    graph = variant.traced.graph
    found = next((n for n in graph.order if reduces(n)), None)
    where = graph.where.get(found) if found is not None else None
    return (found.op if found is not None else "a result without events") + (f" at {where}" if where else "")


def _joined(parts: Sequence[Any]) -> Any:
    masked = any(isinstance(p, np.ma.MaskedArray) for p in parts)
    return np.ma.concatenate(parts) if masked else np.concatenate(parts)
