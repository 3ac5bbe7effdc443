import mpmath
import numpy as np
import pytest

import symhep as sh
from symhep.checking.domain import Box, Domain, DomainError, box, columns, domain_for, slots, slots_of
from symhep.errors import ArgumentError
from symhep.graph import Builder
from symhep.tracing.trace import trace


def norm(p: sh.Vector[3], z: sh.Complex, cut: sh.Boolean, n: sh.Integer, v: sh.Symmetric[2]):
    return np.where(cut, p[0] * v[0, 1], p[1]) + np.abs(z) * n


def test_a_box_draws_between_its_bounds():
    sample = box(x=(-1, 1), y=(3, 4)).sample(1000, seed=5)
    assert list(sample) == ["x", "y"] and sample["x"].shape == (1000,)
    assert -1 <= sample["x"].min() < -0.9 and 0.9 < sample["x"].max() <= 1
    assert sample["y"].min() >= 3 and sample["y"].max() <= 4
    np.testing.assert_array_equal(sample["x"], box(x=(-1, 1)).sample(1000, seed=5)["x"])
    assert (sample["x"] != box(x=(-1, 1)).sample(1000, seed=6)["x"]).all()


@pytest.mark.parametrize("domain", [None, box(p=(1, 2), z=(-1, 1), n=(0, 9), v=(0, 1))])
def test_samples_have_the_arguments_shapes(domain):
    traced = trace(norm)
    fitted = domain_for(traced.graph, domain, traced.leaves)
    assert isinstance(fitted, Domain)
    sample = fitted.sample(7)
    assert {name: a.shape for name, a in sample.items()} == {
        "p": (7, 3), "z": (7,), "cut": (7,), "n": (7,), "v": (7, 2, 2),
    }  # fmt: skip
    assert sample["cut"].dtype == bool and sample["z"].dtype == complex
    assert (sample["n"] == np.rint(sample["n"])).all()
    np.testing.assert_array_equal(sample["v"], sample["v"].swapaxes(1, 2))
    given = columns(sample, traced.graph.inputs)
    assert list(given) == [n.attrs[0] for n in traced.graph.inputs]
    np.testing.assert_array_equal(given["p[2]"], sample["p"][:, 2])
    np.testing.assert_array_equal(given["v[0,1]"], sample["v"][:, 1, 0])


@pytest.mark.parametrize("domain", [None, box(p=(1, 2), z=(-1, 1), n=(0, 9), v=(0, 1))])
def test_points_have_random_digits_throughout(domain):
    traced = trace(norm)
    points = domain_for(traced.graph, domain, traced.leaves).points(3, 60)
    assert len(points) == 3
    for point in points:
        given = columns(point, traced.graph.inputs)
        assert isinstance(given["cut"], bool) and given["n"] == mpmath.nint(given["n"])
        for value in (given["p[1]"], given["z"].real, given["z"].imag, given["v[0,1]"]):
            assert isinstance(value, mpmath.mpf) and value._mpf_[3] > 150
        assert point["v"][0, 1] is point["v"][1, 0]


def test_bounds_by_component():
    sample = box(p=([0, 10, 20], [1, 11, 21])).sample(50)["p"]
    assert sample.shape == (50, 3) and ((sample // 10) == [0, 1, 2]).all()
    (point,) = box(p=([0, 10, 20], [1, 11, 21])).points(1)
    assert [int(x / 10) for x in point["p"]] == [0, 1, 2]


def test_complex_bounds_are_a_rectangle():
    z = box(z=(1 + 2j, 2 + 3j)).sample(100)["z"]
    assert (z.real > 1).all() and (z.imag > 2).all() and (z.imag < 3).all()


def test_nested_arguments():
    def total(muon: {"pt": sh.Scalar, "eta": sh.Scalar}):
        return muon["pt"] * np.cosh(muon["eta"])

    traced = trace(total)
    fitted = domain_for(traced.graph, box(muon={"pt": (20, 80), "eta": (-2, 2)}), traced.leaves)
    assert list(fitted.sample(3)) == ["muon.pt", "muon.eta"]


@pytest.mark.parametrize(
    ("ranges", "text"),
    [
        ({"x": (1, 1)}, r"'x' is empty: \(1, 1\)"),
        ({"x": (2, 1)}, "'x' is empty"),
        ({"x": (0, np.inf)}, "'x' is not finite"),
        ({"x": (np.nan, 1)}, "'x' is not finite"),
        ({"x": 3}, r"'x' is not a pair of numbers: 3\n  write instead: sh.box\(x=\(low, high\)\)"),
        ({"x": ("a", "b")}, "'x' is not a pair of numbers"),
        ({"x": (0, 1)}, r"no range for y\n  write instead: sh.box\(..., y=\(low, high\)\)"),
        ({"x": (0, 1), "z": (0, 1), "y": (0, 1)}, "'z', which is not an argument; there are x and y"),
        ({"x": (0, 1), "y": ([0, 0], 1)}, r"'y' have shape \(2,\), the argument has none"),
    ],
)
def test_errors_name_the_argument(ranges, text):
    traced = trace(lambda x, y: x + y)
    with pytest.raises(ArgumentError, match=text):
        domain_for(traced.graph, box(**ranges), traced.leaves)


def test_a_misspelt_name_is_recognised():
    traced = trace(lambda energy: 2 * energy)
    with pytest.raises(ArgumentError, match="did you mean energy"):
        domain_for(traced.graph, box(enegry=(0, 1)), traced.leaves)


def test_without_a_domain_invalid_points_are_dropped():
    traced = trace(lambda x, y: np.sqrt(x) + np.log(y))
    sample = domain_for(traced.graph).sample(2000)
    assert (sample["x"] >= 0).all() and (sample["y"] > 0).all()
    assert 0.7 < sample.dropped < 0.8
    assert sample["x"].min() < 0.02 and sample["x"].max() > 50
    free = domain_for(trace(lambda x: 2 * x).graph).sample(100)
    assert free.dropped == 0 and 0.3 < (free["x"] < 0).mean() < 0.7


def test_a_formula_without_values_says_what_to_do():
    traced = trace(lambda x: np.sqrt(-1 - x * x))
    with pytest.raises(DomainError, match=r"only 0 of \d+ random inputs.*\n.*domain=sh.box\(x=\(low, high\)\)"):
        domain_for(traced.graph).sample(10)


def test_a_domain_of_ones_own_is_taken_as_it_is():
    class Fixed:
        def sample(self, n, seed=0):
            return {"x": np.full(n, 2.0)}

        def points(self, n, digits=50, seed=0):
            return [{"x": mpmath.mpf(2)}] * n

    own = Fixed()
    assert isinstance(own, Domain) and domain_for(trace(lambda x: x + 1).graph, own) is own


def test_slots_from_names_alone():
    b = Builder()
    inputs = [b.input(f"m[{i},{j}]") for i in range(2) for j in range(3)] + [b.input("z", "complex")]
    found = slots_of(inputs)
    assert found["m"].shape == (2, 3) and found["z"].kind == "complex"
    assert slots(trace(norm).leaves)["v"].symmetric


def test_prints_as_it_is_written():
    assert repr(box(x=(0, 1))) == "sh.box(x=(0.0, 1.0))"
    assert isinstance(eval(repr(box(x=(0, 1), p=([1, 2], 3))), {"sh": type("sh", (), {"box": box})}), Box)
