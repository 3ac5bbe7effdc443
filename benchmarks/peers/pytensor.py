"""PyTensor, the successor of Theano: a function of whole columns, compiled by its default backend; pytensor.grad.

The graph comes from the function, called with PyTensor's vectors (parameters: scalars). A Jacobian is one gradient per
result. Operations: of the scalar operations in the optimised graph; what does not belong to columns is left out.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

from benchmarks.inputs import Columns
from benchmarks.peers.cases import Case
from benchmarks.peers.pairs import of_module, trace
from benchmarks.peers.program import Program
from symhep.count import multiplications

FREE = ("Neg", "Abs", "Identity", "Second", "Cast")


def prepare() -> None:
    """Nothing compiled in earlier runs is used."""
    directory = tempfile.mkdtemp(prefix="pytensor_")
    os.environ["PYTENSOR_FLAGS"] = f"base_compiledir={directory}"
    import pytensor
    import pytensor.tensor as pt

    x = pt.dvector("x")
    pytensor.function([x], [x * x])(np.ones(3))


def build(case: Case, derivatives: bool) -> Program:
    import pytensor
    import pytensor.tensor as pt

    inputs = [pt.dvector(name) for name in case.columns] + [pt.dscalar(name) for name, _ in case.parameters]
    results = [pt.as_tensor(r) for r in trace(case.function, of_module(pt), inputs)]
    if case.total:
        results = [pt.sum(r) for r in results]
    if derivatives:
        by = [inputs[i] for i in case.by]
        options = {"disconnected_inputs": "ignore"}
        results += [slope for r in results for slope in pytensor.grad(r.sum(), by, **options)]
    function = pytensor.function(inputs, results, on_unused_input="ignore")

    def run(columns: Columns, parameters: np.ndarray) -> Any:
        return function(*columns, *parameters)

    return Program(run, list, lambda: operations(function.maker.fgraph))


def operations(graph: Any) -> int:
    """By symhep's counting rule, of an optimised graph."""
    total = 0
    for node in graph.toposort():
        scalar = getattr(node.op, "scalar_op", None)
        if scalar is not None and any(v.type.ndim for v in node.inputs):
            total += _scalar(scalar, node.inputs, node.outputs)
    return total


def _scalar(op: Any, inputs: Any, outputs: Any) -> int:
    """Of one operation on numbers; of all that a composite consists of."""
    if hasattr(op, "fgraph"):
        return sum(_scalar(node.op, node.inputs, node.outputs) for node in op.fgraph.toposort())
    name = type(op).__name__
    if name in FREE:
        return 0
    if name == "Pow":
        exponent = getattr(inputs[1], "data", None)
        if exponent is not None and float(exponent).is_integer():
            return multiplications(abs(int(exponent))) + (exponent < 0)
        return 1
    return len(inputs) - 1 if name in ("Add", "Mul") else 1
