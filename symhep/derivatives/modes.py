"""Forward and reverse mode on graphs of real scalars.

Forward mode carries the tangent of every value along with it; reverse mode carries adjoints from the outputs back.
Where an operation only chooses among its arguments (`where`, minimum, maximum), what is not chosen may be inf or NaN,
and so may be its derivative; it is dropped by a choice, never multiplied by zero. That choice is put off as long as
all parts of a tangent or adjoint depend on it: then no inf or NaN that comes up on the way can reach the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from symhep.derivatives.crossing import carried_on
from symhep.derivatives.linear import Linear, useful
from symhep.derivatives.rules import Partial
from symhep.errors import ArgumentError
from symhep.graph import CONSTANT, Axes, Graph, Node
from symhep.ops import REDUCTIONS

Guard = tuple[tuple[Node, bool], ...]  # conditions and what they have to be


class _Term(NamedTuple):
    """A part of a tangent or adjoint, which counts only where all conditions of its guard are met."""

    value: Node
    guard: Guard


# -- forward ---------------------------------------------------------------------------------------------------------


def forward(linear: Linear, seeds: Mapping[Node, Node], outputs: Iterable[Node]) -> dict[Node, Node]:
    """The tangents of the outputs; those that are zero by structure are left out.

    seeds  the tangent, a new node, of each input of the old graph that has one
    """
    through, outputs = linear.active(seeds), tuple(outputs)
    tangents = {n: _Term(tangent, ()) for n, tangent in seeds.items()}
    for n in useful(linear.graph, through, outputs):
        terms = [_through(linear, n, i, tangents[n.args[i]]) for i in through[n] if n.args[i] in tangents]
        found = [t for t in terms if t is not None]
        if found:
            tangents[n] = _combined(linear, found)
    return {n: _merged(linear, [tangents[n]], ()) for n in outputs if n in tangents}


def _through(linear: Linear, n: Node, position: int, tangent: _Term) -> _Term | None:
    """What the tangent of an argument adds to that of an operation."""
    linear.at(n)
    if n.op in REDUCTIONS:
        value = _through_reduction(linear, n, _merged(linear, [tangent], ()))
        return _Term(linear.over(value, n.attrs[0]), ())
    p = linear.partial(n, position)
    return None if p.factor is None else _times(linear, n, p, tangent)


def _times(linear: Linear, n: Node, p: Partial, term: _Term) -> _Term:
    """A part of a tangent or adjoint times a partial derivative."""
    linear.at(n)
    guard = term.guard if p.condition is None else (*term.guard, (p.condition, p.holds))
    return _Term(linear.a.mul(p.factor, term.value), guard)  # type: ignore[arg-type]


def _through_reduction(linear: Linear, n: Node, value: Node) -> Node:
    """What is summed over the batch for a tangent or adjoint: all, or the mean of the events with the extreme value."""
    if n.op == "batch_sum":
        return value
    a, axis = linear.a, n.attrs[0]
    held = a.op("eq", linear.new[n.args[0]], linear.new[n])
    return a.select(held, a.div(value, linear.over(a.select(held, a.one, a.zero), axis)), a.zero)


# -- reverse ---------------------------------------------------------------------------------------------------------


def reverse(
    linear: Linear, seeds: Sequence[tuple[Node, Node]], sources: Sequence[Node], summed: bool
) -> dict[Node, Node]:
    """The adjoints of the sources, which are inputs of the old graph.

    seeds   outputs of the old graph, each with its adjoint, a new node
    summed  the adjoints are of one number for the whole batch: those of what does not vary over the batch are summed
            over it. Else they are of a value per event, and stay that; then no reduction may lie in between.
    """
    through = linear.active(sources)
    carried = carried_on(linear.graph.order, through, sources) if summed else set()
    parts = _Parts({}, {})
    for output, adjoint in seeds:
        parts.own.setdefault(output, []).append(_Term(adjoint, ()))
    for n in reversed(useful(linear.graph, through, [o for o, _ in seeds])):
        linear.at(n)
        for axes in list(parts.per_event.get(n, ())):
            value = _merged(linear, parts.per_event[n].pop(axes), ())
            if n in carried:
                _carry(linear, n, value, axes, through[n], parts)
            else:
                parts.own.setdefault(n, []).append(_Term(_over(linear, value, axes), ()))
        if through[n] and n in parts.own:
            _distribute(linear, n, _combined(linear, parts.own.pop(n)), through[n], parts, summed)
    return {n: _merged(linear, parts.own[n], ()) for n in sources if n in parts.own}


class _Parts(NamedTuple):
    """The parts of adjoints that are known so far.

    own        of each node, those that vary over the same axes as the node
    per_event  of what does not vary over a batch axis, those that do, and are to be summed over these axes
    """

    own: dict[Node, list[_Term]]
    per_event: dict[Node, dict[Axes, list[_Term]]]


def _distribute(linear: Linear, n: Node, adjoint: _Term, positions: Sequence[int], parts: _Parts, summed: bool) -> None:
    """Hand the adjoint of a node on to its arguments."""
    if n.op in REDUCTIONS:
        if not summed:
            raise ArgumentError("a value per event depends on a batch reduction: only forward mode has its derivative")
        value = _through_reduction(linear, n, adjoint.value)
        parts.own.setdefault(n.args[0], []).append(_Term(value, adjoint.guard))
        return
    for i in positions:
        p = linear.partial(n, i)
        if p.factor is None:
            continue
        term = _times(linear, n, p, adjoint)
        lost = n.axes - n.args[i].axes if summed else CONSTANT
        if lost:
            parts.per_event.setdefault(n.args[i], {}).setdefault(lost, []).append(term)
        else:
            parts.own.setdefault(n.args[i], []).append(term)


def _carry(linear: Linear, n: Node, value: Node, axes: Axes, positions: Sequence[int], parts: _Parts) -> None:
    """Hand an adjoint that still varies over the batch on to the arguments of what does not."""
    for i in positions:
        p = linear.partial(n, i)
        if p.factor is not None:
            term = _times(linear, n, p, _Term(value, ()))
            parts.per_event.setdefault(n.args[i], {}).setdefault(axes, []).append(term)


def _over(linear: Linear, value: Node, axes: Axes) -> Node:
    for axis in sorted(axes):
        value = linear.over(value, axis)
    return value


def _combined(linear: Linear, terms: list[_Term]) -> _Term:
    """The sum of the parts of a tangent or adjoint, under what their guards have in common."""
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


def fresh(names: Sequence[str], graph: Graph) -> list[str]:
    """Names for more inputs, changed where the graph has inputs of these names: derivatives of derivatives.

    >>> from symhep.graph import Builder
    >>> fresh(["x_dot"], Graph((Builder().input("x_dot"),), ()))
    ['x_dot_2']
    """
    taken = {n.attrs[0] for n in graph.inputs}
    found = []
    for name in names:
        number, unique = 2, name
        while unique in taken:
            number, unique = number + 1, f"{name}_{number}"
        taken.add(unique)
        found.append(unique)
    return found


def pushforward(graph: Graph, wrt: Sequence[int]) -> Graph:
    """The tangents of all outputs for given tangents of some inputs.

    wrt  positions of the inputs that have a tangent; these follow the inputs, as "name_dot"
    """
    linear = Linear(graph)
    chosen = [graph.inputs[k] for k in wrt]
    names = fresh([f"{n.attrs[0]}_dot" for n in chosen], graph)
    dots = [linear.a.input(name, "real", n.axes) for name, n in zip(names, chosen)]
    tangents = forward(linear, dict(zip(chosen, dots)), graph.outputs)
    return linear.result([*linear.inputs, *dots], [tangents.get(o, linear.a.zero) for o in graph.outputs])


def pullback(graph: Graph, wrt: Sequence[int]) -> Graph:
    """The adjoints of some inputs for given adjoints of all outputs.

    wrt  positions of the inputs; the adjoints of the outputs follow the inputs of the graph, as "bar_0", "bar_1", ...

    The adjoint of an input without batch axis is summed over the batch.
    """
    linear = Linear(graph)
    chosen = [graph.inputs[k] for k in wrt]
    names = fresh([f"bar_{k}" for k in range(len(graph.outputs))], graph)
    bars = [linear.a.input(name, "real", o.axes) for name, o in zip(names, graph.outputs)]
    seeds = [(o, bar) for o, bar in zip(graph.outputs, bars) if o.dtype == "real"]
    adjoints = reverse(linear, seeds, chosen, summed=True)
    return linear.result([*linear.inputs, *bars], [adjoints.get(n, linear.a.zero) for n in chosen])
