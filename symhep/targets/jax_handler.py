"""The function that XLA calls, as LLVM code: the same for all programs, each of which loads a copy of its own.

XLA's typed foreign function interface hands over a *frame*: arguments and results as buffers with dtype and dimensions,
an execution stage, and functions of XLA's to make errors and to schedule tasks. The handler checks all that, describes
the columns for the driver (`driver.py`) and has blocks of events done by the threads of XLA's pool, itself included.
It waits only for blocks that others have begun, so it ends also where the pool has no other thread to spare. Offsets
are in bytes; the structures are those of xla/ffi/api/c_api.h, unchanged from version 0.1 to 0.3.
"""

from __future__ import annotations

from symhep.targets.driver import PARAMETER
from symhep.targets.ircode import Code

MINOR = 3  # the highest minor version of the interface that this was tested with

# What the handler knows of its program; `table` points to these numbers
FIELDS = (
    "inputs", "outputs", "columns", "widths", "kernel", "run", "dtype", "size", "total", "block", "parameters", "minor",
    "malloc", "free", "rest",
)  # fmt: skip

DTYPES = {"float32": 11, "float64": 12}

# frame
_EXTENSION, _API, _CONTEXT, _STAGE = 8, 16, 24, 32
_ARGUMENT_COUNT, _ARGUMENTS, _RESULT_COUNT, _RESULTS = 56, 72, 96, 112
_EXECUTE = 3
# extension, metadata
_KIND, _NEXT, _METADATA, _MAJOR_VERSION, _MINOR_VERSION, _TRAITS = 8, 16, 24, 24, 28, 32
_METADATA_KIND = 1
# buffer
_DTYPE, _DATA, _RANK, _DIMENSIONS = 16, 24, 32, 40
# the functions of XLA's
_ERROR_CREATE, _ERROR_DESTROY, _SCHEDULE, _THREADS = 48, 64, 136, 144
_INVALID_ARGUMENT = 3

# What the threads of one call share; columns follow
_TAKEN, _DONE, _HOLDERS, _BLOCKS, _BLOCK, _EVENTS, _COLUMNS = 0, 8, 16, 24, 32, 40, 64

ERRORS = {
    "counts": "symhep: this code takes other numbers of arguments and results",
    "dtypes": "symhep: an argument or result is not of the dtype that the code was made for",
    "sizes": "symhep: the sizes of arguments and results do not fit together",
}


def handler(triple: str) -> str:
    """The text of the module; `handler` is its one function, `table` is to be set before that is called."""
    return "\n".join(
        [
            "@table = global ptr null",
            *[f'@{name} = internal constant [{len(text) + 1} x i8] c"{text}\\00"' for name, text in ERRORS.items()],
            *_mode(triple),
            *(part() for part in (_elements, _describe, _error, _work, _release, _task, _threads, _schedule)),
            *(part() for part in (_share, _execute, _metadata, _handler)),
            "attributes #0 = { nounwind }",
            "",
        ]
    )


def _field(code: Code, name: str) -> str:
    return code.load(code.at(code.load("@table", "ptr"), 8 * FIELDS.index(name)))


def _function(code: Code, name: str) -> str:
    """A function whose address is in the table."""
    return code(f"inttoptr i64 {_field(code, name)} to ptr")


def _read(code: Code, base: str, offset: int, type_: str = "i64") -> str:
    return code.load(code.at(base, offset), type_)


def _mode(triple: str) -> list[str]:
    """`exact` has small numbers computed as IEEE says, and returns what `restore` needs: XLA's threads flush them."""
    if triple.startswith(("x86_64", "i686")):
        return [
            "declare void @llvm.x86.sse.stmxcsr(ptr)",
            "declare void @llvm.x86.sse.ldmxcsr(ptr)",
            "define internal i64 @exact() #0 {",
            "%p = alloca i32",
            "call void @llvm.x86.sse.stmxcsr(ptr %p)",
            "%old = load i32, ptr %p",
            f"%new = and i32 %old, {~0x8040}",
            "store i32 %new, ptr %p",
            "call void @llvm.x86.sse.ldmxcsr(ptr %p)",
            "%wide = zext i32 %old to i64",
            "ret i64 %wide",
            "}",
            "define internal void @restore(i64 %wide) #0 {",
            "%p = alloca i32",
            "%old = trunc i64 %wide to i32",
            "store i32 %old, ptr %p",
            "call void @llvm.x86.sse.ldmxcsr(ptr %p)",
            "ret void",
            "}",
        ]
    if triple.startswith(("aarch64", "arm64")):
        return [
            "declare i64 @llvm.aarch64.get.fpcr()",
            "declare void @llvm.aarch64.set.fpcr(i64)",
            "define internal i64 @exact() #0 {",
            "%old = call i64 @llvm.aarch64.get.fpcr()",
            f"%new = and i64 %old, {~(1 << 24)}",
            "call void @llvm.aarch64.set.fpcr(i64 %new)",
            "ret i64 %old",
            "}",
            "define internal void @restore(i64 %old) #0 {",
            "call void @llvm.aarch64.set.fpcr(i64 %old)",
            "ret void",
            "}",
        ]
    return [
        "define internal i64 @exact() #0 {\nret i64 0\n}",
        "define internal void @restore(i64 %old) #0 {\nret void\n}",
    ]


