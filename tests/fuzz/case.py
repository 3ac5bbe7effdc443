"""One random formula through everything: traced, optimised, verified, compiled, run in all layouts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

import symhep as sh
from symhep.checking.evaluate import numpy_values
from symhep.checking.verify import compare
from symhep.errors import TraceError
from symhep.graph import Graph
from symhep.kernel import Kernel
from symhep.program import build
from symhep.targets import numba as numba_target
from symhep.targets import numpy as numpy_target
from symhep.targets.native import compile_program
from tests.fuzz import checks, condition
from tests.fuzz.checks import differences, outputs, run, same_bits, stepwise
from tests.fuzz.recipes import Recipe, ordinary, special

BOUND = 50.0  # how many times its estimate an error may be
EVENTS = 71
SIZES = (0, 1, 7, 8, 9, 64, 65, 255, 1000)


@dataclass(frozen=True, slots=True)
class Options:
    """How a case is run."""

    effort: str
    math: str
    dtype: np.dtype
    layouts: bool
    readable: bool


def options_for(seed: int) -> Options:
    """The options of a case: those that take long for few."""
    rng = random.Random(seed ^ 0xF00D)
    effort = "default" if rng.random() < 0.15 else "fast"
    math = "strict" if rng.random() < 0.15 else "finite"
    dtype = np.dtype(np.float32 if rng.random() < 0.3 else np.float64)
    return Options(effort, math, dtype, rng.random() < 0.25, seed % 1000 == 7)


@dataclass(slots=True)
class Case:
    """A recipe with its kernel."""

    recipe: Recipe
    options: Options
    kernel: Kernel
    graph: Graph
    seen: Counter

    @classmethod
    def of(cls, recipe: Recipe, options: Options) -> Case | None:
        """None where the formula depends on nothing."""
        o = options
        kernel = sh.kernel(recipe.function(), effort=o.effort, math=o.math, parameters=recipe.parameters)
        try:
            kernel.traced  # noqa: B018
        except TraceError as error:
            if "does not depend" in str(error):
                return None
            raise
        return cls(recipe, options, kernel, kernel._chosen({}).optimised.graph, Counter())

    @property
    def written(self) -> Graph:
        return self.kernel.traced.graph

    def columns(self, arrays: Sequence[np.ndarray], split: bool) -> dict[str, Any]:
        """Arguments by the names of the graph's inputs; complex ones as pairs if `split`."""
        found: dict[str, Any] = {}
        for a, x in zip(self.recipe.arguments, arrays):
            if a.kind == "v":
                found |= {f"{a.name}[{k}]": x[..., k] for k in range(3)}
            elif a.kind == "c" and split:
                found |= {f"{a.name}.real": x.real, f"{a.name}.imag": x.imag}
            else:
                found[a.name] = x
        dtype = self.options.dtype
        return {k: v if v.dtype.kind == "c" else np.asarray(v, dtype) for k, v in found.items()}


def failures(recipe: Recipe, options: Options, seen: Counter | None = None) -> list[str] | None:
    """All that is wrong with one formula, None where it is no formula at all; `seen` counts what was compared."""
    case = Case.of(recipe, options)
    if case is None:
        return None
    found = list(_failures(case))
    if seen is not None:
        seen += case.seen
    return found


def _failures(case: Case) -> Iterator[str]:
    dtype, graph = case.options.dtype, case.graph
    arrays = [
        np.concatenate([x, y]) if x.ndim and not a.parameter else x
        for a, x, y in zip(
            case.recipe.arguments, ordinary(case.recipe, EVENTS, dtype), special(case.recipe, 2 * EVENTS, dtype)
        )
    ]
    yield from _verified(case, arrays)
    events = 3 * EVENTS
    columns = case.columns(arrays, split=True)
    program = build(graph)
    native = compile_program(program, dtype)
    found = run(native, graph, columns, events)
    values = stepwise(graph, columns, dtype)
    names = [f"out{k}" for k in range(len(found))]
    unsigned = checks.signs_of_nan(graph, values, events)
    right = [np.where(unsigned, f, r) for f, r in zip(found, outputs(graph, values, events, dtype))]
    yield from differences("native", names, found, right, columns)
    yield from dict.fromkeys(checks.function_errors(graph, values, dtype))
    yield from _numpy_target(case, columns, names)
    yield from _accurate(case, arrays, found)
    case.seen["exact programs"] += checks.is_exact(graph)
    case.seen["finite outputs"] += sum(int(np.isfinite(x).sum()) for x in found)
    case.seen["all outputs"] += sum(x.size for x in found)
    if case.options.math == "strict":
        yield from _strict(case, arrays, names, found)
    if case.options.layouts:
        yield from _layouts(case)
    if case.options.readable:
        yield from _readable(case, columns, names, found)


