"""The order in which operations are computed: one that keeps few values alive."""

from __future__ import annotations

from symhep.count import live_values
from symhep.graph import Graph, Node


def schedule(graph: Graph) -> Graph:
    """Order the operations so that few values wait for their last use (class: exact).

    Depth first, the argument that needs more registers first (Sethi and Ullman, J. ACM 17 (1970) 715), over the outputs
    in their order and in the reverse one; the order that keeps fewest values alive is taken.
    """
    need = _registers(graph)
    orders = [graph.order, _depth_first(graph.outputs, need), _depth_first(graph.outputs[::-1], need)]
    graphs = [Graph(graph.inputs, graph.outputs, graph.names, graph.where, order) for order in orders]
    return min(graphs, key=live_values)


def _registers(graph: Graph) -> dict[Node, int]:
    """How many values wait while a node is computed, if nothing were shared."""
    need: dict[Node, int] = {}
    for n in graph.order:
        wants = sorted([need[a] for a in n.args], reverse=True)
        need[n] = max([w + i for i, w in enumerate(wants)], default=0)
        if n.args and not need[n]:
            need[n] = 1
    return need


def _depth_first(outputs: tuple[Node, ...], need: dict[Node, int]) -> list[Node]:
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(o, False) for o in reversed(outputs)]
    while stack:
        n, done = stack.pop()
        if done:
            order.append(n)
        elif n not in seen:
            seen.add(n)
            stack.append((n, True))
            stack += [(a, False) for a in sorted(n.args, key=lambda a: (need[a], a.key)) if a not in seen]
    return order
