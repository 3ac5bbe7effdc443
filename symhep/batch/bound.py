"""Kernels with part of their arguments given: what depends on these alone is computed once and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.batch.keeping import COLUMN, worth_keeping
from symhep.batch.staged import Staged, run_columns
from symhep.batch.stages import NOT_KEPT
from symhep.calling import calls
from symhep.calling.calls import Columns
from symhep.calling.plain_calls import NUMBERS
from symhep.calling.results import axes_of
from symhep.errors import listing, nearest
from symhep.graph import CONSTANT, Axes, Builder, Graph, Node, copy_node
from symhep.program import Program, build
from symhep.tracing.annotations import Argument
from symhep.tracing.trace import Leaf, Traced

if TYPE_CHECKING:
    from symhep.kernel import Kernel


class Bound:
    """A kernel with some arguments given; made by `Kernel.bind` and called with the others.

    kernel     the kernel
    arguments  those that are left, in order
    kept       how many columns of intermediate values are kept
    nbytes     the memory that these take, beside the data themselves

    >>> from symhep.kernel import kernel
    >>> line = kernel(lambda x, slope, offset: slope * x + offset, parameters=("slope", "offset"))
    >>> line.bind(x=[1.0, 2.0])(3.0, 0.5)
    array([3.5, 6.5])
    """

    def __init__(self, kernel: Kernel, data: Mapping[str, Any]) -> None:
        self.kernel, self._data = kernel, dict(data)
        _check(kernel, data)
        statics = {a.name: data[a.name] for a in kernel.arguments if a.static and a.name in data}
        self._variant = kernel._chosen(statics)
        bound = [a for a in kernel.arguments if a.name in data and not a.static]
        self.arguments: tuple[Argument, ...] = tuple([a for a in kernel.arguments if not a.static and a not in bound])
        traced = self._variant.traced
        self._names = [a.name for a in bound]
        self._rest = _only(traced, [a.name for a in self.arguments])
        values = calls.leaf_values(bound, [data[a.name] for a in bound], kernel.site)
        given, self._dtype = calls.columns_of(_only(traced, self._names), values, kernel._dtype, kernel.site)
        self._batches = dict(given.batches or dict.fromkeys(_axes(traced, self._names), given.batch))
        self._packed = given.packed
        self._prepare(given.columns)
        self._numbers = not any(x.axes or x.core.shape for x in self._rest.leaves)
        self._numbers &= all(x.core.kind == "real" for x in self._rest.leaves)

    def _prepare(self, columns: Sequence[np.ndarray]) -> None:
        """Compute what is kept, and compile the rest."""
        graph, given = self._variant.verified(), set(_inputs(self._variant.traced, self._names))
        cut = _cut(graph, [n for k, n in enumerate(graph.inputs) if k in given])
        axes = [n.axes for n in cut.kept]
        found = [np.empty(columns[cut.longest[axis]].size if axis else 1, self._dtype) for axis in map(_one, axes)]
        if found:
            _staged(cut.before, axes, self).run(columns, found, calls.default_threads())
        self._columns = [columns[k] for k in cut.used] + found
        self.kept = sum(bool(a) for a in axes)
        self.nbytes = sum(array.nbytes for array in found)
        outputs = axes_of(self._variant.slots)
        if self._variant.axes is None:
            self._runner: Any = _compiled(build(cut.after), self)
        else:
            self._runner = _staged(cut.after, outputs, self)

    def __call__(self, *args: Any, out: Any = None, threads: int | None = None, **kwargs: Any) -> Any:
        """Run with the arguments that are left; raises ArgumentError where they do not fit."""
        given = self._ready(args) if not kwargs else None
        if given is None:
            given = self._general(args, kwargs)
        return run_columns(self._runner, self._variant, given, self._dtype, threads, out, self.kernel.site)

    def _ready(self, args: tuple) -> Columns | None:
        """Numbers for parameters."""
        if not self._numbers or len(args) != len(self.arguments) or not all(type(x) in NUMBERS for x in args):
            return None
        columns = [*self._columns, *[np.array((x,), self._dtype) for x in args]]
        return Columns((), columns, self._packed, batches=self._batches)

    def _general(self, args: tuple, kwargs: Mapping[str, Any]) -> Columns:
        site = self.kernel.site
        for name in self._names:
            if name in kwargs:
                raise site.error(f"{site.name}: {name} is bound already", "bind again, with the other data")
        values = calls.leaf_values(self.arguments, calls.bind(self.arguments, args, kwargs, site), site)
        given, _ = calls.columns_of(self._rest, values, self._dtype, site)
        own = given.batches or dict.fromkeys(_axes(self._rest, [a.name for a in self.arguments]), given.batch)
        for axis, batch in own.items():
            bound = self._batches.get(axis, batch)
            if not _fits(batch, bound):
                what = f"{site.name}: the arguments have the batch shape {batch}, the bound data {bound}"
                raise site.error(what, "data of all events bound; arguments of as many events, or of one")
        batches = {**own, **self._batches}
        axes = [axis for x in self._rest.leaves for axis in self._column_axes(x)]
        columns = [_spread(c, axis, own, batches) for c, axis in zip(given.columns, axes, strict=True)]
        return Columns((), [*self._columns, *columns], self._packed or given.packed, batches=batches)

    def _column_axes(self, leaf: Leaf) -> list[str]:
        """The batch axis of each column of an argument, "" for a parameter."""
        return [next(iter(leaf.axes), "")] * len(leaf.columns) * (2 if leaf.core.kind == "complex" else 1)

    def __repr__(self) -> str:
        events = listing([f"{int(np.prod(batch)):,}" for batch in self._batches.values()]) if self._batches else "no"
        left = listing([a.name for a in self.arguments]) if self.arguments else "nothing"
        columns = f"{self.kept} column{'s' * (self.kept != 1)}"
        memory = f"keeps {columns}, {self.nbytes / 1e6:.3g} MB"
        return f"<{self.kernel.name} of {left}, bound to {listing(self._names)}: {events} events, {memory}>"

    def __reduce__(self):
        return Bound, (self.kernel, self._data)


def _check(kernel: Kernel, data: Mapping[str, Any]) -> None:
    site, known = kernel.site, [a.name for a in kernel.arguments]
    for name in data:
        if name not in known:
            raise site.error(f"{kernel.name} has no argument {name!r}", listing(nearest(name, known) or known, "or"))
    if not any(a.name in data and not a.static for a in kernel.arguments):
        raise site.error(f"{kernel.name}.bind() without data", f"{kernel.name}.bind({known[0]}={known[0]})")
    if kernel.options.target not in ("auto", "numba", "numpy"):
        what = f"{kernel.name}.bind() for the target {kernel.options.target}"
        raise site.error(what, f'{kernel.name}.to("numba").bind(...)')


def _only(traced: Traced, names: Sequence[str]) -> Traced:
    """The trace with the leaves of some arguments alone: what their values are checked against."""
    return replace(traced, leaves=tuple([x for x in traced.leaves if traced.arguments[x.argument].name in names]))


def _axes(traced: Traced, names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([axis for x in _only(traced, names).leaves for axis in x.axes]))


def _inputs(traced: Traced, names: Sequence[str]) -> list[int]:
    """The positions that the arguments have among the inputs of the optimised graph; complex values have two."""
    found: list[int] = []
    position = 0
    for leaf in traced.leaves:
        count = len(leaf.columns) * (2 if leaf.core.kind == "complex" else 1)
        if traced.arguments[leaf.argument].name in names:
            found += range(position, position + count)
        position += count
    return found


def _fits(batch: tuple[int, ...], bound: tuple[int, ...]) -> bool:
    """Whether a batch broadcasts to that of the bound data."""
    return len(batch) <= len(bound) and all(n in (1, m) for n, m in zip(batch[::-1], bound[::-1]))


def _spread(column: np.ndarray, axis: str, own: Mapping, whole: Mapping) -> np.ndarray:
    """A column of as many events as the bound data have."""
    if not axis or own[axis] == whole[axis]:
        return column
    return np.broadcast_to(column.reshape(own[axis]), whole[axis]).reshape(-1)


def _one(axes: Axes) -> str:
    return next(iter(axes), "")


def _compiled(program: Program, bound: Bound) -> Any:
    from symhep.variants import compiled

    return compiled(program, bound.kernel.options.target, bound._dtype)


def _staged(graph: Graph, axes: Sequence[Axes], bound: Bound) -> Staged:
    return Staged(graph, axes, lambda program: _compiled(program, bound), bound._dtype)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A graph cut into what is computed once and the rest.

    before   of the given inputs; its outputs are what is kept
    after    its inputs are the given ones at `used`, what is kept, and the inputs of the graph that are not given
    longest  for each batch axis the position of a given input that has it
    """

    before: Graph
    after: Graph
    kept: list[Node]
    used: list[int]
    longest: dict[str, int]


