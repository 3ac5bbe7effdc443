"""The functions of traced scalars, by NumPy's name: from the operation table, the expansions and the operators."""

from __future__ import annotations

import operator
from collections.abc import Callable

from symhep.ops import OPS, REDUCTIONS
from symhep.tracing import expansions
from symhep.tracing.refusals import no_bits, no_order

# Operators that know by themselves what to do with booleans and complex numbers
OPERATORS: dict[str, Callable] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negative": operator.neg,
    "absolute": operator.abs,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "invert": operator.invert,
    "conjugate": operator.methodcaller("conjugate"),
}


def _primitive(name: str, op: str) -> Callable:
    """The function that makes one node of the table."""

    def function(*values):
        nodes = tuple([v._node if v._node.dtype != "bool" else expansions.number(v)._node for v in values])
        if real_only and any(n.dtype == "complex" for n in nodes):
            raise no_order(name)
        return values[0]._recorder.apply(op, nodes)

    real_only = OPS[op].dtype == "real"
    return function


def _expansion(name: str, expand: Callable) -> Callable:
    """The function that NumPy's name is expanded by."""

    def function(*values):
        values = tuple([v if logical else expansions.number(v) for v in values])
        if real_only and any(v._node.dtype == "complex" for v in values):
            raise no_order(name)
        return expand(*values)

    logical, real_only = name.startswith("logical"), name in expansions.REAL_ONLY
    return function


def _bitwise(name: str, combine: Callable) -> Callable:
    def function(*values):
        if any(v.kind != "bool" for v in values):
            raise no_bits(name)
        return combine(*values)

    return function


def _table() -> dict[str, Callable]:
    own = {"pow", "select", "and", "or", "not", "real", "imag", "conj"}
    own |= REDUCTIONS
    rows = {row.numpy.removeprefix("numpy."): row.name for row in OPS.values() if row.numpy and row.name not in own}
    table = {name: _primitive(name, op) for name, op in rows.items()}
    table |= {name: _expansion(name, expand) for name, expand in expansions.EXPANSIONS.items()}
    table |= OPERATORS
    for name, combine in (("and", operator.and_), ("or", operator.or_), ("xor", operator.xor)):
        table[f"bitwise_{name}"] = _bitwise(f"bitwise_{name}", combine)
    return table


FUNCTIONS = _table()
