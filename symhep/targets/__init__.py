"""The targets: what generated code runs on, and which of them work here."""

from __future__ import annotations

import html
import os
import platform
from collections.abc import Iterator, Mapping
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which

TARGETS = ("numpy", "numba", "jax", "cupy", "c")

_MACHINES = ("x86_64", "amd64", "arm64", "aarch64")


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a target works here; if it does not, why, and what helps."""

    available: bool
    reason: str = ""
    fix: str = ""

    def __bool__(self) -> bool:
        return self.available

    def __str__(self) -> str:
        return "works" if self.available else "; ".join(t for t in (self.reason, self.fix) if t)


class Targets(Mapping[str, Availability]):
    """Targets by name; prints as a table."""

    def __init__(self, entries: Mapping[str, Availability]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Availability:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        width = max(map(len, self._entries), default=0)
        return "\n".join(f"{name:{width}}  {'✓' if a else '–'} {a}" for name, a in self._entries.items())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{name}</td><td>{'✓' if a else '–'} {html.escape(str(a))}</td></tr>"
            for name, a in self._entries.items()
        )
        return f"<table>{rows}</table>"


def targets() -> Targets:
    """Which targets work here; for the others the reason and what to do.

    Nothing is imported to find out.

    >>> targets()["numpy"].available
    True
    """
    return Targets({"numpy": Availability(True), "numba": _numba(), "jax": _jax(), "cupy": _cupy(), "c": _c()})


def _cupy() -> Availability:
    if find_spec("cupy") is None:
        fix = "pip install 'symhep[cupy13]', or 'symhep[cupy12]' for CUDA 12"
        return Availability(False, "cupy is not installed", fix)
    if not _has_nvidia_driver():
        return Availability(False, "no NVIDIA driver with a device is found", 'k.source("cupy") works without')
    return Availability(True)


def _has_nvidia_driver() -> bool:
    """Whether the driver's device files are there, or on Windows its library; nothing is loaded to find out."""
    if platform.system() == "Windows":
        return find_library("nvcuda") is not None
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()


def c_compiler() -> str | None:
    """The C compiler: $CC, gcc, clang or cc; None if there is none.

    >>> c_compiler() is None or isinstance(c_compiler(), str)
    True
    """
    return next((p for name in (os.environ.get("CC"), "gcc", "clang", "cc") if name and (p := which(name))), None)


def _c() -> Availability:
    if c_compiler() is None:
        fix = 'apt install gcc; k.source("c") and k.build_c work without'
        return Availability(False, "no C compiler is found", fix)
    return Availability(True)


def _jax() -> Availability:
    if find_spec("jax") is None or find_spec("jaxlib") is None:
        return Availability(False, "jax is not installed", "pip install 'symhep[jax]'")
    return Availability(True)


def _numba() -> Availability:
    if find_spec("llvmlite") is None:
        return Availability(False, "llvmlite is not installed", "pip install numba")
    if platform.machine().lower() not in _MACHINES:
        return Availability(False, f"no code generator for {platform.machine()}", 'use .to("numpy")')
    return Availability(True)
