"""Straight-line code as numbered values, cut into segments that a compiler takes in linear time.

Compilers take more than linear time over large bodies, and keep all that is alive on the stack. A segment of a few
thousand operations avoids both; the cuts are where few values are alive, and these pass through rows of scratch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from symhep.graph import Node, Number
from symhep.ops import COMPARISONS, LOGIC, OPS
from symhep.program import Program


class Line(NamedTuple):
    """An operation on numbered values; a second result, if it has one, is `result + 1`."""

    op: str
    result: int
    args: tuple[int, ...]


@dataclass(slots=True)
class Straight:
    """A program with numbers for nodes.

    An operation is named as in the table, with "_bool" where it works on truth values throughout; conversions are made
    explicit as `to_real` and `to_bool`. Columns are real: truth values travel as 0 and 1.
    """

    once: list[Line] = field(default_factory=list)
    each: list[Line] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    parameters: set[int] = field(default_factory=set)
    constants: dict[int, Number] = field(default_factory=dict)
    truth: set[int] = field(default_factory=set)


def straighten(program: Program) -> Straight:
    """Number the values of a program."""
    return _Numbering(program).straight


class _Numbering:
    def __init__(self, program: Program) -> None:
        self.straight = Straight()
        self.number: dict[Node, int] = {}
        self.count = 0
        self.converted: dict[tuple[str, int], int] = {}
        for n in program.inputs:
            self._input(n)
        for n in (*program.graph.order, *program.outputs):
            for a in (n, *n.args):
                if a.op == "const" and a not in self.number:
                    self._constant(a)
        for body in program.steps:
            self._lines(body.once, self.straight.once)
        for body in program.steps:
            self._lines(body.each, self.straight.each)
        for n in program.outputs:
            self._output(n)

    def _new(self, truth: bool = False) -> int:
        self.count += 1
        if truth:
            self.straight.truth.add(self.count)
        return self.count

    def _input(self, n: Node) -> None:
        self.number[n] = self._new()
        self.straight.inputs.append(self.number[n])
        if not n.axes:
            self.straight.parameters.add(self.number[n])

    def _constant(self, n: Node) -> None:
        self.number[n] = self._new(n.dtype == "bool")
        self.straight.constants[self.number[n]] = bool(n.attrs[0]) if n.dtype == "bool" else n.attrs[0]

    def _lines(self, nodes: Iterable[Node], lines: list[Line]) -> None:
        self.converted.clear()
        for n in nodes:
            if n.op == "item":
                self.number[n] = self.number[n.args[0]] + n.attrs[0]
            elif n.op == "keep":
                self.number[n] = self.number[n.args[0]]
            else:
                self._operation(n, lines)

    def _operation(self, n: Node, lines: list[Line]) -> None:
        op = n.op
        if op not in OPS:
            raise ValueError(f"unknown operation {op!r}")
        numbers = [self.number[a] for a in n.args]
        if op in LOGIC:
            wanted = [True] * len(numbers)
        elif op == "select":
            wanted = [True, n.dtype == "bool", n.dtype == "bool"]
        else:
            wanted = [op in ("eq", "ne") and all(a in self.straight.truth for a in numbers)] * len(numbers)
        if op not in LOGIC and wanted and wanted[-1]:
            op += "_bool"
        args = tuple([self._convert(a, truth, lines) for a, truth in zip(numbers, wanted, strict=True)])
        self.number[n] = self._new(n.dtype == "bool" or n.op in COMPARISONS)
        lines.append(Line(op, self.number[n], args))
        if op == "sincos":
            self._new()

    def _convert(self, number: int, truth: bool, lines: list[Line]) -> int:
        if (number in self.straight.truth) == truth:
            return number
        op = "to_bool" if truth else "to_real"
        if (op, number) not in self.converted:
            self.converted[op, number] = self._new(truth)
            lines.append(Line(op, self.converted[op, number], (number,)))
        return self.converted[op, number]

    def _output(self, n: Node) -> None:
        lines = self.straight.each if n.axes else self.straight.once
        if n.op == "const":
            self.straight.outputs.append(self.number[n])
        else:
            self.straight.outputs.append(self._convert(self.number[n], False, lines))


def results(line: Line) -> tuple[int, ...]:
    """The values that a line makes."""
    return (line.result, line.result + 1) if line.op == "sincos" else (line.result,)


@dataclass(slots=True)
class Segment:
    """Lines that become one function.

    loads   values from earlier segments, with their row
    saves   values for later segments, with their row
    stores  output columns that are written here, by value
    """

    lines: Sequence[Line]
    loads: dict[int, int] = field(default_factory=dict)
    saves: dict[int, int] = field(default_factory=dict)
    stores: dict[int, list[int]] = field(default_factory=dict)


def segment(
    straight: Straight,
    weight: Callable[[Line], int],
    limit: int,
    rework: Callable[[Straight, list[Segment]], list[Segment]] = lambda _, segments: segments,
) -> tuple[list[Segment], int]:
    """Cut the work per event; also the number of rows that pass values from segment to segment.

    rework  what is done with the segments before it is settled which values pass
    """
    lines = straight.each
    segments = rework(straight, [Segment(lines[a:b]) for a, b in cuts(lines, weight, limit)] or [Segment([])])
    rows = _pass_values(segments)
    made = {r: s for s in segments for line in s.lines for r in results(line)}
    for column, number in enumerate(straight.outputs):
        made.get(number, segments[-1]).stores.setdefault(number, []).append(column)
    return segments, rows


def cuts(lines: Sequence[Line], weight: Callable[[Line], int], limit: int) -> list[tuple[int, int]]:
    """Ranges of lines of at most `limit` weight, cut where the fewest values are alive."""
    total = [0, *accumulate(weight(line) for line in lines)]
    if total[-1] <= limit:
        return [(0, len(lines))] if lines else []
    waiting = alive(lines)
    ranges, start = [], 0
    while total[-1] - total[start] > limit:
        near = next(k for k in range(start + 1, len(lines) + 1) if total[k] - total[start] >= limit // 2)
        far = near
        while far + 1 < len(lines) and total[far + 1] - total[start] <= limit:
            far += 1
        stop = min(range(far, near - 1, -1), key=lambda k: waiting[k])
        ranges.append((start, stop))
        start = stop
    return [*ranges, (start, len(lines))] if start < len(lines) else ranges


def alive(lines: Sequence[Line]) -> list[int]:
    """For each boundary between lines, how many values made before it are used after it."""
    made = {r: k for k, line in enumerate(lines) for r in results(line)}
    last = {a: k for k, line in enumerate(lines) for a in line.args if a in made}
    change = [0] * (len(lines) + 2)
    for number, k in last.items():
        change[made[number] + 1] += 1
        change[k + 1] -= 1
    return list(accumulate(change))


def _pass_values(segments: Sequence[Segment]) -> int:
    """Give a row to every value that a later segment uses; a row is free again when the last of them is done."""
    made: dict[int, int] = {}
    last: dict[int, int] = {}
    for k, s in enumerate(segments):
        for line in s.lines:
            for a in line.args:
                if made.get(a, k) < k:
                    last[a] = k
            made.update(dict.fromkeys(results(line), k))
    row_of: dict[int, int] = {}
    free: list[int] = []
    ending: list[list[int]] = [[] for _ in segments]
    count = 0
    for k, s in enumerate(segments):
        s.loads = {a: row_of[a] for line in s.lines for a in line.args if a in last and made[a] < k}
        for number in [r for line in s.lines for r in results(line) if r in last]:
            if free:
                row_of[number] = free.pop()
            else:
                row_of[number], count = count, count + 1
            s.saves[number] = row_of[number]
            ending[last[number]].append(row_of[number])
        free += ending[k]
    return count
