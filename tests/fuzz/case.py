"""One random formula through everything that runs in this process: traced, optimised, verified, compiled, compared."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np

import symhep as sh
from symhep.batch.reductions import reduces
from symhep.batch.staged import Staged
from symhep.batch.unrolled import FEW, batches, unrolled
from symhep.checking.evaluate import numpy_values
from symhep.checking.verify import compare
from symhep.errors import ArgumentError, TraceError
from symhep.graph import Graph, Node
from symhep.kernel import Kernel
from symhep.program import build
from symhep.targets import numba as numba_target
from symhep.targets import numpy as numpy_target
from symhep.targets.native import compile_program
from tests.fuzz import checks, condition
from tests.fuzz.checks import Failure, differences, outputs, stepwise
from tests.fuzz.inputs import ordinary, special
from tests.fuzz.recipes import Recipe

BOUND = 50.0  # how many times its estimate an error may be
EVENTS = 71

# what is checked beside the verification and the numba and numpy targets, and of which part of the cases
PARTS = {
    "c": 0.4, "cupy": 0.3, "jax": 0.01, "jax text": 0.01, "readable": 0.001, "layouts": 0.2, "plain": 0.3,
    "pickle": 0.05, "sympy": 0.1, "lambdify": 0.03,
}  # fmt: skip
TARGETS = {"c": ["c"], "cupy": ["cupy"], "jax": ["jax", "jax text"], "numba": ["readable"], "numpy": ["plain"]}


@dataclass(frozen=True, slots=True)
class Options:
    """How a case is run; `parts` names what is checked beside what always is."""

    effort: str
    math: str
    dtype: np.dtype
    parts: frozenset[str] = frozenset()
    derivative: str = ""

    def __str__(self) -> str:
        with_parts = f", with {', '.join(sorted(self.parts))}" if self.parts else ""
        return f"{self.derivative or 'value'}, {self.effort}, {self.math}, {self.dtype}{with_parts}"


def options_for(seed: int, targets: Sequence[str] | None = None) -> Options:
    """The options of a case: what takes long for few. `targets` are those that are run at all, beside numba."""
    rng = random.Random(seed ^ 0xF00D)
    effort = "default" if rng.random() < 0.15 else "fast"
    math = "strict" if rng.random() < 0.15 else "finite"
    dtype = np.dtype(np.float32 if rng.random() < 0.3 else np.float64)
    drawn = {part for part, share in PARTS.items() if rng.random() < share}
    names = ("", "jacobian", "grad", "value_and_grad", "hessian")
    derivative = rng.choices(names, (1, 0.06, 0.02, 0.01, 0.01))[0]
    if targets is not None:
        drawn -= {part for name, parts in TARGETS.items() if name not in targets for part in parts}
    if derivative:
        drawn -= {"plain", "sympy", "lambdify", "layouts"}
    return Options(effort, math, dtype, frozenset(drawn), derivative)


@dataclass(slots=True)
class Case:
    """A recipe with its kernel, and what it gave.

    arrays   the arguments of 3 EVENTS events, the first third of them ordinary
    columns  the same by the names of the optimised graph's inputs
    found    the outputs of the numba target; `unsigned` says where the sign of NaN decides, which is not defined
    """

    recipe: Recipe
    options: Options
    kernel: Kernel
    graph: Graph
    seen: Counter = field(default_factory=Counter)
    arrays: list[np.ndarray] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    found: list[np.ndarray] = field(default_factory=list)
    unsigned: Any = False

    @classmethod
    def of(cls, recipe: Recipe, options: Options) -> Case | None:
        """None where the formula depends on nothing, or has no such derivative."""
        o = options
        kernel = sh.kernel(recipe.function(), effort=o.effort, math=o.math, parameters=recipe.parameters)
        try:
            if o.derivative:
                kernel = getattr(sh, o.derivative)(kernel)
            kernel.traced  # noqa: B018
        except (TraceError, ArgumentError) as error:
            if any(text in str(error) for text in _NONE):
                return None
            raise
        made = cls(recipe, options, kernel, kernel._chosen({}).optimised.graph)
        few, many = ordinary(recipe, EVENTS, o.dtype), special(recipe, 2 * EVENTS, o.dtype)
        made.arrays = [np.concatenate([x, y]) if not a.parameter else x for a, x, y in zip(recipe.arguments, few, many)]
        made.columns = made.named(made.graph, made.arrays)
        return made

    @property
    def written(self) -> Graph:
        return self.kernel.traced.graph

    @property
    def reduced(self) -> bool:
        return any(reduces(n) for n in self.written.order)

    @property
    def names(self) -> list[str]:
        return [f"out{k}" for k in range(len(self.graph.outputs))]

    def named(self, graph: Graph, arrays: Sequence[np.ndarray]) -> dict[str, Any]:
        """The arguments as columns by the names of a graph's inputs; complex ones as pairs if these are."""
        split = not any(n.dtype == "complex" for n in graph.inputs)
        cells: list[Any] = []
        for a, x in zip(self.recipe.arguments, arrays):
            for i in np.ndindex(*a.core):
                if a.kind == "s" and i[0] > i[1]:
                    continue
                cell = x[(..., *i)] if i else x
                cells += [cell.real, cell.imag] if a.kind == "c" and split else [cell]
        typed = [x if x.dtype.kind == "c" else np.asarray(x, self.options.dtype) for x in cells]
        return dict(zip([n.attrs[0] for n in graph.inputs], typed, strict=True))

    @property
    def axes(self) -> Any:
        """The batch axis of each output, none where it is one number; None for a kernel without such outputs."""
        return self.kernel._chosen({}).axes

    @property
    def sizes(self) -> list[int]:
        """How many values each output has."""
        return [3 * EVENTS if self.axes is None or axis else 1 for axis in self.axes or self.graph.outputs]


