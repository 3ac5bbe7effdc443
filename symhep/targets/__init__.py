"""The targets: what generated code runs on, and which of them work here."""

from __future__ import annotations

import html
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

TARGETS = ("numpy", "numba", "jax", "cupy", "c")

_MACHINES = ("x86_64", "amd64", "arm64", "aarch64")
_PLANNED = {
    "cupy": "CUDA kernels",
    "c": "C and CUDA headers",
}


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
    entries = {"numpy": Availability(True), "numba": _numba(), "jax": _jax()}
    entries |= {name: Availability(False, f"not in this version ({what})") for name, what in _PLANNED.items()}
    return Targets(entries)


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
