"""Graphs of operations: hash-consed nodes, and nothing else.

A `Node` is immutable and is made by a `Builder`, which returns the node it already has when it is asked for the same
operation on the same arguments again: two nodes of one builder are equal exactly when they are the same object. A
`Graph` is a set of outputs over such nodes, with names and provenance kept beside them.

Nothing here recurses, so depth is limited by memory alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symhep.ops import OPS, REDUCTIONS

Number = int | float | Fraction
Axes = frozenset[str]

BATCH: Axes = frozenset({"batch"})
CONSTANT: Axes = frozenset()

_MASK = (1 << 64) - 1


class Node:
    """One operation.

    op     a row of the operation table
    args   the nodes it is applied to
    attrs  constants that belong to the operation (hashable; may hold a Graph)
    dtype  "real", "complex", "bool"; the float width is the target's choice
    shape  core shape: integers (fixed axes) and names (runtime axes)
    axes   names of the batch axes that the value varies over; empty for constants and parameters
    key    64-bit hash of the structure: the same for the same formula in every process
    """

    __slots__ = ("args", "attrs", "axes", "dtype", "key", "op", "shape")

    op: str
    args: tuple[Node, ...]
    attrs: tuple
    dtype: str
    shape: tuple[int | str, ...]
    axes: Axes
    key: int

    def __repr__(self) -> str:
        attrs = f" {self.attrs}" if self.attrs else ""
        return f"<{self.op}{attrs} {self.dtype} of {len(self.args)}>"


@dataclass(frozen=True, slots=True)
class Where:
    """The line of the user's code that an operation comes from."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def exact(value: Any) -> Number:
    """Return a literal as the exact number it stands for: int where integral, else Fraction or float as written.

    >>> exact(2.0), exact(0.1), exact(Fraction(4, 2))
    (2, 0.1, 2)
    """
    if type(value) is int:
        return value
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else value
    if isinstance(value, float):
        value = float(value)
        if value.is_integer() and abs(value) < 2**53 and not (value == 0 and str(value)[0] == "-"):
            return int(value)
        return value
    return int(value)


