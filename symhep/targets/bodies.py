"""The functions that compute a block of events, and where they find their values.

A function gets the address of the scratch memory, which holds, in this order: the addresses of the input and output
columns; lists of the driver's; the values computed once per call; and rows of one block each, for copies of columns and
for values that pass from segment to segment. Rows are padded, so that they do not all fall on the same places of a
cache. Offsets are in bytes: event e of a column is at the column's address + e * size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from symhep.program import Program
from symhep.targets.llvm import Vector, constant, real_literal, rescue_function, text, vector, weight
from symhep.targets.segments import Line, Segment, Straight, cuts, results, segment, straighten

LIMIT = 2000  # instructions in a segment
LINE = 64  # bytes of a cache line
LIST_BYTES = 40  # of the driver's lists, for each column
CACHE = 1 << 18  # bytes that the rows should not exceed: they are to stay in the second-level cache


# Columns are fetched this many bytes ahead: hardware stops at the end of each page, and there are many columns
SLOW = 8  # operations in the time of a division or root
WORTH = 1.2  # times as many additions as multiplications make it worth while to have some done by the multipliers
AHEAD = 1024

@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in the scratch memory, in bytes."""

    vector: Vector
    inputs: int
    outputs: int
    slots: int
    rows: int

    @property
    def events(self) -> int:
        """Events of a block."""
        return 128 if (self.inputs + self.outputs + self.rows) * 128 * self.vector.size <= CACHE else 64

    @property
    def list_base(self) -> int:
        return _up(8 * (self.inputs + self.outputs))

    @property
    def slot_base(self) -> int:
        return self.list_base + _up(LIST_BYTES * (self.inputs + self.outputs))

    @property
    def row_base(self) -> int:
        return self.slot_base + _up(self.vector.size * self.slots)

    @property
    def row_bytes(self) -> int:
        return self.events * self.vector.size + LINE

    @property
    def total(self) -> int:
        """Bytes of the whole; its start is to be a multiple of LINE."""
        return self.stage_base + self.outputs * self.events * self.vector.size

    @property
    def stage_base(self) -> int:
        """Where outputs are put together as structs."""
        return self.row(self.inputs + self.outputs + self.rows)

    def row(self, k: int) -> int:
        """Where row k starts: inputs, then outputs, then values between segments."""
        return self.row_base + k * self.row_bytes

    def slot(self, k: int) -> int:
        """Where value k of those that are computed once per call is."""
        return self.slot_base + k * self.vector.size


