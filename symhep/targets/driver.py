"""The driver: LLVM functions that feed blocks of events to a kernel, the same for all kernels of a vector type.

    run(kernel, columns, scratch, start, stop)   events start .. stop of columns, each given by address and stride
    small(kernel, scratch, n)                    events whose inputs are in the rows of the scratch
    reduce(kernel, columns, scratch, start, stop, job)   the same, and reductions of the last columns (reductions.py)
    describe(arrays, columns, n, data)           addresses and strides of n one-dimensional NumPy arrays

`kernel` points to the numbers of FIELDS. Columns that are contiguous are read and written in place. The others are
copied block by block into rows: neighbouring components of an array of structs together, transposed in registers. A
kernel may have a function `direct` beside `each`, which does this for its inputs by itself (structs.py).
Events at the end that do not fill a vector go through rows too, padded, so that a result never depends on an event's
position. A column of stride 0 is one value for all events; a parameter is given with the stride PARAMETER.
`run` allocates scratch memory itself if it is given none.
"""

from __future__ import annotations

from symhep.targets.ircode import Code
from symhep.targets.layout import PARAMETER
from symhep.targets.llvm import Vector
from symhep.targets.reductions import BLOCK as REDUCED
from symhep.targets.reductions import JOB, functions
from symhep.targets.transpose import gather, scatter

# What the driver knows of a kernel: sizes and places in the scratch memory (layout.Layout), its two functions,
# and where the C library is: modules have no undefined symbols, so that they can be linked anywhere
FIELDS = (
    "inputs", "outputs", "rows", "events", "list_base", "row_base", "row_bytes", "total",
    "once", "each", "direct", "malloc", "free",
)  # fmt: skip

HEAD_WORTH = 512  # events that make it worth while to take the first few apart
BLOCK = 32  # events, where columns are copied: they and those that are fetched ahead have to fit into the first cache
MANY = 8  # outputs that are too many to be fetched ahead a block at a time

# The driver's list: for each group of columns that is copied (GROUP), or for each column in place (ENTRY)
GROUP = "{ ptr, i64, i64, ptr }"  # where in memory, stride, how many columns, row
ENTRY = "{ ptr, i64 }"  # where the address of the column is, stride

_PART = "ptr %k, ptr %columns, ptr %s, i64 %first, i64 %n, i1 %all"


