"""Which values per event are worth keeping in a column, rather than computing them again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from symhep.graph import Node
from symhep.ops import OPS

COLUMN = 8.0  # what writing a column and reading it later costs, in operations
READING = 4.0  # what reading costs, of a column that is there
_LARGEST = 2000  # nodes; for more, a simpler rule than the minimal cut

Keeps = Callable[[Node], float | None]


def worth_keeping(
    targets: Iterable[Node], known: Collection[Node], keeping: Keeps, given: Collection[Node] = ()
) -> set[Node]:
    """The values to keep, of those that are computed before anyway, so that the targets cost least.

    targets  what is to be computed
    known    the nodes that are computed before
    keeping  what it costs to keep a known value; None if it cannot be kept
    given    values that are there whatever is kept

    It is a minimal cut between the inputs and the targets, where a node that is computed again costs what the table
    of operations says.
    """
    targets = list(targets)
    needed = _cone(targets, given)
    again = [n for n in needed if n in known]
    if sum(OPS[n.op].cost for n in again) <= READING:
        return set()
    if len(again) > _LARGEST:
        return _frontier(needed, known, keeping, given)
    return _minimal_cut(needed, again, set(targets), keeping)


def _cone(targets: Iterable[Node], given: Collection[Node]) -> list[Node]:
    """All that the targets need and is not given, targets first."""
    found = dict.fromkeys([n for n in targets if n not in given])
    for n in (queue := list(found)):
        for a in n.args:
            if a not in found and a not in given:
                found[a] = None
                queue.append(a)
    return list(found)


def _users(needed: Iterable[Node], known: Collection[Node]) -> set[Node]:
    """The known nodes that nodes use which are not known."""
    return {a for n in needed if n not in known for a in n.args if a in known}


def _minimal_cut(needed: list[Node], again: list[Node], targets: set[Node], keeping: Keeps) -> set[Node]:
    """A node has two ends: what reaches the first is needed, what reaches the second is computed again."""
    import networkx

    known = set(again)
    number = {n: i for i, n in enumerate(again)}
    flow = networkx.DiGraph()
    flow.add_nodes_from(("from", "to"))
    for n in again:
        i = number[n]
        cost = keeping(n)
        flow.add_edge((i, 0), (i, 1), **({} if cost is None else {"capacity": cost}))
        flow.add_edge((i, 1), "to", capacity=OPS[n.op].cost)
        for a in n.args:
            if a in known:
                flow.add_edge((i, 1), (number[a], 0))
    for n in sorted(_users(needed, known) | (targets & known), key=number.__getitem__):
        flow.add_edge("from", (number[n], 0))
    _, (reached, _) = networkx.minimum_cut(flow, "from", "to")
    return {n for n in again if (number[n], 0) in reached and (number[n], 1) not in reached}


def _frontier(needed: list[Node], known: Collection[Node], keeping: Keeps, given: Collection[Node]) -> set[Node]:
    """The known values that are used directly, where computing one again costs more than keeping it."""
    kept = set()
    for n in sorted(_users(needed, known), key=lambda n: n.key):
        cost, work = keeping(n), 0.0
        for m in _cone([n], given):
            work += OPS[m.op].cost
            if cost is None or work > cost:
                break
        if cost is not None and work > cost:
            kept.add(n)
    return kept
