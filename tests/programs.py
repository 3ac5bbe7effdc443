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
SAMPLES = 8  # points at which the generator follows the values, to keep them of order one
ATTEMPTS = 8  # operands that it tries for an operation until the value is of order one
LARGE = 3  # powers of two that count as order one

_EVALUATE: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": lambda a, b: a / b if b else math.inf,
    "sqrt": lambda a: math.sqrt(a) if a >= 0 else math.nan,
    "neg": operator.neg,
    "abs": abs,
    "minimum": min,
    "maximum": max,
    "copysign": math.copysign,
    **{name: lambda a, f=getattr(math, name): float(f(a)) if math.isfinite(a) else a for name in ("floor", "ceil", "trunc")},
    "rint": lambda a: float(round(a)) if math.isfinite(a) else a,
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
        self.value: dict[Node, list[float]] = {
            n: [self.rng.uniform(0.5, 1.5) for _ in range(SAMPLES)] for n in self.inputs
        }
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
                change = -1 if len(self.unused) > max(outputs, self.window // 2) else 1
            order.append(self._operation(change))
        leaves = [n for n in self.value if n.op in ("input", "const")]
        return Graph(tuple(self.inputs), tuple(self.unused), order=leaves + order)

    def _operation(self, change: int) -> Node:
        """The first of some candidates that is of order one; else a value brought back to it, or the best candidate."""
        pools = self._pools(change)
        best, value, least = None, [], math.inf
        attempt = 0
        while best is None or (attempt < ATTEMPTS and least > LARGE):
            if attempt == 10 * ATTEMPTS:  # the pools have nothing new
                pools = self.latest, self.latest[:-1]
            if attempt % ATTEMPTS == 0:
                op = self.rng.choice([o for o in self.ops if OPS[o].arity == 2 or change >= 0])
            attempt += 1
            node = self.build.node(op, self._operands(OPS[op].arity, *pools))
            if node not in self.value and (found := self._evaluate(node))[0] < least:
                best, (least, value) = node, found
        if least > LARGE and change >= 0 and "mul" in self.ops:
            best = self._damped(pools[0])
            least, value = self._evaluate(best)
        return self._made(best, value)

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

    def _damped(self, pool: list[Node]) -> Node:
        largest = max(pool, key=lambda n: max(map(abs, self.value[n])))
        size = max(map(abs, self.value[largest]))
        node = self.build.node("mul", (largest, self._literal(1 / size if 0 < size < math.inf else 0.5)))
        while node in self.value:
            node = self.build.node("mul", (self.rng.choice(pool), self._literal(self.rng.uniform(0.1, 0.2))))
        return node

    def _literal(self, value: float) -> Node:
        n = self.build.const(float(f"{value:.3g}"))
        self.value[n] = [float(n.attrs[0])] * SAMPLES
        return n

    def _evaluate(self, node: Node) -> tuple[float, list[float]]:
        """How far from order one, in powers of two, and the values at the samples."""
        value = [_EVALUATE[node.op](*xs) for xs in zip(*[self.value[a] for a in node.args], strict=True)]
        size = max(map(abs, value))
        ordinary = 0 < size < math.inf and not any(map(math.isnan, value))
        return (abs(math.log2(size)) if ordinary else 1e6), value

    def _made(self, node: Node, value: list[float]) -> Node:
        self.value[node] = value
        for used in node.args:
            self.unused.pop(used, None)
        self.unused[node] = None
        self.latest.append(node)
        return node


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
