"""The derivatives of one random formula: both modes against differences, then run like any other formula."""

from __future__ import annotations

from collections import Counter
from typing import Any

import symhep as sh
from symhep.checking.domain import DomainError, columns, domain_for
from symhep.checking.evaluate import Tape, finite, precision
from symhep.derivatives.check import DIGITS, DerivativeCheck, compared
from symhep.derivatives.ground import Ground, ground
from symhep.errors import ArgumentError, TraceError
from symhep.kernel import Kernel
from tests.fuzz import condition
from tests.fuzz.case import Case, Options, _failures
from tests.fuzz.recipes import Recipe


def derivative_failures(recipe: Recipe, options: Options, seen: Counter | None = None) -> list[str] | None:
    """All that is wrong with the Jacobian of a formula, None where it has none."""
    kernel = sh.kernel(recipe.function(), effort=options.effort, math=options.math, parameters=recipe.parameters)
    try:
        jacobian = sh.jacobian(kernel)
        jacobian.traced  # noqa: B018
        kernel.traced  # noqa: B018
    except TraceError as error:
        if "does not depend" in str(error):
            return None
        raise
    except ArgumentError as error:
        if "has no real argument" in str(error):
            return None
        raise
    seen = Counter() if seen is None else seen
    try:
        seen["points checked"] += _compared(kernel, abs(recipe.seed)).points
    except sh.DerivativeError as error:
        return [f"check: {error}"]
    case = Case(recipe, options, jacobian, jacobian._chosen({}).optimised.graph, Counter())
    found = list(_failures(case))
    seen.update(case.seen)
    return found


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
        usable = [p for p in points if _ordinary(g, tape.run(p)) and condition.meaningful(g.traced.graph, p)]
    return compared(g, usable)


def _ordinary(g: Ground, values: list[Any]) -> bool:
    """Whether all values are finite, and what is rounded has digits behind the point."""
    rounded = [values[i] for i, n in enumerate(g.traced.graph.order) if n.op in ("floor", "ceil", "trunc", "rint")]
    return all(finite(x) for x in values) and all(abs(x) < 2**53 for x in rounded)
