"""Random programs for tests and benchmarks, built directly as graphs."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symhep.graph import CONSTANT, Builder, Graph, Node
from symhep.ops import OPS, resolve
from symhep.program import Program, build
from symhep.targets.numpy import rounded

ARITHMETIC = ("add", "sub", "mul")
ATTEMPTS = 8  # operands that are tried for an operation until the value is of order one

Interval = tuple[float, float]
ANYTHING = (-math.inf, math.inf)


def _corners(f: Callable[[float, float], float]) -> Callable[[Interval, Interval], Interval]:
    def bounds(a: Interval, b: Interval) -> Interval:
        found = [f(x, y) for x in a for y in b]
        return min(found), max(found)

    return bounds


def _quotient(a: Interval, b: Interval) -> Interval:
    return _corners(operator.truediv)(a, b) if b[0] > 1 / 16 or b[1] < -1 / 16 else ANYTHING


def _monotonic(f: Callable[[float], float]) -> Callable[[Interval], Interval]:
    return lambda a: (float(f(a[0])), float(f(a[1])))


def _magnitude(a: Interval) -> Interval:
    return 0.0 if a[0] <= 0 <= a[1] else min(map(abs, a)), max(map(abs, a))


def _signed(a: Interval, b: Interval) -> Interval:
    return -_magnitude(a)[1], _magnitude(a)[1]


# Bounds of the result for bounds of the operands
_BOUNDS: dict[str, Callable[..., Interval]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "mul": _corners(operator.mul),
    "div": _quotient,
    "neg": lambda a: (-a[1], -a[0]),
    "abs": _magnitude,
    "sqrt": lambda a: _monotonic(math.sqrt)(a) if a[0] >= 0 else ANYTHING,
    "minimum": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "maximum": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "copysign": _signed,
    **{name: _monotonic(getattr(math, name)) for name in ("floor", "ceil", "trunc")},
    "rint": _monotonic(round),
}


def straight_line(
    size: int,
    inputs: int = 20,
    outputs: int = 4,
    *,
    parameters: int = 0,
    ops: tuple[str, ...] = ARITHMETIC,
    window: int = 40,
    constants: float = 0.05,
    seed: int = 1,
) -> Program:
    """A program of exactly `size` operations, every one of them needed, with values of order one.

    window     how many of the latest values an operand is chosen from: sets how many values are alive at a time
    constants  the fraction of operations with a literal operand
    """
    return build(_Maker(inputs, parameters, ops, window, constants, seed).graph(size, outputs))


class _Maker:
    def __init__(self, inputs: int, parameters: int, ops: tuple, window: int, constants: float, seed: int) -> None:
        self.rng = random.Random(seed)
        self.build = Builder()
        self.ops, self.window, self.constants = ops, window, constants
        self.inputs = [self.build.input(f"x{i}") for i in range(inputs)]
        self.inputs += [self.build.input(f"p{i}", axes=CONSTANT) for i in range(parameters)]
        self.bounds: dict[Node, Interval] = dict.fromkeys(self.inputs, (0.5, 1.5))
        self.latest = list(self.inputs)
        self.unused = dict.fromkeys(self.inputs)

    def graph(self, size: int, outputs: int) -> Graph:
        """Steer the number of unused values, so that in the end as many are left as there are outputs."""
        order = []
        for remaining in range(size, 0, -1):
            surplus = len(self.unused) - outputs
            if remaining <= abs(surplus):
                change = -1 if surplus > 0 else 1
            elif remaining == abs(surplus) + 1:
                change = 0
            else:
                change = (self.window // 2 > len(self.unused)) - (self.window // 2 + 4 < len(self.unused))
            order.append(self._operation(change))
        leaves = [n for n in self.bounds if n.op in ("input", "const")]
        return Graph(tuple(self.inputs), tuple(self.unused), order=leaves + order)

    def _operation(self, change: int) -> Node:
        """The first of some candidates that is of order one; else a value brought back to it, or the best candidate."""
        pools = self._pools(change)
        best, least = None, math.inf
        attempt = 0
        while best is None or (attempt < ATTEMPTS and least):
            if attempt == 10 * ATTEMPTS:  # the pools have nothing new
                pools = self.latest, self.latest[:-1]
            if attempt % ATTEMPTS == 0:
                op = self.rng.choice([o for o in self.ops if OPS[o].arity == 2 or change >= 0])
            attempt += 1
            node = self.build.node(op, self._operands(OPS[op].arity, *pools))
            if node not in self.bounds and (found := _distance(self._bounds(node))) < least:
                best, least = node, found
        if least and change >= 0:
            best = self._restored(pools[0]) or best
        return self._made(best)

    def _pools(self, change: int) -> tuple[list[Node], list[Node]]:
        """What the operands are chosen from, so that the number of unused values changes so."""
        recent = self.latest[-self.window :]
        fresh = list(self.unused)[-self.window :]
        stale = [n for n in recent if n not in self.unused]
        if len(stale) < 8:  # at the beginning, and where the outputs fill the window
            stale = [n for n in self.latest if n not in self.unused][-self.window :] + recent
        return (stale if change > 0 else fresh), (fresh if change < 0 else stale)

    def _operands(self, arity: int, first: list[Node], second: list[Node]) -> tuple[Node, ...]:
        a = self.rng.choice(first)
        if arity == 1:
            return (a,)
        if first is second:
            a, b = self.rng.sample(first, 2)
        elif self.rng.random() < self.constants:
            b = self._literal(self.rng.uniform(0.5, 1.5))
        else:
            b = self.rng.choice(second)
        return (a, b) if self.rng.random() < 0.5 else (b, a)

    def _restored(self, pool: list[Node]) -> Node | None:
        """The value that is farthest off brought back to order one by a literal."""
        worst = max(pool, key=lambda n: _distance(self.bounds[n]))
        low, high = self.bounds[worst]
        size = max(-low, high)
        if size > 0.8 and "mul" in self.ops:
            node = self.build.node("mul", (worst, self._literal(self.rng.uniform(0.3, 0.7) / size)))
        elif "add" in self.ops:
            node = self.build.node("add", (worst, self._literal(self.rng.uniform(0.2, 0.5))))
        else:
            return None
        return None if node in self.bounds else node

    def _literal(self, value: float) -> Node:
        n = self.build.const(float(f"{value:.3g}"))
        self.bounds[n] = (float(n.attrs[0]),) * 2
        return n

    def _bounds(self, node: Node) -> Interval:
        given = [self.bounds[a] for a in node.args]
        return _BOUNDS[node.op](*given) if ANYTHING not in given else ANYTHING

    def _made(self, node: Node) -> Node:
        self.bounds[node] = self._bounds(node)
        for used in node.args:
            self.unused.pop(used, None)
        self.unused[node] = None
        self.latest.append(node)
        return node


def _distance(bounds: Interval) -> float:
    """How far bounds are from what keeps results of order one, and away from zero where they have one sign."""
    low, high = bounds
    size = max(-low, high)
    if not 0 < size < 1e30:
        return 1e6
    one_sided = low > 0 or high < 0
    spread = math.log2(size / max(min(abs(low), abs(high)), 1e-30)) - 5 if one_sided else 0
    return max(math.log2(size), -3 - math.log2(size), spread, 0)


def evaluate(program: Program, columns: Sequence[np.ndarray], dtype: type) -> list[np.ndarray]:
    """The outputs by NumPy, operation by operation in the working dtype; truth values as 0 and 1."""
    value: dict[Node, Any] = dict(zip(program.inputs, columns, strict=True))
    with np.errstate(all="ignore"):
        for n in program.graph.order:
            if n.op == "const":
                value[n] = rounded(n.attrs[0], dtype) if n.dtype == "real" else n.attrs[0]
            elif n.op == "keep":
                value[n] = value[n.args[0]]
            elif n.op != "input":
                value[n] = resolve(OPS[n.op].numpy)(*[value[a] for a in n.args])
    return [np.asarray(value[o], dtype) for o in program.outputs]


def program_of(make: Callable[..., Node | Sequence[Node]], names: str, parameters: str = "") -> Program:
    """The program of a function that is given a builder and its inputs: program_of(lambda b, x, y: ..., "x y")."""
    b = Builder()
    inputs = [b.input(n) for n in names.split()] + [b.input(n, axes=CONSTANT) for n in parameters.split()]
    made = make(b, *inputs)
    return build(Graph(tuple(inputs), tuple(made) if isinstance(made, (list, tuple)) else (made,)))
