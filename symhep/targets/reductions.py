"""Reductions over the batch, as LLVM functions beside those of the driver; `sums.py` has the same algorithm in Python.

    places(columns, from, first, job)       have the columns that are reduced written where their block is
    partials(b, n, job)                     reduce block b, which has n events: a pair of numbers for each reduction
    finish(partials, count, kind, result)   from the pairs of all blocks to the value

What is in a pair depends on the values of the block alone, neither on the threads nor on the width of vectors. `job`
points to the numbers of JOB; then follow, for each reduction, the position of its column and its kind, by KINDS.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Sequence

import numpy as np

from symhep.targets.ircode import Code
from symhep.targets.layout import LINE, Layout
from symhep.targets.llvm import Vector

BLOCK = 2048  # events
LANES = 16  # event i of a block is added to number i % LANES
PAIR = 16  # bytes
KINDS = ("batch_sum", "batch_max", "batch_min")

# What `reduce` is told: how many columns are reduced, where their blocks are and how far apart; how many reductions
# there are, where their partial results are, and how many blocks all events make
JOB = ("columns", "rows", "pitch", "count", "partials", "blocks")

_BEYOND = {"batch_max": "ogt", "batch_min": "olt"}


def functions(v: Vector, balance: bool) -> list[str]:
    """The texts of the functions.

    balance  whether adders and multipliers are distinct units, so that some additions are done by the multipliers
    """
    extremes = [_chain_extreme(kind) for kind in _BEYOND] + [_row_extreme(v, kind) for kind in _BEYOND]
    return [_chain_sum(), _row_sum(v, balance), *extremes, _finish(), _places(v), _partials(v)]


def _registers(v: Vector) -> tuple[int, str]:
    """How many vectors of doubles the LANES make, and their type."""
    lanes = v.lanes * v.size // 8
    return LANES // lanes, f"<{lanes} x double>"


def _add(type_: str, total: str, x: str, name: str, multiply: bool = False) -> list[str]:
    """%name.t = total + x and %name.e, what is lost by rounding (D. Knuth, TAOCP 2, 4.2.2).

    multiply  do half of it as fused products by %one and %minus: the same bits from other units
    """

    def either(op: str, a: str, b: str) -> str:
        if not multiply:
            return f"f{op} {type_} {a}, {b}"
        first, factor, last = (a, "%one", b) if op == "add" else (b, "%minus", a)
        lanes = type_.strip("<>").split(" ")[0]
        return f"call {type_} @llvm.fma.v{lanes}f64({type_} {first}, {type_} {factor}, {type_} {last})"

    return [
        f"%{name}.t = fadd {type_} {total}, {x}",
        f"%{name}.b = fsub {type_} %{name}.t, {total}",
        f"%{name}.u = fsub {type_} %{name}.t, %{name}.b",
        f"%{name}.v = {either('sub', total, f'%{name}.u')}",
        f"%{name}.w = {either('sub', x, f'%{name}.b')}",
        f"%{name}.e = {either('add', f'%{name}.v', f'%{name}.w')}",
    ]


def _factors(type_: str) -> list[str]:
    """%one and %minus, hidden from the compiler, which would make additions of the products."""
    lines = []
    for name in ("one", "minus"):
        lines += [
            f"%{name}.s = load double, ptr @{name}",
            f"%{name}.i = insertelement {type_} poison, double %{name}.s, i64 0",
            f"%{name} = shufflevector {type_} %{name}.i, {type_} poison, "
            f"<{type_.strip('<>').split(' ')[0]} x i32> zeroinitializer",
        ]
    return lines


def _loaded(v: Vector, k: int) -> list[str]:
    """%x{k}: the values of register k for the events from %i on, as doubles."""
    count, type_ = _registers(v)
    lanes = LANES // count
    lines = [
        f"%i{k} = add i64 %i, {k * lanes}",
        f"%p{k} = getelementptr {v.real}, ptr %row, i64 %i{k}",
    ]
    if v.real == "double":
        return [*lines, f"%x{k} = load {type_}, ptr %p{k}, align 8"]
    narrow = f"<{lanes} x float>"
    return [*lines, f"%f{k} = load {narrow}, ptr %p{k}, align 4", f"%x{k} = fpext {narrow} %f{k} to {type_}"]


def _row_sum(v: Vector, balance: bool) -> str:
    """The sum of n values, n a multiple of LANES, as a pair: sum and lost part."""
    count, type_ = _registers(v)
    size = 8 * LANES // count
    zero = "zeroinitializer"
    lines = ["@one = internal global double 1.0", "@minus = internal global double -1.0"] if balance else []
    lines += ["define internal void @row.batch_sum(ptr %row, i64 %n, ptr %out) #0 {", "entry:"]
    lines += _factors(type_) if balance else []
    lines += [f"%lanes = alloca [{2 * LANES} x double], align 64", "br label %loop", "loop:"]
    lines.append("%i = phi i64 [ 0, %entry ], [ %next, %loop ]")
    for k in range(count):
        lines.append(f"%s{k} = phi {type_} [ {zero}, %entry ], [ %a{k}.t, %loop ]")
        lines.append(f"%c{k} = phi {type_} [ {zero}, %entry ], [ %d{k}, %loop ]")
    for k in range(count):
        lines += _loaded(v, k) + _add(type_, f"%s{k}", f"%x{k}", f"a{k}", balance)
        lines.append(f"%d{k} = fadd {type_} %c{k}, %a{k}.e")
    lines += _again()
    for k in range(count):
        for name, start in ((f"%a{k}.t", 0), (f"%d{k}", 8 * LANES)):
            place = f"%q{k}.{start}"
            lines.append(f"{place} = getelementptr i8, ptr %lanes, i64 {start + k * size}")
            lines.append(f"store {type_} {name}, ptr {place}, align 8")
    lines.append(f"call void @chain.batch_sum(ptr %lanes, i64 {LANES}, i64 8, i64 {8 * LANES}, ptr %out)")
    return "\n".join([*lines, "ret void", "}"])


def _again() -> list[str]:
    return [
        f"%next = add i64 %i, {LANES}",
        "%more = icmp slt i64 %next, %n",
        "br i1 %more, label %loop, label %done",
        "done:",
    ]


def _chain_sum() -> str:
    """n pairs of sum and lost part, `step` bytes apart and the lost part `apart` from the sum, as one such pair."""
    lines = [
        "define internal void @chain.batch_sum(ptr %from, i64 %n, i64 %step, i64 %apart, ptr %out) #0 {",
        "entry:",
        "br label %head",
        "head:",
        "%i = phi i64 [ 0, %entry ], [ %next, %body ]",
        "%s = phi double [ 0.0, %entry ], [ %a.t, %body ]",
        "%c = phi double [ 0.0, %entry ], [ %d, %body ]",
        "%more = icmp slt i64 %i, %n",
        "br i1 %more, label %body, label %done",
        "body:",
        "%o = mul i64 %i, %step",
        "%p = getelementptr i8, ptr %from, i64 %o",
        "%q = getelementptr i8, ptr %p, i64 %apart",
        "%x = load double, ptr %p",
        "%y = load double, ptr %q",
        *_add("double", "%s", "%x", "a"),
        "%lost = fadd double %a.e, %y",
        "%d = fadd double %c, %lost",
        "%next = add i64 %i, 1",
        "br label %head",
        "done:",
        "%out.c = getelementptr i8, ptr %out, i64 8",
        "store double %s, ptr %out",
        "store double %c, ptr %out.c",
        "ret void",
        "}",
    ]
    return "\n".join(lines)


def _first(kind: str) -> str:
    """The extreme value of nothing."""
    return "0xFFF0000000000000" if kind == "batch_max" else "0x7FF0000000000000"


def _better(type_: str, kind: str, x: str, best: str, name: str) -> list[str]:
    """%name: x where it is beyond the best or NaN, else the best."""
    mask = "i1" if type_ == "double" else type_.replace("double", "i1")
    return [
        f"%{name}.b = fcmp {_BEYOND[kind]} {type_} {x}, {best}",
        f"%{name}.n = fcmp uno {type_} {x}, {x}",
        f"%{name}.m = or {mask} %{name}.b, %{name}.n",
        f"%{name} = select {mask} %{name}.m, {type_} {x}, {type_} {best}",
    ]


def _row_extreme(v: Vector, kind: str) -> str:
    """The largest or smallest of n values, n a multiple of LANES."""
    count, type_ = _registers(v)
    size = 8 * LANES // count
    first = f"<{', '.join([f'double {_first(kind)}'] * (LANES // count))}>"
    lines = [f"define internal void @row.{kind}(ptr %row, i64 %n, ptr %out) #0 {{", "entry:"]
    lines += [f"%lanes = alloca [{LANES} x double], align 64", "br label %loop", "loop:"]
    lines.append("%i = phi i64 [ 0, %entry ], [ %next, %loop ]")
    lines += [f"%s{k} = phi {type_} [ {first}, %entry ], [ %a{k}, %loop ]" for k in range(count)]
    for k in range(count):
        lines += _loaded(v, k) + _better(type_, kind, f"%x{k}", f"%s{k}", f"a{k}")
    lines += _again()
    for k in range(count):
        lines.append(f"%q{k} = getelementptr i8, ptr %lanes, i64 {k * size}")
        lines.append(f"store {type_} %a{k}, ptr %q{k}, align 8")
    lines.append(f"call void @chain.{kind}(ptr %lanes, i64 {LANES}, i64 8, ptr %out)")
    return "\n".join([*lines, "ret void", "}"])


def _chain_extreme(kind: str) -> str:
    """The largest or smallest of n values that are `step` bytes apart."""
    lines = [
        f"define internal void @chain.{kind}(ptr %from, i64 %n, i64 %step, ptr %out) #0 {{",
        "entry:",
        "br label %head",
        "head:",
        "%i = phi i64 [ 0, %entry ], [ %next, %body ]",
        f"%s = phi double [ {_first(kind)}, %entry ], [ %a, %body ]",
        "%more = icmp slt i64 %i, %n",
        "br i1 %more, label %body, label %done",
        "body:",
        "%o = mul i64 %i, %step",
        "%p = getelementptr i8, ptr %from, i64 %o",
        "%x = load double, ptr %p",
        *_better("double", kind, "%x", "%s", "a"),
        "%next = add i64 %i, 1",
        "br label %head",
        "done:",
        "store double %s, ptr %out",
        "ret void",
        "}",
    ]
    return "\n".join(lines)


def _finish() -> str:
    """A sum is its two parts together, or the first if that is infinite or NaN; an extreme of zero has no sign."""
    code = Code("void @finish(ptr %partials, i64 %count, i64 %kind, ptr %result) #0")
    pair = code("alloca [2 x double]")
    for number, kind in enumerate(KINDS):
        with code.when(code.test("eq", "%kind", number)):
            if kind != "batch_sum":
                code.do(f"call void @chain.{kind}(ptr %partials, i64 %count, i64 {PAIR}, ptr %result)")
                code.store(code(f"fadd double {code.load('%result', 'double')}, 0.0"), "%result", "double")
                continue
            code.do(f"call void @chain.{kind}(ptr %partials, i64 %count, i64 {PAIR}, i64 8, ptr {pair})")
            total = code.load(pair, "double")
            both = code(f"fadd double {total}, {code.load(code.at(pair, 8), 'double')}")
            known = code(f"fcmp ord double {both}, {both}")
            code.store(code(f"select i1 {known}, double {both}, double {total}"), "%result", "double")
    return code.end()


def _job(code: Code, name: str) -> str:
    return code.load(code.at("%job", 8 * JOB.index(name)))


def _places(v: Vector) -> str:
    """Put the columns that are reduced, from column `from` on, where event `first` is the first of the blocks."""
    code = Code("internal void @places(ptr %columns, i64 %from, i64 %first, ptr %job) #0")
    rows = code(f"inttoptr i64 {_job(code, 'rows')} to ptr")
    back = code.int("mul", "%first", -v.size)
    with code.loop(0, _job(code, "columns")) as j:
        row = code.at(rows, code.int("mul", j, _job(code, "pitch")))
        place = code.at("%columns", code.int("add", "%from", j), "{ ptr, i64 }")
        code.store(code.at(row, back), place, "ptr")
    return code.end()


def _partials(v: Vector) -> str:
    """The partial results of block b, which has n events: columns are padded with what changes nothing."""
    code = Code("internal void @partials(i64 %b, i64 %n, ptr %job) #0")
    whole = code.int("and", code.int("add", "%n", LANES - 1), -LANES)
    rows = code(f"inttoptr i64 {_job(code, 'rows')} to ptr")
    partials = code(f"inttoptr i64 {_job(code, 'partials')} to ptr")
    with code.loop(0, _job(code, "count")) as r:
        entry = code.at(code.at("%job", 8 * len(JOB)), code.int("mul", r, 16))
        row = code.at(rows, code.int("mul", code.load(entry), _job(code, "pitch")))
        kind = code.load(code.at(entry, 8))
        number = code.int("add", code.int("mul", r, _job(code, "blocks")), "%b")
        out = code.at(partials, code.int("mul", number, PAIR))
        for k, name in enumerate(KINDS):
            with code.when(code.test("eq", kind, k)):
                with code.loop("%n", whole) as i:
                    code.store("0.0" if name == "batch_sum" else _first(name), code.at(row, i, v.real), v.real)
                code.do(f"call void @row.{name}(ptr {row}, i64 {whole}, ptr {out})")
    return code.end()


# -- calling them ----------------------------------------------------------------------------------------------------


class Jobs:
    """What the threads of one call are told, and what they leave.

    columns  how many columns are reduced
    """

    def __init__(self, reductions: Sequence[tuple[int, str]], layout: Layout, events: int) -> None:
        self.kinds = [_NUMBER[name] for _, name in reductions]
        self.columns = 1 + max([position for position, _ in reductions], default=-1)
        self.blocks = -(-events // BLOCK)
        self.partials = array("d", bytes(PAIR * self.blocks * len(reductions)))
        self.pitch = BLOCK * layout.vector.size + LINE  # columns are not to fall on the same places of a cache
        self.tail = [x for (position, name) in reductions for x in (position, _NUMBER[name])]

    def job(self) -> array:
        """The numbers for one thread, with its own memory for a block of every column."""
        rows, partials = _memory(self.columns * self.pitch), self.partials.buffer_info()[0]
        return array("q", [self.columns, rows, self.pitch, len(self.kinds), partials, self.blocks, *self.tail])

    def finished(self, finish: Callable[..., None]) -> list[float]:
        """The values of all reductions, when all blocks are done."""
        results = array("d", bytes(8 * len(self.kinds)))
        partials, place = self.partials.buffer_info()[0], results.buffer_info()[0]
        for k, kind in enumerate(self.kinds):
            finish(partials + PAIR * self.blocks * k, self.blocks, kind, place + 8 * k)
        return list(results)


_NUMBER = {name: k for k, name in enumerate(KINDS)}
_local = threading.local()


def _memory(size: int) -> int:
    """The address of memory of this thread, at the start of a cache line; the next call may give the same."""
    if getattr(_local, "size", -1) < size:
        _local.memory = np.empty(size + LINE, np.uint8)
        address = _local.memory.ctypes.data
        _local.address, _local.size = address + -address % LINE, size
    return _local.address
