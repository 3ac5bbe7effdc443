"""Graphs as sympy expressions: as written, with nothing evaluated; shared nodes become shared objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import sympy
from sympy.codegen import cfunctions
from sympy.functions.elementary.piecewise import ExprCondPair

from symhep.graph import Graph, Node
from symhep.ops import REDUCTIONS
from symhep.symbolic.shown import abridged, unevaluated

_SCALE = 10**100

# The exact stand-in in a graph for each of sympy's irrational constants
CONSTANTS: dict[Fraction, Any] = {
    Fraction(int(sympy.floor(symbol * _SCALE)), _SCALE): symbol
    for symbol in (sympy.pi, sympy.E, sympy.EulerGamma, sympy.GoldenRatio, sympy.Catalan)
}

_UNDEFINED = {name: sympy.Function(name) for name in ("copysign", "trunc", "rint", *sorted(REDUCTIONS))}
_CLASSES: dict[str, Any] = {
    "abs": sympy.Abs,
    "minimum": sympy.Min,
    "maximum": sympy.Max,
    "floor": sympy.floor,
    "ceil": sympy.ceiling,
    "lt": sympy.StrictLessThan,
    "le": sympy.LessThan,
    "eq": sympy.Equality,
    "ne": sympy.Unequality,
    "and": sympy.And,
    "or": sympy.Or,
    "not": sympy.Not,
    "real": sympy.re,
    "imag": sympy.im,
    "conj": sympy.conjugate,
    "cbrt": cfunctions.Cbrt,
    **{name: getattr(cfunctions, name) for name in ("expm1", "exp2", "log1p", "log2", "log10")},
    **{name: getattr(sympy, name) for name in ("exp", "log", "erf", "sin", "cos", "tan", "asin", "acos", "atan")},
    **{name: getattr(sympy, name) for name in ("atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh")},
    **_UNDEFINED,
}


# special functions that sympy has by another name, with the same arguments
_SPECIAL = {
    "gamma": "gamma", "digamma": "digamma", "polygamma": "polygamma", "loggamma": "loggamma", "beta": "beta",
    "erfc": "erfc", "erfinv": "erfinv", "erfcinv": "erfcinv",
    "bessel_j": "besselj", "bessel_y": "bessely", "bessel_i": "besseli", "bessel_k": "besselk",
    "spherical_jn": "jn", "spherical_yn": "yn", "polylog": "polylog", "lambertw": "LambertW",
    "ellipk": "elliptic_k", "ellipe": "elliptic_e", "ellippi": "elliptic_pi",
    "ellipkinc": "elliptic_f", "ellipeinc": "elliptic_e",
}  # fmt: skip


def symbol_of(node: Node) -> Any:
    """The symbol for an input: plain for a real value, declared complex for a complex one.

    The parts z.real and z.imag of a split complex input are re(z) and im(z).
    """
    name = node.attrs[0]
    base, _, part = name.rpartition(".")
    if part in ("real", "imag") and base:
        return unevaluated(_CLASSES[part], sympy.Symbol(base, complex=True))
    return sympy.Symbol(name, complex=True) if node.dtype == "complex" else sympy.Symbol(name)


def to_sympy(graph: Graph, symbols: Mapping[str, Any] | None = None) -> list[Any]:
    """The outputs of a graph as expressions, exactly as written.

    symbols  what to write for the inputs, by name
    """
    return _Writer(graph, symbols).outputs()


def replacements(graph: Graph, symbols: Mapping[str, Any] | None = None) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """A program as sympy.cse returns one: (symbol, expression) for each value that is used again, and the outputs."""
    uses = graph.uses()
    again = [n for n in graph.operations() if n.op != "sincos" and (uses[n] > 1 or n in graph.names)]
    writer = _Writer(graph, symbols, again)
    outputs = writer.outputs()
    return writer.replaced, outputs


class _Writer:
    """Writes one graph, node by node in order."""

    def __init__(self, graph: Graph, symbols: Mapping[str, Any] | None, again: Iterable[Node] = ()) -> None:
        self.graph = graph
        self.symbols = dict(symbols or {})
        self.uses = graph.uses()
        self.made: dict[Node, Any] = {}
        self.replaced: list[tuple[Any, Any]] = []
        self.names = _names(graph, list(again))
        self.chains: dict[Node, list[Any]] = {}
        self.absorbed = _absorbed(graph, set(self.names))

    def outputs(self) -> list[Any]:
        for n in self.graph.order:
            self._write(n)
        return [abridged(self.made[n]) for n in self.graph.outputs]

    def _write(self, n: Node) -> None:
        family = _FAMILY.get(n.op)
        if family:
            chain = self._chain(n)
            if n in self.absorbed:
                self.chains[n] = chain
                return
            expression = family._from_args(chain, is_commutative=True)
            hash(expression)
        else:
            expression = self._expression(n)
        if n in self.names:
            symbol = sympy.Symbol(self.names[n])
            self.replaced.append((symbol, abridged(expression)))
            expression = symbol
        self.made[n] = expression

    def _chain(self, n: Node) -> list[Any]:
        """The terms or factors of a chain, so that a + b + c is one sum."""
        first, second = n.args
        chain = self.chains.pop(first, None)
        if chain is None:
            chain = [self.made[first]]
        term = self.made[second]
        chain.append(_minus(term) if n.op == "sub" else term)
        return chain

    def _expression(self, n: Node) -> Any:
        if n.op == "input":
            return self.symbols.get(n.attrs[0]) or symbol_of(n)
        if n.op == "const":
            return _number(n)
        if n.op == "batch_size":
            return sympy.Function("batch_size")(*[sympy.Symbol(axis) for axis in n.attrs if axis != "batch"])
        args = [self.made[a] for a in n.args]
        if n.op in _CLASSES:
            return unevaluated(_CLASSES[n.op], *args)
        if n.op == "select":
            return _select(args[0], args[1], args[2], joined=self.uses[n.args[2]] == 1)
        if n.op not in _RULES:
            raise ValueError(f"{n.op!r} has no form in sympy: it belongs to a stage of the optimiser")
        return _RULES[n.op](n, *args)


_FAMILY = {"add": sympy.Add, "sub": sympy.Add, "mul": sympy.Mul}


def _absorbed(graph: Graph, named: set[Node]) -> set[Node]:
    """The nodes that are written as the head of the one longer chain that uses them."""
    uses = graph.uses()
    absorbed = set()
    for n in graph.order:
        family = _FAMILY.get(n.op)
        head = n.args[0] if family else None
        if head is not None and uses[head] == 1 and head not in named and _FAMILY.get(head.op) is family:
            absorbed.add(head)
    return absorbed


def _names(graph: Graph, nodes: list[Node]) -> dict[Node, str]:
    """Distinct names: the user's where there is one, else t0, t1, ..."""
    names: dict[Node, str] = {}
    taken = {n.attrs[0] for n in graph.inputs} | {graph.names[n] for n in nodes if n in graph.names}
    number = 0
    for n in nodes:
        if n in graph.names:
            names[n] = graph.names[n]
            continue
        while f"t{number}" in taken:
            number += 1
        names[n] = f"t{number}"
        number += 1
    return names


