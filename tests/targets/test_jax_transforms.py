"""Kernels under JAX's transformations, against the same function written with jnp."""

import threading

import numpy as np
import pytest

import symhep as sh

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def formula(np, x, y, s):
    r = np.sqrt(x * x + y * y)
    return np.exp(-s * r) * np.sin(y), y / (x + r * s)


@sh.kernel(parameters=("s",))
def kernel(x, y, s):
    return formula(np, x, y, s)


def reference(x, y, s):
    return formula(jnp, x, y, s)


def arguments(size=7, seed=0):
    x, y = np.random.default_rng(seed).uniform(0.5, 1.5, (2, size) if size else 2)
    return jnp.asarray(x), jnp.asarray(y), 0.7


def close(found, expected, rtol=1e-11):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13), found, expected)
    assert jax.tree.structure(found) == jax.tree.structure(expected)


def both(transformed, *given, rtol=1e-11, eager=False):
    """The same transformation of the kernel and of the formula, inside of jit; outside of it too where it says so."""
    expected = jax.jit(transformed(reference))(*given)
    close(jax.jit(transformed(kernel))(*given), expected, rtol)
    if eager:
        close(transformed(kernel)(*given), expected, rtol)


def total(f):
    return lambda x, y, s: jnp.sum(f(x, y, s)[0] ** 2) + jnp.sum(f(x, y, s)[1])


def test_jit_has_the_bits_of_numpy():
    x, y, s = arguments(1000)
    for result, expected in zip(jax.jit(kernel)(x, y, s), kernel(np.asarray(x), np.asarray(y), s), strict=True):
        np.testing.assert_array_equal(np.asarray(result), expected)
    both(lambda f: f, x, y, s)


@pytest.mark.parametrize("axes", [(0, 0, None), (0, None, None), (1, None, 0), (None, None, 0)])
def test_vmap(axes):
    rng = np.random.default_rng(0)
    x, y, s = rng.uniform(0.5, 1.5, (4, 4)), rng.uniform(0.5, 1.5, (4, 4)), rng.uniform(0.5, 1.5, 4)
    given = [jnp.asarray(a if axis is not None else a[0]) for a, axis in zip((x, y, s), axes)]
    both(lambda f: jax.vmap(f, in_axes=axes, out_axes=-1), *given, eager=True)
    both(lambda f: jax.vmap(jax.grad(total(f), (0, 1, 2)), in_axes=axes), *given)


def test_nested_vmap():
    x, y, s = jnp.linspace(0.5, 1, 3), jnp.linspace(0.5, 2, 4), jnp.linspace(0.1, 0.5, 2)

    def nested(f):
        inner = jax.vmap(f, in_axes=(None, 0, None))
        return jax.vmap(jax.vmap(inner, in_axes=(0, None, None)), in_axes=(None, None, 0))

    both(nested, x, y, s)
    both(lambda f: nested(jax.grad(lambda *a: f(*a)[0], 2)), x, y, s)


@pytest.mark.parametrize("wrt", [0, (1, 2), (0, 1, 2)])
def test_grad(wrt):
    both(lambda f: jax.grad(total(f), wrt), *arguments(), eager=True)
    both(lambda f: jax.value_and_grad(total(f), wrt), *arguments(0))


def test_jvp_and_vjp():
    x, y, s = arguments()
    both(lambda f: lambda *p: jax.jvp(f, p, (x * 2, y * 0, 1.5)), x, y, s)
    both(lambda f: lambda x: jax.jvp(lambda x: f(x, y, s), (x,), (x,)), x)
    both(lambda f: lambda *p: jax.vjp(f, *p)[1]((x, y)), x, y, s, eager=True)
    both(lambda f: lambda *p: jax.linearize(f, *p)[1](x, y, 2.0), x, y, s)


@pytest.mark.parametrize("jacobian", [jax.jacfwd, jax.jacrev])
def test_jacobians(jacobian):
    both(lambda f: jacobian(f, (0, 2)), *arguments(3))
    both(lambda f: jax.vmap(jacobian(f, (0, 1)), in_axes=(0, 0, None)), *arguments(5))


