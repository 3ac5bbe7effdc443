"""Graphs with reductions over the batch, cut into stages: each is one pass over the events of one batch axis.

The result of a reduction is there after the pass that computes its argument. So every node has a level: 0 for inputs,
one more than its argument's for a reduction, the highest of its arguments' for all else. The stage of level k computes
the values per event of level k, and again those of lower levels that it needs, or reads them from columns where an
earlier stage kept them. Work that is done once per call is done again in each stage that needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from symhep.batch.keeping import COLUMN, READING, worth_keeping
from symhep.errors import CompileError
from symhep.graph import CONSTANT, Axes, Builder, Graph, Node, copy_node
from symhep.ops import REDUCTIONS
from symhep.program import Program, build, levels

NOT_KEPT = frozenset({"input", "const", "sincos"})  # what no column is made of


@dataclass(slots=True)
class Stage:
    """One pass over the events of a batch axis, or the work that is done once at the end (axis None).

    nodes       what it computes, in order; reductions and sizes are not among them
    loads       values per event that it reads from columns which an earlier stage kept
    keeps       values per event that later stages read
    arguments   values per event that are reduced after it
    reductions  for each reduction its node and the position of its argument among `arguments`
    outputs     positions of the graph's outputs that it computes
    """

    axis: str | None
    nodes: list[Node] = field(default_factory=list)
    loads: list[Node] = field(default_factory=list)
    keeps: list[Node] = field(default_factory=list)
    arguments: list[Node] = field(default_factory=list)
    reductions: list[tuple[Node, int]] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an input of a stage's program comes from.

    kind  "input" of the graph, at this position; "value" of a reduction or size; "column" that an earlier stage kept,
          at this position of `loads`
    """

    kind: str
    position: int
    node: Node


def stages(graph: Graph, axes: Sequence[Axes]) -> list[Stage]:
    """The passes over the events that a lowered graph takes, in order; the last is the work once at the end, if any.

    axes  for each output the batch axis that its column has; none for one number
    """
    return _Cutter(graph, axes).stages()


class _Cutter:
    def __init__(self, graph: Graph, axes: Sequence[Axes]) -> None:
        if any(len(n.axes) > 1 for n in graph.order):
            raise CompileError("a value for each pair of events of two batch axes; there are only values per event")
        if any(not n.axes <= own for n, own in zip(graph.outputs, axes, strict=True)):
            raise CompileError("a result that varies over a batch axis is said to be without, or to have another one")
        self.graph, self.axes = graph, axes
        self.level = levels(graph)
        self.found: dict[tuple[int, str], Stage] = {}
        self.given = frozenset([n for n in graph.order if n.op in REDUCTIONS])
        self.place = {n: i for i, n in enumerate(graph.order)}

    def stages(self) -> list[Stage]:
        for n in self.graph.order:
            if n.op in REDUCTIONS:
                self._reduction(n)
        for k, axes in enumerate(self.axes):
            for axis in axes:
                self._output(k, axis)
        found = [self.found[key] for key in sorted(self.found)]
        for axis in sorted({axis for _, axis in self.found}):
            self._fill([s for s in found if s.axis == axis])
        last = [k for k, axes in enumerate(self.axes) if not axes]
        if last:
            outputs = [self.graph.outputs[k] for k in last]
            found.append(Stage(None, self._sorted(self._needed(outputs, set())), outputs=last))
        return found

    def _stage(self, level: int, axis: str) -> Stage:
        return self.found.setdefault((level, axis), Stage(axis))

    def _reduction(self, n: Node) -> None:
        (argument,), (axis,) = n.args, n.attrs
        stage = self._stage(self.level[argument], axis)
        if argument not in stage.arguments:
            stage.arguments.append(argument)
        stage.reductions.append((n, stage.arguments.index(argument)))

    def _output(self, k: int, axis: str) -> None:
        """A column of results; what does not vary over the axis is written in a pass that is there already."""
        n = self.graph.outputs[k]
        level = self.level[n]
        if not n.axes:
            level = max([at for at, over in self.found if over == axis and at >= level], default=level)
        self._stage(level, axis).outputs.append(k)

    def _fill(self, passes: list[Stage]) -> None:
        """What each pass over one axis computes, and what it keeps for those after it."""
        first: dict[Node, Stage] = {}
        for stage in passes:
            targets = [*stage.arguments, *[self.graph.outputs[k] for k in stage.outputs]]
            kept = {n for s in passes for n in s.keeps}
            chosen = self._chosen(targets, first, kept)
            for n in self._sorted(chosen - kept):
                first[n].keeps.append(n)
            needed = self._needed(targets, chosen)
            stage.loads = self._sorted(needed & chosen)
            stage.nodes = self._sorted(needed - chosen)
            for n in stage.nodes:
                if n.axes:
                    first.setdefault(n, stage)

    def _chosen(self, targets: list[Node], first: dict[Node, Stage], kept: set[Node]) -> set[Node]:
        def keeping(n: Node) -> float | None:
            if n.op in NOT_KEPT or n.dtype != "real":
                return None
            return READING if n in kept else COLUMN

        return worth_keeping(targets, first, keeping, self.given) if first else set()

    def _needed(self, targets: Iterable[Node], given: set[Node]) -> set[Node]:
        """What has to be there for the targets: down to inputs, reductions, sizes and what is given."""
        found = set(targets)
        for n in (queue := list(found)):
            if n not in given and n.op not in REDUCTIONS:
                queue += [a for a in n.args if a not in found]
                found.update(n.args)
        return found

    def _sorted(self, nodes: Iterable[Node]) -> list[Node]:
        return sorted(nodes, key=self.place.__getitem__)


def program_of(graph: Graph, stage: Stage) -> tuple[Program, list[Source]]:
    """A stage as a program of its own, and where its inputs come from.

    Its outputs are the graph's outputs at `stage.outputs`, then `stage.keeps`, then `stage.arguments`.
    """
    builder = Builder()
    sources = _sources(graph, stage)
    new: dict[Node, Node] = {}
    for number, s in enumerate(sources):
        name = s.node.attrs[0] if s.kind == "input" else f"{s.kind} {number}"
        axes = CONSTANT if s.kind == "value" else s.node.axes
        new[s.node] = builder.input(name, s.node.dtype, axes)
    inputs = tuple(new.values())
    nodes = [n for n in stage.nodes if n not in new]
    for n in nodes:
        new[n] = copy_node(builder, n, tuple([new[a] for a in n.args]))
    results = [*[graph.outputs[k] for k in stage.outputs], *stage.keeps, *stage.arguments]
    order = [*inputs, *[new[n] for n in nodes]]
    return build(Graph(inputs, tuple([new[n] for n in results]), order=order)), sources


def _sources(graph: Graph, stage: Stage) -> list[Source]:
    """The inputs of a stage: those of the graph in their order, then values, then columns."""
    nodes = set(stage.nodes)
    found = [Source("input", k, n) for k, n in enumerate(graph.inputs) if n in nodes]
    found += [Source("value", 0, n) for n in stage.nodes if n.op in REDUCTIONS or n.op == "batch_size"]
    return found + [Source("column", k, n) for k, n in enumerate(stage.loads)]
