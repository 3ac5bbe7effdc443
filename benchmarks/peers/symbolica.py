"""Symbolica: an evaluator with its just-in-time compiler, called with all events; derivatives by its derivative().

Without a licence it runs on one core, which is all that is used here. The expressions come from the function, called
with Symbolica's symbols. Operations: of the evaluator's instructions.
"""

from __future__ import annotations

import os

from benchmarks.peers.cases import Case
from benchmarks.peers.pairs import FUNCTIONS, pairs, trace
from benchmarks.peers.program import Program, of_table
from symhep.count import multiplications


def prepare() -> None:
    os.environ["SYMBOLICA_HIDE_BANNER"] = "1"
    import symbolica

    symbolica.E("1")


def build(case: Case, derivatives: bool) -> Program:
    from symbolica import E, Expression, S

    number = pairs({name: lambda x, name=name: getattr(x, name)() for name in FUNCTIONS})
    symbols = [S(name) for name in case.names]
    results = [E(str(r)) if isinstance(r, (int, float)) else r for r in trace(case.function, number, symbols)]
    if derivatives:
        results += [result.derivative(symbols[i]) for result in results for i in case.by]
    evaluator = Expression.evaluator_multiple(results, symbols, n_cores=1)
    return of_table(case, evaluator.evaluate, lambda: operations(evaluator.get_instructions()))


def operations(instructions) -> int:
    """By symhep's counting rule; a sum of n terms is n - 1 additions."""
    return sum(_operations(*line) for line in instructions.instructions)


def _operations(kind: str, *rest) -> int:
    if kind in ("add", "mul"):
        return len(rest[1]) - 1
    if kind == "pow":
        exponent = rest[2]
        return multiplications(abs(exponent)) + (exponent < 0)
    return 0 if kind in ("assign", "neg") else 1
