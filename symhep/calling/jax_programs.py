"""What a kernel computes, as a function of JAX arrays: one program, or stages with reductions between them.

Both take the values at the leaves of the arguments and return those at the leaves of the result, each as one array or,
if complex, as two: real and imaginary parts. The axes of one event's value are flattened into one, the last. Values of
the result that have no cells are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.batch.stages import Source, Stage, program_of, stages
from symhep.calling.jax_derivatives import Derived, Widths
from symhep.calling.results import Slot, mirrored
from symhep.graph import Axes, Builder, Graph, Node
from symhep.tracing.trace import Leaf, Traced

if TYPE_CHECKING:
    from symhep.variants import Options, Variant

Core = tuple[int, ...]
Parts = list[Any]
Batches = Mapping[str, tuple[int, ...]]


def program(name: str, variant: Variant) -> Whole | InStages:
    """The optimised, verified program of a kernel; its derivatives are those of the functions that the user gave."""
    optimised, graph = variant.verified(), _differentiated(variant)
    if variant.axes is not None:
        return InStages(name, variant, optimised if graph is None else graph, variant.axes, graph is None)
    return Whole(name, variant, optimised if graph is None else graph, optimised)


def _differentiated(variant: Variant) -> Graph | None:
    """The graph to take derivatives of, where it is not the optimised one: registered operations have their own."""
    from symhep.passes.lower import lower
    from symhep.passes.split_complex import split_complex

    opaque = variant.traced.opaque
    return None if opaque is None else lower(split_complex(opaque, finite=variant.options.math == "finite"))


def places(leaf: Leaf, core: Core) -> list[int]:
    """Where the columns of a leaf are in the flattened value of one event, which may be packed."""
    if core != leaf.core.shape:
        return list(range(len(leaf.columns)))
    return [int(np.ravel_multi_index(index, core)) if core else 0 for _, index in leaf.columns]


def cells(slot: Slot, packed: bool) -> Sequence[int]:
    """For each cell of a flattened value of the result, its position among the slot's cells."""
    return list(mirrored(slot.shape[0])) if slot.symmetric and not packed else range(slot.size)


def filled(variant: Variant) -> list[Slot]:
    """The values of the result that have any cells."""
    return [slot for slot in variant.slots if slot.size]


class Whole:
    """A program without reductions: all cells of a value form one bundle."""

    def __init__(self, name: str, variant: Variant, graph: Graph, optimised: Graph) -> None:
        self.name, self.traced, self.slots, self.options = name, variant.traced, filled(variant), variant.options
        self.graph, self.optimised = graph, optimised
        self._made: dict[tuple, Derived] = {}

    def __call__(self, values: Sequence[Parts], cores: Sequence[Core], batches: Batches, packed: bool) -> list[Parts]:
        """The values of the result."""
        from symhep.targets.jax_primitive import call

        batch = next(iter(batches.values()), ())
        found = iter(call(self._derived(tuple(cores), packed), [p for parts in values for p in parts], batch=batch))
        return [[next(found) for _ in range(1 + (slot.kind == "complex"))] for slot in self.slots]

    def _derived(self, cores: tuple[Core, ...], packed: bool) -> Derived:
        key = cores, packed
        if key not in self._made:
            graph, forms = bundled(self.graph, self.traced, cores, self.slots, packed)
            optimised = bundled(self.optimised, self.traced, cores, self.slots, packed)[0]
            self._made.setdefault(key, Derived.of_graph(self.name, graph, self.options, optimised, forms))
        return self._made[key]


def bundled(
    graph: Graph, traced: Traced, cores: Sequence[Core], slots: Sequence[Slot], packed: bool
) -> tuple[Graph, tuple[Widths, Widths]]:
    """The graph with inputs and outputs for all cells, in the order in which they are in memory; and their bundles.

    Cells of symmetric matrices that are not read become inputs too, and mirrored ones are the same node twice.
    """
    b = Builder()
    zero = b.const(0)
    inputs: list[Node] = []
    outputs: list[Node] = []
    widths: tuple[list[int], list[int]] = [], []
    rest = iter(graph.inputs)
    for leaf, core in zip(traced.leaves, cores):
        given = [[next(rest) for _ in range(1 + (leaf.core.kind == "complex"))] for _ in leaf.columns]
        for part, nodes in enumerate(zip(*given)):
            read = dict(zip(places(leaf, core), nodes))
            for k in range(math.prod(core)):
                inputs.append(read[k] if k in read else b.input(f"{leaf.path} {part} {k}", axes=nodes[0].axes))
            widths[0].append(math.prod(core) if core else 0)
    made = iter(graph.outputs)
    for slot in slots:
        for columns in _parts(slot, made, zero):
            outputs += [columns[k] for k in cells(slot, packed)]
            widths[1].append(len(cells(slot, packed)) if slot.shape else 0)
    order = [zero, *graph.order] if zero in outputs else graph.order
    found = Graph(tuple(inputs), tuple(outputs), graph.names, graph.where, order)
    return found, (tuple(widths[0]), tuple(widths[1]))


