"""Graphs as bytes: what is hashed for the keys of the cache, and what a pickle holds."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from symhep.garbage import collection_paused
from symhep.graph import BATCH, Graph, Node, kind_hash, structure_key
from symhep.ops import OPS

_FORMAT = 2


def to_bytes(graph: Graph) -> bytes:
    """The canonical form: equal for equal programs, whatever process built them.

    Nodes are numbered, inputs first, then in `order`; what many have in common is told once.
    """
    index: dict[Node, int] = {}
    kinds: dict[tuple, int] = {}
    node_kinds: list[int] = []
    args: list[int] = []
    for n in (*graph.inputs, *graph.order):
        if n in index:
            continue
        index[n] = len(index)
        attrs = json.dumps(_encode(n.attrs)) if n.attrs else "[]"  # as text: 1, 1.0 and True are equal as keys
        kind = (n.op, len(n.args), attrs, n.dtype, n.shape, n.axes)
        node_kinds.append(kinds.setdefault(kind, len(kinds)))
        args += [index[a] for a in n.args]
    form = {
        "format": _FORMAT,
        "kinds": [[op, arity, attrs, dtype, shape, sorted(axes)] for op, arity, attrs, dtype, shape, axes in kinds],
        "nodes": node_kinds,
        "args": args,
        "inputs": [index[n] for n in graph.inputs],
        "outputs": [index[n] for n in graph.outputs],
        "names": sorted([index[n], name] for n, name in graph.names.items() if n in index),
        "order": [index[n] for n in graph.order],
    }
    return json.dumps(form, separators=(",", ":")).encode()


def from_bytes(data: bytes) -> Graph:
    """Rebuild a graph from its canonical form; raises ValueError if another version wrote it."""
    form = json.loads(data)
    if form["format"] != _FORMAT:
        raise ValueError(f"this graph was written in format {form['format']}; this version reads {_FORMAT}")
    kinds = [_kind(*row) for row in form["kinds"]]
    with collection_paused():
        nodes = _nodes(form["nodes"], form["args"], kinds)
    return Graph(
        tuple([nodes[i] for i in form["inputs"]]),
        tuple([nodes[i] for i in form["outputs"]]),
        names={nodes[i]: name for i, name in form["names"]},
        order=[nodes[i] for i in form["order"]],
    )


def _encode(value: Any) -> Any:
    """JSON for an attribute: numbers exactly, tuples as lists, nested graphs by their own canonical form."""
    if isinstance(value, tuple):
        return [_encode(v) for v in value]
    if isinstance(value, Graph):
        return {"graph": value.to_bytes().decode()}
    if isinstance(value, Fraction):
        return {"fraction": [str(value.numerator), str(value.denominator)]}
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"int": str(value)}
    return value


def _nodes(numbers: list[int], args: list[int], kinds: list[tuple]) -> list[Node]:
    """Nodes from the number of the kind of each, and the numbers of the arguments of all."""
    nodes: list[Node] = []
    start = 0
    for number in numbers:
        n = Node()
        n.op, arity, n.attrs, n.dtype, n.shape, n.axes, h, commutative = kinds[number]
        stop = start + arity
        n.args = tuple([nodes[i] for i in args[start:stop]])
        n.key = structure_key(h, commutative, n.args)
        nodes.append(n)
        start = stop
    return nodes


def _kind(op: str, arity: int, attrs: str, dtype: str, shape: list, axes: list[str]) -> tuple:
    """What nodes of one kind have in common, with the hash that their keys start from."""
    values = _decode(json.loads(attrs))
    varies = BATCH if axes == ["batch"] else frozenset(axes)
    return op, arity, values, dtype, tuple(shape), varies, kind_hash(op, values, dtype), OPS[op].commutative


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple([_decode(v) for v in value])
    if isinstance(value, dict):
        ((kind, content),) = value.items()
        if kind == "graph":
            return Graph.from_bytes(content.encode())
        if kind == "fraction":
            return Fraction(int(content[0]), int(content[1]))
        return float.fromhex(content) if kind == "float" else int(content)
    return value
