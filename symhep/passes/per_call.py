"""Work that depends on parameters alone, apart from work per event."""

from __future__ import annotations

from symhep.algebra.form import raw_sum
from symhep.algebra.nary import Nary, Rational
from symhep.graph import Builder, Graph, Node, copy_node, rewrite


def per_call(graph: Graph) -> Graph:
    """In products and sums, take what does not vary over the batch together: it is done once per call (reassociates).

    3*a*x*b becomes (3*a*b)*x, and x/a becomes x*(1/a), for parameters a and b: one product per event for each.
    """
    if not any(n.args and not n.axes for n in graph.order) and all(n.axes for n in graph.inputs):
        return graph
    uses = graph.uses()

    def rule(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
        once = [uses[a] == 1 for a in old.args]
        if old.op == "product":
            return _product(build, old, args, once)
        if old.op == "sum":
            return _sum(build, old, args, once)
        return copy_node(build, old, args)

    return rewrite(graph, rule)


def _product(build: Builder, old: Node, args: tuple[Node, ...], once: list[bool]) -> Node:
    factors = list(zip(args, old.attrs[0], strict=True))
    constant = [(n, e) for n, e in factors if not n.axes]
    varying = [(n, e) for n, e in factors if n.axes]
    if not varying or not constant:
        return copy_node(build, old, args)
    together = constant[0][0] if constant[0][1] == 1 and len(constant) == 1 else _powers(build, constant)
    if len(varying) == 1 and varying[0][1] == 1 and once[factors.index(varying[0])]:
        spread = _spread(build, varying[0][0], together)
        if spread is not None:
            return spread
    return _powers(build, [*varying, (together, 1)])


def _spread(build: Builder, total: Node, factor: Node) -> Node | None:
    """factor * (a*x + b*y) as (factor*a)*x + (factor*b)*y, if every term has such a coefficient; else None."""
    if total.op != "sum":
        return None
    nary, terms = Nary(build), []
    for c, n in zip(total.attrs[0], total.args, strict=True):
        if not n.axes:
            terms.append((c, _powers(build, [(n, 1), (factor, 1)])))
            continue
        k = _coefficient(n)
        if k is None:
            return None
        rest = [x for i, x in enumerate(zip(n.args, n.attrs[0])) if i != k]
        terms.append((c, _powers(build, [*rest, (_powers(build, [(n.args[k], 1), (factor, 1)]), 1)])))
    number = total.attrs[1]
    if number:
        terms.append((number, factor))
    return raw_sum(nary, terms, 0)


def _coefficient(n: Node) -> int | None:
    """The position of a factor that does not vary in a product that does."""
    if n.op != "product":
        return None
    return next((k for k, (x, e) in enumerate(zip(n.args, n.attrs[0])) if not x.axes and e == 1), None)


def _powers(build: Builder, factors: list) -> Node:
    factors = sorted(factors, key=lambda factor: factor[0].key)
    return build.node("product", tuple([n for n, _ in factors]), (tuple([e for _, e in factors]),))


def _sum(build: Builder, old: Node, args: tuple[Node, ...], once: list[bool]) -> Node:
    coefficients, number = old.attrs
    nary = Nary(build)
    terms = [_scaled(nary, c, n) if single else (c, n) for c, n, single in zip(coefficients, args, once, strict=True)]
    constant = [(c, n) for c, n in terms if not n.axes]
    varying = [(c, n) for c, n in terms if n.axes]
    if varying and len(constant) + (number != 0) > 1:
        return raw_sum(nary, [*varying, (1, raw_sum(nary, constant, number))], 0)
    return varying[0][1] if len(terms) == 1 and terms[0][0] == 1 and not number else raw_sum(nary, terms, number)


def _scaled(nary: Nary, c: Rational, n: Node) -> tuple[Rational, Node]:
    """A term whose coefficient has gone into the factor that does not vary, if there is one."""
    if not n.axes or abs(c) == 1:
        return c, n
    if n.op == "sum":
        spread = _spread(nary.build, n, nary.build.const(c))
        return (c, n) if spread is None else (1, spread)
    k = _coefficient(n)
    if k is None:
        return c, n
    rest = [x for i, x in enumerate(zip(n.args, n.attrs[0])) if i != k]
    return 1, _powers(nary.build, [*rest, (raw_sum(nary, [(c, n.args[k])], 0), 1)])