def test_second_derivatives():
    both(lambda f: jax.hessian(total(f), (0, 1, 2)), *arguments(0), rtol=1e-9)
    both(lambda f: jax.hessian(total(f), (1, 2)), *arguments(3), rtol=1e-9, eager=True)


@pytest.mark.parametrize("first", [jax.jacfwd, jax.jacrev])
@pytest.mark.parametrize("second", [jax.jacfwd, jax.jacrev])
def test_both_modes_twice(first, second):
    both(lambda f: first(second(total(f))), *arguments(3), rtol=1e-9)


def test_third_derivatives():
    both(lambda f: jax.grad(jax.grad(jax.grad(total(f), 1), 0), 2), *arguments(0), rtol=1e-8)


def test_the_transpose_of_a_transpose():
    x, y, s = arguments(3)

    def twice(f):
        pull = jax.vjp(f, x, y, s)[1]
        return lambda bar: jax.linear_transpose(lambda b: pull((b, b))[0], x)(bar)

    both(twice, y)


def test_scan_and_checkpoint():
    x, y, s = arguments()

    def walk(f):
        step = lambda x, _: (f(x, y, s)[0] + x, jnp.sum(x))
        return lambda x: jax.lax.scan(step, x, None, length=4)

    both(walk, x)
    both(lambda f: jax.grad(lambda x: jnp.sum(walk(f)(x)[0])), x)
    both(lambda f: jax.grad(total(jax.checkpoint(f)), (0, 1, 2)), x, y, s)
    both(lambda f: jax.grad(lambda x: jnp.sum(walk(jax.checkpoint(f))(x)[0])), x)


def test_control_flow():
    x, y, s = arguments()
    both(lambda f: lambda x: jax.lax.cond(x[0] > 0, lambda x: f(x, y, s)[0], lambda x: x, x), x)
    both(lambda f: lambda x: jax.lax.fori_loop(0, 3, lambda _, x: f(x, y, s)[1], x), x)
    both(lambda f: lambda x: jax.lax.map(lambda x: f(x, x, s), x), x)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 129, 5003])
def test_any_number_of_events(size):
    x = jnp.asarray(np.random.default_rng(1).uniform(0.5, 1.5, (2, size)))
    result = jax.jit(kernel)(*x, 0.3)
    for found, expected in zip(result, kernel(*np.asarray(x), 0.3), strict=True):
        np.testing.assert_array_equal(np.asarray(found), expected)
    gradient = jax.grad(total(kernel), 2)(*x, 0.3)
    assert np.isclose(gradient, jax.grad(total(reference), 2)(*x, 0.3))


def test_single_precision():
    x, y, _ = (jnp.asarray(a, jnp.float32) for a in arguments(100))
    found = jax.value_and_grad(total(kernel), (0, 1, 2))(x, y, jnp.float32(0.5))
    expected = jax.value_and_grad(total(reference), (0, 1, 2))(x, y, jnp.float32(0.5))
    assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {np.dtype(np.float32)}
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=3e-5, atol=1e-6), found, expected)


def test_vectors_and_matrices():
    """The upper triangle of a symmetric argument is what is read: derivatives by the cells below are zero."""

    @sh.kernel(parameters=("v",))
    def measured(x: sh.Vector[3], c: sh.Symmetric[3], v: sh.Symmetric[2]) -> tuple[sh.Vector[3], sh.Symmetric[2]]:
        s = c[:2, :2] + v
        return x * s[0, 1] + c @ x, s @ s

    def plain(x, c, v):
        c, v = jnp.triu(c) + jnp.triu(c, 1).T, jnp.triu(v) + jnp.triu(v, 1).T
        s = c[:2, :2] + v
        return x * s[0, 1] + c @ x, s @ s

    rng = np.random.default_rng(0)
    x, c, v = (jnp.asarray(rng.normal(size=s)) for s in ((6, 3), (6, 3, 3), (2, 2)))
    mapped = lambda f: jax.vmap(f, in_axes=(0, 0, None))
    close(jax.jit(measured)(x, c, v), mapped(plain)(x, c, v))
    for one in (
        lambda f: jax.vmap(f, in_axes=(0, None, 0), out_axes=1)(x, c[0], jnp.stack([v] * 6)),
        lambda f: mapped(jax.jacrev(f, (0, 1, 2)))(x, c, v),
        lambda f: mapped(jax.jacfwd(f, (0, 1, 2)))(x, c, v),
        lambda f: jax.hessian(lambda *a: f(*a)[0][0] ** 2, (0, 1, 2))(x[0], c[0], v),
        lambda f: jax.linearize(f, x[0], c[0], v)[1](x[1], c[1], v * 2),
    ):
        close(jax.jit(lambda one=one: one(measured))(), jax.jit(lambda one=one: one(plain))())
    batched = jax.grad(lambda x, c, v: jnp.sum(measured(x, c, v)[0] ** 2), (0, 1, 2))(x, c, v)
    close(batched, jax.grad(lambda x, c, v: jnp.sum(mapped(plain)(x, c, v)[0] ** 2), (0, 1, 2))(x, c, v))


