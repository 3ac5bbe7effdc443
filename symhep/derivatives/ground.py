"""What the derivatives of a kernel are built on, and how they become a traced function again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from symhep.calling.calls import Site
from symhep.containers import Tree
from symhep.derivatives.forms import Directions, Value, Wrt, cells_of, column_of, directions, values_of
from symhep.derivatives.linear import Linear
from symhep.derivatives.table import Table
from symhep.graph import Builder, Graph, Node, copy_node, rewrite, transfer
from symhep.passes.lower import lower
from symhep.passes.split_complex import split_complex
from symhep.tracing.annotations import Argument
from symhep.tracing.trace import Leaf, Output, Traced

if TYPE_CHECKING:
    from symhep.variants import Variant

Cell = tuple[Node, Node | None]  # real and imaginary part


@dataclass(frozen=True, slots=True)
class Ground:
    """A kernel's optimised program, ready to be differentiated.

    graph   the program, of real scalars
    values  what its outputs are
    by      what derivatives are by
    effort  of the optimiser, for the kernel and its derivatives
    """

    traced: Traced
    graph: Graph
    linear: Linear
    values: list[Value]
    by: Directions
    effort: str | float

    @property
    def wrt(self) -> list[Node]:
        """The inputs that derivatives are by."""
        return [self.graph.inputs[p] for p in self.by.inputs]

    @property
    def value_cells(self) -> list[Cell]:
        """The cells of all values, in order."""
        new, out = self.linear.new, self.graph.outputs
        return [
            (new[out[re]], None if im is None else new[out[im]]) for value in self.values for re, im in value.columns
        ]


def ground(variant: Variant, wrt: Wrt) -> Ground:
    """Prepare a kernel for differentiation.

    It is the optimised program that is differentiated: it has fewer operations than the formula as written. That it has
    the same value is verified here, in high precision, as it is before a kernel runs. Only where there are operations
    with a derivative of their own is it the formula as written.
    """
    t = variant.traced
    if t.opaque is not None:
        graph = lower(split_complex(t.opaque, finite=variant.options.math == "finite"))
    else:
        assert variant.verification is not None
        graph = unpaired(variant.optimised.graph)
    return Ground(t, graph, Linear(graph), values_of(t), directions(t, wrt, Site(t.name, None)), variant.options.effort)


def unpaired(graph: Graph) -> Graph:
    """Sine and cosine of one argument as two operations again."""

    def rule(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
        if old.op == "sincos":
            return args[0]
        if old.op == "item":
            return build.node(("sin", "cos")[old.attrs[0]], args)
        return copy_node(build, old, args)

    return rewrite(graph, rule)


# -- results ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Result:
    """The values of a derivative kernel as they are collected: for each, what it is and its cells."""

    outputs: list[Output]
    cells: list[Cell]

    def add(self, output: Output, cells: Sequence[Cell]) -> None:
        """Append a value."""
        self.outputs.append(output)
        self.cells += cells

    def add_values(self, g: Ground) -> None:
        """Append the values of the kernel itself."""
        self.outputs += [v.output for v in g.values]
        self.cells += g.value_cells


def add_adjoints(result: Result, g: Ground, adjoints: Sequence[Node]) -> None:
    """Append one number for each column of what derivatives are by."""
    rest = iter(adjoints)
    for leaf in g.by.leaves:
        output = Output("", _shape(leaf), leaf.core.symmetric, leaf.axes)
        result.add(output, [(next(rest), None) for _ in leaf.columns])


def add_jacobian(result: Result, g: Ground, table: Table) -> None:
    """Append the derivatives of all values: for each, one value for each leaf that derivatives are by."""
    for value in g.values:
        start = 0
        for leaf in g.by.leaves:
            _add_block(result, g, table, value, leaf, start)
            start += len(leaf.columns)


def _add_block(result: Result, g: Ground, table: Table, value: Value, leaf: Leaf, start: int) -> None:
    o, zero = value.output, g.linear.a.zero
    symmetric = leaf.core.symmetric and not o.shape
    cells: list[Cell] = []
    for row in cells_of(o.shape, False):
        re, im = value.cell(row)
        for index in cells_of(_shape(leaf), symmetric):
            j = start + column_of(leaf, index)
            cells.append((table.get((re, j), zero), None if im is None else table.get((im, j), zero)))
    result.add(Output("", o.shape + _shape(leaf), symmetric, o.axes or leaf.axes), cells)


def add_hessian(result: Result, g: Ground, upper: Table) -> None:
    """Append the second derivatives of one number; `upper` has those with the first column not after the second."""
    zero, first = g.linear.a.zero, 0
    for row_leaf in g.by.leaves:
        second = 0
        for leaf in g.by.leaves:
            symmetric = leaf is row_leaf and len(leaf.core.shape) == 1
            cells: list[Cell] = []
            for index in cells_of(_shape(row_leaf) + _shape(leaf), symmetric):
                n = len(row_leaf.core.shape)
                i, j = first + column_of(row_leaf, index[:n]), second + column_of(leaf, index[n:])
                cells.append((upper.get((min(i, j), max(i, j)), zero), None))
            axes = g.values[0].output.axes or row_leaf.axes or leaf.axes
            result.add(Output("", _shape(row_leaf) + _shape(leaf), symmetric, axes), cells)
            second += len(leaf.columns)
        first += len(row_leaf.columns)


def _shape(leaf: Leaf) -> tuple[int, ...]:
    return tuple([int(d) for d in leaf.core.shape])


def traced_again(
    g: Ground,
    name: str,
    result: Result,
    tree: Tree,
    more: Sequence[tuple[Argument, tuple[Leaf, ...], Sequence[Node]]] = (),
) -> Traced:
    """A derivative as a traced function of the same arguments.

    more  arguments that it has besides, with their leaves and their nodes in the graph of the derivative
    """
    a = g.linear.a
    outputs = [re if im is None else a.op("complex", re, im) for re, im in result.cells]
    extra = [n for _, _, nodes in more for n in nodes]
    graph = g.linear.result([*g.linear.inputs, *extra], outputs)
    graph = _with_complex_inputs(g.traced, graph, len(extra))
    named = [replace(o, path=p) for p, o in zip(tree.paths("result"), result.outputs, strict=True)]
    arguments = (*g.traced.arguments, *[argument for argument, _, _ in more])
    leaves = (*g.traced.leaves, *[leaf for _, part, _ in more for leaf in part])
    return Traced(name, graph, arguments, leaves, tree, tuple(named), {}).with_opaque(graph)


def _with_complex_inputs(traced: Traced, graph: Graph, more: int) -> Graph:
    """A graph with the complex inputs of a traced function in the place of their real and imaginary parts."""
    if all(n.dtype != "complex" for n in traced.graph.inputs):
        return graph
    build = Builder()
    new: dict[Node, Node] = {}
    parts = iter(graph.inputs)
    inputs = [build.input(n.attrs[0], n.dtype, n.axes) for n in traced.graph.inputs]
    for n in inputs:
        for op in ("real", "imag") if n.dtype == "complex" else ("",):
            new[next(parts)] = build.node(op, (n,)) if op else n
    for old in graph.inputs[len(graph.inputs) - more :]:
        new[old] = build.input(old.attrs[0], old.dtype, old.axes)
        inputs.append(new[old])
    for old in graph.order:
        if old not in new:
            new[old] = copy_node(build, old, tuple([new[x] for x in old.args]))
    made = transfer(graph, new, [new[o] for o in graph.outputs])
    made.inputs = tuple(inputs)
    return made
