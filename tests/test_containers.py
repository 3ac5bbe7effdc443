"""Nested values as leaves and a tree, and back."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symhep.containers import LEAF, Mismatch, Tree, flatten


class Pair(NamedTuple):
    a: object
    b: object


@dataclass(frozen=True)
class Point:
    x: object
    y: object
    norm: object = field(init=False, default=0)


VALUES = st.recursive(
    st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.builds(Pair, inner, inner)
        | st.builds(Point, inner, inner)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_round_trip(value):
    leaves, tree = flatten(value)
    assert tree.build(iter(leaves)) == value
    assert tree.size == len(leaves) == len(tree.paths("x"))
    assert [leaf for _, leaf in tree.take(value, "x")] == leaves


@given(VALUES)
def test_names_are_expressions(value):
    """Each name, evaluated, is the leaf (fields and keys are written alike)."""
    for name, leaf in flatten(value)[1].take(value, "v"):
        assert name.startswith("v")
        if "." not in name:
            assert eval(name, {"v": value}) == leaf


def test_names():
    value = {"mass": 1, "p": (2, [3]), "a b": Pair(4, Point(5, 6)), 7: 8}
    names = ["out.mass", "out.p[0]", "out.p[1][0]", "out['a b'].a", "out['a b'].b.x", "out['a b'].b.y", "out[7]"]
    assert flatten(value)[1].paths("out") == names
    assert flatten({"mass": 1})[1].paths() == ["mass"]
    assert flatten(3)[1].paths("x") == ["x"]


def test_kinds():
    assert flatten(3) == ([3], LEAF)
    assert [flatten(v)[1].kind for v in ((), [], {}, Pair(1, 2), Point(1, 2), OrderedDict(a=1))] == [
        "tuple", "list", "dict", "namedtuple", "dataclass", "dict",
    ]  # fmt: skip
    array = np.zeros(3)
    assert flatten([array])[0][0] is array
    assert flatten([(1, 2)], is_leaf=lambda v: isinstance(v, tuple))[0] == [(1, 2)]
    assert flatten(Point)[1] == LEAF  # the class, not an instance


def test_fields_that_are_not_arguments_are_made_again():
    assert flatten(Point(1, 2))[1].keys == ("x", "y")


def test_trees_are_values():
    assert flatten((1, [2]))[1] == flatten((3, [4]))[1] and hash(flatten((1, [2]))[1])
    assert flatten((1, [2]))[1] != flatten((3, (4,)))[1]


class Record:
    """Items, but no attributes: a table or a record array."""

    def __getitem__(self, key):
        return {"a": 1, "b": 2}[key]


@pytest.mark.parametrize(
    "value", [Pair(1, 2), (1, 2), [1, 2], {"a": 1, "b": 2}, Record()], ids=["pair", "tuple", "list", "dict", "record"]
)
def test_what_fields_are_taken_from(value):
    tree = Tree("namedtuple", ("a", "b"), (LEAF, LEAF), Pair)
    assert list(tree.take(value, "v")) == [("v.a", 1), ("v.b", 2)]


@pytest.mark.parametrize(
    "form, value, text",
    [
        ((1, 2), (1, 2, 3), "v has 2 values, got 3 values"),
        ((1, 2), 5, "v has 2 values, got int"),
        (Pair(1, 2), (1,), "v has the fields a, b, got 1 value"),
        (Pair(1, 2), 5.0, "v has the fields a, b, got float"),
        (Point(1, 2), {"x": 1}, "v has the fields x, y, got dict"),
        ({"k": (1, 2)}, {"k": (1,)}, "v.k has 2 values, got 1 value"),
    ],
)
def test_mismatch(form, value, text):
    with pytest.raises(Mismatch) as caught:
        list(flatten(form)[1].take(value, "v"))
    assert str(caught.value) == text
