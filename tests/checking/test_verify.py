from dataclasses import replace

import mpmath
import numpy as np
import pytest

import symhep.passes
from symhep.checking.domain import Anywhere, columns, domain_for
from symhep.checking.verify import VerificationError, compare, verify
from symhep.graph import Builder, Graph
from symhep.kernel import kernel
from symhep.passes import optimise
from symhep.tracing.trace import trace
from symhep.variants import _points
from tests.formulas import formula, graph_of


def rational(*terms: float) -> Graph:
    """(x**2 - y**2)/(x - y), or x + terms[0]*y."""
    b = Builder()
    x, y = b.input("x"), b.input("y")
    if terms:
        result = b.node("add", (x, b.node("mul", (b.const(terms[0]), y))))
    else:
        top = b.node("sub", (b.node("mul", (x, x)), b.node("mul", (y, y))))
        result = b.node("div", (top, b.node("sub", (x, y))))
    return Graph((x, y), (result,))


def near(distance: str) -> dict:
    with mpmath.workdps(100):
        x = mpmath.mpf("1.234567890123456789012345678901234567890123456789")
        return {"x": x, "y": x + mpmath.mpf(distance)}


def test_equal_formulas_agree():
    outcome = compare(rational(), rational(1), [near("0.1"), near("1e-5")])
    assert outcome and outcome.points == 2 and outcome.digits >= 40
    assert str(outcome).startswith("verified at 2 points to ")
    assert outcome.check() is outcome


def test_cancellation_is_allowed_for():
    outcome = compare(rational(), rational(1), [near("1e-30")])
    assert outcome and 20 <= outcome.digits <= 60


def test_a_small_difference_is_found():
    outcome = compare(rational(), rational(1 + 2**-50), [near("0.1"), near("0.2")], names=["mass"])
    assert not outcome and outcome.failed == 2 and outcome.worst.output == "mass"
    with pytest.raises(VerificationError, match=r"mass is 2\.66913578.* as written and .* optimised, at x = 1\.2345"):
        outcome.check()


def test_invalid_points_are_dropped():
    outcome = compare(rational(), rational(1), [{"x": 1, "y": 1}, near("0.1")])
    assert (outcome.points, outcome.invalid) == (1, 1)
    nowhere = compare(rational(), rational(1), [{"x": 1, "y": 1}])
    assert not nowhere and "not verified" in str(nowhere)
    nowhere.check()


def test_a_value_where_there_was_none_is_no_excuse():
    b = Builder()
    x = b.input("x")
    root, log = Graph((x,), (b.node("abs", (x,)),)), Graph((x,), (b.node("log", (x,)),))
    assert compare(root, log, [{"x": -2}]).failed == 1
    assert compare(log, root, [{"x": -2}]).invalid == 1


def step(spelling: int) -> Graph:
    """Whether x**2 + 2x + 1 is below (x + 1)**2: decided by rounding."""
    b = Builder()
    x, one = b.input("x"), b.const(1)
    squared = b.node("power", (b.node("add", (x, one)),), (2,))
    expanded = b.node("add", (b.node("add", (b.node("mul", (x, x)), b.node("mul", (b.const(2), x)))), one))
    pair = (expanded, squared) if spelling else (squared, expanded)
    return Graph((x,), (b.node("select", (b.node("lt", pair), one, x)),))


def test_close_calls_are_dropped():
    points = [{"x": mpmath.mpf(1) / 3}, {"x": mpmath.mpf(2) / 7}]
    outcome = compare(step(0), step(1), points)
    assert outcome.ambiguous + outcome.points == 2 and not outcome.failed


def test_comparisons_of_equal_numbers_are_not_close_calls():
    b = Builder()
    x, zero = b.input("x"), b.const(0)
    graph = Graph((x,), (b.node("select", (b.node("le", (zero, zero)), x, zero)),))
    assert compare(graph, graph, [{"x": 3}]).points == 1


