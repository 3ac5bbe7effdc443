"""Programs and their derivatives of any order, each optimised and compiled when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from symhep.caching import cache
from symhep.graph import BATCH, CONSTANT, Builder, Graph, Node, copy_node
from symhep.program import build

# The derivatives of programs of up to SMALL operations are optimised with the kernel's own effort; of larger ones with
# effort "fast", and of those beyond LARGE not at all: what is equal in them is shared already.
SMALL, LARGE = 1000, 5000

Positions = tuple[int, ...]
Widths = tuple[int, ...]


class Derived:
    """A program over bundles of columns, as `targets/jax_primitive.py` describes it.

    name        what it is called in messages
    make        makes the graph, when it is needed
    inputs      the widths of the bundles that its inputs form, in order
    outputs     those that its outputs form
    parameters  positions of the bundles that may be one value per call
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Graph],
        inputs: Widths,
        outputs: Widths,
        parameters: Iterable[int],
        options: Any,
    ) -> None:
        self.name, self.inputs, self.outputs, self.parameters = name, inputs, outputs, frozenset(parameters)
        self.options = options
        self.jitted: dict[Positions, Any] = {}
        self._make = make
        self._made: dict[tuple, Any] = {}
        self._lock = threading.RLock()

    @classmethod
    def of_graph(
        cls,
        name: str,
        graph: Graph,
        options: Any,
        optimised: Graph | None = None,
        forms: tuple[Widths, Widths] | None = None,
    ) -> Derived:
        """A program of a kernel with these options.

        graph      what is differentiated
        optimised  what is compiled, where that is known already
        forms      the widths of the bundles of inputs and of outputs; each column for itself if not given
        """
        inputs, outputs = forms or ((0,) * len(graph.inputs), (0,) * len(graph.outputs))
        firsts = [start for start, _ in spans(inputs)]
        parameters = [k for k, first in enumerate(firsts) if not graph.inputs[first].axes]
        made = cls(name, lambda: simple(graph), inputs, outputs, parameters, options)
        if optimised is not None:
            made._made["optimised",] = optimised
        return made

    def __repr__(self) -> str:
        return self.name

    def _once(self, key: tuple, make: Callable[[], Any]) -> Any:
        """What is made on demand, and kept."""
        if key not in self._made:
            with self._lock:
                if key not in self._made:
                    self._made[key] = make()
        return self._made[key]

    @property
    def graph(self) -> Graph:
        """As it is to be differentiated: real, no parameters among its inputs."""
        return self._once(("graph",), self._make)

    @property
    def optimised(self) -> Graph:
        """The graph that is compiled."""
        return self._once(("optimised",), self._optimised)

    def _optimised(self) -> Graph:
        key = cache.key("programs", "derivative", self.graph.digest(), repr((self.options.effort, self.options.math)))
        return Graph.from_bytes(cache.kept(cache.level("programs"), key, lambda: self._optimise().to_bytes()))

    def _optimise(self) -> Graph:
        from symhep.passes import optimise
        from symhep.passes.lower import lower
        from symhep.passes.schedule import schedule
        from symhep.tracing.custom import expanded

        graph = expanded(self.graph)
        size = len(graph.order)
        if size > LARGE:
            return schedule(lower(graph))
        effort = self.options.effort if size <= SMALL else "fast"
        return _verified(graph, optimise(graph, effort=effort, math=self.options.math).graph)

    @property
    def operations(self) -> int:
        """How many there are in the optimised graph."""
        return len(self.optimised.operations())

    def function(self, dtype: np.dtype) -> Callable[..., tuple]:
        """The program as a function of jnp arrays."""
        from symhep.targets.jax import emit, load

        return self._once(("function", dtype), lambda: load(emit(build(self.optimised), dtype)))

    def target(self, dtype: np.dtype, parameters: frozenset[int]) -> str | None:
        """The name of its machine code for XLA's CPU; None where there is none."""
        return self._once(("target", dtype, parameters), lambda: self._register(dtype, parameters))

    def _register(self, dtype: np.dtype, parameters: frozenset[int]) -> str | None:
        from symhep.targets import targets

        if not targets()["numba"]:
            return None
        from symhep.targets.jax_ffi import register

        try:
            graph = with_parameters(self.optimised, frozenset(columns(self.inputs, parameters)))
            return register(build(graph), dtype, self.inputs, self.outputs)
        except (ImportError, AttributeError):  # a version of JAX without this interface
            return None

    # -- derivatives ------------------------------------------------------------------------------------------------

    def pushforward(self, wrt: Positions) -> Derived:
        """The tangents of all outputs; its inputs are these, then a tangent for each input in wrt."""
        return self._once(("pushforward", wrt), lambda: Pushforward(self, wrt))

    def pullback(self, wrt: Positions, outputs: Positions) -> Derived:
        """The adjoints of some inputs; its inputs are these, then an adjoint for each of the outputs named."""
        return self._once(("pullback", wrt, outputs), lambda: self._pullback(wrt, outputs))

    def _pullback(self, wrt: Positions, outputs: Positions) -> Derived:
        def make() -> Graph:
            from symhep.derivatives.modes import pullback

            chosen = [self.graph.outputs[k] for k in columns(self.outputs, outputs)]
            return simple(pullback(Graph(self.graph.inputs, tuple(chosen)), columns(self.inputs, wrt)))

        forms = (*self.inputs, *[self.outputs[k] for k in outputs]), tuple([self.inputs[k] for k in wrt])
        return Derived(f"the vjp of {self.name}", make, *forms, self.parameters, self.options)

    def with_gradient(self, wrt: Positions) -> Derived:
        """The value and its derivatives by some inputs, of a program with one output column."""
        return self._once(("gradient", wrt), lambda: self._with_gradient(wrt))

    def _with_gradient(self, wrt: Positions) -> Derived:
        def make() -> Graph:
            from symhep.derivatives.linear import Linear
            from symhep.derivatives.modes import reverse

            linear = Linear(self.graph)
            (value,) = self.graph.outputs
            chosen = [self.graph.inputs[k] for k in columns(self.inputs, wrt)]
            adjoints = reverse(linear, [(value, linear.a.one)], chosen, summed=True)
            gradient = [adjoints.get(n, linear.a.zero) for n in chosen]
            return simple(linear.result(linear.inputs, [linear.new[value], *gradient]))

        outputs = 0, *[self.inputs[k] for k in wrt]
        return Derived(f"value and gradient of {self.name}", make, self.inputs, outputs, self.parameters, self.options)

    def transpose(self, wrt: Positions, outputs: Positions) -> tuple[Derived, Positions]:
        """What undoes the direction of a call that is linear in wrt; and which inputs of the call it takes first."""
        return self.pullback(wrt, outputs), tuple(range(len(self.inputs)))


