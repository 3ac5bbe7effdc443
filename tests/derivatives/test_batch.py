"""Derivatives through reductions over the batch: by parameters and by values per event, in one pass and in several."""

import numpy as np
import pytest

import symhep as sh
from symhep.errors import ArgumentError

RNG = np.random.default_rng(21)
X, W = RNG.normal(size=1003), RNG.uniform(0.5, 1.5, 1003)


@sh.kernel(parameters=("mass", "width", "fraction"))
def nll(m, mass, width, fraction):
    peak = width / np.pi / ((m - mass) ** 2 + width**2)
    return -sh.batch_sum(np.log(fraction * peak + (1 - fraction) * np.exp(-m * m)))


@sh.kernel(parameters=("scale",))
def spread(x, scale):
    y = x * scale + np.sin(x)
    return sh.batch_mean((y - sh.batch_mean(y)) ** 2)


@sh.kernel(parameters=("t",))
def softmax(x, t):
    z = x * t
    top = sh.batch_max(z)
    return top + np.log(sh.batch_sum(np.exp(z - top)))


@sh.kernel(parameters=("gain", "shift"))
def two_samples(m: sh.Scalar.over("data"), x: sh.Scalar.over("mc"), w: sh.Scalar.over("mc"), gain, shift):
    density = lambda v: np.exp(-gain * (v - shift) ** 2)
    return -sh.batch_sum(np.log(density(m) + 0.1)) + sh.batch_sum(1 + 0 * m) * np.log(sh.batch_sum(w * density(x)))


def differences(f, values, names):
    found = {}
    for name in names:
        h = 1e-5 * abs(values[name])
        found[name] = (f(**{**values, name: values[name] + h}) - f(**{**values, name: values[name] - h})) / (2 * h)
    return found


