"""The packages that are compared, in the order of the tables."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from importlib.metadata import version
from types import ModuleType


@dataclass(frozen=True)
class Peer:
    """A package: its module in benchmarks.peers, what has to be installed for it, and how (an extra of symhep)."""

    name: str
    title: str
    package: str
    extra: str = "bench"

    def module(self) -> ModuleType:
        return importlib.import_module(f"benchmarks.peers.{self.name}")

    @property
    def missing(self) -> str:
        """What to do where it is not installed, or nothing."""
        if importlib.util.find_spec(self.package) is not None:
            return ""
        return f"not installed: pip install 'symhep[{self.extra}]'"

    @property
    def label(self) -> str:
        """The title, with the version of the package that it names."""
        return f"{self.title} {version(self.package)}" if self.title.lower() == self.package else self.title


PEERS = {
    peer.name: peer
    for peer in (
        Peer("symhep", "symhep", "symhep"),
        Peer("jax", "JAX", "jax"),
        Peer("symengine", "SymEngine", "symengine"),
        Peer("casadi", "CasADi", "casadi"),
        Peer("pytensor", "PyTensor", "pytensor", extra="pytensor"),
        Peer("symforce", "SymForce", "symforce", extra="symforce"),
        Peer("symbolica", "Symbolica", "symbolica"),
        Peer("tensorwaves", "lambdify, jax.jit", "jax"),
        Peer("lambdify", "lambdify, NumPy", "sympy"),
    )
}