def _verified(case: Case, arrays: Sequence[np.ndarray]) -> Iterator[str]:
    """The optimised graph against the graph as written, in high precision, at ordinary and at special points."""
    columns = case.columns(arrays, split=False)
    points = [_point(columns, i) for i in (0, 1, 2)]
    points += [p for p in (_point(columns, i) for i in range(EVENTS, EVENTS + 12)) if p is not None][:4]
    used = [p for p in points if p is not None and condition.meaningful(case.written, p)]
    outcome = compare(case.written, case.graph, used)
    case.seen["verified"] += outcome.points
    if outcome.failed:
        yield f"verify: {outcome}"


def _point(columns: dict[str, Any], i: int) -> dict[str, Any] | None:
    """One event in mpmath numbers; None if it has any that mpmath takes no notice of."""
    point = {}
    for name, x in columns.items():
        value = np.ravel(x)[i if np.size(x) > 1 else 0]
        parts = (value.real, value.imag)
        if any(not np.isfinite(part) or (part != 0 and not 1e-30 < abs(part) < 1e30) for part in parts):
            return None
        point[name] = mpmath.mpmathify(value.item())
    return point


def _numpy_target(case: Case, columns: dict[str, Any], names: list[str]) -> Iterator[str]:
    """The NumPy target against the same operations one by one."""
    dtype, graph = case.options.dtype, case.graph
    right = outputs(graph, stepwise(graph, columns, dtype, by_numpy=True), 3 * EVENTS, dtype)
    found = numpy_target.compile_program(build(graph), dtype)([columns[n.attrs[0]] for n in graph.inputs])
    yield from differences("numpy target", names, found, right, columns)
    for name, n, x in zip(names, graph.outputs, found):
        if np.asarray(x).dtype != (np.bool if n.dtype == "bool" else dtype):
            yield f"numpy target: {name} is {np.asarray(x).dtype} in a {dtype} program"


