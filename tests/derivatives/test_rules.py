"""The derivative column of the table: every rule against differences, and every corrupted rule found out."""

import dataclasses

import mpmath
import numpy as np
import pytest

import symhep as sh
from symhep.derivatives.rules import depends
from symhep.ops import OPS, REDUCTIONS

TRIG = {"asin": (-0.9, 0.9), "acos": (-0.9, 0.9), "atanh": (-0.9, 0.9), "acosh": (1.1, 3.0), "log1p": (-0.8, 2.0)}
POSITIVE = {"log", "log2", "log10", "sqrt", "pow"}
FLAT = {"floor", "ceil", "trunc", "rint"}
BOOLEAN = {row.name for row in OPS.values() if row.dtype == "bool"}
LEAVES = {"input", "const", "batch_size"}
LOWERED = {"sum", "product", "power", "sincos", "item", "complex", "real", "imag", "conj", "custom", "special"}
WITHOUT = LEAVES | LOWERED

FUNCTIONS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -np.sin(x),
    "select": lambda x, y: np.where(x < y, x * y, x - 2 * y),
    "keep": lambda x: sh.keep(x),
    "erf": None,
}


def function_of(op):
    """A function in which the operation stands; its arguments are products, so that no symmetry hides a fault."""
    row = OPS[op]
    if op == "erf":
        sympy = pytest.importorskip("sympy")
        x = sympy.Symbol("x")
        return sh.compile(sympy.erf(x * sympy.Rational(7, 5)), [x])
    made = FUNCTIONS.get(op) or getattr(np, row.numpy.removeprefix("numpy."))
    if (row.arity or 1) == 1 or op == "keep":
        return sh.kernel(lambda x: made(x) + x if op in FLAT else made(x) * (1 if op == "neg" else 1.25))
    return sh.kernel(lambda x, y: made(x, y) * 1.25)


def domain_of(op):
    low, high = TRIG.get(op, (0.2, 2.5) if op in POSITIVE else (-2.0, 2.5))
    if op == "erf" or (OPS[op].arity or 1) == 1 or op == "keep":
        return sh.box(x=(low, high))
    return sh.box(x=(low, high), y=(low, high))


SMOOTH = sorted(set(OPS) - WITHOUT - BOOLEAN - REDUCTIONS)


def test_every_operation_has_a_rule_or_is_lowered_first():
    assert {op for op, row in OPS.items() if row.derivative is None} == WITHOUT | REDUCTIONS


@pytest.mark.parametrize("op", SMOOTH)
def test_rule(op):
    check = sh.check_derivatives(function_of(op), domain=domain_of(op), points=5)
    assert check.points == 5 and check.elements >= 1


def corrupted(text):
    """Each way to spoil one partial derivative of a rule."""
    import ast

    body = ast.parse(text, mode="eval").body
    parts = [ast.unparse(p) for p in (body.elts if isinstance(body, ast.Tuple) else [body])]
    for i, part in enumerate(parts):
        if part == "0":
            wrong = ["0.001"]
        elif part.startswith("where(") and part.endswith(("1, 0)", "0, 1)")):
            wrong = [part.replace("1, 0)", "0, 1)") if part.endswith("1, 0)") else part.replace("0, 1)", "1, 0)")]
        else:
            wrong = [f"1.0001 * ({part})", f"-({part})", f"({part}) + 1e-6"]
        for w in wrong:
            yield ", ".join([*parts[:i], w, *parts[i + 1 :]])


@pytest.mark.parametrize("op", [op for op in SMOOTH if op not in FLAT])
def test_corrupted_rule_is_found(op, monkeypatch):
    row, arity = OPS[op], OPS[op].arity
    for text in corrupted(row.derivative):
        if op in ("select",) and text.startswith("0.001"):
            continue  # by a condition there is no derivative to be taken
        monkeypatch.setitem(OPS, op, dataclasses.replace(row, derivative=text))
        with pytest.raises(sh.DerivativeError) as error:
            sh.check_derivatives(function_of(op), domain=domain_of(op), points=6)
        assert f"the rule of {op!r}" in str(error.value), (arity, text)


@pytest.mark.parametrize("op", sorted(FLAT))
def test_corrupted_rule_of_a_step_is_found(op, monkeypatch):
    monkeypatch.setitem(OPS, op, dataclasses.replace(OPS[op], derivative="1"))
    with pytest.raises(sh.DerivativeError, match=f"the rule of {op!r}"):
        sh.check_derivatives(function_of(op), domain=domain_of(op))


def test_constants_of_the_rules():
    from symhep.derivatives.rules import FUNCTIONS as NAMES

    with mpmath.workdps(70):
        for name, value in {"LN2": mpmath.log(2), "LN10": mpmath.log(10)}.items():
            assert abs(mpmath.mpf(NAMES[name].numerator) / NAMES[name].denominator - value) < mpmath.mpf(10) ** -60
        exact = 2 / mpmath.sqrt(mpmath.pi)
        found = NAMES["TWO_OVER_ROOT_PI"]
        assert abs(mpmath.mpf(found.numerator) / found.denominator - exact) < mpmath.mpf(10) ** -59


def test_what_has_no_derivative():
    assert not depends("lt", 0) and not depends("floor", 0) and depends("select", 1) and not depends("select", 0)
    with pytest.raises(ValueError, match="lower the graph first"):
        depends("sincos", 0)
