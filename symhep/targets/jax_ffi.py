"""Programs as targets of XLA's typed foreign function interface: machine code that jitted JAX functions call."""

from __future__ import annotations

import ctypes
import functools
import re
import sys
import threading
from array import array
from collections.abc import Sequence
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from symhep.caching import cache
from symhep.program import Program
from symhep.targets import jax_handler, native
from symhep.targets.native import THREAD_WORK, Native
from symhep.targets.processor import c_function, emit_object, host, load


class _Registered:
    """What has to stay alive as long as XLA may call the code: to the end of the process."""

    def __init__(self, program: Native, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        self.native, self.inputs, self.outputs = program, len(inputs), len(outputs)
        self.engine = load(_handler_code())
        self.widths = array("q", [w or 1 for w in (*inputs, *outputs)])
        starts = [0, *accumulate(self.widths)][: self.inputs]
        self.parameters = array("b", [*[program.parameters[start] for start in starts], *[0] * self.outputs])
        self.table = array("q", [self._numbers()[name] for name in jax_handler.FIELDS])
        place = self.engine.get_global_value_address("table")
        ctypes.c_ssize_t.from_address(place).value = self.table.buffer_info()[0]

    def _numbers(self) -> dict[str, int]:
        layout = self.native.layout
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "columns": layout.inputs + layout.outputs,
            "widths": self.widths.buffer_info()[0],
            "kernel": self.native.kernel_address,
            "run": self.native.run_address,
            "dtype": jax_handler.DTYPES[self.native.dtype.name],
            "size": self.native.dtype.itemsize,
            "total": layout.total,
            "block": _block(self.native),
            "parameters": self.parameters.buffer_info()[0],
            "minor": _minor(),
            "malloc": c_function("malloc"),
            "free": c_function("free"),
            "rest": _rest(),
        }

    @property
    def address(self) -> int:
        return self.engine.get_function_address("handler")


_registered: dict[str, _Registered] = {}
_lock = threading.Lock()


def register(program: Program, dtype: np.dtype, inputs: Sequence[int] = (), outputs: Sequence[int] = ()) -> str:
    """Compile a program and make it known to XLA; returns the name that it is called by.

    inputs, outputs  the widths of the bundles that it takes and computes, as `jax_primitive.py` describes them; each
                     column is one for itself if not given

    The name is a hash of all that the code depends on, so that an executable which XLA kept on disk finds the same code
    again, or none.
    """
    inputs, outputs = tuple(inputs) or (0,) * len(program.inputs), tuple(outputs) or (0,) * len(program.outputs)
    name = _name(program, dtype, inputs, outputs)
    with _lock:
        if name not in _registered:
            made = _Registered(native.compile_program(program, dtype, store=cache.level("code")), inputs, outputs)
            interface().register_ffi_target(name, _capsule(made.address), platform="cpu", api_version=1)
            _registered[name] = made
    return name


def interface() -> Any:
    """JAX's module for foreign functions; raises ImportError where it has none that is known."""
    try:
        return import_module("jax.ffi")
    except ImportError:  # before JAX 0.5
        return import_module("jax.extend.ffi")


def _name(program: Program, dtype: np.dtype, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> str:
    versions = f"{inputs} {outputs}", f"{host()}", f"LLVM {llvm.llvm_version_info}", f"{_minor()}"
    return f"symhep_{cache.key('code', 'jax', program.graph.digest(), dtype.str, *versions)[:24]}"


def _capsule(address: int) -> Any:
    return interface().pycapsule(ctypes.cast(address, ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)))


@functools.cache
def _handler_text() -> str:
    return jax_handler.handler(host().triple)


@functools.cache
def _handler_code() -> bytes:
    h = host()
    return emit_object(_handler_text(), h.triple, h.cpu, h.features)


def _block(compiled: Native) -> int:
    """Events that one thread does at a time: enough to be worth while, and whole blocks of the driver's."""
    events = compiled.layout.events
    return events * max(1, round(THREAD_WORK / compiled.event_time / events))


@functools.cache
def _minor() -> int:
    """The minor version of the interface to ask for: XLA refuses those newer than its own."""
    header = Path(interface().include_dir()) / "xla" / "ffi" / "api" / "c_api.h"
    try:
        found = re.search(r"define XLA_FFI_API_MINOR (\d+)", header.read_text(encoding="utf-8"))
    except OSError:
        found = None
    return min(int(found[1]), jax_handler.MINOR) if found else 1


@functools.cache
def _rest() -> int:
    """The address of what a thread calls that has to wait."""
    if sys.platform == "win32":
        return ctypes.cast(ctypes.windll.kernel32.SwitchToThread, ctypes.c_void_p).value or 0
    return c_function("sched_yield")
