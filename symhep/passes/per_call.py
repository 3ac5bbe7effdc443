"""Work that depends on parameters alone, apart from work per event."""

from __future__ import annotations

from symhep.form import raw_sum
from symhep.graph import Builder, Graph, Node, copy_node, rewrite
from symhep.nary import Nary


def per_call(graph: Graph) -> Graph:
    """In products and sums, take what does not vary over the batch together: it is done once per call (reassociates).

    a*x*b becomes (a*b)*x, and x/a becomes x*(1/a), for parameters a and b: one product per event for each.
    """
    if not any(n.args and not n.axes for n in graph.order) and all(n.axes for n in graph.inputs):
        return graph
    return rewrite(graph, _rule)


def _rule(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
    if old.op == "product":
        return _product(build, old, args)
    if old.op == "sum":
        return _sum(build, old, args)
    return copy_node(build, old, args)


def _product(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
    factors = list(zip(args, old.attrs[0], strict=True))
    constant = [(n, e) for n, e in factors if not n.axes]
    varying = [(n, e) for n, e in factors if n.axes]
    if not varying or not constant or (len(constant) == 1 and constant[0][1] == 1):
        return copy_node(build, old, args)
    together = _powers(build, constant)
    return _powers(build, [*varying, (together, 1)])


def _powers(build: Builder, factors: list) -> Node:
    factors = sorted(factors, key=lambda factor: factor[0].key)
    return build.node("product", tuple([n for n, _ in factors]), (tuple([e for _, e in factors]),))


def _sum(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
    coefficients, number = old.attrs
    terms = list(zip(coefficients, args, strict=True))
    constant = [(c, n) for c, n in terms if not n.axes]
    varying = [(c, n) for c, n in terms if n.axes]
    if not varying or len(constant) + (number != 0) < 2:
        return copy_node(build, old, args)
    nary = Nary(build)
    return raw_sum(nary, [*varying, (1, raw_sum(nary, constant, number))], 0)
