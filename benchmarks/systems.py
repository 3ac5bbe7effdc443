"""The systems that are compared: each a function from an Input to something that can be called with columns.

To add one, write such a function and add a line to SYSTEMS. It raises Unsupported where it cannot do the input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import symhep as sh
from benchmarks import helas_c
from benchmarks.inputs import Columns, Input

FUNCTIONS = ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh")  # what a pasted text may call
IN_C = {"amp1": helas_c.amp1, "msq": helas_c.msq}


class Unsupported(RuntimeError):
    """The system cannot do this input here; says why, or nothing where that goes without saying."""


@dataclass(frozen=True)
class Prepared:
    """What a system made of an input.

    run         columns of one dtype in; an array, or a tuple of arrays, of that dtype out; compiles when called first
    operations  gives the operations per event of the program, by symhep's counting rule
    """

    run: Callable[[Columns], Any]
    operations: Callable[[], int]


def symhep(given: Input) -> Prepared:
    """The function as a kernel, from tracing on."""
    fresh = sh.kernel(given.kernel.fn)
    return Prepared(lambda columns: fresh(*columns, threads=1), lambda: fresh.count().total)


def plain_c(given: Input, flags: tuple[str, ...] = helas_c.RELAXED) -> Prepared:
    """The C code of helas.c, compiled by gcc for this machine; its operations are those of the function as written."""
    if given.name not in IN_C:
        raise Unsupported
    try:
        helas_c.library("float64", flags)
    except helas_c.NoCompiler as error:
        raise Unsupported(str(error)) from None
    return Prepared(partial(IN_C[given.name], flags=flags), partial(as_written, given))


def plain_c_strict(given: Input) -> Prepared:
    """The same with -O3 -march=native alone, which keeps the terms that vanish by chirality."""
    return plain_c(given, helas_c.STRICT)


def numpy(given: Input) -> Prepared:
    """The function itself, called with whole columns."""

    def run(columns: Columns) -> Any:
        with np.errstate(all="ignore"):
            return given.kernel.fn(*columns)

    return Prepared(run, partial(as_written, given))


def numba_plain(given: Input) -> Prepared:
    """The function itself under @njit and a loop over events; helas_numba.py where numba does not compile it."""
    from benchmarks import helas_numba

    if given.name not in IN_C:
        function = helas_numba.jit(given.kernel.fn)
        return Prepared(_Loop(given.names, _outputs(given), lambda dtype: function), partial(as_written, given))
    scalar = lambda dtype: helas_numba.functions(dtype)[given.name]
    return Prepared(_Loop(given.names, 1, scalar), partial(as_written, given))


def sympy_numpy(given: Input) -> Prepared:
    """lambdify(cse=True), called with whole columns."""
    from benchmarks.sympy_route import program

    made = program(given.kernel.fn, given.names)
    return Prepared(lambda columns: made.function(*columns), lambda: made.operations)


def sympy_numba(given: Input) -> Prepared:
    """lambdify(cse=True), then @njit, called from a jitted loop over events."""
    from benchmarks.helas_numba import jit
    from benchmarks.sympy_route import program

    made = program(given.kernel.fn, given.names)
    function = jit(made.function)
    return Prepared(_Loop(given.names, made.outputs, lambda dtype: function), lambda: made.operations)


def sympy_numba_inline(given: Input) -> Prepared:
    """The same text, but pasted into the loop: only then does LLVM use vector instructions."""
    from benchmarks.sympy_route import program

    made = program(given.kernel.fn, given.names)
    return Prepared(_Loop(given.names, made.outputs, text=made.body), lambda: made.operations)


SYSTEMS: dict[str, Callable[[Input], Prepared]] = {
    "symhep": symhep,
    "plain C": plain_c,
    "plain C, -O3 alone": plain_c_strict,
    "NumPy": numpy,
    "numba": numba_plain,
    "sympy, NumPy": sympy_numpy,
    "sympy, numba": sympy_numba,
    "sympy, numba, inline": sympy_numba_inline,
}


def as_written(given: Input) -> int:
    """Operations of the Python function with every call of a helper counted."""
    return given.kernel.report().before.total


def results(value: Any) -> np.ndarray:
    """The results of a call as one array (outputs, events)."""
    return np.stack(value) if isinstance(value, (tuple, list)) else value[np.newaxis]


def _outputs(given: Input) -> int:
    return len(results(given.kernel.fn(*given.columns(1, 1))))


class _Loop:
    """A jitted loop over events: of a jitted function of one event (chosen by dtype), or of a function's text."""

    def __init__(
        self,
        names: Sequence[str],
        outputs: int,
        scalar: Callable[[str], Any] | None = None,
        text: tuple[Sequence[str], str] | None = None,
    ) -> None:
        self.outputs, self.scalar = outputs, scalar
        self.source = _loop_source(names, outputs, text)
        self._compiled: dict[str, Any] = {}

    def __call__(self, columns: Columns) -> tuple[np.ndarray, ...]:
        dtype = columns[0].dtype
        made = tuple([np.empty(len(columns[0]), dtype) for _ in range(self.outputs)])
        compiled = self._compiled.get(dtype.name) or self._compile(dtype.name)
        compiled(*columns, *made)
        return made

    def _compile(self, dtype: str) -> Any:
        from benchmarks.helas_numba import jit

        names = {name: getattr(np, name) for name in FUNCTIONS}
        if self.scalar is not None:
            names["scalar"] = self.scalar(dtype)
        exec(self.source, names)
        self._compiled[dtype] = jit(names["loop"])
        return self._compiled[dtype]


def _loop_source(names: Sequence[str], outputs: int, text: tuple[Sequence[str], str] | None) -> str:
    """Each column is an argument of its own: numba does not use vector instructions for rows of one array.

    >>> print(_loop_source(["x", "y"], 1, (["x0 = x*y"], "x0 + x")))
    def loop(all_x, all_y, out0):
        for event in range(out0.size):
            x = all_x[event]
            y = all_y[event]
            x0 = x*y
            out0[event] = x0 + x
    """
    before, value = text or ([], f"scalar({', '.join(names)})")
    results = [f"out{i}" for i in range(outputs)]
    body = [f"{name} = all_{name}[event]" for name in names]
    body += [*before, f"{', '.join([f'{r}[event]' for r in results])} = {value}"]
    head = f"def loop({', '.join([*(f'all_{name}' for name in names), *results])}):\n    for event in range(out0.size):"
    return "\n".join([head, *(f"        {line}" for line in body)])
