"""What is checked of one random formula; each check returns the failures that it finds, as texts.

The compiled program is compared bit for bit with its own operations carried out one by one: arithmetic by NumPy, each
elementary function by itself as machine code. Elementary functions are then compared with NumPy's on the arguments that
occur, and with mpmath where the two differ. So no tolerance for rounding is needed, however long the program.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np

from symhep.checking.evaluate import _numpy_function, rounded
from symhep.graph import Builder, Graph, Node
from symhep.ops import ELEMENTARY_COST, OPS, REDUCTIONS, resolve
from symhep.program import build
from symhep.targets.native import Native, compile_program
from tests.fuzz.vocabulary import EXACT

ULPS = 2.0  # the largest error of an elementary function
MOST = 4  # values of a function in a program that are computed by mpmath
Columns = Mapping[str, np.ndarray]
Values = dict[Node, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that is wrong: what, how, and at which event if it is at one."""

    kind: str
    text: str
    event: int | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}" + ("" if self.event is None else f", at event {self.event}")


# -- bits ------------------------------------------------------------------------------------------------------------


def same_bits(a: Any, b: Any) -> np.ndarray:
    """Where two arrays are equal, signs of zeros included; any NaN equals any other."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind == "c":
        return same_bits(a.real, b.real) & same_bits(a.imag, b.imag)
    if a.dtype.kind == "b" or b.dtype.kind == "b":
        return a.astype(bool) == b.astype(bool)
    return (a == b) & (np.signbit(a) == np.signbit(b)) | np.isnan(a) & np.isnan(b)


def differences(
    what: str, names: Sequence[str], found: Sequence[Any], right: Sequence[Any], columns: Columns
) -> list[Failure]:
    """The outputs that differ, with the first event where they do."""
    failures = []
    for name, a, b in zip(names, found, right, strict=True):
        a, b = np.broadcast_arrays(a, b)
        wrong = ~same_bits(a, b)
        if wrong.any():
            i = int(np.argmax(wrong))
            x, y = np.ravel(a)[i], np.ravel(b)[i]
            single = a.size == 1 and any(np.size(c) > 1 for c in columns.values())  # a reduction over all events
            at = ", ".join(f"{k}={np.ravel(v)[i if np.size(v) > 1 else 0]!r}" for k, v in columns.items())
            where = "" if single else f" ({wrong.sum()} events), at {at}"
            failures.append(Failure(what, f"{name} is {x!r}, not {y!r}{where}", None if single else i))
    return failures


# -- one operation at a time -----------------------------------------------------------------------------------------


@cache
def compiled(op: str, dtype: np.dtype) -> Native:
    """One elementary function as machine code."""
    b = Builder()
    xs = tuple([b.input(f"x{k}") for k in range(OPS[op].arity or 1)])
    made = b.node(op, xs)
    outputs = (made,) if op != "sincos" else tuple([b.node("item", (made,), (k,)) for k in (0, 1)])
    return compile_program(build(Graph(xs, outputs)), dtype)


def elementary(op: str, args: Sequence[Any], dtype: np.dtype) -> Any:
    """An elementary function by the compiled code."""
    columns = [np.ascontiguousarray(np.atleast_1d(x), dtype) for x in np.broadcast_arrays(*args)]
    results = [np.empty_like(columns[0]) for _ in range(2 if op == "sincos" else 1)]
    compiled(op, dtype).run(columns, results)
    results = [r.reshape(np.broadcast_shapes(*map(np.shape, args))) for r in results]
    return tuple(results) if op == "sincos" else results[0]


def stepwise(
    graph: Graph,
    columns: Columns,
    dtype: np.dtype,
    by_numpy: bool = False,
    function: Callable[..., Any] | None = None,
    given: Mapping[Node, np.ndarray] | None = None,
) -> Values:
    """The value of every node of a lowered graph.

    function  evaluates elementary functions, as `elementary` does
    given     the values of reductions over the batch
    """
    values: Values = {}
    function = function or elementary
    events = max((np.size(x) for x in columns.values()), default=1)
    with np.errstate(all="ignore"):
        for n in graph.order:
            args = [values[a] for a in n.args]
            if n.op in REDUCTIONS:
                values[n] = (given or {})[n][0]
            elif n.op == "batch_size":
                values[n] = dtype.type(events)
            elif n.op == "input":
                values[n] = columns[n.attrs[0]]
            elif n.op == "const":
                values[n] = np.bool(n.attrs[0]) if n.dtype == "bool" else rounded(n.attrs[0], dtype)
            elif not by_numpy and n.op in ("minimum", "maximum"):
                values[n] = _first_of_equals(n.op, *args)  # np.minimum(0., -0.) is either, as the processor has it
            elif not by_numpy and OPS[n.op].cost >= ELEMENTARY_COST:
                values[n] = function(n.op, args, dtype)
            else:
                values[n] = _numpy_function(n)(*[_number(a, x, n, dtype) for a, x in zip(n.args, args)])
    return values


def _number(a: Node, x: Any, user: Node, dtype: np.dtype) -> Any:
    """A truth value as a number where arithmetic is done with it."""
    takes_truth = user.op in ("and", "or", "not", "keep", "item", "eq", "ne") or user.op == "select"
    return x if a.dtype != "bool" or takes_truth else np.asarray(x, dtype)


def _first_of_equals(op: str, x: Any, y: Any) -> Any:
    """Minimum and maximum as compiled code has them: of equals the second."""
    return np.where((x < y if op == "minimum" else x > y) | np.isnan(x), x, y)


def filled(runner: Any, columns: Sequence[np.ndarray], sizes: Sequence[int], threads: int = 1) -> list[np.ndarray]:
    """The outputs of compiled code, of these sizes."""
    results = [np.full(size, 77, runner.dtype) for size in sizes]
    runner.run(columns, results, threads)
    return results


def outputs(graph: Graph, values: Values, sizes: Sequence[int], dtype: np.dtype) -> list[np.ndarray]:
    """The outputs among the values of all nodes, as compiled code writes them."""
    return [np.broadcast_to(np.asarray(values[n]).astype(dtype), (k,)) for n, k in zip(graph.outputs, sizes)]


def sums(graph: Graph, values: Values, columns: Columns, dtype: np.dtype) -> Iterator[Failure]:
    """Reductions over the batch that are not those of their argument's values."""
    events = max((np.size(x) for x in columns.values()), default=1)
    for n in graph.order:
        if n.op not in REDUCTIONS:
            continue
        x = np.broadcast_to(np.asarray(values[n.args[0]], np.float64), (events,))
        if n.op == "batch_sum" and np.abs(x[np.isfinite(x)]).max(initial=0) > 1e300 / events:
            continue  # whether it overflows depends on the order
        found = float(values[n])
        with np.errstate(all="ignore"):
            right = float(dtype.type(_reduced(n.op, x)))
        close = abs(found - right) <= np.spacing(dtype.type(abs(found)) if np.isfinite(found) else dtype.type(1))
        if not (close or found == right or (np.isnan(found) and np.isnan(right))):
            yield Failure("reduction", f"{n.op} is {found!r}, not {right!r}")


