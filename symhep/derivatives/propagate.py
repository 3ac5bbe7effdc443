"""Propagation of uncertainties: J C Jᵀ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symhep.containers import LEAF
from symhep.derivatives.forms import Wrt, cells_of
from symhep.derivatives.ground import Ground, Result, traced_again
from symhep.derivatives.operators import derived, new_name
from symhep.derivatives.table import Table, derivatives
from symhep.errors import ArgumentError, message
from symhep.graph import Node
from symhep.kernel import Kernel
from symhep.tracing.annotations import Argument, Symmetric
from symhep.tracing.trace import Leaf, Output, Traced


def propagate(k: Any, covariance: Any = None, wrt: Wrt = None) -> Kernel:
    """The covariance of a kernel's results to first order, J C Jᵀ, for the covariance C of its arguments.

    covariance  a matrix of numbers, the same for all events; if not given, the kernel takes it as a last argument
                `covariance`, a symmetric matrix for every event
    wrt         the arguments that C is about, all real ones if None; its rows are their components in order

    The result is a symmetric matrix over all components of k's result in order; for a single number its variance.
    R. L. Workman et al. (PDG), Prog. Theor. Exp. Phys. 2022, 083C01, section 40.2.5.

    Raises ArgumentError if the matrix does not fit, or a result is not real.

    >>> area = propagate(lambda a, b: a * b, [[0.04, 0.0], [0.0, 0.01]])
    >>> area(3.0, 2.0)
    np.float64(0.25)
    """

    def build(g: Ground, name: str) -> Traced:
        _check_real(g)
        table = derivatives(g.linear, g.graph.outputs, g.wrt, g.effort)
        n = len(g.wrt)
        if covariance is None:
            leaf, C = _argument(g, n)
            more = [(Argument(leaf.path, LEAF, (leaf.core,)), (leaf,), list(dict.fromkeys(C.values())))]
        else:
            C, more = _constants(g, np.asarray(covariance), n), []
        result = Result([], [])
        m = len(g.graph.outputs)
        bare = m == 1 and not g.values[0].output.shape
        shape, axes = (() if bare else (m, m)), g.values[0].output.axes
        result.add(Output("", shape, not bare, axes), [(x, None) for x in _sandwich(g, table, C, m, n)])
        return traced_again(g, name, result, LEAF, more)

    return derived(k, wrt, "propagate", build, more=covariance is None)


def _check_real(g: Ground) -> None:
    if any(o.dtype != "real" for o in g.traced.graph.outputs):
        raise ArgumentError(f"propagate of {g.traced.name}: its result has complex or boolean values")


def _argument(g: Ground, n: int) -> tuple[Leaf, dict[tuple[int, int], Node]]:
    core, name = Symmetric[n], new_name(g, "covariance")
    columns = tuple([(f"{name}[{i},{j}]", (i, j)) for i, j in cells_of((n, n), True)])
    leaf = Leaf(name, core, len(g.traced.arguments), columns)
    nodes = {index: g.linear.a.input(path, "real", leaf.axes) for path, index in columns}
    return leaf, {**nodes, **{(j, i): x for (i, j), x in nodes.items()}}


def _constants(g: Ground, matrix: np.ndarray, n: int) -> dict[tuple[int, int], Node]:
    if matrix.shape != (n, n) or not np.array_equal(matrix, matrix.T):
        what = f"propagate of {g.traced.name}: covariance is to be a symmetric matrix of shape ({n}, {n})"
        instead = f"sh.propagate({g.traced.name}) and the matrices of all events in the call" if matrix.ndim > 2 else ""
        raise ArgumentError(message(f"{what}, got {matrix.shape}", instead=instead))
    return {(i, j): g.linear.a.const(float(matrix[i, j])) for i in range(n) for j in range(n)}


def _sandwich(g: Ground, table: Table, C: dict[tuple[int, int], Node], m: int, n: int) -> list[Node]:
    """The upper triangle of J C Jᵀ."""
    JC = {(k, j): _dot(g, [(table.get((k, i)), C[i, j]) for i in range(n)]) for k in range(m) for j in range(n)}
    return [_dot(g, [(table.get((l, j)), JC[k, j]) for j in range(n)]) for k in range(m) for l in range(k, m)]


def _dot(g: Ground, pairs: Sequence[tuple[Node | None, Node]]) -> Node:
    a, total = g.linear.a, g.linear.a.zero
    for x, y in pairs:
        if x is not None:
            total = a.add(total, a.mul(x, y))
    return total