# refusals that are right: the formula depends on nothing, or has no derivative of this kind
_NONE = (
    "does not depend",
    "has no real argument",
    "and not one real number",
    "derivatives are by real",
    "batch reduction",
)


def failures(case: Case) -> Iterator[Failure]:
    """All that is wrong with one formula, as far as this process runs it; sets the outputs of the numba target."""
    dtype, graph, columns = case.options.dtype, case.graph, case.columns
    yield from _verified(case)
    case.found, totals = _native(case)
    values = stepwise(graph, columns, dtype, given=totals)
    yield from checks.sums(graph, values, columns, dtype)
    unsigned = checks.signs_of_nan(graph, values, 3 * EVENTS)
    case.unsigned = [unsigned if size > 1 else unsigned.any(keepdims=True) for size in case.sizes]
    right = outputs(graph, values, case.sizes, dtype)
    right = [np.where(u, f, r) for u, f, r in zip(case.unsigned, case.found, right)]
    yield from differences("native", case.names, case.found, right, columns)
    yield from dict.fromkeys(checks.function_errors(graph, values, dtype))
    yield from _numpy_target(case)
    if not case.reduced:
        yield from accurate(case, "accuracy", case.found)
    case.seen["exact programs"] += checks.is_exact(graph)
    case.seen["finite outputs"] += sum(int(np.isfinite(x).sum()) for x in case.found)
    case.seen["all outputs"] += sum(x.size for x in case.found)
    if case.options.math == "strict" and not case.options.derivative:
        yield from _strict(case)
    if "readable" in case.options.parts:
        yield from _readable(case)


def _native(case: Case) -> tuple[list[np.ndarray], dict[Node, np.ndarray]]:
    """The outputs of compiled code, and its reductions over the batch."""
    graph, dtype = case.graph, case.options.dtype
    given = [np.ascontiguousarray(np.atleast_1d(case.columns[n.attrs[0]]), dtype) for n in graph.inputs]
    if case.axes is None:
        return checks.filled(compile_program(build(graph), dtype), given, case.sizes), {}
    totals = [n for n in graph.order if n.op in checks.REDUCTIONS]
    shown = Graph(graph.inputs, (*graph.outputs, *totals), order=graph.order)
    axes = [*case.axes, *[n.axes for n in totals]]
    runner = Staged(shown, axes, lambda program: compile_program(program, dtype), dtype)
    found = checks.filled(runner, given, [*case.sizes, *[1] * len(totals)])
    return found[: len(graph.outputs)], dict(zip(totals, found[len(graph.outputs) :]))


def _verified(case: Case) -> Iterator[Failure]:
    """The optimised graph against the graph as written, in high precision, at ordinary and at special points."""
    columns, before, after = case.named(case.written, case.arrays), case.written, case.graph
    points = [_point(columns, i) for i in (0, 1, 2)]
    points += [p for p in (_point(columns, i) for i in range(EVENTS, EVENTS + 12)) if p is not None][:4]
    usable = [p for p in points if p is not None]
    if case.reduced:
        inputs = before.inputs
        before, after = unrolled(before), unrolled(after)
        usable = batches(usable, inputs, FEW)[:3]
    usable = [p for p in usable if condition.meaningful(before, p)]
    outcome = compare(before, after, usable)
    case.seen["verified"] += outcome.points
    if outcome.failed:
        yield Failure("verify", str(outcome))


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


