"""Division by what is the same for all events."""

from __future__ import annotations

from fractions import Fraction

from symhep.algebra.constructors import rational
from symhep.graph import Builder, Graph, Node, copy_node, is_const, rewrite, value_of

SMALLEST = 1e-37  # constants beyond, or their inverses, are not of full precision as float32


def inverses(graph: Graph) -> Graph:
    """Multiply by the inverse of a parameter or a constant instead of dividing by it (class: reassociates).

    x/p, for a parameter p, becomes x*(1/p): the division is done once per call.
    """
    if not any(_is_one(n) for n in graph.order):
        return graph

    def rule(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
        if not _is_one(old):
            return copy_node(build, old, args)
        x, divisor = args
        if is_const(divisor):
            return build.node("mul", (x, build.const(1 / Fraction(value_of(divisor)))))
        return build.node("mul", (x, build.node("div", (build.const(1), divisor))))

    return rewrite(graph, rule)


def _is_one(n: Node) -> bool:
    """Whether a node is a division per event by a number that does not vary over the batch."""
    if n.op != "div" or not n.axes or n.args[1].axes:
        return False
    divisor = n.args[1]
    if not is_const(divisor):
        return True
    size = abs(exact) if (exact := rational(value_of(divisor))) is not None else 0
    return SMALLEST < size < 1 / SMALLEST
