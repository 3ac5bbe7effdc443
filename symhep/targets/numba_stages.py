"""The readable numba form of a program with reductions over the batch: a loop over the events for each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symhep.batch.stages import Stage, stages
from symhep.graph import Node
from symhep.ops import REDUCTIONS

if TYPE_CHECKING:
    from symhep.targets.numba import Writer


def staged(writer: Writer) -> list[str]:
    """The lines of the function."""
    return _Stages(writer).lines()


class _Stages:
    def __init__(self, writer: Writer) -> None:
        self.writer, self.program = writer, writer.program
        graph = self.program.graph
        self.axes = self.program.axes or tuple([n.axes for n in graph.outputs])
        self.stages = stages(graph, self.axes)
        self.place = {k: writer.local(f"out{k}") for k, axes in enumerate(self.axes) if axes}
        axes = list(dict.fromkeys([axis for n in graph.inputs for axis in n.axes]))
        self.size = {axis: writer.local("n" if len(axes) == 1 else f"n_{axis}") for axis in axes}
        self.first = {axis: n for n in reversed(graph.inputs) for axis in n.axes}
        columns = [n for s in self.stages for n in (*s.keeps, *s.arguments) if not _is_column(n)]
        self.column = {n: writer.local(f"{writer.argument(n)}_column") for n in dict.fromkeys(columns)}
        self.done: set[Node] = set()

    def lines(self) -> list[str]:
        w = self.writer
        lines = [f"{size} = len({w.names[self.first[axis]]})" for axis, size in self.size.items()]
        lines += [w.load(n, "[0]") for n in self.program.inputs if not n.axes and n in set(self.program.graph.order)]
        for stage in self.stages:
            lines += [line for n in stage.nodes if not n.axes for line in self._once(n)]
            if stage.axis is not None:
                lines += self._loop(stage, stage.axis)
        results = [self.place[k] if axes else w.stored(n) for k, (axes, n) in self._outputs()]
        return [*lines, f"return ({', '.join(results)},)"]

    def _outputs(self):  # type: ignore[no-untyped-def]
        return enumerate(zip(self.axes, self.program.graph.outputs, strict=True))

    def _once(self, n: Node) -> list[str]:
        """What is computed once, where it is needed first."""
        if n in self.done or n.op in ("input", "const", *REDUCTIONS):
            return []
        self.done.add(n)
        if n.op == "batch_size":
            return [f"{self.writer.names[n]} = {self._real(self.size[n.attrs[0]])}"]
        return [self.writer.line(n)]

    def _real(self, text: str) -> str:
        return f"np.{self.writer.dtype.name}({text})"

    def _loop(self, stage: Stage, axis: str) -> list[str]:
        w, i, outputs = self.writer, self.writer.index, self.program.graph.outputs
        written = [n for n in dict.fromkeys([*stage.keeps, *stage.arguments]) if n in self.column]
        arrays = [self.place[k] for k in stage.outputs] + [self.column[n] for n in written]
        lines = [f"{a} = np.empty({self.size[axis]}, np.{w.dtype.name})" for a in arrays]
        body = [w.load(n, f"[{i}]") for n in stage.nodes if n.op == "input" and n.axes]
        body += [f"{w.value(n)} = {self.column[n]}[{i}]" for n in stage.loads]
        body += [w.line(n) for n in stage.nodes if n.axes and n.op != "input"]
        body += [f"{self.place[k]}[{i}] = {w.stored(outputs[k])}" for k in stage.outputs]
        body += [f"{self.column[n]}[{i}] = {w.stored(n)}" for n in written]
        lines += [f"for {i} in range({self.size[axis]}):", *[f"    {line}" for line in body]] if arrays else []
        return [*lines, *[self._reduction(n, stage.arguments[position]) for n, position in stage.reductions]]

    def _reduction(self, n: Node, argument: Node) -> str:
        column = self.column.get(argument, self.writer.names[argument])
        return f"{self.writer.names[n]} = {self._real(f'{n.op}({column})')}"


def _is_column(n: Node) -> bool:
    """Whether a value is there as a column of real numbers already."""
    return n.op == "input" and n.dtype == "real"
