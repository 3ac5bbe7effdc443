"""Values of graphs: in any precision with mpmath, and as written with NumPy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from math import erf
from typing import Any

import mpmath
import numpy as np

from symhep import reference
from symhep.errors import ArgumentError
from symhep.graph import Graph, Node
from symhep.ops import COMPARISONS, ELEMENTARY_COST, OPS, REDUCTIONS, resolve
from symhep.targets.numpy import rounded
from symhep.tracing.custom import OPAQUE, formula_of

Point = Mapping[str, Any]
Columns = Mapping[str, Any]

DIGITS = 50

_ROUNDINGS = frozenset({"floor", "ceil", "trunc", "rint"})
_GROWS = frozenset({"exp", "exp2", "expm1", "sinh", "cosh", "pow"})
_LOCK = threading.RLock()  # mpmath's working precision is global


class TooLarge(ArithmeticError):
    """A value is beyond anything that a float could hold, and too long to compute with."""


@contextmanager
def precision(digits: int):
    """Set mpmath's working precision, one thread at a time."""
    with _LOCK, mpmath.workdps(digits):
        yield


def values(graph: Graph, point: Point, digits: int = DIGITS) -> list[Any]:
    """The outputs of a graph at one point, to the given number of digits of working precision.

    `point` maps input names to numbers; a complex input z may be given for the two inputs z.real and z.imag.
    """
    tape = Tape(graph)
    with precision(digits):
        v = tape.run(point)
        return [v[i] for i, _ in tape.results]


def _function(op: str, attrs: tuple) -> Callable[..., Any]:
    """What evaluates an operation."""
    return (lambda *args: reference.apply(op, attrs, args)) if attrs else _resolved(op)


@cache
def _resolved(op: str) -> Callable[..., Any]:
    """What evaluates an operation without attributes: `reference.apply`, resolved once."""
    function = resolve(OPS[op].mpmath)
    if OPS[op].cost < ELEMENTARY_COST:
        return function
    return partial(_within_reach, function, 40 if op in _GROWS else 4096)


def _within_reach(function: Callable[..., Any], bits: int, *args: Any) -> Any:
    for x in args:
        for part in (x.real, x.imag) if isinstance(x, mpmath.mpc) else (x,):
            _, mantissa, exponent, length = part._mpf_
            if mantissa and exponent + length > bits:
                raise TooLarge
    return function(*args)


def _is_lopsided(z: Any) -> bool:
    """Whether one part is so much smaller than the other that mpmath's exact sum of both would fill the memory.

    >>> _is_lopsided(mpmath.mpc(1, mpmath.mpf(2) ** -10**9)), _is_lopsided(mpmath.mpc(1, 0))
    (True, False)
    """
    (_, m, e, bits), (_, n, f, more) = z._mpc_
    return bool(m and n) and abs(e + bits - f - more) > 100_000


class Tape:
    """A graph laid out for evaluation at many points: one slot per node, arguments first."""

    def __init__(self, graph: Graph) -> None:
        slot: dict[Node, int] = {}
        self.inputs: list[tuple[int, str, str]] = []
        self.constants: list[tuple[int, Any, str]] = []
        self.steps: list[tuple[int, Callable[..., Any], tuple[int, ...]]] = []
        self.branches: list[tuple[str, int, int]] = []
        self.decisive: list[int] = []  # values that are compared, or whose sign is taken
        for i, n in enumerate(graph.order):
            slot[n] = i
            args = tuple([slot[a] for a in n.args])
            if n.op == "input":
                self.inputs.append((i, n.attrs[0], n.dtype))
            elif n.op == "const":
                self.constants.append((i, n.attrs[0], n.dtype))
            else:
                self.steps.append((i, _function(n.op, n.attrs), args))
                self._note_branch(n, args)
        self.size = len(slot)
        self.results = [(slot[n], n.dtype) for n in graph.outputs]

    def _note_branch(self, n: Node, args: tuple[int, ...]) -> None:
        """Remember where a small change of a value can make a jump."""
        if n.op in COMPARISONS:
            self.decisive += args
        elif n.op in ("copysign", "atan2"):
            self.decisive.append(args[1 if n.op == "copysign" else 0])
        if n.op in COMPARISONS and all(a.dtype == "real" for a in n.args):
            self.branches.append(("compare", args[0], args[1]))
        elif n.op in _ROUNDINGS:
            self.branches.append(("round", args[0], -1))
        elif n.op in ("copysign", "atan2"):
            self.branches.append(("sign", args[1 if n.op == "copysign" else 0], -1))

    def run(self, point: Point) -> list[Any]:
        """The value of every node, at the working precision."""
        v: list[Any] = [None] * self.size
        for i, name, dtype in self.inputs:
            v[i] = _input(point, name, dtype)
        for i, number, dtype in self.constants:
            v[i] = bool(number) if dtype == "bool" else reference.number(number)
        for i, function, args in self.steps:
            try:
                v[i] = x = function(*[v[a] for a in args])
            except (ValueError, ZeroDivisionError):
                v[i] = reference.NAN
                continue
            if type(x) is mpmath.mpc and _is_lopsided(x):
                raise TooLarge
        return v

    def parts(self, v: list[Any]) -> list[Any]:
        """The results among the values of all nodes, complex ones as pairs of real ones."""
        results: list[Any] = []
        for i, dtype in self.results:
            results += (mpmath.re(v[i]), reference.imag(v[i])) if dtype == "complex" else (v[i],)
        return results


