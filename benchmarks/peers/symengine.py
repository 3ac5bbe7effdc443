"""SymEngine: Lambdify with the LLVM backend and cse=True, called with all events; derivatives by its diff.

The expressions come from the function, called with SymEngine's symbols. Operations: of the same cse.
"""

from __future__ import annotations

import numpy as np

from benchmarks import sympy_route
from benchmarks.peers.cases import Case
from benchmarks.peers.pairs import of_module, trace
from benchmarks.peers.program import Program, of_table


def build(case: Case, derivatives: bool) -> Program:
    import symengine

    symbols = [symengine.Symbol(name) for name in case.names]
    results = [symengine.sympify(r) for r in trace(case.function, of_module(symengine), symbols)]
    if derivatives:
        results += [result.diff(symbols[i]) for result in results for i in case.by]
    function = symengine.Lambdify(symbols, results, backend="llvm", cse=True)

    def evaluate(table: np.ndarray) -> np.ndarray:
        return function(table).reshape(len(table), len(results))

    def operations() -> int:
        replacements, reduced = symengine.cse(results)
        return sum(sympy_route.operations(str(e)) for e in (*(e for _, e in replacements), *reduced))

    return of_table(case, evaluate, operations)
