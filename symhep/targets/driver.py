"""The driver: LLVM functions that feed blocks of events to a kernel. They are the same for all kernels of a vector type.

    run(kernel, columns, scratch, start, stop, how)   events start .. stop of columns, each given by address and stride
    small(kernel, scratch, n)                         up to a block of events whose inputs are in the rows of the scratch

`kernel` points to the numbers of FIELDS. Columns that are contiguous are read and written in place. The others are
copied block by block into rows: neighbouring components of an array of structs together, transposed in registers.
Events at the end that do not fill a block go through rows too, padded to whole vectors, so that a result never
depends on an event's position. A column of stride 0 is one value for all events; parameters must be given so.
`run` allocates scratch memory itself if it is given none. `how` is 0, VIA_ROWS or STREAM: contiguous outputs too are
written to rows and copied from there, in the second case past the caches.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from symhep.targets.ircode import Code
from symhep.targets.llvm import Vector
from symhep.targets.transpose import gather, move, scatter, stream

# What the driver knows of a kernel: sizes and places in the scratch memory (bodies.Layout), its two functions,
# and where the C library is: modules have no undefined symbols, so that they can be linked anywhere
FIELDS = ("inputs", "outputs", "events", "row_base", "row_bytes", "total", "once", "each", "malloc", "free")

VIA_ROWS, STREAM = 1, 2
ALL = 4  # inputs go through rows too: the events at the end

_PART = "ptr %k, ptr %columns, ptr %s, i64 %first, i64 %n, i64 %how"


def driver(v: Vector) -> str:
    """The text of the module."""
    return "\n".join(
        [
            gather(v),
            scatter(v),
            move(v),
            stream(v),
            *(part(v) for part in (_pad, _compute, _small, _fill, _group, _copy_in, _copy_out, _part, _run)),
            "attributes #0 = { nounwind }",
            "!0 = !{i32 1}",
            "",
        ]
    )


def _field(code: Code, name: str) -> str:
    """A number of the kernel."""
    return code.load(code.at("%k", 8 * FIELDS.index(name)))


def _function(code: Code, name: str) -> str:
    """A function of the kernel."""
    return code(f"inttoptr i64 {_field(code, name)} to ptr")


def _row(code: Code, j: str) -> str:
    """The address of a row."""
    return code.at(code.at("%s", _field(code, "row_base")), code.int("mul", j, _field(code, "row_bytes")))


def _columns(code: Code) -> str:
    """How many columns there are, inputs and outputs."""
    return code.int("add", _field(code, "inputs"), _field(code, "outputs"))


def _whole_vectors(code: Code, v: Vector, n: str) -> str:
    return code.int("and", code.int("add", n, v.lanes - 1), -v.lanes)


def _set_column(code: Code, j: str, address: str) -> None:
    """Tell the kernel where a column of the block is."""
    code.store(address, code.at("%s", j, "ptr"), "ptr")


def _column(code: Code, j: str) -> tuple[str, str]:
    """Address and stride of a whole column."""
    place = code.at("%columns", j, "{ ptr, i64 }")
    return code.load(place, "ptr"), code.load(code.at(place, 8))


def _in_place(code: Code, v: Vector, stride: str, rows: str) -> str:
    """Whether a column is used where it is: it is contiguous, and `how` has none of the flags `rows`."""
    direct = code.test("eq", code.int("and", "%how", rows), 0)
    return code(f"and i1 {code.test('eq', stride, v.size)}, {direct}")


def _pad(v: Vector) -> str:
    """Repeat the last of n events in the rows of the inputs until they fill whole vectors."""
    code = Code("internal void @pad(ptr %k, ptr %s, i64 %n) #0")
    whole = _whole_vectors(code, v, "%n")
    last = code.int("sub", "%n", 1)
    with code.loop(0, _field(code, "inputs")) as j:
        row = _row(code, j)
        value = code.load(code.at(row, last, v.real), v.real)
        with code.loop("%n", whole) as i:
            code.store(value, code.at(row, i, v.real), v.real)
    return code.end()


def _compute(v: Vector) -> str:
    """Run the kernel on n events."""
    code = Code("internal void @compute(ptr %k, ptr %s, i64 %n) #0")
    size = code.int("mul", _whole_vectors(code, v, "%n"), v.size)
    code.do(f"call void {_function(code, 'each')}(ptr %s, i64 {size})")
    return code.end()


def _small(v: Vector) -> str:
    code = Code("void @small(ptr %k, ptr %s, i64 %n) #0")
    with code.loop(0, _columns(code)) as j:
        _set_column(code, j, _row(code, j))
    code.do("call void @pad(ptr %k, ptr %s, i64 %n)")
    code.do(f"call void {_function(code, 'once')}(ptr %s)")
    code.do("call void @compute(ptr %k, ptr %s, i64 %n)")
    return code.end()


def _fill(v: Vector) -> str:
    """Fill the rows of the inputs that are one value for all events."""
    code = Code("internal void @fill(ptr %k, ptr %columns, ptr %s, i64 %n) #0")
    whole = _whole_vectors(code, v, "%n")
    count = code(f"call i64 @llvm.smin.i64(i64 {whole}, i64 {_field(code, 'events')})")
    with code.loop(0, _field(code, "inputs")) as j:
        base, stride = _column(code, j)
        with code.when(code.test("eq", stride, 0)):
            row = _row(code, j)
            _set_column(code, j, row)
            value = code.load(base, v.real)
            with code.loop(0, count) as i:
                code.store(value, code.at(row, i, v.real), v.real)
    return code.end()


def _group(v: Vector) -> str:
    """How many columns from j on are neighbouring components of one array of structs."""
    code = Code("internal i64 @group(ptr %columns, i64 %j, i64 %end) #0")
    base, stride = _column(code, "%j")
    count = code("alloca i64")
    code.store("1", count)
    single = code(f"or i1 {code.test('eq', stride, 0)}, {code.test('eq', stride, v.size)}")
    end = code(f"select i1 {single}, i64 %j, i64 %end")
    with code.loop(code.int("add", "%j", 1), end) as k:
        other, other_stride = _column(code, k)
        steps = code.int("sub", k, "%j")
        expected = code.at(base, code.int("mul", steps, v.size))
        same = code(f"and i1 {code(f'icmp eq ptr {other}, {expected}')}, {code.test('eq', stride, other_stride)}")
        same = code(f"and i1 {same}, {code.test('eq', steps, code.load(count))}")
        code.store(code.int("add", code.load(count), code(f"zext i1 {same} to i64")), count)
    return code.end(f"i64 {code.load(count)}")


def _copy_in(v: Vector) -> str:
    """Copy those input columns into rows that are not used in place; those of stride 0 are there already."""
    code = Code(f"internal void @copy_in({_PART}) #0")
    with _each_group(code, "0", _field(code, "inputs")) as (j, base, stride, group):
        skip = code(f"or i1 {_in_place(code, v, stride, ALL)}, {code.test('eq', stride, 0)}")
        with code.when(code(f"xor i1 {skip}, true")):
            contiguous = code.test("eq", stride, v.size)
            with code.when(contiguous):
                code.do(f"call void @move(ptr {_row(code, j)}, ptr {base}, i64 %n)")
            with code.when(code(f"xor i1 {contiguous}, true")):
                rows = f"ptr {_row(code, j)}, i64 {_field(code, 'row_bytes')}"
                code.do(f"call void @gather(ptr {base}, i64 {stride}, i64 {group}, {rows}, i64 %n)")
    return code.end()


def _copy_out(v: Vector) -> str:
    """Copy those output columns out of rows that are not written in place."""
    code = Code(f"internal void @copy_out({_PART}) #0")
    streaming = code.test("ne", code.int("and", "%how", STREAM), 0)
    copy = code(f"select i1 {streaming}, ptr @stream, ptr @move")
    with _each_group(code, _field(code, "inputs"), _columns(code)) as (j, base, stride, group):
        with code.when(code(f"xor i1 {_in_place(code, v, stride, ALL | VIA_ROWS | STREAM)}, true")):
            contiguous = code.test("eq", stride, v.size)
            with code.when(contiguous):
                code.do(f"call void {copy}(ptr {base}, ptr {_row(code, j)}, i64 %n)")
            with code.when(code(f"xor i1 {contiguous}, true")):
                rows = f"ptr {_row(code, j)}, i64 {_field(code, 'row_bytes')}"
                code.do(f"call void @scatter(ptr {base}, i64 {stride}, i64 {group}, {rows}, i64 %n)")
    return code.end()


@contextmanager
def _each_group(code: Code, begin: str, end: str) -> Iterator[tuple[str, str, str, str]]:
    """Go through the columns, neighbouring components together: the first, where the block starts, stride, how many."""
    now = code("alloca i64")
    code.store(begin, now)
    with code.loop(begin, end):
        j = code.load(now)
        with code.when(code.test("slt", j, end)):
            base, stride = _column(code, j)
            group = code(f"call i64 @group(ptr %columns, i64 {j}, i64 {end})")
            code.store(code.int("add", j, group), now)
            yield j, code.at(base, code.int("mul", "%first", stride)), stride, group


def _part(v: Vector) -> str:
    """n events from `first` on."""
    code = Code(f"internal void @part({_PART}) #0")
    inputs = _field(code, "inputs")
    _set_columns(code, v, "0", inputs, ALL)
    _set_columns(code, v, inputs, _columns(code), ALL | VIA_ROWS | STREAM)
    code.do(f"call void @copy_in({_PART})")
    with code.when(code.test("ne", code.int("and", "%how", ALL), 0)):
        code.do("call void @pad(ptr %k, ptr %s, i64 %n)")
    code.do("call void @compute(ptr %k, ptr %s, i64 %n)")
    code.do(f"call void @copy_out({_PART})")
    return code.end()


def _set_columns(code: Code, v: Vector, begin: str, end: str, rows: int) -> None:
    """Tell the kernel of each column whether it is in place or in a row."""
    with code.loop(begin, end) as j:
        base, stride = _column(code, j)
        start = code.at(base, code.int("mul", "%first", stride))
        place = code(f"select i1 {_in_place(code, v, stride, rows)}, ptr {start}, ptr {_row(code, j)}")
        _set_column(code, j, place)


def _run(v: Vector) -> str:
    code = Code("void @run(ptr %k, ptr %columns, ptr %given, i64 %start, i64 %stop, i64 %how) #0")
    own = code("icmp eq ptr %given, null")
    kept = code("alloca ptr")
    code.store("%given", kept, "ptr")
    with code.when(own):
        size = code.int("add", _field(code, "total"), 64)
        code.store(code(f"call ptr {_function(code, 'malloc')}(i64 {size})"), kept, "ptr")
    raw = code.load(kept, "ptr")
    number = code.int("add", code(f"ptrtoint ptr {raw} to i64"), 63)
    s = code(f"inttoptr i64 {code.int('and', number, -64)} to ptr")
    _blocks(code, s)
    with code.when(own):
        code.do(f"call void {_function(code, 'free')}(ptr {raw})")
    with code.when(code.test("ne", code.int("and", "%how", STREAM), 0)):
        code.do("fence seq_cst")
    return code.end()


def _blocks(code: Code, s: str) -> None:
    n, events = code.int("sub", "%stop", "%start"), _field(code, "events")
    code.do(f"call void @fill(ptr %k, ptr %columns, ptr {s}, i64 {n})")
    code.do(f"call void {_function(code, 'once')}(ptr {s})")
    tail = code.int("srem", n, events)
    end = code.int("sub", "%stop", tail)
    with code.loop("%start", end, events) as first:
        code.do(f"call void @part(ptr %k, ptr %columns, ptr {s}, i64 {first}, i64 {events}, i64 %how)")
    with code.when(code.test("sgt", tail, 0)):
        how = code.int("or", "%how", ALL)
        code.do(f"call void @part(ptr %k, ptr %columns, ptr {s}, i64 {end}, i64 {tail}, i64 {how})")
