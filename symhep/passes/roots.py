"""Square roots out of sums: where every term has a root of b, the root is taken out, and may meet itself further on."""

from __future__ import annotations

from symhep.algebra.form import Form
from symhep.algebra.monomials import Monomial, times, to_power
from symhep.algebra.nary import Rational, tidy
from symhep.graph import Graph


def roots(graph: Graph) -> Graph:
    """b**(1/2)*x + b**(-1/2)*y becomes b**(-1/2)*(b*x + y) (class: reassociates, on-domain).

    This costs nothing and saves the root where the sum is squared, as amplitudes are.
    """
    form = Form(graph)
    changed = False
    for s in form.live():
        if s in form.sums and s not in form.rooted():
            taken = _common_roots(form.sums[s])
            if taken:
                _take_out(form, s, taken)
                changed = True
    return form.close() if changed else graph


def _common_roots(terms: dict[Monomial, Rational]) -> Monomial:
    """The bases that have a half-integer exponent in every term, each to the power that is taken out."""
    exponents: dict[int, list[int]] = {}
    for m in terms:
        for b, e in m:
            if e % 2:
                exponents.setdefault(b, []).append(e)
    common = [(b, -1 if min(es) < 0 else 1) for b, es in exponents.items() if len(es) == len(terms)]
    return tuple(sorted(common))


def _take_out(form: Form, s: int, taken: Monomial) -> None:
    inverse = to_power(taken, -1)
    form.sums[s] = {times(m, inverse): c for m, c in form.sums[s].items()}
    for base in list(form.sums):
        if any(b == s for m in form.sums[base] for b, _ in m):
            terms: dict[Monomial, Rational] = {}
            for m, c in form.sums[base].items():
                q = _with(m, s, taken)
                terms[q] = tidy(terms.get(q, 0) + c)
            form.sums[base] = {m: c for m, c in terms.items() if c}
    for base, args in form.args.items():
        form.args[base] = [(c, _with(m, s, taken)) for c, m in args]
    form.outputs = [(c, _with(m, s, taken)) for c, m in form.outputs]


def _with(m: Monomial, s: int, taken: Monomial) -> Monomial:
    """A monomial with s replaced by what was taken out of it, times what is left of it."""
    for b, e in m:
        if b == s:
            return times(m, to_power(taken, e // 2))
    return m
