"""Products multiplied out where a sum is used so rarely that other common factors may come to light."""

from __future__ import annotations

from symhep.algebra.form import Form
from symhep.algebra.monomials import Monomial, times
from symhep.algebra.nary import Rational, tidy
from symhep.graph import Graph

_MOST_SWEEPS = 8
_LONGEST = 200  # a sum is not made longer than this


def distribute(graph: Graph, *, uses: int, terms: int) -> Graph:
    """Multiply out sums of at most `terms` terms that are used at most `uses` times (class: reassociates).

    This by itself adds operations: it is for `extract` to find a better factorisation afterwards.
    """
    form = Form(graph)
    sweeps = 0
    while sweeps < _MOST_SWEEPS and _sweep(form, uses, terms):
        sweeps += 1
    return form.close() if sweeps else graph


def _sweep(form: Form, uses: int, terms: int) -> bool:
    """Multiply out once in every sum that is not itself to be multiplied out."""
    open_sums = _candidates(form, uses, terms)
    changed = False
    for s in form.live():
        if s in form.sums and s not in open_sums:
            result = _multiplied_out(form, form.sums[s], open_sums)
            if result is not None and len(result) < _LONGEST:
                form.sums[s] = result
                changed = True
    return changed


def _candidates(form: Form, uses: int, terms: int) -> set[int]:
    users = form.users()
    times_used: dict[int, int] = {}
    barred: set[int] = set()
    for m, by in users.items():
        for b, e in m:
            times_used[b] = times_used.get(b, 0) + len(by)
            if e != 2 or any(u not in form.sums for u in by):
                barred.add(b)
    return {
        s
        for s in form.live()
        if s in form.sums and s not in barred and times_used.get(s, 0) <= uses and len(form.sums[s]) <= terms
    }


def _multiplied_out(
    form: Form, terms: dict[Monomial, Rational], open_sums: set[int]
) -> dict[Monomial, Rational] | None:
    """The terms with one open factor of each multiplied out; None if there is none to."""
    result: dict[Monomial, Rational] = {}
    changed = False
    for m, c in terms.items():
        factor = next((b for b, e in m if b in open_sums and e == 2), None)
        if factor is None:
            result[m] = tidy(result.get(m, 0) + c)
            continue
        changed = True
        rest = tuple([f for f in m if f[0] != factor])
        for inner, k in form.sums[factor].items():
            product = times(rest, inner)
            result[product] = tidy(result.get(product, 0) + c * k)
    return {m: c for m, c in result.items() if c} if changed else None
