"""Annotations, and what a function's signature says."""

import inspect
import pickle
import textwrap
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import symhep as sh
from symhep.containers import LEAF
from symhep.errors import ArgumentError
from symhep.tracing.annotations import Core, arguments_of, specification


@pytest.mark.parametrize(
    "annotation, core, text",
    [
        (sh.Scalar, Core(), "sh.Scalar"),
        (sh.Complex, Core("complex"), "sh.Complex"),
        (sh.Integer, Core("integer"), "sh.Integer"),
        (sh.Boolean, Core("bool"), "sh.Boolean"),
        (sh.Vector[4], Core("real", (4,)), "sh.Vector[4]"),
        (sh.Matrix[2, 3], Core("real", (2, 3)), "sh.Matrix[2, 3]"),
        (sh.Symmetric[5], Core("real", (5, 5), True), "sh.Symmetric[5]"),
        (sh.Array[2, 3, 4], Core("real", (2, 3, 4)), "sh.Array[2, 3, 4]"),
        (sh.Array["ticks"], Core("real", ("ticks",)), "sh.Array['ticks']"),
        (sh.Complex[2], Core("complex", (2,)), "sh.Complex[2]"),
        (sh.Vector[np.int64(3)], Core("real", (3,)), "sh.Vector[3]"),
    ],
)
def test_cores(annotation, core, text):
    assert annotation == core and repr(annotation) == text
    assert pickle.loads(pickle.dumps(annotation)) == annotation
    assert specification(annotation, "x") == (LEAF, (core,))


def test_sizes():
    assert [c.size for c in (sh.Scalar, sh.Vector[4], sh.Matrix[2, 3], sh.Symmetric[5])] == [1, 4, 6, 15]


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: sh.Vector[1, 2], "sh.Vector has 1 dimension, got 2"),
        (lambda: sh.Matrix[3], "sh.Matrix has 2 dimensions, got 1"),
        (
            lambda: sh.Vector[0],
            "sh.Vector[0]: a dimension is a positive integer, or a name for a size known at run time",
        ),
        (
            lambda: sh.Vector[2.0],
            "sh.Vector[2.0]: a dimension is a positive integer, or a name for a size known at run time",
        ),
        (lambda: specification(sh.Vector, "p"), "p: sh.Vector needs its dimensions, as in sh.Vector[4]"),
        (
            lambda: specification(tuple[sh.Scalar, ...], "p"),
            "p: a tuple of any length cannot be an argument\n  write instead: tuple[a, b, c], or sh.Vector[3]",
        ),
    ],
)
def test_mistakes(make, text):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert str(caught.value) == text


def cores(function, **given):
    return {a.name: a.cores for a in arguments_of(function, given=given)}


def test_no_annotation_is_a_real_number():
    assert cores(lambda x, y: x) == {"x": (sh.Scalar,), "y": (sh.Scalar,)}


def test_plain_types():
    def f(a: float, b: complex, c: int, d: bool, e: np.ndarray, g: np.float64, h: "float"):
        return a

    kinds = [c[0].kind for c in cores(f).values()]
    assert kinds == ["real", "complex", "integer", "bool", "real", "real", "real"]


def test_given_annotations_override():
    assert cores(lambda p, q: p, p=sh.Vector[3])["p"] == (sh.Vector[3],)


class Jet(NamedTuple):
    p: sh.Vector[4]
    flavour: sh.Integer
    weight: float = 1.0


@dataclass
class Event:
    jets: tuple[Jet, Jet]
    met: "sh.Vector[2]"


def test_classes():
    def f(event: Event, pair: (sh.Scalar, sh.Complex), table: {"a": sh.Scalar}):
        return event

    event, pair, table = arguments_of(f)
    assert event.tree.paths("event") == [
        "event.jets[0].p", "event.jets[0].flavour", "event.jets[0].weight",
        "event.jets[1].p", "event.jets[1].flavour", "event.jets[1].weight", "event.met",
    ]  # fmt: skip
    assert event.cores[0] == sh.Vector[4] and event.cores[-1] == sh.Vector[2]
    assert pair.tree.paths("pair") == ["pair[0]", "pair[1]"] and table.tree.paths("table") == ["table.a"]


def test_annotations_as_text():
    source = """
    from __future__ import annotations
    import symhep as sh
    def make(n):
        def f(p: sh.Vector[n], C: "sh.Symmetric[2]", mode: sh.Static):
            return p[n - 1]
        return f
    """
    namespace = {}
    exec(textwrap.dedent(source), namespace)
    p, C, mode = arguments_of(namespace["make"](3))
    assert p.cores == (sh.Vector[3],) and C.cores == (sh.Symmetric[2],) and mode.static


def test_containers_as_text():
    source = """
    from __future__ import annotations
    import symhep as sh
    def f(pair: (sh.Scalar, sh.Complex), table: {"a": sh.Scalar}, p: sh.Vector[2]):
        return pair
    """
    namespace = {}
    exec(textwrap.dedent(source), namespace)
    pair, table, p = arguments_of(namespace["f"])
    assert pair.cores == (sh.Scalar, sh.Complex) and table.tree.paths("table") == ["table.a"]
    assert p.cores == (sh.Vector[2],)


def test_annotation_that_is_not_defined():
    def f(x: "Missing"):
        return x

    with pytest.raises(
        ArgumentError, match=r"f: an annotation names 'Missing', which is not defined there\n  .*: def f"
    ):
        arguments_of(f)


def test_static():
    def f(x, n: sh.Static, mode="up", flag=True, table=(1, 2), scale=2.0, hook=None):
        return x

    found = {a.name: a for a in arguments_of(f)}
    assert [n for n, a in found.items() if a.static] == ["n", "mode", "flag", "table", "hook"]
    assert found["n"].required and found["mode"].default == "up" and found["scale"].default == 2.0


def test_kinds_of_parameters():
    def f(a, /, b, *, c=1.0):
        return a

    assert [a.kind.name for a in arguments_of(f)] == ["POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY"]
    assert arguments_of(f)[2].default == 1.0 and arguments_of(f)[0].default is inspect.Parameter.empty


def test_parameters():
    assert [a.parameter for a in arguments_of(lambda x, mass: x, parameters=["mass"])] == [False, True]
    with pytest.raises(ArgumentError, match=r"<lambda> has no argument 'mas'\n(.*\n)?  write instead: mass"):
        arguments_of(lambda x, mass: x, parameters="mas")


def test_any_number_of_arguments():
    def f(*columns):
        return columns[0]

    with pytest.raises(ArgumentError) as caught:
        arguments_of(f)
    line = f.__code__.co_firstlineno
    assert str(caught.value) == (
        f"f takes *columns: a kernel's arguments have to be known\n  {__file__}:{line}: def f(*columns):\n"
        "  write instead: each argument by name, or sh.Vector[n]"
    )
