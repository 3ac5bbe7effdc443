"""The mutable form that factoring and sharing work on: sums of monomials over bases, as integers and dictionaries.

base      anything that is not a product: an input, a function's result, a sum; numbered
monomial  a product of powers of bases: a sorted tuple of (base, exponent); the empty one is the constant 1
sum       a base defined by {monomial: coefficient}; the constant term belongs to the empty monomial
product   a base defined by one monomial: a sub-product that several monomials share
"""

from __future__ import annotations

from fractions import Fraction

from symhep.algebra.monomials import UNIT, Monomial, times, to_power
from symhep.algebra.nary import Nary, Rational, tidy
from symhep.graph import CONSTANT, Builder, Graph, Node, transfer

Reference = tuple[Rational, Monomial]


class Form:
    """A graph of canonical sums and products, opened up for rewriting.

    With `merge`, a product of products is one monomial; without it, each product node stays a base of its own.
    """

    def __init__(self, graph: Graph, *, merge: bool = True) -> None:
        self.graph = graph
        self.merge = merge
        self.heads: list[tuple[str, tuple]] = []  # (operation, attrs) of a base; "truth" for a constant condition
        self.keys: list[int] = []  # structural key of a base: decides every tie, so respelling changes nothing
        self.args: dict[int, list[Reference]] = {}  # arguments of opaque bases
        self.sums: dict[int, dict[Monomial, Rational]] = {}
        self.products: dict[int, Monomial] = {}
        self.refs: dict[Node, Reference] = {}
        self.scaled: dict[Node, int] = {}
        for n in (*graph.inputs, *graph.order):
            if n not in self.refs:
                self.refs[n] = self._open(n)
        self.outputs: list[Reference] = [self.refs[n] for n in graph.outputs]

    def new_base(self, op: str, attrs: tuple, key: int) -> int:
        self.heads.append((op, attrs))
        self.keys.append(key)
        return len(self.heads) - 1

    def new_sum(self, terms: dict[Monomial, Rational], key: int) -> int:
        base = self.new_base("sum", (), key)
        self.sums[base] = terms
        return base

    def new_product(self, monomial: Monomial, key: int) -> int:
        base = self.new_base("product", (), key)
        self.products[base] = monomial
        return base

    def _open(self, n: Node) -> Reference:
        if n.op == "product":
            return self._open_product(n)
        if n.op == "sum":
            terms: dict[Monomial, Rational] = {}
            for a, c in zip(n.args, n.attrs[0], strict=True):
                k, m = self.refs[a]
                terms[m] = tidy(terms.get(m, 0) + c * k)
            if n.attrs[1]:
                terms[UNIT] = tidy(terms.get(UNIT, 0) + n.attrs[1])
            return self.sum_reference(terms, n.key)
        if n.op == "const" and n.dtype != "bool":
            if not isinstance(n.attrs[0], float):
                return n.attrs[0], UNIT
            if n.attrs[0] - n.attrs[0] == 0:
                return tidy(Fraction(n.attrs[0])), UNIT
        base = self.new_base("truth" if n.op == "const" and n.dtype == "bool" else n.op, n.attrs, n.key)
        self.args[base] = [self.refs[a] for a in n.args]
        return 1, ((base, 2),)

    def _open_product(self, n: Node) -> Reference:
        coefficient, monomial = Fraction(1), UNIT
        for a, e in zip(n.args, n.attrs[0], strict=True):
            c, m = self.refs[a]
            if c == 0 and e < 0:  # what has turned out to be zero stays what is divided by
                zero = self.new_base("const", (0,), a.key)
                self.args[zero] = []
                monomial = times(monomial, ((zero, int(2 * e)),))
            elif isinstance(e, int):
                coefficient *= Fraction(c) ** e
                monomial = times(monomial, to_power(m, e))
            else:  # the root of a product is not the product of the roots: both factors may be negative
                b = m[0][0] if c == 1 and len(m) == 1 and m[0][1] == 2 else self._radicand(a)
                monomial = times(monomial, ((b, int(2 * e)),))
        if not self.merge:
            monomial = ((self.new_product(monomial, n.key), 2),)
        return tidy(coefficient), monomial

    def _radicand(self, a: Node) -> int:
        """A sum of one term, for what has to stay together under a root."""
        if a not in self.scaled:
            c, m = self.refs[a]
            self.scaled[a] = self.new_sum({m: c}, a.key)
        return self.scaled[a]

    def sum_reference(self, terms: dict[Monomial, Rational], key: int) -> Reference:
        """Terms as a base, or as what they are if there is only one."""
        terms = {m: c for m, c in terms.items() if c}
        if not terms:
            return 0, UNIT
        if len(terms) == 1:
            ((m, c),) = terms.items()
            return c, m
        return 1, ((self.new_sum(terms, key), 2),)

    # users ---------------------------------------------------------------------------------------------------------

    def live(self) -> list[int]:
        """The bases that the outputs need, arguments first."""
        order: list[int] = []
        seen: set[int] = set()
        stack: list[tuple[int, bool]] = [(b, False) for _, m in reversed(self.outputs) for b, _ in reversed(m)]
        while stack:
            base, done = stack.pop()
            if done:
                order.append(base)
            elif base not in seen:
                seen.add(base)
                stack.append((base, True))
                stack += [(b, False) for m in self.monomials_of(base) for b, _ in m if b not in seen]
        return order

    def monomials_of(self, base: int) -> list[Monomial]:
        """The monomials that a base is made of."""
        if base in self.sums:
            return list(self.sums[base])
        if base in self.products:
            return [self.products[base]]
        return [m for _, m in self.args[base]]

    def users(self) -> dict[Monomial, list[int]]:
        """For each monomial the bases that use it; -1 stands for an output."""
        users: dict[Monomial, list[int]] = {}
        for base in self.live():
            for m in self.monomials_of(base):
                users.setdefault(m, []).append(base)
        for _, m in self.outputs:
            users.setdefault(m, []).append(-1)
        return users

    def rooted(self) -> set[int]:
        """The bases that stand under a root somewhere."""
        return {b for m in self.users() for b, e in m if e % 2}

    # back ----------------------------------------------------------------------------------------------------------

    def close(self) -> Graph:
        """The graph of the form as it is now; shared sub-products stay nodes of their own."""
        nary = Nary(Builder())
        inputs = {n.attrs[0]: nary.build.input(n.attrs[0], n.dtype, n.axes) for n in self.graph.inputs}
        built: dict[int, Node] = {}
        for base in self.live():
            built[base] = self._close_base(nary, base, built, inputs)
        outputs = [nary.materialise((c, self._monomial(nary, m, built))) for c, m in self.outputs]
        refs = {n: m for n, (c, m) in self.refs.items() if c == 1}
        named = {n: self._monomial(nary, m, built) for n, m in refs.items() if self._built(m, built)}
        return transfer(self.graph, {**named, **{n: inputs[n.attrs[0]] for n in self.graph.inputs}}, outputs)

    def _built(self, m: Monomial, built: dict[int, Node]) -> bool:
        """Whether the monomial is a base that the result has: only such values keep their names."""
        return len(m) == 1 and m[0][1] == 2 and m[0][0] in built

    def _close_base(self, nary: Nary, base: int, built: dict[int, Node], inputs: dict[str, Node]) -> Node:
        if base in self.sums:
            terms = self.sums[base]
            scaled = [(c, self._monomial(nary, m, built)) for m, c in terms.items() if m != UNIT]
            return raw_sum(nary, scaled, terms.get(UNIT, 0))
        if base in self.products:
            return self._monomial(nary, self.products[base], built)
        op, attrs = self.heads[base]
        if op == "input":
            return inputs[attrs[0]]
        if op == "const":
            return nary.build.const(attrs[0])
        if op == "truth":
            return nary.build.node("const", (), attrs, dtype="bool", axes=CONSTANT)
        args = [nary.materialise((c, self._monomial(nary, m, built))) for c, m in self.args[base]]
        return nary.build.node(op, tuple(args), attrs)

    def _monomial(self, nary: Nary, m: Monomial, built: dict[int, Node]) -> Node:
        if not m:
            return nary.one
        if len(m) == 1 and m[0][1] == 2:
            return built[m[0][0]]
        factors = sorted([(built[b], tidy(Fraction(e, 2))) for b, e in m], key=lambda factor: factor[0].key)
        return nary.build.node("product", tuple([n for n, _ in factors]), (tuple([e for _, e in factors]),))


def raw_sum(nary: Nary, terms: list[tuple[Rational, Node]], constant: Rational) -> Node:
    """A sum node of just these terms: nothing merged, no content taken out; without any, a number."""
    if not terms:
        return nary.build.const(constant)
    terms = sorted(terms, key=lambda term: term[1].key)
    return nary.build.node("sum", tuple([n for _, n in terms]), (tuple([c for c, _ in terms]), constant))
