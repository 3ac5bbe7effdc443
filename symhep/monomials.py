"""Monomials: products of powers of numbered bases, as sorted tuples of (base, exponent); the empty one is 1.

Exponents are integers and, for roots, half-integers. What a monomial is made of when it is computed are its *factors*:
a base, its root, or the reciprocal of either, each as often as it is multiplied in.
"""

from __future__ import annotations

from symhep.nary import HALF, Rational, tidy

Monomial = tuple[tuple[int, Rational], ...]
Factor = tuple[int, Rational]  # a base and 1, -1, 1/2 or -1/2
UNIT: Monomial = ()


def times(x: Monomial, y: Monomial) -> Monomial:
    """The product of two monomials.

    >>> times(((0, 1), (1, -1)), ((0, 1), (1, 1)))
    ((0, 2),)
    """
    if not x:
        return y
    if not y:
        return x
    powers = dict(x)
    for base, e in y:
        powers[base] = tidy(powers.get(base, 0) + e)
    return tuple(sorted([(b, e) for b, e in powers.items() if e]))


def to_power(x: Monomial, exponent: Rational) -> Monomial:
    """A monomial to an exponent."""
    return x if exponent == 1 else tuple([(b, tidy(e * exponent)) for b, e in x])


def divide(x: Monomial, g: Monomial) -> Monomial:
    """x / g."""
    return times(x, to_power(g, -1)) if g else x


def common(x: Monomial, y: Monomial) -> Monomial:
    """The largest monomial that divides both, signs of exponents kept.

    >>> common(((0, 2), (1, -1)), ((0, 1), (1, -1), (2, 1)))
    ((0, 1), (1, -1))
    """
    powers = dict(x)
    shared = []
    for b, e in y:
        f = powers.get(b, 0)
        if f > 0 and e > 0:
            shared.append((b, min(e, f)))
        elif f < 0 and e < 0:
            shared.append((b, max(e, f)))
    return tuple(shared)


def divides(g: Monomial, x: Monomial) -> bool:
    """Whether g is a part of x, signs of exponents kept.

    >>> divides(((0, 1),), ((0, 2), (1, 1))), divides(((0, 1),), ((0, -1),))
    (True, False)
    """
    powers = dict(x)
    return all(powers.get(b, 0) >= e if e > 0 else powers.get(b, 0) <= e for b, e in g)


def factors(m: Monomial) -> list[tuple[Factor, int]]:
    """What is multiplied in a monomial, and how often.

    >>> factors(((0, 2), (1, -3 * HALF)))
    [((0, 1), 2), ((1, -1), 1), ((1, Fraction(-1, 2)), 1)]
    """
    found: list[tuple[Factor, int]] = []
    for b, e in m:
        sign, whole = (1 if e > 0 else -1), int(abs(e))
        if whole:
            found.append(((b, sign), whole))
        if abs(e) != whole:
            found.append(((b, sign * HALF), 1))
    return found


def length(m: Monomial) -> int:
    """How many factors are multiplied in a monomial."""
    total = 0
    for _, e in m:
        total += abs(e) if type(e) is int else -(-abs(e).numerator // abs(e).denominator)
    return total


def products(m: Monomial) -> int:
    """Multiplications in a monomial whose factors are there."""
    return max(length(m) - 1, 0)

