"""Programs: what a target turns into code.

A program is an ordered list of steps. Element-wise work is fused into a `Body`: straight-line scalar code that runs for
every event. (Library calls, scans and batch reductions will be further kinds of step.)
"""

from __future__ import annotations

from dataclasses import dataclass

from symhep.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Body:
    """Straight-line scalar operations, in the order in which they are to be computed.

    once  operations that depend on parameters alone: computed once per call
    each  operations that vary over the batch: computed for every event
    """

    once: tuple[Node, ...]
    each: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Steps from input columns to output columns.

    inputs   input nodes, one per column; those without a batch axis are parameters
    outputs  result nodes, one per column
    """

    graph: Graph
    steps: tuple[Body, ...]

    @property
    def inputs(self) -> tuple[Node, ...]:
        return self.graph.inputs

    @property
    def outputs(self) -> tuple[Node, ...]:
        return self.graph.outputs


def build(graph: Graph) -> Program:
    """Cut a lowered, scheduled graph of real scalars into steps."""
    operations = graph.operations()
    once = tuple([n for n in operations if not n.axes])
    each = tuple([n for n in operations if n.axes])
    return Program(graph, (Body(once, each),))
