"""A graph of real scalars with the partial derivatives of its operations: what both modes work on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symhep.algebra.constructors import Algebra
from symhep.derivatives.rules import Partial, depends, partial
from symhep.graph import CONSTANT, Builder, Graph, Node, Where, copy_node, topological


class _Located(Builder):
    """A builder that notes for each node the user's line that it is made for."""

    def __init__(self) -> None:
        super().__init__()
        self.line: Where | None = None
        self.where: dict[Node, Where] = {}

    def _make(self, *entry):  # type: ignore[no-untyped-def]
        node = super()._make(*entry)
        if self.line is not None:
            self.where[node] = self.line
        return node


class Linear:
    """A graph written down again, to which derivatives are added.

    graph  the graph as it was
    a      makes the new nodes
    new    the new node for each old one
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._build = _Located()
        self.a = Algebra(self._build)
        self.new: dict[Node, Node] = {n: self._build.input(n.attrs[0], n.dtype, n.axes) for n in graph.inputs}
        for old in graph.order:
            if old not in self.new:
                self._build.line = graph.where.get(old)
                self.new[old] = copy_node(self._build, old, tuple([self.new[x] for x in old.args]))
        self._partials: dict[tuple[Node, int], Partial] = {}
        self._active: dict[tuple[Node, ...], dict[Node, tuple[int, ...]]] = {}

    def active(self, sources: Iterable[Node]) -> dict[Node, tuple[int, ...]]:
        """`active`, remembered: for the same sources it is asked once per output."""
        key = tuple(sources)
        if key not in self._active:
            self._active[key] = active(self.graph, key)
        return self._active[key]

    def partial(self, old: Node, position: int) -> Partial:
        """The derivative of an operation by one of its arguments."""
        key = old, position
        if key not in self._partials:
            self._build.line = self.graph.where.get(old)
            self._partials[key] = partial(self.a, self.new[old], position)
        return self._partials[key]

    def at(self, old: Node) -> None:
        """Note that the nodes to be made next belong to this operation."""
        self._build.line = self.graph.where.get(old)

    def result(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> Graph:
        """A graph of new nodes, with the names and lines that they have."""
        order = topological(outputs)
        kept = set(order)
        names = {self.new[n]: name for n, name in self.graph.names.items() if self.new.get(n) in kept}
        where = {n: line for n, line in self._build.where.items() if n in kept}
        return Graph(tuple(inputs), tuple(outputs), names, where, order)

    @property
    def inputs(self) -> list[Node]:
        """The inputs of the graph."""
        return [self.new[n] for n in self.graph.inputs]

    def over(self, value: Node, axis: str) -> Node:
        """The sum of a value over a batch axis; what does not vary over it is taken out of the sum."""
        a, factors, divisors, negative = self.a, [], [], False
        while axis in value.axes:
            if value.op == "neg":
                negative, value = not negative, value.args[0]
            elif value.op == "div" and axis not in value.args[1].axes:
                divisors.append(value.args[1])
                value = value.args[0]
            elif value.op == "mul" and any(axis not in x.axes for x in value.args):
                constant = 0 if axis not in value.args[0].axes else 1
                factors.append(value.args[constant])
                value = value.args[1 - constant]
            else:
                break
        if axis in value.axes:
            total = a.op("batch_sum", value, attrs=(axis,))
        else:
            total = a.mul(value, self._build.node("batch_size", (), (axis,), axes=CONSTANT))
        for x in factors:
            total = a.mul(x, total)
        for x in divisors:
            total = a.div(total, x)
        return a.neg(total) if negative else total


def active(graph: Graph, sources: Iterable[Node]) -> dict[Node, tuple[int, ...]]:
    """For each operation that depends smoothly on the sources, the positions of the arguments through which it does."""
    found: dict[Node, tuple[int, ...]] = dict.fromkeys(sources, ())
    for n in graph.order:
        if n.args and n not in found and n.dtype != "bool":
            live = tuple([i for i, x in enumerate(n.args) if x in found and depends(n.op, i)])
            if live:
                found[n] = live
    return found


def useful(graph: Graph, through: dict[Node, tuple[int, ...]], outputs: Iterable[Node]) -> list[Node]:
    """The active operations that the outputs depend on, in order."""
    needed = {n for n in outputs if n in through}
    for n in reversed(graph.order):
        if n in needed:
            needed.update(n.args[i] for i in through[n])
    return [n for n in graph.order if n in needed]
