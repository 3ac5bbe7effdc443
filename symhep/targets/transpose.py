"""Copies between an array of structs and rows, as LLVM IR: whole vectors are transposed in registers.

gather(base, stride, group, row, pitch, n)    `group` components side by side, of n events `stride` bytes apart,
                                              into rows `pitch` bytes apart
scatter(base, stride, group, row, pitch, n)   the reverse
"""

from __future__ import annotations

from dataclasses import dataclass

from symhep.targets.ircode import Code
from symhep.targets.llvm import Vector

LOADED, STORED = 16, 32  # bytes that are loaded and stored as one, by measurement


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
        """For each vector of events, take as many components as are loaded or stored as one, then half as many, ...

        In this order memory is read and written from one end to the other.
        """
        v = self.v
        code = Code(f"internal void @{name}(ptr %base, i64 %stride, i64 %group, ptr %row, i64 %pitch, i64 %n) #0")
        done = code("alloca i64")
        whole = code.int("and", "%n", -v.lanes)
        with code.loop(0, whole, v.lanes) as i:
            code.store("0", done)
            event, place = code.at("%base", code.int("mul", i, "%stride")), code.at("%row", i, v.real)
            chunk = min(v.lanes, (LOADED if self.into_rows else STORED) // v.size)
            while chunk:
                with code.loop(code.load(done), code.int("sub", "%group", chunk - 1), chunk) as c:
                    self.transpose(code, chunk, code.at(event, c, v.real), code.at(place, code.int("mul", c, "%pitch")))
                    code.store(code.int("add", c, chunk), done)
                chunk //= 2
        self.one_by_one(code, whole)
        return code.end()

    def one_by_one(self, code: Code, start: str) -> None:
        """Copy the events from `start` on, value by value."""
        v = self.v
        with code.loop(start, "%n") as i:
            event, place = code.at("%base", code.int("mul", i, "%stride")), code.at("%row", i, v.real)
            with code.loop(0, "%group") as c:
                pair = code.at(event, c, v.real), code.at(place, code.int("mul", c, "%pitch"))
                source, target = pair if self.into_rows else pair[::-1]
                code.store(code.load(source, v.real), target, v.real)

    def transpose(self, code: Code, chunk: int, event: str, place: str) -> None:
        """Copy `chunk` components of one vector of events.

        A register takes the components of every chunk-th event side by side; so many registers make square blocks.
        """
        v = self.v
        events, rows = [event], [place]
        for _ in range(v.lanes - 1):
            events.append(code.at(events[-1], "%stride"))
        for _ in range(chunk - 1):
            rows.append(code.at(rows[-1], "%pitch"))
        if self.into_rows:
            piece = f"<{chunk} x {v.real}>"
            pieces = [code.load(f"{e}, align {v.size}", piece) for e in events]
            registers = blocks_transposed(code, v, [join(code, v, pieces[k::chunk], chunk) for k in range(chunk)])
            for value, r in zip(registers, rows, strict=True):
                code.store(value, f"{r}, align {v.bytes}", v.type)
        else:
            registers = [code.load(f"{r}, align {v.bytes}", v.type) for r in rows]
            for k, register in enumerate(blocks_transposed(code, v, registers)):
                for value, e in zip(split(code, v, register, chunk), events[k::chunk], strict=True):
                    code.store(value, f"{e}, align {v.size}", f"<{chunk} x {v.real}>")


def blocks_transposed(code: Code, v: Vector, registers: list[str]) -> list[str]:
    """Transpose the square blocks that lie side by side in as many registers as a block has rows.

    Each round interleaves, block by block, the first half of the registers with the second.
    """
    size = len(registers)
    half = size // 2
    first = [b + k // 2 + v.lanes * (k % 2) for b in range(0, v.lanes, size) for k in range(size)]
    second = [k + half for k in first]
    for _ in range(size.bit_length() - 1):
        pairs = [(registers[k], registers[k + half]) for k in range(half)]
        registers = [shuffle(code, v, a, b, v.lanes, which) for a, b in pairs for which in (first, second)]
    return registers


def join(code: Code, v: Vector, pieces: list[str], lanes: int) -> str:
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


def shuffle(code: Code, v: Vector, a: str, b: str, lanes: int, which: list[int] | range) -> str:
    """The chosen values of two vectors."""
    kind = f"<{lanes} x {v.real}>"
    mask = ", ".join(f"i32 {k}" for k in which)
    return code(f"shufflevector {kind} {a}, {kind} {b}, <{len(which)} x i32> <{mask}>")