def _accurate(case: Case, arrays: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> Iterator[str]:
    """Results against mpmath where the problem is well conditioned."""
    dtype, graph = case.options.dtype, case.graph
    split, whole = case.columns(arrays, split=True), case.columns(arrays, split=False)
    chosen = [0, 1, 2]
    few = {k: v[chosen] if np.size(v) > 1 else v for k, v in split.items()}
    middle, moved = condition.spread(graph, few, dtype)
    for k, i in enumerate(chosen):
        right = condition.right_values(case.written, point, dtype) if (point := _point(whole, i)) else None
        if right is None:
            continue
        for j, (y, bound) in enumerate(zip(right, moved)):
            if isinstance(y, bool) or bound is None or not mpmath.isfinite(y):
                continue
            b = float(np.broadcast_to(bound, (3,))[k])
            x = float(found[j][i])
            size = float(abs(y)) if abs(y) < 1e300 else np.inf
            if not np.isfinite(b) or not 1e-30 < size < 1e30 or b > 1e-3 * size:
                continue
            case.seen["accurate"] += 1
            error = float(abs(mpmath.mpf(x) - y)) if np.isfinite(x) else np.inf
            if error > BOUND * (b + float(np.finfo(dtype).eps) * size):
                at = f"at event {i}: {_at(whole, i)}"
                yield f"accuracy: out{j} is {x!r}, not {mpmath.nstr(y, 17)} (bound {b:.1e}) {at}"


def _at(columns: dict[str, Any], i: int) -> str:
    return ", ".join(f"{k}={np.ravel(v)[i if np.size(v) > 1 else 0]!r}" for k, v in columns.items())


def _strict(case: Case, arrays: Sequence[np.ndarray], names: list[str], found: Sequence[np.ndarray]) -> Iterator[str]:
    """Strict math: the bits of the formula as written, for every input, if it is real arithmetic."""
    graph = case.written
    # copysign may take the sign of a NaN, which is not defined
    other = any(n.dtype == "complex" or n.op in ("power", "minimum", "maximum", "copysign") for n in graph.order)
    if other or not checks.is_exact(graph):
        return
    case.seen["strict bits"] += 1
    columns = case.columns(arrays, split=True)
    right = [np.broadcast_to(x, (3 * EVENTS,)) for x in numpy_values(graph, columns, case.options.dtype)]
    yield from differences("strict", names, found, right, columns)


def _layouts(case: Case) -> Iterator[str]:
    """The same bits whatever the layout, the number of events, the position and the number of threads."""
    recipe, dtype = case.recipe, case.options.dtype
    ordinary_ = special(recipe, 1000, dtype, seed=5)
    kernel = case.kernel
    base = _run(kernel, ordinary_)
    for n in SIZES:
        part = [x if a.parameter else x[1000 - n :] for a, x in zip(recipe.arguments, ordinary_)]
        yield from _same(f"{n} events", _run(kernel, part), [b[1000 - n :] for b in base])
    for name, change in _CHANGES.items():
        given = [x if a.parameter else change(x) for a, x in zip(recipe.arguments, ordinary_)]
        yield from _same(name, _run(kernel, given), base)
    backward = [x if a.parameter else x[::-1] for a, x in zip(recipe.arguments, ordinary_)]
    yield from _same("reversed", _run(kernel, backward), [b[::-1] for b in base])
    first = [x if a.parameter else (x[3] if k else x) for k, (a, x) in enumerate(zip(recipe.arguments, ordinary_))]
    full = [
        x if a.parameter else (np.broadcast_to(x[3], x.shape) if k else x)
        for k, (a, x) in enumerate(zip(recipe.arguments, ordinary_))
    ]
    yield from _same("broadcast", _run(kernel, first), _run(kernel, [np.array(x) for x in full]))
    many = [x if a.parameter else np.concatenate([x] * 9) for a, x in zip(recipe.arguments, ordinary_)]
    for runner in kernel._chosen({}).runners.values():
        runner.event_time = 1e6  # type: ignore[attr-defined]  # so long that all threads are worth while
    yield from _same("threads", _run(kernel, many, threads=3), [np.concatenate([b] * 9) for b in base])
    one = [x if a.parameter else x[5] for a, x in zip(recipe.arguments, ordinary_)]
    yield from _same("one event", [np.reshape(y, 1) for y in _run(kernel, one)], [b[5:6] for b in base])
    square = [x if a.parameter else x.reshape(25, 40, *x.shape[1:]) for a, x in zip(recipe.arguments, ordinary_)]
    yield from _same("two batch axes", [y.reshape(-1) for y in _run(kernel, square)], base)


def _run(kernel: Kernel, arrays: Sequence[np.ndarray], threads: int = 1) -> list[np.ndarray]:
    return [np.asarray(y) for y in kernel(*arrays, threads=threads)]


def _structs(x: np.ndarray) -> np.ndarray:
    padded = np.zeros((*x.shape, 3), x.dtype)
    padded[..., 1] = x
    return padded[..., 1]


def _offset(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x[:1], x])[1:]


_CHANGES = {
    "array of structs": _structs,
    "every second": lambda x: np.repeat(x, 2, axis=0)[::2],
    "columns first": lambda x: np.asfortranarray(x),
    "offset": _offset,
    "swapped bytes": lambda x: x.astype(x.dtype.newbyteorder()),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
}


def _same(what: str, found: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> Iterator[str]:
    for k, (a, b) in enumerate(zip(found, right, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            yield f"layout {what}: out{k} is {a.dtype}{a.shape}, not {b.dtype}{b.shape}"
        elif not same_bits(a, b).all():
            i = int(np.argmax(~same_bits(a, b)))
            yield f"layout {what}: out{k} is {a[i]!r}, not {b[i]!r}, at event {i}"


def _readable(case: Case, columns: dict[str, Any], names: list[str], found: Sequence[np.ndarray]) -> Iterator[str]:
    """The readable source gives the same bits."""
    dtype = case.options.dtype
    run_text = numba_target.load(numba_target.emit(build(case.graph), dtype))
    given = [np.atleast_1d(np.asarray(columns[n.attrs[0]], dtype)) for n in case.graph.inputs]
    results = run_text([np.ascontiguousarray(x) for x in given])
    shaped = [np.broadcast_to(r, f.shape) for r, f in zip(results, found)]
    yield from differences("readable source", names, shaped, found, columns)
