"""One reciprocal per shared denominator, one root per radicand."""

from __future__ import annotations

from collections import Counter

from symhep.algebra.form import Form
from symhep.algebra.monomials import Factor, Monomial, factors
from symhep.graph import Graph


def reciprocals(graph: Graph, *, least: int = 2) -> Graph:
    """Divide once by what at least `least` products are divided by (class: reassociates).

    x/d and y/d become r = 1/d, x*r and y*r: one operation more, but a division takes as long as ten products.
    """
    form = Form(graph, merge=False)
    bases = form.live()
    below: Counter[Factor] = Counter()
    for m in form.users():
        below.update([f for f, _ in factors(m) if f[1] < 0])
    shared = {}
    for (b, e), times in sorted(below.items(), key=lambda entry: (form.keys[entry[0][0]], entry[0][1])):
        if times >= least:
            shared[b, e] = form.new_product(((b, e),), form.keys[b] ^ (0x5851F42D4C957F2D if e == -2 else 0x14057B7E))
    new = {m: _with_reciprocals(m, shared) for m in form.users()}
    for base in bases:
        if base in form.sums:
            form.sums[base] = {new[m]: c for m, c in form.sums[base].items()}
        elif base in form.products:
            form.products[base] = new[form.products[base]]
        else:
            form.args[base] = [(c, new[m]) for c, m in form.args[base]]
    form.outputs = [(c, new[m]) for c, m in form.outputs]
    return form.close()


def _with_reciprocals(m: Monomial, shared: dict[Factor, int]) -> Monomial:
    powers: dict[int, int] = {}
    for (b, e), often in factors(m):
        item, power = (shared[b, e], 2) if (b, e) in shared else (b, e)
        powers[item] = powers.get(item, 0) + power * often
    return tuple(sorted(powers.items()))
