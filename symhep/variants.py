"""What a kernel keeps for each choice of its static arguments: the traced graph, the optimised one, compiled code."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.batch.staged import Staged, has_stages
from symhep.caching import cache, saved
from symhep.calling import calls, results
from symhep.calling.calls import Runner
from symhep.errors import ArgumentError, TargetError, message
from symhep.garbage import collection_paused
from symhep.graph import Graph
from symhep.program import Program, build
from symhep.tracing.trace import Traced

if TYPE_CHECKING:
    from symhep.checking.verify import Verification
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
        if isinstance(self.effort, (str, bool)) or not self.effort > 0:
            _check("effort", self.effort, ("fast", "default", "max"), " or a number of seconds")
        checked_domain(self.domain)
        if self.dtype is not None:
            calls.float_dtype(self.dtype)


def checked_domain(domain: Any) -> Any:
    """A domain, or None; raises ArgumentError for anything else."""
    if domain is not None and not (hasattr(domain, "sample") and hasattr(domain, "points")):
        what = f"domain has to be a sampler of the arguments, got {domain!r}"
        raise ArgumentError(message(what, instead="sh.box(x=(low, high), ...), or a sampler of your own"))
    return domain


def _check(name: str, value: Any, allowed: Sequence[Any], more: str = "") -> None:
    if value not in allowed:
        raise ArgumentError(f"{name} is one of {', '.join(map(repr, allowed))}{more}, got {value!r}")


class Variant:
    """A kernel for one choice of its static arguments: traced, optimised and compiled when that is needed."""

    def __init__(self, traced: Traced, options: Options):
        self.traced, self.options = traced, options
        self.slots = results.slots_of(traced)
        self.runners: dict[tuple[str, np.dtype], Runner] = {}
        self.compile_seconds: dict[tuple[str, np.dtype], float] = {}
        self.verify_seconds = 0.0
        self._optimised: Optimised | None = None
        self._verification: Verification | None = None
        self._saved: saved.Saved | None = None
        self._recalled = False
        self._lock = threading.RLock()
        # for each output its batch axis, where there are reductions or several axes; None for kernels without
        self.axes = results.axes_of(self.slots) if has_stages(traced) else None
        self.plain = _is_plain(traced)
        self.parameters = any(a.parameter for a in traced.arguments)
        self.jax: dict[np.dtype | None, Any] = {}  # jitted functions by dtype (jax_calls.py)
        self.cupy: dict[tuple[np.dtype, int], Any] = {}  # compiled kernels by dtype and device (cupy_calls.py)
        self.bare = traced.tree.kind == "leaf" and not self.slots[0].shape and self.slots[0].kind != "bool"

    @property
    def optimised(self) -> Optimised:
        """The optimised graph, and what each pass did."""
        with self._lock:
            if self._optimised is None:
                found = self._recall()
                self._optimised = self._search() if found is None else found.optimised
            return self._optimised

    def _search(self) -> Optimised:
        from symhep.naming import named
        from symhep.passes import optimise

        o, t = self.options, self.traced
        start = time.perf_counter()
        found = optimise(t.graph, effort=o.effort, math=o.math, calls=t.calls, known=t.known)
        found = replace(found, graph=named(t, found.graph, o.domain))
        if time.perf_counter() - start >= cache.WORTH:
            saved.keep(t, o, saved.to_bytes(t, found))
        return found

    @property
    def verification(self) -> Verification:
        """The optimised graph compared with the function as traced, once; raises VerificationError if it differs."""
        with self._lock:
            found = self._recall() if self._verification is None else None
            if found is not None and found.verified:
                self._verification, self.verify_seconds = found.verification, found.verify_seconds
            if self._verification is None:
                self._verification = self._verify()
            return self._verification

    def _verify(self) -> Verification:
        from symhep.checking.verify import verify

        t, o, after = self.traced, self.options, self.optimised
        start = time.perf_counter()
        points = _points(len(t.graph.order) + len(after.graph.order), o.effort)
        with collection_paused():
            outcome = verify(t, after.graph, o.domain, points).check()
        self.verify_seconds = time.perf_counter() - start
        if self.verify_seconds >= cache.WORTH:
            saved.keep(t, o, saved.to_bytes(t, after, outcome, self.verify_seconds))
        return outcome

    def _recall(self) -> saved.Saved | None:
        """What the cache or a pickle has of this program."""
        if not self._recalled:
            self._saved, self._recalled = saved.load(self.traced, self.options), True
        return self._saved

    def verified(self) -> Graph:
        """The optimised graph, verified; where that was done before, without the passes being imported."""
        with self._lock:
            found = self._recall() if self._optimised is None else None
            if found is not None and found.verified:
                return found.graph
            assert self.verification is not None
            return self.optimised.graph

    def state(self) -> bytes | None:
        """What is known beyond the traced graph, for `restore`; None if nothing is yet."""
        with self._lock:
            known = self._saved
            if known is None and self._optimised is None:
                return None
            outcome = self.verification if known is not None and known.verified else self._verification
            return saved.to_bytes(self.traced, self.optimised, outcome, self.verify_seconds)

    def restore(self, state: bytes) -> None:
        """Take over what another process knew of this program."""
        self._saved, self._recalled = saved.Saved(state, self.traced), True

    def runner(self, dtype: np.dtype) -> Runner:
        """The compiled code for a dtype."""
        key = self.options.target, dtype
        found = self.runners.get(key)
        if found is None:
            with self._lock:
                found = self.runners.get(key)
                if found is None:
                    with collection_paused():
                        found = self.runners[key] = self._compiled(*key)
        return found

    def _compiled(self, target: str, dtype: np.dtype) -> Runner:
        graph = self.verified()
        start = time.perf_counter()
        if self.axes is None or target == "c":  # C functions have their loops, also those of several stages
            made: Runner = compiled(build(graph, self.axes), target, dtype)
        else:
            made = Staged(graph, self.axes, lambda program: compiled(program, target, dtype), dtype)
        self.compile_seconds[target, dtype] = time.perf_counter() - start
        return made

    def with_options(self, options: Options) -> Variant:
        """The same graph with other options; the optimised graph is kept where they leave it as it is."""
        made = Variant(self.traced, options)
        if (options.effort, options.math) == (self.options.effort, self.options.math):
            made._optimised = self._optimised if self._saved is None else self.optimised
            if options.domain is self.options.domain:
                made._saved, made._recalled = self._saved, self._recalled
                made._verification, made.verify_seconds = self._verification, self.verify_seconds
        return made


# An evaluation of a node in high precision takes about 10 µs, to optimise it 1 ms, or 0.1 ms with effort "fast".
_EVALUATIONS: dict[Any, int] = {"fast": 1_000}
_MOST_EVALUATIONS, _MOST_POINTS = 20_000, 4


def _points(nodes: int, effort: str | float) -> int:
    """At how many points to verify graphs of so many nodes: it is to take about a tenth of the compile time."""
    return max(1, min(_MOST_POINTS, _EVALUATIONS.get(effort, _MOST_EVALUATIONS) // max(nodes, 1)))


def _is_plain(traced: Traced) -> bool:
    """Whether every argument is one real number per event, so that arrays can be columns as they are.

    Integers may come as floating point numbers, and then have to be looked at.
    """
    scalars = all(not leaf.core.shape and leaf.core.kind == "real" for leaf in traced.leaves)
    return scalars and not any(a.static or a.tree.kind != "leaf" for a in traced.arguments)


def compiled(program: Program, target: str, dtype: np.dtype) -> Runner:
    """Compile a program without reductions for a target."""
    if target in ("auto", "numba"):
        from symhep.targets.native import compile_program

        return compile_program(program, dtype, store=cache.level("code"))
    if target == "numpy":
        from symhep.targets import numpy as numpy_target

        return numpy_target.compile_program(program, dtype)
    if target == "c":
        from symhep.targets import c_library

        return c_library.compile_program(program, dtype)
    raise unavailable(target)


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

    entry = targets()[target]
    return TargetError(message(f"target {target} does not work here: {entry.reason}", instead=entry.fix))