def _parts(slot: Slot, columns: Iterable[Any], zero: Any) -> list[list[Any]]:
    """The columns of a slot: of all cells, or of their real and of their imaginary parts."""
    rest = iter(columns)
    pairs = [(next(rest), next(rest) if kind == "complex" else zero) for kind in slot.cells]
    return [[re for re, _ in pairs], [im for _, im in pairs]][: 1 + (slot.kind == "complex")]


class InStages:
    """A program with reductions, or with several batch axes: each column is one for itself.

    axes   for each output the batch axis of its column; none where it is one number
    final  whether the graph is optimised already
    """

    def __init__(self, name: str, variant: Variant, graph: Graph, axes: Sequence[Axes], final: bool) -> None:
        self.graph, self.axes, self.traced, self.slots = graph, axes, variant.traced, filled(variant)
        self.parts: list[tuple[Stage, list[Source], Derived]] = []
        options: Options = variant.options
        for number, stage in enumerate(stages(graph, axes), 1):
            part, sources = program_of(graph, stage)
            derived = Derived.of_graph(f"stage {number} of {name}", part.graph, options, part.graph if final else None)
            self.parts.append((stage, sources, derived))

    def __call__(self, values: Sequence[Parts], cores: Sequence[Core], batches: Batches, packed: bool) -> list[Parts]:
        """The values of the result."""
        import jax.numpy as jnp

        columns = [
            c for leaf, parts, core in zip(self.traced.leaves, values, cores) for c in _columns(leaf, parts, core)
        ]
        made = iter(self._outputs(columns, batches))
        zero = jnp.zeros((), columns[0].dtype)
        found: list[Parts] = []
        for slot in self.slots:
            parts = [[part[k] for k in cells(slot, packed)] for part in _parts(slot, made, zero)]
            found.append([jnp.stack(jnp.broadcast_arrays(*p), axis=-1) if slot.shape else p[0] for p in parts])
        return found

    def _outputs(self, columns: Sequence[Any], batches: Batches) -> list[Any]:
        """The output columns, or numbers."""
        from symhep.targets.jax_primitive import call

        outputs: list[Any] = [None] * len(self.axes)
        values = {n: _size(n, columns, batches) for n in self.graph.order if n.op == "batch_size"}
        for stage, sources, derived in self.parts:
            given = [columns[s.position] if s.kind == "input" else values[s.node] for s in sources]
            batch = () if stage.axis is None else batches[stage.axis]
            # numbers that depend on no column
            found = iter(call(derived, given, batch=batch) if given else derived.function(columns[0].dtype)())
            for k in stage.outputs:
                outputs[k] = next(found)
            values |= {n: next(found) for n in stage.keeps}
            arguments = list(found)
            values |= {n: _reduced(n, arguments[position]) for n, position in stage.reductions}
        return outputs


def _columns(leaf: Leaf, parts: Parts, core: Core) -> list[Any]:
    """The columns of one leaf, in the order of the graph's inputs."""
    from jax import lax

    if not core:
        return parts
    return [lax.index_in_dim(part, k, part.ndim - 1, keepdims=False) for k in places(leaf, core) for part in parts]


def _size(n: Node, columns: Sequence[Any], batches: Batches) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(math.prod(batches[n.attrs[0]]), columns[0].dtype)


def _reduced(n: Node, column: Any) -> Any:
    import jax.numpy as jnp

    if n.op == "batch_sum":
        return jnp.sum(column)
    return jnp.max(column, initial=-np.inf) if n.op == "batch_max" else jnp.min(column, initial=np.inf)
