"""The text of the jax target: jnp operations for every primitive."""

import numpy as np
import pytest

from symhep.graph import CONSTANT, Builder, Graph
from symhep.ops import OPS
from symhep.program import build
from symhep.targets import jax as target
from symhep.targets import numpy as numpy_target
from tests.programs import program_of, straight_line
from tests.targets.test_numpy import VALUES, graph_of

jax = pytest.importorskip("jax", reason="jax is not installed")

DTYPES = (np.float64, np.float32)
UNITS = {np.float64: 4, np.float32: 8}  # in the last place, that XLA's elementary functions may differ by
ROUGH = {"cbrt", "pow", "erf", "exp2", "asinh", "acosh", "atanh", "sinh", "cosh", "tan", "asin", "acos"}
REDUCTIONS = {"batch_sum", "batch_max", "batch_min", "batch_size"}


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def run(program, columns, dtype):
    function = target.load(target.emit(program, dtype))
    return function(*[jax.numpy.asarray(c) for c in columns])


def test_there_is_a_text_for_every_operation():
    assert set(target.TEXTS) == set(numpy_target.TEXTS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", sorted(set(target.TEXTS) - REDUCTIONS))
def test_each_operation_is_numpys(op, dtype):
    graph = graph_of(op)
    pairs = np.array([(x, y) for x in VALUES for y in VALUES]).T.astype(dtype)
    columns = [pairs[0] > 0 if n.dtype == "bool" else pairs[i % 2] for i, n in enumerate(graph.inputs)]
    results = run(build(graph), columns, dtype)
    expected = numpy_target.compile_program(build(graph), dtype)(columns)
    for result, right in zip(results, expected, strict=True):
        assert result.dtype == (np.bool_ if OPS[op].dtype == "bool" else dtype)
        spacing = (20 if op in ROUGH else 1) * UNITS[dtype] * np.finfo(dtype).eps
        np.testing.assert_allclose(np.asarray(result), right, rtol=spacing, atol=0 if op not in ROUGH else spacing)


@pytest.mark.parametrize("dtype", DTYPES)
def test_random_programs_keep_the_dtype(dtype):
    program = straight_line(100, 8, 3, parameters=2, ops=("add", "sub", "mul", "div"), constants=0.2, seed=2)
    rng = np.random.default_rng(0)
    columns = [rng.uniform(0.5, 1.5, 100 if n.axes else ()).astype(dtype) for n in program.inputs]
    expected = numpy_target.compile_program(program, dtype)(columns)
    for result, right in zip(run(program, columns, dtype), expected, strict=True):
        assert result.dtype == dtype
        np.testing.assert_allclose(np.asarray(result), right, rtol=1e4 * np.finfo(dtype).eps)  # XLA divides its own way


@pytest.mark.parametrize("op", sorted(REDUCTIONS - {"batch_size"}))
def test_reductions(op):
    program = program_of(lambda b, x: b.node(op, (x,), ("batch",), axes=CONSTANT), "x")
    x = np.random.default_rng(0).normal(size=100)
    (result,) = run(program, [x], np.float64)
    assert np.isclose(result, {"batch_sum": np.sum, "batch_max": np.max, "batch_min": np.min}[op](x), rtol=1e-14)


def test_the_size_of_a_batch():
    def make(b, x):
        return b.node("mul", (x, b.node("batch_size", (), ("batch",), axes=CONSTANT)))

    (result,) = run(program_of(make, "x"), [np.full(7, 2.0)], np.float64)
    np.testing.assert_array_equal(result, np.full(7, 14.0))


def test_the_text_is_readable_and_deterministic():
    b = Builder()
    p, z, jnp = b.input("p[0]"), b.input("real"), b.input("jnp")
    total = b.node("add", (b.node("mul", (p, z)), jnp))
    cut = b.node("select", (b.node("lt", (total, b.const(0.1))), b.const(1), b.node("erf", (total,))))
    graph = Graph((p, z, jnp), (total, cut), names={total: "s12"})
    assert (
        target.emit(build(graph), np.float32)
        == """\
import jax
import jax.numpy as jnp

real = jnp.float32


def kernel(p_0, real_, jnp_):
    t0 = p_0 * real_
    s12 = t0 + jnp_
    t1 = s12 < 0.1
    t2 = jax.scipy.special.erf(s12)
    t3 = jnp.where(t1, 1.0, t2)
    return (s12, t3)
"""
    )


def test_a_graph_that_is_not_lowered_is_refused():
    with pytest.raises(ValueError, match="'power'"):
        target.emit(program_of(lambda b, x: b.node("power", (x,), (3,)), "x"))
