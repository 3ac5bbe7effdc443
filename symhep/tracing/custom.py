"""Operations with a value and a derivative of their own.

Where derivatives are taken they are one node, whose derivative is the user's; everywhere else they are what their
function does.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Container, Sequence
from typing import Any

from symhep.batch.reductions import reduces
from symhep.errors import ArgumentError, count, listing, message
from symhep.graph import Builder, Graph, Node, copy_node, rewrite
from symhep.tracing.annotations import arguments_of
from symhep.tracing.arrays import elementwise
from symhep.tracing.marks import recorder_of
from symhep.tracing.source import Spot, describe_definition, name_of
from symhep.tracing.trace import Traced, trace


def register(fn: Callable | None = None, *, derivative: Callable, name: str | None = None) -> Any:
    """Make an operation of a function of real numbers, with a derivative of its own; used as a decorator or called.

    fn          the value: a function for one event, or a kernel, of real numbers, with one real result
    derivative  takes the arguments, and after them the result; returns the partial derivatives by each argument, as a
                tuple (by one argument, bare). It is written as a kernel's function is
    name        in errors and reports; the function's own if not given

    The operation can be called in kernels, and on plain numbers and arrays. Its derivative stands for what symhep would
    derive itself: because that is unstable, or is to be something else. It is checked like all others by
    `check_derivatives`, and differentiated like any function for higher derivatives.

    Raises ArgumentError if there are not as many derivatives as arguments.

    >>> import numpy as np
    >>> @register(derivative=lambda x, r: 1 / (1 + np.exp(-x)))
    ... def softplus(x):
    ...     return np.logaddexp(x, 0.0)
    >>> from symhep.derivatives.operators import grad
    >>> float(grad(lambda x: softplus(2 * x))(0.0))
    1.0
    """
    if fn is None:
        return functools.partial(register, derivative=derivative, name=name)
    return Operation(fn, derivative, name or name_of(fn))


class Operation:
    """A registered operation: called with traced values it is one node, else it calls its function."""

    def __init__(self, fn: Callable, derivative: Callable, name: str) -> None:
        functools.update_wrapper(self, fn, updated=())  # a kernel's own state stays with it
        self.fn, self.derivative, self.name = fn, derivative, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        recorder = recorder_of(*args, *kwargs.values())
        if recorder is None:
            return self.fn(*args, **kwargs)
        try:
            bound = inspect.signature(self.fn).bind(*args, **kwargs)
        except TypeError as error:
            names = ", ".join(inspect.signature(self.fn).parameters)
            raise ArgumentError(message(f"{self.name}: {error}", str(Spot.here()), f"{self.name}({names})")) from None
        bound.apply_defaults()
        attrs = self._attrs

        def cell(*values: Any) -> Any:
            if any(v.kind != "real" for v in values):
                kinds = listing([v.kind for v in values])
                what = f"{self.name} takes {count(attrs[2], 'real number')}, got {kinds}"
                raise ArgumentError(message(what, str(Spot.here()), ".real and .imag of complex values"))
            return recorder.apply("custom", tuple([v._node for v in values]), attrs)

        return elementwise(recorder, cell, bound.args)

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    @functools.cached_property
    def _attrs(self) -> tuple[Graph, Graph, int, str]:
        """What its node holds: the graphs of value and derivatives, the number of arguments, the name."""
        value = _traced(self.fn, constant=False)
        if any(reduces(x) for x in value.graph.order):
            what = f"{self.name} reduces over the batch: an operation is about one event"
            raise ArgumentError(message(what, describe_definition(self.fn), "the reduction outside it"))
        n = len(value.graph.inputs)
        if len(value.graph.outputs) != 1 or value.graph.outputs[0].dtype != "real":
            what = f"{self.name}: an operation has one real result, its function returns {value.tree.paths('result')}"
            raise ArgumentError(message(what, describe_definition(self.fn)))
        partials = _traced(self.derivative, constant=True)
        found = len(partials.graph.outputs), len(partials.graph.inputs)
        if found != (n, n + 1):
            what = f"the derivative of {self.name} takes {found[1]} numbers and returns {found[0]}"
            instead = f"a function of its {count(n, 'argument')} and the result that returns {count(n, 'derivative')}"
            raise ArgumentError(message(what, describe_definition(self.derivative), instead))
        return value.graph, partials.graph, n, self.name


def _traced(function: Any, constant: bool) -> Traced:
    from symhep.kernel import Kernel

    if isinstance(function, Kernel):
        return function.traced
    return trace(function, arguments_of(function), constant=constant)


OPAQUE = frozenset({"custom", "special"})


def expanded(graph: Graph, ops: Container[str] = OPAQUE) -> Graph:
    """A graph with what registered operations and special functions do in their place."""

    def rule(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
        return written(build, formula_of(old), args)[0] if old.op in ops else copy_node(build, old, args)

    return rewrite(graph, rule) if any(n.op in ops for n in graph.order) else graph


def formula_of(node: Node) -> Graph:
    """What a registered operation or a special function computes."""
    if node.op == "custom":
        return node.attrs[0]
    from symhep.special.node import value_of

    return value_of(node.attrs[0], node.attrs[1:])


def partials_of(node: Node) -> Graph:
    """The derivatives of a registered operation or a special function, by its arguments and its result."""
    if node.op == "custom":
        return node.attrs[1]
    from symhep.special.node import derivative_of

    return derivative_of(node.attrs[0], node.attrs[1:])


def written(build: Builder, graph: Graph, arguments: Sequence[Node]) -> list[Node]:
    """Write a graph down in another builder, on the given nodes for its inputs; returns its outputs."""
    new = dict(zip(graph.inputs, arguments))
    for old in graph.order:
        if old not in new:
            new[old] = copy_node(build, old, tuple([new[x] for x in old.args]))
    return [new[o] for o in graph.outputs]
