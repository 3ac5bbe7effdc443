"""Programs as machine code of this process, callable on NumPy columns."""

from __future__ import annotations

import ctypes
import sys
import threading
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from symhep.caching.cache import Store
from symhep.program import Program
from symhep.targets import bodies
from symhep.targets.driver import FIELDS, MANY, driver
from symhep.targets.layout import LINE, PARAMETER
from symhep.targets.llvm import vector
from symhep.targets.objects import Code
from symhep.targets.processor import c_function, host, kept, load, machine_code
from symhep.targets.reductions import BLOCK, Jobs
from symhep.targets.structs import LONGEST, WORTH, Group, groups
from symhep.targets.threads import side_by_side

SMALL = 64  # events that the small path takes
DIRECT = 4  # layouts of arrays of structs that a kernel is made for
THREAD_WORK = 50_000  # nanoseconds of work that make another thread worth while
OPERATION_TIME = 0.02  # nanoseconds per event and instruction


@dataclass(frozen=True, slots=True)
class _Driver:
    """The functions of driver.py for one vector type."""

    engine: llvm.ExecutionEngine
    run: Callable[..., None]
    small: Callable[..., None]
    describe: Callable[..., None]
    reduce: Callable[..., None]
    finish: Callable[..., None]
    run_address: int


_drivers: dict[tuple[str, int], _Driver] = {}
_RUN = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 5)
_DESCRIBE = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)
_SMALL = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 3)
_REDUCE = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 6)
_FINISH = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)


def _driver(dtype: np.dtype, width: int, store: Store | None) -> _Driver:
    kind = (dtype.str, width)
    if kind not in _drivers:
        make = lambda: machine_code(driver(vector(dtype, width), host().balance))
        engine = load(kept(store, ("driver", dtype.str, str(width)), make))
        names = ("run", "small", "describe", "reduce", "finish")
        run, small, describe, reduce, finish = map(engine.get_function_address, names)
        functions = _RUN(run), _SMALL(small), _DESCRIBE(describe), _REDUCE(reduce), _FINISH(finish)
        _drivers[kind] = _Driver(engine, *functions, run)
    return _drivers[kind]


