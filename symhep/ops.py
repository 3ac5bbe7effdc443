"""The table of operations: the one place from which printers, evaluators, counts, costs, docs and tests derive.

A row is a *primitive*: it may stand in a graph, and every target has a text for it. What NumPy offers beyond these
rows is an *expansion* into them (`tracing/expansions.py`). Adding an operation is one row here or one function there.

Columns
-------
arity     number of arguments; None for a variadic row
dtype     kind of the result: "same" (complex if any argument is), "real", "complex", "bool"
numpy     dotted name of the NumPy function with this meaning
mpmath    dotted name of the function that evaluates it to any precision (`symhep/reference.py` where mpmath has none)
counts    the kind it is counted under in reports; None where it is free
cost      what one evaluation takes next to one vector addition (CPU, float64; used to compare programs)
domain    where the real-valued operation is defined, as conditions on its arguments x, y; "" for everywhere
parity    "even" or "odd" in its first argument
derivative  the partial derivative by each argument, in terms of the arguments x, y, z, the result r and the first
          attribute n; `symhep/derivatives/rules.py` lists the functions that may stand in it. `where(c, 1, 0)` selects:
          what it drops is never multiplied by zero. `inverse(d)` is 1/d, but 0 where d is 0: that is the sub-gradient
          of sqrt, hypot, cbrt and arctan2 at zero, and of arcsin, arccos and arccosh at one. None where the graph has
          to be lowered first
reduces   whether the result does not vary over the batch axis that is the attribute: attrs = (axis,). The function for
          any precision is for a batch of one event
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

ELEMENTARY_COST = 24.0


@dataclass(frozen=True, slots=True)
class Op:
    """One row of the table; the columns are described in the module's docstring."""

    name: str
    arity: int | None
    numpy: str
    mpmath: str
    counts: str | None
    cost: float = 1.0
    dtype: str = "same"
    domain: str = ""
    parity: str = ""
    commutative: bool = False
    derivative: str | None = None
    reduces: bool = False


def _elementary(name: str, numpy: str = "", mpmath: str = "", *, arity: int = 1, **columns: Any) -> Op:
    """A row for an elementary function: counted under its own name, at the usual cost."""
    return Op(name, arity, f"numpy.{numpy or name}", mpmath or f"mpmath.{name}", name, ELEMENTARY_COST, **columns)


