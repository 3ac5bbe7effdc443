"""Failing formulas made smaller, and written down as a program that fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.fuzz.recipes import Recipe, Step
from tests.fuzz.vocabulary import ALL


def shrink(failing: Recipe, fails: Callable[[Recipe], bool], tries: int = 400) -> Recipe:
    """Drop outputs, steps and arguments, and make constants simple, as long as it still fails."""
    again = True
    while again and tries > 0:
        again = False
        for smaller in _smaller(failing):
            tries -= 1
            if tries <= 0:
                break
            if fails(smaller):
                failing, again = smaller, True
                break
    return failing


def _smaller(r: Recipe) -> Iterator[Recipe]:
    if r.together[0] or r.result != "tuple":
        yield replace(r, together=(0, ""), result="tuple")
    for k in range(len(r.outputs)):
        if len(r.outputs) > 1:
            yield _pruned(replace(r, outputs=r.outputs[:k] + r.outputs[k + 1 :]))
    first, kinds = len(r.arguments), r.kinds
    for k in reversed(range(len(r.steps))):
        own = first + k
        for other in dict.fromkeys([*r.steps[k].args, *range(first)]):
            if kinds[other] == kinds[own]:
                yield _pruned(_replaced(r, own, other))
        if r.steps[k].constant not in (None, 1, 2) or (r.steps[k].constant is None and kinds[own] == "r"):
            for simple in (1, 2):
                yield _pruned(replace(r, steps=(*r.steps[:k], Step("const", (), simple), *r.steps[k + 1 :])))
    for k, a in enumerate(r.arguments):
        if a.parameter:
            yield replace(r, arguments=(*r.arguments[:k], replace(a, parameter=False), *r.arguments[k + 1 :]))
        if not any(k in s.args for s in r.steps) and k not in r.outputs and len(r.arguments) > 1:
            yield _without(r, k)


def _without(r: Recipe, k: int) -> Recipe:
    """Without an argument that nothing needs."""
    down = lambda i: i - (i > k)
    steps = tuple([replace(s, args=tuple(map(down, s.args))) for s in r.steps])
    kept = (*r.arguments[:k], *r.arguments[k + 1 :])
    return replace(r, arguments=kept, steps=steps, outputs=tuple(map(down, r.outputs)), together=(0, ""))


def _replaced(r: Recipe, old: int, new: int) -> Recipe:
    swap = lambda i: new if i == old else i
    steps = tuple([replace(s, args=tuple(map(swap, s.args))) for s in r.steps])
    return replace(r, steps=steps, outputs=tuple(dict.fromkeys(map(swap, r.outputs))))


def _pruned(r: Recipe) -> Recipe:
    """Without the steps that no output needs."""
    first = len(r.arguments)
    needed, pending = set(), list(r.outputs)
    while pending:
        i = pending.pop()
        if i not in needed:
            needed.add(i)
            pending += r.steps[i - first].args if i >= first else ()
    kept = [k for k in range(len(r.steps)) if first + k in needed]
    new = {i: i for i in range(first)} | {first + k: first + n for n, k in enumerate(kept)}
    steps = tuple([replace(r.steps[k], args=tuple([new[i] for i in r.steps[k].args])) for k in kept])
    return replace(r, steps=steps, outputs=tuple([new[i] for i in r.outputs]))


def size(r: Recipe) -> int:
    """How many functions a formula is made of.

    >>> size(Recipe(0, (), (Step("const", (), 2), Step("sqrt:r", (0,))), (1,)))
    1
    """
    return sum(s.name in ALL for s in r.steps)
