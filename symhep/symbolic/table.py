"""What each class of sympy expression means: a function of numbers or traced values, and its sub-expressions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from math import erf as _erf
from typing import Any

import numpy as np
import sympy
from sympy.codegen import cfunctions, numpy_nodes, scipy_nodes

from symhep.batch import reductions
from symhep.errors import ArgumentError
from symhep.symbolic.steps import Step, constant, same
from symhep.symbolic.table_matrices import MATRICES
from symhep.symbolic.table_special import SPECIAL, SPECIAL_BY_NAME
from symhep.symbolic.unevaluated import contains, done, exact, number, series
from symhep.symbolic.writing import CONSTANTS
from symhep.tracing.functions import FUNCTIONS
from symhep.tracing.marks import keep
from symhep.tracing.values import Scalar

_MINUS_HALF = -sympy.S.Half


def _number(value: Any) -> Callable[[Any], Step]:
    return lambda expr: (constant, (value,))


def _negated(expr: Any) -> Any:
    """-expr for a term that is written with a minus sign; None for any other."""
    if expr.is_Number and expr.is_negative:
        return -expr
    if expr.is_Mul and expr.args[0].is_Number and expr.args[0].is_negative:
        first, *rest = expr.args
        factors = rest if first is sympy.S.NegativeOne else [-first, *rest]
        return factors[0] if len(factors) == 1 else sympy.Basic.__new__(sympy.Mul, *factors)
    return None


def _add(expr: Any) -> Step:
    terms = [(n is None, t if n is None else n) for t in expr.args for n in [_negated(t)]]
    first = next((i for i, (plus, _) in enumerate(terms) if plus), 0)
    terms.insert(0, terms.pop(first))
    signs = [plus for plus, _ in terms]

    def total(first: Any, *rest: Any) -> Any:
        value = first if signs[0] else -first
        for plus, term in zip(signs[1:], rest):
            value = value + term if plus else value - term
        return value

    return total, [t for _, t in terms]


def _mul(expr: Any) -> Step:
    negative = expr.args[0] is sympy.S.NegativeOne
    top: list[Any] = []
    bottom: list[Any] = []
    for factor in expr.args[1:] if negative else expr.args:
        inverse = _inverse(factor)
        (top if inverse is None else bottom).append(factor if inverse is None else inverse)
    split = len(top)

    def quotient(*factors: Any) -> Any:
        above, below = factors[:split], factors[split:]
        value = reduce(operator.mul, above) if above else 1
        if below:
            value = value / reduce(operator.mul, below)
        return -value if negative else value

    return quotient, [*top, *bottom]


def _inverse(expr: Any) -> Any:
    """1/expr for a power with a negative number as exponent; None for anything else."""
    if not (expr.is_Pow and expr.args[1].is_Rational and expr.args[1].is_negative):
        return None
    base, exponent = expr.args
    if base is sympy.S.Exp1:
        return None
    return base if exponent is sympy.S.NegativeOne else sympy.Basic.__new__(sympy.Pow, base, -exponent)


def _pow(expr: Any) -> Step:
    base, exponent = expr.args
    if base is sympy.S.Exp1:
        return np.exp, (exponent,)
    if not exponent.is_Rational:
        return np.power, (base, exponent)
    if exponent is sympy.S.NegativeOne:
        return (lambda x: 1 / x), (base,)
    if exponent is sympy.S.Half:
        return np.sqrt, (base,)
    if exponent == _MINUS_HALF:
        return (lambda x: 1 / np.sqrt(x)), (base,)
    exact = Fraction(int(exponent.p), int(exponent.q))
    power = exact.numerator if exact.denominator == 1 else exact
    return (lambda x: x ** (power if isinstance(x, Scalar) or isinstance(power, int) else float(power))), (base,)


def _piecewise(expr: Any) -> Step:
    children: list[Any] = []
    for value, condition in expr.args:
        if condition is sympy.true:
            children.append(value)
            break
        children += (value, condition)
    else:
        children.append(sympy.nan)

    def choose(*values: Any) -> Any:
        *pairs, result = values
        for value, condition in zip(pairs[-2::-2], pairs[::-2]):
            result = np.where(condition, value, result)
        return result

    return choose, children


def _call(function: Callable[..., Any]) -> Callable[[Any], Step]:
    return lambda expr: (function, expr.args)


def _fold(function: Callable[..., Any]) -> Callable[[Any], Step]:
    return _call(lambda *values: reduce(function, values))


def _erf_of(x: Any) -> Any:
    if np.iscomplexobj(x) or getattr(x, "kind", "") == "complex":
        raise ArgumentError("erf of a complex value: symhep has the real error function only")
    return FUNCTIONS["erf"](x) if isinstance(x, Scalar) else np.vectorize(_erf, otypes=[float])(x)[()]


def _sinc(x: Any) -> Any:
    safe = np.where(x == 0, 1, x)
    return np.where(x == 0, 1, np.sin(safe) / safe)


# functions that sympy has no class for: what to_sympy writes for the operations of the table
BY_NAME: dict[str, Callable[..., Any]] = {
    "copysign": np.copysign,
    "trunc": np.trunc,
    "rint": np.rint,
    "cbrt": np.cbrt,
    "hypot": np.hypot,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "batch_sum": reductions.batch_sum,
    "batch_max": reductions.batch_max,
    "batch_min": reductions.batch_min,
    "batch_size": lambda: reductions.batch_sum(1),
}


def _inverse_of(function: Callable[..., Any]) -> Callable[[Any], Step]:
    return _call(lambda x: 1 / function(x))


def _of_inverse(function: Callable[..., Any]) -> Callable[[Any], Step]:
    return _call(lambda x: function(1 / x))


def _equivalent(expr: Any) -> Step:
    """Whether conditions are all true or all false."""

    def equal(first: Any, *rest: Any) -> Any:
        return reduce(np.logical_and, [np.logical_not(np.logical_xor(first, other)) for other in rest])

    return (equal, expr.args) if len(expr.args) > 1 else (constant, (True,))


def _not(x: Any) -> Any:
    return np.logical_not(x)


_SAME_IN_NUMPY: dict[Any, type] = {
    np.sin: sympy.sin, np.cos: sympy.cos, np.tan: sympy.tan,
    np.arcsin: sympy.asin, np.arccos: sympy.acos, np.arctan: sympy.atan, np.arctan2: sympy.atan2,
    np.sinh: sympy.sinh, np.cosh: sympy.cosh, np.tanh: sympy.tanh,
    np.arcsinh: sympy.asinh, np.arccosh: sympy.acosh, np.arctanh: sympy.atanh,
    np.exp: sympy.exp, np.log: sympy.log, np.absolute: sympy.Abs, np.sign: sympy.sign,
    np.conjugate: sympy.conjugate, np.floor: sympy.floor, np.ceil: sympy.ceiling,
    np.remainder: sympy.Mod, np.heaviside: sympy.Heaviside,
    np.expm1: cfunctions.expm1, np.log1p: cfunctions.log1p, np.exp2: cfunctions.exp2, np.log2: cfunctions.log2,
    np.log10: cfunctions.log10, np.cbrt: cfunctions.Cbrt, np.sqrt: cfunctions.Sqrt, np.hypot: cfunctions.hypot,
    operator.lt: sympy.StrictLessThan, operator.le: sympy.LessThan,
    operator.gt: sympy.StrictGreaterThan, operator.ge: sympy.GreaterThan,
    operator.eq: sympy.Equality, operator.ne: sympy.Unequality,
    _not: sympy.Not, np.where: sympy.ITE,
}  # fmt: skip


def _value_or(plan: Callable[[Any], Step]) -> Callable[[Any], Step]:
    """The value of what is a constant; else as planned."""
    return lambda expr: number(expr) or plan(expr)


PLANS: dict[type, Callable[[Any], Step]] = {
    sympy.Add: _add,
    sympy.Mul: _mul,
    sympy.Pow: _pow,
    sympy.Integer: lambda expr: (constant, (int(expr.p),)),
    sympy.Rational: lambda expr: (constant, (Fraction(int(expr.p), int(expr.q)),)),
    sympy.Float: lambda expr: (constant, (exact(expr),)),
    type(sympy.I): _number(1j),
    type(sympy.oo): _number(float("inf")),
    type(-sympy.oo): _number(float("-inf")),
    type(sympy.nan): _number(float("nan")),
    type(sympy.true): _number(True),
    type(sympy.false): _number(False),
    **{type(symbol): _number(value) for value, symbol in CONSTANTS.items()},
    **{cls: _call(function) for function, cls in _SAME_IN_NUMPY.items()},
    sympy.sec: _inverse_of(np.cos),
    sympy.csc: _inverse_of(np.sin),
    sympy.cot: _inverse_of(np.tan),
    sympy.sech: _inverse_of(np.cosh),
    sympy.csch: _inverse_of(np.sinh),
    sympy.coth: _inverse_of(np.tanh),
    sympy.asec: _of_inverse(np.arccos),
    sympy.acsc: _of_inverse(np.arcsin),
    sympy.acot: _of_inverse(np.arctan),
    sympy.asech: _of_inverse(np.arccosh),
    sympy.acsch: _of_inverse(np.arcsinh),
    sympy.acoth: _of_inverse(np.arctanh),
    sympy.sinc: _call(_sinc),
    sympy.erf: _call(_erf_of),
    sympy.re: _call(np.real),
    sympy.im: _call(np.imag),
    sympy.arg: _call(lambda z: np.arctan2(np.imag(z), np.real(z))),
    sympy.functions.elementary.integers.frac: _call(lambda x: x - np.floor(x)),
    sympy.Min: _fold(np.minimum),
    sympy.Max: _fold(np.maximum),
    sympy.And: _fold(np.logical_and),
    sympy.Or: _fold(np.logical_or),
    sympy.Xor: _fold(np.logical_xor),
    sympy.Piecewise: _piecewise,
    sympy.Implies: _call(lambda x, y: np.logical_or(np.logical_not(x), y)),
    sympy.Equivalent: _equivalent,
    sympy.Contains: contains,
    sympy.UnevaluatedExpr: _call(keep),
    sympy.Poly: lambda expr: (same, [expr.as_expr()]),
    sympy.Sum: series,
    sympy.Product: series,
    sympy.Derivative: done("sympy does not find it: an unknown function, or one without derivative"),
    sympy.Integral: done("sympy finds no closed form"),
    sympy.Subs: done("sympy cannot put the values in"),
    sympy.Limit: done("sympy does not find it"),
    sympy.KroneckerDelta: _call(lambda x, y, *_: np.where(x == y, 1, 0)),
    cfunctions.fma: _call(lambda x, y, z: x * y + z),
    **{getattr(cfunctions, name): _call(getattr(np, name)) for name in ("isnan", "isinf") if hasattr(cfunctions, name)},
    numpy_nodes.minimum: _fold(np.minimum),
    numpy_nodes.maximum: _fold(np.maximum),
    numpy_nodes.logaddexp: _call(np.logaddexp),
    numpy_nodes.logaddexp2: _call(np.logaddexp2),
    scipy_nodes.cosm1: _call(lambda x: -2 * np.sin(x / 2) ** 2),
    scipy_nodes.powm1: _call(lambda x, y: np.expm1(y * np.log(x))),
    **MATRICES,
    **{cls: _value_or(plan) for cls, plan in SPECIAL.items()},
}

# What is refused, by the name of the class: why, and what to write instead
REFUSED: dict[str, str] = {
    "DiracDelta": "a distribution has no value at a point: integrate it with .doit() first",
    "CodegenAST": "a statement is no value: give the expressions in it",
    "hyper": "its closed forms cancel near zero: sympy.hyperexpand it yourself, and look at k.accuracy()",
    "meijerg": "its closed forms cancel: sympy.hyperexpand it yourself, and look at k.accuracy()",
    "amin": "it is over an axis of an array: sympy.Min of the values",
    "amax": "it is over an axis of an array: sympy.Max of the values",
    "ComplexInfinity": "the expression is infinite with no sign, as 1/0",
    "Order": "call .removeO() first",
    "Lambda": "apply it to its arguments: f(x)",
    "exp_polar": "call sympy.unpolarify first",
    "polar_lift": "call sympy.unpolarify first",
    "Set": "a set is no value: sympy.Contains(x, set) is a condition",
    "AccumulationBounds": "an interval is no value",
    "Quantity": "a unit is no number: divide by a unit of its dimension, and simplify",
    "Tensor": "its components are not known: replace_with_arrays gives an array",
}

BY_NAME |= SPECIAL_BY_NAME
