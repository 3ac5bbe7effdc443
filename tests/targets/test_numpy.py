import math
import warnings
from fractions import Fraction

import numpy as np
import pytest

from symhep.checking.evaluate import numpy_values
from symhep.graph import CONSTANT, Builder, Graph
from symhep.ops import OPS, REDUCTIONS
from symhep.program import build
from symhep.targets import numpy as target
from tests.programs import straight_line

# operations that no lowered program holds
RAISED = {"custom", "special", "sum", "product", "power", "complex", "real", "imag", "conj"}
LEAVES = {"input", "const", "item"}
DTYPES = (np.float64, np.float32)
VALUES = np.array([0.0, -0.0, 0.25, 0.7, -0.5, 1.0, 3.5, -2.5, np.inf, np.nan])


def graph_of(op: str) -> Graph:
    """One operation on as many inputs as it takes."""
    b = Builder()
    kinds = {"select": ["bool", "real", "real"], "and": ["bool"] * 2, "or": ["bool"] * 2, "not": ["bool"]}
    inputs = [b.input(f"x{i}", kind) for i, kind in enumerate(kinds.get(op, ["real"] * OPS[op].arity))]
    node = b.node(op, tuple(inputs))
    outputs = [b.node("item", (node,), (i,)) for i in range(2)] if op == "sincos" else [node]
    return Graph(tuple(inputs), tuple(outputs))


def run(graph: Graph, columns, dtype=np.float64):
    return target.compile_program(build(graph), dtype)(columns)


def test_there_is_a_text_for_every_operation():
    assert set(target.TEXTS) == set(OPS) - RAISED - LEAVES


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", sorted(set(target.TEXTS) - REDUCTIONS - {"batch_size"}))
def test_each_operation_is_numpys(op, dtype):
    graph = graph_of(op)
    pairs = np.array([(x, y) for x in VALUES for y in VALUES]).T.astype(dtype)
    columns = [pairs[0] > 0 if n.dtype == "bool" else pairs[i % 2] for i, n in enumerate(graph.inputs)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = run(graph, columns, dtype)
    expected = numpy_values(graph, {n.attrs[0]: c for n, c in zip(graph.inputs, columns)}, dtype)
    for result, right in zip(results, expected):
        assert result.dtype == (np.bool_ if OPS[op].dtype == "bool" else dtype)
        np.testing.assert_array_equal(result, right)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(3))
def test_random_programs_have_the_bits_of_numpy(seed, dtype):
    program = straight_line(200, 8, 3, parameters=2, ops=("add", "sub", "mul", "div"), constants=0.2, seed=seed)
    rng = np.random.default_rng(seed)
    columns = [rng.uniform(0.5, 1.5, 5000 if n.axes else 1).astype(dtype) for n in program.inputs]
    results = target.compile_program(program, dtype)(columns)
    expected = numpy_values(program.graph, {n.attrs[0]: c for n, c in zip(program.inputs, columns)}, dtype)
    for result, right in zip(results, expected):
        assert result.dtype == dtype and result.shape == (5000,)
        np.testing.assert_array_equal(result, right)


def test_run_writes_into_given_columns():
    program = straight_line(50, 4, 2, seed=3)
    rng = np.random.default_rng(0)
    columns = [rng.uniform(0.5, 1.5, 3 * target.BLOCK + 7) for _ in program.inputs]
    loaded = target.compile_program(program)
    outputs = [np.empty(columns[0].size) for _ in program.outputs]
    loaded.run(columns, outputs)
    np.testing.assert_array_equal(outputs, loaded(columns))


