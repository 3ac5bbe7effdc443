"""From a Python function to a graph: call it once with traced values and keep what it did.

The function is called twice. What it does must be the same both times: a kernel is a formula, not a process.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symhep.batch.reductions import outer_axes, reduced_inside, reduces
from symhep.containers import Tree, flatten
from symhep.errors import ArgumentError, TraceError, listing, message
from symhep.garbage import collection_paused
from symhep.graph import BATCH, CONSTANT, Axes, Graph, Node, topological, union
from symhep.tracing import numpy_functions  # noqa: F401  (answers NumPy's protocols)
from symhep.tracing.annotations import Argument, Core, arguments_of, hints_of, specification
from symhep.tracing.arrays import Array, cells_of
from symhep.tracing.recorder import Recorder, two_axes
from symhep.tracing.refusals import explain
from symhep.tracing.source import Spot, describe, describe_definition, name_of
from symhep.tracing.values import Scalar


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of an argument: its name, what it is, which argument it belongs to, and its columns.

    columns  (name of the input node, index of the cell) for each column
    """

    path: str
    core: Core
    argument: int
    columns: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def axes(self) -> Axes:
        """The batch axis that it has, or none."""
        return CONSTANT if self.core.axis is None else frozenset({self.core.axis})


@dataclass(frozen=True, slots=True)
class Output:
    """One value of the result: its name, its shape, and whether only the upper triangle is in the graph.

    axes  the batch axis that the value has: one, or none where it is reduced over the batch
    """

    path: str
    shape: tuple[int, ...]
    symmetric: bool = False
    axes: Axes = BATCH


@dataclass(frozen=True, slots=True)
class Traced:
    """A function as a graph, with the forms of its arguments and of its result.

    calls   how often each operation was written, before anything was shared
    opaque  the graph with registered operations and special functions as single nodes, where there are any
    """

    name: str
    graph: Graph
    arguments: tuple[Argument, ...]
    leaves: tuple[Leaf, ...]
    tree: Tree
    outputs: tuple[Output, ...]
    calls: dict[Node, int] = field(default_factory=dict)
    opaque: Graph | None = None

    @property
    def known(self) -> dict[str, frozenset[str]]:
        """What is assumed about inputs, by name."""
        return {name: x.core.assumed for x in self.leaves if x.core.assumed for name, _ in x.columns}

    @property
    def as_written(self) -> Graph:
        """The graph with registered operations and special functions as single nodes."""
        return self.opaque or self.graph

    def with_opaque(self, graph: Graph) -> Traced:
        """The same of a graph that may have registered operations and special functions as single nodes."""
        from symhep.tracing.custom import expanded

        plain = expanded(graph)
        if plain is graph:
            return replace(self, graph=graph)
        return replace(self, graph=plain, calls={}, opaque=graph)

    def __reduce__(self):
        rest = (self.name, self.graph, self.arguments, self.leaves, self.tree, self.outputs)
        return _restore, (*rest, [self.calls.get(n, 1) for n in self.graph.order], self.opaque)


def _restore(
    name: str, graph: Graph, arguments: tuple, leaves: tuple, tree: Tree, outputs: tuple, calls: list[int], opaque: Any
):
    """A pickled trace: the nodes are others now, in the same order."""
    return Traced(name, graph, arguments, leaves, tree, outputs, dict(zip(graph.order, calls)), opaque)


class _Active(threading.local):
    def __init__(self) -> None:
        self.recorders: list[Recorder] = []


_active = _Active()


def recording() -> Recorder | None:
    """The recorder of the function that this thread is tracing; None if it is not tracing."""
    return _active.recorders[-1] if _active.recorders else None


@contextmanager
def _recording(recorder: Recorder) -> Iterator[None]:
    _active.recorders.append(recorder)
    try:
        yield
    finally:
        _active.recorders.pop()


def trace(
    function: Callable,
    arguments: Sequence[Argument] | Mapping[str, Any] | None = None,
    parameters: Sequence[str] = (),
    statics: Mapping[str, Any] | None = None,
    result: Any = None,
    constant: bool = False,
    once: bool = False,
) -> Traced:
    """Trace a function.

    arguments   the arguments, or annotations by name where they differ from the function's own
    parameters  names of the arguments that have no batch axis
    statics     the values of the static arguments, by name
    result      annotation of the result where it differs from the function's own
    constant    whether the result may be independent of all arguments
    once        whether it is known to be a formula, so that it need not be called twice

    Raises TraceError where the function does something that has no meaning for every event at once.

    >>> traced = trace(lambda x, y: x * y + 1)
    >>> [n.op for n in traced.graph.operations()]
    ['mul', 'add']
    """
    if arguments is None or isinstance(arguments, Mapping):
        arguments = arguments_of(function, parameters, arguments)
    recorder, name = Recorder(), name_of(function)
    leaves = _leaves(arguments, function)
    inputs = [_input_nodes(recorder, leaf) for leaf in leaves]
    recorder.axes = tuple(dict.fromkeys([axis for part in inputs for n in part for axis in n.axes]))
    run = _Run(function, tuple(arguments), leaves, inputs, recorder, dict(statics or {}))
    with collection_paused():
        values, tree = run.first() if once else run.twice()
    outputs, nodes = _outputs(recorder, values, tree, result, function)
    graph = Graph(tuple([n for part in inputs for n in part]), nodes, recorder.names, recorder.where)
    if not constant and not any(n.op == "input" for n in graph.order):
        what = f"the result of {name} does not depend on any argument"
        raise TraceError(message(what, describe_definition(function), "a formula of the arguments"))
    traced = Traced(name, graph, tuple(arguments), leaves, tree, outputs, run.calls).with_opaque(graph)
    if recorder.objects is not None and any(n.dtype == "complex" for n in recorder.where):
        _check_objects(traced, run, recorder.objects)
    return traced