CASES = {
    "likelihood": (nll, {"m": X, "mass": 0.3, "width": 0.4, "fraction": 0.6}, ("mass", "width", "fraction")),
    "two passes": (spread, {"x": X, "scale": 1.3}, ("scale",)),
    "largest value": (softmax, {"x": X, "t": 0.7}, ("t",)),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_by_parameters(name):
    kernel, values, parameters = CASES[name]
    right = differences(kernel, values, parameters)
    value, found = sh.value_and_grad(kernel, parameters)(**values)
    assert value == pytest.approx(kernel(**values), rel=1e-14)
    for p in parameters:
        assert np.shape(found[p]) == () and found[p] == pytest.approx(right[p], rel=1e-7)


@pytest.mark.parametrize("name", sorted(CASES))
def test_by_values_per_event(name):
    kernel, values, _ = CASES[name]
    data = next(iter(values))
    found = sh.grad(kernel, data)(**values)
    assert found.shape == X.shape
    for i in (0, 17, 1002):
        moved = lambda h, i=i: kernel(**{**values, data: np.where(np.arange(X.size) == i, X + h, X)})
        assert found[i] == pytest.approx((moved(1e-4) - moved(-1e-4)) / 2e-4, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("name", sorted(CASES))
def test_second_derivatives(name):
    kernel, values, parameters = CASES[name]
    H = sh.hessian(kernel, parameters)(**values)
    for p in parameters:
        right = differences(lambda p=p, **v: sh.grad(kernel, [p])(**v)[p], values, parameters)
        for q in parameters:
            assert H[p][q] == pytest.approx(right[q], rel=1e-6, abs=1e-6)
            assert H[p][q] == H[q][p]


@pytest.mark.parametrize("name", sorted(CASES))
def test_checked_in_high_precision(name):
    kernel, _, _ = CASES[name]
    assert sh.check_derivatives(kernel)


def test_gradient_does_not_depend_on_threads():
    x = RNG.normal(size=50_000)
    g = sh.grad(nll, ("mass", "width"))
    results = [g(x, 0.3, 0.4, 0.6, threads=n) for n in (1, 2, 3)]
    assert results[0] == results[1] == results[2]


def test_jvp_and_vjp():
    tangent = {"m_dot": np.cos(X), "mass_dot": 0.2, "width_dot": -0.3, "fraction_dot": 0.5}
    values = {"m": X, "mass": 0.3, "width": 0.4, "fraction": 0.6}
    _, along = sh.jvp(nll)(**values, **tangent)
    _, back = sh.vjp(nll)(**values, cotangent=1.0)
    products = [np.sum(back[n] * tangent[f"{n}_dot"]) for n in values]
    assert along == pytest.approx(sum(products), rel=1e-12)


@pytest.mark.parametrize("target", ["numpy", "numba"])
def test_vjp_of_a_sum_beside_a_value_per_event(target):
    both = sh.kernel(lambda x, a: (sh.batch_sum(np.exp(-a * x * x)), a * np.exp(-a * x * x)), parameters=("a",))
    back = sh.vjp(both).to(target)
    found = back(X, 1.3, (2.0, W))[1]
    y = np.exp(-1.3 * X * X)
    np.testing.assert_allclose(found["x"], -2.6 * X * y * (2 + 1.3 * W), rtol=1e-12)
    assert found["a"] == pytest.approx(np.sum(-2 * X * X * y + W * y * (1 - 1.3 * X * X)), rel=1e-12)
    for wrong in (np.ones(len(X)), np.ones(1)):
        with pytest.raises(ArgumentError, match=r"cotangent\[0\] is one value for all events, got shape \(\d+,\)"):
            back(X, 1.3, (wrong, W))


def test_value_per_event_by_parameters():
    centred = sh.kernel(lambda x, a: x * a - sh.batch_mean(np.exp(a * x)), parameters=("a",))
    found = sh.grad(centred, "a")(X, 0.4)
    np.testing.assert_allclose(found, X - np.mean(X * np.exp(0.4 * X)), rtol=1e-12)


def test_value_per_event_by_what_other_events_have():
    centred = sh.kernel(lambda x: x - sh.batch_mean(x))
    with pytest.raises(ArgumentError, match="depends, through a batch reduction, on the arguments of all other events"):
        sh.grad(centred).traced  # noqa: B018
    _, along = sh.jvp(centred)(X, W)
    np.testing.assert_allclose(along, W - np.mean(W), rtol=1e-12)
    _, back = sh.vjp(centred)(X, W)
    np.testing.assert_allclose(back, W - np.mean(W), rtol=1e-12)


def test_parameter_without_reduction_is_per_event():
    f = sh.kernel(lambda x, a: np.sin(a * x), parameters=("a",))
    np.testing.assert_allclose(sh.grad(f, "a")(X, 0.7), X * np.cos(0.7 * X), rtol=1e-14)


def test_two_samples():
    values = {"m": X[:500], "x": RNG.normal(size=801), "w": W[:801], "gain": 0.9, "shift": 0.2}
    right = differences(two_samples, values, ("gain", "shift"))
    found = sh.grad(two_samples, ("gain", "shift"))(**values)
    assert found["gain"] == pytest.approx(right["gain"], rel=1e-7)
    assert found["shift"] == pytest.approx(right["shift"], rel=1e-7)
    assert sh.grad(two_samples, "x")(**values).shape == (801,)


def test_many_values_of_few_parameters_are_summed_late():
    """Forty coefficients made of two parameters: two sums and not forty."""

    @sh.kernel(parameters=("c", "phi"), effort="fast")
    def series(x, c, phi):
        return sh.batch_sum(np.log(2 * c + sum(c * np.cos(phi + k) * x**k for k in range(20)) ** 2))

    g = sh.grad(series, ("c", "phi"))
    sums = [n for n in g.traced.graph.order if n.op == "batch_sum"]
    assert len(sums) <= 4
    right = differences(series, {"x": X / 5, "c": 0.8, "phi": 0.3}, ("c", "phi"))
    found = g(X / 5, 0.8, 0.3)
    assert found["c"] == pytest.approx(right["c"], rel=1e-6) and found["phi"] == pytest.approx(right["phi"], rel=1e-6)


def test_events_with_the_same_extreme_value():
    """Of several events with the largest value each counts in part: by parameters the derivative is what it is."""
    top = sh.kernel(lambda x, a: sh.batch_max(a * x), parameters=("a",))
    x = np.array([1.0, 3, 3, 1, 3])
    assert sh.grad(top, "a")(x, 2.0) == 3.0 and sh.jvp(top, "a")(x, 2.0, 1.0)[1] == 3.0
    np.testing.assert_allclose(sh.grad(top, "x")(x, 2.0), [0, 2 / 3, 2 / 3, 0, 2 / 3])
    clipped = sh.kernel(lambda x, a: sh.batch_max(np.minimum(x, a)), parameters=("a",))
    assert sh.grad(clipped, "a")(np.arange(10.0), 4.5) == 1.0
    assert sh.check_derivatives(top)


def test_constant_derivatives_of_numbers_are_numbers():
    linear = sh.kernel(lambda x, a: sh.batch_sum(a * x) + 3 * a, parameters=("a",))
    plain = sh.kernel(lambda x, a: sh.batch_sum(x) + 3 * a, parameters=("a",))
    x = np.arange(3.0)
    assert np.shape(sh.hessian(linear, "a")(x, 2.0)) == () == np.shape(sh.grad(plain, "a")(x, 2.0))
    assert sh.grad(plain, "a")(x, 2.0) == 3.0 and sh.grad(plain, "a").bind(x=x)(1.0) == 3.0
    assert sh.propagate(plain, [[0.1]], "a")(x, 1.0) == pytest.approx(0.9)

    @sh.kernel(parameters=("p",))
    def line(x, p: sh.Vector[2]):
        return sh.batch_sum(p[0] * x + p[1])

    assert (sh.hessian(line, "p")(x, [1.0, 2.0]) == np.zeros((2, 2))).all()
    assert np.shape(sh.kernel(lambda x, a: sh.batch_max(a * 1.0), parameters=("a",))(x, 1.0)) == ()


def test_cotangents_have_the_shape_of_the_result():
    total = sh.kernel(lambda x, a: sh.batch_sum(a * x), parameters=("a",))
    with pytest.raises(ArgumentError, match="cotangent"):
        sh.vjp(total)(X, 2.0, np.ones(4))

    @sh.kernel
    def crossed(x: sh.Scalar.over("d"), y: sh.Scalar.over("m")):
        return x * sh.batch_sum(y), y * sh.batch_mean(x)

    _, back = sh.vjp(crossed)(np.arange(3.0), np.arange(5.0), (np.ones(3), np.ones(5)))
    np.testing.assert_allclose(back["x"], 10 + 10 / 3)
    np.testing.assert_allclose(back["y"], 3 + 1)


def test_results_over_the_batch_beside_results_per_event():
    """Their Jacobians are made in different ways; what one of them takes is no matter of the other's."""

    def f(x, y, z):
        share = x / sh.batch_sum(np.abs(x))
        return sh.batch_sum(y * y), np.stack([x * x, z]), share < 0

    x, y, z = np.random.default_rng(3).normal(size=(3, 20))
    total, parts, _ = sh.jacobian(sh.kernel(f))(x, y, z)
    np.testing.assert_allclose(total["y"], 2 * y, rtol=1e-15)
    np.testing.assert_allclose(parts["x"][:, 0], 2 * x, rtol=1e-15)
    assert (parts["z"] == [0, 1]).all() and (parts["y"] == 0).all()
