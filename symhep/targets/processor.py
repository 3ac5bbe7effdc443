"""This processor, and machine code that LLVM makes for it or for others."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import llvmlite
import llvmlite.binding as llvm

from symhep.caching import cache as files
from symhep.caching.cache import Store


@dataclass(frozen=True, slots=True)
class Host:
    """A processor that code is made for.

    width     doubles in its vector registers
    balance   whether adders and multipliers are distinct units
    special   "avx512" or "avx2" where it has these instructions
    complete  whether it has all instructions, such that no code calls a library
    """

    triple: str
    cpu: str
    features: str
    width: int
    balance: bool
    special: str
    complete: bool


@cache
def host() -> Host:
    """The processor that this process runs on."""
    _initialise()
    features = llvm.get_host_cpu_features()
    cpu = llvm.get_host_cpu_name()
    width = 8 if features.get("avx512f") else 4 if features.get("avx") else 2
    # LLVM's linker in memory reads ELF objects only on Windows
    triple = llvm.get_process_triple() + ("-elf" if sys.platform == "win32" else "")
    balance = cpu.startswith("znver") and bool(features.get("fma"))
    complete = bool(features.get("fma")) or not triple.startswith(("x86_64", "i686"))
    special = "avx512" if width == 8 else "avx2" if features.get("avx2") else ""
    return Host(triple, cpu, features.flatten(), width, balance, special, complete)


@cache
def _initialise() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def _machine(triple: str, cpu: str, features: str) -> llvm.TargetMachine:
    _initialise()
    target = llvm.Target.from_triple(triple)
    return target.create_target_machine(cpu=cpu, features=features, opt=2, reloc="pic", codemodel="small")


def emit_object(text: str, triple: str, cpu: str = "", features: str = "") -> bytes:
    """Object code of a module for any processor that LLVM knows."""
    with _parsed(text) as module:
        return _machine(triple, cpu, features).emit_object(module)


def emit_assembly(text: str, triple: str, cpu: str = "", features: str = "") -> str:
    """The same as text, to be looked at."""
    with _parsed(text) as module:
        return str(_machine(triple, cpu, features).emit_assembly(module))


@contextmanager
def _parsed(text: str) -> Iterator[llvm.ModuleRef]:
    """A module in a context of its own: LLVM keeps every constant that a context has seen as long as the context."""
    context = llvm.create_context()
    module = llvm.parse_assembly(text, context)
    try:
        yield module
    finally:
        module.close()
        context.close()


def kept(store: Store | None, parts: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
    """What the store has for this processor under a description, or else what `make` returns."""
    versions = f"llvmlite {llvmlite.__version__}, LLVM {llvm.llvm_version_info}"
    return files.kept(store, files.key("code", *parts, f"{host()}", versions), make)


def machine_code(text: str) -> bytes:
    """Object code for this processor."""
    h = host()
    return emit_object(text, h.triple, h.cpu, h.features)


def load(code: bytes) -> llvm.ExecutionEngine:
    """Object code linked into this process; it stays as long as the engine does."""
    h = host()
    module = llvm.parse_assembly("")
    module.triple = h.triple
    # one memory block for all sections: code reaches its constants with 32-bit offsets; but not for undefined symbols,
    # which only a processor without these instructions needs
    engine = llvm.create_mcjit_compiler(module, _machine(h.triple, h.cpu, h.features), use_lmm=h.complete)
    engine.set_object_cache(getbuffer_func=lambda _: code)
    engine.finalize_object()
    return engine


@cache
def c_function(name: str) -> int:
    """The address of a function of the C library."""
    libraries = ("ucrtbase",) if sys.platform == "win32" else (None, "libm.so.6")
    for library in libraries:
        try:
            return ctypes.cast(getattr(ctypes.CDLL(library), name), ctypes.c_void_p).value or 0
        except (AttributeError, OSError):
            continue
    raise OSError(f"the C library has no function {name!r}")
