"""N-ary sums and products: the canonical form that the algebraic passes work on.

A value is a pair (coefficient, node): the exact rational in front travels upwards, so a and -a, a - b and b - a, 2x and
x/3 are one node. Two operations carry all arithmetic:

sum      args x0, x1, ...; attrs = (coefficients, constant):  c0*x0 + c1*x1 + ... + constant
product  args x0, x1, ...; attrs = (exponents,):              x0**e0 * x1**e1 * ...   (half-integer exponents are roots)

Arguments are sorted by structural key, so the order in which a formula was written does not matter. The rules here are
of class "reassociates, finite"; x**(1/2) * x**(1/2) = x keeps the value wherever the written formula has one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

from symhep.algebra.constructors import rational, shortest
from symhep.graph import Builder, Node, Number, is_const, value_of

Rational = int | Fraction
Scaled = tuple[Rational, Node]
HALF = Fraction(1, 2)

# A coefficient is kept exactly up to this many bits, then rounded: far beyond any float, and products stay cheap.
_MOST_BITS = 600


def tidy(value: Rational) -> Rational:
    """The same number as int where integral; rounded to 600 bits where longer."""
    if isinstance(value, int):
        return value
    if value.denominator == 1:
        return value.numerator
    excess = min(value.numerator.bit_length(), value.denominator.bit_length()) - _MOST_BITS
    if excess > 0:
        return Fraction(value.numerator >> excess, value.denominator >> excess)
    return value


class Nary:
    """Builds canonical sums and products; the products in `closed` are not merged into others."""

    def __init__(self, builder: Builder) -> None:
        self.build = builder
        self.one = builder.const(1)
        self.closed: set[Node] = set()

    def constant(self, value: Number) -> Scaled:
        """A literal as a multiple of one; inf and NaN stay as they are."""
        exact_value = rational(value)
        return (1, self.build.const(value)) if exact_value is None else (tidy(exact_value), self.one)

    def materialise(self, value: Scaled) -> Node:
        """The node for coefficient times node."""
        c, n = value
        if n is self.one:
            return self.build.const(shortest(Fraction(c)))
        return n if c == 1 else self.build.node("sum", (n,), ((c,), 0))

    def split(self, node: Node) -> Scaled:
        """The inverse of `materialise`."""
        if is_const(node):
            return self.constant(value_of(node))
        if _is_multiple(node):
            return node.attrs[0][0], node.args[0]
        return 1, node

    # sums ----------------------------------------------------------------------------------------------------------

    def sum(self, terms: Iterable[Scaled]) -> Scaled:
        """The canonical sum of scaled nodes; like terms are collected."""
        collected: dict[Node, Rational] = {}
        for c, n in terms:
            collected[n] = collected.get(n, 0) + c
        constant = tidy(collected.pop(self.one, 0))
        return self._sum({n: tidy(c) for n, c in collected.items() if c}, constant)

    def _sum(self, terms: dict[Node, Rational], constant: Rational) -> Scaled:
        if not terms:
            return constant, self.one
        if len(terms) == 1 and not constant:
            ((n, c),) = terms.items()
            return c, n
        ordered = sorted(terms.items(), key=lambda term: term[0].key)
        content = _content(ordered, constant)
        args = tuple([n for n, _ in ordered])
        if content != 1:
            coefficients = tuple([tidy(Fraction(c) / content) for _, c in ordered])
            constant = tidy(Fraction(constant) / content)
        else:
            coefficients = tuple([c for _, c in ordered])
        if len(args) == 1 and not constant:
            return content * coefficients[0], args[0]
        return content, self.build.node("sum", args, (coefficients, constant))

    def terms_of(self, value: Scaled) -> list[Scaled]:
        """The terms of a scaled sum (a constant term as a multiple of one); of anything else, itself."""
        c, n = value
        if n.op != "sum":
            return [value]
        terms = [(tidy(c * k), x) for k, x in zip(n.attrs[0], n.args, strict=True)]
        if n.attrs[1]:
            terms.append((tidy(c * n.attrs[1]), self.one))
        return terms

    # products ------------------------------------------------------------------------------------------------------

    def product(self, factors: Iterable[tuple[Node, Rational]], coefficient: Rational = 1) -> Scaled:
        """coefficient times the product of node**exponent; products among the factors are merged in."""
        powers: dict[Node, Rational] = {}
        pending = list(factors)
        while pending:
            n, e = pending.pop()
            if n is self.one:
                continue
            if isinstance(e, int) and _is_multiple(n):  # (2x)**(1/2) squared
                coefficient = tidy(coefficient * Fraction(n.attrs[0][0]) ** e)
                pending.append((n.args[0], e))
                continue
            if isinstance(e, int) and self._opens(n):
                pending += [(x, tidy(k * e)) for x, k in zip(n.args, n.attrs[0], strict=True)]
                continue
            powers[n] = tidy(powers.get(n, 0) + e)
        whole = [n for n, e in powers.items() if isinstance(e, int) and e]
        if any(_is_multiple(n) or self._opens(n) for n in whole):  # sqrt(xy)**2 = xy
            return self.product([*powers.items()], coefficient)
        kept = sorted(((n, e) for n, e in powers.items() if e), key=lambda factor: factor[0].key)
        if not kept:
            return coefficient, self.one
        if len(kept) == 1 and kept[0][1] == 1:
            return coefficient, kept[0][0]
        args, exponents = tuple([n for n, _ in kept]), tuple([e for _, e in kept])
        return coefficient, self.build.node("product", args, (exponents,))

    def _opens(self, n: Node) -> bool:
        return n.op == "product" and n not in self.closed

    def multiply(self, x: Scaled, y: Scaled) -> Scaled:
        return self.product([(x[1], 1), (y[1], 1)], tidy(x[0] * y[0]))

    def power(self, x: Scaled, exponent: Rational) -> Scaled | None:
        """x to an integer or half-integer power; None where that has no canonical form (0 to a negative power)."""
        c, n = x
        if c == 0 and exponent <= 0:
            return None
        if isinstance(exponent, int):
            return self.product([(n, exponent)], tidy(Fraction(c) ** exponent))
        root = exact_root(c)
        if root is None:  # the coefficient stays under the root
            n, root = self.materialise(x), 1
        if n is self.one:
            return tidy(Fraction(root) ** int(2 * exponent)), n
        return self._root_power(n, exponent, tidy(Fraction(root) ** int(2 * exponent)))

    def _root_power(self, n: Node, exponent: Rational, coefficient: Rational) -> Scaled:
        """n to a half-integer power; a product of even powers and non-negative factors comes out of the root.

        All of it or nothing: sqrt(x*x*y) is 0 where x = 0 and y < 0, but |x|*sqrt(y) is not.
        """
        if n.op != "product":
            return self.product([(n, exponent)], coefficient)
        outside = []
        for x, e in zip(n.args, n.attrs[0], strict=True):
            even = isinstance(e, int) and e % 2 == 0
            if not (isinstance(e, int) and (even or nonnegative(x))):
                return self.product([(n, exponent)], coefficient)
            base = self.build.node("abs", (x,)) if even and not nonnegative(x) else x
            outside.append((base, tidy(Fraction(e) * exponent)))
        return self.product(outside, coefficient)


def _is_multiple(n: Node) -> bool:
    """Whether the node is a constant times another."""
    return n.op == "sum" and len(n.args) == 1 and not n.attrs[1]


def _content(ordered: list[tuple[Node, Rational]], constant: Rational) -> Rational:
    """What is taken out in front: the sign of the first term, times a common size if that saves multiplications.

    The most frequent size is taken out if at least two products by constants inside become one outside.
    """
    sign = 1 if ordered[0][1] > 0 else -1
    sizes: Counter[Rational] = Counter(c if c > 0 else -c for _, c in ordered if abs(c) != 1)
    if not sizes:
        return sign
    size, times = min(sizes.items(), key=lambda entry: (-entry[1], entry[0]))
    units = len(ordered) - sum(sizes.values())
    if (times >= 2 and times > units + 1) or (times == len(ordered) and not constant):
        return sign * size
    return sign


def exact_root(value: Rational) -> Rational | None:
    """The rational square root of a rational, if there is one.

    >>> exact_root(Fraction(9, 4)), exact_root(2)
    (Fraction(3, 2), None)
    """
    from math import isqrt

    value = Fraction(value)
    if value < 0:
        return None
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    if top * top != value.numerator or bottom * bottom != value.denominator:
        return None
    return tidy(Fraction(top, bottom))


_NEVER_NEGATIVE = frozenset({"exp", "exp2", "abs", "cosh", "sqrt"})


def nonnegative(node: Node) -> bool:
    """Whether the value cannot be negative (where it is defined), by its outermost structure.

    >>> nonnegative(Builder().node("exp", (Builder().input("x"),)))
    True
    """
    if node.op == "sum":
        coefficients, constant = node.attrs
        return constant >= 0 and min(coefficients) >= 0 and all(_nonnegative_product(a) for a in node.args)
    return _nonnegative_product(node)


def _nonnegative_product(node: Node) -> bool:
    if node.op != "product":
        return node.op in _NEVER_NEGATIVE
    return all(
        e % 2 == 0 or Fraction(e).denominator == 2 or x.op in _NEVER_NEGATIVE
        for x, e in zip(node.args, node.attrs[0], strict=True)
    )
