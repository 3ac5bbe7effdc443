"""Copies between an array of structs and rows, as LLVM IR: whole vectors are transposed in registers.

gather(base, stride, group, row, pitch, n)    `group` components side by side, of n events `stride` bytes apart,
                                              into rows `pitch` bytes apart
scatter(base, stride, group, row, pitch, n)   the reverse
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symhep.targets.ircode import Code
from symhep.targets.llvm import Vector

UNIT = 16  # bytes of what shuffles move as one across a register, and inside of which they move anything

AHEAD = 32  # events that memory is fetched ahead


def gather(v: Vector) -> str:
    """The function that copies into rows."""
    return _Copy(v, True).function("gather")


def scatter(v: Vector) -> str:
    """The function that copies out of rows."""
    return _Copy(v, False).function("scatter")


@dataclass(frozen=True, slots=True)
class _Copy:
    v: Vector
    into_rows: bool

    def function(self, name: str) -> str:
        """For each vector of events, take as many components as are loaded or stored as one.

        In this order memory is read and written from one end to the other.
        """
        v = self.v
        code = Code(f"internal void @{name}(ptr %base, i64 %stride, i64 %group, ptr %row, i64 %pitch, i64 %n) #0")
        whole = code.int("and", "%n", -v.lanes)
        larger = None
        for chunk in _sizes(v):
            enough = code.test("sge", "%group", chunk)
            if larger:
                enough = code(f"and i1 {enough}, {code.test('slt', '%group', larger)}")
            with code.when(enough):
                self.vectors(code, chunk, whole)
            larger = chunk
        self.one_by_one(code, whole)
        return code.end()

    def vectors(self, code: Code, chunk: int, whole: str) -> None:
        """Copy the events that fill vectors; as in `chunks`, the last components may be taken twice.

        The memory of events to come is fetched: for dense structs a line per component.
        """
        v = self.v
        last = code.int("sub", "%group", chunk)
        steps, pitches = _multiples(code, "%stride"), _multiples(code, "%pitch")
        ahead = code.int("mul", AHEAD, "%stride")
        apart = code.int("sdiv", code.int("mul", "%stride", v.lanes), "%group")
        lines = _multiples(code, apart)
        with code.loop(0, whole, v.lanes) as i:
            event, place = code.at("%base", code.int("mul", i, "%stride")), code.at("%row", i, v.real)
            with code.loop(0, "%group", chunk) as c:
                c = code(f"call i64 @llvm.smin.i64(i64 {c}, i64 {last})")
                events = _places(code, code.at(event, c, v.real), steps, v.lanes)
                rows = _places(code, code.at(place, code.int("mul", c, "%pitch")), pitches, chunk)
                soon = code.at(code.at(event, ahead), code.int("mul", c, apart))
                for line in _places(code, soon, lines, chunk):
                    code.do(f"call void @llvm.prefetch.p0(ptr {line}, i32 0, i32 2, i32 1)")
                (into_rows if self.into_rows else out_of_rows)(code, v, events, rows)

    def one_by_one(self, code: Code, start: str) -> None:
        """Copy the events from `start` on, value by value."""
        v = self.v
        with code.loop(start, "%n") as i:
            event, place = code.at("%base", code.int("mul", i, "%stride")), code.at("%row", i, v.real)
            with code.loop(0, "%group") as c:
                pair = code.at(event, c, v.real), code.at(place, code.int("mul", c, "%pitch"))
                source, target = pair if self.into_rows else pair[::-1]
                code.store(code.load(source, v.real), target, v.real)


def _sizes(v: Vector) -> list[int]:
    """How many components are loaded or stored as one: as many as fill half a register, if there are so many."""
    most = max(UNIT, v.bytes // 2) // v.size
    return [most >> k for k in range(most.bit_length())]


def chunks(v: Vector, count: int) -> list[tuple[int, int]]:
    """Components that are copied together, as (first, how many); where they do not fill the last, some are twice."""
    size = next(n for n in _sizes(v) if n <= count)
    return [(min(k, count - size), size) for k in range(0, count, size)]


def into_rows(code: Code, v: Vector, events: Sequence[str], rows: Sequence[str]) -> None:
    """Copy as many components as there are rows, of one vector of events."""
    side, kind = min(len(rows), UNIT // v.size), f"<{len(rows)} x {v.real}>"
    pieces = [code.load(f"{e}, align {v.size}", kind) for e in events]
    registers = [join(code, v, [pieces[e] for e in those], len(rows)) for those in _held(v, len(rows))]
    registers = blocks_transposed(code, v, registers, side)
    if len(rows) > side:
        registers = units_sorted(code, v, registers)
    for value, r in zip(registers, rows, strict=True):
        code.store(value, f"{r}, align {v.bytes}", v.type)


def out_of_rows(code: Code, v: Vector, events: Sequence[str], rows: Sequence[str]) -> None:
    """The reverse."""
    side, kind = min(len(rows), UNIT // v.size), f"<{len(rows)} x {v.real}>"
    registers = [code.load(f"{r}, align {v.bytes}", v.type) for r in rows]
    if len(rows) > side:
        registers = units_mixed(code, v, registers)
    for register, those in zip(blocks_transposed(code, v, registers, side), _held(v, len(rows)), strict=True):
        for value, e in zip(split(code, v, register, len(rows)), those, strict=True):
            code.store(value, f"{events[e]}, align {v.size}", kind)


def _held(v: Vector, count: int) -> list[list[int]]:
    """For each of `count` registers, the events whose components it holds side by side.

    The first registers take events 0, 1, ... as far as a unit has components; more events go beside these, then into
    more registers.
    """
    side, pieces = min(count, UNIT // v.size), v.lanes // count
    return [[(q * pieces + h) * side + t for h in range(pieces)] for q in range(count // side) for t in range(side)]


def _multiples(code: Code, step: str) -> list[str]:
    """0 to 3 times a step."""
    twice = code.int("add", step, step)
    return ["0", step, twice, code.int("add", twice, step)]


def _places(code: Code, first: str, steps: list[str], count: int) -> list[str]:
    """Addresses a step apart."""
    found: list[str] = []
    while len(found) < count:
        found += [code.at(first, s) for s in steps]
        first = code.at(found[-1], steps[1])
    return found[:count]


def blocks_transposed(code: Code, v: Vector, registers: list[str], side: int) -> list[str]:
    """Transpose the square blocks that lie side by side in each `side` registers, inside of units."""
    half = 1
    while half < side:
        low = [k if not k & half else k - half + v.lanes for k in range(v.lanes)]
        high = [k + half if not k & half else k + v.lanes for k in range(v.lanes)]
        for k in range(len(registers)):
            if not k & half:
                a, b = registers[k], registers[k + half]
                registers[k], registers[k + half] = (shuffle(code, v, a, b, v.lanes, which) for which in (low, high))
        half *= 2
    return registers


def units_sorted(code: Code, v: Vector, registers: list[str]) -> list[str]:
    """The even units of both halves of the registers, then the odd ones."""
    half, unit = len(registers) // 2, UNIT // v.size
    even = [k for k in range(2 * v.lanes) if not k & unit]
    pairs = list(zip(registers[:half], registers[half:], strict=True))
    return [shuffle(code, v, a, b, v.lanes, [k + odd for k in even]) for odd in (0, unit) for a, b in pairs]


def units_mixed(code: Code, v: Vector, registers: list[str]) -> list[str]:
    """The reverse."""
    half, unit = len(registers) // 2, UNIT // v.size
    first = [k // (2 * unit) * unit + k % unit + (v.lanes if k & unit else 0) for k in range(v.lanes)]
    pairs = list(zip(registers[:half], registers[half:], strict=True))
    return [shuffle(code, v, a, b, v.lanes, [k + s for k in first]) for s in (0, v.lanes // 2) for a, b in pairs]


def join(code: Code, v: Vector, pieces: Sequence[str], lanes: int) -> str:
    """Short vectors put together to a full one."""
    while len(pieces) > 1:
        pairs = zip(pieces[::2], pieces[1::2], strict=True)
        pieces = [shuffle(code, v, a, b, lanes, range(2 * lanes)) for a, b in pairs]
        lanes *= 2
    return pieces[0]


def split(code: Code, v: Vector, register: str, lanes: int) -> list[str]:
    """A full vector cut into short ones."""
    parts = [range(start, start + lanes) for start in range(0, v.lanes, lanes)]
    return [shuffle(code, v, register, "poison", v.lanes, which) for which in parts]


def shuffle(code: Code, v: Vector, a: str, b: str, lanes: int, which: Iterable[int]) -> str:
    """The chosen values of two vectors."""
    kind = f"<{lanes} x {v.real}>"
    chosen = [f"i32 {k}" for k in which]
    return code(f"shufflevector {kind} {a}, {kind} {b}, <{len(chosen)} x i32> <{', '.join(chosen)}>")