def driver(v: Vector, balance: bool = False) -> str:
    """The text of the module; `balance` is that of `bodies.emit`."""
    return "\n".join(
        [
            gather(v),
            scatter(v),
            _copy(v, "copy_in", "gather"),
            _copy(v, "copy_out", "scatter"),
            *(part(v) for part in (_pad, _small, _describe, _fill, _group, _list, _part, _head, _run)),
            *functions(v, balance),
            _reduce(v),
            "attributes #0 = { nounwind }",
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


def _not(code: Code, condition: str) -> str:
    return code(f"xor i1 {condition}, true")


def _whole_vectors(code: Code, v: Vector, n: str) -> str:
    return code.int("and", code.int("add", n, v.lanes - 1), -v.lanes)


def _set_column(code: Code, j: str, address: str) -> None:
    """Tell the kernel where a column of the block is."""
    code.store(address, code.at("%s", j, "ptr"), "ptr")


def _column(code: Code, j: str) -> tuple[str, str]:
    """Address and stride of a whole column."""
    place = code.at("%columns", j, "{ ptr, i64 }")
    return code.load(place, "ptr"), code.load(code.at(place, 8))


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


def _small(v: Vector) -> str:
    code = Code("void @small(ptr %k, ptr %s, i64 %n) #0")
    with code.loop(0, _columns(code)) as j:
        _set_column(code, j, _row(code, j))
    code.do("call void @pad(ptr %k, ptr %s, i64 %n)")
    code.do(f"call void {_function(code, 'once')}(ptr %s)")
    size = code.int("mul", _whole_vectors(code, v, "%n"), v.size)
    code.do(f"call void {_function(code, 'each')}(ptr %s, i64 0, i64 {size})")
    return code.end()


def _describe(v: Vector) -> str:
    """Of NumPy's array objects: `data` says where they hold the address; the pointer to the strides is 24 bytes on."""
    code = Code("void @describe(ptr %arrays, ptr %columns, i64 %n, i64 %data) #0")
    strides = code.int("add", "%data", 24)
    with code.loop(0, "%n") as j:
        array, place = code.load(code.at("%arrays", j, "ptr"), "ptr"), code.at("%columns", j, "{ ptr, i64 }")
        code.store(code.load(code.at(array, "%data"), "ptr"), place, "ptr")
        code.store(code.load(code.load(code.at(array, strides), "ptr")), code.at(place, 8))
    return code.end()


def _fill(v: Vector) -> str:
    """Fill the rows of the inputs that are one value for all events; parameters stay where they are."""
    code = Code("internal void @fill(ptr %k, ptr %columns, ptr %s, i64 %n) #0")
    whole = _whole_vectors(code, v, "%n")
    count = code(f"call i64 @llvm.smin.i64(i64 {whole}, i64 {_field(code, 'events')})")
    with code.loop(0, _field(code, "inputs")) as j:
        base, stride = _column(code, j)
        _set_column(code, j, base)
        with code.when(code.test("eq", stride, 0)):
            row = _row(code, j)
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


def _list(v: Vector) -> str:
    """Set the addresses of columns begin .. end, and list what has to be done for each block.

    Groups go to %groups, the places of the addresses of columns in place to %kept; counters follow. The last counts the
    columns that limit a block to their rows. With %direct, all columns stay in place.
    """
    code = Code(
        "internal void @list(ptr %k, ptr %columns, ptr %s, i64 %first, i1 %all, i1 %direct, i64 %begin, i64 %end, "
        "ptr %groups, ptr %group_count, ptr %kept, ptr %kept_count, ptr %moved_count) #0"
    )
    until = code("alloca i64")
    code.store("%begin", until)
    with code.loop("%begin", "%end") as j, code.when(code.test("ne", _column(code, j)[1], PARAMETER)):
        base, stride = _column(code, j)
        start = code.at(base, code.int("mul", "%first", stride))
        contiguous = code.test("eq", stride, v.size)
        in_place = code(f"and i1 {contiguous}, {_not(code, '%all')}")
        in_place = code(f"or i1 %direct, {in_place}")
        row = _row(code, j)
        _set_column(code, j, code(f"select i1 {in_place}, ptr {start}, ptr {row}"))
        with code.when(in_place):
            _append(code, "%kept", "%kept_count", ENTRY, code.at("%s", j, "ptr"), stride)
        moved = _not(code, in_place)
        code.store(code.int("add", code.load("%moved_count"), code(f"zext i1 {moved} to i64")), "%moved_count")
        head = code.test("sge", j, code.load(until))
        varies = code(f"or i1 {code.test('ne', stride, 0)}, {code.test('sge', j, _field(code, 'inputs'))}")
        copied = code(f"and i1 {code(f'and i1 {head}, {varies}')}, {moved}")
        with code.when(copied):
            group = code(f"call i64 @group(ptr %columns, i64 {j}, i64 %end)")
            code.store(code.int("add", j, group), until)
            _append(code, "%groups", "%group_count", GROUP, start, stride, group, row)
    return code.end()


def _append(code: Code, items: str, counter: str, type_: str, *values: str) -> None:
    count = code.load(counter)
    place = code.at(items, count, type_)
    kinds = type_.strip("{} ").split(", ")
    for k, (kind, value) in enumerate(zip(kinds, values, strict=True)):
        code.store(value, code.at(place, 8 * k), kind)
    code.store(code.int("add", count, 1), counter)


def _copy(v: Vector, name: str, copy: str) -> str:
    """Copy n events of all groups of a list to or from rows, and move on."""
    code = Code(f"internal void @{name}(ptr %k, ptr %groups, i64 %count, i64 %n) #0")
    pitch = _field(code, "row_bytes")
    with code.loop(0, "%count") as i:
        place = code.at("%groups", i, GROUP)
        kinds = ("ptr", "i64", "i64", "ptr")
        base, stride, group, row = (code.load(code.at(place, 8 * k), kind) for k, kind in enumerate(kinds))
        code.do(f"call void @{copy}(ptr {base}, i64 {stride}, i64 {group}, ptr {row}, i64 {pitch}, i64 %n)")
        code.store(code.at(base, code.int("mul", "%n", stride)), place, "ptr")
    return code.end()


def _part(v: Vector) -> str:
    """n events from `first` on: whole vectors, or fewer events than a vector has, which all go through rows."""
    code = Code(f"internal void @part({_PART}) #0")
    inputs, columns = _field(code, "inputs"), _columns(code)
    own = code(f"and i1 {code.test('ne', _field(code, 'direct'), 0)}, {_not(code, '%all')}")
    counters = [code("alloca i64") for _ in range(4)]
    for counter in counters:
        code.store("0", counter)
    read = code.at("%s", _field(code, "list_base"))
    written = code.at(read, inputs, GROUP)
    kept = code.at(read, columns, GROUP)
    for begin, end, direct, groups, counter in (
        ("0", inputs, own, read, counters[0]),
        (inputs, columns, "false", written, counters[1]),
    ):
        code.do(
            f"call void @list(ptr %k, ptr %columns, ptr %s, i64 %first, i1 %all, i1 {direct}, i64 {begin}, i64 {end}, "
            f"ptr {groups}, ptr {counter}, ptr {kept}, ptr {counters[2]}, ptr {counters[3]})"
        )
    _blocks(code, v, own, [code.load(c) for c in counters], read, written, kept)
    return code.end()


def _blocks(code: Code, v: Vector, direct: str, counts: list[str], read: str, written: str, kept: str) -> None:
    """Copy in, compute, copy out, block by block; columns in place move on."""
    in_place = code.test("eq", counts[3], 0)
    # much that is written is fetched ahead bit by bit
    few = code(f"or i1 {code.test('eq', counts[1], 0)}, {code.test('slt', _field(code, 'outputs'), MANY)}")
    block = code(f"select i1 {few}, i64 {BLOCK}, i64 {v.lanes}")
    block = code(f"select i1 {in_place}, i64 %n, i64 {block}")
    single = code.test("eq", _field(code, "rows"), 0)
    block = code(f"select i1 {single}, i64 {block}, i64 {_field(code, 'events')}")
    each = code(f"select i1 {direct}, ptr {_function(code, 'direct')}, ptr {_function(code, 'each')}")
    with code.loop(0, "%n", block) as b:
        n = code(f"call i64 @llvm.smin.i64(i64 {block}, i64 {code.int('sub', '%n', b)})")
        code.do(f"call void @copy_in(ptr %k, ptr {read}, i64 {counts[0]}, i64 {n})")
        with code.when("%all"):
            code.do(f"call void @pad(ptr %k, ptr %s, i64 {n})")
        size = code.int("mul", _whole_vectors(code, v, n), v.size)
        code.do(f"call void {each}(ptr %s, i64 0, i64 {size})")
        code.do(f"call void @copy_out(ptr %k, ptr {written}, i64 {counts[1]}, i64 {n})")
        with code.loop(0, counts[2]) as i:
            entry = code.at(kept, i, ENTRY)
            place, stride = code.load(entry, "ptr"), code.load(code.at(entry, 8))
            code.store(code.at(code.load(place, "ptr"), code.int("mul", n, stride)), place, "ptr")


def _run(v: Vector) -> str:
    code = Code("void @run(ptr %k, ptr %columns, ptr %given, i64 %start, i64 %stop) #0")
    own = code("icmp eq ptr %given, null")
    kept = code("alloca ptr")
    code.store("%given", kept, "ptr")
    with code.when(own):
        size = code.int("add", _field(code, "total"), 64)
        code.store(code(f"call ptr {_function(code, 'malloc')}(i64 {size})"), kept, "ptr")
    raw = code.load(kept, "ptr")
    s = _aligned(code, raw)
    _start(code, s)
    _vectors_and_rest(code, v, s, "%start", code.int("sub", "%stop", "%start"))
    with code.when(own):
        code.do(f"call void {_function(code, 'free')}(ptr {raw})")
    return code.end()


def _reduce(v: Vector) -> str:
    """Block by block: the columns that are reduced are no longer than a block; `start` is where one begins."""
    code = Code("void @reduce(ptr %k, ptr %columns, ptr %given, i64 %start, i64 %stop, ptr %job) #0")
    s = _aligned(code, "%given")
    _start(code, s)
    first = code.int("sub", _columns(code), code.load(code.at("%job", 8 * JOB.index("columns"))))
    with code.loop("%start", "%stop", REDUCED) as b:
        n = code(f"call i64 @llvm.smin.i64(i64 {REDUCED}, i64 {code.int('sub', '%stop', b)})")
        code.do(f"call void @places(ptr %columns, i64 {first}, i64 {b}, ptr %job)")
        _vectors_and_rest(code, v, s, b, n)
        code.do(f"call void @partials(i64 {code.int('sdiv', b, REDUCED)}, i64 {n}, ptr %job)")
    return code.end()


def _aligned(code: Code, address: str) -> str:
    number = code.int("add", code(f"ptrtoint ptr {address} to i64"), 63)
    return code(f"inttoptr i64 {code.int('and', number, -64)} to ptr")


def _start(code: Code, s: str) -> None:
    """What is done once, before the events start .. stop."""
    n = code.int("sub", "%stop", "%start")
    code.do(f"call void @fill(ptr %k, ptr %columns, ptr {s}, i64 {n})")
    code.do(f"call void {_function(code, 'once')}(ptr {s})")


def _head(v: Vector) -> str:
    """How many events to take apart, so that all input columns, or else all outputs, are aligned from there on, or 0.

    Large arrays of NumPy all begin 16 bytes into a page. So every vector of every column would lie in two cache lines,
    and the lines of many columns in the same few places of the first cache: each line would be read twice.
    """
    code = Code("internal i64 @head(ptr %k, ptr %columns, i64 %first, i64 %n) #0")
    inputs = _field(code, "inputs")
    of_inputs, of_outputs = _common(code, v, "0", inputs), _common(code, v, inputs, _columns(code))
    found = code(f"select i1 {code.test('sge', of_inputs, 0)}, i64 {of_inputs}, i64 {of_outputs}")
    whole = code.test("eq", code.int("and", found, v.size - 1), 0)
    useful = code(f"and i1 {code.test('sgt', found, 0)}, {code.test('sge', '%n', HEAD_WORTH)}")
    useful = code(f"and i1 {whole}, {useful}")
    events = code.int("sdiv", code.int("sub", v.bytes, found), v.size)
    return code.end(f"i64 {code(f'select i1 {useful}, i64 {events}, i64 0')}")


def _common(code: Code, v: Vector, begin: str, end: str) -> str:
    """How many bytes after an aligned place all contiguous columns from begin to end are; negative if they differ."""
    offset = code("alloca i64")
    code.store("-1", offset)
    with code.loop(begin, end) as j:
        base, stride = _column(code, j)
        with code.when(code.test("eq", stride, v.size)):
            start = code.at(base, code.int("mul", "%first", v.size))
            own = code.int("and", code(f"ptrtoint ptr {start} to i64"), v.bytes - 1)
            known = code.load(offset)
            same = code(f"or i1 {code.test('eq', known, -1)}, {code.test('eq', known, own)}")
            code.store(code(f"select i1 {same}, i64 {own}, i64 -2"), offset)
    return code.load(offset)


def _vectors_and_rest(code: Code, v: Vector, s: str, first: str, n: str) -> None:
    head = code(f"call i64 @head(ptr %k, ptr %columns, i64 {first}, i64 {n})")
    with code.when(code.test("sgt", head, 0)):
        code.do(f"call void @part(ptr %k, ptr %columns, ptr {s}, i64 {first}, i64 {head}, i1 true)")
    first, n = code.int("add", first, head), code.int("sub", n, head)
    whole = code.int("and", n, -v.lanes)
    rest = code.int("sub", n, whole)
    with code.when(code.test("sgt", whole, 0)):
        code.do(f"call void @part(ptr %k, ptr %columns, ptr {s}, i64 {first}, i64 {whole}, i1 false)")
    with code.when(code.test("sgt", rest, 0)):
        last = code.int("add", first, whole)
        code.do(f"call void @part(ptr %k, ptr %columns, ptr {s}, i64 {last}, i64 {rest}, i1 true)")
