"""Optimised programs as bytes, for the cache and for pickles: the search and the verification are what costs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from symhep.caching import cache
from symhep.graph import Graph
from symhep.tracing.trace import Traced

if TYPE_CHECKING:
    from symhep.checking.verify import Verification
    from symhep.count import OpCount
    from symhep.passes import Optimised, Stage
    from symhep.variants import Options


class Saved:
    """What was found for a program that is traced again.

    What a call does not need is not read, and neither are the passes imported, before somebody asks for it.

    graph           the optimised graph
    verified        whether it was compared with the function as traced
    verify_seconds  what that took
    """

    def __init__(self, data: bytes, traced: Traced) -> None:
        head, _, form = data.partition(b"\n")
        self._head = json.loads(head)
        self.graph = Graph.from_bytes(form)
        self.verified: bool = self._head["verification"] is not None
        self.verify_seconds: float = self._head["verify_seconds"]
        for new, old in self._head["where"]:
            if (line := traced.graph.where.get(traced.graph.order[old])) is not None:
                self.graph.where[self.graph.order[new]] = line

    @cached_property
    def optimised(self) -> Optimised:
        """The graph, and what each pass did when it was found."""
        from symhep.passes import Optimised, Stage

        stages = [Stage(name, _counted(c), seconds, kept) for name, c, seconds, kept in self._head["stages"]]
        return Optimised(self.graph, tuple(stages))

    @cached_property
    def verification(self) -> Verification | None:
        """The outcome of the comparison; None if there was none yet."""
        from symhep.checking.verify import Difference, Verification

        fields = self._head["verification"]
        if fields is None:
            return None
        worst = fields["worst"]
        return Verification(**{**fields, "worst": None if worst is None else Difference(**worst)})


def to_bytes(
    traced: Traced, optimised: Optimised, verification: Verification | None = None, verify_seconds: float = 0.0
) -> bytes:
    """The bytes that `Saved` reads."""
    head = {
        "stages": [_stage(s) for s in optimised.stages],
        "verification": None if verification is None else asdict(verification),
        "verify_seconds": verify_seconds,
        "where": _lines(traced.graph, optimised.graph),
    }
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + optimised.graph.to_bytes()


def key_of(traced: Traced, options: Options) -> str | None:
    """The key of a program in the cache; None for a domain whose content is not known, as that of a user's class."""
    if options.domain is not None:
        from symhep.checking.domain import Box

        if type(options.domain) is not Box:
            return None
    enters = {
        "python": sys.version_info[:2],
        "effort": options.effort,
        "math": options.math,
        "identities": options.identities,
        "domain": repr(options.domain),
        "leaves": [(x.path, x.core.kind, x.core.shape, x.core.symmetric) for x in traced.leaves],
        "known": {name: sorted(words) for name, words in traced.known.items()},
        "calls": [traced.calls.get(n, 1) for n in traced.graph.order],
    }
    return cache.key("programs", json.dumps(enters), traced.graph.to_bytes())


def load(traced: Traced, options: Options) -> Saved | None:
    """What the cache has of a program."""
    level = cache.level("programs")
    key = None if level is None else key_of(traced, options)
    found = None if level is None or key is None else level.get(key)
    try:
        return None if found is None else Saved(found, traced)
    except (ValueError, LookupError, TypeError, AttributeError):  # whole, but not what this version writes
        return None


def keep(traced: Traced, options: Options, data: bytes) -> None:
    """Put a program into the cache, if there is one."""
    level = cache.level("programs")
    key = None if level is None else key_of(traced, options)
    if level is not None and key is not None:
        level[key] = data


def _stage(stage: Stage) -> tuple[str, list, float, bool]:
    return stage.name, _count(stage.count), stage.seconds, stage.kept


def _count(counted: OpCount) -> list:
    return [counted.kinds, None if counted.per_call is None else _count(counted.per_call)]


def _counted(form: list) -> OpCount:
    from symhep.count import OpCount

    kinds, per_call = form
    return OpCount(kinds, None if per_call is None else _counted(per_call))


def _lines(before: Graph, after: Graph) -> list[tuple[int, int]]:
    """The user's lines as those of the traced operations: the same formula may stand elsewhere next time."""
    first: dict[Any, int] = {}
    for i, n in enumerate(before.order):
        if n in before.where:
            first.setdefault(before.where[n], i)
    lines = [(i, after.where.get(n)) for i, n in enumerate(after.order)]
    return [(i, first[line]) for i, line in lines if line is not None and line in first]
