"""A graph as networkx sees it: for drawing, paths, cuts and other algorithms; what symhep works on is `graph.py`."""

from __future__ import annotations

import networkx

from symhep.graph import Graph, Node, is_const, value_of

_SYMBOLS = {
    "add": "+",
    "sub": "−",
    "mul": "×",
    "div": "÷",
    "neg": "−",
    "sqrt": "√",
    "lt": "<",
    "le": "≤",
    "eq": "=",
    "ne": "≠",
}


def digraph(graph: Graph) -> networkx.DiGraph:
    """The nodes of a graph, inputs first, in the order in which they are computed; edges lead from arguments to users.

    Node attributes:

    op       the row of the operation table
    label    what to draw: an input's name, a constant's value, the operation's symbol
    name     the name that the user gave it, or None
    where    the user's line as file:line, or None
    dtype    "real", "complex" or "bool"
    attrs    constants that belong to the operation
    outputs  which results it is, by position

    Edges have `positions`, the places that the value has among the user's arguments: (0, 1) for x in x*x.

    >>> from symhep.tracing.trace import trace
    >>> view = digraph(trace(lambda x, y: x * x + y).graph)
    >>> [view.nodes[n]["label"] for n in view], view.edges[0, 2]["positions"]
    (['x', 'y', '×', '+'], (0, 1))
    """
    number = {n: i for i, n in enumerate(dict.fromkeys([*graph.inputs, *graph.order]))}
    results: dict[Node, tuple[int, ...]] = {}
    for i, n in enumerate(graph.outputs):
        results[n] = (*results.get(n, ()), i)
    view = networkx.DiGraph()
    for n, i in number.items():
        view.add_node(i, **_described(graph, n), outputs=results.get(n, ()))
    for n, i in number.items():
        for a in dict.fromkeys(n.args):
            view.add_edge(number[a], i, positions=tuple([k for k, b in enumerate(n.args) if b is a]))
    return view


def _described(graph: Graph, n: Node) -> dict:
    line = graph.where.get(n)
    return {
        "op": n.op,
        "label": _label(n),
        "name": graph.names.get(n),
        "where": None if line is None else str(line),
        "dtype": n.dtype,
        "attrs": n.attrs,
    }


def _label(n: Node) -> str:
    if n.op == "input":
        return n.attrs[0]
    if is_const(n):
        return str(bool(value_of(n)) if n.dtype == "bool" else value_of(n))
    if n.op == "item":
        return ("sin", "cos")[n.attrs[0]]
    return _SYMBOLS.get(n.op, n.op)