class Pushforward(Derived):
    """A derivative by forward mode; what transposes it is the derivative by reverse mode."""

    def __init__(self, origin: Derived, wrt: Positions) -> None:
        def make() -> Graph:
            from symhep.derivatives.modes import pushforward

            return simple(pushforward(origin.graph, columns(origin.inputs, wrt)))

        count = len(origin.inputs)
        parameters = [*origin.parameters, *[count + k for k, i in enumerate(wrt) if i in origin.parameters]]
        inputs = (*origin.inputs, *[origin.inputs[k] for k in wrt])
        super().__init__(f"the jvp of {origin.name}", make, inputs, origin.outputs, parameters, origin.options)
        self.origin, self.wrt = origin, wrt

    def transpose(self, wrt: Positions, outputs: Positions) -> tuple[Derived, Positions]:
        count = len(self.origin.inputs)
        if any(k < count for k in wrt):
            return super().transpose(wrt, outputs)
        return self.origin.pullback(tuple([self.wrt[k - count] for k in wrt]), outputs), tuple(range(count))


def spans(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Where the columns of each bundle begin and end.

    >>> spans([0, 3, 1])
    [(0, 1), (1, 4), (4, 5)]
    """
    ends = list(accumulate([w or 1 for w in widths]))
    return list(zip([0, *ends], ends))


def columns(widths: Sequence[int], chosen: Iterable[int]) -> list[int]:
    """The positions of the columns of some bundles.

    >>> columns([0, 3, 1], [1, 0])
    [1, 2, 3, 0]
    """
    found = spans(widths)
    return [column for k in chosen for column in range(*found[k])]


def _verified(before: Graph, after: Graph) -> Graph:
    """The optimised graph, compared in high precision; raises VerificationError if it differs."""
    from symhep.checking.domain import DomainError, domain_for
    from symhep.checking.domain import columns as by_name
    from symhep.checking.verify import DIGITS, GUARD_DIGITS, compare

    try:
        points = domain_for(before).points(2 if len(before.order) <= SMALL else 1, DIGITS + GUARD_DIGITS)
    except DomainError:  # no valid point was found
        return after
    compare(before, after, [by_name(point, before.inputs) for point in points]).check()
    return after


def simple(graph: Graph) -> Graph:
    """The same graph with a batch axis for every input and without operations that have several results.

    Inputs are named by their position, so that those which derivatives add have names of their own.
    """
    return _written_anew(graph, frozenset(), [f"x{k}" for k in range(len(graph.inputs))], _separate)


def with_parameters(graph: Graph, positions: frozenset[int]) -> Graph:
    """The same graph, with inputs that are one number per call at these positions and columns at the others."""
    if all((not n.axes) == (k in positions) for k, n in enumerate(graph.inputs)):
        return graph
    return _written_anew(graph, positions, [n.attrs[0] for n in graph.inputs], copy_node)


def _separate(b: Builder, old: Node, args: tuple[Node, ...]) -> Node:
    """Sines and cosines each for itself."""
    if old.op == "item" and old.args[0].op == "sincos":
        return b.node(("sin", "cos")[old.attrs[0]], args[0].args)
    return copy_node(b, old, args)


def _written_anew(graph: Graph, parameters: frozenset[int], inputs: Sequence[str], rule: Callable[..., Node]) -> Graph:
    """The graph with other axes and names of its inputs, in the same order."""
    b = Builder()
    new: dict[Node, Node] = {}
    for k, n in enumerate(graph.inputs):
        new[n] = b.input(inputs[k], n.dtype, CONSTANT if k in parameters else BATCH)
    for old in graph.order:
        if old not in new:
            new[old] = rule(b, old, tuple([new[x] for x in old.args]))
    names = {new[n]: name for n, name in graph.names.items() if n in new}
    return Graph(_mapped(new, graph.inputs), _mapped(new, graph.outputs), names, order=_order(graph, new))


def _mapped(new: dict[Node, Node], nodes: Sequence[Node]) -> tuple[Node, ...]:
    return tuple([new[n] for n in nodes])


def _order(graph: Graph, new: dict[Node, Node]) -> list[Node]:
    """The new nodes that are needed, in the order of the old ones."""
    needed = {*_mapped(new, graph.outputs)}
    found = list(dict.fromkeys([new[n] for n in graph.order]))
    for n in reversed(found):
        if n in needed:
            needed.update(n.args)
    return [n for n in found if n in needed]
