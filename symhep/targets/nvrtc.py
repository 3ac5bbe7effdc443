"""CUDA texts compiled by NVRTC, which needs no GPU: for what the compiler says about registers and spilled bytes."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from symhep.errors import CompileError, MissingPackage


@dataclass(frozen=True, slots=True)
class Resources:
    """What a kernel needs on one architecture; bytes are per thread.

    spilled  bytes that registers are written to memory for want of room
    """

    name: str
    architecture: str
    registers: int
    stack: int
    spilled: int

    def __str__(self) -> str:
        spilled = f"{self.spilled:,} bytes spilled" if self.spilled else "nothing spilled"
        return f"{self.name}: {self.registers} registers on {self.architecture}, {spilled}"


def available() -> str | None:
    """Why there is no NVRTC here; None if there is."""
    return None if _library() else "NVRTC is not installed: pip install 'symhep[cuda-compile]'"


@cache
def _library() -> ctypes.CDLL | None:
    """NVRTC from NVIDIA's packages, or from an installed toolkit."""
    spec = find_spec("nvidia")
    folders = [] if spec is None else [Path(p) for p in spec.submodule_search_locations or ()]
    names = ("cuda_nvrtc/lib/libnvrtc.so.*", "cu1*/lib/libnvrtc.so.*", "cuda_nvrtc/bin/nvrtc64_*.dll")
    found = [str(p) for folder in folders for name in names for p in sorted(folder.glob(name))]
    for name in [*[f for f in found if "builtins" not in f and ".alt." not in f], find_library("nvrtc")]:
        if name:
            try:
                return ctypes.CDLL(name)
            except OSError:
                continue
    return None


def compile_text(text: str, architecture: int, options: Sequence[str] = ()) -> tuple[bytes, list[Resources]]:
    """A CUDA text as a CUBIN for an architecture such as 80 or 90, and what each of its kernels needs.

    Raises MissingPackage where there is no NVRTC, CompileError with its words where it fails.
    """
    library = _library()
    if library is None:
        raise MissingPackage("NVRTC", extra="cuda-compile")
    program = ctypes.c_void_p()
    _check(library, library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None))
    try:
        every = [*options, f"--gpu-architecture=sm_{architecture}", "--ptxas-options=-v"]
        given = (ctypes.c_char_p * len(every))(*[o.encode() for o in every])
        failed = library.nvrtcCompileProgram(program, len(every), given)
        log = _taken(library, program, "ProgramLog").decode(errors="replace").rstrip("\0")
        if failed:
            raise CompileError(f"NVRTC could not compile the kernel:\n{log}")
        return _taken(library, program, "CUBIN"), parsed(log)
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def _taken(library: ctypes.CDLL, program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    _check(library, getattr(library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    memory = ctypes.create_string_buffer(size.value)
    _check(library, getattr(library, f"nvrtcGet{what}")(program, memory))
    return memory.raw


def _check(library: ctypes.CDLL, status: int) -> None:
    if status:
        library.nvrtcGetErrorString.restype = ctypes.c_char_p
        raise CompileError(f"NVRTC: {library.nvrtcGetErrorString(status).decode()}")


_ENTRY = re.compile(
    r"Compiling entry function '(?P<name>\w+)' for '(?P<architecture>\w+)'"
    r".*?(?P<stack>\d+) bytes stack frame, (?P<spilled>\d+) bytes spill stores"
    r".*?Used (?P<registers>\d+) registers",
    re.DOTALL,
)


def parsed(log: str) -> list[Resources]:
    """What the log of ptxas says about each kernel."""
    return [
        Resources(m["name"], m["architecture"], int(m["registers"]), int(m["stack"]), int(m["spilled"]))
        for m in _ENTRY.finditer(log)
    ]
