"""Evaluates graphs with NumPy, operation by operation: the tests' own judge of what was traced."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from symhep.graph import Graph, Node
from symhep.ops import OPS, resolve

_RULES = {
    "power": lambda n, x: np.asarray(x) ** float(n.attrs[0]),
    "complex": lambda n, re, im: np.asarray(re) + np.multiply(1j, im),
    "keep": lambda n, x: x,
    "erf": lambda n, x: np.vectorize(__import__("math").erf)(x),
}


def evaluate(graph: Graph, inputs: Mapping[str, Any]) -> list[Any]:
    """The outputs of a graph for given values of its inputs, by name."""
    values: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for n in graph.order:
            values[n] = _value(n, values, inputs)
    return [values[n] for n in graph.outputs]


def _value(n: Node, values: dict[Node, Any], inputs: Mapping[str, Any]) -> Any:
    if n.op == "input":
        return inputs[n.attrs[0]]
    if n.op == "const":
        value = n.attrs[0]
        return bool(value) if n.dtype == "bool" else float(value) if isinstance(value, Fraction) else np.float64(value)
    args = [values[a] for a in n.args]
    rule = _RULES.get(n.op)
    return rule(n, *args) if rule else resolve(OPS[n.op].numpy)(*args)


class Interpreted:
    """A graph as compiled code would be: reads columns, writes outputs."""

    small = None

    def __init__(self, graph: Graph, dtype: Any):
        self.graph = graph

    def run(self, columns, outputs, threads=1):
        names: dict[str, Any] = {}
        rest = iter(columns)
        for n in self.graph.inputs:
            name = n.attrs[0]
            names[name] = next(rest) if n.dtype == "real" else next(rest) + 1j * next(rest)
        slots = iter(outputs)
        for value, n in zip(evaluate(self.graph, names), self.graph.outputs):
            if n.dtype == "complex":
                next(slots)[...] = np.real(value)
                next(slots)[...] = np.imag(value)
            else:
                next(slots)[...] = value
