"""Derivatives of kernels: forms of arguments and results, layouts, orders, errors."""

from typing import NamedTuple

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError

RNG = np.random.default_rng(3)


class Track(NamedTuple):
    d0: float
    charge: float


@sh.kernel
def helix(p: sh.Vector[3], C: sh.Symmetric[2], track: Track, q):
    r = p[0] * track.charge / q
    return {"x": p[0] * np.sin(r) + track.d0 * C[0, 1], "y": sh.array([p[1] * C[0, 0], q * q * C[1, 1] * p[2]])}


AT = ([0.7, -1.2, 2.5], [[1.5, 0.3], [0.3, 2.5]], Track(0.4, -2.0), 1.7)


def flat(args):
    p, C, t, q = args
    return np.array([*p, C[0][0], C[0][1], C[1][1], t.d0, t.charge, q])


def unflat(v):
    return list(v[:3]), [[v[3], v[4]], [v[4], v[5]]], Track(v[6], v[7]), v[8]


def differences(f, args, pick):
    """Rows of central differences of the components that `pick` takes out of the result."""
    v, columns = flat(args), []
    for i in range(len(v)):
        step = np.zeros(len(v))
        step[i] = 1e-6
        high, low = (pick(f(*unflat(v + s))) for s in (step, -step))
        columns.append((high - low) / 2e-6)
    return np.array(columns).T


def test_jacobian_of_everything():
    J = sh.jacobian(helix)(*AT)
    assert list(J) == ["x", "y"] and list(J["y"]) == ["p", "C", "track", "q"]
    assert J["y"]["C"].shape == (2, 2, 2) and J["y"]["p"].shape == (2, 3) and isinstance(J["x"]["track"], Track)
    pick = lambda r: np.array([r["x"], *r["y"]])
    right = differences(helix, AT, pick)
    rows = [
        J["x"],
        *[{k: v[i] if k != "track" else Track(*[t[i] for t in v]) for k, v in J["y"].items()} for i in (0, 1)],
    ]
    found = [[*r["p"], r["C"][0, 0], r["C"][0, 1], r["C"][1, 1], *r["track"], r["q"]] for r in rows]
    np.testing.assert_allclose(found, right, rtol=1e-7, atol=1e-8)
    assert (J["x"]["C"] == J["x"]["C"].T).all()


def test_pattern_of_the_jacobian():
    found = helix.sparsity()
    J = sh.jacobian(helix)(*AT)
    assert found["y"]["p"].tolist() == [[False, True, False], [False, False, True]]
    assert (found["y"]["C"] == (J["y"]["C"] != 0)).all() and not found["y"]["track"].d0.any()
    assert found["x"]["q"] and found["x"]["track"].charge and not found["x"]["p"][1]


def test_jvp_and_vjp_are_transposed():
    p, C, t, q = AT
    tangent = ([0.3, -0.1, 0.2], [[0.2, 0.5], [0.5, -0.4]], Track(0.7, 0.9), -0.3)
    value, along = sh.jvp(helix)(*AT, *tangent)
    assert value["x"] == helix(*AT)["x"]
    bar = {"x": 0.8, "y": [1.1, -0.6]}
    _, back = sh.vjp(helix)(*AT, bar)
    left = bar["x"] * along["x"] + np.dot(bar["y"], along["y"])
    cells = [*back["p"], back["C"][0, 0], back["C"][0, 1], back["C"][1, 1], *back["track"], back["q"]]
    assert np.dot(cells, flat(tangent)) == pytest.approx(left, rel=1e-13)


def test_derivatives_along_directions_of_derivatives_along_directions():
    f = lambda x, y: x**3 * y
    twice = sh.jvp(sh.jvp(f))
    names = [a.name for a in twice.arguments]
    assert names == ["x", "y", "x_dot", "y_dot", "x_dot_2", "y_dot_2", "x_dot_dot", "y_dot_dot"]
    (value, first), (_, second) = twice(2.0, 5.0, 0.3, -0.2, 0.7, 0.4, 0.0, 0.0)
    assert value == 40.0 and first == pytest.approx(60 * 0.3 - 8 * 0.2)
    assert second == pytest.approx(60 * 0.3 * 0.7 + 12 * (0.3 * 0.4 - 0.2 * 0.7))
    _, back = sh.vjp(sh.vjp(f, "x"), "x")(2.0, 5.0, 1.0, (0.0, 1.0))
    assert back == pytest.approx(60.0)


def test_batches_of_any_layout():
    f = sh.kernel(lambda x, y: x * x * np.sin(y))
    x, y = RNG.normal(size=(2, 101))
    right = {"x": 2 * x * np.sin(y), "y": x * x * np.cos(y)}
    for given in ((x, y), (np.repeat(x, 2)[::2], y), (x[::-1][::-1], y.astype(y.dtype.newbyteorder()))):
        found = sh.grad(f)(*given)
        for name, r in right.items():
            np.testing.assert_allclose(found[name], r, rtol=1e-14, atol=1e-15)
    square = sh.grad(f)(x[:100].reshape(10, 10), y[:10])
    assert square["x"].shape == square["y"].shape == (10, 10)
    empty = sh.grad(f)(x[:0], y[:0])
    assert empty["x"].shape == (0,)
    single = sh.grad(f)(x.astype(np.float32), y.astype(np.float32))
    assert single["x"].dtype == np.float32
    np.testing.assert_allclose(single["x"], right["x"], rtol=1e-5, atol=1e-6)


