"""Traced values inside sympy: a symbol stands for each, and what sympy makes of it is read back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from symhep.tracing.refusals import refusal

if TYPE_CHECKING:
    from symhep.graph import Node
    from symhep.tracing.recorder import Recorder


def symbol_of(recorder: Recorder, node: Node) -> Any:
    """The symbol that stands for a node."""
    import sympy

    if node.dtype == "bool":
        raise refusal("a condition inside sympy", "np.where(condition, a, b)")
    for symbol, known in recorder.symbols.items():
        if known is node:
            return symbol
    kind = {"complex": True} if node.dtype == "complex" else {"real": True}
    symbol = sympy.Symbol(f"traced_{len(recorder.symbols)}", **kind)
    recorder.symbols[symbol] = node
    return symbol


def is_expression(value: Any) -> bool:
    """Whether a value is a scalar sympy expression; sympy need not be installed."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.Expr)


def node_of_expression(recorder: Recorder, expression: Any) -> Node:
    """Write a sympy expression down as operations on the nodes that its symbols stand for."""
    from symhep.symbolic.reading import from_sympy
    from symhep.tracing.trace import inline

    symbols = sorted(expression.free_symbols, key=str)
    for symbol in symbols:
        if symbol not in recorder.symbols:
            raise refusal(f"the sympy symbol {symbol} is not a value of this kernel", f"{symbol} as an argument")
    if not symbols:
        return recorder.value(complex(expression) if expression.is_real is False else float(expression))._node
    traced, _ = from_sympy(expression, symbols)
    (node,) = inline(recorder, traced, [recorder.symbols[s] for s in symbols])
    return node
