import math
import threading

import mpmath
import numpy as np
import pytest

from symhep.checking.evaluate import Tape, TooLarge, numpy_values, precision, values
from symhep.errors import ArgumentError
from symhep.graph import Builder, Graph
from tests.formulas import formula, graph_of


def single(op: str, *names: str, kind: str = "real", attrs: tuple = ()) -> Graph:
    b = Builder()
    inputs = tuple(b.input(n, kind) for n in names)
    return Graph(inputs, (b.node(op, inputs, attrs),))


def test_values_to_many_digits():
    (value,) = values(single("exp", "x"), {"x": 1}, 60)
    assert mpmath.nstr(value, 50) == "2.7182818284590452353602874713526624977572470937"


@pytest.mark.parametrize("seed", range(20))
def test_the_two_evaluators_agree(seed):
    graph = graph_of(formula(seed))
    columns = {f"x{i}": x for i, x in enumerate(np.random.default_rng(seed).uniform(0.3, 1.7, (4, 5)))}
    floats = numpy_values(graph, columns)
    for i in range(5):
        exact = values(graph, {name: c[i] for name, c in columns.items()})
        for got, right in zip(floats, exact):
            got, right = float(np.broadcast_to(got, 5)[i]), float(right)
            assert got == pytest.approx(right, rel=1e-9, abs=1e-9) or not math.isfinite(right)


def test_complex_inputs_stand_for_their_parts():
    point = {"z": mpmath.mpc(3, 4)}
    assert values(single("abs", "z", kind="complex"), point) == [5]
    assert values(single("mul", "z.real", "z.imag"), point) == [12]


def test_a_real_value_may_stand_for_a_complex_one():
    assert values(single("sqrt", "z", kind="complex"), {"z": -4}) == [mpmath.mpc(0, 2)]
    assert mpmath.isnan(values(single("sqrt", "x"), {"x": -4})[0])


def test_a_missing_input_is_named():
    with pytest.raises(ArgumentError, match="'y'"):
        values(single("add", "x", "y"), {"x": 1})


def test_depth_does_not_matter():
    b = Builder()
    x = node = b.input("x")
    for _ in range(20_000):
        node = b.node("add", (node, x))
    assert values(Graph((x,), (node,)), {"x": 1}) == [20_001]


def test_hopelessly_large_values_are_not_computed():
    b = Builder()
    x = node = b.input("x")
    for _ in range(5):
        node = b.node("exp", (node,))
    with pytest.raises(TooLarge):
        Tape(Graph((x,), (node,))).run({"x": 10})


def test_precision_is_not_shared_between_threads():
    graph = single("div", "x", "y")
    wrong = []

    def work(digits):
        for _ in range(50):
            with precision(digits):
                if len(mpmath.nstr(Tape(graph).run({"x": 1, "y": 3})[-1], 1000)) < digits:
                    wrong.append(digits)

    threads = [threading.Thread(target=work, args=(d,)) for d in (20, 50, 100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_float32_stays_float32():
    graph = graph_of(formula(3))
    columns = {f"x{i}": np.float32([0.5, 1.5]) for i in range(4)}
    assert {np.asarray(v).dtype for v in numpy_values(graph, columns, np.float32)} == {np.dtype(np.float32)}
