"""The sine and the cosine of one argument are computed together."""

from __future__ import annotations

from symhep.graph import Builder, Graph, Node, copy_node, rewrite


def pair_sincos(graph: Graph) -> Graph:
    """Replace sin(x) and cos(x), where both occur, by the two results of one sincos (class: exact)."""
    sines = {n.args[0] for n in graph.order if n.op == "sin"}
    both = {n.args[0] for n in graph.order if n.op == "cos" and n.args[0] in sines}
    if not both:
        return graph

    def rule(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
        if old.op in ("sin", "cos") and old.args[0] in both:
            return build.node("item", (build.node("sincos", args),), (0 if old.op == "sin" else 1,))
        return copy_node(build, old, args)

    return rewrite(graph, rule)
