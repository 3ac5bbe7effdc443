"""Special functions as operations: one node where derivatives are taken and formulas are shown, written out elsewhere.

A node "special" holds the function's name and its constant parameters. What it computes is a formula of the operation
table, so every target has it; its derivative is the known rule; its true value, to any precision, is mpmath's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from symhep.errors import TraceError, count, message
from symhep.tracing.refusals import no_order
from symhep.tracing.source import Spot

if TYPE_CHECKING:
    from symhep.graph import Graph

SPECIALS: dict[str, Special] = {}


@dataclass(frozen=True, eq=False)
class Special:
    """A special function of real numbers, with one real result. It is called in kernels, and on numbers and arrays.

    name        SciPy's name where SciPy has it
    parameters  the names of the arguments that have to be constants: they come first
    arguments   the names of the others
    value       (*parameters, *arguments) → the formula
    derivative  (*parameters, *arguments, result) → the partial derivative by each argument, one alone bare
    exact       (*parameters, *arguments) → mpmath's value, NaN where there is none
    kinds       what the parameters may be: "integer", "half" (also half-integers) or "real"
    least, most the smallest and the largest value of the parameters
    """

    name: str
    arguments: tuple[str, ...]
    value: Callable[..., Any]
    derivative: Callable[..., Any]
    exact: Callable[..., Any]
    parameters: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    least: float = 0
    most: float = math.inf

    def __call__(self, *args: Any) -> Any:
        expected = len(self.parameters) + len(self.arguments)
        if len(args) != expected:
            names = ", ".join([*self.parameters, *self.arguments])
            what = f"{self.name} takes {count(expected, 'argument')} ({names}), got {len(args)}"
            raise TraceError(message(what, str(Spot.here())))
        given = zip(args, self.parameters, self.kinds)
        fixed = tuple([constant(x, self.name, which, kind, self.least, self.most) for x, which, kind in given])
        return applied(self.name, fixed, args[len(fixed) :])


def special(name: str, arguments: str, value: Callable, derivative: Callable, exact: Callable, **more: Any) -> Special:
    """Make a special function and enter it in the table."""
    for key in ("parameters", "kinds"):
        if key in more:
            more[key] = tuple(more[key].split())
    made = SPECIALS[name] = Special(name, tuple(arguments.split()), value, derivative, exact, **more)
    return made


def constant(x: Any, function: str, which: str, kind: str = "integer", least: float = 0, most: float = math.inf) -> Any:
    """An argument that has to be a number known while tracing; raises TraceError for any other."""
    node = getattr(x, "_node", None)
    value = x if node is None else node.attrs[0] if node.op == "const" else None
    asked = {"integer": "a constant integer", "half": "a constant integer or half-integer", "real": "a constant"}[kind]
    if value is not None and value == value and abs(value) != float("inf"):
        exact = Fraction(str(value)) if kind == "real" and isinstance(value, float) else Fraction(value)
        if least <= exact <= most and (kind == "real" or exact.denominator <= (2 if kind == "half" else 1)):
            return exact.numerator if exact.denominator == 1 else exact
    shown = "a traced value" if value is None else repr(value)
    where = str(Spot.here())
    bounds = [f"at least {least}"] if least > -math.inf else []
    bounds += [f"at most {most}"] if most < math.inf else []
    what = f"{function}: its argument {which} has to be {', '.join([asked, *bounds])}; it is {shown}"
    raise TraceError(message(what, where, f"a number, as in {function}(2, x), or an sh.Static argument"))


def applied(name: str, fixed: tuple, xs: tuple) -> Any:
    """A special function of traced values, or of numbers and arrays."""
    from symhep.tracing.arrays import elementwise
    from symhep.tracing.expansions import number
    from symhep.tracing.marks import recorder_of

    recorder = recorder_of(*xs)
    if recorder is None:
        from symhep.checking.evaluate import numpy_values

        graph = value_of(name, fixed)
        return numpy_values(graph, {n.attrs[0]: x for n, x in zip(graph.inputs, xs)})[0]

    def cell(*values: Any) -> Any:
        values = tuple([number(v) for v in values])
        if any(v.kind == "complex" for v in values):
            raise no_order(name)
        return recorder.apply("special", tuple([v._node for v in values]), (name, *fixed))

    return elementwise(recorder, cell, xs)


@cache
def value_of(name: str, fixed: tuple) -> Graph:
    """The formula of a special function as a graph, with nothing special left in it."""
    function = known(name)
    return _traced(len(function.arguments), lambda *xs: function.value(*fixed, *xs)).graph


@cache
def derivative_of(name: str, fixed: tuple) -> Graph:
    """The derivatives by each argument as a graph of the arguments and the result; other specials are single nodes."""
    function = known(name)
    traced = _traced(len(function.arguments) + 1, lambda *xs: function.derivative(*fixed, *xs))
    return traced.opaque or traced.graph


def known(name: str) -> Special:
    """The special function of this name."""
    import symhep.special  # noqa: F401  (fills the table)

    return SPECIALS[name]


def _traced(n: int, function: Callable[..., Any]) -> Any:
    from symhep.tracing.annotations import arguments_of
    from symhep.tracing.trace import trace

    shapes: dict[int, Callable] = {
        1: lambda a: function(a),
        2: lambda a, b: function(a, b),
        3: lambda a, b, c: function(a, b, c),
        4: lambda a, b, c, d: function(a, b, c, d),
        5: lambda a, b, c, d, e: function(a, b, c, d, e),
    }
    return trace(shapes[n], arguments_of(shapes[n]), constant=True)


def exact_value(name: str, fixed: tuple, xs: tuple) -> Any:
    """The true value of a special function at mpmath's working precision; NaN where there is none."""
    import mpmath

    if not all(mpmath.isfinite(x) for x in xs):
        return mpmath.nan
    try:
        value = known(name).exact(*fixed, *xs)
    except (ValueError, ZeroDivisionError):
        return mpmath.nan
    return value if isinstance(value, mpmath.mpf) else mpmath.nan if mpmath.im(value) else mpmath.re(value)
