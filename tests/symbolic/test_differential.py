"""Random expressions: sympy's own lambdify with mpmath against the graph as read, and against the optimised program."""

import mpmath
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import symhep as sh
from symhep.checking.evaluate import precision, values
from tests.symbolic.expressions import COMPLEX, DIGITS, REALS, by_lambdify, expressions

CALM = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
numbers = st.fractions(-5, 5, max_denominator=40).map(lambda q: sympy.Rational(q.numerator, q.denominator))


def agree(expr, point):
    """Compare at one point; the values that are compared are exact to far more digits than are asked for."""
    with precision(DIGITS):
        exact = {s: mpmath.mpmathify(v) for s, v in point.items()}
        right = by_lambdify(expr, exact)
    assume(right is not None)
    kernel = sh.compile(expr, list(point), effort="fast")
    for graph in (kernel.traced.graph, kernel._chosen({}).optimised.graph):
        inputs = {n.attrs[0] for n in graph.inputs}
        given_ = {s.name: v for s, v in exact.items()}
        if "c.real" in inputs:
            given_ |= {"c.real": mpmath.re(given_["c"]), "c.imag": mpmath.im(given_["c"])}
        found = values(graph, given_, DIGITS)
        with precision(DIGITS):
            value = found[0] if len(found) == 1 else mpmath.mpc(*found)
            assert abs(value - right) <= 1e-25 * (1 + abs(right)), (expr, point, value, right)


def real_case(data):
    expr = data.draw(expressions())
    agree(expr, {s: data.draw(numbers) for s in REALS})


def complex_case(data):
    expr = data.draw(expressions(complex_values=True))
    point = {s: data.draw(numbers) for s in REALS}
    agree(expr, point | {COMPLEX: sympy.Add(data.draw(numbers), sympy.I * data.draw(numbers))})


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(st.data())
def test_real_expressions(data):
    real_case(data)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(st.data())
def test_complex_expressions(data):
    complex_case(data)
