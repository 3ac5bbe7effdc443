"""Random programs for tests and benchmarks, built directly as graphs."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable

from symhep.graph import CONSTANT, Builder, Graph, Node
from symhep.ops import OPS
from symhep.program import Program, build

ARITHMETIC = ("add", "sub", "mul")
SAMPLES = 3  # points at which the generator follows the values, to keep them of order one
ATTEMPTS = 20  # operands that it tries for an operation until the value is of order one

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
        op = self.rng.choice([o for o in self.ops if OPS[o].arity == 2 or change >= 0])
        best, least = None, math.inf
        for _ in range(ATTEMPTS):
            node = self.build.node(op, self._operands(OPS[op].arity, change))
            if node in self.value:
                continue
            value = [_EVALUATE[op](*xs) for xs in zip(*[self.value[a] for a in node.args], strict=True)]
            size = max(map(abs, value))
            distance = abs(math.log2(size)) if 0 < size < math.inf else 1e6
            if distance < least:
                best, least = (node, value), distance
            if distance < 4:
                break
        node, value = best
        self.value[node] = value
        for used in node.args:
            self.unused.pop(used, None)
        self.unused[node] = None
        self.latest.append(node)
        return node

    def _operands(self, arity: int, change: int) -> tuple[Node, ...]:
        """Operands of which 2, 1 or 0 are used for the first time, so that the number of unused values changes so."""
        recent = self.latest[-self.window :]
        fresh = list(self.unused)[-self.window :]
        stale = [n for n in recent if n not in self.unused] or recent
        a = self.rng.choice(stale if change > 0 else fresh)
        if arity == 1:
            return (a,)
        if change < 0:
            b = self.rng.choice([n for n in fresh if n is not a] or recent)
        elif self.rng.random() < self.constants:
            b = self._literal()
        else:
            b = self.rng.choice(stale)
        return (a, b) if self.rng.random() < 0.5 else (b, a)

    def _literal(self) -> Node:
        n = self.build.const(round(self.rng.uniform(0.5, 1.5), 3))
        self.value[n] = [float(n.attrs[0])] * SAMPLES
        return n
