"""How accurate floating point results are: errors in ulp against mpmath, before and after optimisation."""

from __future__ import annotations

import html
import math
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np

from symhep.errors import ArgumentError
from symhep.graph import Graph, Node

if TYPE_CHECKING:
    from symhep.checking.domain import Domain
    from symhep.kernel import Kernel
    from symhep.tracing.trace import Output, Traced
from symhep.checking.domain import columns, domain_for
from symhep.checking.evaluate import Columns, Tape, TooLarge, finite, numpy_values, parts, precision

DIGITS = 40
MOST_DIGITS = 1280
TRUSTED = 1e-6  # the formula as written, in floats, this close to the reference: no cancellation to speak of


@dataclass(frozen=True, slots=True)
class Errors:
    """The distribution of an error in units in the last place."""

    median: float
    p95: float
    max: float

    @classmethod
    def of(cls, ulps: np.ndarray) -> Errors:
        """Summarise a sample."""
        if not ulps.size:
            return cls(math.nan, math.nan, math.nan)
        ordered = np.sort(ulps, axis=None)  # np.quantile would interpolate between infinities
        at = [ordered[math.ceil(q * ordered.size) - 1] for q in (0.5, 0.95, 1)]
        return cls(*map(float, at))


@dataclass(frozen=True, slots=True)
class Worst:
    """The input with the largest error after optimisation."""

    output: str
    inputs: dict[str, Any]
    value: float
    reference: str
    ulps: float

    def __str__(self) -> str:
        at = ", ".join(f"{name}={value!s}" for name, value in self.inputs.items())
        return f"{self.output} = {self.value!s} where {self.reference} is right, at {at}"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Errors of a kernel's results in ulp, before and after optimisation.

    before    the formula as written, operation by operation in NumPy
    after     what the target computes
    points    how many inputs were compared; `dropped` more have no finite value
    rejected  the fraction of random inputs that were left out for that reason to begin with
    worst     the input with the largest error after optimisation; None if there is no error
    outputs   (before, after) for each output
    """

    before: Errors
    after: Errors
    points: int
    dropped: int
    dtype: str
    target: str
    worst: Worst | None
    outputs: dict[str, tuple[Errors, Errors]]
    rejected: float = 0.0

    def _rows(self) -> list[tuple[str, ...]]:
        labels = ("as written, in NumPy", f"optimised, {self.target}")
        return [
            (label, *map(_show, (e.median, e.p95, e.max)))
            for label, e in zip(labels, (self.before, self.after), strict=True)
        ]

    def _notes(self) -> list[str]:
        dropped = f"; {self.dropped} more have no finite value" if self.dropped else ""
        notes = [f"{self.points} points{dropped}"]
        if self.rejected:
            notes.append(f"{self.rejected:.0%} of random inputs have no finite value and were left out: see sh.box")
        if self.worst:
            notes += textwrap.wrap(f"worst: {self.worst}", 100, subsequent_indent="  ", break_on_hyphens=False)
        return notes

    def __repr__(self) -> str:
        head = (f"error in ulp ({self.dtype})", "median", "95 %", "max")
        rows = [head, *self._rows()]
        width = [max(len(r[i]) for r in rows) for i in range(4)]
        lines = ["  ".join([r[0].ljust(width[0]), *(c.rjust(w) for c, w in zip(r[1:], width[1:]))]) for r in rows]
        return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:], *self._notes()])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{t}</th>" for t in (f"error in ulp ({self.dtype})", "median", "95 %", "max"))
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in r) + "</tr>" for r in self._rows())
        notes = "<br>".join(map(html.escape, self._notes()))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{notes}</p>"


def _show(ulps: float) -> str:
    if math.isnan(ulps) or math.isinf(ulps):
        return "∞" if ulps > 0 else "–"
    return f"{ulps:.2f}" if ulps < 100 else f"{ulps:.3g}"


def accuracy(kernel: Kernel, n: int = 1000, domain: Domain | None = None, seed: int = 0, **statics: Any) -> Accuracy:
    """Compare a kernel's float results with mpmath at n inputs sampled from a domain.

    With reductions over the batch, each input is a batch of its own. Progress is shown on stderr, if that is a
    terminal.
    """
    variant = kernel._chosen(statics)
    traced = variant.traced
    if n < 1:
        raise ArgumentError(f"accuracy of {kernel.name}: n is how many inputs are drawn, at least 1, got {n}")
    inputs = inputs_of(kernel, n, domain, seed, **statics)

    def run(_: Columns) -> list[Any]:
        if variant.axes is None:
            return result_columns(traced, kernel(**inputs.arguments, **statics))
        events = [kernel(**_event(traced, inputs.arguments, i), **statics) for i in range(n)]
        return [np.array(column) for column in zip(*[result_columns(traced, result) for result in events])]

    names = [f"{o.path}[{','.join(map(str, i))}]" if i else o.path for o in traced.outputs for i in _cells(o)]
    found = compare(traced.as_written, run, inputs.columns, inputs.dtype, kernel._target, names)
    return replace(found, rejected=inputs.rejected)


def _event(traced: Traced, arguments: Mapping[str, Any], i: int) -> dict[str, Any]:
    """The arguments of one event."""
    found = {}
    for a in traced.arguments:
        if a.name in arguments:
            given = a.tree.take(arguments[a.name], a.name)
            values = [v if core.axis is None else v[i] for core, (_, v) in zip(a.cores, given)]
            found[a.name] = a.tree.build(iter(values))
    return found


@dataclass(frozen=True, slots=True)
class Inputs:
    """Sampled inputs of a kernel: as its arguments, and as columns by the names of its graph's inputs."""

    arguments: dict[str, Any]
    columns: dict[str, Any]
    dtype: np.dtype
    rejected: float


