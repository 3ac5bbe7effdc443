"""Propagation of uncertainties: J C Jᵀ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symhep.calling.calls import Site
from symhep.containers import LEAF
from symhep.derivatives.forms import Wrt, cells_of, chosen
from symhep.derivatives.ground import Ground, Result, traced_again
from symhep.derivatives.operators import as_kernel, derived, new_name
from symhep.derivatives.table import Table, derivatives
from symhep.errors import listing
from symhep.graph import Node
from symhep.kernel import Kernel
from symhep.tracing.annotations import Argument, Symmetric
from symhep.tracing.trace import Leaf, Output, Traced

_ROUNDING = 1e-9  # of correlations


def propagate(k: Any, covariance: Any = None, wrt: Wrt = None) -> Kernel:
    """The covariance of a kernel's results to first order, J C Jᵀ, for the covariance C of its arguments.

    covariance  a matrix of numbers, the same for all events; if not given, the kernel takes it as a last argument
                `covariance`, a symmetric matrix for every event
    wrt         the arguments that C is about, all real ones if None; its rows are their components in order

    The result is a symmetric matrix over all components of k's result in order; for a single number its variance.
    R. L. Workman et al. (PDG), Prog. Theor. Exp. Phys. 2022, 083C01, section 40.2.5.

    Raises ArgumentError if the matrix is not a covariance or does not fit, or a result is not real.

    >>> area = propagate(lambda a, b: a * b, [[0.04, 0.0], [0.0, 0.01]])
    >>> area(3.0, 2.0)
    np.float64(0.25)
    """

    base = as_kernel(k)
    site = base.site
    matrix = None if covariance is None else _checked(covariance, chosen(base.arguments, wrt, site), site)

    def build(g: Ground, name: str) -> Traced:
        _check_real(g, site)
        table = derivatives(g.linear, g.graph.outputs, g.wrt, g.effort)
        n = len(g.wrt)
        if matrix is None:
            leaf, C = _argument(g, n)
            more = [(Argument(leaf.path, LEAF, (leaf.core,)), (leaf,), list(dict.fromkeys(C.values())))]
        else:
            C, more = _constants(g, matrix, n), []
        result = Result([], [])
        m = len(g.graph.outputs)
        bare = m == 1 and not g.values[0].output.shape
        shape, axes = (() if bare else (m, m)), g.values[0].output.axes
        result.add(Output("", shape, not bare, axes), [(x, None) for x in _sandwich(g, table, C, m, n)])
        return traced_again(g, name, result, LEAF, more)

    return derived(base, wrt, "propagate", build, more=covariance is None)


def _check_real(g: Ground, site: Site) -> None:
    if any(o.dtype != "real" for o in g.traced.graph.outputs):
        what = f"propagate of {site.name}: its result has complex or boolean values"
        raise site.error(what, "np.abs, .real or .imag of it")


def _argument(g: Ground, n: int) -> tuple[Leaf, dict[tuple[int, int], Node]]:
    core, name = Symmetric[n], new_name(g, "covariance")
    columns = tuple([(f"{name}[{i},{j}]", (i, j)) for i, j in cells_of((n, n), True)])
    leaf = Leaf(name, core, len(g.traced.arguments), columns)
    nodes = {index: g.linear.a.input(path, "real", leaf.axes) for path, index in columns}
    return leaf, {**nodes, **{(j, i): x for (i, j), x in nodes.items()}}


def _checked(covariance: Any, arguments: Sequence[Argument], site: Site) -> np.ndarray:
    """A covariance of the components of arguments; raises ArgumentError for what is none."""
    said = f"propagate of {site.name}: covariance"
    try:
        C = np.asarray(covariance)
    except ValueError as error:
        raise site.error(f"{said} is not a matrix of numbers: {error}") from None
    if C.dtype.kind not in "biuf":
        raise site.error(f"{said} is a matrix of real numbers, got {C.dtype}")
    n, order = sum(core.size for a in arguments for core in a.cores), listing([a.name for a in arguments])
    if C.shape != (n, n):
        instead = f"sh.propagate({site.name}) and the matrices of all events in the call" if C.ndim > 2 else ""
        instead = instead or ("np.diag(variances)" if C.shape == (n,) else "")
        raise site.error(f"{said} of {order} has the shape ({n}, {n}), got {C.shape}", instead)
    for (i, j), x in np.ndenumerate(C):
        if not np.isfinite(x):
            raise site.error(f"{said}[{i}, {j}] is {x}")
        if i == j and x < 0:
            raise site.error(f"{said}[{i}, {j}] is {x}: a variance is not negative")
        if abs(x - C[j, i]) > _ROUNDING * np.sqrt(C[i, i] * C[j, j]) and i < j:
            what = f"{said} is not symmetric: [{i}, {j}] is {x} and [{j}, {i}] is {C[j, i]}"
            raise site.error(what, "(C + C.T) / 2")
    scale = np.sqrt(np.outer(np.diag(C), np.diag(C)))
    least = np.linalg.eigvalsh(np.divide(C, scale, out=np.where(scale == 0, C, 0.0), where=scale > 0))[0]
    if least < -_ROUNDING * n:
        what = f"{said} has a negative eigenvalue: some combination of {order} would have a negative variance"
        raise site.error(what, "correlations between -1 and 1, times the two standard deviations")
    return C


def _constants(g: Ground, matrix: np.ndarray, n: int) -> dict[tuple[int, int], Node]:
    upper = {(i, j): g.linear.a.const(float(matrix[i, j])) for i in range(n) for j in range(i, n)}
    return {**upper, **{(j, i): x for (i, j), x in upper.items()}}


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