def test_the_text_is_readable_and_deterministic():
    b = Builder()
    p, z, mass = b.input("p[0]"), b.input("z.real"), b.input("mass", axes=CONSTANT)
    scaled = b.node("mul", (mass, mass))
    total = b.node("add", (b.node("mul", (p, z)), scaled))
    cut = b.node("select", (b.node("lt", (total, b.const(0.1))), b.const(1), b.const(Fraction(1, 3))))
    graph = Graph((p, z, mass), (total, cut), names={total: "s12"})
    expected = """\
import numpy as np

real = np.float32


@np.errstate(all="ignore")
def kernel(p_0, z_real, mass):
    # once per call
    t0 = mass * mass
    # for every event
    t1 = p_0 * z_real
    s12 = t1 + t0
    t2 = s12 < 0.1
    t3 = np.where(t2, real(1.0), real(0.33333334))
    return (s12, t3)
"""
    text = target.emit(build(graph), np.float32)
    assert text == expected == target.emit(build(Graph.from_bytes(graph.to_bytes())), np.float32)
    namespace = {}
    exec(text, namespace)
    columns = [np.float32([0.5, 2]), np.float32([0.1, 2]), np.float32(0.1)]
    for by_hand, loaded in zip(namespace["kernel"](*columns), target.load(text)(columns)):
        np.testing.assert_array_equal(by_hand, loaded)


def test_names_are_distinct_identifiers():
    b = Builder()
    inputs = [b.input(n) for n in ("lambda", "np", "t0", "p[0]", "p_0", "0", "real")]
    ops = [b.node("neg", (i,)) for i in inputs]
    graph = Graph(tuple(inputs), tuple(ops), names={ops[0]: "p[0]", ops[1]: "s 12"})
    names = list(target.names(graph).values())
    assert names[:7] == ["lambda_", "np_", "t0", "p_0", "p_0_2", "x0", "real_"]
    assert names[7:9] == ["p_0_3", "s_12"]
    assert len(set(names)) == len(names) and all(n.isidentifier() for n in names)
    assert [r[0] for r in run(graph, [np.ones(2)] * 7)] == [-1] * 7


def test_a_fraction_is_rounded_once():
    halfway = 1 + Fraction(1, 2**24)
    assert target.rounded(halfway, np.float32) == 1
    assert target.rounded(halfway + Fraction(1, 2**70), np.float32) == np.nextafter(np.float32(1), np.float32(2))
    assert np.float32(float(halfway + Fraction(1, 2**70))) == 1  # by way of float64 it is rounded twice
    assert target.rounded(10**400, np.float64) == math.inf
    assert target.rounded(-Fraction(10**400, 3), np.float32) == -math.inf


@pytest.mark.parametrize("dtype", DTYPES)
def test_literals_read_back_as_the_constant(dtype):
    rng = np.random.default_rng(4)
    values = [0.1, 1e-310, 1e300, -0.0, math.pi, 3, 2**70, Fraction(1, 3), math.inf, *rng.normal(size=200).tolist()]
    for value in values:
        text = target.literal(value, dtype)
        assert dtype(eval(text, {"np": np})).tobytes() == target.rounded(value, dtype).tobytes()


def test_results_that_depend_on_no_column_are_scalars():
    b = Builder()
    x = b.input("x")
    graph = Graph((x,), (b.node("div", (b.const(1), b.const(3))), b.const(2), b.node("const", (), (1,), dtype="bool")))
    third, two, true = run(graph, [np.ones(5, np.float32)], np.float32)
    assert third == np.float32(1) / np.float32(3) and third.dtype == two.dtype == np.float32
    assert true.dtype == np.bool_


def test_a_graph_that_is_not_lowered_is_refused():
    b = Builder()
    x = b.input("x")
    with pytest.raises(ValueError, match="'power'"):
        target.emit(build(Graph((x,), (b.node("power", (x,), (3,)),))))


def test_errors_show_the_generated_line():
    loaded = target.compile_program(straight_line(3, 2, 1, seed=1))
    with pytest.raises(ValueError) as error:
        loaded([np.ones(2), np.ones(3)])
    last = error.traceback[-1]
    assert str(last.path).startswith("<symhep") and " = x" in str(last.statement)
