"""What a package makes of a formula, and what the modules of the packages share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.inputs import Columns
from benchmarks.peers.cases import Case


@dataclass(frozen=True)
class Program:
    """A compiled formula, with or without its derivatives.

    run         columns and values of parameters in: what the package gives
    rows        gives the same as a list: all values, then for each value its derivatives; an array of events each, or
                one number where the case is a total
    operations  operations per event of the program that runs, by the counting rule of `symhep report`
    """

    run: Callable[[Columns, np.ndarray], Any]
    rows: Callable[[Any], Sequence[Any]]
    operations: Callable[[], int]


def broadcast(case: Case, columns: Columns, parameters: np.ndarray) -> np.ndarray:
    """All arguments of all events as one array (events, arguments), for packages that take nothing else."""
    made = np.empty((len(columns[0]), len(columns) + len(parameters)))
    for i, column in enumerate(columns):
        made[:, i] = column
    made[:, len(columns) :] = parameters
    return made


def of_table(case: Case, evaluate: Callable[[np.ndarray], np.ndarray], operations: Callable[[], int]) -> Program:
    """A program of a function from (events, arguments) to (events, results); the table is made beforehand."""
    made: dict[int, np.ndarray] = {}

    def run(columns: Columns, parameters: np.ndarray) -> np.ndarray:
        key = id(columns)
        if key not in made:
            made.clear()
            made[key] = broadcast(case, columns, parameters)
        results = evaluate(made[key])
        return results.sum(axis=0) if case.total else results

    return Program(run, lambda results: results.T, operations)