def test_complex_derivatives_are_jaxs():
    """Of a real result by a complex argument JAX gives df/dx - i df/dy; parts and values alike go through it."""

    @sh.kernel
    def amplitude(z: sh.Complex, w: sh.Complex):
        return abs(z * w + 1) ** 2, z * z * w

    def plain(z, w):
        return jnp.real((z * w + 1) * jnp.conj(z * w + 1)), z * z * w

    z, w = jnp.asarray([1 + 2j, 0.5 - 1j]), jnp.asarray([0.3 - 1j, 2 + 0.1j])
    gradient = lambda f: jax.vmap(jax.grad(lambda z, w: f(z, w)[0], (0, 1)))(z, w)
    close(gradient(amplitude), gradient(plain))
    holomorphic = lambda f: jax.vmap(jax.grad(lambda z: f(z, w[0])[1], holomorphic=True))(z)
    close(holomorphic(amplitude), holomorphic(plain))


def test_choices_have_the_derivative_of_what_is_chosen():
    @sh.kernel
    def chosen(x, y):
        return np.where(x > y, np.sqrt(x - y), 0.0), x > y

    x = jnp.asarray([2.0, 0.5])
    gradient = jax.vmap(jax.grad(lambda x: chosen(x, 1.0)[0]))(x)
    np.testing.assert_allclose(gradient, [0.5, 0.0])
    assert chosen(x, 1.0)[1].dtype == bool


def test_donated_buffers():
    x, y, s = arguments(1000)
    expected = kernel(np.asarray(x), np.asarray(y), s)
    result = jax.jit(kernel, donate_argnums=(0, 1))(x, y, s)
    for found, right in zip(result, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(found), right)


def test_threads():
    x, y, s = arguments(20_000)
    f = jax.jit(jax.value_and_grad(total(kernel), (0, 1, 2)))
    expected = f(x, y, s)
    wrong = []

    def work(k):
        with jax.enable_x64(True):
            for _ in range(10):
                found = f(x, y, s)
                if not np.array_equal(found[1][0], expected[1][0]):
                    wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_first_calls_of_many_threads():
    fresh = sh.kernel(lambda x: np.exp(-x) * x**3 + 0.125)
    found = []

    def work():
        with jax.enable_x64(True):
            found.append(float(jax.grad(fresh)(0.5)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 8 and len({*found}) == 1


def test_a_registered_derivative_is_used():
    from symhep.tracing.custom import register

    @register(derivative=lambda x, r: 10 * x)
    def square(x):
        return x * x

    f = sh.kernel(lambda x: 2 * square(x))
    assert f(jnp.float64(3.0)) == 18
    assert jax.grad(f)(3.0) == 60 and jax.jit(jax.grad(f))(3.0) == 60
    assert jax.grad(jax.grad(f))(3.0) == 20


def test_symhep_derivatives_of_symhep_kernels():
    gradient = sh.grad(lambda x, y: x**2 * np.sin(y), wrt="x")
    assert np.isclose(gradient(jnp.float64(2.0), 0.5), 4 * np.sin(0.5))
    assert np.isclose(jax.grad(gradient)(2.0, 0.5), 2 * np.sin(0.5))
