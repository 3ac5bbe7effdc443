"""Calls of kernels with JAX arrays: types, shapes, containers, errors."""

import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError, MissingPackage, TargetError

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy


class Momentum(NamedTuple):
    px: sh.Scalar
    py: sh.Scalar


@dataclass
class Pair:
    first: float
    second: float


@sh.kernel
def product(x, y):
    return x * y + 1


@sh.kernel
def shapes(p: sh.Vector[3], m: sh.Matrix[2, 3]) -> dict:
    return {"v": m @ p, "s": (p @ p, p[0] > p[1]), "t": Momentum(p[0], p[1])}


@sh.kernel
def inverse(c: sh.Symmetric[2]) -> sh.Symmetric[2]:
    det = c[0, 0] * c[1, 1] - c[0, 1] ** 2
    return np.array([[c[1, 1], -c[0, 1]], [-c[0, 1], c[0, 0]]]) / det


@sh.kernel
def swapped(pair: Pair, q: Momentum):
    return Pair(pair.second * q.px, pair.first * q.py)


@sh.kernel
def rotated(z: sh.Complex, w):
    return z * (1 + 2j) * w, abs(z)


@sh.kernel
def power(x, n: sh.Static = 2):
    return x**n


@sh.kernel(parameters=("a",))
def scaled(x, a):
    return x * np.exp(a), np.exp(a)


def columns(count, size, dtype=np.float64, seed=0):
    return list(np.random.default_rng(seed).uniform(0.5, 1.5, (count, size)).astype(dtype))


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def single():
    with jax.enable_x64(False):
        yield


def equal(result, expected):
    """Arrays of JAX with the values of NumPy's, and the same dtypes."""
    assert isinstance(result, jax.Array) and result.dtype == expected.dtype and result.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(result), expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_choose_the_target(double, dtype):
    x, y = columns(2, 1000, dtype)
    equal(product(jnp.asarray(x), jnp.asarray(y)), product(x, y))
    equal(product(jnp.asarray(x), y), product(x, y))
    equal(product(jnp.asarray(x), 2), product(x, 2))
    equal(product.to("jax")(x, y), product(x, y))


def test_numbers_are_weak_and_integers_take_the_default(double):
    assert product.to("jax")(1.0, 2).dtype == np.float64
    assert product(jnp.float32(2), 0.1).dtype == np.float32
    assert product(jnp.float32(2), np.float64(0.1)).dtype == np.float64
    assert product(jnp.arange(3), jnp.arange(3)).dtype == np.float64
    assert product(jnp.arange(3), jnp.ones(3, jnp.bfloat16)).dtype == np.float32
    half = product.with_options(dtype=np.float32)
    assert half(jnp.ones(3), 1.0).dtype == np.float32


def test_single_precision_is_the_default_of_jax(single):
    assert product.to("jax")(1.0, 2).dtype == product(jnp.arange(3), 1).dtype == np.float32
    assert product.to("jax")(np.arange(3), 2).dtype == np.float32
    assert product(jnp.float32(2), np.float64(0.1)).dtype == np.float32


def test_double_precision_is_not_dropped_in_silence(single):
    with pytest.raises(TargetError, match=r'jax.config.update\("jax_enable_x64", True\)'):
        product.to("jax")(np.ones(3), 1.0)
    with pytest.raises(TargetError, match="dtype=float64 asks for float64"):
        product.with_options(dtype=np.float64)(jnp.ones(3), 1.0)
    with pytest.raises(TargetError, match="complex128"):
        rotated.to("jax")(np.ones(3) + 1j, 1.0)


def test_shapes_and_containers(double):
    rng = np.random.default_rng(1)
    p, m = rng.normal(size=(4, 5, 3)), rng.normal(size=(5, 2, 3))
    result, expected = shapes(jnp.asarray(p), jnp.asarray(m)), shapes(p, m)
    assert isinstance(result["t"], Momentum)
    for got, right in zip(jax.tree.leaves(result), jax.tree.leaves(expected), strict=True):
        equal(got, right)
    one = shapes(jnp.asarray(p[0, 0]), jnp.asarray(m[0]))
    assert one["v"].shape == (2,) and one["s"][0].shape == () and one["s"][1].dtype == bool


def test_containers_of_arguments(double):
    a, b, c, d = columns(4, 9)
    result = swapped(Pair(jnp.asarray(a), b), Momentum(c, d))
    assert isinstance(result, Pair)
    equal(result.first, b * c)
    equal(result.second, a * d)


def test_symmetric_matrices(double):
    c = np.array([[2.0, 0.5], [0.5, 1.0]]) * columns(1, 6)[0][:, None, None]
    packed = c[:, [0, 0, 1], [0, 1, 1]]
    equal(inverse(jnp.asarray(c)), inverse(c))
    equal(inverse(jnp.asarray(packed)), inverse(packed))


