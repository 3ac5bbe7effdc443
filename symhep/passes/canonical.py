"""Arithmetic into canonical n-ary sums and products, with functions simplified where their arguments show it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symhep.algebra.nary import HALF, Nary, Scaled, nonnegative, tidy
from symhep.graph import Builder, Graph, Node, copy_node, is_const, transfer
from symhep.ops import OPS

_EXACT_DIGITS = 70  # irrational constants are folded to this many digits
_MOST_MAGNITUDE = 2200  # and kept as functions where they are beyond 2 to this power: no float comes near


def canonical(graph: Graph, *, merge_shared: bool = True) -> Graph:
    """Real scalar graph → n-ary form (class: reassociates, finite, on-domain).

    Without `merge_shared` a product that is used more than once stays one node.
    """
    nary = Nary(Builder())
    uses = {} if merge_shared else graph.uses()
    new: dict[Node, Scaled] = {n: (1, nary.build.input(n.attrs[0], n.dtype, n.axes)) for n in graph.inputs}
    for n in graph.order:
        if n not in new:
            new[n] = _rewrite(nary, n, [new[a] for a in n.args])
            if uses.get(n, 0) > 1:
                nary.closed.add(new[n][1])
    return _finish(graph, nary, new)


def flatten(graph: Graph, *, merge_shared: bool = True) -> Graph:
    """Merge a sum that is used once into the sum it is a term of (class: reassociates)."""
    uses = graph.uses()
    inner = {a for n in graph.order if n.op == "sum" for a in n.args if a.op == "sum" and uses[a] == 1}
    nary = Nary(Builder())
    new: dict[Node, Scaled] = {n: (1, nary.build.input(n.attrs[0], n.dtype, n.axes)) for n in graph.inputs}
    for n in graph.order:
        if n in new or n in inner:
            continue
        if n.op == "sum":
            new[n] = nary.sum(_terms(nary, n, inner, new, uses))
        else:
            new[n] = rebuild(nary, n, [new[a] for a in n.args])
        if uses[n] > 1 and not merge_shared:
            nary.closed.add(new[n][1])
    return _finish(graph, nary, new)


def _terms(nary: Nary, n: Node, inner: set[Node], new: dict[Node, Scaled], uses: dict[Node, int]) -> list[Scaled]:
    """The terms of a sum, those of inner sums in their place; a chain of sums is walked once."""
    terms: list[Scaled] = []
    stack: list[tuple[Node, int | Fraction]] = [(n, 1)]
    while stack:
        total, scale = stack.pop()
        k, one = nary.constant(total.attrs[1])
        terms.append((k * scale, one))
        for c, a in zip(total.attrs[0], total.args, strict=True):
            if a in inner:
                stack.append((a, tidy(c * scale)))
            else:
                value = (c * scale * new[a][0], new[a][1])
                terms += nary.terms_of(value) if uses[a] == 1 else [value]
    return terms


def group(graph: Graph) -> Graph:
    """c*x + c*y + z becomes c*(x + y) + z, so that c is multiplied once (class: reassociates)."""
    if not any(n.op == "sum" and _has_groups(n) for n in graph.order):
        return graph
    nary = Nary(Builder())
    nary.closed = _Everything()
    new: dict[Node, Scaled] = {n: (1, nary.build.input(n.attrs[0], n.dtype, n.axes)) for n in graph.inputs}
    for n in graph.order:
        if n not in new:
            new[n] = rebuild(nary, n, [new[a] for a in n.args])
            if n.op == "sum":
                new[n] = _grouped(nary, new[n])
    return _finish(graph, nary, new)


def _has_groups(n: Node) -> bool:
    sizes = [abs(c) for c in n.attrs[0]]
    return len(set(sizes)) > 1 and any(size != 1 and sizes.count(size) > 1 for size in set(sizes))


class _Everything(set):
    """No product is merged into another."""

    def __contains__(self, node: object) -> bool:
        return True


def _grouped(nary: Nary, value: Scaled) -> Scaled:
    by_size: dict[Fraction, list[Scaled]] = {}
    for c, x in nary.terms_of(value):
        by_size.setdefault(abs(Fraction(c)), []).append((c, x))
    if len(by_size) == 1:
        return value
    terms: list[Scaled] = []
    for size in sorted(by_size):
        members = by_size[size]
        if size == 1 or len(members) == 1:
            terms += members
        else:
            c, inner = nary.sum([(tidy(c / size), x) for c, x in members])
            terms.append((tidy(c * size), inner))
    return nary.sum(terms)


def rebuild(nary: Nary, n: Node, args: list[Scaled]) -> Scaled:
    """A node of an n-ary graph on new arguments."""
    if n.op == "sum":
        terms = [(c * x[0], x[1]) for c, x in zip(n.attrs[0], args, strict=True)]
        return nary.sum([*terms, nary.constant(n.attrs[1])])
    if n.op == "product":
        return _product(nary, n.attrs[0], args)
    return _rewrite(nary, n, args)


def _product(nary: Nary, exponents: tuple, args: list[Scaled]) -> Scaled:
    coefficient, factors = Fraction(1), []
    for e, (c, x) in zip(exponents, args, strict=True):
        part = nary.power((c, x), e) if c != 1 or x.op == "product" else (1, None)
        if part is None:
            factors.append((nary.materialise((c, x)), e))
        elif part[1] is None:
            factors.append((x, e))
        else:
            coefficient *= part[0]
            factors.append((part[1], 1))
    return nary.product(factors, coefficient if coefficient.denominator != 1 else coefficient.numerator)


def _finish(graph: Graph, nary: Nary, new: dict[Node, Scaled]) -> Graph:
    nodes = {n: value[1] for n, value in new.items() if value[0] == 1}
    outputs = [nary.materialise(new[o]) for o in graph.outputs]
    return transfer(graph, {**nodes, **{i: new[i][1] for i in graph.inputs}}, outputs)


def _rewrite(nary: Nary, n: Node, args: list[Scaled]) -> Scaled:
    rule = _RULES.get(n.op)
    if rule is not None:
        result = rule(nary, n, *args)
        if result is not None:
            return result
    nodes = [nary.materialise(x) for x in args]
    if nodes and n.op != "keep" and all(is_const(x) for x in nodes):
        folded = _fold(nary, n, nodes)
        if folded is not None:
            return folded
    if OPS[n.op].commutative and nodes[0].key > nodes[1].key:
        nodes.reverse()
    return 1, nary.build.node(n.op, tuple(nodes), n.attrs)


def _fold(nary: Nary, n: Node, args: list[Node]) -> Scaled | None:
    """A function of constants, to 70 digits; None where it is not a finite real number."""
    import mpmath

    from symhep.reference import apply

    if n.dtype == "bool" or n.op in ("sincos", "item"):
        return None
    with mpmath.workdps(_EXACT_DIGITS):
        value = apply(n.op, n.attrs, [apply(a.op, a.attrs, []) for a in args])
        if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
            return None
        if abs(mpmath.mag(value)) > _MOST_MAGNITUDE and value:
            return None
        man, exp = int(value.man), value.exp
        exact = Fraction(man << exp) if exp >= 0 else Fraction(man, 1 << -exp)
        return (-exact if value < 0 and exact > 0 else exact), nary.one


def _add(nary: Nary, n: Node, x: Scaled, y: Scaled) -> Scaled:
    return nary.sum([x, y])


def _sub(nary: Nary, n: Node, x: Scaled, y: Scaled) -> Scaled:
    return nary.sum([x, (-y[0], y[1])])


def _div(nary: Nary, n: Node, x: Scaled, y: Scaled) -> Scaled | None:
    if y[0] == 0:
        return None
    reciprocal = nary.power(y, -1)
    return None if reciprocal is None else nary.multiply(x, reciprocal)


def _power(nary: Nary, n: Node, x: Scaled) -> Scaled | None:
    exponent = n.attrs[0]
    if isinstance(exponent, float):
        exponent = Fraction(exponent)
    if exponent.denominator > 2 or abs(exponent) > 1024:
        return None
    return nary.power(x, exponent)


def _sqrt(nary: Nary, n: Node, x: Scaled) -> Scaled | None:
    return nary.power(x, HALF) if x[1] is not nary.one else None


def _const(nary: Nary, n: Node) -> Scaled:
    return nary.constant(n.attrs[0]) if n.dtype != "bool" else (1, copy_node(nary.build, n, ()))


def _magnitude(x: Scaled) -> Scaled:
    """The same with a positive coefficient."""
    return (x[0], x[1]) if x[0] >= 0 else (-x[0], x[1])


def _abs(nary: Nary, n: Node, x: Scaled) -> Scaled:
    c, node = _magnitude(x)
    return (c, node) if node is nary.one or nonnegative(node) else (c, nary.build.node("abs", (node,)))


def _even(nary: Nary, n: Node, x: Scaled) -> Scaled | None:
    """f(-x) = f(x)."""
    inverse = _undone(nary, n, x)
    if inverse is not None:
        return inverse
    node = nary.materialise(_magnitude(x))
    return None if is_const(node) else (1, nary.build.node(n.op, (node,)))


def _odd(nary: Nary, n: Node, x: Scaled) -> Scaled | None:
    """f(-x) = -f(x)."""
    inverse = _undone(nary, n, x)
    if inverse is not None:
        return inverse
    node = nary.materialise(_magnitude(x))
    return None if is_const(node) else (-1 if x[0] < 0 else 1, nary.build.node(n.op, (node,)))


def _plain(nary: Nary, n: Node, x: Scaled) -> Scaled | None:
    return _undone(nary, n, x)


def _undone(nary: Nary, n: Node, x: Scaled) -> Scaled | None:
    """A function of the function that undoes it, for an argument without coefficient."""
    c, inner = x
    rule = _PAIRS.get((n.op, inner.op))
    return None if rule is None or c != 1 else rule(nary, *[nary.split(a) for a in inner.args])


def _one_plus_square(nary: Nary, x: Scaled, sign: int = 1) -> Scaled:
    square = nary.multiply(x, x)
    return nary.sum([(1, nary.one), (sign * square[0], square[1])])


def _root(nary: Nary, x: Scaled, exponent: Fraction = HALF) -> Scaled | None:
    return nary.power(x, exponent) if x[0] > 0 else None


def _over_root(nary: Nary, x: Scaled, square: Scaled) -> Scaled | None:
    root = _root(nary, square, -HALF)
    return None if root is None else nary.multiply(x, root)


def _cosine_of_angle(nary: Nary, y: Scaled, x: Scaled) -> Scaled | None:
    """cos(atan2(y, x)) = x/sqrt(x*x + y*y), and 1 at the origin."""
    return _at_origin(nary, y, x, x, 1)


def _sine_of_angle(nary: Nary, y: Scaled, x: Scaled) -> Scaled | None:
    """sin(atan2(y, x)) = y/sqrt(x*x + y*y), and 0 at the origin."""
    return _at_origin(nary, y, x, y, 0)


def _at_origin(nary: Nary, y: Scaled, x: Scaled, side: Scaled, value: int) -> Scaled | None:
    square = _squared_hypotenuse(nary, y, x)
    ratio = _over_root(nary, side, square)
    if ratio is None or any(c and n is nary.one for c, n in (x, y)):
        return ratio
    build, zero = nary.build, nary.build.const(0)
    origin = build.node("eq", (nary.materialise(square), zero))
    return 1, build.node("select", (origin, build.const(value), nary.materialise(ratio)))


def _squared_hypotenuse(nary: Nary, y: Scaled, x: Scaled) -> Scaled:
    return nary.sum([nary.multiply(x, x), nary.multiply(y, y)])


def _batch_sum(nary: Nary, n: Node, x: Scaled) -> Scaled:
    """The coefficient, or all that does not vary over the axis, comes out of the sum."""
    if n.attrs[0] in x[1].axes:
        return x[0], nary.build.node(n.op, (x[1],), n.attrs)
    return nary.multiply(x, (1, nary.build.node("batch_size", (), n.attrs)))


def _batch_extreme(nary: Nary, n: Node, x: Scaled) -> Scaled:
    """The coefficient comes out; a negative one turns the largest into the smallest."""
    if n.attrs[0] not in x[1].axes:
        return x
    op = n.op if x[0] > 0 else {"batch_max": "batch_min", "batch_min": "batch_max"}[n.op]
    return x[0], nary.build.node(op, (x[1],), n.attrs)


# (outer, inner) → what is left; each keeps the value wherever the written formula has one (class: on-domain)
_PAIRS: dict[tuple[str, str], Callable[..., Scaled | None]] = {
    ("exp", "log"): lambda nary, x: x,
    ("log", "exp"): lambda nary, x: x,
    ("expm1", "log1p"): lambda nary, x: x,
    ("log1p", "expm1"): lambda nary, x: x,
    ("exp2", "log2"): lambda nary, x: x,
    ("log2", "exp2"): lambda nary, x: x,
    ("sin", "asin"): lambda nary, x: x,
    ("cos", "acos"): lambda nary, x: x,
    ("tan", "atan"): lambda nary, x: x,
    ("sinh", "asinh"): lambda nary, x: x,
    ("cosh", "acosh"): lambda nary, x: x,
    ("tanh", "atanh"): lambda nary, x: x,
    ("asinh", "sinh"): lambda nary, x: x,
    ("cos", "atan2"): _cosine_of_angle,
    ("sin", "atan2"): _sine_of_angle,
    ("tan", "atan2"): lambda nary, y, x: _div(nary, y[1], y, x),
    ("cos", "atan"): lambda nary, x: _root(nary, _one_plus_square(nary, x), -HALF),
    ("sin", "atan"): lambda nary, x: _over_root(nary, x, _one_plus_square(nary, x)),
    ("cos", "asin"): lambda nary, x: _root(nary, _one_plus_square(nary, x, -1)),
    ("sin", "acos"): lambda nary, x: _root(nary, _one_plus_square(nary, x, -1)),
    ("cosh", "asinh"): lambda nary, x: _root(nary, _one_plus_square(nary, x)),
}

_RULES: dict[str, Callable[..., Scaled | None]] = {
    "const": _const,
    "add": _add,
    "sub": _sub,
    "mul": lambda nary, n, x, y: nary.multiply(x, y),
    "div": _div,
    "neg": lambda nary, n, x: (-x[0], x[1]),
    "sqrt": _sqrt,
    "power": _power,
    "abs": _abs,
    "batch_sum": _batch_sum,
    "batch_max": _batch_extreme,
    "batch_min": _batch_extreme,
    **{row.name: _even for row in OPS.values() if row.parity == "even" and row.name not in ("abs",)},
    **{row.name: _odd for row in OPS.values() if row.parity == "odd" and row.name not in ("neg",)},
    **dict.fromkeys(("exp", "log", "expm1", "log1p", "exp2", "log2"), _plain),
}