def test_forms_of_the_result():
    f = sh.kernel(lambda x, y: x * y)
    assert sh.grad(f, "y")(2.0, 3.0) == 2.0
    assert sh.grad(f, ["y"])(2.0, 3.0) == {"y": 2.0}
    assert list(sh.grad(f)(2.0, 3.0)) == ["x", "y"]
    assert sh.grad(lambda x: x**3)(2.0) == 12.0
    assert sh.grad(lambda v: v, None)(2.0) == 1.0
    assert f.grad("x")(2.0, 3.0) == 3.0 and f.value_and_grad("x")(2.0, 3.0) == (6.0, 3.0)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_any_order(order):
    k = sh.kernel(lambda x: np.exp(2 * x) + x**5)
    right = 2**order * np.exp(2 * 0.7) + np.prod(np.arange(5, 5 - order, -1)) * 0.7 ** (5 - order)
    for _ in range(order):
        k = sh.grad(k)
    assert k(0.7) == pytest.approx(right, rel=1e-14)


def test_hessian_is_symmetric_and_computed_once():
    @sh.kernel
    def f(v: sh.Vector[4], a):
        return np.exp(v[0] * v[1]) * a + v[2] * v[3] ** 2 * v[0]

    v, a = RNG.normal(size=4), 1.3
    H = sh.hessian(f)(v, a)
    J = sh.jacobian(sh.grad(f, "v"), "v")(v, a)
    np.testing.assert_allclose(H["v"]["v"], J, rtol=1e-13, atol=1e-14)
    assert H["v"]["a"].shape == (4,) and (H["v"]["a"] == H["a"]["v"]).all()
    value, grad, second = sh.value_grad_hessian(f, "v")(v, a)
    assert value == f(v, a) and grad.shape == (4,) and np.allclose(second, H["v"]["v"], rtol=1e-13)
    alone = sh.hessian(f, "v")
    assert alone.count().total < 2.2 * sh.grad(f, "v").count().total
    assert len(alone.traced.graph.outputs) == 10


def test_complex_arguments_and_results():
    @sh.kernel
    def f(z: sh.Complex, a: sh.Vector[2]):
        return z * a[0] * a[1] + a[1] ** 2, abs(z) * a[0]

    z, a = 1.5 - 0.5j, np.array([0.7, 1.9])
    J = sh.jacobian(f)(z, a)
    np.testing.assert_allclose(J[0], [z * a[1], z * a[0] + 2 * a[1]], rtol=1e-14)
    np.testing.assert_allclose(J[1], [abs(z), 0], rtol=1e-14)
    batch = sh.jacobian(f)(np.full(9, z), np.tile(a, (9, 1)))
    assert batch[0].shape == (9, 2) and batch[0].dtype == complex and (batch[0][3] == J[0]).all()


def test_static_arguments():
    @sh.kernel
    def f(x, n: sh.Static):
        return sum(x**k for k in range(n))

    assert sh.grad(f)(2.0, 4) == 1 + 2 * 2 + 3 * 4
    assert sh.grad(f)(2.0, 3) == 5.0


def test_one_program_for_value_and_gradient():
    from kernels.matrix_elements import amp1

    both = sh.value_and_grad(amp1)
    assert both.count().total < sh.grad(amp1).count().total + 20
    assert both.count().total <= 2000


def test_pickled_derivative():
    import pickle

    g = pickle.loads(pickle.dumps(sh.grad(helix_norm)))
    assert g(3.0, 4.0) == sh.grad(helix_norm)(3.0, 4.0)


@sh.kernel
def helix_norm(x, y):
    return np.sqrt(x * x + y * y)


ERRORS = {
    "two values": (lambda: sh.grad(lambda x: (x, x * x)), "grad of <lambda>: its result is 2 numbers"),
    "jacobian instead": (lambda: sh.grad(lambda x: (x, x * x)), "sh.jacobian"),
    "complex": (lambda: sh.grad(lambda x: x * 1j), "its result is a complex number"),
    "no such argument": (lambda: sh.grad(helix_norm, "z"), "helix_norm has no argument 'z'"),
    "nothing real": (lambda: sh.jacobian(complex_only), "has no real argument"),
    "complex argument": (lambda: sh.jacobian(complex_only, "z"), "z is complex, and derivatives are by real arguments"),
    "static": (lambda: sh.grad(with_static, "n"), "n is a constant while tracing"),
    "integer": (lambda: sh.grad(with_integer, "n"), "n is integer"),
    "positions": (lambda: sh.grad(helix_norm, 0), "wrt names arguments, got 0"),
    "mixed container": (lambda: sh.grad(mixed), "muon holds real values and integer ones"),
    "static without a value": (lambda: sh.jvp(with_required), "jvp of with_required: n has to have a default value"),
    "bound": (lambda: sh.grad(helix_norm.bind(x=np.ones(3))), "write instead: sh.grad(helix_norm).bind"),
    "cotangent": (lambda: sh.vjp(lambda x: x * 1j), "its result has complex or boolean values"),
}


@sh.kernel
def complex_only(z: sh.Complex):
    return z * z


@sh.kernel
def with_static(x, n: sh.Static = 2):
    return x**n


class Muon(NamedTuple):
    pt: sh.Scalar
    charge: sh.Integer


@sh.kernel
def mixed(muon: Muon, y):
    return muon.charge * muon.pt * y


@sh.kernel
def with_required(x, n: sh.Static):
    return x**n


@sh.kernel
def with_integer(x, n: sh.Integer):
    return x * n


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_errors(name):
    make, words = ERRORS[name]
    with pytest.raises(ArgumentError) as error:
        make()
    assert words in str(error.value)
