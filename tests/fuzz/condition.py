"""Where a formula can be judged: how far rounding may move its results, and where mpmath has the right ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np

from symhep.checking.evaluate import Tape, TooLarge, _numpy_function, precision, rounded
from symhep.graph import Graph
from tests.fuzz.checks import Columns, Values


def spread(graph: Graph, columns: Columns, dtype: np.dtype, draws: int = 8) -> tuple[list[Any], list[Any]]:
    """Values of the outputs in double precision, and how far rounding in the working precision may move them.

    Every result is changed at random by about 2**16 roundings (16 of float32), and what comes of it scaled back.
    """
    rng = np.random.default_rng(1)
    eps = float(np.finfo(dtype).eps)
    size = eps * (2**16 if dtype.itemsize == 8 else 16)
    values: Values = {}
    with np.errstate(all="ignore"):
        for n in graph.order:
            if n.op == "input":
                x = np.asarray(columns[n.attrs[0]])
                values[n] = x.astype(np.result_type(x, np.float64)) if x.dtype.kind != "b" else x
                continue
            if n.op == "const":
                values[n] = bool(n.attrs[0]) if n.dtype == "bool" else float(rounded(n.attrs[0], np.float64))
                if n.dtype == "bool" or float(rounded(n.attrs[0], dtype)) == n.attrs[0]:
                    continue
            else:
                values[n] = _numpy_function(n)(*[values[a] for a in n.args])
            if n.dtype != "bool" and n.op not in ("neg", "abs", "select", "minimum", "maximum", "keep", "real", "imag"):
                values[n] = _shaken(values[n], size, draws, rng)
    middle, moved = [], []
    for n in graph.outputs:
        x = np.asarray(values[n])
        rows = x if x.ndim == 2 else x[None]
        middle.append(rows[0])
        with np.errstate(all="ignore"):
            most = None if n.dtype == "bool" else np.max(np.abs(rows[1:] - rows[:1]), axis=0, initial=0)
            moved.append(None if most is None else np.where(most > np.abs(rows[0]) / 16, np.inf, most * (eps / size)))
    return middle, moved


def _shaken(x: Any, size: float, draws: int, rng: np.random.Generator) -> Any:
    """The value with rows of random changes; row 0 is unchanged."""
    if isinstance(x, tuple):
        return tuple([_shaken(v, size, draws, rng) for v in x])
    x = np.asarray(x)
    shape = (draws + 1, x.shape[-1] if x.ndim else 1)
    change = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1, shape)
    if x.dtype.kind == "c":
        change = change + 1j * rng.choice([-1.0, 1.0], shape)
    change[0] = 0
    return x * (1 + size * change)


def right_values(graph: Graph, point: Mapping[str, Any], dtype: np.dtype, digits: int = 60) -> list[Any] | None:
    """The outputs in high precision, complex ones as pairs; None where the floats may well be others.

    That is where an intermediate value is beyond the floats, or so close to a jump that rounding decides, or a zero has
    a sign that matters on a branch cut.
    """
    tape, info = Tape(graph), np.finfo(dtype)
    with precision(digits):
        try:
            values = tape.run(point)
        except (TooLarge, OverflowError):
            return None
        for x in values:
            if isinstance(x, (mpmath.mpf, mpmath.mpc)) and x != 0 and not float(info.tiny) < abs(x) < float(info.max):
                return None
        if any(isinstance(x, mpmath.mpc) and (x.real == 0 or x.imag == 0) for x in values):
            return None
        for kind, i, j in tape.branches:
            x = values[i]
            y = values[j] if kind == "compare" else mpmath.nint(x) if kind == "round" else mpmath.mpf(0)
            if abs(x - y) <= 1e-3 * max(abs(x), abs(y)):
                return None
        return tape.parts(values)


def meaningful(graph: Graph, point: Mapping[str, Any]) -> bool:
    """Whether mpmath's values are those of the formula.

    No complex value is infinite: mpmath's functions do not expect it. No value is all rounding: sin(pi) is not zero,
    and what it is divided by is not either, until it is rewritten.
    """
    tape, runs = Tape(graph), []
    for digits in (60, 30):
        with precision(digits):
            try:
                runs.append(tape.run(point))
            except (TooLarge, OverflowError):
                return False
    literals = {i for i, _, _ in tape.constants}
    for i, (x, rough) in enumerate(zip(*runs)):
        if isinstance(x, (mpmath.mpf, mpmath.mpc)) and mpmath.isinf(x) and i not in literals:
            return False
        if isinstance(x, mpmath.mpc) and not mpmath.isfinite(x):
            return False
        if isinstance(x, (mpmath.mpf, mpmath.mpc)) and isinstance(rough, (mpmath.mpf, mpmath.mpc)):
            parts = ((x.real, rough.real), (x.imag, rough.imag))
            if any(mpmath.isfinite(u) and abs(u - v) > abs(u) / 8 for u, v in parts):
                return False
    return True