def _reduced(op: str, x: np.ndarray) -> float:
    if np.isnan(x).any():
        return math.nan
    if op != "batch_sum":
        return float(x.max() if op == "batch_max" else x.min())
    infinite = x[np.isinf(x)]
    if infinite.size:
        return float(infinite[0]) if (infinite == infinite[0]).all() else math.nan
    return math.fsum(x)


# -- elementary functions --------------------------------------------------------------------------------------------


def function_errors(graph: Graph, values: Values, dtype: np.dtype) -> Iterator[Failure]:
    """Elementary functions that are not within ULPS of the right value, among those evaluated in a program."""
    for n in graph.order:
        if OPS[n.op].cost < ELEMENTARY_COST or n.op in ("input", "const", *REDUCTIONS):
            continue
        args = np.broadcast_arrays(*[values[a] for a in n.args])
        names, results = ("sin", "cos"), values[n]
        if n.op != "sincos":
            names, results = (n.op,), (values[n],)
        for name, mine in zip(names, results):
            yield from _function_errors(name, [np.ravel(a) for a in args], np.ravel(mine), dtype)


def _function_errors(op: str, args: list[np.ndarray], mine: np.ndarray, dtype: np.dtype) -> Iterator[Failure]:
    """Values that differ from NumPy's, for finite arguments only if they are wrong by mpmath."""
    with np.errstate(all="ignore"):
        other = np.asarray(_numpy_function(Builder().node(op, tuple([Builder().const(1)] * len(args))))(*args), dtype)
        close = np.abs(mine - other) <= 1.5 * np.spacing(np.minimum(np.abs(mine), np.abs(other)))
        far = np.abs(mine - other) / np.spacing(np.abs(other))
    doubtful = np.flatnonzero(~(close & (mine != 0) | same_bits(mine, other)))
    worst_first = sorted(doubtful, key=lambda i: -far[i] if far[i] > 0 else -np.inf)
    for i in worst_first[:MOST]:
        given = [a[i] for a in args]
        error = np.inf if mine[i] == other[i] or not np.isfinite(given).all() else _error(op, given, mine[i], dtype)
        if error > ULPS:
            what = f"{op}({', '.join(map(repr, given))}) is {mine[i]!r}: {error:.3g} ulp wrong"
            yield Failure("function", f"{what}; NumPy has {other[i]!r}")


def _error(op: str, args: list[Any], value: Any, dtype: np.dtype) -> float:
    """The error in ulp for finite arguments; infinite where NaN, infinity or the sign is wrong."""
    info = np.finfo(dtype)
    with mpmath.workdps(60):
        try:
            right = resolve(OPS[op].mpmath)(*[mpmath.mpf(float(x)) for x in args])
        except (ValueError, ZeroDivisionError, OverflowError):
            right = mpmath.nan
        if mpmath.isnan(right) or np.isnan(value):
            return 0.0 if mpmath.isnan(right) and np.isnan(value) else np.inf
        top = mpmath.mpf(float(info.max)) * (1 + mpmath.mpf(float(info.eps)) / 4)
        if np.isinf(value) or abs(right) > top:
            lost = np.isinf(value) and abs(right) >= top * (1 - 2 * float(info.eps)) and (right > 0) == (value > 0)
            near = abs(value) >= info.max * (1 - 2 * info.eps) and abs(right) < top * (1 + 2 * float(info.eps))
            return 0.0 if lost or near else np.inf
        spacing = max(np.spacing(np.abs(dtype.type(float(right)))), info.smallest_subnormal)
        return float(abs(mpmath.mpf(float(value)) - right) / mpmath.mpf(float(spacing)))


def signs_of_nan(graph: Graph, values: Values, events: int) -> np.ndarray:
    """Where a sign is taken of NaN: it may be either."""
    found = np.zeros(events, bool)
    for n in graph.order:
        if n.op == "copysign":
            found |= np.isnan(np.asarray(values[n.args[1]], float))
    return found


def is_exact(graph: Graph) -> bool:
    """Whether a program has only operations with the same bits everywhere."""
    return all(n.op in EXACT for n in graph.order)
