"""Operation counts, by one rule everywhere (docs/how-it-works.md, "Counting").

Every real operation that is emitted counts 1: additions, products, divisions, roots, comparisons, selections, minima,
maxima, roundings and each elementary function; the sine and cosine of one argument count 2; powers count as the
products that they are emitted as; negation, magnitude and constants are free; work done once per call is kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from symhep.graph import Graph, Node
from symhep.ops import ELEMENTARY_COST, OPS, REDUCTIONS

# What a complex operation comes to in real ones when nothing is known about its arguments.
_COMPLEX: dict[str, dict[str, int]] = {
    "add": {"add": 2},
    "sub": {"sub": 2},
    "mul": {"mul": 4, "add": 1, "sub": 1},
    "div": {"mul": 6, "add": 2, "sub": 1, "div": 2},
    "eq": {"compare": 2, "logic": 1},
    "ne": {"compare": 2, "logic": 1},
    "select": {"select": 2},
    "batch_sum": {"add": 2},
}
# The same with one real argument.
_HALF_COMPLEX: dict[str, dict[str, int]] = {
    "add": {"add": 1},
    "sub": {"sub": 1},
    "mul": {"mul": 2},
    "div": {"div": 2},
    "eq": {"compare": 2, "logic": 1},
    "ne": {"compare": 2, "logic": 1},
    "batch_sum": {"add": 2},
}


@dataclass(frozen=True)
class OpCount(Mapping[str, int]):
    """Operations by kind; `.total` is their sum, and a kind that does not occur counts 0.

    >>> count = OpCount({"add": 2, "mul": 3})
    >>> count.total, count.mul, count.sqrt
    (5, 3, 0)
    """

    kinds: dict[str, int] = field(default_factory=dict)
    per_call: OpCount | None = None

    @property
    def total(self) -> int:
        """The sum over all kinds."""
        return sum(self.kinds.values())

    def __getitem__(self, kind: str) -> int:
        return self.kinds[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self.kinds)

    def __len__(self) -> int:
        return len(self.kinds)

    def __getattr__(self, kind: str) -> int:
        if kind in KINDS:
            return self.kinds.get(kind, 0)
        raise AttributeError(f"OpCount has no kind {kind!r}; the kinds are {', '.join(KINDS)}")

    def __hash__(self) -> int:
        return hash(tuple(self.kinds.items()))

    def __repr__(self) -> str:
        kinds = ", ".join(f"{kind}={number}" for kind, number in self.kinds.items())
        return f"OpCount({kinds}, total={self.total})"

    def __reduce__(self):
        return OpCount, (self.kinds, self.per_call)


KINDS: tuple[str, ...] = tuple(dict.fromkeys(row.counts for row in OPS.values() if row.counts))


def multiplications(exponent: int) -> int:
    """Products in x**exponent by repeated squaring.

    >>> [multiplications(k) for k in (1, 2, 3, 4, 15)]
    [0, 1, 2, 2, 6]
    """
    return exponent.bit_length() - 1 + exponent.bit_count() - 1 if exponent > 0 else 0


def kinds_of(node: Node) -> dict[str, int]:
    """What one node counts as, by kind."""
    if node.op == "power":
        return _power_kinds(node.attrs[0])
    if node.op == "sincos":
        return {"sin": 1, "cos": 1}
    complex_args = sum(a.dtype == "complex" for a in node.args)
    if complex_args and node.op in _COMPLEX:
        return (_HALF_COMPLEX if complex_args == 1 and node.op != "select" else _COMPLEX)[node.op]
    kind = OPS[node.op].counts
    return {} if kind is None else {kind: 1}


def _power_kinds(exponent) -> dict[str, int]:
    kinds: dict[str, int] = {}
    whole, half = divmod(abs(exponent), 1)
    if half not in (0, 0.5):
        return {"pow": 1}
    products = multiplications(int(whole)) + (1 if half and whole else 0)
    if products:
        kinds["mul"] = products
    if half:
        kinds["sqrt"] = 1
    if exponent < 0:
        kinds["div"] = 1
    return kinds


def count_nodes(nodes: Iterable[Node], times: Mapping[Node, int] | None = None) -> OpCount:
    """Count the nodes of a program over real or complex scalars, each once or as often as `times` says."""
    totals = dict.fromkeys(KINDS, 0)
    for n in nodes:
        repeat = 1 if times is None else times.get(n, 1)
        for kind, number in kinds_of(n).items():
            totals[kind] += number * repeat
    return OpCount({kind: number for kind, number in totals.items() if number})


def count(graph: Graph, times: Mapping[Node, int] | None = None) -> OpCount:
    """Count a graph: work per event, and in `.per_call` the work that depends on parameters and reductions alone."""
    each = count_nodes([n for n in graph.order if _per_event(n)], times)
    once = count_nodes([n for n in graph.order if not _per_event(n)], times)
    return OpCount(each.kinds, once)


def _per_event(n: Node) -> bool:
    """Whether a node is work for every event; a reduction is, though its result is one number."""
    return bool(n.axes) or n.op in REDUCTIONS


def cost(graph: Graph) -> float:
    """The cost of a lowered graph under the table's costs; it decides between programs of equal weight."""
    return sum(OPS[n.op].cost for n in graph.order if _per_event(n))


def weight(count: OpCount) -> float:
    """The count that no pass may make worse: an elementary function weighs as 4 operations and a division as 1.5.

    So three quotients by one denominator may become a reciprocal and three products, and the cosine of an arctan2
    products, a root, a division and a choice; in arithmetic without such, it is the plain total.

    >>> weight(OpCount({"add": 2, "div": 2, "sin": 1}))
    9.0
    """
    return sum(number * _WEIGHTS.get(kind, 1.0) for kind, number in count.kinds.items())


_WEIGHTS = {"div": 1.5} | {row.counts: 4.0 for row in OPS.values() if row.counts and row.cost >= ELEMENTARY_COST}


def depth(graph: Graph) -> int:
    """Operations on the longest chain from an input to an output."""
    level: dict[Node, int] = {}
    for n in graph.order:
        below = max((level[a] for a in n.args), default=0)
        level[n] = below + sum(kinds_of(n).values())
    return max((level[n] for n in graph.outputs), default=0)


def live_values(graph: Graph) -> int:
    """The most values that wait for their last use at any one time, in the graph's order (constants are free)."""
    last: dict[Node, int] = {}
    for i, n in enumerate(graph.order):
        for a in n.args:
            last[a] = i
    for n in graph.outputs:
        last[n] = len(graph.order)
    ending: dict[int, int] = {}
    for n, i in last.items():
        if n.op not in ("const", "input"):
            ending[i] = ending.get(i, 0) + 1
    live = most = 0
    for i, n in enumerate(graph.order):
        live -= ending.get(i, 0)
        if n in last and n.op not in ("const", "input"):
            live += 1
        most = max(most, live)
    return most
