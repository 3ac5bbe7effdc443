"""Programs: what a target turns into code.

A program is an ordered list of steps. Element-wise work is fused into a `Body`: straight-line scalar code that runs for
every event. There is one step for each level of reductions over the batch: without any, one step in all.
`symhep/batch/stages.py` cuts a program with reductions into passes over the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symhep.graph import Axes, Graph, Node
from symhep.ops import REDUCTIONS


@dataclass(frozen=True, slots=True)
class Body:
    """Straight-line scalar operations, in the order in which they are to be computed.

    once  operations that depend on parameters alone, and reductions of the step before: computed once per call
    each  operations that vary over the batch: computed for every event
    """

    once: tuple[Node, ...]
    each: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Steps from input columns to output columns.

    inputs   input nodes, one per column; those without a batch axis are parameters
    outputs  result nodes, one per column
    axes     for each output the batch axis of its column, none where it is one number; None if all have the same
    """

    graph: Graph
    steps: tuple[Body, ...]
    axes: tuple[Axes, ...] | None = None

    @property
    def inputs(self) -> tuple[Node, ...]:
        return self.graph.inputs

    @property
    def outputs(self) -> tuple[Node, ...]:
        return self.graph.outputs


def build(graph: Graph, axes: Sequence[Axes] | None = None) -> Program:
    """Cut a lowered, scheduled graph of real scalars into steps."""
    level = levels(graph)
    top = max(level.values(), default=0)
    once: list[list[Node]] = [[] for _ in range(top + 1)]
    each: list[list[Node]] = [[] for _ in range(top + 1)]
    for n in graph.operations():
        (each if n.axes else once)[level[n]].append(n)
    steps = tuple([Body(tuple(o), tuple(e)) for o, e in zip(once, each)])
    return Program(graph, steps, None if axes is None else tuple(axes))


def levels(graph: Graph) -> dict[Node, int]:
    """How many reductions have to be done, one after another, before a node can be computed."""
    level: dict[Node, int] = {}
    for n in graph.order:
        level[n] = max([level[a] for a in n.args], default=0) + (n.op in REDUCTIONS)
    return level


def before_reductions(graph: Graph) -> Graph:
    """What one event decides by itself: the arguments of reductions, and results, as far as no reduction is in them."""
    arguments = [n.args[0] for n in graph.order if n.op in REDUCTIONS]
    if not arguments:
        return graph
    level = levels(graph)
    return Graph(graph.inputs, tuple([n for n in (*arguments, *graph.outputs) if not level[n]]))
