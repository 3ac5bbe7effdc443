"""Derivatives compared: forward mode against reverse mode against differences of the formula as written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mpmath

from symhep.checking.evaluate import Point, Tape, TooLarge, finite, parts, precision
from symhep.derivatives.forms import Wrt, cell_names, chosen
from symhep.derivatives.ground import Ground, ground
from symhep.derivatives.modes import pullback, pushforward
from symhep.derivatives.rules import depends
from symhep.errors import SymhepError
from symhep.graph import Node
from symhep.reference import apply

if TYPE_CHECKING:
    from symhep.checking.domain import Domain

DIGITS = 80
STEP = 24  # differences are taken over 10**-STEP of the argument: their error is about 10**(-2 STEP)
FINER = 3  # and over a step shorter by 10**-FINER: what the two differ by is the error
RANGE = 620  # digits between the largest and the smallest double: with so many more nothing cancels unseen
AGREE = 25  # digits to which derivatives have to agree
MOST = 40  # inputs, and outputs, whose derivatives are all compared; of more, so many evenly spread


class DerivativeError(SymhepError):
    """A derivative is wrong."""


@dataclass(frozen=True, slots=True)
class DerivativeCheck:
    """The outcome of a comparison.

    points    at how many points
    elements  how many derivatives were compared at each; left out are those that differences do not resolve
    """

    points: int
    elements: int

    def __bool__(self) -> bool:
        return self.points > 0

    def __str__(self) -> str:
        if not self.points:
            return "not checked: the formula has no finite value at the points tried"
        where = f"to {AGREE} digits at {self.points} points"
        return f"{self.elements} derivatives agree {where}: forward, reverse, differences"


def check_derivatives(
    k: Any, wrt: Wrt = None, *, points: int = 3, domain: Domain | None = None, seed: int = 0, **statics: Any
) -> DerivativeCheck:
    """Compare the derivatives of a kernel with differences, in high precision, at random points of its domain.

    Compared are forward mode, reverse mode and central differences of the formula as written, to 25 digits.

    wrt      the arguments to take derivatives by; None for all real ones
    points   at how many points
    domain   where they lie; the kernel's own domain if not given
    statics  values of static arguments, by name

    Raises DerivativeError where two differ: it names the derivative, the operation and the line of the user's code.

    >>> import numpy as np
    >>> print(check_derivatives(lambda x, y: np.exp(x) * np.sin(x * y)))
    2 derivatives agree to 25 digits at 3 points: forward, reverse, differences
    """
    from symhep.checking.domain import DomainError, columns, domain_for
    from symhep.derivatives.operators import as_kernel

    made = as_kernel(k)
    chosen(made.arguments, wrt, made.site)
    variant = made._chosen(statics)
    g = ground(variant, wrt)
    try:
        drawn = domain_for(g.traced.graph, domain or made.options.domain, g.traced.leaves).points(points, DIGITS, seed)
    except DomainError:
        return DerivativeCheck(0, 0)
    return compared(g, [columns(point, g.traced.graph.inputs) for point in drawn])


def compared(g: Ground, points: Sequence[Point]) -> DerivativeCheck:
    """The comparison at given points."""
    checker = _Checker(g)
    done = 0
    for point in points:
        split = _by_input(point)
        with suppress(TooLarge):  # exp(exp(100)): no float could hold it
            if checker.is_sharp(split):
                with precision(DIGITS):
                    done += checker.at(split)
    return DerivativeCheck(done, len(checker.rows) * len(checker.columns))


def _by_input(point: Mapping[str, Any]) -> dict[str, Any]:
    """Complex inputs as pairs of real ones besides."""
    real = {}
    for name, value in point.items():
        real[name] = value
        if isinstance(value, mpmath.mpc):
            real[f"{name}.real"], real[f"{name}.imag"] = value.real, value.imag
    return real


def _spread(n: int) -> list[int]:
    """All of n positions, or MOST of them evenly spread."""
    return list(range(n)) if n <= MOST else sorted({i * (n - 1) // (MOST - 1) for i in range(MOST)})


class _Checker:
    """A kernel, its derivatives in both modes, and the differences they are compared with."""

    def __init__(self, g: Ground) -> None:
        self.g, wrt = g, g.by.inputs
        self.inputs = [g.graph.inputs[p].attrs[0] for p in wrt]
        self.names = parts(g.traced.graph, cell_names(g.traced))
        self.columns = _spread(len(wrt))
        self.rows = [k for k in _spread(len(g.graph.outputs)) if g.graph.outputs[k].dtype == "real"]
        self.value = Tape(g.traced.as_written)
        forward, backward = pushforward(g.graph, wrt), pullback(g.graph, wrt)
        self.dots = [n.attrs[0] for n in forward.inputs[len(g.graph.inputs) :]]
        self.bars = [n.attrs[0] for n in backward.inputs[len(g.graph.inputs) :]]
        self.forward, self.backward = Tape(forward), Tape(backward)

    def is_sharp(self, point: Point) -> bool:
        """Whether the formula's values are finite, and none is what cancellation has left of more digits."""
        found = []
        for digits in (DIGITS, DIGITS + RANGE):
            with precision(digits):
                found.append(self.value.parts(self.value.run(point)))
        same = mpmath.mpf(10) ** (AGREE - DIGITS)
        return all(finite(x) and finite(y) and abs(x - y) <= same * abs(y) for x, y in zip(*found))

    def at(self, point: dict[str, Any]) -> bool:
        """Compare all derivatives at one point; False where the formula has no finite value."""
        rows = self._rows(point)
        for j in self.columns:
            name = self.inputs[j]
            unit = {dot: mpmath.mpf(dot == self.dots[j]) for dot in self.dots}
            tangents = self.forward.parts(self.forward.run({**point, **unit}))
            differences = self._differences(point, name)
            if differences is None:
                return False
            for k in self.rows:
                self._compare(point, k, j, tangents[k], rows[k][j], differences[k])
        return True

    def _rows(self, point: Point) -> dict[int, list[Any]]:
        found = {}
        for k in self.rows:
            unit = {bar: mpmath.mpf(bar == self.bars[k]) for bar in self.bars}
            found[k] = self.backward.parts(self.backward.run({**point, **unit}))
        return found

    def _differences(self, point: dict[str, Any], name: str) -> list[tuple] | None:
        """The derivative of each output, its size, and the error of the first; None where an output is not finite."""
        scale = abs(point[name]) or 1
        found = []
        for digits in (STEP, STEP + FINER):
            step = mpmath.mpf(10) ** -digits * scale
            high, low = (self._values(point, name, point[name] + s) for s in (step, -step))
            if not all(finite(x) for x in (*high, *low)):
                return None
            found.append([((a - b) / (2 * step), (abs(a) + abs(b)) / scale) for a, b in zip(high, low)])
        coarse, fine = found
        return [(d, size, abs(d - c)) for (d, size), (c, _) in zip(fine, coarse)]

    def _values(self, point: Mapping[str, Any], name: str, value: Any) -> list[Any]:
        return self.value.parts(self.value.run({**point, name: value}))

    def _compare(self, point: Point, k: int, j: int, forward: Any, backward: Any, difference: tuple) -> None:
        expected, size, error = difference
        near = mpmath.mpf(10) ** -AGREE * (abs(expected) + size) or mpmath.mpf(10) ** (AGREE - DIGITS)
        if error > near:  # no step is small for exp(1e30 x): differences have nothing to say
            return
        said = {"forward mode": forward, "reverse mode": backward}
        if all(finite(x) and abs(x - expected) <= near for x in said.values()):
            return
        values = ", ".join(f"{mode} {mpmath.nstr(x, 12)}" for mode, x in said.items())
        what = f"d {self.names[k]} / d {self.inputs[j]} is {mpmath.nstr(expected, 12)} by differences; {values}"
        raise DerivativeError(f"{what}\n  {_culprit(self.g, point)}")


