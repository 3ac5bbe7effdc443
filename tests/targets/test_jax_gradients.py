"""A value and its gradient as one call inside JAX, against the same function written with jnp."""

import numpy as np
import pytest

import symhep as sh

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy

from symhep.targets import jax_primitive  # noqa: E402


@pytest.fixture(autouse=True)
def _double(monkeypatch):
    monkeypatch.setattr(jax_primitive, "WORTH", 1e-9)  # however small the program
    with jax.enable_x64(True):
        yield


def formula(np, x, v, s):
    r = np.sqrt(x * x + v[..., 0] ** 2)
    return np.exp(-s * r) * np.sin(v[..., 1])


@sh.kernel(parameters=("s",))
def kernel(x, v: sh.Vector[2], s):
    return formula(np, x, v, s)


def reference(x, v, s):
    return formula(jnp, x, v, s)


def arguments(size):
    rng = np.random.default_rng(0)
    shape = (size,) if size else ()
    return jnp.asarray(rng.uniform(0.5, 1.5, shape)), jnp.asarray(rng.uniform(0.5, 1.5, (*shape, 2))), 0.7


def total(f):
    return lambda x, v, s: jnp.sum(f(x, v, s) ** 2)


def calls(function, *given):
    """How many programs of symhep a traced function runs."""
    return str(jax.make_jaxpr(function)(*given)).count("symhep[")


@pytest.mark.skipif(not jax_primitive.LINEARIZES, reason="this JAX asks for value and derivatives apart")
def test_one_program(monkeypatch):
    for widest, expected in ((4, 1), (3, 2)):
        monkeypatch.setattr(jax_primitive, "WIDEST", widest)
        fresh = sh.kernel(kernel.fn, parameters=("s",))  # what JAX has traced it does not ask about again
        assert calls(jax.value_and_grad(total(fresh), (0, 1, 2)), *arguments(5)) == expected


CASES = {
    "grad": lambda f: jax.grad(total(f), (0, 1, 2)),
    "by a parameter": lambda f: jax.value_and_grad(total(f), 2),
    "by a vector": lambda f: jax.value_and_grad(total(f), 1),
    "vjp": lambda f: lambda x, v, s: jax.vjp(f, x, v, s)[1](jnp.cos(x)),
    "vmap of grad": lambda f: jax.vmap(jax.value_and_grad(total(f), (0, 1, 2)), (0, 0, None)),
    "vmap of grad by the parameter": lambda f: (
        lambda x, v, s: jax.vmap(jax.grad(total(f), (0, 2)), (None, None, 0))(x, v, jnp.asarray([s, 2 * s]))
    ),
    "jacrev": lambda f: jax.jacrev(f, (0, 1, 2)),
    "hessian": lambda f: jax.hessian(total(f), (0, 1, 2)),
    "reverse over reverse": lambda f: jax.jacrev(jax.jacrev(total(f), (0, 2)), (1, 2)),
    "checkpoint": lambda f: jax.grad(total(jax.checkpoint(f)), (0, 1, 2)),
    "inner jit": lambda f: jax.grad(total(jax.jit(f)), (0, 1, 2)),
    "scan": lambda f: jax.grad(
        lambda x, v, s: jnp.sum(jax.lax.scan(lambda x, _: (f(x, v, s) + x, None), x, None, length=3)[0]), (0, 1, 2)
    ),
    "forward": lambda f: lambda x, v, s: jax.jvp(f, (x, v, s), (x, v, 1.0)),
    "linearize": lambda f: lambda x, v, s: jax.linearize(f, x, v, s)[1](x, v, 1.0),
}


@pytest.mark.parametrize("size", [0, 5])
@pytest.mark.parametrize("name", CASES)
def test_derivatives(name, size):
    if name.startswith("vmap of grad") and not size:
        pytest.skip("nothing to map over")
    given = arguments(size)
    found, expected = (jax.jit(CASES[name](f))(*given) for f in (kernel, reference))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13), found, expected)
    assert jax.tree.structure(found) == jax.tree.structure(expected)


def test_no_events():
    x, v, s = arguments(5)
    value, gradient = jax.value_and_grad(total(kernel), (0, 1, 2))(x[:0], v[:0], s)
    assert value == 0 and gradient[0].shape == (0,) and gradient[1].shape == (0, 2) and gradient[2] == 0


def test_over_devices():
    """One device here, but through the same partitioning as many."""
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    x, v, s = arguments(8)
    place = NamedSharding(Mesh(np.array(jax.devices()[:1]), ("events",)), PartitionSpec("events"))
    given = jax.device_put(x, place), jax.device_put(v, place), s
    found, expected = (jax.jit(jax.grad(total(f), (0, 1, 2)))(*given) for f in (kernel, reference))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11), found, expected)


def test_single_precision():
    x, v, s = (jnp.asarray(a, jnp.float32) for a in arguments(50))
    found, expected = (jax.grad(total(f), (0, 1, 2))(x, v, s) for f in (kernel, reference))
    assert {leaf.dtype for leaf in found} == {np.dtype(np.float32)}
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=3e-5, atol=1e-6), found, expected)