def _up(n: int) -> int:
    return -(-n // LINE) * LINE


@dataclass(slots=True)
class Plan:
    """How a program becomes functions."""

    straight: Straight
    once: list[Segment]
    each: list[Segment]
    slots: dict[int, int]
    layout: Layout
    columns: dict[int, int]


def plan(straight: Straight, v: Vector) -> Plan:
    """Cut the work into functions and lay out the scratch memory."""
    each, rows = segment(straight, lambda line: weight(line, v), LIMIT)
    once = [Segment(straight.once[a:b]) for a, b in cuts(straight.once, lambda line: weight(line, v), LIMIT)]
    slots = _slots(straight, once)
    layout = Layout(v, len(straight.inputs), len(straight.outputs), len(slots), rows)
    return Plan(straight, once, each, slots, layout, {number: k for k, number in enumerate(straight.inputs)})


def _slots(straight: Straight, once: list[Segment]) -> dict[int, int]:
    """A slot for every value that is computed once per call and used outside its function."""
    made = {r: k for k, s in enumerate(once) for line in s.lines for r in results(line)}
    used = [a for line in straight.each for a in line.args if a in made]
    used += [a for k, s in enumerate(once) for line in s.lines for a in line.args if made.get(a, k) != k]
    used += [a for a in straight.outputs if a in made]
    return {number: k for k, number in enumerate(dict.fromkeys(used))}


def emit(program: Program, dtype: np.dtype, width: int, balance: bool = False) -> tuple[str, Layout]:
    """The text of a module with the functions `once` and `each`, and what is where in the scratch memory.

    Both take its address; `each` also where in the columns its events begin and end; rows begin at the first of them.

    width    doubles in a vector register
    balance  whether adders and multipliers are distinct units, so that work is to be shared out between them
    """
    v = vector(dtype, width)
    p = plan(straighten(program), v)
    once = [_Once(p, s, balance).function(f"once.{k}") for k, s in enumerate(p.once)]
    each = [_Each(p, s, balance).function(f"each.{k}") for k, s in enumerate(p.each)]
    rescues = sorted(set(re.findall(r"@(rescue\.\w+\.\d)", "".join(once + each))))
    parts = [
        f"@one = internal global {v.real} {real_literal(1.0, v.real)[len(f'splat ({v.real} ') : -1]}",
        *once,
        *each,
        _calls("once", len(once), ""),
        _calls("each", len(each), ", i64 %from, i64 %to"),
        *[rescue_function(name, v) for name in rescues],
        'attributes #0 = { nounwind alignstack=64 }',
        'attributes #1 = { cold noinline nounwind }',
        '!0 = !{!"branch_weights", i32 1, i32 1000000}',
        "!1 = !{}",
    ]
    return "\n".join(parts) + "\n", p.layout


def _calls(name: str, count: int, more: str) -> str:
    """The function that calls all segments."""
    calls = [f"call void @{name}.{k}(ptr %s{more})" for k in range(count)]
    return "\n".join([f"define void @{name}(ptr %s{more}) #0 {{", *calls, "ret void", "}"])


@lru_cache(maxsize=None)
def _units(op: str, v: Vector) -> tuple[int, int]:
    """How long an operation keeps the adders and the multipliers busy, in operations."""
    form = text(op, v)
    slow = form.count(" fdiv ") + form.count("llvm.sqrt")
    return form.count(" fadd ") + form.count(" fsub "), form.count(" fmul ") + form.count("llvm.fma") + SLOW * slow


@dataclass(slots=True)
class _Writer:
    """Writes the lines of one segment."""

    plan: Plan
    segment: Segment
    balance: bool
    lines: list[str] = field(default_factory=list)
    operand: dict[int, str] = field(default_factory=dict)
    label: str = "loop"
    share: float = 0.0
    owed: float = 0.0

    def write(self) -> None:
        if self.balance:
            units = [_units(line.op, self.plan.layout.vector) for line in self.segment.lines]
            adders, multipliers = (sum(u) for u in zip(*units)) if units else (0, 0)
            self.share = (adders - multipliers) / (2 * adders) if adders > WORTH * multipliers else 0.0
        for line in self.segment.lines:
            self._line(line)

    def _line(self, line: Line) -> None:
        name = f"v{line.result}"
        args = [self.operand.get(a) or self.value(a) for a in line.args]
        form = text(self._choose(line.op), self.plan.layout.vector)
        written = form.format(*args, l=name)
        self.lines.append(written)
        if ".done:" in written:
            self.label = written[: written.rindex(".done:")].rpartition("\n")[2] + ".done"
        self.operand[line.result] = f"%{name}"
        if line.op == "sincos":
            self.operand[line.result + 1] = f"%{name}.second"
        for number in results(line):
            self.made(number)

    def _choose(self, op: str) -> str:
        """Have so many additions done by the multipliers that both have the same to do."""
        if self.share and op in ("add", "sub"):
            self.owed += self.share
            if self.owed >= 1:
                self.owed -= 1
                return f"{op}_fma"
        return op

    def value(self, number: int) -> str:
        """The operand for a value that is not there yet."""
        straight, v = self.plan.straight, self.plan.layout.vector
        if number in straight.constants:
            found = constant(straight.constants[number], v)
        else:
            found = self.fetch(number)
            if number in straight.truth:
                self.lines.append(text("to_bool", v).format(found, l=f"b{number}"))
                found = f"%b{number}"
        self.operand[number] = found
        return found

    def fetch(self, number: int) -> str:
        """Read a value from memory, truth values as 0 and 1."""
        p = self.plan
        if number in p.slots:
            return self._spread(number, self.at("%s", p.layout.slot(p.slots[number]), f"p{number}"))
        if number in p.straight.parameters:
            return self._spread(number, self._column(p.columns[number]))
        raise KeyError(f"value {number} is used before it is made")

    def at(self, base: str, offset: int | str, name: str) -> str:
        """An address."""
        self.lines.append(f"%{name} = getelementptr i8, ptr {base}, i64 {offset}")
        return f"%{name}"

    def _spread(self, number: int, address: str) -> str:
        """A value from memory in all lanes."""
        v = self.plan.layout.vector
        self.lines += [
            f"%s{number} = load {v.real}, ptr {address}",
            f"%i{number} = insertelement {v.type} poison, {v.real} %s{number}, i64 0",
            f"%x{number} = shufflevector {v.type} %i{number}, {v.type} poison, <{v.lanes} x i32> zeroinitializer",
        ]
        return f"%x{number}"

    def _column(self, k: int) -> str:
        """The address of the block's part of a column."""
        place = self.at("%s", 8 * k, f"t{k}")
        self.lines.append(f"%c{k} = load ptr, ptr {place}, !invariant.load !1")
        return f"%c{k}"

    def real(self, number: int) -> str:
        """A value as it is in memory."""
        found = self.operand.get(number) or self.value(number)
        if number not in self.plan.straight.truth:
            return found
        name = f"r{len(self.lines)}"
        self.lines.append(text("to_real", self.plan.layout.vector).format(found, l=name))
        return f"%{name}"

    def made(self, number: int) -> None:
        """Called when a value has been computed."""

    def one(self) -> list[str]:
        """The number one, hidden from the compiler."""
        if not any("%one" in line for line in self.lines):
            return []
        v = self.plan.layout.vector
        return [
            f"%one.s = load {v.real}, ptr @one",
            f"%one.i = insertelement {v.type} poison, {v.real} %one.s, i64 0",
            f"%one = shufflevector {v.type} %one.i, {v.type} poison, <{v.lanes} x i32> zeroinitializer",
        ]

    def entry(self) -> list[str]:
        slots = ["%slots = alloca [4 x [64 x i8]], align 64"] if any("%slots" in line for line in self.lines) else []
        return ["entry:", *slots, "br label %loop", "loop:"]


class _Once(_Writer):
    """Work that is done once per call: on vectors too, so that it gives the same bits, but one value is kept."""

    def function(self, name: str) -> str:
        self.write()
        head = f"define internal void @{name}(ptr %s) #0 {{"
        return "\n".join([head, *self.entry(), *self.one(), *self.lines, "ret void", "}"])

    def made(self, number: int) -> None:
        if number in self.plan.slots:
            layout = self.plan.layout
            value, place = self.real(number), self.at("%s", layout.slot(self.plan.slots[number]), f"o{number}")
            self.lines.append(f"%e{number} = extractelement {layout.vector.type} {value}, i64 0")
            self.lines.append(f"store {layout.vector.real} %e{number}, ptr {place}")


class _Each(_Writer):
    """Work that is done for every event: a loop over the vectors of a block."""

    def function(self, name: str) -> str:
        self.write()
        made = {r for line in self.segment.lines for r in results(line)}
        for number, columns in self.segment.stores.items():
            if number not in made:
                self._store(number, columns)
        step = self.plan.layout.vector.bytes
        return "\n".join(
            [
                f"define internal void @{name}(ptr %s, i64 %from, i64 %to) #0 {{",
                *self.entry(),
                f"%o = phi i64 [ %from, %entry ], [ %next, %{self.label} ]",
                "%done = sub i64 %o, %from",
                "%row = getelementptr i8, ptr %s, i64 %done",
                *self.one(),
                *self.lines,
                f"%next = add i64 %o, {step}",
                "%more = icmp slt i64 %next, %to",
                "br i1 %more, label %loop, label %out",
                "out:",
                "ret void",
                "}",
            ]
        )

    def fetch(self, number: int) -> str:
        straight, layout = self.plan.straight, self.plan.layout
        row = self.segment.loads.get(number)
        if row is not None:
            place = self.at("%row", layout.row(layout.inputs + layout.outputs + row), f"p{number}")
            align = layout.vector.bytes
        elif number in self.plan.columns and number not in straight.parameters:
            place = self.at(self._column(self.plan.columns[number]), "%o", f"p{number}")
            ahead = self.at(place, AHEAD, f"a{number}")
            self.lines.append(f"call void @llvm.prefetch.p0(ptr {ahead}, i32 0, i32 3, i32 1)")
            align = layout.vector.size
        else:
            return super(_Each, self).fetch(number)
        self.lines.append(f"%x{number} = load {layout.vector.type}, ptr {place}, align {align}")
        return f"%x{number}"

    def made(self, number: int) -> None:
        layout = self.plan.layout
        row = self.segment.saves.get(number)
        if row is not None:
            value = self.real(number)
            place = self.at("%row", layout.row(layout.inputs + layout.outputs + row), f"q{number}")
            self.lines.append(f"store {layout.vector.type} {value}, ptr {place}, align {layout.vector.bytes}")
        if number in self.segment.stores:
            self._store(number, self.segment.stores[number])

    def _store(self, number: int, columns: list[int]) -> None:
        v = self.plan.layout.vector
        value = self.real(number)
        for k in columns:
            place = self.at(self._column(self.plan.layout.inputs + k), "%o", f"y{k}")
            self.lines.append(f"store {v.type} {value}, ptr {place}, align {v.size}")
