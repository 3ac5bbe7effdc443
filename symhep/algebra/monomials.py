"""Monomials: products of powers of numbered bases, as sorted tuples of (base, exponent); the empty one is 1.

Exponents count halves, so that roots are integers too: (b, 2) is b, (b, 1) its root, (b, -2) its reciprocal. What a
monomial is made of when it is computed are its *factors*: bases, roots and reciprocals, each as often as it is
multiplied in.
"""

from __future__ import annotations

Monomial = tuple[tuple[int, int], ...]
Factor = tuple[int, int]  # a base and 2, -2, 1 or -1
UNIT: Monomial = ()


def times(x: Monomial, y: Monomial) -> Monomial:
    """The product of two monomials.

    >>> times(((0, 2), (1, -2)), ((0, 2), (1, 2)))
    ((0, 4),)
    """
    if not x:
        return y
    if not y:
        return x
    powers = dict(x)
    for base, e in y:
        powers[base] = powers.get(base, 0) + e
    return tuple(sorted([(b, e) for b, e in powers.items() if e]))


def to_power(x: Monomial, exponent: int) -> Monomial:
    """A monomial to an integer exponent."""
    return x if exponent == 1 else tuple([(b, e * exponent) for b, e in x])


def divide(x: Monomial, g: Monomial) -> Monomial:
    """x / g."""
    return times(x, to_power(g, -1)) if g else x


def common(x: Monomial, y: Monomial) -> Monomial:
    """The largest monomial that divides both, signs of exponents kept.

    >>> common(((0, 4), (1, -2)), ((0, 2), (1, -2), (2, 2)))
    ((0, 2), (1, -2))
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

    >>> divides(((0, 2),), ((0, 4), (1, 2))), divides(((0, 2),), ((0, -2),))
    (True, False)
    """
    powers = dict(x)
    for b, e in g:
        f = powers.get(b, 0)
        if f < e if e > 0 else f > e:
            return False
    return True


def factors(m: Monomial) -> list[tuple[Factor, int]]:
    """What is multiplied in a monomial, and how often.

    >>> factors(((0, 4), (1, -3)))
    [((0, 2), 2), ((1, -2), 1), ((1, -1), 1)]
    """
    found: list[tuple[Factor, int]] = []
    for b, e in m:
        sign, (whole, half) = (1 if e > 0 else -1), divmod(abs(e), 2)
        if whole:
            found.append(((b, 2 * sign), whole))
        if half:
            found.append(((b, sign), 1))
    return found


def length(m: Monomial) -> int:
    """How many factors are multiplied in a monomial."""
    return sum([(abs(e) + 1) // 2 for _, e in m])


def products(m: Monomial) -> int:
    """Multiplications in a monomial whose factors are there."""
    return max(length(m) - 1, 0)
