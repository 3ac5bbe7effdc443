"""Values of earlier segments computed again where a later one needs them, rather than passed on through memory.

In the reverse sweep of a large gradient most values of the forward sweep are needed again, in the opposite order: more
than the caches next to the processor hold. An addition takes less time than a store and a load that go to the
second-level cache, so each segment computes again what it can make in a few cheap operations of what it has.
"""

from __future__ import annotations

from collections.abc import Sequence

from symhep.ops import OPS
from symhep.targets.segments import Line, Segment, Straight, results

CHEAP = 1.0  # the largest cost, as in the table of operations, of what is computed again
FEW = 3  # operations for one value that is needed


def recompute(straight: Straight, segments: Sequence[Segment]) -> list[Segment]:
    """The same segments; in each, what is computed again has numbers of its own."""
    return _Sharing(straight, segments).segments()


class _Sharing:
    def __init__(self, straight: Straight, segments: Sequence[Segment]) -> None:
        self._given = segments
        self._truth = straight.truth
        self._line: dict[int, Line] = {}  # that makes a value
        self._home: dict[int, int] = {}  # the segment that it is made in
        for k, s in enumerate(segments):
            for line in s.lines:
                self._line.update(dict.fromkeys(results(line), line))
                self._home.update(dict.fromkeys(results(line), k))
        numbers = [*straight.inputs, *straight.constants, *self._line]
        self._last = max([*numbers, *[r for line in straight.once for r in results(line)]], default=0)

    def segments(self) -> list[Segment]:
        return [Segment(self._rewritten(k, s.lines)) for k, s in enumerate(self._given)]

    def _rewritten(self, k: int, lines: Sequence[Line]) -> Sequence[Line]:
        again = self._chosen(k, lines)
        if not again:
            return lines
        new: dict[int, int] = {}
        found: list[Line] = []
        for line in lines:
            for a in line.args:
                self._make(a, again, new, found)
            found.append(line._replace(args=tuple([new.get(a, a) for a in line.args])))
        return found

    def _make(self, value: int, again: set[int], new: dict[int, int], found: list[Line]) -> None:
        """Append the lines for a value that is computed again, and for what it is made of."""
        waiting = [value] if value in again and value not in new else []
        while waiting:
            line = self._line[waiting[-1]]
            missing = [a for a in line.args if a in again and a not in new]
            waiting += missing
            if not missing and waiting.pop() not in new:
                self._last += 1
                new[line.result] = self._last
                found.append(Line(line.op, self._last, tuple([new.get(a, a) for a in line.args])))

    def _chosen(self, k: int, lines: Sequence[Line]) -> set[int]:
        """The values of earlier segments that this one is to compute again, and those that it needs for them."""
        here = self._home
        needed = dict.fromkeys([a for line in lines for a in line.args if here.get(a, k) < k])
        there: set[int] = set()  # computed again, or read from memory
        again: set[int] = set()
        for value in sorted(needed):  # in the order in which they are made
            made = self._few(value, there)
            again |= made
            there |= {value, *made}
        return again

    def _few(self, value: int, there: set[int]) -> set[int]:
        """The values to compute, so that this one can be, of what is there; none if they are not few and cheap."""
        made, waiting = {value}, [value]
        while waiting:
            line = self._line[waiting.pop()]
            if line.op not in OPS or OPS[line.op].cost > CHEAP or self._truth.intersection((line.result, *line.args)):
                return set()
            for a in line.args:
                if a in self._home and a not in there and a not in made:
                    made.add(a)
                    waiting.append(a)
            if len(made) > FEW:
                return set()
        return made