def _check_objects(traced: Traced, run: _Run, spot: Spot) -> None:
    from symhep.checking.selfcheck import misled

    if misled(traced, run.function, run.statics):
        what = "np.array of traced values is an array of Python objects: NumPy lost what was complex in it"
        raise TraceError(message(what, str(spot), "sh.array in place of np.array and np.asarray"))


# -- arguments -------------------------------------------------------------------------------------------------------


def _leaves(arguments: Sequence[Argument], function: Callable) -> tuple[Leaf, ...]:
    leaves = []
    for position, argument in enumerate(arguments):
        for path, core in zip(argument.tree.paths(argument.name), argument.cores):
            named = [d for d in core.shape if isinstance(d, str)]
            if named:
                what = f"{path}: axes known only at run time, such as {named[0]!r}, are not supported yet"
                raise ArgumentError(message(what, describe_definition(function), "a fixed size, as in sh.Vector[4]"))
            leaves.append(Leaf(path, core, position, _columns(path, core)))
    return tuple(leaves)


def _columns(path: str, core: Core) -> tuple[tuple[str, tuple[int, ...]], ...]:
    if not core.shape:
        return ((path, ()),)
    indices = [i for i in np.ndindex(*[int(d) for d in core.shape]) if not core.symmetric or i[0] <= i[1]]
    return tuple([(f"{path}[{','.join(map(str, i))}]", i) for i in indices])


def _input_nodes(recorder: Recorder, leaf: Leaf) -> list[Node]:
    dtype = "complex" if leaf.core.kind == "complex" else "real"
    return [recorder.builder.input(name, dtype, leaf.axes) for name, _ in leaf.columns]


def _value(recorder: Recorder, leaf: Leaf, nodes: Sequence[Node]) -> Any:
    """The traced value of one leaf."""
    scalars = [recorder.dress(n) for n in nodes]
    if leaf.core.kind == "bool":
        scalars = [x != 0 for x in scalars]
    if not leaf.core.shape:
        return scalars[0]
    cells = np.empty([int(d) for d in leaf.core.shape], object)
    for (_, index), x in zip(leaf.columns, scalars):
        cells[index] = x
        if leaf.core.symmetric:
            cells[index[::-1]] = x
    return Array(recorder, cells)


# -- the two runs ----------------------------------------------------------------------------------------------------


class _Run:
    """A function and what it is called with; calls it twice and compares."""

    def __init__(self, function, arguments, leaves, inputs, recorder, statics):
        self.function, self.arguments, self.leaves = function, arguments, leaves
        self.inputs, self.recorder, self.statics = inputs, recorder, statics
        self.calls: dict[Node, int] = {}

    def twice(self) -> tuple[list, Tree]:
        """The leaves of the result and its form."""
        before = _random_states()
        first = self.first()
        between, known = _random_states(), len(self.recorder.where)
        second = self.once()
        after = _random_states()
        if not self._same(first, second):
            raise self._differs(known, random=between != after)
        if before != between and between == after:
            raise self._differs(known, random=True)
        return first

    def first(self) -> tuple[list, Tree]:
        """The same after one call, in which the operations are counted as written."""
        made = self.once()
        self.calls = dict(self.recorder.calls)
        return made

    def once(self) -> tuple[list, Tree]:
        values = iter([_value(self.recorder, leaf, nodes) for leaf, nodes in zip(self.leaves, self.inputs)])
        positional, named = [], {}
        for a in self.arguments:
            value = self.statics.get(a.name, a.default) if a.static else a.tree.build(values)
            if a.kind == a.kind.KEYWORD_ONLY:
                named[a.name] = value
            else:
                positional.append(value)
        return flatten(self._call(positional, named), lambda v: isinstance(v, (Scalar, Array)))

    def _call(self, positional: list, named: dict) -> Any:
        try:
            with _recording(self.recorder):
                return self.function(*positional, **named)
        except TraceError:
            raise
        except Exception as error:
            explained = explain(error)
            if explained is None:
                raise
            raise explained from error

    def _same(self, first: tuple[list, Tree], second: tuple[list, Tree]) -> bool:
        return first[1] == second[1] and all(self._equal(a, b) for a, b in zip(first[0], second[0]))

    def _equal(self, a: Any, b: Any) -> bool:
        if not isinstance(a, (Scalar, Array, np.ndarray)):
            known = a is b or repr(a) == repr(b)
            return type(a) is type(b) and (known or self.recorder.node_of(a) is None)  # no result: refused as such
        a, b = cells_of(self.recorder, a), cells_of(self.recorder, b)
        return a.shape == b.shape and all(x._node is y._node for x, y in zip(a.flat, b.flat))

    def _differs(self, known: int, random: bool) -> TraceError:
        """The error for a function that is not a formula; it points at the first operation that was new."""
        where = next(iter(list(self.recorder.where.values())[known:]), None)
        place = describe(where, name_of(self.function)) if where else describe_definition(self.function)
        if random:
            return TraceError(message("random numbers inside a kernel", place, "random numbers as arguments"))
        what = f"{name_of(self.function)} traces differently twice: random numbers, time or mutable global state?"
        return TraceError(message(what, place, "what changes as an argument"))