def _elements() -> str:
    """How many numbers a buffer holds."""
    code = Code("internal i64 @elements(ptr %buffer) #0")
    dimensions, product = _read(code, "%buffer", _DIMENSIONS, "ptr"), code("alloca i64")
    code.store("1", product)
    with code.loop(0, _read(code, "%buffer", _RANK)) as k:
        code.store(code.int("mul", code.load(product), code.load(code.at(dimensions, k, "i64"))), product)
    return code.end(f"i64 {code.load(product)}")


def _describe() -> str:
    """Address and stride of each column; returns the number of events, -1 for wrong dtypes, -2 for wrong sizes.

    The numbers of a bundle are neighbours, event by event: those of one column are as far apart as the bundle is wide.
    """
    code = Code("internal i64 @describe(ptr %frame, ptr %columns) #0")
    wrong_dtype, wrong_size, next_ = code("alloca i1"), code("alloca i1"), code("alloca ptr")
    code.store("false", wrong_dtype, "i1")
    code.store("false", wrong_size, "i1")
    code.store("%columns", next_, "ptr")
    arguments, results = _read(code, "%frame", _ARGUMENTS, "ptr"), _read(code, "%frame", _RESULTS, "ptr")
    inputs, size, widths = _field(code, "inputs"), _field(code, "size"), _function(code, "widths")
    parameters = _function(code, "parameters")
    first = code(f"call i64 @elements(ptr {code.load(results, 'ptr')})")
    events = code.int("sdiv", first, code.load(code.at(widths, inputs, "i64")))
    with code.loop(0, code.int("add", inputs, _field(code, "outputs"))) as j:
        is_input = code.test("slt", j, inputs)
        place = code.at(results, code.int("sub", j, inputs), "ptr")
        buffer = code.load(code(f"select i1 {is_input}, ptr {code.at(arguments, j, 'ptr')}, ptr {place}"), "ptr")
        dtype = code(f"sext i32 {_read(code, buffer, _DTYPE, 'i32')} to i64")
        _note(code, wrong_dtype, code.test("ne", dtype, _field(code, "dtype")))
        count, width = code(f"call i64 @elements(ptr {buffer})"), code.load(code.at(widths, j, "i64"))
        parameter = code(f"icmp ne i8 {code.load(code.at(parameters, j), 'i8')}, 0")
        fits = code.test("eq", count, code.int("mul", events, width))
        many = code(f"and i1 {fits}, {code(f'xor i1 {parameter}, true')}")
        single = code(f"and i1 {code.test('eq', count, width)}, {is_input}")
        _note(code, wrong_size, code(f"xor i1 {code(f'or i1 {many}, {single}')}, true"))
        stride = code(f"select i1 {parameter}, i64 {PARAMETER}, i64 0")
        stride = code(f"select i1 {many}, i64 {code.int('mul', width, size)}, i64 {stride}")
        data = _read(code, buffer, _DATA, "ptr")
        with code.loop(0, width) as k:
            column = code.load(next_, "ptr")
            code.store(code.at(data, code.int("mul", k, size)), column, "ptr")
            code.store(stride, code.at(column, 8))
            code.store(code.at(column, 16), next_, "ptr")
    found = code(f"select i1 {code.load(wrong_size, 'i1')}, i64 -2, i64 {events}")
    found = code(f"select i1 {code.load(wrong_dtype, 'i1')}, i64 -1, i64 {found}")
    return code.end(f"i64 {found}")


def _note(code: Code, flag: str, condition: str) -> None:
    code.store(code(f"or i1 {code.load(flag, 'i1')}, {condition}"), flag, "i1")


def _error() -> str:
    """An error of XLA's with this text."""
    code = Code("internal ptr @error(ptr %frame, ptr %text) #0")
    request = code("alloca [32 x i8], align 8")
    code.store("28", request)
    code.store("null", code.at(request, 8), "ptr")
    code.store("%text", code.at(request, 16), "ptr")
    code.store(str(_INVALID_ARGUMENT), code.at(request, 24), "i32")
    create = _read(code, _read(code, "%frame", _API, "ptr"), _ERROR_CREATE, "ptr")
    return code.end(f"ptr {code(f'call ptr {create}(ptr {request})')}")