def test_complex_values(double):
    x, y = columns(2, 50)
    z = x + 1j * y
    for result, expected in zip(rotated(jnp.asarray(z), jnp.asarray(y)), rotated(z, y), strict=True):
        equal(result, expected)
    for result, expected in zip(rotated(jnp.asarray(x), 2.0), rotated(x, 2.0), strict=True):
        equal(result, expected)
    assert rotated(jnp.asarray(z.astype(np.complex64)), np.float32(1))[0].dtype == np.complex64


def test_batch_axes_broadcast(double):
    x, y = columns(2, 6)
    equal(product(jnp.asarray(x)[:, None], jnp.asarray(y)), product(x[:, None], y))
    equal(product(jnp.asarray(x[:1]), jnp.asarray(y)), product(x[:1], y))
    equal(product(jnp.asarray(x[:1]), jnp.asarray(y[:1])), product(x[:1], y[:1]))
    assert product(jnp.ones((1, 1)), jnp.ones(1)).shape == (1, 1)
    assert product(jnp.ones((0, 3)), jnp.ones(3)).shape == (0, 3)


def test_static_arguments_and_parameters(double):
    x = columns(1, 20)[0]
    equal(power(jnp.asarray(x), 3), power(x, 3))
    equal(power(jnp.asarray(x), n=2), power(x))
    for result, expected in zip(scaled(jnp.asarray(x), 0.5), scaled(x, 0.5), strict=True):
        equal(result, expected)


def test_results_without_cells_and_constants(double):
    @sh.kernel
    def odd(x):
        return np.zeros((2, 0)), x, 2.0, np.ones(2), True

    x = columns(1, 3)[0]
    for result, expected in zip(odd(jnp.asarray(x)), odd(x), strict=True):
        equal(result, expected)


def test_a_kernel_within_a_kernel(double):
    @sh.kernel
    def outer(x, y):
        return product(product(x, y), y)

    x, y = columns(2, 20)
    equal(outer(jnp.asarray(x), jnp.asarray(y)), outer(x, y))


def test_reductions(double):
    @sh.kernel(parameters=("mu",))
    def spread(x, mu):
        d = (x - mu) ** 2
        return sh.batch_sum(d), d / sh.batch_max(d), sh.batch_mean(x)

    x = columns(1, 10_001)[0]
    for result, expected in zip(spread(jnp.asarray(x), 0.9), spread(x, 0.9), strict=True):
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=1e-13)
    by_mu = jax.grad(lambda mu: spread(jnp.asarray(x), mu)[0])(0.9)
    assert np.isclose(by_mu, -2 * np.sum(x - 0.9), rtol=1e-12)
    rows = jnp.asarray(x[:30].reshape(3, 10))
    totals = jax.vmap(spread, in_axes=(0, None))(rows, 0.9)[0]
    np.testing.assert_allclose(totals, [np.sum((row - 0.9) ** 2) for row in np.asarray(rows)], rtol=1e-14)


def test_two_batch_axes(double):
    @sh.kernel
    def excess(x, y: sh.Scalar.over("mc")):
        return x - sh.batch_mean(y), y * sh.batch_sum(x)

    x, y = columns(1, 5)[0], columns(1, 8)[0]
    for result, expected in zip(excess(jnp.asarray(x), jnp.asarray(y)), excess(x, y), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-14)


def test_errors_of_arguments(double):
    x = jnp.ones(3)
    with pytest.raises(ArgumentError, match="misses 1 argument: y"):
        product(x)
    with pytest.raises(ArgumentError, match="batch shapes do not broadcast"):
        product(x, jnp.ones(4))
    with pytest.raises(ArgumentError, match="x is a real argument, got complex128"):
        product(x + 1j, x)
    with pytest.raises(ArgumentError, match=r"p is sh.Vector\[3\], shape \(..., 3\), got shape \(4,\)"):
        jax.jit(shapes)(jnp.ones(4), jnp.ones((2, 3)))
    with pytest.raises(ArgumentError, match="a is a parameter and has no batch axis"):
        scaled(x, x)
    with pytest.raises(ArgumentError, match="out= is for NumPy arrays"):
        product(x, x, out=np.ones(3))
    with pytest.raises(TargetError, match="bound to the target numba and got arrays of jax"):
        product.to("numba")(x, x)


def test_a_missing_package_is_named_with_the_extra(monkeypatch):
    kernel = sh.kernel(lambda x: x * x, target="jax")
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(MissingPackage, match=r"symhep\[jax\]"):
        kernel(1.0)
    package = sys.modules["symhep.targets"]
    monkeypatch.setattr(package, "find_spec", lambda name: None)
    assert "symhep[jax]" in str(package.targets()["jax"])
    with pytest.raises(TargetError, match=r"symhep\[jax\]"):
        product.to("jax")