# -- which rule is wrong ---------------------------------------------------------------------------------------------


def _culprit(g: Ground, point: Point) -> str:
    """The first operation whose own derivative is wrong at a point, and its line."""
    values = dict(zip(g.graph.order, Tape(g.graph).run(point)))
    for n in g.graph.order:
        if n.dtype != "real" or not n.args or not any(depends(n.op, i) for i in range(len(n.args))):
            continue
        for i, x in enumerate(n.args):
            if x.dtype == "real" and not _rule_holds(g, n, i, values, point):
                where = g.graph.where.get(n)
                name = n.attrs[3] if n.op == "custom" else n.attrs[0] if n.op == "special" else n.op
                return f"the rule of {name!r} for its argument {i + 1} is wrong" + (f", at {where}" if where else "")
    return "the rule of every operation is right: a fault of the modes, to be reported as a bug in symhep"


def _rule_holds(g: Ground, n: Node, position: int, values: Mapping[Node, Any], point: Point) -> bool:
    expected = _local_difference(n, position, [values[x] for x in n.args])
    found = g.linear.partial(n, position)
    wanted = [found.factor or g.linear.a.zero, *([found.condition] if found.condition else [])]
    factor, *condition = _evaluated(g, wanted, point)
    if condition and bool(condition[0]) != found.holds:
        factor = mpmath.mpf(0)
    size = abs(expected) + (abs(values[n]) / (abs(values[n.args[position]]) or 1) if finite(values[n]) else 0)
    return not finite(expected) or abs(factor - expected) <= mpmath.mpf(10) ** -AGREE * size


def _evaluated(g: Ground, nodes: Sequence[Node], point: Point) -> list[Any]:
    tape = Tape(g.linear.result(g.linear.inputs, nodes))
    v = tape.run(point)
    return [v[i] for i, _ in tape.results]


def _local_difference(n: Node, position: int, args: list[Any]) -> Any:
    """The derivative of one operation by one argument, by differences."""
    step = mpmath.mpf(10) ** -STEP * (abs(args[position]) or 1)

    def moved(by: Any) -> Any:
        return apply(n.op, n.attrs, [x + by if i == position else x for i, x in enumerate(args)])

    return (moved(step) - moved(-step)) / (2 * step)
