"""The table of operations: the one place from which printers, evaluators, counts, costs, docs and tests derive.

A row is a *primitive*: it may stand in a graph, and every target has a text for it. What NumPy offers beyond these
rows is an *expansion* into them (`symhep/expansions.py`). Adding an operation is one row here or one function there.

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
"""

from __future__ import annotations

from dataclasses import dataclass
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


def _elementary(name: str, numpy: str = "", mpmath: str = "", *, arity: int = 1, **columns: Any) -> Op:
    """A row for an elementary function: counted under its own name, at the usual cost."""
    return Op(name, arity, f"numpy.{numpy or name}", mpmath or f"mpmath.{name}", name, ELEMENTARY_COST, **columns)


_ROWS = (
    # leaves
    Op("input", 0, "", "", None, 0.0),
    Op("const", 0, "", "", None, 0.0),
    # arithmetic, real or complex
    Op("add", 2, "numpy.add", "operator.add", "add", commutative=True),
    Op("sub", 2, "numpy.subtract", "operator.sub", "sub"),
    Op("mul", 2, "numpy.multiply", "operator.mul", "mul", commutative=True),
    Op("div", 2, "numpy.divide", "symhep.reference.divide", "div", 10.0, domain="y != 0"),
    Op("neg", 1, "numpy.negative", "operator.neg", None, 0.0, parity="odd"),
    Op("sqrt", 1, "numpy.sqrt", "symhep.reference.sqrt", "sqrt", 16.0, domain="x >= 0"),
    # x to a constant exponent, attrs = (exponent,); counted as the operations that it is emitted as
    Op("power", 1, "numpy.power", "symhep.reference.power", "pow", 24.0),
    # n-ary forms that the algebraic passes work on: attrs = (coefficients, constant) and (exponents,)
    Op("sum", None, "", "symhep.reference.weighted_sum", "add"),
    Op("product", None, "", "symhep.reference.power_product", "mul"),
    # magnitude, sign and rounding
    Op("abs", 1, "numpy.absolute", "builtins.abs", None, 0.0, dtype="real", parity="even"),
    Op("copysign", 2, "numpy.copysign", "symhep.reference.copysign", "select", dtype="real"),
    Op("minimum", 2, "numpy.minimum", "symhep.reference.minimum", "min", dtype="real", commutative=True),
    Op("maximum", 2, "numpy.maximum", "symhep.reference.maximum", "max", dtype="real", commutative=True),
    Op("floor", 1, "numpy.floor", "symhep.reference.floor", "round", dtype="real"),
    Op("ceil", 1, "numpy.ceil", "symhep.reference.ceil", "round", dtype="real"),
    Op("trunc", 1, "numpy.trunc", "symhep.reference.trunc", "round", dtype="real", parity="odd"),
    Op("rint", 1, "numpy.rint", "symhep.reference.rint", "round", dtype="real", parity="odd"),
    # comparisons, logic, choice
    Op("lt", 2, "numpy.less", "operator.lt", "compare", dtype="bool"),
    Op("le", 2, "numpy.less_equal", "operator.le", "compare", dtype="bool"),
    Op("eq", 2, "numpy.equal", "operator.eq", "compare", dtype="bool", commutative=True),
    Op("ne", 2, "numpy.not_equal", "operator.ne", "compare", dtype="bool", commutative=True),
    Op("and", 2, "numpy.logical_and", "operator.and_", "logic", dtype="bool", commutative=True),
    Op("or", 2, "numpy.logical_or", "operator.or_", "logic", dtype="bool", commutative=True),
    Op("not", 1, "numpy.logical_not", "operator.not_", None, 0.0, dtype="bool"),
    Op("select", 3, "numpy.where", "symhep.reference.select", "select"),
    # elementary functions
    _elementary("exp"),
    _elementary("expm1"),
    _elementary("exp2", mpmath="symhep.reference.exp2"),
    _elementary("log", mpmath="symhep.reference.log", domain="x > 0"),
    _elementary("log1p", mpmath="symhep.reference.log1p", domain="x > -1"),
    _elementary("log2", mpmath="symhep.reference.log2", domain="x > 0"),
    _elementary("log10", mpmath="symhep.reference.log10", domain="x > 0"),
    _elementary("cbrt", mpmath="symhep.reference.cbrt", parity="odd", dtype="real"),
    _elementary("sin", parity="odd"),
    _elementary("cos", parity="even"),
    _elementary("tan", parity="odd"),
    _elementary("asin", "arcsin", "symhep.reference.asin", domain="abs(x) <= 1", parity="odd"),
    _elementary("acos", "arccos", "symhep.reference.acos", domain="abs(x) <= 1"),
    _elementary("atan", "arctan", "symhep.reference.atan", parity="odd"),
    _elementary("atan2", "arctan2", arity=2, dtype="real"),
    _elementary("sinh", parity="odd"),
    _elementary("cosh", parity="even"),
    _elementary("tanh", parity="odd"),
    _elementary("asinh", "arcsinh", "symhep.reference.asinh", parity="odd"),
    _elementary("acosh", "arccosh", "symhep.reference.acosh", domain="x >= 1"),
    _elementary("atanh", "arctanh", "symhep.reference.atanh", domain="abs(x) < 1", parity="odd"),
    _elementary("erf", "", "mpmath.erf", parity="odd", dtype="real"),
    _elementary("pow", "power", "symhep.reference.pow", arity=2, domain="x > 0"),
    # sin and cos of one argument together; the two results are taken out by `item`, attrs = (0,) or (1,)
    Op("sincos", 1, "", "symhep.reference.sincos", "sincos", 1.5 * ELEMENTARY_COST, dtype="real"),
    Op("item", 1, "", "symhep.reference.item", None, 0.0),
    # complex values, until they are split into their parts
    Op("complex", 2, "", "mpmath.mpc", None, 0.0, dtype="complex"),
    Op("real", 1, "numpy.real", "mpmath.re", None, 0.0, dtype="real"),
    Op("imag", 1, "numpy.imag", "symhep.reference.imag", None, 0.0, dtype="real"),
    Op("conj", 1, "numpy.conjugate", "mpmath.conj", None, 0.0),
    # a stage of the user's algorithm: nothing is rewritten across it
    Op("keep", 1, "", "symhep.reference.identity", None, 0.0),
)

OPS: dict[str, Op] = {row.name: row for row in _ROWS}

COMPARISONS = frozenset(row.name for row in _ROWS if row.counts == "compare")
LOGIC = frozenset({"and", "or", "not"})


def resolve(dotted: str):
    """Return the object that a dotted name of the table stands for.

    >>> resolve("operator.add")(1, 2)
    3
    """
    from importlib import import_module

    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)
