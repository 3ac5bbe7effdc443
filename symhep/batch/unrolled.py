"""Graphs with reductions over the batch written out for a batch of a few events, without any reduction.

So they can be evaluated at points, one for each event, like all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from symhep.graph import Builder, Graph, Node

FEW, MANY = 3, 10_000  # events in a batch; in graphs of so many operations it is one less


def events_for(operations: int) -> int:
    """How many events to write a graph out for."""
    return FEW if operations < MANY else FEW - 1


_PAIRS = {"batch_sum": "add", "batch_max": "maximum", "batch_min": "minimum"}


def unrolled(graph: Graph, events: int = FEW) -> Graph:
    """The graph for a few events: an input x becomes "0@x", "1@x", ...; results per event are those of the first."""
    build = Builder()
    new: dict[Node, list[Node]] = {}
    for n in (*graph.inputs, *graph.order):
        if n not in new:
            new[n] = _events(build, n, [new[a] for a in n.args], events)
    inputs = [x for n in graph.inputs for x in new[n]]
    return Graph(tuple(inputs), tuple([new[n][0] for n in graph.outputs]))


def _events(build: Builder, n: Node, args: Sequence[list[Node]], events: int) -> list[Node]:
    """The node for each event; one where it does not vary."""
    if n.op == "input":
        return [build.input(name, n.dtype, n.axes) for name in _names(n, events)]
    if n.op == "batch_size":
        return [build.const(events)]
    if n.op in _PAIRS:
        (values,) = args
        return [reduce(lambda x, y: build.node(_PAIRS[n.op], (x, y)), values)]
    return [_copy(n, tuple([a[k % len(a)] for a in args])) for k in range(events if n.axes else 1)]


def _copy(n: Node, args: tuple[Node, ...]) -> Node:
    """The same operation on other arguments; nothing looks for equal ones, which takes most of a builder's time."""
    made = Node()
    made.op, made.args, made.attrs, made.dtype = n.op, args, n.attrs, n.dtype
    made.shape, made.axes, made.key = n.shape, n.axes, n.key
    return made


def _names(n: Node, events: int) -> list[str]:
    name = n.attrs[0]
    return [f"{k}@{name}" for k in range(events)] if n.axes else [name]


def batches(points: Sequence[Mapping[str, Any]], inputs: Sequence[Node], events: int = FEW) -> list[dict[str, Any]]:
    """Points of single events put together to points of the unrolled graph; each event is in several batches."""
    found = []
    for i in range(len(points)):
        batch = [points[(i + k) % len(points)] for k in range(events)]
        found.append({name: e[n.attrs[0]] for n in inputs for name, e in zip(_names(n, events), batch)})
    return found