def inputs_of(kernel: Kernel, n: int, domain: Domain | None = None, seed: int = 0, **statics: Any) -> Inputs:
    """Draw a kernel's inputs from a domain, in its working dtype; one value for a parameter."""
    traced = kernel._chosen(statics).traced
    dtype = np.dtype(kernel.options.dtype or np.float64)
    sample = domain_for(traced.graph, domain, traced.leaves).sample(n, seed)
    leaves = {x.path: _cast(sample[x.path], dtype, not x.axes) for x in traced.leaves}
    values = iter(leaves.values())
    given = {a.name: a.tree.build(values) for a in traced.arguments if not a.static}
    return Inputs(given, columns(leaves, traced.graph.inputs), dtype, getattr(sample, "dropped", 0.0))


def _cast(column: np.ndarray, dtype: np.dtype, parameter: bool) -> Any:
    """A sampled column in the working dtype; the first value for a parameter, which has no batch axis."""
    wanted = np.result_type(dtype, np.complex64) if column.dtype.kind == "c" else dtype
    cast = column.astype(wanted)
    return cast[0] if parameter else cast


def _cells(output: Output) -> list[tuple[int, ...]]:
    """The indices of an output that the graph computes."""
    return [i for i in np.ndindex(*output.shape) if not output.symmetric or i[0] <= i[1]]


def result_columns(traced: Traced, result: Any) -> list[Any]:
    """A kernel's result as one column per output of its graph."""
    found = [value for _, value in traced.tree.take(result, "result")]
    cells = [(np.asarray(v), i) for o, v in zip(traced.outputs, found, strict=True) for i in _cells(o)]
    return [array[(..., *i)] if i else array for array, i in cells]  # type: ignore[arg-type]


def compare(
    graph: Graph,
    run: Callable[[Columns], Sequence[Any]],
    columns: Columns,
    dtype: Any = np.float64,
    target: str = "numpy",
    names: Sequence[str] | None = None,
) -> Accuracy:
    """Compare float results with mpmath at given inputs.

    graph    the formula as written
    run      computes the optimised program: columns by input name → the outputs' columns, complex ones complex
    columns  one array per input of the graph, all of one length or of one value, in the working dtype
    names    of the outputs
    """
    dtype = np.dtype(dtype)
    events = max((np.size(c) for c in columns.values()), default=1)
    before = _table(numpy_values(graph, columns, dtype), graph.outputs, events)
    after = _table(run(columns), graph.outputs, events)
    judge = _Judge(graph, columns, np.stack([before, after]), dtype)
    for i in _watched(range(events)):
        judge.event(i)
    return judge.outcome(target, parts(graph, names))


def _table(results: Iterable[Any], outputs: Sequence[Node], events: int) -> np.ndarray:
    """Output columns as one float64 array (parts, events)."""
    rows: list[np.ndarray] = []
    for column, n in zip(results, outputs, strict=True):
        full = np.broadcast_to(np.asarray(column), (events,))
        rows += (full.real, full.imag) if n.dtype == "complex" else (full,)
    return np.array(rows, dtype=np.float64).reshape(len(rows), events)


