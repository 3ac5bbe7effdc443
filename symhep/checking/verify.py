"""The optimised program compared with the formula as written, in high precision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, log10
from typing import TYPE_CHECKING, Any

import mpmath

from symhep.batch.reductions import reduces
from symhep.batch.unrolled import batches, events_for, unrolled
from symhep.checking.evaluate import DIGITS, Point, Tape, TooLarge, finite, parts, precision, values
from symhep.errors import SymhepError
from symhep.graph import Graph

if TYPE_CHECKING:
    from symhep.checking.domain import Domain
    from symhep.tracing.trace import Traced

__all__ = ["Difference", "Verification", "VerificationError", "compare", "values", "verify"]

GUARD_DIGITS = 30  # the second evaluation has this many more; what the two differ by is the error of the first
MANY = 12  # how many times as many digits are used before a difference is reported
SLACK = 10**6  # how much larger than its estimate an error may be
NOTHING = mpmath.mpf(2) ** -1100  # a difference this small no float can hold


class VerificationError(SymhepError):
    """The optimised program does not compute the formula as written."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the optimised program and the formula as written differ most."""

    output: str
    point: dict[str, str]
    before: str
    after: str
    digits: float

    def __str__(self) -> str:
        where = ", ".join(f"{name} = {value}" for name, value in self.point.items())
        return f"{self.output} is {self.before} as written and {self.after} optimised, at {where}"


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of a comparison.

    points     at how many points all outputs were compared
    digits     to how many digits they agree at least, cancellation aside
    invalid    points dropped because the formula as written, or what it compares, has no value there
    ambiguous  points dropped because a comparison or rounding is too close to call
    failed     at how many points an output differs by more than rounding explains
    worst      the largest difference; None if every value is the same
    """

    points: int
    digits: int
    invalid: int = 0
    ambiguous: int = 0
    failed: int = 0
    worst: Difference | None = None

    def __bool__(self) -> bool:
        return self.points > 0 and not self.failed

    def __str__(self) -> str:
        if self.failed:
            return f"wrong at {self.failed} of {self.points} points: {self.worst}"
        if not self.points:
            return "not verified: the formula has no finite value at the points tried"
        return f"verified at {self.points} point{'s' * (self.points != 1)} to {self.digits} digits"

    def check(self) -> Verification:
        """Raise `VerificationError` if an output differs; else return the outcome itself."""
        if self.failed:
            raise VerificationError(
                "the optimised program differs from the formula as written; please report this as a bug in symhep\n"
                f"  {self.worst}\n"
                f'  meanwhile: effort="fast", or sh.keep(x) around the step in question'
            )
        return self


def compare(
    before: Graph,
    after: Graph,
    points: Iterable[Point],
    digits: int = DIGITS,
    names: Sequence[str] | None = None,
) -> Verification:
    """Compare two graphs for the same formula, before and after optimisation, at the given points.

    Each is evaluated at two precisions, so that an output which loses digits to cancellation is judged by the digits
    that it has left. Complex inputs and outputs of one may be pairs of real ones in the other.
    """
    comparison = _Comparison(before, after, digits, parts(before, names))
    for point in points:
        comparison.at(point)
    return comparison.outcome()


def verify(traced: Traced, after: Graph, domain: Domain | None = None, points: int = 8) -> Verification:
    """Compare an optimised graph with the function as traced, at random points of its domain.

    With reductions over the batch, each point is a batch of a few events.
    """
    from symhep.checking.domain import DomainError, columns, domain_for

    before, reduced = traced.graph, any(reduces(n) for n in traced.graph.order)
    events = events_for(len(before.order) + len(after.order)) if reduced else 1
    try:
        drawn = domain_for(before, domain, traced.leaves).points(max(points, events), DIGITS + GUARD_DIGITS)
    except DomainError:
        return Verification(0, 0)
    at: list[Any] = [columns(point, before.inputs) for point in drawn]
    if reduced:
        whole = unrolled(before, events), unrolled(after, events)
        return compare(*whole, batches(at, before.inputs, events)[:points])
    return compare(before, after, at)


class _Comparison:
    """Two graphs, and what is known about their agreement so far."""

    def __init__(self, before: Graph, after: Graph, digits: int, names: list[str]) -> None:
        self.tapes = (Tape(before), Tape(after))
        self.digits, self.names = digits, names
        self.points = self.invalid = self.ambiguous = self.failed = 0
        self.fewest: float = inf
        self.worst: Difference | None = None

    def at(self, point: Point) -> None:
        """Compare at one point; a difference has to stand to many more digits, as 1e200 + x - 1e200 takes them."""
        found = self._compared(point)
        if isinstance(found, list) and not all(agree for _, agree, _ in found):
            self.digits *= MANY
            found = self._compared(point, last=True)
            self.digits //= MANY
        if isinstance(found, str):
            setattr(self, found, getattr(self, found) + 1)
            return
        self.points += 1
        self.failed += not all(agree for _, agree, _ in found)
        for digits, _, (name, x, y) in found:
            if digits < self.fewest:
                self.fewest = digits
                self.worst = _difference(name, point, x, y, digits)

    def _compared(self, point: Point, last: bool = False) -> str | list[tuple[float, bool, tuple[str, Any, Any]]]:
        """For each result to how many digits it agrees, whether that is enough, and its name and values.

        Where there is nothing to compare: why.
        """
        try:
            high = self._evaluate(point, self.digits + GUARD_DIGITS)
            results = [t.parts(v) for t, v in zip(self.tapes, high, strict=True)]
            if not all(map(finite, results[0])) or _decides_by_nan(self.tapes[0], high[0]):
                return "invalid"
            found = self._outright(*results)
            if found is not None:
                return found
            low = self._evaluate(point, self.digits)
        except (TooLarge, OverflowError):
            return "invalid"
        rough = [t.parts(v) for t, v in zip(self.tapes, low, strict=True)]
        if not all(map(finite, rough[0])):
            return "invalid"
        if any(self._close_call(*each) for each in zip(self.tapes, low, high, strict=True)):
            return "ambiguous"
        found = []
        for name, x, y, x_rough, y_rough in zip(self.names, *results, *rough, strict=True):
            agree, digits = self._agreement(x, y, x_rough, y_rough)
            found.append((digits, agree, (name, x, y)))
        wrong = [abs(x - y) for _, agree, (_, x, y) in found if not agree]
        if wrong and _any_infinite(self.tapes[0], high[0]):
            return "invalid"
        if last and wrong and max(wrong) < max(map(_largest, self.tapes, high)) * mpmath.mpf(10) ** (10 - self.digits):
            return "ambiguous"  # of such large intermediate values, these digits do not reach down to the difference
        return found

    def _outright(self, before: list[Any], after: list[Any]) -> list | None:
        """The comparison, if all results agree whatever their rounding errors are; else None, as these are needed."""
        found = []
        for name, x, y in zip(self.names, before, after, strict=True):
            agree, digits = self._agreement(x, y, x, y)
            if not agree:
                return None
            found.append((digits, agree, (name, x, y)))
        return found

    def _evaluate(self, point: Point, digits: int) -> list[list[Any]]:
        with precision(digits):
            return [tape.run(point) for tape in self.tapes]

    def _close_call(self, tape: Tape, low: list[Any], high: list[Any]) -> bool:
        """Whether rounding could send a comparison, a rounding or a sign the other way."""
        with precision(self.digits):
            for kind, a, b in tape.branches:
                x, noise = high[a], abs(high[a] - low[a])
                if not mpmath.isfinite(x):
                    continue
                if kind == "compare":
                    y, noise = high[b], noise + abs(high[b] - low[b])
                else:
                    y = mpmath.nint(x) if kind == "round" else mpmath.mpf(0)
                if x != y and abs(x - y) <= self._tolerance(noise, x, y):
                    return True
        return False

    def _tolerance(self, noise: Any, x: Any, y: Any) -> Any:
        return SLACK * noise + mpmath.mpf(10) ** (10 - self.digits) * max(abs(x), abs(y))

    def _agreement(self, x: Any, y: Any, x_rough: Any, y_rough: Any) -> tuple[bool, float]:
        """Whether two values agree within their rounding errors, and to how many digits."""
        if isinstance(x, bool) or isinstance(y, bool):
            return bool(x) == bool(y), inf if bool(x) == bool(y) else 0.0
        if not finite(y):
            return False, -inf
        with precision(self.digits):
            difference, size = abs(x - y), max(abs(x), abs(y))
            if difference < NOTHING:
                return True, inf
            noise = abs(x - x_rough) + (abs(y - y_rough) if finite(y_rough) else inf)
            tolerance = self._tolerance(noise, x, y)
            agree = bool(difference <= tolerance)
            if difference == 0 or (agree and size <= tolerance):
                return True, inf
            return agree, -log10(difference / size) if difference < size else 0.0

    def outcome(self) -> Verification:
        digits = self.digits + GUARD_DIGITS if self.fewest == inf else int(max(self.fewest, 0))
        return Verification(self.points, digits, self.invalid, self.ambiguous, self.failed, self.worst)


def _decides_by_nan(tape: Tape, values: list[Any]) -> bool:
    """Whether a comparison or a sign is taken of NaN: rewriting may give a value to a part that has none as written."""
    return any(mpmath.isnan(values[i]) for i in tape.decisive)


def _any_infinite(tape: Tape, values: list[Any]) -> bool:
    """Whether an intermediate value is infinite: finite math supposes that none is."""
    return any(isinstance(values[i], mpmath.mpf) and mpmath.isinf(values[i]) for i, _, _ in tape.steps)


def _largest(tape: Tape, values: list[Any]) -> Any:
    """The largest finite intermediate value."""
    sizes = [abs(values[i]) for i, _, _ in tape.steps if isinstance(values[i], mpmath.mpf | mpmath.mpc)]
    return max([s for s in sizes if mpmath.isfinite(s)], default=mpmath.mpf(0))


def _difference(name: str, point: Point, x: Any, y: Any, digits: float) -> Difference:
    def show(value: Any, length: int) -> str:
        return str(value) if isinstance(value, bool) else mpmath.nstr(mpmath.mpmathify(value), length)

    shown = max(6, min(int(digits) + 4, 40)) if digits > 0 else 6
    return Difference(name, {k: show(v, 17) for k, v in point.items()}, show(x, shown), show(y, shown), digits)
