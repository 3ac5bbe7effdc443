"""Calls that do not fit: one clear error, in the words of the kernel that is called."""

import inspect

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError, SymhepError, TargetError
from tests.sample_kernels import Momentum, Pair, boosted, linear, mass, propagate, total

# -- refusals --------------------------------------------------------------------------------------------------------

PLACE = f"{inspect.getfile(mass.fn)}:{mass.fn.__code__.co_firstlineno + 1}: def mass(e, px, py, pz):"
X = np.ones(3)


@pytest.mark.parametrize(
    "call, text, instead",
    [
        (lambda: mass(X, X, X), "mass misses 1 argument: pz", ""),
        (lambda: mass(), "mass misses 4 arguments: e, px, py and pz", ""),
        (lambda: mass(X, X, X, X, X), "mass takes 4 positional arguments, got 5", "mass(e, px, py, pz)"),
        (lambda: mass(X, X, X, pt=X), "mass has no argument 'pt'", "e, px, py or pz"),
        (lambda: mass(X, X, X, X, px=X), "mass got 'px' twice, by position and by name", ""),
        (
            lambda: mass(X, X, np.ones(4), 1.0),
            "mass: batch shapes do not broadcast: e and px have (3,), py has (4,)",
            "",
        ),
        (
            lambda: mass(1j, X, X, X),
            "mass: e is a real argument, got complex128",
            "e: sh.Complex in the signature, or pass its .real",
        ),
        (lambda: mass("1", X, X, X), "mass: e holds <U1, not numbers", ""),
        (lambda: mass(np.array(["a"]), X, X, X), "mass: e holds <U1, not numbers", ""),
        (lambda: mass(None, X, X, X), "mass: e is an array of Python objects", "np.asarray(e, dtype=float)"),
        (
            lambda: mass(X.astype(np.longdouble), X, X, X),
            "mass: float128 is not supported, only float32 and float64",
            "x.astype(np.float64)",
        ),
        (
            lambda: mass(np.ma.masked_array(X, [True, False, False]), X, X, X),
            "mass: e has masked elements",
            "x.filled(value)",
        ),
    ],
)
def test_arguments_that_do_not_fit(call, text, instead):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == f"{text}\n  {PLACE}" + (f"\n  write instead: {instead}" if instead else "")


@pytest.mark.parametrize(
    "call, text",
    [
        (
            lambda: boosted(np.ones((4, 7)), 0.5),
            "boosted: p is sh.Vector[4], shape (..., 4), got shape (4, 7)\n  {}\n"
            "  write instead: np.moveaxis(p, 0, -1)",
        ),
        (lambda: boosted(1.0, 0.5), "boosted: p is sh.Vector[4], shape (..., 4), got shape ()\n  {}"),
        (
            lambda: propagate(np.ones((5, 2)), np.eye(3)),
            "propagate: C is sh.Symmetric[3], shape (..., 3, 3) or (..., 6), got shape (5, 2)\n  {}",
        ),
        (lambda: total(1.0), "total: pair has the fields first, second, got float\n  {}"),
        (
            lambda: total(Pair(Momentum(1.0, np.ones(3)), (1.0,))),
            "total: pair.second has the fields e, p, got 1 value\n  {}",
        ),
    ],
)
def test_shapes_that_do_not_fit(call, text):
    with pytest.raises(ArgumentError) as caught:
        call()
    name = text.partition(":")[0]
    function = globals()[name].fn
    line = function.__code__.co_firstlineno + 1
    source = inspect.getsource(function).splitlines()[1]
    assert str(caught.value) == text.format(f"{inspect.getfile(function)}:{line}: {source}")


def test_ragged_lists():
    with pytest.raises(ArgumentError, match="mass: e is not an array of numbers: "):
        mass([[1.0], [1.0, 2.0]], X, X, X)


def test_parameter_with_a_batch_axis():
    k = sh.kernel(linear, parameters=["w"])
    with pytest.raises(ArgumentError) as caught:
        k(X, np.ones((3, 2)))
    assert "linear: w is a parameter and has no batch axis, got shape (3, 2)" in str(caught.value)


def test_arrays_of_other_packages():
    """Told by the type's module alone: the packages need not be there."""

    def array(module):
        return type("Array", (), {"__module__": module})()

    with pytest.raises(SymhepError, match=r"cupy is not installed|no CUDA device|runs on a GPU and e is of type"):
        mass(array("cupy._core.core"), X, X, X)
    with pytest.raises(TargetError, match="arrays of jax and cupy in one call: they live on different devices"):
        mass(array("jaxlib"), array("cupy"), X, X)


def test_to():
    assert mass.to("numpy").options.target == "numpy" and mass.options.target == "auto"
    if not sh.targets()["cupy"]:
        with pytest.raises(TargetError, match="target cupy does not work here"):
            mass.to("cupy")


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_threads_are_a_number(threads):
    x = np.zeros(1000)
    with pytest.raises(ArgumentError, match="threads is a number of threads"):
        sh.kernel(lambda x, y: x + y)(x, x, threads=threads)