def _work() -> str:
    """Take blocks and do them until none is left."""
    code = Code("internal void @work(ptr %shared) #0")
    mode, scratch = code("call i64 @exact()"), code("alloca ptr")
    code.store("null", scratch, "ptr")
    blocks, size = _read(code, "%shared", _BLOCKS), _read(code, "%shared", _BLOCK)
    events, taken, done = _read(code, "%shared", _EVENTS), code.at("%shared", _TAKEN), code.at("%shared", _DONE)
    code.do("br label %again")
    code.start("again")
    block = code(f"atomicrmw add ptr {taken}, i64 1 monotonic")
    code.do(f"br i1 {code.test('slt', block, blocks)}, label %take, label %out")
    code.start("take")
    with code.when(code(f"icmp eq ptr {code.load(scratch, 'ptr')}, null")):
        memory = code.int("add", _field(code, "total"), 64)
        code.store(code(f"call ptr {_function(code, 'malloc')}(i64 {memory})"), scratch, "ptr")
    start = code.int("mul", block, size)
    stop = code(f"call i64 @llvm.smin.i64(i64 {code.int('add', start, size)}, i64 {events})")
    arguments = f"ptr {_function(code, 'kernel')}, ptr {code.at('%shared', _COLUMNS)}, ptr {code.load(scratch, 'ptr')}"
    code.do(f"call void {_function(code, 'run')}({arguments}, i64 {start}, i64 {stop})")
    code(f"atomicrmw add ptr {done}, i64 1 release")
    code.do("br label %again")
    code.start("out")
    code.do(f"call void {_function(code, 'free')}(ptr {code.load(scratch, 'ptr')})")
    code.do(f"call void @restore(i64 {mode})")
    return code.end()


def _release() -> str:
    """Give up what is shared; the last one frees it."""
    code = Code("internal void @release(ptr %shared) #0")
    holders = code(f"atomicrmw sub ptr {code.at('%shared', _HOLDERS)}, i64 1 acq_rel")
    with code.when(code.test("eq", holders, 1)):
        code.do(f"call void {_function(code, 'free')}(ptr %shared)")
    return code.end()


def _task() -> str:
    """What a thread of the pool does; it may begin when all is done and the call is over."""
    code = Code("internal void @task(ptr %shared) #0")
    code.do("call void @work(ptr %shared)")
    code.do("call void @release(ptr %shared)")
    return code.end()


def _call_pool(code: Code, offset: int, fields: list[str]) -> str:
    """Call a function of XLA's pool; whether it succeeded."""
    api = _read(code, "%frame", _API, "ptr")
    request = code("alloca [40 x i8], align 8")
    context = _read(code, "%frame", _CONTEXT, "ptr")
    code.store(str(24 + 8 * len(fields)), request)
    for k, value in enumerate(["null", context, *fields]):
        code.store(value, code.at(request, 8 + 8 * k), "ptr")
    error = code(f"call ptr {_read(code, api, offset, 'ptr')}(ptr {request})")
    failed = code(f"icmp ne ptr {error}, null")
    with code.when(failed):
        destroy = code("alloca [24 x i8], align 8")
        code.store("24", destroy)
        code.store("null", code.at(destroy, 8), "ptr")
        code.store(error, code.at(destroy, 16), "ptr")
        code.do(f"call void {_read(code, api, _ERROR_DESTROY, 'ptr')}(ptr {destroy})")
    return code(f"xor i1 {failed}, true")


def _threads() -> str:
    """How many threads the pool has; 1 if there is none."""
    code = Code("internal i64 @threads(ptr %frame) #0")
    count = code("alloca i64")
    code.store("1", count)
    found = _call_pool(code, _THREADS, [count])
    return code.end(f"i64 {code(f'select i1 {found}, i64 {code.load(count)}, i64 1')}")


def _schedule() -> str:
    """Have another thread take part, if the pool takes the task."""
    code = Code("internal void @schedule(ptr %frame, ptr %shared) #0")
    taken = _call_pool(code, _SCHEDULE, ["@task", "%shared"])
    with code.when(code(f"xor i1 {taken}, true")):
        code.do("call void @release(ptr %shared)")
    return code.end()


