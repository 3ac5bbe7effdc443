"""The functions that compute a block of events; what they find in memory, and where, is told in layout.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np

from symhep.program import Program
from symhep.targets.layout import AHEAD, Layout
from symhep.targets.llvm import Vector, careful_function, constant, real_literal, table_constant, text, vector, weight
from symhep.targets.recompute import recompute
from symhep.targets.rescues import rescue_function
from symhep.targets.segments import Line, Segment, Straight, alive, cuts, results, segment, straighten
from symhep.targets.structs import Group, Reader

LIMIT = 8000  # instructions in a segment
CROWDED = 1000, 1500  # from so many values alive at a time, so many: registers are allocated in more than linear time
SLOW = 8  # operations in the time of a division or root
# Scheduled as for a core that runs instructions in order, code keeps fewer values waiting in the queues of these
# processors' units: 4 to 8 % faster on bodies of 500 to 5000 operations.
IN_ORDER = '"tune-cpu"="atom"'
WORTH = 1.2  # times as many additions as multiplications make it worth while to have some done by the multipliers


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
    most, shorter = CROWDED
    limit = LIMIT if max(alive(straight.each), default=0) < most else min(LIMIT, shorter)
    each, rows = segment(straight, lambda line: weight(line, v), limit, recompute)
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


def emit(
    program: Program,
    dtype: np.dtype,
    width: int,
    balance: bool = False,
    structs: tuple[Group, ...] = (),
    special: str = "",
) -> tuple[str, Layout]:
    """The text of a module with the functions `once` and `each`, and what is where in the scratch memory.

    Both take its address; `each` also where in the columns its events begin and end; rows begin at the first of them.

    width    doubles in a vector register
    balance  whether adders and multipliers are distinct units, so that work is to be shared out between them
    structs  if any, the module has instead only `direct`, which is `each` for inputs in these arrays; its first event
             is that at the beginning of the columns, and the program has to be short enough for one function
    special  "avx512" or "avx2" where there are these instructions
    """
    v = vector(dtype, width, special)
    p = plan(straighten(program), v)
    once = [] if structs else [_Once(p, s, balance, True).function(f"once.{k}") for k, s in enumerate(p.once)]
    each = [_Each(p, s, balance, structs=structs).function(f"each.{k}") for k, s in enumerate(p.each)]
    again = [k for k, function in enumerate(each) if ".careful(" in function]
    careful = [_Careful(p, p.each[k], False, True, structs).function(f"each.{k}.careful") for k in again]
    elementary = [
        careful_function(op, v) for op in sorted(set(re.findall(r"@careful\.(\w+)", "".join(once + careful))))
    ]
    rescues = sorted(set(re.findall(r"@(rescue\.\w+\.\d)", "".join(elementary))))
    tables = sorted(set(re.findall(r"@(lookup\.\w+\.\w+)", "".join(once + each + careful + elementary))))
    parts = [
        f"@one = internal global {v.real} {real_literal(1.0, v.real)[len(f'splat ({v.real} ') : -1]}",
        *[table_constant(name) for name in tables],
        *once,
        *each,
        *careful,
        *elementary,
        *([] if structs else [_calls("once", "once", len(once), "")]),
        _calls("direct" if structs else "each", "each", len(each), ", i64 %from, i64 %to"),
        *[rescue_function(name, v) for name in rescues],
        f"attributes #0 = {{ nounwind alignstack=64 {IN_ORDER if balance else ''}}}",
        "attributes #1 = { cold noinline nounwind }",
        "attributes #2 = { cold noinline nounwind alignstack=64 }",
        '!0 = !{!"branch_weights", i32 1, i32 1000000}',
        "!1 = !{}",
    ]
    return "\n".join(parts) + "\n", p.layout


def _calls(name: str, segments: str, count: int, more: str) -> str:
    """The function that calls all segments."""
    calls = [f"call void @{segments}.{k}(ptr %s{more})" for k in range(count)]
    return "\n".join([f"define void @{name}(ptr %s{more}) #0 {{", *calls, "ret void", "}"])


@cache
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
    careful: bool = False
    structs: tuple[Group, ...] = ()
    lines: list[str] = field(default_factory=list)
    operand: dict[int, str] = field(default_factory=dict)
    far: str = ""
    share: float = 0.0
    owed: float = 0.0
    chores: list[Callable[[], None]] = field(default_factory=list)
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = Reader(self.structs, self.plan.layout, self.lines)

    def write(self) -> None:
        if self.balance:
            units = [_units(line.op, self.plan.layout.vector) for line in self.segment.lines]
            adders, multipliers = (sum(u) for u in zip(*units)) if units else (0, 0)
            self.share = (adders - multipliers) / (2 * adders) if adders > WORTH * multipliers else 0.0
        apart = max(1, len(self.segment.lines) // (len(self.chores) + 1))
        for k, line in enumerate(self.segment.lines):
            if self.chores and k % apart == 0:
                self.chores.pop(0)()
            self._line(line)
        for chore in self.chores:
            chore()

    def _line(self, line: Line) -> None:
        name = f"v{line.result}"
        args = [self.operand.get(a) or self.value(a) for a in line.args]
        written = text(self._choose(line.op), self.plan.layout.vector, self.careful).format(*args, l=name)
        self.lines.append(written)
        if f"%{name}.far =" in written:
            self._add_far(name)
        self.operand[line.result] = f"%{name}"
        if line.op == "sincos":
            self.operand[line.result + 1] = f"%{name}.second"
        for number in results(line):
            self.made(number)

    def _add_far(self, name: str) -> None:
        """Note that the function has to be computed again, with care, if any value is in a mask."""
        if self.far:
            self.lines.append(f"%{name}.all = or <{self.plan.layout.vector.lanes} x i1> {self.far}, %{name}.far")
        self.far = f"%{name}.all" if self.far else f"%{name}.far"

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


class _Once(_Writer):
    """Work that is done once per call: on vectors too, so that it gives the same bits, but one value is kept."""

    def function(self, name: str) -> str:
        self.write()
        head = f"define internal void @{name}(ptr %s) #0 {{"
        return "\n".join([head, *self.one(), *self.lines, "ret void", "}"])

    def made(self, number: int) -> None:
        if number in self.plan.slots:
            layout = self.plan.layout
            value, place = self.real(number), self.at("%s", layout.slot(self.plan.slots[number]), f"o{number}")
            self.lines.append(f"%e{number} = extractelement {layout.vector.type} {value}, i64 0")
            self.lines.append(f"store {layout.vector.real} %e{number}, ptr {place}")


class _Each(_Writer):
    """Work that is done for every event: a loop over the vectors of a block."""

    def function(self, name: str) -> str:
        self.reader.before()
        entry = self.lines[:]
        self.lines.clear()
        self.reader.then()
        self._chores()
        self._write_all()
        return "\n".join(
            [
                f"define internal void @{name}(ptr %s, i64 %from, i64 %to) #0 {{",
                "entry:",
                *entry,
                "br label %loop",
                "loop:",
                "%o = phi i64 [ %from, %entry ], [ %next, %step ]",
                "%done = sub i64 %o, %from",
                "%row = getelementptr i8, ptr %s, i64 %done",
                *self.one(),
                *self.lines,
                *(self._check(name) if self.far else ["br label %step"]),
                "step:",
                f"%next = add i64 %o, {self.plan.layout.vector.bytes}",
                "%more = icmp slt i64 %next, %to",
                "br i1 %more, label %loop, label %out",
                "out:",
                "ret void",
                "}",
            ]
        )

    def _chores(self) -> None:
        """What is done for later events: memory is fetched ahead, of columns by the first function."""
        copied, fetched = self.reader.chores(), list[Callable[[], None]]()
        if self.segment is self.plan.each[0]:
            inputs, parameters = self.plan.columns, self.plan.straight.parameters
            elsewhere = self.reader.inside | self.reader.single
            places = [k for number, k in inputs.items() if number not in parameters and k not in elsewhere]
            places += range(len(inputs), len(inputs) + self.plan.layout.outputs)
            fetched = [partial(self._fetch_ahead, k) for k in places]
        evenly = [(k / len(c), chore) for c in (copied, fetched) for k, chore in enumerate(c)]
        self.chores = [chore for _, chore in sorted(evenly, key=lambda e: e[0])]

    def _write_all(self) -> None:
        """All lines, and the outputs that no line makes."""
        self.write()
        made = {r for line in self.segment.lines for r in results(line)}
        for number, columns in self.segment.stores.items():
            if number not in made:
                self._store(number, columns)

    def _check(self, name: str) -> list[str]:
        """Have a vector computed again if it needs care: a call in the midst of the work would spoil all registers."""
        lanes = self.plan.layout.vector.lanes
        return [
            f"%far = bitcast <{lanes} x i1> {self.far} to i{lanes}",
            f"%any = icmp ne i{lanes} %far, 0",
            "br i1 %any, label %again, label %step, !prof !0",
            "again:",
            f"call void @{name}.careful(ptr %s, i64 %from, i64 %o)",
            "br label %step",
        ]

    def _fetch_ahead(self, k: int) -> None:
        """Ask for the memory of a column of later events: hardware does not foresee where many columns go on."""
        place = self.at("%s", 8 * k, f"a{k}")
        self.lines += [
            f"%a{k}.c = load ptr, ptr {place}, !invariant.load !1",
            f"%a{k}.o = getelementptr i8, ptr %a{k}.c, i64 %o",
            f"%a{k}.q = getelementptr i8, ptr %a{k}.o, i64 {AHEAD}",
            f"call void @llvm.prefetch.p0(ptr %a{k}.q, i32 0, i32 2, i32 1)",
        ]

    def fetch(self, number: int) -> str:
        straight, layout = self.plan.straight, self.plan.layout
        row = self.segment.loads.get(number)
        if row is not None:
            place = self.at("%row", layout.row(layout.inputs + layout.outputs + row), f"p{number}")
            align = layout.vector.bytes
        elif number in self.plan.columns and number not in straight.parameters:
            k = self.plan.columns[number]
            if k in self.reader.single:
                return self._spread(number, self._column(k))
            inside = k in self.reader.inside
            place = self.reader.place(k) if inside else self.at(self._column(k), "%o", f"p{number}")
            align = layout.vector.bytes if inside else layout.vector.size
        else:
            return super().fetch(number)
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


class _Careful(_Each):
    """The same for one vector, with branches to libm where they are needed."""

    def function(self, name: str) -> str:
        self.reader.now()
        self._write_all()
        return "\n".join(
            [
                f"define internal void @{name}(ptr %s, i64 %from, i64 %o) #2 {{",
                "%done = sub i64 %o, %from",
                "%row = getelementptr i8, ptr %s, i64 %done",
                *self.one(),
                *self.lines,
                "ret void",
                "}",
            ]
        )