def test_zero_is_zero_to_all_digits():
    b = Builder()
    x = b.input("x")
    angle = [b.node("power", (b.node(f, (x,)),), (2,)) for f in ("sin", "cos")]
    noise = b.node("sub", (b.node("add", tuple(angle)), b.const(1)))
    assert compare(Graph((x,), (noise,)), Graph((x,), (b.const(0),)), [{"x": 0.3}])
    assert not compare(Graph((x,), (noise,)), Graph((x,), (b.const(1e-40),)), [{"x": 0.3}])


def test_complex_results_are_compared_by_parts():
    traced = trace(lambda z, x: (z * z + x, z / (1 + x * x)), {"z": complex})
    after = optimise(traced.graph).graph
    outcome = verify(traced, after, points=4)
    assert outcome.check() and outcome.points == 4
    swapped = Graph(after.inputs, after.outputs[::-1])
    assert verify(traced, swapped).worst.output.endswith((".real", ".imag"))


@pytest.mark.parametrize("seed", range(15))
def test_the_optimiser_is_right(seed):
    before = graph_of(formula(seed, steps=30))
    after = optimise(before).graph
    points = [columns(p, before.inputs) for p in domain_for(before).points(3, 80, seed)]
    assert compare(before, after, points).check()


def test_a_function_without_values_is_not_verified():
    traced = trace(lambda x: 1 / (x - x))
    assert verify(traced, traced.graph).points == 0


def test_bools_are_compared():
    b = Builder()
    x = b.input("x")
    below, above = (Graph((x,), (b.node("lt", pair),)) for pair in ((x, b.const(1)), (b.const(1), x)))
    assert compare(below, below, [{"x": 2}])
    assert not compare(below, above, [{"x": 2}])
    assert isinstance(domain_for(below), Anywhere)


def test_a_kernel_is_verified_before_it_runs(monkeypatch):
    right = symhep.passes.optimise

    def wrong(graph, **options):
        found = right(graph, **options)
        build = Builder()
        x = build.input("x")
        return replace(found, graph=Graph((x,), (build.node("add", (x, build.const(1))),)))

    monkeypatch.setattr(symhep.passes, "optimise", wrong)
    broken = kernel(lambda x: x * x)
    with pytest.raises(VerificationError, match="please report this as a bug"):
        broken(2.0)
    with pytest.raises(VerificationError):
        broken.report()


def test_a_report_shows_the_outcome_and_the_times():
    k = kernel(lambda x, y: x * y + x)
    assert "verified at 4 points" in str(k.report()) and "compiled in" not in str(k.report())
    k(1.0, 2.0)
    assert "compiled in" in str(k.report())
    assert k.with_options(target="numpy").variant().verify_seconds == k.variant().verify_seconds


def test_how_many_points():
    assert [_points(n, "default") for n in (0, 20, 5000, 15_000, 10**6)] == [4, 4, 4, 1, 1]
    assert [_points(n, "fast") for n in (20, 400, 20_001)] == [4, 2, 1]


def test_infinite_intermediate_values_are_outside_finite_math():
    """sin(atan2(x/0, y)) is -1 as written, and inf/inf where the root is written out."""
    made = kernel(lambda x, y: np.sin(np.arctan2(x / (y - y + 0 * x), y)), effort="fast")
    outcome = compare(made.traced.graph, made._chosen({}).optimised.graph, [{"x": -3.5, "y": 0.7}])
    assert not outcome.failed and outcome.points == 0


def test_cancellation_beyond_any_digits_is_no_difference():
    """(x + cosh x) + (x - cosh x) is 2x; as written 600 digits are not enough for x = 10⁵."""
    b = Builder()
    x = b.input("x")
    cosh = b.node("cosh", (x,))
    before = Graph((x,), (b.node("add", (b.node("add", (x, cosh)), b.node("sub", (x, cosh)))),))
    points = [{"x": mpmath.mpf(v)} for v in ("1.5", "1000", "100000")]
    for factor, verdict in ((2, (2, 1, 0)), (3, (2, 1, 2))):
        found = compare(before, Graph((x,), (b.node("mul", (b.const(factor), x)),)), points)
        assert (found.points, found.ambiguous, found.failed) == verdict
