"""Copies between an array of structs and rows, as LLVM IR: whole vectors are transposed in registers.

    gather(base, stride, group, row, pitch, n)    `group` components side by side, of n events `stride` bytes apart, into
                                                  rows `pitch` bytes apart
    scatter(base, stride, group, row, pitch, n)   the reverse
"""

from __future__ import annotations

from dataclasses import dataclass

from symhep.targets.ircode import Code
from symhep.targets.llvm import Vector


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
        """Take as many components at a time as there are lanes, then half as many, and so on."""
        code = Code(f"internal void @{name}(ptr %base, i64 %stride, i64 %group, ptr %row, i64 %pitch, i64 %n) #0")
        done = code("alloca i64")
        code.store("0", done)
        whole = code.int("and", "%n", -self.v.lanes)
        chunk = self.v.lanes
        while chunk:
            with code.loop(code.load(done), code.int("sub", "%group", chunk - 1), chunk) as c:
                base = code.at("%base", code.int("mul", c, self.v.size))
                row = code.at("%row", code.int("mul", c, "%pitch"))
                if chunk > 1:
                    with code.loop(0, whole, self.v.lanes) as i:
                        self.transpose(code, chunk, base, row, i)
                self.one_by_one(code, chunk, base, row, whole if chunk > 1 else 0)
                code.store(code.int("add", c, chunk), done)
            chunk //= 2
        return code.end()

    def one_by_one(self, code: Code, chunk: int, base: str, row: str, start: int | str) -> None:
        """Copy the events from `start` on, value by value."""
        real = self.v.real
        with code.loop(start, "%n") as i:
            event = code.at(base, code.int("mul", i, "%stride"))
            for c, place in enumerate(self.rows(code, row, i, chunk)):
                pair = code.at(event, c * self.v.size), place
                source, target = pair if self.into_rows else pair[::-1]
                code.store(code.load(source, real), target, real)

    def rows(self, code: Code, row: str, i: str, chunk: int) -> list[str]:
        """Where the components of an event go."""
        places = [code.at(row, i, self.v.real)]
        for _ in range(chunk - 1):
            places.append(code.at(places[-1], "%pitch"))
        return places

    def transpose(self, code: Code, chunk: int, base: str, row: str, i: str) -> None:
        """Copy one vector of events."""
        v, piece = self.v, f"<{chunk} x {self.v.real}>"
        events = [code.at(base, code.int("mul", i, "%stride"))]
        for _ in range(v.lanes - 1):
            events.append(code.at(events[-1], "%stride"))
        rows = self.rows(code, row, i, chunk)
        if self.into_rows:
            pieces = [code.load(f"{e}, align {v.size}", piece) for e in events]
            flat = interleave(code, v, join(code, v, pieces, chunk), v.lanes)
            for value, r in zip(flat, rows, strict=True):
                code.store(value, f"{r}, align {v.bytes}", v.type)
        else:
            flat = interleave(code, v, [code.load(f"{r}, align {v.bytes}", v.type) for r in rows], chunk)
            for value, e in zip(split(code, v, flat, chunk), events, strict=True):
                code.store(value, f"{e}, align {v.size}", piece)


def interleave(code: Code, v: Vector, registers: list[str], times: int) -> list[str]:
    """Interleave the first half of all values with the second, log2(times) times.

    Each round moves the top bit of a value's index to the bottom; so many make a transposition.
    """
    half = len(registers) // 2
    first = [k // 2 + v.lanes * (k % 2) for k in range(v.lanes)]
    second = [k + v.lanes // 2 for k in first]
    while times > 1:
        pairs = [(registers[k], registers[k + half]) for k in range(half)]
        registers = [shuffle(code, v, a, b, v.lanes, which) for a, b in pairs for which in (first, second)]
        times //= 2
    return registers


def join(code: Code, v: Vector, pieces: list[str], lanes: int) -> list[str]:
    """Short vectors put together to full ones."""
    while lanes < v.lanes:
        pairs = zip(pieces[::2], pieces[1::2], strict=True)
        pieces = [shuffle(code, v, a, b, lanes, range(2 * lanes)) for a, b in pairs]
        lanes *= 2
    return pieces


def split(code: Code, v: Vector, registers: list[str], lanes: int) -> list[str]:
    """Full vectors cut into short ones."""
    if lanes == v.lanes:
        return registers
    parts = [range(start, start + lanes) for start in range(0, v.lanes, lanes)]
    return [shuffle(code, v, r, "poison", v.lanes, which) for r in registers for which in parts]


def shuffle(code: Code, v: Vector, a: str, b: str, lanes: int, which: list[int] | range) -> str:
    """The chosen values of two vectors."""
    kind = f"<{lanes} x {v.real}>"
    mask = ", ".join(f"i32 {k}" for k in which)
    return code(f"shufflevector {kind} {a}, {kind} {b}, <{len(which)} x i32> <{mask}>")
