"""Out as sympy and in again: the same values, names and structure."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sympy import Symbol, symbols

import symhep as sh
from symhep.batch.reductions import reduces
from symhep.checking.domain import DomainError, columns, domain_for
from symhep.checking.verify import compare
from symhep.count import count
from symhep.errors import TraceError
from symhep.graph import BATCH
from symhep.passes.lower import lower
from symhep.passes.split_complex import split_complex
from tests.fuzz.recipes import recipe

x, y = symbols("x y")
CALM = [HealthCheck.too_slow, HealthCheck.filter_too_much]


def round_trip(kernel):
    """The kernel of the expression of a kernel; equal to it by digest or by value."""
    try:
        _ = kernel.traced
    except TraceError as error:  # a random function may be a constant
        assume("does not depend on any argument" not in str(error))
        raise
    again = sh.compile(kernel.expr, kernel.arguments, parameters=kernel.options.parameters, effort="fast")
    before, after = kernel.traced.graph, again.traced.graph
    assert [(a.name, a.tree, a.cores, a.parameter) for a in again.arguments] == [
        (a.name, a.tree, a.cores, a.parameter) for a in kernel.arguments
    ]
    outputs = kernel.traced.outputs
    if not any(reduces(n) for n in before.order):  # one that leaves no node is in no expression
        outputs = tuple([replace(o, axes=BATCH) for o in outputs])
    assert again.traced.outputs == outputs and again.traced.tree == kernel.traced.tree
    if before.digest() == after.digest():
        return again
    fewer, more = (count(lower(split_complex(g))).total for g in (before, after))
    assert more <= 1.25 * fewer + 1  # x*(1/y) and x/y are one expression to sympy
    try:
        points = [columns(p, before.inputs) for p in domain_for(before, None, kernel.traced.leaves).points(2, 80)]
    except DomainError:
        assume(False)
    compare(before, after, points).check()
    return again


def random_kernel(seed):
    r = recipe(seed)
    return sh.kernel(r.function(), parameters=r.parameters, effort="fast")


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(st.integers(0, 10**9))
def test_random_functions_of_every_operation(seed):
    round_trip(random_kernel(seed))


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(st.integers(0, 10**12))
def test_many_random_functions(seed):
    round_trip(random_kernel(seed))


# -- names -----------------------------------------------------------------------------------------------------------


def test_symbols_come_back_as_they_were_given():
    p, n = Symbol("p", positive=True), Symbol("n", integer=True)
    c, w = Symbol("c", complex=True), Symbol(r"\omega")
    expr = sympy.log(p) * w + n * sympy.re(c)
    kernel = sh.compile(expr, [p, n, c, w])
    assert kernel.expr == expr
    assert [a.name for a in kernel.arguments] == ["p", "n", "c", r"\omega"]
    again = round_trip(kernel)
    assert again.expr == expr
    assert pickle.loads(pickle.dumps(kernel)).expr == expr


@pytest.mark.parametrize("name", ["lambda", "m_{12}", "x'", "a b", "np", "math", "None", "μ", "t0", "x.real", "x[0]"])
def test_any_name_will_do(name):
    s = Symbol(name)
    kernel = sh.compile(s**2 + x, [s, x])
    assert kernel(3.0, 1.0) == 10 and kernel.to("numpy")(3.0, 1.0) == 10
    assert kernel.expr == s**2 + x
    compile(kernel.source("numba"), "source", "exec")


def test_names_that_would_meet():
    z, real, v = Symbol("z", complex=True), Symbol("z.real"), sympy.Matrix([x, y])
    kernel = sh.compile(real + sympy.re(z), [real, z])
    assert [a.name for a in kernel.arguments] == ["z.real", "z_2"] and kernel(1.0, 10.0 + 3j) == 11
    first = Symbol("p[0]")
    kernel = sh.compile(first + 10 * x, {"p": v, "other": first})
    assert kernel(np.array([1.0, 2.0]), 5.0) == 15
    kernel = sh.compile(Symbol("q") + sympy.MatrixSymbol("q", 2, 1)[0, 0], [Symbol("q"), sympy.MatrixSymbol("q", 2, 1)])
    assert [a.name for a in kernel.arguments] == ["q", "q_2"] and kernel(1.0, np.array([2.0, 3.0])) == 3
    assert round_trip(kernel).expr == kernel.expr


def test_dummies():
    a, b = sympy.Dummy("t"), sympy.Dummy("t")
    kernel = sh.compile(a - 2 * b, [a, b])
    assert [x.name for x in kernel.arguments] == ["t", "t_2"]
    assert kernel(10.0, 3.0) == 4 and sympy.expand(kernel.expr - (a - 2 * b)) == 0
    assert round_trip(kernel)(10.0, 3.0) == 4


def test_elements_come_back():
    A, p = sympy.MatrixSymbol("A", 2, 2), sympy.IndexedBase("p", shape=(3,))
    expr = A[0, 1] * p[2] + x * y
    kernel = sh.compile(expr, [A, p, (x, [y])])
    assert kernel.expr == expr
    assert round_trip(kernel).expr == expr
    m = sympy.Matrix([x, y])
    assert sh.compile(x * y**2, [m]).expr == x * y**2


def test_containers_come_back():
    out = {"m": sympy.Matrix([[x, 1], [y, x * y]]), "pair": (x + y, [sympy.Piecewise((x, x < y), (y, True))])}
    kernel = sh.compile(out, [x, y])
    assert kernel.expr["pair"] == out["pair"] and kernel.expr["m"] == out["m"]
    round_trip(kernel)


def test_minima_conditions_and_complex_arguments():
    @sh.kernel
    def f(z: sh.Complex, flag: sh.Boolean, v: sh.Vector[3]):
        low = np.minimum(v[0], v[1])
        return {"a": np.where(flag & (low > 0), z * np.conj(z), 1 / z), "b": sh.keep(np.maximum(low, v[2])), "c": flag}

    again = round_trip(f)
    v = np.array([1.0, 2.0, 3.0])
    assert again(2 + 1j, True, v) == f(2 + 1j, True, v)


def test_reductions_come_back():
    @sh.kernel(parameters=("a",))
    def total(x, a):
        return sh.batch_sum(x * a) + sh.batch_max(x)

    again = round_trip(total)
    assert again(np.arange(4.0), 2.0) == total(np.arange(4.0), 2.0) == 15


def test_floats_and_rationals_keep_their_digits():
    expr = sympy.Rational(1, 3) * x + sympy.Float("0.1", 40) * y + sympy.pi + sympy.Float("1e-300")
    again = sh.compile(expr, [x, y]).expr
    assert again.coeff(x) == sympy.Rational(1, 3) and again.has(sympy.pi)
    assert abs(again.coeff(y) - sympy.Rational(1, 10)) < sympy.Float("1e-39", 50)