# fmt: off
_ROWS = (
    # leaves
    Op("input", 0, "", "", None, 0.0),
    Op("const", 0, "", "", None, 0.0),
    # arithmetic, real or complex
    Op("add", 2, "numpy.add", "operator.add", "add", commutative=True, derivative="1, 1"),
    Op("sub", 2, "numpy.subtract", "operator.sub", "sub", derivative="1, -1"),
    Op("mul", 2, "numpy.multiply", "operator.mul", "mul", commutative=True, derivative="y, x"),
    Op("div", 2, "numpy.divide", "symhep.reference.divide", "div", 10.0, domain="y != 0", derivative="1 / y, -r / y"),
    Op("neg", 1, "numpy.negative", "operator.neg", None, 0.0, parity="odd", derivative="-1"),
    Op("sqrt", 1, "numpy.sqrt", "symhep.reference.sqrt", "sqrt", 16.0, domain="x >= 0", derivative="0.5 * inverse(r)"),
    # x to a constant exponent, attrs = (exponent,); counted as the operations that it is emitted as
    Op("power", 1, "numpy.power", "symhep.reference.power", "pow", 24.0),
    # n-ary forms that the algebraic passes work on: attrs = (coefficients, constant) and (exponents,)
    Op("sum", None, "", "symhep.reference.weighted_sum", "add"),
    Op("product", None, "", "symhep.reference.power_product", "mul"),
    # magnitude, sign and rounding
    Op("abs", 1, "numpy.absolute", "builtins.abs", None, 0.0, dtype="real", parity="even",
        derivative="where(x < 0, -1, 1)"),
    Op("copysign", 2, "numpy.copysign", "symhep.reference.copysign", "select", dtype="real",
        derivative="copysign(1, x) * copysign(1, y), 0"),
    Op("minimum", 2, "numpy.minimum", "symhep.reference.minimum", "min", dtype="real", commutative=True,
        derivative="where(below(x, y), 1, 0), where(below(x, y), 0, 1)"),
    Op("maximum", 2, "numpy.maximum", "symhep.reference.maximum", "max", dtype="real", commutative=True,
        derivative="where(above(x, y), 1, 0), where(above(x, y), 0, 1)"),
    Op("floor", 1, "numpy.floor", "symhep.reference.floor", "round", dtype="real", derivative="0"),
    Op("ceil", 1, "numpy.ceil", "symhep.reference.ceil", "round", dtype="real", derivative="0"),
    Op("trunc", 1, "numpy.trunc", "symhep.reference.trunc", "round", dtype="real", parity="odd", derivative="0"),
    Op("rint", 1, "numpy.rint", "symhep.reference.rint", "round", dtype="real", parity="odd", derivative="0"),
    # comparisons, logic, choice
    Op("lt", 2, "numpy.less", "operator.lt", "compare", dtype="bool", derivative="0, 0"),
    Op("le", 2, "numpy.less_equal", "operator.le", "compare", dtype="bool", derivative="0, 0"),
    Op("eq", 2, "numpy.equal", "operator.eq", "compare", dtype="bool", commutative=True, derivative="0, 0"),
    Op("ne", 2, "numpy.not_equal", "operator.ne", "compare", dtype="bool", commutative=True, derivative="0, 0"),
    Op("and", 2, "numpy.logical_and", "operator.and_", "logic", dtype="bool", commutative=True, derivative="0, 0"),
    Op("or", 2, "numpy.logical_or", "operator.or_", "logic", dtype="bool", commutative=True, derivative="0, 0"),
    Op("not", 1, "numpy.logical_not", "operator.not_", None, 0.0, dtype="bool", derivative="0"),
    Op("select", 3, "numpy.where", "symhep.reference.select", "select", derivative="0, where(x, 1, 0), where(x, 0, 1)"),
    # elementary functions
    _elementary("exp", derivative="r"),
    _elementary("expm1", derivative="exp(x)"),
    _elementary("exp2", mpmath="symhep.reference.exp2", derivative="LN2 * r"),
    _elementary("log", mpmath="symhep.reference.log", domain="x > 0", derivative="1 / x"),
    _elementary("log1p", mpmath="symhep.reference.log1p", domain="x > -1", derivative="1 / (1 + x)"),
    _elementary("log2", mpmath="symhep.reference.log2", domain="x > 0", derivative="1 / (LN2 * x)"),
    _elementary("log10", mpmath="symhep.reference.log10", domain="x > 0", derivative="1 / (LN10 * x)"),
    _elementary("cbrt", mpmath="symhep.reference.cbrt", parity="odd", dtype="real", derivative="inverse(3 * r * r)"),
    _elementary("sin", parity="odd", derivative="cos(x)"),
    _elementary("cos", parity="even", derivative="-sin(x)"),
    _elementary("tan", parity="odd", derivative="1 + r * r"),
    _elementary("asin", "arcsin", "symhep.reference.asin", domain="abs(x) <= 1", parity="odd",
        derivative="inverse(sqrt((1 - x) * (1 + x)))"),
    _elementary("acos", "arccos", "symhep.reference.acos", domain="abs(x) <= 1",
        derivative="-inverse(sqrt((1 - x) * (1 + x)))"),
    _elementary("atan", "arctan", "symhep.reference.atan", parity="odd", derivative="1 / (1 + x * x)"),
    _elementary("atan2", "arctan2", arity=2, dtype="real",
        derivative="y * inverse(x * x + y * y), -x * inverse(x * x + y * y)"),
    _elementary("sinh", parity="odd", derivative="cosh(x)"),
    _elementary("cosh", parity="even", derivative="sinh(x)"),
    _elementary("tanh", parity="odd", derivative="1 - r * r"),
    _elementary("asinh", "arcsinh", "symhep.reference.asinh", parity="odd", derivative="1 / sqrt(x * x + 1)"),
    _elementary("acosh", "arccosh", "symhep.reference.acosh", domain="x >= 1",
        derivative="inverse(sqrt((x - 1) * (x + 1)))"),
    _elementary("atanh", "arctanh", "symhep.reference.atanh", domain="abs(x) < 1", parity="odd",
        derivative="1 / ((1 - x) * (1 + x))"),
    _elementary("erf", "", "mpmath.erf", parity="odd", dtype="real", derivative="TWO_OVER_ROOT_PI * exp(-x * x)"),
    _elementary("pow", "power", "symhep.reference.pow", arity=2, domain="x > 0",
        derivative="where(x == 0, where(y == 1, 1, 0), y * pow(x, y - 1)), where(x <= 0, 0, r * log(x))"),
    # sin and cos of one argument together; the two results are taken out by `item`, attrs = (0,) or (1,)
    Op("sincos", 1, "", "symhep.reference.sincos", "sincos", 1.5 * ELEMENTARY_COST, dtype="real"),
    Op("item", 1, "", "symhep.reference.item", None, 0.0),
    # complex values, until they are split into their parts
    Op("complex", 2, "", "mpmath.mpc", None, 0.0, dtype="complex"),
    Op("real", 1, "numpy.real", "mpmath.re", None, 0.0, dtype="real"),
    Op("imag", 1, "numpy.imag", "symhep.reference.imag", None, 0.0, dtype="real"),
    Op("conj", 1, "numpy.conjugate", "mpmath.conj", None, 0.0),
    # over the events of a batch axis, attrs = (axis,); batch_size is how many there are
    Op("batch_sum", 1, "numpy.sum", "symhep.reference.identity", "add", 8.0, reduces=True),
    Op("batch_max", 1, "numpy.max", "symhep.reference.identity", "max", 2.0, dtype="real", reduces=True),
    Op("batch_min", 1, "numpy.min", "symhep.reference.identity", "min", 2.0, dtype="real", reduces=True),
    Op("batch_size", 0, "", "symhep.reference.one_event", None, 0.0, dtype="real"),
    # an operation of the user's own, attrs = (value, derivatives, number of arguments, name), the first two as graphs;
    # it stands only in graphs that derivatives are taken of
    Op("custom", None, "", "symhep.reference.custom", None, dtype="real"),
    # a special function, attrs = (name, *constant parameters): where no derivatives are taken, what
    # `symhep/special` writes for it stands in its place
    Op("special", None, "", "symhep.reference.special", None, dtype="real"),
    # a stage of the user's algorithm: nothing is rewritten across it
    Op("keep", 1, "", "symhep.reference.identity", None, 0.0, derivative="1"),
)
# fmt: on

OPS: dict[str, Op] = {row.name: row for row in _ROWS}

REDUCTIONS = frozenset(row.name for row in _ROWS if row.reduces)
COMPARISONS = frozenset(row.name for row in _ROWS if row.counts == "compare")
LOGIC = frozenset({"and", "or", "not"})


@cache
def resolve(dotted: str):
    """Return the object that a dotted name of the table stands for.

    >>> resolve("operator.add")(1, 2)
    3
    """
    from importlib import import_module

    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)
