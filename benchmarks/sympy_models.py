"""Loading an amplitude model that is one sympy expression: reading it, and the passes of effort "fast".

    python -m benchmarks.sympy_models [--quick] [--sympy]

The model of benchmarks/derivatives.py. It is read as sympy made it, with shared objects, and as a tree in which each
subexpression is an object of its own. --sympy times sympy's own way too: cse, then lambdify for NumPy.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import sympy

import symhep as sh
from benchmarks.derivatives import amplitude_model


def seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    """How long a call takes, and what it returns."""
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def as_tree(expr: Any) -> Any:
    """The expression with a copy of its own wherever a part is shared."""
    if not expr.args:
        return expr
    made = sympy.Basic.__new__(type(expr), *[as_tree(a) for a in expr.args])
    if expr.is_Add or expr.is_Mul or expr.is_Pow:
        made.is_commutative = True
    return made


def rows(resonances: int, helicities: int, with_sympy: bool) -> None:
    """Print the lines of one model."""
    making, (model, data, parameters) = seconds(lambda: amplitude_model(resonances, helicities))
    operations = int(sympy.count_ops(model))
    print(f"{operations} sympy operations, made by sympy in {making:.1f} s")
    symbols = [*data, *parameters]
    for name, expr in (("shared", model), ("as a tree", as_tree(model))):
        reading, kernel = seconds(lambda expr=expr: sh.compile(expr, symbols, effort="fast"))
        passes, count = seconds(kernel.count)
        times = f"read {reading:6.2f} s   passes {passes:6.2f} s   both {reading + passes:6.2f} s"
        print(f"  {name:10s} {times}   {count.total} operations")
    if with_sympy:
        taken, (replaced, _) = seconds(lambda: sympy.cse(model))
        route, _ = seconds(lambda: sympy.lambdify(symbols, model, cse=True))
        print(
            f"  sympy      cse {taken:.1f} s ({len(replaced)} replacements)   cse + lambdify {route:.1f} s", flush=True
        )


if __name__ == "__main__":
    sh.compile(sympy.Symbol("x") ** 2, [sympy.Symbol("x")], effort="fast").count()  # modules are loaded
    for size in ((3, 2),) if "--quick" in sys.argv else ((25, 14), (40, 28)):
        rows(*size, "--sympy" in sys.argv)
