"""The order in which operations are computed: one that keeps few values alive."""

from __future__ import annotations

import heapq

from symhep.count import live_values
from symhep.graph import Graph, Node


def schedule(graph: Graph) -> Graph:
    """Order the operations so that few values wait for their last use (class: exact).

    Tried are the order as it is; depth first, the argument that needs more registers first (Sethi and Ullman, J. ACM 17
    (1970) 715), over the outputs in their order and in the reverse one; and each of these again with operations brought
    forward that are the last use of an argument. The order that keeps fewest values alive is taken.
    """
    need = _registers(graph)
    orders = [graph.order, _depth_first(graph.outputs, need), _depth_first(graph.outputs[::-1], need)]
    orders += [_freeing_first(graph, order) for order in orders]
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


class _Waiting:
    """What each operation waits for, and what waits for each value; leaves are always there and take no register."""

    def __init__(self, order: list[Node]) -> None:
        self.operations = [n for n in order if n.args]
        self.position = {n: i for i, n in enumerate(self.operations)}
        self.args = {n: [a for a in dict.fromkeys(n.args) if a.args] for n in self.operations}
        self.missing = {n: len(args) for n, args in self.args.items()}
        self.users: dict[Node, dict[Node, None]] = {n: {} for n in self.operations}
        for n, args in self.args.items():
            for a in args:
                self.users[a][n] = None

    def last_user(self, value: Node) -> Node | None:
        """The only operation that still waits for a value, if it is ready."""
        if len(self.users[value]) == 1:
            user = next(iter(self.users[value]))
            if not self.missing[user]:
                return user
        return None


def _freeing_first(graph: Graph, order: list[Node]) -> list[Node]:
    """The given order, but of the operations that are ready those first that are the last use of an argument."""
    waiting = _Waiting(order)
    kept = set(graph.outputs)  # these stay alive whoever uses them
    ready = [waiting.position[n] for n in waiting.operations if not waiting.missing[n]]
    freeing: list[int] = []
    heapq.heapify(ready)
    done: dict[Node, None] = dict.fromkeys(n for n in order if not n.args)
    while ready or freeing:
        n = waiting.operations[heapq.heappop(freeing or ready)]
        if n in done:
            continue
        done[n] = None
        for a in waiting.args[n]:
            del waiting.users[a][n]
        for u in waiting.users[n]:
            waiting.missing[u] -= 1
            if not waiting.missing[u]:
                heapq.heappush(ready, waiting.position[u])
        for value in (*waiting.args[n], n, *[a for u in waiting.users[n] for a in waiting.args[u]]):
            user = None if value in kept else waiting.last_user(value)
            if user is not None:
                heapq.heappush(freeing, waiting.position[user])
    return list(done)