def _numpy_target(case: Case) -> Iterator[Failure]:
    """The NumPy target against the same operations one by one."""
    dtype, graph, columns = case.options.dtype, case.graph, case.columns
    given = [np.asarray(columns[n.attrs[0]], dtype) for n in graph.inputs]
    if case.axes is not None:
        runner = Staged(graph, case.axes, lambda program: numpy_target.compile_program(program, dtype), dtype)
        found = checks.filled(runner, list(map(np.atleast_1d, given)), case.sizes)
        totals = _totals_by_numpy(case, given)
    else:
        found, totals = numpy_target.compile_program(build(graph), dtype)(given), {}
    right = outputs(graph, stepwise(graph, columns, dtype, by_numpy=True, given=totals), case.sizes, dtype)
    found = [np.broadcast_to(x, (size,)) for x, size in zip(found, case.sizes)]
    yield from differences("numpy", case.names, found, right, columns)


def _totals_by_numpy(case: Case, given: list[np.ndarray]) -> dict[Node, np.ndarray]:
    """The reductions of the NumPy target."""
    graph, dtype = case.graph, case.options.dtype
    totals = [n for n in graph.order if n.op in checks.REDUCTIONS]
    shown = Graph(graph.inputs, tuple(totals), order=graph.order)
    runner = Staged(
        shown, [n.axes for n in totals], lambda program: numpy_target.compile_program(program, dtype), dtype
    )
    return dict(zip(totals, checks.filled(runner, list(map(np.atleast_1d, given)), [1] * len(totals))))


def accurate(case: Case, what: str, found: Sequence[np.ndarray], slack: float = BOUND) -> Iterator[Failure]:
    """Results at ordinary points against mpmath, within what rounding may do to them."""
    dtype, graph = case.options.dtype, case.graph
    whole = case.named(case.written, case.arrays)
    chosen = [0, 1, 2]
    few = {k: v[chosen] if np.size(v) > 1 else v for k, v in case.columns.items()}
    _, moved = condition.spread(graph, few, dtype)
    for k, i in enumerate(chosen):
        right = condition.right_values(case.written, point, dtype) if (point := _point(whole, i)) else None
        if right is None:
            continue
        for j, (y, bound) in enumerate(zip(right, moved)):
            if isinstance(y, bool) or bound is None or not mpmath.isfinite(y):
                continue
            b = float(np.broadcast_to(bound, (3,))[k])
            x = float(found[j][i if found[j].size > 1 else 0])
            size = float(abs(y)) if abs(y) < 1e300 else np.inf
            if not np.isfinite(b) or not 1e-30 < size < 1e30 or b > 1e-3 * size:
                continue
            case.seen[what] += 1
            error = float(abs(mpmath.mpf(x) - y)) if np.isfinite(x) else np.inf
            if error > slack * (b + float(np.finfo(dtype).eps) * size):
                yield Failure(what, f"out{j} is {x!r}, not {mpmath.nstr(y, 17)} (bound {b:.1e})", i)


def _strict(case: Case) -> Iterator[Failure]:
    """Strict math: the bits of the formula as written, for every input, if it is real arithmetic."""
    graph = case.written
    # copysign may take the sign of a NaN, which is not defined
    unsure = ("power", "minimum", "maximum", "copysign", *checks.REDUCTIONS)
    if any(n.dtype == "complex" or n.op in unsure for n in graph.order) or not checks.is_exact(graph):
        return
    case.seen["strict bits"] += 1
    columns = case.named(graph, case.arrays)
    right = [np.broadcast_to(x, (3 * EVENTS,)) for x in numpy_values(graph, columns, case.options.dtype)]
    yield from differences("strict", case.names, case.found, right, columns)


def _readable(case: Case) -> Iterator[Failure]:
    """The readable source gives the same bits."""
    dtype, axes = case.options.dtype, case.kernel._chosen({}).axes
    run_text = numba_target.load(numba_target.emit(build(case.graph, axes), dtype))
    given = [np.atleast_1d(np.asarray(case.columns[n.attrs[0]], dtype)) for n in case.graph.inputs]
    results = run_text([np.ascontiguousarray(x) for x in given])
    shaped = [np.broadcast_to(r, f.shape) for r, f in zip(results, case.found)]
    yield from differences("readable", case.names, shaped, case.found, case.columns)
