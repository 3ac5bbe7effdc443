"""Common factors, common sub-sums and common sub-products, in one greedy loop.

Two kinds of divisor are looked for in all sums and monomials at once:

kernel   g*a + r*g*b + ... with the common part g taken out: the divisor a + r*b + ... may occur elsewhere with another
pair     x*y within monomials

The divisor that saves most operations becomes a base of its own and is put in wherever it occurs; and again, until none
saves any. A kernel with g = 1 everywhere is a common sub-sum; one that occurs once is a common factor taken out.
Source: fast extraction, Rajski and Vasudevamurthy, IEEE Trans. CAD 11 (1992) 778; kernels, Brayton and McMullen (1982).
"""

from __future__ import annotations

import heapq

from symhep.algebra.form import Form
from symhep.graph import Graph
from symhep.passes.divisors import Divisors, Kernel, Pair


def extract(graph: Graph) -> Graph:
    """Share and factor greedily until no divisor saves an operation (class: reassociates)."""
    state = Divisors(Form(graph))
    queue: list[tuple] = []
    while True:
        for divisor in state.take_touched():
            _push(state, queue, divisor)
        best = _best(state, queue)
        if best is None:
            return state.write_back().close()
        state.apply(best)


def _push(state: Divisors, queue: list[tuple], divisor: Kernel | Pair) -> None:
    gain = state.gain(divisor)
    if gain > 0:
        heapq.heappush(queue, (-gain, *state.rank(divisor), divisor))


def _best(state: Divisors, queue: list[tuple]) -> Kernel | Pair | None:
    """The divisor that saves most now; entries of the queue may be out of date."""
    while queue:
        entry = heapq.heappop(queue)
        gain = state.gain(entry[-1])
        if gain == -entry[0]:
            return entry[-1]
        if gain > 0:
            heapq.heappush(queue, (-gain, *entry[1:]))
    return None