def _number(n: Node) -> Any:
    value = n.attrs[0]
    if n.dtype == "bool":
        return sympy.true if value else sympy.false
    if isinstance(value, Fraction):
        return CONSTANTS.get(value) or sympy.Rational(value.numerator, value.denominator)
    return sympy.sympify(value)


def _parameter(value: Any) -> Any:
    return sympy.Rational(value.numerator, value.denominator)


def _special_class(name: str) -> Any:
    """sympy's class for a special function, which says the same with the same arguments; else one of its name."""
    return getattr(sympy, _SPECIAL[name]) if name in _SPECIAL else sympy.Function(name)


def _minus(term: Any) -> Any:
    if term.is_Number:
        return -term
    if not isinstance(term, sympy.Mul):
        return unevaluated(sympy.Mul, sympy.S.NegativeOne, term)
    first, *rest = term.args
    if first.is_Number:  # a negative one would be read as a sum of positive terms
        return unevaluated(sympy.Mul, *((-first, *rest) if first.is_positive else (sympy.S.NegativeOne, term)))
    return unevaluated(sympy.Mul, sympy.S.NegativeOne, *term.args)


def _div(n: Node, x: Any, y: Any) -> Any:
    inverse = unevaluated(sympy.Pow, y, sympy.S.NegativeOne)
    return inverse if x is sympy.S.One else unevaluated(sympy.Mul, x, inverse)


def _complex(n: Node, re: Any, im: Any) -> Any:
    part = sympy.I if im is sympy.S.One else unevaluated(sympy.Mul, sympy.I, im)  # sqrt(x + 0*I) is not sqrt(x)
    return part if re is sympy.S.Zero else unevaluated(sympy.Add, re, part)


def _select(condition: Any, x: Any, y: Any, joined: bool) -> Any:
    """A case distinction; `joined` to another that is its last case."""
    if joined and isinstance(y, sympy.Piecewise):
        rest = y.args
    else:
        rest = (sympy.Basic.__new__(ExprCondPair, y, sympy.true),)
    return unevaluated(sympy.Piecewise, sympy.Basic.__new__(ExprCondPair, x, condition), *rest)


_RULES: dict[str, Callable[..., Any]] = {
    "div": _div,
    "neg": lambda n, x: _minus(x),
    "sqrt": lambda n, x: unevaluated(sympy.Pow, x, sympy.S.Half),
    "power": lambda n, x: unevaluated(sympy.Pow, x, sympy.Rational(Fraction(n.attrs[0]))),
    "pow": lambda n, x, y: unevaluated(sympy.Pow, x, y),
    "complex": _complex,
    "keep": lambda n, x: unevaluated(sympy.UnevaluatedExpr, x),
    "special": lambda n, *xs: unevaluated(_special_class(n.attrs[0]), *map(_parameter, n.attrs[1:]), *xs),
    "sincos": lambda n, x: (unevaluated(sympy.sin, x), unevaluated(sympy.cos, x)),
    "item": lambda n, pair: pair[n.attrs[0]],
}
