"""Jacobians by elimination of intermediate values: forward and reverse mode mixed.

An operation is taken out of the graph of partial derivatives by joining each edge into it with each edge out of it.
Forward and reverse mode take operations out in the order in which they are computed, or the reverse; here always the
one is taken that joins fewest edges (H. M. Markowitz, Manage. Sci. 3 (1957) 255; A. Griewank and A. Walther,
Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 10).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from symhep.algebra.constructors import Algebra
from symhep.derivatives.linear import Linear
from symhep.graph import Node, is_const, value_of

MOST = 3000  # operations: more are not tried

Coefficient = TypeVar("Coefficient")
Edges = dict[Hashable, dict[Hashable, Any]]


def products(linear: Linear, outputs: Sequence[Node], wrt: Sequence[Node], limit: int) -> int | None:
    """How many products elimination takes; None where it is over the limit, or a choice forbids it.

    What an untaken branch leaves must be dropped by a choice in the end, which edges joined at will do not allow.
    """
    active = linear.active(wrt)
    if len(active) > MOST:
        return None
    done = 0

    def times(x: bool, y: bool) -> bool:
        nonlocal done
        done += not (x or y)
        return x and y

    edges = _edges(linear, outputs, wrt, lambda x: _is_unit(x))
    if edges is None:
        return None
    for _ in _eliminated(*edges, times, lambda x, y: False, list(active)):
        if done > limit:
            return None
    return done


def jacobian(linear: Linear, outputs: Sequence[Node], wrt: Sequence[Node]) -> dict[tuple[int, int], Node]:
    """The derivatives of the outputs by the inputs, those that are not zero by structure."""
    a: Algebra = linear.a
    edges = _edges(linear, outputs, wrt, lambda x: x)
    assert edges is not None
    before, after = edges
    for _ in _eliminated(before, after, a.mul, a.add, list(linear.active(wrt))):
        pass
    found: dict[tuple[int, int], Node] = {}
    for k in range(len(outputs)):
        row = before.get(("output", k), {})
        found |= {(k, j): row[n] for j, n in enumerate(wrt) if n in row}
    return found


def _is_unit(x: Node) -> bool:
    return is_const(x) and abs(value_of(x)) == 1


def _edges(
    linear: Linear, outputs: Sequence[Node], wrt: Sequence[Node], coefficient: Callable[[Node], Any]
) -> tuple[Edges, Edges] | None:
    """For each node, the edges into it and those out of it; outputs are nodes of their own at the end."""
    through, one = linear.active(wrt), coefficient(linear.a.one)
    needed = _needed(through, outputs)
    before: Edges = {}
    after: Edges = {}
    for n in linear.graph.order:
        for i in through.get(n, ()) if n in needed else ():
            p = linear.partial(n, i)
            if p.condition is not None:
                return None
            if p.factor is not None:
                known = before.setdefault(n, {}).get(n.args[i])
                value = p.factor if known is None else linear.a.add(known, p.factor)
                before[n][n.args[i]] = value
    for y, row in before.items():
        for x in row:
            row[x] = coefficient(row[x])
            after.setdefault(x, {})[y] = row[x]
    for k, o in enumerate(outputs):
        if o in through:
            before[("output", k)] = {o: one}
            after.setdefault(o, {})[("output", k)] = one
    return before, after


def _needed(through: Mapping[Node, Sequence[int]], outputs: Sequence[Node]) -> set[Node]:
    """The nodes that the outputs depend on smoothly; others may have no partial derivatives."""
    found = {o for o in outputs if o in through}
    for n in (queue := list(found)):
        new = [a for i in through[n] if (a := n.args[i]) in through and a not in found]
        found.update(new)
        queue += new
    return found


def _eliminated(
    before: Edges,
    after: Edges,
    times: Callable[[Any, Any], Any],
    plus: Callable[[Any, Any], Any],
    order: Iterable[Node],
):
    """Take out all nodes that have edges into them, in place, the cheapest first; yields each."""
    place = {n: k for k, n in enumerate(order)}
    cost = lambda n: len(before[n]) * len(after.get(n, ()))
    queue = [(cost(n), place[n], n) for n in before if n in place]
    heapq.heapify(queue)
    while queue:
        estimate, k, n = heapq.heappop(queue)
        if n not in before:
            continue
        if cost(n) != estimate:  # its neighbours have changed since
            heapq.heappush(queue, (cost(n), k, n))
            continue
        yield n
        into, out = before.pop(n), after.pop(n, {})
        for x in into:
            del after[x][n]
        for y, c_out in out.items():
            del before[y][n]
            for x, c_in in into.items():
                value = times(c_out, c_in)
                row = before[y]
                row[x] = after[x][y] = plus(row[x], value) if x in row else value
