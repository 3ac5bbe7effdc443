"""N-ary sums and products into the binary operations that are emitted."""

from __future__ import annotations

from fractions import Fraction

from symhep.algebra.constructors import shortest
from symhep.algebra.nary import Rational
from symhep.graph import Builder, Graph, Node, copy_node, transfer
from symhep.ops import OPS, REDUCTIONS


def lower(graph: Graph) -> Graph:
    """Write sums as additions and subtractions, products as multiplications, roots and at most one division."""
    lowering = _Lowering(graph)
    for n in graph.order:
        if n not in lowering.new:
            lowering.new[n] = lowering.node(n)
    new = lowering.new
    return transfer(graph, new, [new[o] for o in graph.outputs])


class _Lowering:
    def __init__(self, graph: Graph) -> None:
        self.build = Builder()
        self.new: dict[Node, Node] = {n: self.build.input(n.attrs[0], n.dtype, n.axes) for n in graph.inputs}
        self.depth: dict[Node, int] = {}
        self.one = self.build.const(1)
        self.uses = graph.uses()

    def op(self, op: str, *args: Node) -> Node:
        n = self.build.node(op, args)
        if n not in self.depth:
            self.depth[n] = 1 + max(self.depth.get(a, 0) for a in args)
        return n

    def const(self, value: Rational) -> Node:
        return self.build.const(shortest(Fraction(value)))

    def node(self, n: Node) -> Node:
        if n.op == "sum":
            return self.sum(n)
        if n.op == "product":
            return self.product(n)
        if n.op == "const":
            return copy_node(self.build, n, ())
        if n.op == "power":
            return self.power(self.new[n.args[0]], n.attrs[0])
        if n.op == "neg":
            return self.negative(self.new[n.args[0]])
        args = tuple([self.new[a] for a in n.args])
        if n.op in REDUCTIONS and n.attrs[0] not in args[0].axes:  # a pass has found that it does not vary
            size = self.build.node("batch_size", (), n.attrs)
            return self.op("mul", args[0], size) if n.op == "batch_sum" else args[0]
        if OPS[n.op].commutative and args[0].key > args[1].key:
            args = args[::-1]
        made = self.build.node(n.op, args, n.attrs)
        self.depth[made] = 1 + max((self.depth.get(a, 0) for a in made.args), default=0)
        return made

    def negative(self, x: Node) -> Node:
        return x.args[0] if x.op == "neg" else self.op("neg", x)

    # sums ----------------------------------------------------------------------------------------------------------

    def sum(self, n: Node) -> Node:
        coefficients, constant = n.attrs
        added: list[Node] = []
        taken: list[Node] = []
        for c, a in zip(coefficients, n.args, strict=True):
            (added if c > 0 else taken).append(self.scaled(abs(c), a))
        if constant:
            (added if constant > 0 else taken).append(self.const(abs(constant)))
        if not added:
            total = self.chain("add", taken)
            if total.op == "sub" and len(n.args) == 1 and self.uses[n.args[0]] == 1:
                return self.op("sub", total.args[1], total.args[0])
            return self.negative(total)
        total = self.chain("add", added)
        if not taken:
            return total
        if len(taken) > 1 and len(added) == 1:  # a - (b + c): the same count, and b + c is not kept waiting
            return self.op("sub", total, self.chain("add", taken))
        for x in self.by_depth(taken):
            total = self.op("sub", total, x)
        return total

    def scaled(self, c: Rational, a: Node) -> Node:
        """c*a; c over a denominator where a is nothing else and is used here alone."""
        x = self.new[a]
        if c == 1:
            return x
        if x.op == "div" and x.args[0] is self.one and self.uses[a] == 1:
            return self.op("div", self.const(c), x.args[1])
        return self.op("mul", self.const(c), x)

    def by_depth(self, terms: list[Node]) -> list[Node]:
        return sorted(terms, key=lambda x: (self.depth.get(x, 0), x.key))

    def chain(self, op: str, terms: list[Node]) -> Node:
        first, *rest = self.by_depth(terms)
        for x in rest:
            first = self.op(op, first, x)
        return first

    # products ------------------------------------------------------------------------------------------------------

    def product(self, n: Node) -> Node:
        above: list[Node] = []
        below: list[Node] = []
        for a, e in zip(n.args, n.attrs[0], strict=True):
            (above if e > 0 else below).extend(self.factors(self.new[a], abs(e)))
        top = self.chain("mul", above) if above else self.one
        return self.op("div", top, self.chain("mul", below)) if below else top

    def factors(self, x: Node, e: Rational) -> list[Node]:
        whole, half = divmod(e, 1)
        found = [self.integer_power(x, int(whole))] if whole else []
        return [*found, self.op("sqrt", x)] if half else found

    def integer_power(self, x: Node, k: int) -> Node:
        """x**k by squaring; the squares are shared by all powers of x."""
        result, square = None, x
        while True:
            if k & 1:
                result = square if result is None else self.op("mul", result, square)
            k >>= 1
            if not k:
                assert result is not None
                return result
            square = self.op("mul", square, square)

    def power(self, x: Node, e: Rational) -> Node:
        exponent = Fraction(e)
        if exponent.denominator > 2 or abs(exponent) > 1024:
            return self.op("pow", x, self.const(exponent))
        result = self.chain("mul", self.factors(x, abs(exponent)))
        return result if exponent > 0 else self.op("div", self.one, result)
