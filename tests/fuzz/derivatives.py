"""The derivatives of one random formula: both modes against differences, before the kernel runs like any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import symhep as sh
from symhep.checking.domain import DomainError, columns, domain_for
from symhep.checking.evaluate import Tape, TooLarge, finite, precision
from symhep.derivatives.check import DIGITS, DerivativeCheck, compared
from symhep.derivatives.ground import Ground, ground
from symhep.kernel import Kernel
from tests.fuzz import condition
from tests.fuzz.case import Case
from tests.fuzz.checks import Failure


def derivative_failures(case: Case) -> Iterator[Failure]:
    """Derivatives of the case's formula that are not its differences."""
    o = case.options
    kernel = sh.kernel(case.recipe.function(), effort=o.effort, math=o.math, parameters=case.recipe.parameters)
    try:
        case.seen["points checked"] += _compared(kernel, abs(case.recipe.seed)).points
    except sh.DerivativeError as error:
        yield Failure("check", str(error))


def _compared(kernel: Kernel, seed: int) -> DerivativeCheck:
    """The modes against differences, where no intermediate value is infinite or NaN."""
    g = ground(kernel.variant(), None)
    try:
        drawn = domain_for(g.traced.graph, None, g.traced.leaves).points(3, DIGITS, seed)
    except DomainError:
        return DerivativeCheck(0, 0)
    points = [columns(point, g.traced.graph.inputs) for point in drawn]
    tape = Tape(g.traced.graph)
    with precision(DIGITS):
        usable = [p for p in points if _ordinary(g, tape, p) and condition.meaningful(g.traced.graph, p)]
    return compared(g, usable)


def _ordinary(g: Ground, tape: Tape, point: Any) -> bool:
    """Whether all values are finite, and what is rounded has digits behind the point."""
    try:
        values = tape.run(point)
    except TooLarge:
        return False
    rounded = [values[i] for i, n in enumerate(g.traced.graph.order) if n.op in ("floor", "ceil", "trunc", "rint")]
    return all(finite(x) for x in values) and all(abs(x) < 2**53 for x in rounded)