def _random_states() -> list:
    """The states of the global random number generators that are loaded."""
    states: list = []
    if "random" in sys.modules:
        states.append(sys.modules["random"].getstate())
    if "numpy.random" in sys.modules:
        state = np.random.get_state(legacy=False)
        states.append((state["state"]["key"].tobytes(), state["state"]["pos"], state["has_gauss"]))
    return states


# -- results ---------------------------------------------------------------------------------------------------------


def _outputs(recorder, values: list, tree: Tree, annotation: Any, function: Callable):
    """What the leaves of the result are, and their nodes."""
    outputs, nodes = [], []
    symmetric = _symmetric_results(function, annotation, tree)
    for path, value, mirrored in zip(tree.paths("result"), values, symmetric):
        if not isinstance(value, (Scalar, Array, np.ndarray)) and recorder.node_of(value) is None:
            raise _no_result(path, value, function)
        cells = cells_of(recorder, value)
        mirrored = mirrored and cells.ndim == 2 and cells.shape[0] == cells.shape[1]
        kept: list[Any] = [cells[i] for i in np.ndindex(cells.shape) if not mirrored or i[0] <= i[1]]
        outputs.append(Output(path, cells.shape, mirrored, union([cell._node for cell in kept])))
        nodes += [cell._node for cell in kept]
    _one_axis_each(outputs, function)
    if len(recorder.axes) == 1 and not recorder.reduced and not any(reduces(n) for n in topological(nodes)):
        outputs = [replace(o, axes=frozenset(recorder.axes)) for o in outputs]
    return tuple(outputs), tuple(nodes)


def _one_axis_each(outputs: Sequence[Output], function: Callable) -> None:
    for o in outputs:
        if len(o.axes) > 1:
            what = f"{o.path} of {name_of(function)} has elements of different batch axes, {listing(sorted(o.axes))}"
            raise TraceError(message(what, describe_definition(function), "a result for each axis"))


def _no_result(path: str, value: Any, function: Callable) -> TraceError:
    if value is None and path == "result":
        what = f"{name_of(function)} returns None"
        return TraceError(message(what, describe_definition(function), "return ..."))
    what = f"{path} of {name_of(function)} is of type {type(value).__name__}"
    return TraceError(message(what, describe_definition(function), "numbers, arrays or containers of them"))


def _symmetric_results(function: Callable, annotation: Any, tree: Tree) -> list[bool]:
    """Which leaves of the result are annotated as symmetric."""
    if annotation is None:
        annotation = hints_of(function, name_of(function)).get("return")
    form, cores = specification(annotation, "result")
    matches = form.size == tree.size and len(cores) == tree.size
    return [core.symmetric for core in cores] if matches else [False] * tree.size


# -- graphs within graphs --------------------------------------------------------------------------------------------


def inline(recorder: Recorder, traced: Traced, arguments: Sequence[Node]) -> list[Node]:
    """Write a traced graph down again on other input nodes; returns the output nodes."""
    graph = traced.as_written
    new = dict(zip(graph.inputs, arguments))
    axes = outer_axes(graph.inputs, arguments)
    for old in graph.order:
        if old not in new:
            new[old] = _copy(recorder, old, new, traced.calls.get(old, 1), axes)
            if (line := graph.where.get(old)) is not None:
                recorder.where.setdefault(new[old], line)
    for old, name in graph.names.items():
        give_name(recorder, new[old], name)
    return [new[n] for n in graph.outputs]


def _copy(recorder: Recorder, old: Node, new: dict[Node, Node], times: int, axes: dict[str, str]) -> Node:
    if reduces(old):
        return reduced_inside(recorder, old, [new[a] for a in old.args], axes)
    dtype = old.dtype if old.op == "const" else None
    varies = CONSTANT if old.op == "const" else None
    node = recorder.builder.node(old.op, tuple([new[a] for a in old.args]), old.attrs, dtype=dtype, axes=varies)
    if len(node.axes) > 1:
        raise two_axes(node.args)
    recorder.calls[node] += times - 1
    return node


def give_name(recorder: Recorder, node: Node, name: str) -> None:
    """Name a node; a name that another node has already gets a number appended."""
    if node in recorder.names:
        return
    taken = set(recorder.names.values())
    number, unique = 2, name
    while unique in taken:
        number, unique = number + 1, f"{name}_{number}"
    recorder.names[node] = unique
