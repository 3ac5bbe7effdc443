"""What a kernel keeps for each choice of its static arguments: the traced graph, the optimised one, compiled code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep import calls, results
from symhep.calls import Runner
from symhep.errors import ArgumentError, TargetError, message
from symhep.graph import Graph
from symhep.trace import Traced

if TYPE_CHECKING:
    from symhep.passes import Optimised


@dataclass(frozen=True, slots=True)
class Options:
    """How a kernel is optimised and run; the fields are the options of `kernel`."""

    target: str = "auto"
    dtype: Any = None
    effort: str | float = "default"
    domain: Any = None
    identities: bool | str = False
    math: str = "finite"
    parameters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check("target", self.target, ("auto", "numpy", "numba", "jax", "cupy", "c"))
        _check("math", self.math, ("finite", "strict"))
        _check("identities", self.identities, (False, "probe"))
        if isinstance(self.effort, (str, bool)):
            _check("effort", self.effort, ("fast", "default", "max"))
        if self.dtype is not None:
            calls.float_dtype(self.dtype)


def _check(name: str, value: Any, allowed: Sequence[Any]) -> None:
    if value not in allowed:
        raise ArgumentError(f"{name} is one of {', '.join(map(repr, allowed))}, got {value!r}")


class Variant:
    """A kernel for one choice of its static arguments: traced, optimised and compiled when that is needed."""

    def __init__(self, traced: Traced, options: Options):
        self.traced, self.options = traced, options
        self.slots = results.slots_of(traced)
        self.runners: dict[tuple[str, np.dtype], Runner] = {}
        self._optimised: Optimised | None = None
        self._lock = threading.RLock()
        self.plain = _is_plain(traced)
        self.parameters = any(a.parameter for a in traced.arguments)
        self.bare = traced.tree.kind == "leaf" and not self.slots[0].shape and self.slots[0].kind != "bool"

    @property
    def optimised(self) -> Optimised:
        """The optimised graph, and what each pass did."""
        with self._lock:
            if self._optimised is None:
                from symhep.passes import optimise

                o, t = self.options, self.traced
                self._optimised = optimise(t.graph, effort=o.effort, math=o.math, calls=t.calls)  # type: ignore[arg-type]
            return self._optimised

    def runner(self, dtype: np.dtype) -> Runner:
        """The compiled code for a dtype."""
        key = self.options.target, dtype
        found = self.runners.get(key)
        if found is None:
            with self._lock:
                found = self.runners.get(key)
                if found is None:
                    found = self.runners[key] = compiled(self.optimised.graph, *key)
        return found

    def with_options(self, options: Options) -> Variant:
        """The same graph with other options; the optimised graph is kept where they leave it as it is."""
        made = Variant(self.traced, options)
        if (options.effort, options.math) == (self.options.effort, self.options.math):
            made._optimised = self._optimised
        return made


def _is_plain(traced: Traced) -> bool:
    """Whether every argument is one real number per event, so that arrays can be columns as they are."""
    scalars = all(not leaf.core.shape and leaf.core.kind in ("real", "integer") for leaf in traced.leaves)
    return scalars and not any(a.static or a.tree.kind != "leaf" for a in traced.arguments)


def compiled(graph: Graph, target: str, dtype: np.dtype) -> Runner:
    """Compile an optimised graph for a target."""
    from symhep.program import build

    program = build(graph)
    if target in ("auto", "numba"):
        from symhep.targets.native import compile_program

        return compile_program(program, dtype)
    if target == "numpy":
        from symhep.targets import numpy as numpy_target

        return _ByColumns(numpy_target.compile_program(program, dtype))
    raise unavailable(target)


class _ByColumns:
    """A function from columns to columns as a Runner."""

    small: Callable | None = None

    def __init__(self, function: Callable):
        self.function = function

    def run(self, columns, outputs, threads=1):
        for output, result in zip(outputs, self.function(columns)):
            output[...] = result


def emitter(target: str) -> Callable[..., str]:
    """What writes the source for a target: emit(program, dtype, name)."""
    from importlib import import_module
    from importlib.util import find_spec

    _check("target", target, ("numpy", "numba", "jax", "cupy", "c"))
    if find_spec(f"symhep.targets.{target}") is None:
        raise unavailable(target)
    return import_module(f"symhep.targets.{target}").emit


def unavailable(target: str) -> TargetError:
    """The error for a target that does not work here, with the reason."""
    from symhep.targets import targets

    reason = targets()[target]
    return TargetError(message(f"target {target} is not available in this version: {reason}",
                               instead="np.asarray(x) of the arguments"))  # fmt: skip