def _cut(graph: Graph, given: list[Node]) -> _Cut:
    longest = {axis: k for k, n in reversed(list(enumerate(given))) for axis in n.axes}
    settled = _settled(graph, given, longest)
    numbers = {n for n in settled if not n.axes and n.op != "const"}
    columns = {n: None for n in graph.order if n in settled and n.axes}
    kept = worth_keeping(graph.outputs, columns, _keeping, numbers)
    there = kept | {n for n in numbers if n.op != "input"}
    needed = _needed(graph.outputs, there)
    keep = [n for n in graph.order if n in there and n in needed]
    used = [k for k, n in enumerate(given) if n in needed or k in longest.values()]
    before = _needed(keep, set())
    order = [n for n in graph.order if n in before]
    rest = [n for n in graph.inputs if n not in set(given)]
    after = _after(graph, [given[k] for k in used], keep, rest, needed)
    return _Cut(Graph(tuple(given), tuple(keep), order=order), after, keep, used, longest)


def _keeping(n: Node) -> float | None:
    """What it costs to keep a column of a value; None where it cannot be kept."""
    return None if n.op in NOT_KEPT or n.dtype != "real" else COLUMN


def _settled(graph: Graph, given: list[Node], axes: Mapping[str, int]) -> set[Node]:
    """What depends on the given inputs alone; also the numbers of events of their batch axes."""
    settled = set(given)
    for n in graph.order:
        known = bool(n.args) and all(a in settled for a in n.args)
        if known or n.op == "const" or (n.op == "batch_size" and n.attrs[0] in axes):
            settled.add(n)
    return settled


def _needed(targets: Sequence[Node], there: set[Node]) -> set[Node]:
    """What the targets need, down to inputs and what is there."""
    found = set(targets)
    for n in (queue := list(found)):
        if n not in there:
            queue += [a for a in n.args if a not in found]
            found.update(n.args)
    return found


def _after(graph: Graph, used: list[Node], keep: list[Node], rest: list[Node], needed: set[Node]) -> Graph:
    builder = Builder()
    new = {n: builder.input(n.attrs[0], n.dtype, n.axes) for n in used}
    for k, n in enumerate(keep):
        new[n] = builder.input(f"kept {k}", n.dtype, n.axes or CONSTANT)
    new |= {n: builder.input(n.attrs[0], n.dtype, n.axes) for n in rest}
    inputs = tuple(new.values())
    order = [n for n in graph.order if n in needed and n not in new]
    for n in order:
        new[n] = copy_node(builder, n, tuple([new[a] for a in n.args]))
    outputs = tuple([new[n] for n in graph.outputs])
    return Graph(inputs, outputs, order=[*inputs, *[new[n] for n in order]])
