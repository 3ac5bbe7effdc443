"""What C and CUDA have in common: a text for every operation, names, literals, and the statements of a program.

Every statement is one IEEE operation in the working type, in the order of the program; a compiler that neither
contracts nor reassociates keeps the bits that NumPy gives. In the texts {f} is the suffix of a function of the working
type, {0} {1} {2} are operands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from symhep.graph import Graph, Node, is_const, value_of
from symhep.ops import ELEMENTARY_COST, LOGIC, OPS
from symhep.targets import numpy as python

# What the table of operations and the instruction lists have in common
COMMON = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "sqrt": "sqrt{f}({0})",
    "abs": "fabs{f}({0})",
    "copysign": "copysign{f}({0}, {1})",
    "floor": "floor{f}({0})",
    "trunc": "trunc{f}({0})",
    "rint": "rint{f}({0})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "{0} & {1}",
    "or": "{0} | {1}",
    "not": "!{0}",
    "select": "{0} ? {1} : {2}",
}

# One text per operation of a lowered program, with the names of libm and CUDA; {sine} and {cosine} are where the
# results of sincos go.
TEXTS: dict[str, str] = {
    **COMMON,
    "minimum": "({0} < {1}) | ({0} != {0}) ? {0} : {1}",
    "maximum": "({0} > {1}) | ({0} != {0}) ? {0} : {1}",
    "ceil": "ceil{f}({0})",
    "sincos": "sincos{f}({0}, &{sine}, &{cosine})",
    "keep": "{0}",
    **{
        name: f"{name}{{f}}({', '.join(f'{{{k}}}' for k in range(row.arity or 0))})"
        for name, row in OPS.items()
        if row.cost == ELEMENTARY_COST and name != "power"
    },
}

_KEYWORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const constexpr const_cast
    continue default delete do double dynamic_cast else enum explicit export extern false final float for friend goto
    if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq override private protected
    public register reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast
    struct switch template this thread_local throw true try typedef typeid typename typeof union unsigned using virtual
    void volatile wchar_t while xor xor_eq main real size_t unix linux INFINITY NAN NULL EOF errno
    gridDim blockDim blockIdx threadIdx far
""".split()
_CALLED = re.compile(r"(\w+)\{f\}")
FUNCTIONS = {f for text in TEXTS.values() for f in _CALLED.findall(text)}
_RESERVED = frozenset({*_KEYWORDS, *FUNCTIONS, *[f"{name}f" for name in FUNCTIONS]})


def identifier(name: str) -> str:
    """A name that C, C++ and CUDA accept: Greek letters are spelled out, what is reserved gets an underscore.

    >>> identifier("p[0]"), identifier("η"), identifier("double"), identifier("exp")
    ('p_0', 'eta', 'double_', 'exp_')
    """
    text = python.identifier("".join(c if c.isascii() else _spelled(c) for c in name))
    text = text if text.isascii() else re.sub(r"\W", "_", text, flags=re.ASCII)
    text = text.lstrip("_") or "x"  # names that start so belong to the implementation
    text = re.sub("__+", "_", text)
    return f"{text}_" if text in _RESERVED or text[0].isdigit() else text


def _spelled(letter: str) -> str:
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return plain or unicodedata.name(letter, "x").split(" WITH ")[0].split(" ")[-1].lower()


def literal(value: Any, dtype: np.dtype) -> str:
    """The text of a constant: a compiler reads it back as the exact number rounded once.

    >>> literal(2, np.dtype(float)), literal(-0.1, np.dtype(np.float32)), literal(float("-inf"), np.dtype(float))
    ('2.0', '(-0.1f)', '(-INFINITY)')
    """
    text = python.literal(value, dtype).replace("np.inf", "INFINITY").replace("np.nan", "NAN")
    text += "f" if np.dtype(dtype) == np.float32 and text[-1].isdigit() else ""
    return f"({text})" if text.startswith("-") else text


class Statements:
    """Writes the operations of one graph as statements.

    names  for every input and operation
    items  for each pair of sine and cosine its parts, by position
    texts  of the operations
    """

    def __init__(self, graph: Graph, dtype: Any) -> None:
        self.graph, self.dtype, self.texts = graph, np.dtype(dtype), TEXTS
        if self.dtype not in (np.float64, np.float32):
            raise TypeError(f"programs run on float64 or float32, not {self.dtype}")
        self.real, self.suffix = ("double", "") if self.dtype == np.float64 else ("float", "f")
        self.taken: set[str] = set()
        self.names = {n: self.local(identifier(text)) for n, text in python.names(graph).items()}
        self.items: dict[Node, dict[int, Node]] = {n: {} for n in graph.order if n.op == "sincos"}
        for n in graph.order:
            if n.op == "item":
                self.items[n.args[0]][n.attrs[0]] = n
        self.values = {n: self.local(f"{self.names[n]}_i") for n in graph.inputs}

    def local(self, name: str) -> str:
        """A name that nothing has."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def value(self, n: Node) -> str:
        """The name of a value; that of an input is not that of its column."""
        return self.values[n] if n.op == "input" else self.names[n]

    def operand(self, n: Node, truth: bool = False) -> str:
        """The text of an operand, as a truth value or as a number."""
        if is_const(n):
            if truth:
                return "true" if value_of(n) else "false"
            return literal(int(value_of(n)) if n.dtype == "bool" else value_of(n), self.dtype)
        text = self.value(n)
        if truth == (n.dtype == "bool"):
            return text
        return f"({text} != 0)" if truth else f"({self.real}){text}"

    def stored(self, n: Node) -> str:
        """A result as it is written into a column: truth values as 0 and 1."""
        return self.operand(n)

    def declared(self, n: Node, text: str) -> str:
        return f"const {'bool' if n.dtype == 'bool' else self.real} {self.value(n)} = {text};"

    def load(self, n: Node, text: str) -> str:
        """The statement that reads an input."""
        return self.declared(n, f"{text} != 0" if n.dtype == "bool" else text)

    def lines(self, nodes: Iterable[Node]) -> list[str]:
        """The statements of operations; inputs and constants have none, and the items of a pair come with it."""
        return [line for n in nodes if n.op not in ("input", "const", "item") for line in self._operation(n)]

    def _operation(self, n: Node) -> list[str]:
        text = self.texts.get(n.op)
        if text is None:
            raise ValueError(f"a program for a target may not hold {n.op!r}: lower the graph first")
        operands = [self.operand(a, truth) for a, truth in zip(n.args, _truths(n))]
        if n.op != "sincos":
            return [self.declared(n, text.format(*operands, f=self.suffix))]
        items = self.items[n]
        sine, cosine = (self.value(items[k]) if k in items else self.local("unused") for k in range(2))
        call = text.format(*operands, f=self.suffix, sine=sine, cosine=cosine)
        return [f"{self.real} {sine}, {cosine};", f"{call};"]


def _truths(n: Node) -> Sequence[bool]:
    """For each operand of a node, whether it is wanted as a truth value."""
    if n.op in LOGIC:
        return [True] * len(n.args)
    if n.op == "select":
        return [True, n.dtype == "bool", n.dtype == "bool"]
    if n.op == "keep":
        return [n.dtype == "bool"]
    return [n.op in ("eq", "ne") and all(a.dtype == "bool" for a in n.args)] * len(n.args)


def indented(lines: Iterable[str], depth: int = 1) -> list[str]:
    """Lines further to the right."""
    return [f"{'    ' * depth}{line}" if line else line for line in lines]
