"""The derivatives of several outputs by several inputs: by forward mode, reverse mode or both, as is cheapest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symhep.batch.reductions import reduces
from symhep.count import count, weight
from symhep.derivatives import elimination
from symhep.derivatives.linear import Linear
from symhep.derivatives.modes import forward, reverse
from symhep.errors import ArgumentError, message
from symhep.graph import Graph, Node
from symhep.ops import REDUCTIONS
from symhep.passes import optimise

Table = dict[tuple[int, int], Node]

SMALL = 400  # operations: so many are optimised, to see which way is the best, in a fraction of a second


@dataclass(frozen=True, slots=True)
class Reach:
    """Who depends on whom, as sets of bits.

    inputs   for each node, the inputs (by position in `wrt`) that it depends on smoothly
    outputs  for each node, the outputs (by position) that depend on it smoothly
    """

    inputs: dict[Node, int]
    outputs: dict[Node, int]


def reach(linear: Linear, outputs: Sequence[Node], wrt: Sequence[Node]) -> Reach:
    """Which inputs each node depends on, and which outputs depend on it."""
    through = linear.active(wrt)
    inputs = {n: 1 << j for j, n in enumerate(wrt)}
    order = [n for n in linear.graph.order if n in through]
    for n in order:
        for i in through[n]:
            inputs[n] = inputs.get(n, 0) | inputs[n.args[i]]
    found = dict.fromkeys(through, 0)
    for k, o in enumerate(outputs):
        if o in found:
            found[o] |= 1 << k
    for n in reversed(order):
        for i in through[n]:
            found[n.args[i]] |= found[n]
    return Reach(inputs, found)


def sparsity(linear: Linear, outputs: Sequence[Node], wrt: Sequence[Node]) -> list[list[bool]]:
    """Whether each output depends smoothly on each input: the pattern of the Jacobian."""
    inputs = reach(linear, outputs, wrt).inputs
    return [[bool(inputs.get(o, 0) >> j & 1) for j in range(len(wrt))] for o in outputs]


def derivatives(
    linear: Linear, outputs: Sequence[Node], wrt: Sequence[Node], effort: str | float, *, upper: bool = False
) -> Table:
    """The derivative of each output by each input, both of the old graph, as new nodes; what is zero is left out.

    effort  of the optimiser that the result will go through
    upper   only those by inputs from the output's own position on: half of a symmetric matrix

    What is reduced over the batch has derivatives by values per event in reverse mode only; a value per event that
    depends on a reduction has derivatives by parameters in forward mode only. Everything else goes by the number of
    products.
    """
    after = _after_reductions(linear.graph)
    reduced = [k for k, o in enumerate(outputs) if o in after and not o.axes]
    found: Table = {}
    for part in (reduced, [k for k in range(len(outputs)) if k not in set(reduced)]):
        if part:
            found |= _part(linear, outputs, part, wrt, after, effort, upper)
    return found


def _after_reductions(graph: Graph) -> set[Node]:
    """The nodes that depend on a reduction over the batch."""
    found: set[Node] = set()
    for n in graph.order:
        if reduces(n) or any(x in found for x in n.args):
            found.add(n)
    return found


def _part(linear: Linear, outputs, part: list[int], wrt, after: set[Node], effort: str | float, upper: bool) -> Table:
    """The rows of some outputs, which are all reduced or all per event."""
    chosen = [outputs[k] for k in part]
    r = reach(linear, chosen, wrt)
    summed = chosen[0] in after and not chosen[0].axes
    mixed = not summed and any(n.op in REDUCTIONS and n in r.outputs and r.outputs[n] for n in linear.graph.order)
    per_event = any(n.axes for n in wrt)
    if mixed and per_event:
        _refuse_coupled(linear, r, wrt)
    if mixed:
        return _by_forward(linear, outputs, part, wrt, upper)
    if summed and per_event:
        return _by_reverse(linear, outputs, part, wrt, summed, upper)
    by_forward = lambda: _by_forward(linear, outputs, part, wrt, upper)
    by_reverse = lambda: _by_reverse(linear, outputs, part, wrt, summed, upper)
    forward_cost, reverse_cost = _forward_cost(linear, r, wrt), _reverse_cost(linear, r, wrt)
    first, second = (by_forward, by_reverse) if forward_cost <= reverse_cost else (by_reverse, by_forward)
    if summed or upper or min(len(part), len(wrt)) == 1:
        return first()
    tables = [first()]
    if max(forward_cost, reverse_cost) < SMALL:
        tables.append(second())
    if elimination.products(linear, chosen, wrt, limit=min(forward_cost, reverse_cost)) is not None:
        rows = elimination.jacobian(linear, chosen, wrt)
        tables.append({(part[k], j): x for (k, j), x in rows.items()})
    return min(tables, key=lambda table: _operations(linear, table, effort)) if len(tables) > 1 else tables[0]


def _operations(linear: Linear, table: Table, effort: str | float) -> float:
    """What a table takes when it is optimised: small ones as they will be, large ones by the linear passes."""
    graph = linear.result(linear.inputs, list(table.values()))
    small = len(graph.order) < SMALL
    return weight(count(optimise(graph, effort=effort if small and isinstance(effort, str) else "fast").graph))


def _refuse_coupled(linear: Linear, r: Reach, wrt: Sequence[Node]) -> None:
    varying = sum(1 << j for j, n in enumerate(wrt) if n.axes)
    for n in linear.graph.order:
        if n.op in REDUCTIONS and r.inputs.get(n, 0) & varying and r.outputs.get(n, 0):
            what = "a result per event depends, through a batch reduction, on the arguments of all other events"
            where = str(linear.graph.where.get(n, ""))
            raise ArgumentError(message(what, where, "jvp or vjp; or derivatives by parameters only"))


def _products(linear: Linear, wrt: Sequence[Node], bits: dict[Node, int], *, of_argument: bool) -> int:
    through = linear.active(wrt)
    return sum(
        bits.get(n.args[i] if of_argument else n, 0).bit_count()
        for n, positions in through.items()
        for i in positions
        if n.op not in ("add", "sub", "neg")
    )


def _forward_cost(linear: Linear, r: Reach, wrt: Sequence[Node]) -> int:
    return _products(linear, wrt, r.inputs, of_argument=True)


def _reverse_cost(linear: Linear, r: Reach, wrt: Sequence[Node]) -> int:
    return _products(linear, wrt, r.outputs, of_argument=False)


def _by_forward(linear: Linear, outputs, part: list[int], wrt: Sequence[Node], upper: bool) -> Table:
    found: Table = {}
    for j, n in enumerate(wrt):
        rows = [k for k in part if not upper or k <= j]
        tangents = forward(linear, {n: linear.a.one}, [outputs[k] for k in rows])
        found |= {(k, j): tangents[outputs[k]] for k in rows if outputs[k] in tangents}
    return found


def _by_reverse(linear: Linear, outputs, part: list[int], wrt: Sequence[Node], summed: bool, upper: bool) -> Table:
    found: Table = {}
    for k in part:
        if outputs[k].dtype == "bool":
            continue
        adjoints = reverse(linear, [(outputs[k], linear.a.one)], wrt, summed)
        found |= {(k, j): adjoints[n] for j, n in enumerate(wrt) if n in adjoints and (not upper or k <= j)}
    return found
