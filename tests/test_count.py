import pickle
from fractions import Fraction

import pytest

from symhep.count import KINDS, OpCount, count, depth, live_values
from symhep.graph import CONSTANT, Builder, Graph
from symhep.ops import OPS
from tests.programs import straight_line


def one(op: str, attrs: tuple = (), kinds: tuple[str, ...] = ("real", "real")) -> dict[str, int]:
    """The count of a single operation."""
    b = Builder()
    inputs = tuple(b.input(f"x{i}", kind) for i, kind in enumerate(kinds[: OPS[op].arity]))
    return dict(count(Graph(inputs, (b.node(op, inputs, attrs),))))


@pytest.mark.parametrize("op", ["add", "sub", "mul", "div", "sqrt", "minimum", "maximum", "exp", "sin", "atan2", "pow"])
def test_an_operation_counts_one(op):
    assert one(op) == {OPS[op].counts: 1}


@pytest.mark.parametrize("op", ["neg", "abs", "not"])
def test_signs_are_free(op):
    assert one(op, kinds=("bool",) if op == "not" else ("real",)) == {}


def test_constants_are_free():
    b = Builder()
    assert count(Graph((), (b.const(3),))).total == 0


@pytest.mark.parametrize(
    ("exponent", "kinds"),
    [
        (2, {"mul": 1}),
        (3, {"mul": 2}),
        (15, {"mul": 6}),
        (-1, {"div": 1}),
        (-2, {"mul": 1, "div": 1}),
        (Fraction(1, 2), {"sqrt": 1}),
        (Fraction(-1, 2), {"sqrt": 1, "div": 1}),
        (Fraction(5, 2), {"mul": 2, "sqrt": 1}),
        (Fraction(1, 3), {"pow": 1}),
    ],
)
def test_powers_count_as_what_is_emitted(exponent, kinds):
    assert one("power", (exponent,)) == kinds


def test_sincos_counts_two():
    assert one("sincos") == {"sin": 1, "cos": 1}


def test_complex_operations_count_as_real_ones():
    both = ("complex", "complex")
    assert one("mul", kinds=both) == {"mul": 4, "add": 1, "sub": 1}
    assert one("add", kinds=both) == {"add": 2}
    assert one("mul", kinds=("complex", "real")) == {"mul": 2}
    assert one("div", kinds=("complex", "real")) == {"div": 2}


def test_work_on_parameters_is_counted_apart():
    b = Builder()
    x, p = b.input("x"), b.input("p", axes=CONSTANT)
    graph = Graph((x, p), (b.node("add", (x, b.node("mul", (p, p)))),))
    assert count(graph) == OpCount({"add": 1}, OpCount({"mul": 1}))
    assert count(graph).per_call.mul == 1


def test_what_was_written_twice_can_count_twice():
    b = Builder()
    x, y = b.input("x"), b.input("y")
    product = b.node("mul", (x, y))
    graph = Graph((x, y), (b.node("add", (product, b.node("mul", (x, y)))),))
    assert count(graph).mul == 1
    assert dict(count(graph, b.calls)) == {"mul": 2, "add": 1}


def test_a_count_is_a_mapping():
    counted = OpCount({"add": 2, "sqrt": 1})
    assert dict(counted) == {"add": 2, "sqrt": 1} and len(counted) == 2
    assert counted.total == 3 and counted.mul == 0
    assert pickle.loads(pickle.dumps(counted)) == counted and hash(counted) == hash(pickle.loads(pickle.dumps(counted)))
    assert repr(counted) == "OpCount(add=2, sqrt=1, total=3)"
    with pytest.raises(AttributeError, match="no kind 'multiply'; the kinds are add, sub"):
        _ = counted.multiply


def test_every_counted_operation_has_a_kind():
    assert {row.counts for row in OPS.values() if row.counts} == set(KINDS)


@pytest.mark.parametrize("size", [20, 50, 200])
def test_a_program_counts_its_operations(size):
    program = straight_line(size, 20, 1, constants=0)
    assert count(program.graph).total == size == len(program.graph.operations())


def test_depth_is_the_longest_chain():
    b = Builder()
    x = b.input("x")
    chain = x
    for _ in range(7):
        chain = b.node("mul", (chain, x))
    assert depth(Graph((x,), (b.node("neg", (chain,)), b.node("add", (x, x))))) == 7
    assert depth(Graph((x,), (x,))) == 0


def test_live_values_follow_the_order():
    b = Builder()
    x = b.input("x")
    squares = [b.node("mul", (x, b.const(i))) for i in range(2, 6)]
    total, sums = squares[0], []
    for s in squares[1:]:
        total = b.node("add", (total, s))
        sums.append(total)
    wide = Graph((x,), (total,), order=[x, *[s.args[1] for s in squares], *squares, *sums])
    assert live_values(wide) == 4
    assert live_values(Graph((x,), (total,))) == 2
