"""symhep itself: a kernel, and `sh.value_and_grad` or `sh.jacobian` of it."""

from __future__ import annotations

from typing import Any

import numpy as np

import symhep as sh
from benchmarks.inputs import Columns
from benchmarks.peers.cases import Case
from benchmarks.peers.program import Program


def prepare() -> None:
    """What a compiler needs once per process."""
    sh.kernel(lambda x, y: x * y)(np.ones(3), np.ones(3))


def build(case: Case, derivatives: bool) -> Program:
    """The formula as a kernel, from tracing on."""
    kernel = sh.kernel(case.function)
    if case.total:
        kernel = _total(case, sh.kernel(case.function))
    several = len(_values(case.function(*case.numbers()))) > 1
    if derivatives:
        kernel = _with_jacobian(kernel) if several else sh.value_and_grad(kernel, "theta" if case.total else None)

    def run(columns: Columns, parameters: np.ndarray) -> Any:
        return kernel(*columns, *([parameters] if case.total else []), threads=1)

    def rows(found: Any) -> list[Any]:
        if not derivatives:
            return _values(found)
        values, slopes = found
        if case.total:
            return [values, *slopes]
        return [*_values(values), *(row for by in _values(slopes) for row in by.values())]

    return Program(run, rows, lambda: kernel.count().total)


def _values(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple) else [result]


def _total(case: Case, model: sh.Kernel) -> sh.Kernel:
    """The sum over the events, with the parameters as one vector."""

    def total(*arguments):
        *columns, theta = arguments
        return sh.batch_sum(model(*columns, *theta))

    return _named(total, [*case.columns, "theta"], {"theta": sh.Vector[len(case.parameters)]}, parameters=("theta",))


def _with_jacobian(kernel: sh.Kernel) -> sh.Kernel:
    """Values and derivatives from one program."""
    jacobian = sh.jacobian(kernel)
    return _named(lambda *arguments: (kernel(*arguments), jacobian(*arguments)), [a.name for a in kernel.arguments])


def _named(function: Any, names: list[str], annotations: dict[str, Any] | None = None, **options: Any) -> sh.Kernel:
    """A kernel of a function of any number of arguments, called by these names."""
    listed = ", ".join(names)
    made = eval(f"lambda {listed}: function({listed})", {"function": function})
    made.__annotations__ = annotations or {}
    return sh.kernel(made, **options)