class _Judge:
    """Collects the errors event by event."""

    def __init__(self, graph: Graph, columns: Columns, floats: np.ndarray, dtype: np.dtype) -> None:
        self.tape = Tape(graph)
        self.columns, self.floats, self.dtype = columns, floats, dtype
        self.trusted = TRUSTED if dtype.itemsize == 8 else 1e-2
        self.ulps: list[np.ndarray] = []
        self.dropped = 0
        self.worst: tuple[float, int, int, Any] | None = None

    def event(self, i: int) -> None:
        """Compare one event."""
        point = {name: _pick(column, i).item() for name, column in self.columns.items()}
        right = self._reference(point, self.floats[0, :, i].tolist())
        if right is None:
            self.dropped += 1
            return
        ulps = np.array([[_ulps(v, r, self.dtype) for v, r in zip(row[:, i], right)] for row in self.floats])
        self.ulps.append(ulps)
        output = int(np.argmax(ulps[1])) if ulps.size else 0
        if ulps.size and ulps[1, output] > (self.worst[0] if self.worst else 0.0):
            self.worst = (float(ulps[1, output]), i, output, right[output])

    def _reference(self, point: Mapping[str, Any], as_written: list[float]) -> list[Any] | None:
        """The right results; None where there is none that a float can hold."""
        history: list[list[Any]] = []
        digits = DIGITS
        while digits <= MOST_DIGITS:
            values = self._evaluate(point, digits)
            if values is None or _near(values, as_written, self.trusted):
                return values
            history.append(values)
            settled = [_settled(sequence, digits) for sequence in zip(*history, strict=True)]
            if all(x is not None for x in settled):
                return settled
            digits *= 2
        return None

    def _evaluate(self, point: Mapping[str, Any], digits: int) -> list[Any] | None:
        with precision(digits):
            try:
                values = self.tape.parts(self.tape.run(point))
            except (TooLarge, OverflowError):
                return None
        limit = float(np.finfo(self.dtype).max)
        return values if all(finite(v) and abs(v) <= limit for v in values) else None

    def outcome(self, target: str, names: list[str]) -> Accuracy:
        ulps = np.array(self.ulps).reshape(-1, 2, len(names))
        each = {name: (Errors.of(ulps[:, 0, k]), Errors.of(ulps[:, 1, k])) for k, name in enumerate(names)}
        worst = None
        if self.worst:
            size, i, output, right = self.worst
            inputs = {name: _pick(column, i) for name, column in self.columns.items()}
            value = self.dtype.type(self.floats[1, output, i])
            worst = Worst(names[output], inputs, value, mpmath.nstr(mpmath.mpmathify(right), 20), size)
        before, after = (Errors.of(ulps[:, which]) for which in (0, 1))
        return Accuracy(before, after, len(self.ulps), self.dropped, self.dtype.name, target, worst, each)


def _near(values: Sequence[Any], others: Sequence[float], relative: float) -> bool:
    """Whether each value is as close to the other as is asked."""
    pairs = zip(values, others, strict=True)
    return all(x == y or (math.isfinite(y) and abs(x - y) <= relative * abs(x)) for x, y in pairs)


def _settled(sequence: Sequence[Any], digits: int) -> Any:
    """The limit of values to ever more digits, 0 if they shrink as fast as rounding does; None if it is open."""
    *_, last = sequence
    if isinstance(last, bool) or (len(sequence) > 1 and abs(last - sequence[-2]) <= 1e-25 * abs(last)):
        return last
    if len(sequence) < 3:
        return None
    with mpmath.workdps(DIGITS):
        size, shrink = [abs(x) for x in sequence], mpmath.mpf(10) ** (-digits // 8)
        return 0 if size[-1] < shrink * size[-2] < shrink**2 * size[-3] else None


def _pick(column: Any, i: int) -> Any:
    """The value of an event; a column of one value serves them all."""
    flat = np.ravel(column)
    return flat[i if flat.size > 1 else 0]


def _ulps(value: float, right: Any, dtype: np.dtype) -> float:
    """The error of a float in units in the last place of the right value."""
    if not math.isfinite(value):
        return math.inf
    if value == right:
        return 0.0
    with mpmath.workdps(DIGITS):
        spacing = float(np.spacing(np.abs(dtype.type(float(right)))))
        return float(abs(mpmath.mpf(value) - right) / spacing)


def _watched(events: range) -> Iterable[int]:
    if not sys.stderr.isatty():
        return events
    from rich.console import Console
    from rich.progress import track

    return track(events, "comparing with mpmath", console=Console(stderr=True), transient=True)
