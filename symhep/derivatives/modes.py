"""Forward and reverse mode on graphs of real scalars.

Forward mode carries the tangent of every value along with it; reverse mode carries adjoints from the outputs back.
Where an operation only chooses among its arguments (`where`, minimum, maximum), what is not chosen may be inf or NaN,
and so may be its derivative; it is dropped by a choice, never multiplied by zero. In reverse mode that choice is put
off until the adjoint leaves what was computed for that branch alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from symhep.derivatives.linear import Linear, useful
from symhep.errors import ArgumentError
from symhep.graph import CONSTANT, Axes, Graph, Node
from symhep.ops import REDUCTIONS

Guard = tuple[tuple[Node, bool], ...]  # conditions and what they have to be, the outermost first


# -- forward ---------------------------------------------------------------------------------------------------------


def forward(linear: Linear, seeds: Mapping[Node, Node], outputs: Iterable[Node]) -> dict[Node, Node]:
    """The tangents of the values that the outputs depend on.

    seeds  the tangent, a new node, of each input of the old graph that has one
    """
    through = linear.active(seeds)
    tangents = dict(seeds)
    for n in useful(linear.graph, through, outputs):
        if through[n]:
            found = _tangent(linear, n, [(i, tangents[n.args[i]]) for i in through[n] if n.args[i] in tangents])
            if found is not None:
                tangents[n] = found
    return tangents


def _tangent(linear: Linear, n: Node, given: list[tuple[int, Node]]) -> Node | None:
    a = linear.a
    terms: list[Node] = []
    chosen: dict[Node, dict[bool, Node]] = {}
    linear.at(n)
    for i, tangent in given:
        if n.op in REDUCTIONS:
            return linear.over(_through_reduction(linear, n, tangent), n.attrs[0])
        p = linear.partial(n, i)
        if p.factor is None:
            continue
        linear.at(n)
        term = a.mul(p.factor, tangent)
        if p.condition is None:
            terms.append(term)
        else:
            branch = chosen.setdefault(p.condition, {})
            branch[p.holds] = a.add(branch[p.holds], term) if p.holds in branch else term
    terms += [a.select(c, b.get(True, a.zero), b.get(False, a.zero)) for c, b in chosen.items()]
    return _sum(linear, terms) if terms else None


def _through_reduction(linear: Linear, n: Node, value: Node) -> Node:
    """What is summed over the batch for a tangent or adjoint: all, or that of the events with the extreme value."""
    if n.op == "batch_sum":
        return value
    held = linear.a.op("eq", linear.new[n.args[0]], linear.new[n])
    return linear.a.select(held, value, linear.a.zero)


def _sum(linear: Linear, terms: Sequence[Node]) -> Node:
    total = terms[0]
    for term in terms[1:]:
        total = linear.a.add(total, term)
    return total


# -- reverse ---------------------------------------------------------------------------------------------------------


class _Term(NamedTuple):
    """A part of an adjoint, which counts only under a guard."""

    value: Node
    guard: Guard


def reverse(
    linear: Linear, seeds: Sequence[tuple[Node, Node]], sources: Sequence[Node], summed: bool
) -> dict[Node, Node]:
    """The adjoints of the sources, which are inputs of the old graph.

    seeds   outputs of the old graph, each with its adjoint, a new node
    summed  the adjoints are of one number for the whole batch: those of what does not vary over the batch are summed
            over it. Else they are of a value per event, and stay that; then no reduction may lie in between.
    """
    through = linear.active(sources)
    terms: dict[Node, list[_Term]] = {}
    for output, adjoint in seeds:
        terms.setdefault(output, []).append(_Term(adjoint, ()))
    for n in reversed(useful(linear.graph, through, [o for o, _ in seeds])):
        if through[n] and n in terms:
            linear.at(n)
            _distribute(linear, n, _combined(linear, terms.pop(n)), through[n], terms, summed)
    return {n: _merged(linear, terms[n], ()) for n in sources if n in terms}


def _distribute(linear: Linear, n: Node, adjoint: _Term, positions, terms: dict[Node, list[_Term]], summed: bool):
    """Hand the adjoint of a node on to its arguments."""
    if n.op in REDUCTIONS:
        if not summed:
            raise ArgumentError("a value per event depends on a batch reduction: only forward mode has its derivative")
        value = _through_reduction(linear, n, adjoint.value)
        terms.setdefault(n.args[0], []).append(_Term(value, adjoint.guard))
        return
    for i in positions:
        p = linear.partial(n, i)
        if p.factor is None:
            continue
        linear.at(n)
        guard = adjoint.guard if p.condition is None else (*adjoint.guard, (p.condition, p.holds))
        value = linear.a.mul(p.factor, adjoint.value)
        lost = n.axes - n.args[i].axes if summed else CONSTANT
        if lost:
            value, guard = _over(linear, _merged(linear, [_Term(value, guard)], ()), lost), ()
        terms.setdefault(n.args[i], []).append(_Term(value, guard))


def _over(linear: Linear, value: Node, axes: Axes) -> Node:
    for axis in sorted(axes):
        value = linear.over(value, axis)
    return value


def _combined(linear: Linear, terms: list[_Term]) -> _Term:
    """The sum of the parts of an adjoint, under what their guards have in common."""
    common = terms[0].guard
    for t in terms[1:]:
        same = 0
        while same < min(len(common), len(t.guard)) and common[same] == t.guard[same]:
            same += 1
        common = common[:same]
    return _Term(_merged(linear, terms, common), common)


def _merged(linear: Linear, terms: list[_Term], outer: Guard) -> Node:
    """The sum of parts, each chosen by the conditions of its guard beyond the outer ones, the innermost first."""
    a = linear.a
    groups: dict[Guard, Node] = {}
    for t in terms:
        groups[t.guard] = a.add(groups[t.guard], t.value) if t.guard in groups else t.value
    while len(groups) > 1 or next(iter(groups)) != outer:
        deepest = max((g for g in groups if g != outer), key=len)
        value = groups.pop(deepest)
        *rest, (condition, holds) = deepest
        other = groups.pop((*rest, (condition, not holds)), a.zero)
        chosen = a.select(condition, *((value, other) if holds else (other, value)))
        parent = tuple(rest)
        groups[parent] = a.add(groups[parent], chosen) if parent in groups else chosen
    return groups[outer]


# -- whole graphs ----------------------------------------------------------------------------------------------------


def pushforward(graph: Graph, wrt: Sequence[int]) -> Graph:
    """The tangents of all outputs for given tangents of some inputs.

    wrt  positions of the inputs that have a tangent; these follow the inputs, as "name_dot"
    """
    linear = Linear(graph)
    chosen = [graph.inputs[k] for k in wrt]
    dots = [linear.a.input(f"{n.attrs[0]}_dot", "real", n.axes) for n in chosen]
    tangents = forward(linear, dict(zip(chosen, dots)), graph.outputs)
    return linear.result([*linear.inputs, *dots], [tangents.get(o, linear.a.zero) for o in graph.outputs])


def pullback(graph: Graph, wrt: Sequence[int]) -> Graph:
    """The adjoints of some inputs for given adjoints of all outputs.

    wrt  positions of the inputs; the adjoints of the outputs follow the inputs of the graph, as "bar_0", "bar_1", ...

    The adjoint of an input without batch axis is summed over the batch.
    """
    linear = Linear(graph)
    chosen = [graph.inputs[k] for k in wrt]
    bars = [linear.a.input(f"bar_{k}", "real", o.axes) for k, o in enumerate(graph.outputs)]
    seeds = [(o, bar) for o, bar in zip(graph.outputs, bars) if o.dtype == "real"]
    adjoints = reverse(linear, seeds, chosen, summed=True)
    return linear.result([*linear.inputs, *bars], [adjoints.get(n, linear.a.zero) for n in chosen])
