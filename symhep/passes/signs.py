"""Negations put into the differences and constants that they are of."""

from __future__ import annotations

from symhep.graph import Builder, Graph, Node, copy_node, is_const, transfer, value_of


def signs(graph: Graph) -> Graph:
    """-(x*(a - b)) becomes x*(b - a), and -(2*x) becomes -2*x (class: finite, for the sign of a zero)."""
    uses = graph.uses()
    gone: set[Node] = set()  # negations that are left out
    turned: set[Node] = set()  # differences and constant factors that change sign
    changed: set[Node] = set()  # all whose value changes sign
    for n in reversed(graph.order):
        if n.op == "neg" and n not in gone and uses[n]:
            path = _path(n.args[0], uses)
            if path:
                changed.update(path)
                gone.add(n)
                (gone if path[-1].op == "neg" else turned).add(path[-1])
    return _rebuilt(graph, gone, turned, changed) if gone else graph


def _path(start: Node, uses: dict[Node, int]) -> list[Node]:
    """The way down from a product to the nearest thing that can change sign for nothing; empty if there is none.

    Nothing on the way is used anywhere else.
    """
    above: dict[Node, Node | None] = {start: None}
    constant = None
    for n in (queue := [start]):
        if uses[n] > 1:
            continue
        if n.op in ("sub", "neg"):
            return _way(n, above)
        if n.op in ("mul", "div"):
            if constant is None and any(is_const(a) for a in n.args):
                constant = n
            for a in n.args:
                if a not in above:
                    above[a] = n
                    queue.append(a)
    return [] if constant is None else _way(constant, above)


def _way(end: Node, above: dict[Node, Node | None]) -> list[Node]:
    way: list[Node] = []
    at: Node | None = end
    while at is not None:
        way.append(at)
        at = above[at]
    return way[::-1]


def _rebuilt(graph: Graph, gone: set[Node], turned: set[Node], changed: set[Node]) -> Graph:
    build = Builder()
    new: dict[Node, Node] = {n: build.input(n.attrs[0], n.dtype, n.axes) for n in graph.inputs}
    for n in graph.order:
        if n in new:
            continue
        args = tuple([new[a] for a in n.args])
        if n in gone:
            new[n] = args[0]
        elif n in turned:
            new[n] = build.node("sub", args[::-1]) if n.op == "sub" else _with_constant_turned(build, n, args)
        else:
            new[n] = copy_node(build, n, args)
    kept = {old: n for old, n in new.items() if old not in changed}  # the others have lost their names
    return transfer(graph, kept, [new[o] for o in graph.outputs])


def _with_constant_turned(build: Builder, n: Node, args: tuple[Node, ...]) -> Node:
    i = next(i for i, a in enumerate(args) if is_const(a))
    return build.node(n.op, (*args[:i], build.const(-value_of(args[i])), *args[i + 1 :]))