def _share() -> str:
    """Do all blocks, with helpers if there are more than two."""
    code = Code("internal void @share(ptr %frame, ptr %shared, i64 %events) #0")
    size = _field(code, "block")
    blocks = code.int("sdiv", code.int("add", "%events", code.int("sub", size, 1)), size)
    helpers = code("alloca i64")
    code.store("0", helpers)
    with code.when(code.test("sgt", blocks, 2)):
        threads = code("call i64 @threads(ptr %frame)")
        most = code(f"call i64 @llvm.smin.i64(i64 {threads}, i64 {blocks})")
        code.store(code.int("sub", most, 1), helpers)
    count = code.load(helpers)
    holders = code.int("add", count, 1)
    values = {_TAKEN: "0", _DONE: "0", _HOLDERS: holders, _BLOCKS: blocks, _BLOCK: size, _EVENTS: "%events"}
    for offset, value in values.items():
        code.store(value, code.at("%shared", offset))
    with code.loop(0, count):
        code.do("call void @schedule(ptr %frame, ptr %shared)")
    code.do("call void @work(ptr %shared)")
    code.do("br label %wait")
    code.start("wait")
    done = code(f"load atomic i64, ptr {code.at('%shared', _DONE)} acquire, align 8")
    code.do(f"br i1 {code.test('slt', done, blocks)}, label %rest, label %over")
    code.start("rest")
    code.do(f"call void {_function(code, 'rest')}()")
    code.do("br label %wait")
    code.start("over")
    code.do("call void @release(ptr %shared)")
    return code.end()


def _execute() -> str:
    """Check the frame, and compute; returns an error or null."""
    code = Code("internal ptr @execute(ptr %frame) #0")
    result = code("alloca ptr")
    code.store("null", result, "ptr")
    inputs = code.test("eq", _read(code, "%frame", _ARGUMENT_COUNT), _field(code, "inputs"))
    outputs = code.test("eq", _read(code, "%frame", _RESULT_COUNT), _field(code, "outputs"))
    right = code(f"and i1 {inputs}, {outputs}")
    with code.when(code(f"xor i1 {right}, true")):
        code.store(code("call ptr @error(ptr %frame, ptr @counts)"), result, "ptr")
    with code.when(right):
        memory = code.int("add", code.int("mul", _field(code, "columns"), 16), _COLUMNS)
        shared = code(f"call ptr {_function(code, 'malloc')}(i64 {memory})")
        events = code(f"call i64 @describe(ptr %frame, ptr {code.at(shared, _COLUMNS)})")
        some = code.test("sgt", events, 0)
        with code.when(some):
            code.do(f"call void @share(ptr %frame, ptr {shared}, i64 {events})")
        with code.when(code(f"xor i1 {some}, true")):
            code.do(f"call void {_function(code, 'free')}(ptr {shared})")
        for number, name in ((-1, "dtypes"), (-2, "sizes")):
            with code.when(code.test("eq", events, number)):
                code.store(code(f"call ptr @error(ptr %frame, ptr @{name})"), result, "ptr")
    return code.end(f"ptr {code.load(result, 'ptr')}")


def _metadata() -> str:
    """Say which version of the interface this is, if that is asked for; returns whether it was."""
    code = Code("internal i1 @metadata(ptr %frame) #0")
    link = code("alloca ptr")
    code.store(code.at("%frame", _EXTENSION), link, "ptr")
    code.do("br label %next")
    code.start("next")
    extension = code.load(code.load(link, "ptr"), "ptr")
    code.do(f"br i1 {code(f'icmp eq ptr {extension}, null')}, label %no, label %some")
    code.start("no")
    code.do("ret i1 false")
    code.start("some")
    code.store(code.at(extension, _NEXT), link, "ptr")
    kind = _read(code, extension, _KIND, "i32")
    code.do(f"br i1 {code(f'icmp eq i32 {kind}, {_METADATA_KIND}')}, label %yes, label %next")
    code.start("yes")
    metadata = _read(code, extension, _METADATA, "ptr")
    minor = code(f"trunc i64 {_field(code, 'minor')} to i32")
    for offset, value in ((_MAJOR_VERSION, "0"), (_MINOR_VERSION, minor), (_TRAITS, "0")):
        code.store(value, code.at(metadata, offset), "i32")
    return code.end("i1 true")


def _handler() -> str:
    code = Code("ptr @handler(ptr %frame) #0")
    asked = code("call i1 @metadata(ptr %frame)")
    stage = code(f"icmp ne i32 {_read(code, '%frame', _STAGE, 'i32')}, {_EXECUTE}")
    code.do(f"br i1 {code(f'or i1 {asked}, {stage}')}, label %nothing, label %run")
    code.start("nothing")
    code.do("ret ptr null")
    code.start("run")
    return code.end(f"ptr {code('call ptr @execute(ptr %frame)')}")
