"""Timing a kernel: nanoseconds per event on each target, next to the function itself on NumPy arrays."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.calling.calls import default_threads
from symhep.checking.accuracy import inputs_of
from symhep.targets import targets

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from symhep.checking.domain import Domain
    from symhep.kernel import Kernel

REPEATS = 7
SECONDS = 0.05  # how long one repeat lasts at least

AS_WRITTEN = "the function, on NumPy arrays"


@dataclass(frozen=True, slots=True)
class Timing:
    """One way to compute the kernel: the best time, and what the first call took beyond it."""

    label: str
    seconds: float
    first_call: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Times of one kernel; prints as a table."""

    name: str
    events: int
    dtype: str
    threads: int
    timings: tuple[Timing, ...]

    def as_dict(self) -> dict[str, Any]:
        """The times as plain data."""
        rows = {
            t.label: {
                "ns_per_event": 1e9 * t.seconds / self.events,
                "events_per_second": self.events / t.seconds,
                "first_call_seconds": t.first_call,
            }
            for t in self.timings
        }
        return {"name": self.name, "events": self.events, "dtype": self.dtype, "threads": self.threads, "times": rows}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        yield Text(f"{self.name}: {self.events:,} events, {self.dtype}, {threads}", style="bold")
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="")
        for i, title in enumerate(("", "ns/event", "events/s", "first call")):
            table.add_column(title, justify="right" if i else "left", no_wrap=bool(i))
        for t in self.timings:
            per_event = 1e9 * t.seconds / self.events
            table.add_row(t.label, f"{per_event:,.3g}", _large(self.events / t.seconds), f"{t.first_call:.3f} s")
        yield table


def _large(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:.3g}"


def measure(
    kernel: Kernel,
    chosen: Sequence[str] | None = None,
    events: int = 100_000,
    threads: int | None = None,
    domain: Domain | None = None,
) -> Bench:
    """Time a kernel on inputs sampled from a domain, on the chosen targets or on all that work here."""
    working = [name for name, a in targets().items() if a]
    dtype = np.dtype(kernel.options.dtype or np.float64)
    given = inputs_of(kernel, events, domain or kernel.options.domain).arguments
    timings = []
    right = None
    for target in chosen or working:
        bound = kernel.to(target)
        on_arrays = {"jax": _by_jax, "cupy": _by_cupy}.get(target)
        call = on_arrays(bound, given) if on_arrays else partial(bound, **given, threads=threads)
        timings.append(_timed(target, call))
        right = call() if right is None else right
    written = _as_written(kernel, given, right)
    if written is not None:
        timings.append(_timed(AS_WRITTEN, written))
    return Bench(kernel.name, events, dtype.name, threads or default_threads(), tuple(timings))


def _by_jax(bound: Kernel, given: dict[str, Any]) -> Callable[[], Any]:
    """A call on arrays of JAX, until the results are there; JAX has float64 for as long as that takes."""
    import jax

    double = (jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")).enable_x64
    with double(True):
        arrays = jax.tree.map(jax.numpy.asarray, given)

    def call() -> Any:
        with double(True):
            return jax.block_until_ready(bound(**arrays))

    return call


def _by_cupy(bound: Kernel, given: dict[str, Any]) -> Callable[[], Any]:
    """A call on arrays of CuPy, until the results are there."""
    import cupy

    arrays = dict(given)
    for a in bound.arguments:
        if a.name in given and not a.static:
            arrays[a.name] = a.tree.build(iter([cupy.asarray(x) for _, x in a.tree.take(given[a.name])]))

    def call() -> Any:
        result = bound(**arrays)
        cupy.cuda.get_current_stream().synchronize()
        return result

    return call


def _timed(label: str, call: Callable[[], Any]) -> Timing:
    start = time.perf_counter()
    call()
    first = time.perf_counter() - start
    repeats = max(1, int(SECONDS / max(_once(call), 1e-9)))
    best = min(_once(call, repeats) for _ in range(REPEATS))
    return Timing(label, best, max(first - best, 0.0))


def _once(call: Callable[[], Any], repeats: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def _as_written(kernel: Kernel, given: dict[str, Any], right: Any) -> Callable[[], Any] | None:
    """A call of the original function on whole columns, core axes in front; None where it does not mean the same."""
    if kernel.fn is None:
        return None
    traced = kernel.traced
    leaves = {x.path: x for x in traced.leaves}

    def fronted(path: str, value: Any) -> Any:
        core = len(leaves[path].core.shape)
        return np.moveaxis(value, range(-core, 0), range(core)) if core else value

    columns = {}
    for a in traced.arguments:
        if not a.static:
            parts = [fronted(path, v) for path, v in a.tree.take(given[a.name], a.name)]
            columns[a.name] = a.tree.build(iter(parts))
    function = kernel.fn

    def call() -> Any:
        with np.errstate(all="ignore"):
            return function(**columns)

    try:
        same = _agree(traced, call(), right)
    except Exception:
        return None  # the function is written for one event in a way that columns do not fit
    return call if same else None


def _agree(traced: Any, result: Any, right: Any) -> bool:
    pairs = zip(traced.tree.take(result, "result"), traced.tree.take(right, "result"), traced.outputs, strict=True)
    for (_, mine), (_, other), output in pairs:
        core = len(output.shape)
        mine = np.moveaxis(np.asarray(mine), range(core), range(-core, 0)) if core else np.asarray(mine)
        if not np.allclose(mine, other, rtol=1e-3, atol=1e-3 * np.nanmax(np.abs(other)), equal_nan=True):
            return False
    return True
