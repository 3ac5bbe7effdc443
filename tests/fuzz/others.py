"""Random formulas against other ways to the same values: NumPy on the function itself, pickle, sympy and lambdify."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy

import symhep as sh
from symhep.batch.unrolled import FEW, batches, unrolled
from symhep.checking.evaluate import Tape, TooLarge, finite, precision
from symhep.checking.verify import compare
from symhep.symbolic.writing import to_sympy
from tests.fuzz import condition
from tests.fuzz.case import BOUND, Case, _point
from tests.fuzz.checks import Failure
from tests.fuzz.layouts import _same, leaves

POINTS = (0, 1, 2)
DIGITS = 40
LOOSE = 1e3  # of the values by lambdify, whose operations are in another order


def other_failures(case: Case) -> Iterator[Failure]:
    """What differs from the other ways that the case is to be compared with."""
    parts = case.options.parts
    if "plain" in parts and not case.recipe.reduces:  # even what the result does not need
        yield from _plain(case)
    if "pickle" in parts:
        yield from _pickled(case)
    if "sympy" in parts:
        yield from _through_sympy(case)
    # sympy prints x/log2(y) for mpmath as x/log(y)/log(2)
    if "lambdify" in parts and not case.reduced and not {"log2", "log10"} & {n.op for n in case.written.order}:
        yield from _lambdified(case)


def _plain(case: Case) -> Iterator[Failure]:
    """The Python function on the numbers of one event, without symhep."""
    function = case.recipe.function(weak=False)

    def at(i: int) -> list[Any] | None:
        given = [_number(x if a.parameter else x[i]) for a, x in zip(case.recipe.arguments, case.arrays)]
        try:
            return _parts(case, function(*case.recipe.given(given)))
        except np.linalg.LinAlgError:  # NumPy has no inverse, where the formula has large numbers
            return None

    yield from _close(case, "plain", at, BOUND)


def _number(x: Any) -> Any:
    """In double precision; integers as floats, since NumPy refuses their negative powers."""
    x = np.asarray(x)
    return x[()] if x.dtype.kind == "b" else x.astype(complex if x.dtype.kind == "c" else float)[()]


def _parts(case: Case, result: Any) -> list[Any]:
    """The numbers of a result, those that are complex in the graph as two."""
    values = [v for x in leaves(result) for v in np.ravel(x)]
    found: list[Any] = []
    for n, v in zip(case.written.outputs, values, strict=True):
        found += [v.real, v.imag] if n.dtype == "complex" else [v]
    return found


def _close(case: Case, what: str, at: Callable[[int], list[Any] | None], slack: float) -> Iterator[Failure]:
    """Values in double precision at ordinary points, against mpmath, within what rounding may do to them."""
    double = np.dtype(np.float64)
    whole = case.named(case.written, case.arrays)
    few = {k: v[list(POINTS)] if np.size(v) > 1 else v for k, v in whole.items()}
    _, moved = condition.spread(case.written, few, double)
    moved = [m for n, m in zip(case.written.outputs, moved) for _ in range(2 if n.dtype == "complex" else 1)]
    for i in POINTS:
        point = _point(whole, i)
        right = None if point is None else condition.right_values(case.written, point, case.options.dtype)
        if right is None or not _finite_everywhere(case, point) or (found := at(i)) is None:
            continue
        for j, (x, y, bound) in enumerate(zip(found, right, moved, strict=True)):
            if isinstance(y, bool):
                if bool(x) != y:
                    yield Failure(what, f"out{j} is {x}, not {y}", i)
                continue
            if bound is None or not mpmath.isfinite(y) or not 1e-30 < abs(y) < 1e30:
                continue
            size, b = float(abs(y)), float(np.broadcast_to(bound, (len(POINTS),))[i])
            if not np.isfinite(b) or b > 1e-3 * size:
                continue
            case.seen[what] += 1
            error = abs(complex(x) - complex(float(y))) if np.isfinite(complex(x)) else np.inf
            if error > slack * (b + 4 * float(np.finfo(float).eps) * size):
                yield Failure(what, f"out{j} is {x!r}, not {mpmath.nstr(y, 17)} (bound {b:.1e})", i)


def _finite_everywhere(case: Case, point: Any) -> bool:
    tape = Tape(case.written)
    with precision(DIGITS):
        try:
            return all(finite(v) for v in tape.run(point))
        except (TooLarge, OverflowError):
            return False


def _pickled(case: Case) -> Iterator[Failure]:
    """A kernel that came out of a pickle writes the same source and gives the same bits."""
    again = pickle.loads(pickle.dumps(case.kernel))
    for target in ("numba", "c"):
        if again.source(target) != case.kernel.source(target):
            yield Failure("pickle", f"the source for {target} is another")
    given = case.recipe.given(case.arrays)
    found, right = ([np.asarray(y) for y in leaves(k(*given))] for k in (again, case.kernel))
    case.seen["pickle"] += 1
    yield from _same("pickle", found, right)


def _through_sympy(case: Case) -> Iterator[Failure]:
    """sh.compile(k.expr, k.arguments) is the same formula."""
    kernel, before = case.kernel, case.written
    again = sh.compile(kernel.expr, kernel.arguments, effort="fast", math=case.options.math)
    after, columns = again.traced.graph, case.named(before, case.arrays)
    usable = [p for p in (_point(columns, i) for i in (*POINTS, 3, 4)) if p is not None]
    if case.reduced:
        inputs = before.inputs
        before, after = unrolled(before), unrolled(after)
        usable = batches(usable, inputs, FEW)[:3]
    outcome = compare(before, after, [p for p in usable if condition.meaningful(before, p)])
    case.seen["sympy"] += outcome.points
    if outcome.failed:
        yield Failure("sympy", str(outcome))


# what sympy has no function for, in mpmath and in NumPy
_MPMATH = {
    "copysign": lambda x, y: abs(x) if y > 0 else -abs(x),
    "trunc": lambda x: mpmath.sign(x) * mpmath.floor(abs(x)),
    "rint": mpmath.nint,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "log10": mpmath.log10,
    "log1p": mpmath.log1p,
    "expm1": mpmath.expm1,
    "Cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
}
_NUMPY = {"Cbrt": np.cbrt, "log10": np.log10}


def _lambdified(case: Case) -> Iterator[Failure]:
    """sympy's own lambdify, with mpmath and with NumPy."""
    whole = case.named(case.written, case.arrays)
    # names that lambdify need not replace: that would evaluate the expressions
    symbols = {
        n: sympy.Symbol(f"s{k}", complex=n.dtype == "complex" or None) for k, n in enumerate(case.written.inputs)
    }
    cells = to_sympy(case.written, {n.attrs[0]: s for n, s in symbols.items()})
    try:
        by_mpmath = sympy.lambdify(list(symbols.values()), cells, [_MPMATH, "mpmath"])
        by_numpy = sympy.lambdify(list(symbols.values()), cells, [_NUMPY, "scipy", "numpy"])
    except AssertionError:  # sympy's own, of conditions within conditions
        case.seen["lambdify refused"] += 1
        return

    def by(function: Callable[..., Any], number: Callable[[Any], Any]) -> Callable[[int], list[Any] | None]:
        def at(i: int) -> list[Any] | None:
            columns = [np.ravel(whole[n.attrs[0]]) for n in symbols]
            given = [number(x[i if x.size > 1 else 0].item()) for x in columns]
            with precision(DIGITS):
                try:
                    return _complete(case, function(*given))
                except Exception:  # what lambdify writes does not run for all conditions; it is not on trial
                    case.seen["lambdify refused"] += 1
                    return None

        return at

    yield from _close(case, "lambdify by mpmath", by(by_mpmath, mpmath.mpmathify), LOOSE)
    yield from _close(case, "lambdify by numpy", by(by_numpy, lambda x: x), LOOSE)


def _complete(case: Case, values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for n, v in zip(case.written.outputs, values, strict=True):
        found += [v.real, v.imag] if n.dtype == "complex" else [v]
    return found
