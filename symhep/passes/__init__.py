"""The passes, in the order in which they run, and the runner.

A pass is a function graph → graph in a file of its own. A *route* is a list of passes from the graph of real scalars
to the n-ary form; each effort tries some routes, and the one that ends in the cheapest program is taken. All is then
lowered to the operations that are emitted, paired and scheduled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from symhep.count import OpCount, cost, count, weight
from symhep.garbage import collection_paused
from symhep.graph import Graph, Node
from symhep.passes.assumed import assumed
from symhep.passes.canonical import canonical, flatten, group
from symhep.passes.distribute import distribute
from symhep.passes.extract import extract
from symhep.passes.inverses import inverses
from symhep.passes.lower import lower
from symhep.passes.pair_sincos import pair_sincos
from symhep.passes.per_call import per_call
from symhep.passes.reciprocals import reciprocals
from symhep.passes.roots import roots
from symhep.passes.schedule import schedule
from symhep.passes.signs import signs
from symhep.passes.split_complex import split_complex

Pass = Callable[[Graph], Graph]
Route = tuple[tuple[str, Pass], ...]

_START: Route = (("canonical", canonical), ("flattened", flatten))
_SHARE: Route = (
    ("shared", extract),
    ("flattened", flatten),
    ("roots taken out", roots),
    ("flattened", flatten),
    ("shared again", extract),
)

_LINEAR: Route = (
    ("canonical", partial(canonical, merge_shared=False)),
    ("flattened", partial(flatten, merge_shared=False)),
    ("grouped", group),
)
_PLAIN: Route = (*_START, *_SHARE)
_GROUPED: Route = (*_START, ("grouped", group), *_SHARE)
_PARTLY_DISTRIBUTED: Route = (*_START, ("distributed", partial(distribute, uses=2, terms=2)), *_SHARE)
_DISTRIBUTED: Route = (*_START, ("distributed", partial(distribute, uses=4, terms=4)), ("flattened", flatten), *_SHARE)

ROUTES: dict[str, tuple[Route, ...]] = {
    "fast": (_LINEAR,),
    # no route that keeps sharing as it was written: the result would depend on how the formula was spelled
    "default": (_PLAIN, _GROUPED, _PARTLY_DISTRIBUTED, _DISTRIBUTED),
}

# A sum or product of k terms is about k*min(k, 40) units of work to `extract`; a route after the first that shares is
# left out where it would take more than this many in all, or per operation of a large program.
_WORK = 30_000
_WORK_PER_OPERATION = 10


@dataclass(frozen=True)
class Stage:
    """One line of the report: what a pass left, and what it took; `kept` is False where its result was dropped."""

    name: str
    count: OpCount
    seconds: float
    kept: bool = True


@dataclass(frozen=True)
class Optimised:
    """The optimised program, lowered and scheduled, and how it came about."""

    graph: Graph
    stages: tuple[Stage, ...]


def optimise(
    graph: Graph,
    *,
    effort: str | float = "default",
    math: str = "finite",
    calls: Mapping[Node, int] | None = None,
    known: Mapping[str, frozenset[str]] | None = None,
) -> Optimised:
    """Turn a graph as it was written into the program that is emitted.

    calls  how often each node was written, for the first line of the report
    known  what is assumed about inputs, by name
    """
    with collection_paused():
        return _optimise(graph, effort, math, calls, known or {})


def _optimise(
    graph: Graph,
    effort: str | float,
    math: str,
    calls: Mapping[Node, int] | None,
    known: Mapping[str, frozenset[str]],
) -> Optimised:
    stages = [Stage("as written", count(graph, calls), 0.0)]
    start = time.perf_counter()
    real = split_complex(graph, finite=math == "finite")
    if known and math == "finite":
        real = assumed(real, known)
    plain = lower(real)
    stages.append(Stage("real", count(plain), time.perf_counter() - start))
    best = plain
    if math == "finite":
        best = signs(inverses(_best_route(real, plain, ROUTES["fast" if effort == "fast" else "default"], stages)))
    start = time.perf_counter()
    result = schedule(pair_sincos(best))
    stages.append(Stage("scheduled", count(result), time.perf_counter() - start))
    return Optimised(result, tuple(stages))


def _best_route(real: Graph, plain: Graph, routes: tuple[Route, ...], stages: list[Stage]) -> Graph:
    """The best program that a route leads to, or the plain one; the stages of the way there are appended."""
    best, dropped = plain, []
    best_stages: list[Stage] = []
    for route in routes:
        tried: list[Stage] = []
        found = _run(route, real, tried, limit=None if route in (_LINEAR, _PLAIN) else _limit(plain))
        if found is None:
            continue
        result = _fewest(found, plain, tried)
        # at a tie the first route wins over the plain program: its form does not depend on the spelling
        if _rank(result) < _rank(best) or (best is plain and _rank(result) == _rank(plain)):
            if best_stages:
                dropped.append(best_stages)
            best, best_stages = result, tried
        else:
            dropped.append(tried)
    stages += [_summary(lost) for lost in dropped]
    stages += best_stages
    return best


def _rank(graph: Graph) -> tuple[float, float]:
    """What programs are compared by: operations first, then the time that they take."""
    return weight(count(graph)), cost(graph)


def _summary(lost: list[Stage]) -> Stage:
    """One line for a route that was tried in vain."""
    names = [s.name for s in lost[:-1] if s.name not in ("flattened", "canonical")] or ["canonical"]
    return Stage(f"tried: {', '.join(dict.fromkeys(names))}", lost[-1].count, sum(s.seconds for s in lost), kept=False)


def _limit(plain: Graph) -> int:
    return max(_WORK, _WORK_PER_OPERATION * len(plain.order))


def _work(graph: Graph) -> int:
    return sum(len(n.args) * min(len(n.args), 40) for n in graph.order if n.op in ("sum", "product"))


def _run(route: Route, graph: Graph, stages: list[Stage], limit: int | None) -> Graph | None:
    """Apply the passes of a route; None where it is over its limit, or turns out to be the plain route again."""
    for name, apply in route:
        start = time.perf_counter()
        before, graph = graph, apply(graph)
        if limit is not None and graph is before and name in ("grouped", "distributed"):
            return None
        stages.append(Stage(name, count(lower(graph)), time.perf_counter() - start))
        if limit is not None and _work(graph) > limit:
            return None
    return graph


def _fewest(graph: Graph, plain: Graph, stages: list[Stage]) -> Graph:
    """Lower with the reciprocals of shared denominators, as far as that does not make the count worse than it was."""
    start = time.perf_counter()
    most = weight(count(plain))
    for least in (2, 3):
        result = lower(per_call(reciprocals(graph, least=least)))
        if weight(count(result)) <= most:
            break
    else:
        result = lower(per_call(graph))
    stages.append(Stage("reciprocals", count(result), time.perf_counter() - start))
    return result