def compile_program(program: Program, dtype: Any, *, width: int | None = None, store: Store | None = None) -> Native:
    """Machine code of a program for this processor.

    dtype  float64 or float32: what columns hold and what is computed in
    width  doubles in a vector: 2, 4 or 8; what suits the processor if not given
    store  keeps object code under content hashes: `symhep.caching.cache.level("code")`
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.float64, np.float32):
        raise TypeError(f"programs run on float64 or float32, not {dtype}")
    width = width or host().width

    def make() -> bytes:
        text, layout = bodies.emit(program, dtype, width, host().balance, (), host().special)
        return Code.of(machine_code(text), layout, text).to_bytes()

    parts = () if store is None else (program.graph.digest(), dtype.str, str(width))
    code = Code.from_bytes(kept(store, parts, make))
    return Native(program, code, dtype, load(code.machine), _driver(dtype, width, store), store)


def _link(engine: Any, code: Code) -> None:
    """Say where the functions of the C library are."""
    for name in code.libm:
        place = engine.get_global_value_address(f"libm.{name}")
        ctypes.c_ssize_t.from_address(place).value = c_function(name)


class Native:
    """A compiled program. Calls from several threads at a time are safe.

    layout           of the scratch memory
    kernel_address   what the driver's functions take first
    run_address      the driver's `run`, for callers outside Python
    """

    def __init__(
        self, program: Program, code: Code, dtype: np.dtype, engine: Any, driver: _Driver, store: Store | None
    ) -> None:
        self.program, self.layout, self.dtype = program, code.layout, dtype
        self.parameters = [not n.axes for n in program.inputs]
        self._engine, self._driver, self._store = engine, driver, store
        numbers = {name: getattr(code.layout, name, 0) for name in FIELDS}
        numbers |= {name: engine.get_function_address(name) for name in ("once", "each")}
        numbers |= {name: c_function(name) for name in ("malloc", "free")}
        _link(engine, code)
        self._kernel = array("q", [numbers[name] for name in FIELDS])
        self.kernel_address = self._kernel.buffer_info()[0]
        self._short = code.lines <= LONGEST and 2 * code.layout.vector.bytes <= code.layout.row_bytes
        self._direct: dict[tuple[Group, ...], tuple[Any, array]] = {}
        self._lock = threading.Lock()
        self.run_address = driver.run_address
        self._any_parameter = any(self.parameters)
        self.event_time = OPERATION_TIME * code.lines
        self._local = threading.local()

    @cached_property
    def text(self) -> str:
        """The LLVM IR of the kernel."""
        return bodies.emit(self.program, self.dtype, self.layout.vector.width, host().balance, (), host().special)[0]

    def run(self, columns: Sequence[np.ndarray], outputs: Sequence[np.ndarray], threads: int = 1) -> None:
        """Compute all events.

        columns   one array per input, of the working dtype, one-dimensional with any stride; the value of a parameter
                  is an array of one element
        outputs   where the results go; they may not overlap with the columns
        threads   how many threads to use at most
        """
        events = len(outputs[0]) if outputs else 0
        if events:
            described = self._describe(columns, outputs, events)
            kernel = self._kernel_for(described, events)
            side_by_side(partial(self._piece, kernel, described), self._pieces(events, threads, self.layout.events))

    def _kernel_for(self, described: array, events: int) -> int:
        """The address of the kernel, with code for the arrays of structs among the columns if it is worth while."""
        if not self._short or events < WORTH:
            return self.kernel_address
        inputs = self.layout.inputs
        copied = any(stride != self.dtype.itemsize for stride in described[2 * inputs + 1 :: 2])
        if copied and self.layout.outputs >= MANY:
            return self.kernel_address
        found = groups(described, inputs, self.dtype.itemsize)
        with self._lock:
            if found and found not in self._direct and len(self._direct) < DIRECT:
                self._direct[found] = self._made_for(found)
        return self._direct[found][1].buffer_info()[0] if found in self._direct else self.kernel_address

    def _made_for(self, structs: tuple[Group, ...]) -> tuple[Any, array]:
        """The code for some arrays of structs, and the kernel with it."""
        width = self.layout.vector.width

        def make() -> bytes:
            text, layout = bodies.emit(self.program, self.dtype, width, host().balance, structs, host().special)
            return Code.of(machine_code(text), layout, text).to_bytes()

        parts = () if self._store is None else (self.program.graph.digest(), self.dtype.str, str(width), f"{structs}")
        code = Code.from_bytes(kept(self._store, parts, make))
        engine = load(code.machine)
        _link(engine, code)
        kernel = self._kernel[:]
        kernel[FIELDS.index("direct")] = engine.get_function_address("direct")
        return engine, kernel

    def _describe(self, columns: Sequence[np.ndarray], outputs: Sequence[np.ndarray], events: int, rows=0) -> array:
        """Address and stride of every column; after the outputs there may be `rows` contiguous ones without address."""
        arrays = [*columns, *outputs]
        if _address is _fast_address and self._all_regular(arrays, events):
            described = array("q", bytes(16 * len(arrays)))
            objects = array("q", map(id, arrays))
            self._driver.describe(objects.buffer_info()[0], described.buffer_info()[0], len(arrays), _DATA)
            return described
        described = array("q")
        for column, parameter in zip(columns, self.parameters, strict=True):
            self._check(column)
            one = parameter or column.size == 1
            described.extend((_address(column), PARAMETER if parameter else 0 if one else column.strides[0]))
            if not one and column.size != events:
                raise ValueError(f"a column has {column.size} events, the outputs have {events}")
        for column in outputs:
            self._check(column)
            if column.size != events:
                raise ValueError("the outputs have different numbers of events")
            described.extend((_address(column), column.strides[0] if events > 1 else self.dtype.itemsize))
        described.extend((0, self.dtype.itemsize) * rows)
        if len(outputs) + rows != self.layout.outputs:
            raise ValueError(f"{self.layout.outputs} outputs are needed, not {len(outputs) + rows}")
        return described

    def _all_regular(self, arrays: list[np.ndarray], events: int) -> bool:
        """Whether these are as many columns as are needed, none a parameter, of the right dtype and length."""
        if self._any_parameter or events < 2 or len(arrays) != self.layout.inputs + self.layout.outputs:
            return False
        dtype = self.dtype
        return all(a.dtype is dtype and a.size == events and a.ndim == 1 for a in arrays)

    def _check(self, column: np.ndarray) -> None:
        if column.dtype is not self.dtype and column.dtype != self.dtype:
            raise TypeError(f"a column is {column.dtype}, the kernel works on {self.dtype}")

    def reduce(
        self,
        columns: Sequence[np.ndarray],
        outputs: Sequence[np.ndarray],
        events: int,
        reductions: Any,
        threads: int = 1,
    ) -> list[float]:
        """Compute all events, as `run` does, and reduce the last output columns, which are not among `outputs`.

        reductions  for each the position of its column among the last ones, and the name of the operation
        """
        jobs = Jobs(reductions, self.layout, events)
        if events:
            described = self._describe(columns, outputs, events, jobs.columns)

            def piece(start: int, stop: int) -> None:
                own, job, scratch = described[:], jobs.job(), self._scratch().address
                place = own.buffer_info()[0]
                self._driver.reduce(self.kernel_address, place, scratch, start, stop, job.buffer_info()[0])

            side_by_side(piece, self._pieces(events, threads, BLOCK))
        return jobs.finished(self._driver.finish)

    def _pieces(self, events: int, threads: int, block: int) -> list[tuple[int, int]]:
        """Cut the events at ends of blocks, one piece for each thread that is worth while."""
        worth = int(events * self.event_time / THREAD_WORK)
        threads = max(1, min(threads, worth))
        size = block * -(-events // (block * threads))
        return [(start, min(start + size, events)) for start in range(0, events, size)]

    def _piece(self, kernel: int, described: array, start: int, stop: int) -> None:
        columns, scratch = described.buffer_info()[0], self._scratch().address
        self._driver.run(kernel, columns, scratch, start, stop)

    def _scratch(self) -> _Scratch:
        """The scratch memory of this thread."""
        try:
            return self._local.scratch
        except AttributeError:
            self._local.scratch = _Scratch(self)
            return self._local.scratch

    def small(self) -> tuple[np.ndarray, np.ndarray, Callable[[int], None]]:
        """Of this thread: inputs and outputs as arrays (column, event), and the function that computes n events.

        n is at most SMALL; the value of a parameter is that of event 0.
        """
        return self._scratch().small


class _Scratch:
    """Scratch memory of one kernel in one thread."""

    def __init__(self, native: Native) -> None:
        layout = native.layout
        self.memory = np.empty(layout.total + LINE, np.uint8)
        skip = -_address(self.memory) % LINE
        self.address = _address(self.memory) + skip
        inputs = self._rows(native, skip + layout.row(0), layout.inputs)
        outputs = self._rows(native, skip + layout.row(layout.inputs), layout.outputs)
        self.small = inputs, outputs, partial(native._driver.small, native.kernel_address, self.address)

    def _rows(self, native: Native, offset: int, count: int) -> np.ndarray:
        strides = (native.layout.row_bytes, native.dtype.itemsize)
        return np.ndarray((count, SMALL), native.dtype, self.memory, offset, strides)


def _slow_address(column: np.ndarray) -> int:
    return column.__array_interface__["data"][0]


_DATA = object.__basicsize__  # where NumPy's array objects hold the address, by its binary interface


def _fast_address(column: np.ndarray) -> int:
    return ctypes.c_ssize_t.from_address(id(column) + _DATA).value


def _choose_address() -> Callable[[np.ndarray], int]:
    """The way that needs 0.3 µs rather than 2, where a trial shows that it works."""
    if sys.implementation.name != "cpython":
        return _slow_address
    trial = np.zeros(8)[2:]
    return _fast_address if _fast_address(trial) == _slow_address(trial) else _slow_address


_address = _choose_address()
