"""Where adjoints are summed over the batch: at which of the values that do not vary over it.

The adjoint of such a value may be summed there, or be carried on, per event, to what the value is computed from, and
be summed later. A sum costs some operations per event, carrying on costs products; many values computed from few
parameters are better carried on. Which is cheapest altogether is a minimum cut of the graph between the values that
are used per event and the parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symhep.graph import Node
from symhep.ops import REDUCTIONS

SUM = 9  # operations that a compensated sum takes, with writing and reading its argument
FEW = 4  # values: so few are summed where they are

Through = Mapping[Node, tuple[int, ...]]


def carried_on(order: Iterable[Node], through: Through, sources: Iterable[Node]) -> set[Node]:
    """The values without batch axis whose adjoints are not summed there but carried on per event.

    through  for each active node, the positions of the arguments through which it depends on the sources
    """
    active = [n for n in order if n in through]
    crossing = {n.args[i] for n in active if n.axes and n.op not in REDUCTIONS for i in through[n]}
    boundary = [n for n in active if n in crossing and not n.axes]
    if len(boundary) <= FEW:
        return set()
    import networkx as nx

    net, last = nx.DiGraph(), set(sources)
    for n in boundary:
        net.add_edge("start", (n, "in"))
    for n in active:
        if n.axes or n.op in REDUCTIONS:
            continue
        net.add_edge((n, "in"), (n, "out"), capacity=SUM)
        if n in last or any(n.args[i].axes or n.args[i].op in REDUCTIONS for i in through[n]):
            net.add_edge((n, "out"), "end")
            continue
        net.add_edge((n, "out"), "end", capacity=sum(2 if n.op not in ("add", "sub", "neg") else 1 for _ in through[n]))
        for i in through[n]:
            net.add_edge((n, "out"), (n.args[i], "in"))
    _, (near, _) = nx.minimum_cut(net, "start", "end")
    return {n for n, side in (x for x in near if x != "start") if side == "out"}
