"""sympy: lambdify(cse=True) for NumPy, called with whole columns; derivatives by sympy's diff.

The expressions come from the function, called with real symbols, real and imaginary parts kept apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from benchmarks import sympy_route
from benchmarks.inputs import Columns
from benchmarks.peers import counting
from benchmarks.peers.cases import Case
from benchmarks.peers.pairs import of_module, trace
from benchmarks.peers.program import Program


def build(case: Case, derivatives: bool) -> Program:
    symbols, results = expressions(case)
    if derivatives:
        results += [result.diff(symbols[i]) for result in results for i in case.by]
    function = lambdified(symbols, results, "numpy")
    made = sympy_route.Program(function, len(results))

    def run(columns: Columns, parameters: np.ndarray) -> list[Any]:
        found = function(*columns, *parameters)
        return [np.sum(np.broadcast_to(row, columns[0].shape)) for row in found] if case.total else found

    return Program(run, list, lambda: operations(case, made))


def operations(case: Case, program: sympy_route.Program) -> int:
    """Of the text of the lambdified function."""
    before, result = program.body
    return counting.per_event([*before, f"results = {result}"], case.columns)


def expressions(case: Case) -> tuple[list[sympy.Symbol], list[sympy.Expr]]:
    """The arguments as symbols, and the results."""
    symbols = [sympy.Symbol(name, real=True) for name in case.names]
    return symbols, [sympy.sympify(r) for r in trace(case.function, of_module(sympy), symbols)]


def lambdified(symbols: list[sympy.Symbol], results: list[sympy.Expr], modules: Any) -> Any:
    return sympy.lambdify(symbols, results, modules=modules, cse=True, docstring_limit=0)
