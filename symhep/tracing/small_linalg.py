"""Linear algebra of small traced matrices, written out in scalar operations."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np

from symhep.tracing.arrays import cells_of, wrap
from symhep.tracing.recorder import Recorder
from symhep.tracing.refusals import refusal

MAX_SIZE = 6


def norm(recorder: Recorder, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """np.linalg.norm: the root of the sum of squares; of vectors also order 1 and infinity."""
    x = wrap(recorder, cells_of(recorder, x))
    vectors = np.ndim(x) == 1 or (axis is not None and np.size(axis) == 1)
    if ord is None or (ord == 2 and vectors) or ord == "fro":
        return np.sqrt(np.sum(_squares(x), axis=axis, keepdims=keepdims))
    if vectors and ord in (1, np.inf):
        return (np.sum if ord == 1 else np.max)(abs(x), axis=axis, keepdims=keepdims)
    raise refusal(f"np.linalg.norm of order {ord}", "the formula")


def _squares(x: Any) -> Any:
    return x.real * x.real + x.imag * x.imag if x.kind == "complex" else x * x


def _square_matrix(recorder: Recorder, a: Any, name: str) -> np.ndarray:
    cells = cells_of(recorder, a)
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1]:
        raise refusal(f"np.linalg.{name} of shape {cells.shape}: one square matrix per event is needed")
    if len(cells) > MAX_SIZE:
        raise refusal(f"np.linalg.{name} of {len(cells)} x {len(cells)} matrices: up to {MAX_SIZE} is supported")
    return cells


class _Minors:
    """Determinants of the leading rows over sets of columns, each computed once."""

    def __init__(self, cells: np.ndarray):
        self.cells = cells
        self.known: dict[tuple[tuple[int, ...], tuple[int, ...]], Any] = {}

    def __call__(self, rows: tuple[int, ...], columns: tuple[int, ...]) -> Any:
        """The determinant of the rows and columns, by expansion along the first of the rows."""
        key = rows, columns
        if key not in self.known:
            self.known[key] = self._expand(*key)
        return self.known[key]

    def _expand(self, rows: tuple[int, ...], columns: tuple[int, ...]) -> Any:
        if len(rows) == 1:
            return self.cells[rows[0], columns[0]]
        total = None
        for i, column in enumerate(columns):
            term = self.cells[rows[0], column] * self(rows[1:], columns[:i] + columns[i + 1 :])
            total = term if total is None else total - term if i % 2 else total + term
        return total


def determinant(recorder: Recorder, a: Any) -> Any:
    """np.linalg.det of one small matrix, by minors that are shared."""
    cells = _square_matrix(recorder, a, "det")
    everything = tuple(range(len(cells)))
    return _Minors(cells)(everything, everything)


def _adjugate(cells: np.ndarray) -> tuple[np.ndarray, Any]:
    """The adjugate and the determinant."""
    n, minors = len(cells), _Minors(cells)
    adjugate = np.empty((n, n), object)
    for i in range(n):
        for j in range(n):
            rows = tuple([r for r in range(n) if r != i])
            columns = tuple([c for c in range(n) if c != j])
            minor = minors(rows, columns)
            adjugate[j, i] = -minor if (i + j) % 2 else minor
    determinant = reduce(add, [cells[0, j] * adjugate[j, 0] for j in range(n)])
    return adjugate, determinant


def inverse(recorder: Recorder, a: Any) -> Any:
    """np.linalg.inv of one small matrix: the adjugate over the determinant."""
    cells = _square_matrix(recorder, a, "inv")
    if len(cells) == 1:
        return 1 / wrap(recorder, cells)
    adjugate, scale = _adjugate(cells)
    return wrap(recorder, adjugate) * (1 / scale)


def solve(recorder: Recorder, a: Any, b: Any) -> Any:
    """np.linalg.solve of one small system, by Cramer's rule."""
    return np.matmul(inverse(recorder, a), wrap(recorder, cells_of(recorder, b)))
