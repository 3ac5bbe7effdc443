"""The user's names for intermediates, found again in the optimised program.

Rewriting takes values apart and puts them together again, so a value is recognised by what it is: at a few random
points, to 50 digits. Names therefore cannot change what the optimiser does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symhep.graph import Graph, Node

if TYPE_CHECKING:
    from symhep.checking.domain import Domain
    from symhep.checking.evaluate import Tape
    from symhep.tracing.trace import Traced

_POINTS = 3
# Their values are those of an argument at many points, so these are recognised only as the operation that was named.
_CHOOSING = frozenset({"abs", "copysign", "minimum", "maximum", "floor", "ceil", "trunc", "rint", "select"})

Signature = tuple[Any, ...]


def named(traced: Traced, after: Graph, domain: Domain | None = None) -> Graph:
    """The optimised graph with the names of the traced one, wherever a named value is still computed."""
    known = set(after.names.values())
    lost = {n: name for n, name in traced.graph.names.items() if n.args and name not in known and n.dtype != "bool"}
    if not lost:
        return after
    from symhep.checking.domain import DomainError, columns, domain_for
    from symhep.checking.evaluate import DIGITS, Tape, TooLarge

    before = Tape(Graph(traced.graph.inputs, tuple(lost)))
    try:
        drawn = domain_for(traced.graph, domain, traced.leaves).points(_POINTS, DIGITS)
        points = [columns(point, traced.graph.inputs) for point in drawn]
        found = _nodes(after, Tape(after), points)
        wanted = _signatures(list(lost), before, [i for i, _ in before.results], points)
    except (DomainError, TooLarge, OverflowError):
        return after
    names = dict(after.names)
    for n, signature in zip(lost, wanted, strict=True):
        for part, values in _parts(n, signature):
            node = found.get(values)
            if node is not None and f"{lost[n]}{part}" not in known:
                names.setdefault(node, f"{lost[n]}{part}")
    return replace(after, names=names)


def _nodes(graph: Graph, tape: Tape, points: Sequence[Any]) -> dict[Signature, Node]:
    """The operations of a graph by their values; the first to be computed where there are several."""
    operations = [(i, n) for i, n in enumerate(graph.order) if n.args and n.dtype == "real" and n.op != "sincos"]
    signatures = _signatures([n for _, n in operations], tape, [i for i, _ in operations], points)
    found: dict[Signature, Node] = {}
    for (_, n), signature in zip(operations, signatures, strict=True):
        found.setdefault(signature, n)
    return found


def _signatures(nodes: Sequence[Node], tape: Tape, slots: Sequence[int], points: Sequence[Any]) -> list[Signature]:
    """What tells values apart: the numbers that they are at the points, correctly rounded."""
    from symhep.checking.evaluate import DIGITS, precision

    with precision(DIGITS):
        runs = [tape.run(point) for point in points]
    kinds = [(n.op if n.op in _CHOOSING else "", n.axes) for n in nodes]
    return [(kind, *[_rounded(v[i]) for v in runs]) for kind, i in zip(kinds, slots)]


def _rounded(value: Any) -> complex | float:
    return complex(value) if isinstance(value, complex) or hasattr(value, "_mpc_") else float(value)


def _parts(n: Node, signature: Signature) -> list[tuple[str, Signature]]:
    """The signatures of a named value, of both parts of a complex one; none where it has no finite value."""
    kind, *numbers = signature
    if any(x != x or abs(x) == float("inf") or x == 0 for x in numbers):
        return []
    if n.dtype == "complex":
        return [(".real", (kind, *[x.real for x in numbers])), (".imag", (kind, *[x.imag for x in numbers]))]
    return [("", signature)]
