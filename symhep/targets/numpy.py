"""The readable reference: one NumPy statement per operation, over whole columns.

Arithmetic is done operation by operation in the working dtype, so it gives the bits that every other target gives.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import isfinite, isnan
from typing import Any

import numpy as np

from symhep.graph import Graph, Node, Number
from symhep.program import Program
from symhep.targets import sums
from symhep.targets.statements import Statements, defined

BLOCK = 2048  # events at a time: temporaries stay in the cache, and memory stays bounded

# One text per operation of a lowered program; a tuple where there are several results, which `item` picks from.
TEXTS: dict[str, str | tuple[str, ...]] = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "sqrt": "np.sqrt({0})",
    "abs": "np.abs({0})",
    "copysign": "np.copysign({0}, {1})",
    "minimum": "np.minimum({0}, {1})",
    "maximum": "np.maximum({0}, {1})",
    "floor": "np.floor({0})",
    "ceil": "np.ceil({0})",
    "trunc": "np.trunc({0})",
    "rint": "np.rint({0})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "np.logical_and({0}, {1})",
    "or": "np.logical_or({0}, {1})",
    "not": "np.logical_not({0})",
    "select": "np.where({0}, {1}, {2})",
    "exp": "np.exp({0})",
    "expm1": "np.expm1({0})",
    "exp2": "np.exp2({0})",
    "log": "np.log({0})",
    "log1p": "np.log1p({0})",
    "log2": "np.log2({0})",
    "log10": "np.log10({0})",
    "cbrt": "np.cbrt({0})",
    "sin": "np.sin({0})",
    "cos": "np.cos({0})",
    "tan": "np.tan({0})",
    "asin": "np.arcsin({0})",
    "acos": "np.arccos({0})",
    "atan": "np.arctan({0})",
    "atan2": "np.arctan2({0}, {1})",
    "sinh": "np.sinh({0})",
    "cosh": "np.cosh({0})",
    "tanh": "np.tanh({0})",
    "asinh": "np.arcsinh({0})",
    "acosh": "np.arccosh({0})",
    "atanh": "np.arctanh({0})",
    "erf": "erf({0})",
    "pow": "np.power({0}, {1})",
    "sincos": ("np.sin({0})", "np.cos({0})"),
    "keep": "{0}",
    "batch_sum": "real(batch_sum({0}))",
    "batch_max": "real(batch_max({0}))",
    "batch_min": "real(batch_min({0}))",
    "batch_size": "real(len({0}))",
}

_RESERVED = frozenset(
    {"np", "math", "real", "erf", "len", "two_sum", *sums.NAMES, *keyword.kwlist, *keyword.softkwlist}
)
_ERF = "erf = np.vectorize(math.erf, otypes=[real])  # NumPy has none\n"


def available() -> None:
    """Why this target does not work here: it always does."""


def rounded(value: Number, dtype: Any) -> Any:
    """An exact number in a float dtype, rounded once, to nearest and ties to even.

    >>> rounded(Fraction(1, 3), np.float32)
    np.float32(0.33333334)
    """
    real = np.dtype(dtype).type
    if isinstance(value, float) and not isfinite(value):
        return real(value)
    target = Fraction(value)
    with np.errstate(over="ignore", under="ignore"):
        try:
            guess = real(float(value))
        except OverflowError:
            return real(np.copysign(np.inf, 1 if target > 0 else -1))
        if not isinstance(value, Fraction) or real is np.float64 or not np.isfinite(guess):
            return guess
        # by way of float64 a Fraction is rounded twice: its neighbours may be nearer
        near = [np.nextafter(guess, real(-np.inf)), guess, np.nextafter(guess, real(np.inf))]
        return min((x for x in near if np.isfinite(x)), key=lambda x: (abs(Fraction(float(x)) - target), _odd(x)))


def _odd(x: Any) -> int:
    return int(x.view(f"u{x.itemsize}")) & 1


def literal(value: Number, dtype: Any) -> str:
    """The text of a constant: read back in the working dtype, it is the exact number rounded once.

    >>> literal(2, np.float64), literal(0.1, np.float32), literal(float("-inf"), np.float64)
    ('2.0', '0.1', '-np.inf')
    """
    x = rounded(value, dtype)
    if isnan(x):
        return "np.nan"
    if not isfinite(x):
        return "np.inf" if x > 0 else "-np.inf"
    short = repr(float(str(x)))
    return short if type(x)(float(short)) == x else repr(float(x))


def identifier(name: str) -> str:
    """A Python name for an input or intermediate.

    >>> identifier("p[0]"), identifier("z.real"), identifier("lambda")
    ('p_0', 'z_real', 'lambda_')
    """
    text = re.sub(r"\W+", "_", name)
    text = text.rstrip("_") if not name.endswith("_") else text
    if not text or not text.isidentifier():
        text = f"x{text}"
    return f"{text}_" if text in _RESERVED else text


def names(graph: Graph) -> dict[Node, str]:
    """A distinct, readable name for every input and operation: the user's where there is one, else t0, t1, ...

    The names depend on the graph alone.
    """
    taken: set[str] = set()
    chosen: dict[Node, str] = {n: _free(identifier(n.attrs[0]), taken) for n in graph.inputs}
    operations = sorted(graph.operations(), key=lambda n: bool(n.axes))  # those done once per call come first
    for n in operations:
        if n in graph.names:
            chosen[n] = _free(identifier(graph.names[n]), taken)
    number = 0
    for n in operations:
        if n in chosen or n.op == "sincos":
            continue
        while f"t{number}" in taken:
            number += 1
        chosen[n] = f"t{number}"
        number += 1
    return chosen


def _free(name: str, taken: set[str]) -> str:
    """The name, or the first of name_2, name_3, ... that is not taken."""
    text, number = name, 2
    while text in taken:
        text, number = f"{name}_{number}", number + 1
    taken.add(text)
    return text


def emit(program: Program, dtype: Any = np.float64, name: str = "kernel") -> str:
    """The text of a Python module with one function over columns.

    dtype  the working dtype, float64 or float32: constants are rounded to it
    """
    dtype, used = np.dtype(dtype), {n.op for n in program.graph.order}
    statements = Statements(TEXTS, names(program.graph), "np", "np.bool", dtype)
    arguments = ", ".join(statements.names[n] for n in program.inputs)
    head = f'@np.errstate(all="ignore")\ndef {identifier(name)}({arguments}):\n'
    return f"{_header(used, dtype)}\n\n{head}{statements.body(program)}"


def _header(used: set[str], dtype: np.dtype) -> str:
    erf = "erf" in used
    imports = "import math\n\nimport numpy as np\n" if erf else "import numpy as np\n"
    head = f"{imports}\nreal = np.{dtype.name}\n{_ERF if erf else ''}"
    return "\n\n".join([head, *sums.functions(used)])


def compile_program(program: Program, dtype: Any = np.float64) -> Loaded:
    """The function that the emitted text defines, on columns."""
    return load(emit(program, dtype), dtype)


def load(text: str, dtype: Any = np.float64) -> Loaded:
    """Make an emitted function callable on a list of columns."""
    return Loaded(defined(text), np.dtype(dtype), whole=re.search(_REDUCES, text) is not None)


_REDUCES = rf"\b({'|'.join(sums.NAMES)}|len)\("  # in a text: a function that has to see all events at once


class Loaded:
    """An emitted function, run block by block; a function with reductions over the batch is run on whole columns.

    Columns are one-dimensional, all of one length or of length 1, or scalars.
    """

    small = None  # no shorter way for few events

    def __init__(self, function: Callable[..., tuple], dtype: np.dtype, whole: bool = False) -> None:
        self.function, self.dtype, self.whole = function, dtype, whole

    def __call__(self, columns: Sequence[Any]) -> list[Any]:
        """The results, each as long as the columns that it depends on; a scalar if it depends on none."""
        arrays = [np.asarray(c) for c in columns]
        events = _events(arrays)
        if events <= BLOCK or self.whole:
            return list(self.function(*arrays))
        results: list[Any] = []
        for part, values in self._blocks(arrays, events):
            if not results:
                results = [np.empty(events, v.dtype) if np.size(v) > 1 else v for v in values]
            for whole, v in zip(results, values, strict=True):
                if np.size(whole) == events:
                    whole[part] = v
        return results

    def run(self, columns: Sequence[Any], outputs: Sequence[np.ndarray], threads: int = 1) -> None:
        """Write the results into columns that are there already."""
        arrays = [np.asarray(c) for c in columns]
        for part, values in self._blocks(arrays, max(_events(arrays), _events(outputs))):
            for output, v in zip(outputs, values, strict=True):
                output[part] = v

    def reduce(
        self, columns: Sequence[Any], outputs: Sequence[np.ndarray], events: int, reductions: Any, threads: int = 1
    ) -> list[float]:
        """Write the results, as `run` does, but for the last ones: these are reduced.

        reductions  for each the position of its column among the last ones, and the name of the operation
        """
        rows = [np.empty(events, self.dtype) for _ in range(max([k + 1 for k, _ in reductions], default=0))]
        if events:
            self.run(columns, [*outputs, *rows], threads)
        with np.errstate(all="ignore"):
            return [float(sums.function(name)(rows[k])) for k, name in reductions]

    def _blocks(self, arrays: Sequence[np.ndarray], events: int) -> Iterator[tuple[slice, tuple]]:
        size = max(events, 1) if self.whole else BLOCK
        for start in range(0, events, size):
            part = slice(start, min(start + size, events))
            yield part, self.function(*[a[part] if a.size == events else a for a in arrays])


def _events(arrays: Sequence[np.ndarray]) -> int:
    return max((a.size for a in arrays), default=1)
