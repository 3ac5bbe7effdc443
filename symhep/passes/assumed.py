"""What is assumed about arguments, used: magnitudes, choices, roundings and roots that it decides are left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from symhep.algebra.constructors import Algebra
from symhep.graph import CONSTANT, Builder, Graph, Node, copy_node, is_const, rewrite, value_of

# The signs that a value may have, as a set of bits
NEGATIVE, ZERO, POSITIVE = 1, 2, 4
ANY = NEGATIVE | ZERO | POSITIVE

_EXCLUDED = {
    "positive": NEGATIVE | ZERO,
    "negative": POSITIVE | ZERO,
    "nonnegative": NEGATIVE,
    "nonpositive": POSITIVE,
    "nonzero": ZERO,
    "integer": 0,
}


def assumed(graph: Graph, known: Mapping[str, frozenset[str]]) -> Graph:
    """Real scalar graph → the same, simpler where what is known about its inputs shows it (class: on-domain, finite).

    known  by the name of an input, what holds for it, in the words of `annotations.assumptions`
    """
    if not any(known.get(n.attrs[0]) for n in graph.inputs):
        return graph
    facts = _Facts(known)

    def rule(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
        made = _rewritten(Algebra(build), facts, old, args)
        facts.look(made)
        return made

    return rewrite(graph, rule)


class _Facts:
    """Signs of nodes, and whether they are whole numbers; each found once, from those of the arguments."""

    def __init__(self, known: Mapping[str, frozenset[str]]) -> None:
        self.known = known
        self._signs: dict[Node, int] = {}
        self._whole: dict[Node, bool] = {}

    def signs(self, n: Node) -> int:
        self.look(n)
        return self._signs[n]

    def whole(self, n: Node) -> bool:
        self.look(n)
        return self._whole[n]

    def look(self, n: Node) -> None:
        """Find the facts about a node; those of its arguments are known, but for ones that a rule has just made."""
        if n in self._signs:
            return
        for a in n.args:
            self.look(a)
        if n.op == "input":
            known = self.known.get(n.attrs[0], frozenset())
            self._signs[n] = ANY
            for word in known:
                self._signs[n] &= ~_EXCLUDED[word]
            self._whole[n] = "integer" in known
        elif is_const(n):
            value = value_of(n)
            self._signs[n] = POSITIVE if value > 0 else NEGATIVE if value < 0 else ZERO if value == 0 else ANY
            self._whole[n] = isinstance(value, int)
        else:
            self._signs[n] = _signs_of(n, [self._signs[a] for a in n.args])
            self._whole[n] = _stays_whole(n, [self._whole[a] for a in n.args])


# -- signs -----------------------------------------------------------------------------------------------------------


def _each(combine: Callable[[int, int], int], x: int, y: int) -> int:
    """The signs that a combination of values with these signs may have."""
    result = 0
    for a in (NEGATIVE, ZERO, POSITIVE):
        for b in (NEGATIVE, ZERO, POSITIVE):
            if x & a and y & b:
                result |= combine(a, b)
    return result


def _sum(a: int, b: int) -> int:
    return ANY if a | b == NEGATIVE | POSITIVE else a | b if ZERO not in (a, b) else (a | b) & ~ZERO or ZERO


def _product(a: int, b: int) -> int:
    return ZERO if ZERO in (a, b) else POSITIVE if a == b else NEGATIVE


def _flipped(x: int) -> int:
    return x & ZERO | (POSITIVE if x & NEGATIVE else 0) | (NEGATIVE if x & POSITIVE else 0)


def _size(x: int) -> int:
    return x & ZERO | (POSITIVE if x & (NEGATIVE | POSITIVE) else 0)


_KEEPS_SIGN = frozenset("asin atan sinh tanh asinh atanh erf cbrt expm1 log1p keep batch_max batch_min".split())
_ROUNDED = {"floor": POSITIVE, "ceil": NEGATIVE, "trunc": ANY, "rint": ANY}


def _signs_of(n: Node, args: list[int]) -> int:
    """The signs of a result, from those of its arguments."""
    if n.op in _SIGNS:
        return _SIGNS[n.op](*args)
    if n.op in _KEEPS_SIGN:
        return args[0]
    if n.op in _ROUNDED:
        return args[0] | (ZERO if args[0] & _ROUNDED[n.op] else 0)
    if n.op == "power":
        return _power_signs(args[0], n.attrs[0])
    return ANY


def _power_signs(x: int, exponent: int | float | Fraction) -> int:
    if isinstance(exponent, int) and exponent % 2:
        return x
    return _size(x) if isinstance(exponent, int) else x & (ZERO | POSITIVE)


_SIGNS: dict[str, Callable[..., int]] = {
    "add": lambda x, y: _each(_sum, x, y),
    "sub": lambda x, y: _each(_sum, x, _flipped(y)),
    "mul": lambda x, y: _each(_product, x, y),
    "div": lambda x, y: _each(_product, x, y & ~ZERO),
    "neg": _flipped,
    "abs": _size,
    "sqrt": lambda x: x & (ZERO | POSITIVE),
    "exp": lambda x: POSITIVE,
    "exp2": lambda x: POSITIVE,
    "cosh": lambda x: POSITIVE,
    "acos": lambda x: ZERO | POSITIVE,
    "acosh": lambda x: ZERO | POSITIVE,
    "pow": lambda x, y: POSITIVE if x == POSITIVE else ANY,
    "minimum": lambda x, y: _each(min, x, y),
    "maximum": lambda x, y: _each(max, x, y),
    "select": lambda _, x, y: x | y,
    "batch_sum": lambda x: ANY if x & NEGATIVE and x & POSITIVE else x,
    "batch_size": lambda: POSITIVE,
}


def _stays_whole(n: Node, args: list[bool]) -> bool:
    if n.op in _ROUNDED or n.op == "batch_size":
        return True
    if n.op == "power":
        return args[0] and isinstance(n.attrs[0], int) and n.attrs[0] >= 0
    if n.op == "select":
        return all(args[1:])
    wholes = ("add", "sub", "mul", "neg", "abs", "minimum", "maximum", "keep", "batch_sum", "batch_max", "batch_min")
    return n.op in wholes and all(args)


# -- rules -----------------------------------------------------------------------------------------------------------


def _rewritten(a: Algebra, facts: _Facts, old: Node, args: tuple[Node, ...]) -> Node:
    """A node on new arguments, or what is left of it."""
    if old.op in _COMPARED:
        decided = _COMPARED[old.op](*[facts.signs(x) for x in args])
        return copy_node(a.build, old, args) if decided is None else _truth(a, decided)
    if old.op in _ROUNDED and facts.whole(args[0]):
        return args[0]
    rule = _RULES.get(old.op)
    found = None if rule is None else rule(a, facts, old, *args)
    return copy_node(a.build, old, args) if found is None else found


def _truth(a: Algebra, value: bool) -> Node:
    return a.build.node("const", (), (int(value),), dtype="bool", axes=CONSTANT)


def _below(x: int, y: int) -> bool | None:
    """Whether a value is less than another, from their signs; None where these do not say it."""
    if _highest(x) < _lowest(y):
        return True
    return False if _not_below(x, y) else None


def _not_below(x: int, y: int) -> bool:
    """Whether x >= y for all values of these signs."""
    return _lowest(x) > _highest(y) or _lowest(x) == _highest(y) == ZERO


def _lowest(x: int) -> int:
    return x & -x


def _highest(x: int) -> int:
    return 1 << (x.bit_length() - 1) if x else 0


def _at_most(x: int, y: int) -> bool | None:
    above = _below(y, x)
    return None if above is None else not above


def _equal(x: int, y: int) -> bool | None:
    if x == y == ZERO:
        return True
    return None if x & y else False


def _differ(x: int, y: int) -> bool | None:
    equal = _equal(x, y)
    return None if equal is None else not equal


_COMPARED: dict[str, Callable[[int, int], bool | None]] = {
    "lt": _below,
    "le": _at_most,
    "eq": _equal,
    "ne": _differ,
}


def _abs(a: Algebra, facts: _Facts, old: Node, x: Node) -> Node | None:
    signs = facts.signs(x)
    return x if not signs & NEGATIVE else a.neg(x) if not signs & POSITIVE else None


def _copysign(a: Algebra, facts: _Facts, old: Node, x: Node, y: Node) -> Node | None:
    if facts.signs(y) != POSITIVE:
        return None
    return _abs(a, facts, old, x) or a.op("abs", x)


def _extreme(a: Algebra, facts: _Facts, old: Node, x: Node, y: Node) -> Node | None:
    """The larger or the smaller of two, where their signs say which it is."""
    for larger, smaller in ((x, y), (y, x)):
        if _not_below(facts.signs(larger), facts.signs(smaller)):
            return larger if old.op == "maximum" else smaller
    return None


def _logic(a: Algebra, facts: _Facts, old: Node, x: Node, y: Node) -> Node | None:
    """and, or: a constant decides, or is left out."""
    for one, other in ((x, y), (y, x)):
        if is_const(one):
            return one if bool(value_of(one)) == (old.op == "or") else other
    return None


def _not(a: Algebra, facts: _Facts, old: Node, x: Node) -> Node | None:
    return _truth(a, not value_of(x)) if is_const(x) else None


def _as_power(n: Node) -> tuple[Node, int | Fraction] | None:
    """The base and the exact exponent of a power, a root or a square."""
    if n.op == "power" and not isinstance(n.attrs[0], float):
        return n.args[0], n.attrs[0]
    if n.op == "sqrt":
        return n.args[0], Fraction(1, 2)
    return (n.args[0], 2) if n.op == "mul" and n.args[0] is n.args[1] else None


def _power(a: Algebra, facts: _Facts, old: Node, x: Node) -> Node | None:
    """(x**p)**q is x**(p*q) for x that is not negative (positive, where p and q do not have one sign)."""
    inner = _as_power(x)
    outer = _as_power(old) if old.op != "mul" else None
    if inner is None or outer is None or facts.signs(inner[0]) & NEGATIVE:
        return None
    if facts.signs(inner[0]) & ZERO and not (inner[1] > 0 and outer[1] > 0):
        return None
    exponent = Fraction(inner[1]) * Fraction(outer[1])
    return a.power(inner[0], exponent.numerator if exponent.denominator == 1 else exponent)


def _log(a: Algebra, facts: _Facts, old: Node, x: Node) -> Node | None:
    """log(x**p) is p*log(x) for x that is not negative."""
    inner = _as_power(x)
    if inner is None or facts.signs(inner[0]) & NEGATIVE:
        return None
    return a.mul(a.const(inner[1]), a.op(old.op, inner[0]))


_RULES: dict[str, Callable[..., Node | None]] = {
    "abs": _abs,
    "copysign": _copysign,
    "minimum": _extreme,
    "maximum": _extreme,
    "and": _logic,
    "or": _logic,
    "not": _not,
    "select": lambda a, facts, old, c, x, y: a.select(c, x, y),
    "sqrt": _power,
    "power": _power,
    "log": _log,
    "log2": _log,
    "log10": _log,
}