def _hash_text(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


_OP_HASH = {name: _hash_text(name) | 1 for name in OPS}


def _attrs_hash(attrs: tuple) -> int:
    return _hash_text(repr(attrs))


def kind_hash(op: str, attrs: tuple, dtype: str) -> int:
    """What the keys of operations that differ in their arguments only start from."""
    h = _OP_HASH[op]
    if attrs:
        h ^= _attrs_hash(attrs)
    return h + 0x9E3779B97F4A7C15 if dtype == "complex" else h


def structure_key(h: int, commutative: bool, args: Sequence[Node]) -> int:
    """The key of an operation, from the hash of its kind and its arguments."""
    args_keys = [a.key for a in args]
    if commutative and args_keys[0] > args_keys[1]:
        args_keys.reverse()
    for k in args_keys:
        h = ((h ^ k) * 0x9FB21C651E98DF25 + 0x2545F4914F6CDD1D) & _MASK
        h ^= h >> 29
    return h


class Builder:
    """Makes nodes, each distinct one once.

    `calls` counts how often each node was asked for: what the user wrote before anything was shared.
    """

    def __init__(self) -> None:
        self._table: dict[tuple, Node] = {}
        self.calls: dict[Node, int] = {}

    def __len__(self) -> int:
        return len(self._table)

    def node(
        self,
        op: str,
        args: tuple[Node, ...] = (),
        attrs: tuple = (),
        *,
        dtype: str | None = None,
        shape: tuple[int | str, ...] = (),
        axes: Axes | None = None,
    ) -> Node:
        """Return the node for this operation, made now or before."""
        entry = (op, args, attrs, dtype)
        found = self._table.get(entry)
        if found is None:
            found = self._make(op, args, attrs, dtype, shape, axes)
            self._table[entry] = found
            self.calls[found] = 1
        else:
            self.calls[found] += 1
        return found

    def _make(self, op: str, args: tuple, attrs: tuple, dtype: str | None, shape: tuple, axes: Axes | None) -> Node:
        n = Node()
        n.op, n.args, n.attrs, n.shape = op, args, attrs, shape
        n.dtype = dtype or _result_dtype(op, args)
        n.axes = union(args) if axes is None else axes
        if axes is None and op in REDUCTIONS:
            n.axes = n.axes - {attrs[0]}
        n.key = structure_key(kind_hash(op, attrs, n.dtype), OPS[op].commutative, args)
        return n

    def input(self, name: str, dtype: str = "real", axes: Axes = BATCH) -> Node:
        """An argument of the program, by its name."""
        return self.node("input", (), (name,), dtype=dtype, axes=axes)

    def const(self, value: Number) -> Node:
        """A real constant, kept exactly as written."""
        value = exact(value)
        # 0.0 and -0.0, and any two NaN, compare the wrong way round as dictionary keys: the text tells them apart
        tag = (value, repr(value)) if isinstance(value, float) else (value,)
        return self.node("const", (), tag, dtype="real", axes=CONSTANT)


def _result_dtype(op: str, args: tuple[Node, ...]) -> str:
    rule = OPS[op].dtype
    if rule != "same":
        return rule
    chosen = args[1:] if op == "select" else args
    kinds = {a.dtype for a in chosen}
    if "complex" in kinds:
        return "complex"
    return "bool" if kinds == {"bool"} and op in ("select", "keep") else "real"


def union(args: Sequence[Node]) -> Axes:
    """The batch axes that any of the nodes varies over."""
    axes = CONSTANT
    for a in args:
        if a.axes is not axes and not a.axes <= axes:
            axes = a.axes if axes <= a.axes else axes | a.axes
    return axes


def is_const(node: Node) -> bool:
    """Whether the node is a literal.

    >>> is_const(Builder().const(2))
    True
    """
    return node.op == "const"


def value_of(node: Node) -> Number:
    """The number of a constant node."""
    return node.attrs[0]


def topological(outputs: Iterable[Node]) -> list[Node]:
    """The nodes that the outputs need, arguments first; the order depends on the structure alone."""
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[tuple[Node, Iterator[Node]]] = []
    for root in outputs:
        if root in seen:
            continue
        seen.add(root)
        stack.append((root, iter(root.args)))
        while stack:
            node, rest = stack[-1]
            for a in rest:
                if a not in seen:
                    seen.add(a)
                    stack.append((a, iter(a.args)))
                    break
            else:
                order.append(node)
                stack.pop()
    return order


@dataclass(slots=True, eq=False)
class Graph:
    """Outputs over hash-consed nodes.

    inputs   the input nodes in the order of the arguments, used or not
    outputs  one node per output component
    names    names that the user gave to intermediates
    where    the user's line for each node that has one
    order    the nodes, arguments first: topological, or the order in which a schedule wants them computed
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    names: dict[Node, str] = field(default_factory=dict)
    where: dict[Node, Where] = field(default_factory=dict)
    order: list[Node] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<graph {self.digest()[:16]}>"

    def __post_init__(self) -> None:
        if not self.order:
            self.order = topological(self.outputs)

    def operations(self) -> list[Node]:
        """The nodes that are neither inputs nor constants, in order."""
        return [n for n in self.order if n.op != "input" and n.op != "const"]

    def uses(self) -> dict[Node, int]:
        """How often each node is used, as an argument or as an output."""
        count = dict.fromkeys(self.order, 0)
        for n in self.order:
            for a in n.args:
                count[a] += 1
        for n in self.outputs:
            count[n] += 1
        return count

    def to_bytes(self) -> bytes:
        """The canonical form (`symhep/caching/serial.py`): equal for equal programs, whatever process built them."""
        from symhep.caching.serial import to_bytes

        return to_bytes(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Graph:
        """Rebuild a graph from its canonical form; raises ValueError if another version wrote it."""
        from symhep.caching.serial import from_bytes

        return from_bytes(data)

    def digest(self) -> str:
        """A content hash of the canonical form."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def __reduce__(self):
        return Graph.from_bytes, (self.to_bytes(),)


Rule = Callable[[Builder, Node, tuple[Node, ...]], Node]


def rewrite(graph: Graph, rule: Rule, builder: Builder | None = None) -> Graph:
    """Build the graph anew, node by node: `rule(builder, old, new_args)` returns the node that takes old's place."""
    build = builder or Builder()
    new: dict[Node, Node] = {}
    for old in graph.inputs:
        new[old] = build.input(old.attrs[0], old.dtype, old.axes)
    for old in graph.order:
        if old not in new:
            new[old] = rule(build, old, tuple([new[a] for a in old.args]))
    return transfer(graph, new, tuple([new[o] for o in graph.outputs]))


def copy_node(build: Builder, old: Node, args: tuple[Node, ...]) -> Node:
    """The same operation on new arguments."""
    dtype = old.dtype if old.op in ("const", "input") else None
    return build.node(old.op, args, old.attrs, dtype=dtype, shape=old.shape, axes=None if args else old.axes)


def transfer(graph: Graph, new: dict[Node, Node], outputs: Sequence[Node]) -> Graph:
    """A graph of new outputs that carries over inputs, names and provenance through the map old → new."""
    names = {new[n]: name for n, name in graph.names.items() if n in new}
    where: dict[Node, Where] = {}
    for n, line in graph.where.items():
        if n in new:
            where.setdefault(new[n], line)
    return Graph(tuple([new[i] for i in graph.inputs]), tuple(outputs), names, where)
