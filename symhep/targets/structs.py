"""Arrays of structs read in place: the function `direct` of a kernel, made for the strides of a call.

While a vector of events is computed, the components of the next one are transposed, a few at a time, into the rows of
the inputs: arithmetic waits for its operands, and this fills the gaps. The driver's copies, which work for any columns,
can only be done before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from symhep.targets.ircode import Code
from symhep.targets.layout import PARAMETER, Layout
from symhep.targets.transpose import chunks, into_rows

LONGEST = 2000  # instructions of a kernel that is made twice: the copies take as long as a hundred
WORTH = 4000  # events that make it worth while
AHEAD = 4  # vectors of events that are fetched ahead


@dataclass(frozen=True, slots=True)
class Group:
    """Input columns side by side in an array of structs; a single value for all events is a group of stride 0."""

    first: int
    count: int
    stride: int


def groups(described: Sequence[int], inputs: int, size: int) -> tuple[Group, ...]:
    """The arrays of structs among input columns that are given by address and stride; none if one is odd."""
    found: list[Group] = []
    for k in range(inputs):
        address, stride = described[2 * k : 2 * k + 2]
        if stride % size and stride != PARAMETER:
            return ()
        if stride in (size, PARAMETER):
            continue
        last = found[-1] if found else Group(-1, 0, 0)
        beside = last.first + last.count == k and described[2 * k - 2] + size == address
        if beside and stride and last.stride == stride:
            found[-1] = Group(last.first, last.count + 1, stride)
        else:
            found.append(Group(k, 1, stride))
    return tuple(found) if any(g.stride for g in found) else ()


class Reader:
    """Writes what a function needs to read groups: rows of the inputs hold two vectors by turns."""

    def __init__(self, found: Sequence[Group], layout: Layout, lines: list[str]) -> None:
        self.groups = [g for g in found if g.stride]
        self.single = {g.first for g in found if not g.stride}
        self.layout = layout
        self.code = Code("")
        self.code.lines = lines
        self.inside = {k for g in self.groups for k in range(g.first, g.first + g.count)}

    def before(self) -> None:
        """Transpose the first vector."""
        if not self.groups:
            return
        self.code.do(f"%last = sub i64 %to, {self.layout.vector.bytes}")
        for g in self.groups:
            place = self.code.at("%s", 8 * g.first)
            self.code.do(f"%g{g.first} = load ptr, ptr {place}")
            for c in chunks(self.layout.vector, g.count):
                self._chunk(g, c, f"%g{g.first}", "%s")

    def now(self) -> None:
        """Say where the rows of the current vector are."""
        if not self.groups:
            return
        self.code.do(f"%turn = and i64 %o, {self.layout.vector.bytes}")
        self.code.do("%now = getelementptr i8, ptr %s, i64 %turn")

    def then(self) -> None:
        """Say where the next vector is, and where its rows are; after the last one, it is the last once more."""
        if not self.groups:
            return
        v = self.layout.vector
        self.now()
        self.code.do(f"%other = xor i64 %turn, {v.bytes}")
        self.code.do("%then = getelementptr i8, ptr %s, i64 %other")
        ahead = self.code(f"call i64 @llvm.smin.i64(i64 {self.code.int('add', '%o', v.bytes)}, i64 %last)")
        for g in self.groups:
            offset = self.code.int("mul", ahead, g.stride // v.size)
            self.code.do(f"%h{g.first} = getelementptr i8, ptr %g{g.first}, i64 {offset}")

    def chores(self) -> list[Callable[[], None]]:
        """The steps of transposing the next vector, to be done now and then."""
        return [
            partial(self._chunk, g, c, f"%h{g.first}", "%then")
            for g in self.groups
            for c in chunks(self.layout.vector, g.count)
        ]

    def _chunk(self, g: Group, chunk: tuple[int, int], start: str, rows: str) -> None:
        """Transpose some components of a vector of events, and have as many cache lines fetched ahead."""
        v, (first, count) = self.layout.vector, chunk
        columns = range(g.first + first, g.first + first + count)
        events = [self.code.at(start, e * g.stride + first * v.size) for e in range(v.lanes)]
        into_rows(self.code, v, events, [self.code.at(rows, self.layout.row(k)) for k in columns])
        for k in range(first, first + count):
            place = self.code.at(start, v.lanes * g.stride * AHEAD + k * v.lanes * g.stride // g.count)
            self.code.do(f"call void @llvm.prefetch.p0(ptr {place}, i32 0, i32 2, i32 1)")

    def place(self, k: int) -> str:
        """Where the current vector of a column is."""
        return self.code.at("%now", self.layout.row(k))