def _input(point: Point, name: str, dtype: str) -> Any:
    value = point.get(name)
    if value is None:
        base, _, part = name.rpartition(".")
        if part not in ("real", "imag") or base not in point:
            raise ArgumentError(f"the point has no value for {name!r}")
        value = getattr(mpmath.mpmathify(point[base]), part)
    if dtype == "bool":
        return bool(value)
    value = mpmath.mpmathify(value)
    return mpmath.mpc(value) if dtype == "complex" else value


def parts(graph: Graph, names: Sequence[str] | None = None) -> list[str]:
    """A name for each real output: "mass", or "amplitude.real" and "amplitude.imag"."""
    given = names or (["result"] if len(graph.outputs) == 1 else [f"result[{i}]" for i in range(len(graph.outputs))])
    named = list(zip(given, graph.outputs))
    return [f"{name}{s}" for name, n in named for s in ((".real", ".imag") if n.dtype == "complex" else ("",))]


def finite(x: Any) -> bool:
    """Whether a result is an ordinary number or a truth value."""
    return isinstance(x, bool) or mpmath.isfinite(x)


def numpy_values(graph: Graph, columns: Columns, dtype: Any = np.float64) -> list[Any]:
    """The outputs of a graph as written, operation by operation in NumPy; each event is a batch of its own."""
    real = np.dtype(dtype)
    value: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for n in graph.order:
            if n.op == "input":
                value[n] = columns[n.attrs[0]]
            elif n.op == "const":
                value[n] = bool(n.attrs[0]) if n.dtype == "bool" else rounded(n.attrs[0], real)
            else:
                value[n] = _numpy_function(n)(*[value[a] for a in n.args])
    return [value[n] for n in graph.outputs]


def _numpy_function(n: Node) -> Callable[..., Any]:
    if n.op in OPAQUE:
        graph = formula_of(n)
        return lambda *args: numpy_values(graph, {i.attrs[0]: x for i, x in zip(graph.inputs, args)})[0]
    if n.op in _SPECIAL:
        return _SPECIAL[n.op]
    if n.op == "power":
        exponent = n.attrs[0] if isinstance(n.attrs[0], int) else float(n.attrs[0])
        return lambda x: x**exponent
    if n.op == "item":
        return lambda pair: pair[n.attrs[0]]
    return resolve(OPS[n.op].numpy)


def _complex(re: Any, im: Any) -> Any:
    result = np.empty(np.broadcast_shapes(np.shape(re), np.shape(im)), np.result_type(re, im, np.complex64))
    result.real, result.imag = re, im
    return result[()]


def _erf(x: Any) -> Any:
    return np.vectorize(erf, otypes=[np.asarray(x).dtype])(x)


_SPECIAL: dict[str, Callable[..., Any]] = {
    "complex": _complex,
    "erf": _erf,
    "keep": lambda x: x,
    "sincos": lambda x: (np.sin(x), np.cos(x)),
    **dict.fromkeys(REDUCTIONS, lambda x: x),
    "batch_size": lambda: 1.0,
}
