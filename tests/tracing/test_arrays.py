"""Traced arrays mean what NumPy means: every array function, compared on numbers."""

import copy
import inspect

import numpy as np
import pytest

import symhep as sh
from symhep.tracing import arrays, numpy_functions
from symhep.tracing.functions import FUNCTIONS
from symhep.tracing.trace import trace
from symhep.tracing.values import Scalar
from tests.interpreter import evaluate

RNG = np.random.default_rng(1)

P, Q = RNG.normal(size=(2, 3))
M = RNG.normal(size=(3, 3))
C = RNG.normal(size=3) + 1j * RNG.normal(size=3)
SHAPES = {"p": sh.Vector[3], "q": sh.Vector[3], "m": sh.Matrix[3, 3], "c": sh.Complex[3]}
VALUES = {"p": P, "q": Q, "m": M, "c": C}

# The functions under their names; several expressions each where there are options
ARRAY_CASES = {
    "sum": [lambda p: np.sum(p), lambda m: np.sum(m, axis=0), lambda m: m.sum(axis=1, keepdims=True),
            lambda p: np.sum(p > 0) * 1.0, lambda m: np.sum(m, axis=(0, 1)), lambda m: m.sum(-1)],
    "prod": [lambda p: np.prod(p), lambda m: m.prod(axis=1)],
    "mean": [lambda p: np.mean(p), lambda m: m.mean(axis=0), lambda m: np.mean(m, axis=1, keepdims=True)],
    "average": [lambda p: np.average(p), lambda p, q: np.average(p, weights=q)],
    "var": [lambda m: np.var(m, axis=1), lambda c: np.var(c), lambda p: p.var(ddof=1)],
    "std": [lambda m: np.std(m, ddof=1), lambda p: p.std()],
    "min": [lambda m: np.min(m, axis=0), lambda p: p.min()],
    "max": [lambda m: m.max(), lambda m: np.max(m, axis=1, keepdims=True)],
    "amin": [lambda p: np.amin(p)],
    "amax": [lambda p: np.amax(p)],
    "ptp": [lambda p: np.ptp(p)],
    "all": [lambda p, q: (p > q).all(), lambda m: np.all(m > -1, axis=0)],
    "any": [lambda p: np.any(p > 0), lambda p: np.any(p)],
    "count_nonzero": [lambda p: np.count_nonzero(p > 0) * 1.0],
    "where": [lambda p, q: np.where(p > 0, p, q), lambda p: np.where(p[0] > 0, np.where(p[1] > 0, 1.0, 2.0), p[2])],
    "select": [lambda p, q: np.select([p > 1, p > 0], [p, q], default=-1.0)],
    "clip": [lambda p: np.clip(p, -0.5, 0.5), lambda p: p.clip(min=0), lambda p, q: np.clip(p, None, q)],
    "round": [lambda p: np.round(p, 1), lambda p: p.round(), lambda p: np.round(100 * p, -1)],
    "around": [lambda p: np.around(p)],
    "fix": [lambda p: np.fix(3 * p)],
    "real": [lambda c: np.real(c), lambda c: c.real, lambda p: np.real(p)],
    "imag": [lambda c: np.imag(c), lambda c: c.imag, lambda p: p + np.imag(p)],
    "angle": [lambda c: np.angle(c), lambda c: np.angle(c, deg=True)],
    "sinc": [lambda p: np.sinc(p), lambda p: np.sinc(0 * p)],
    "isclose": [lambda p, q: np.isclose(p, q), lambda p: np.isclose(p, p + 1e-12)],
    "zeros_like": [lambda p: np.zeros_like(p) + p, lambda m: np.zeros_like(m, shape=2) + m[0, 0]],
    "empty_like": [lambda p: 0 * np.empty_like(p) + p],
    "ones_like": [lambda p: np.ones_like(p[0]) * p, lambda p: np.ones_like(p, dtype=complex) * p],
    "full_like": [lambda p: np.full_like(p, 2.5) * p, lambda p: np.full_like(p, p[0]) - p],
    "array": [lambda p: np.array(p, like=p) * 2, lambda p: np.array([p[0], p[1] * 2, 1.0]) * 2],
    "asarray": [lambda p: np.asarray([p[0], 1], like=p) * 2, lambda p: np.asarray(p) * 2],
    "asanyarray": [lambda p: np.asanyarray(p, like=p)],
    "shape": [lambda m: m * np.shape(m)[0]],
    "ndim": [lambda m: m * np.ndim(m)],
    "size": [lambda m: m * np.size(m) * np.size(m, 0)],
    "iscomplexobj": [lambda p, c: p if np.iscomplexobj(c) and not np.iscomplexobj(p) else -p],
    "isrealobj": [lambda p, c: p if np.isrealobj(p) and not np.isrealobj(c) else -p],
    "norm": [lambda p: np.linalg.norm(p), lambda c: np.linalg.norm(c), lambda m: np.linalg.norm(m, axis=1),
             lambda p: np.linalg.norm(p, np.inf), lambda p: np.linalg.norm(p, 1), lambda m: np.linalg.norm(m),
             lambda m: np.linalg.norm(m, axis=0, keepdims=True)],
    "det": [lambda m: np.linalg.det(m), lambda p, q, m: np.linalg.det(np.pad(m, 1) + np.eye(5))],
    "inv": [lambda m: np.linalg.inv(m), lambda m: np.linalg.inv(m[:1, :1])],
    "solve": [lambda p, m: np.linalg.solve(m, p)],
    "transpose": [lambda m: np.transpose(m), lambda m: m.T, lambda m: m.transpose(1, 0),
                  lambda m: np.permute_dims(m, (1, 0))],
    "stack": [lambda p, q: np.stack([p[0], q[1], 1.5]), lambda p, q: np.stack([p, q], axis=-1)],
    "concatenate": [lambda p, q: np.concatenate([p, q, np.ones(2)])],
    "hstack": [lambda p, q: np.hstack([p, q])],
    "vstack": [lambda p, q: np.vstack([p, q])],
    "dstack": [lambda p, q: np.dstack([p, q])],
    "column_stack": [lambda p, q: np.column_stack([p, q])],
    "reshape": [lambda m: np.reshape(m, (9,)), lambda m: m.reshape(1, 9), lambda m: m.reshape(-1)],
    "ravel": [lambda m: m.ravel(), lambda m: m.flatten()],
    "diag": [lambda m: np.diag(m), lambda p: np.diag(p)],
    "diagflat": [lambda p: np.diagflat(p)],
    "diagonal": [lambda m: m.diagonal(), lambda m: np.linalg.diagonal(m)],
    "trace": [lambda m: np.trace(m), lambda m: m.trace(), lambda m: np.linalg.trace(m)],
    "moveaxis": [lambda m: np.moveaxis(m, 0, 1)],
    "swapaxes": [lambda m: m.swapaxes(0, 1)],
    "rollaxis": [lambda m: np.rollaxis(m, 1)],
    "roll": [lambda p: np.roll(p, 1)],
    "flip": [lambda m: np.flip(m)],
    "fliplr": [lambda m: np.fliplr(m)],
    "flipud": [lambda m: np.flipud(m)],
    "rot90": [lambda m: np.rot90(m)],
    "take": [lambda p: np.take(p, [2, 0]), lambda p: p.take(1)],
    "take_along_axis": [lambda p: np.take_along_axis(p, np.array([2, 0]), 0)],
    "compress": [lambda p: np.compress([True, False, True], p)],
    "cumsum": [lambda p: np.cumsum(p), lambda m: m.cumsum(axis=0)],
    "cumprod": [lambda p: p.cumprod()],
    "cumulative_sum": [lambda p: np.cumulative_sum(p)],
    "cumulative_prod": [lambda p: np.cumulative_prod(p)],
    "diff": [lambda p: np.diff(p)],
    "outer": [lambda p, q: np.outer(p, q), lambda p, q: np.linalg.outer(p, q)],
    "inner": [lambda p, q: np.inner(p, q)],
    "dot": [lambda p, q: np.dot(p, q), lambda p, m: m.dot(p)],
    "vdot": [lambda c: np.vdot(c, c), lambda p, c: np.vdot(c, p)],
    "tensordot": [lambda p, m: np.tensordot(m, p, axes=1), lambda m: np.linalg.tensordot(m, m)],
    "kron": [lambda p, q: np.kron(p, q)],
    "cross": [lambda p, q: np.cross(p, q), lambda p, q: np.linalg.cross(p, q)],
    "einsum": [lambda p, q, m: np.einsum("i,ij,j", p, m, q), lambda m: np.einsum("ij,jk->ik", m, m),
               lambda m: np.einsum("ij,jk,kl->il", m, m, m, optimize=True), lambda c, m: np.einsum("i,ij", c, m)],
    "broadcast_to": [lambda p: np.broadcast_to(p, (2, 3)), lambda p: np.broadcast_to(p[0], 4)],
    "broadcast_arrays": [lambda p, m: np.broadcast_arrays(p, m)[0]],
    "atleast_1d": [lambda p: np.atleast_1d(p[0])],
    "atleast_2d": [lambda p: np.atleast_2d(p)],
    "atleast_3d": [lambda p: np.atleast_3d(p)],
    "squeeze": [lambda p: np.squeeze(p[None])],
    "expand_dims": [lambda p: np.expand_dims(p, 1), lambda p: p[:, None]],
    "tile": [lambda p: np.tile(p, 2)],
    "repeat": [lambda p: np.repeat(p, 2), lambda p: p.repeat(3)],
    "split": [lambda p: np.split(p, 3)[1]],
    "array_split": [lambda p: np.array_split(p, 2)[0]],
    "hsplit": [lambda m: np.hsplit(m, 3)[0]],
    "vsplit": [lambda m: np.vsplit(m, 3)[0]],
    "dsplit": [lambda m: np.dsplit(m[None], 3)[0]],
    "unstack": [lambda m: np.unstack(m)[1]],
    "block": [lambda p, q, m: np.block([[m, p[:, None]], [q[None, :], np.ones((1, 1))]])],
    "append": [lambda p, q: np.append(p, q[0])],
    "delete": [lambda p: np.delete(p, 1)],
    "insert": [lambda p, q: np.insert(p, 1, q[0])],
    "pad": [lambda p: np.pad(p, 1)],
    "triu": [lambda m: np.triu(m)],
    "tril": [lambda m: np.tril(m, -1)],
    "copy": [lambda p: np.copy(p), lambda p: p.copy(), lambda p: copy.deepcopy(p)],
    "polyval": [lambda p, q: np.polyval(p, q[0]), lambda q: np.polyval([1.0, 2.0, 3.0], q[0])],
    "meshgrid": [lambda p, q: np.meshgrid(p, q)[0]],
    "convolve": [lambda p, q: np.convolve(p, q)],
    "matrix_transpose": [lambda m: np.matrix_transpose(m), lambda m: m.mT, lambda m: np.linalg.matrix_transpose(m)],
    "multi_dot": [lambda p, q, m: np.linalg.multi_dot([p, m, q])],
    "matrix_power": [lambda m: np.linalg.matrix_power(m, 3)],
    "matmul": [lambda p, m: m @ p, lambda p, m: p @ m, lambda m: np.linalg.matmul(m, m.T), lambda c: c @ c,
               lambda p: np.diag([1.0, 2, 3]) @ p, lambda p: p @ np.diag([1.0, 2, 3]) @ p],
    "vecdot": [lambda p, q: np.vecdot(p, q), lambda c: np.linalg.vecdot(c, c)],
    "matvec": [lambda p, m: np.matvec(m, p)],
    "vecmat": [lambda p, m: np.vecmat(p, m)],
}  # fmt: skip

OTHER_CASES = {
    "indices": [lambda m: m[1:, ::2], lambda m: m[..., 0], lambda p: p[[2, 1]], lambda p, q: p[:, None] * q,
                lambda p: p[np.array([True, False, True])], lambda m: m[1, 2], lambda m: m[-1]],
    "sequences": [lambda p: sum(x * x for x in p), lambda p: (lambda a, b, d: a * b + d)(*p), lambda p: len(p) * p,
                  lambda m: list(m.flat)[4] * 1.0, lambda m: m.tolist()[1][2], lambda p: p.item(1)],
    "operators": [lambda p: -p, lambda p: +p, lambda p: abs(p), lambda p: p**2, lambda p, q: abs(p) ** q,
                  lambda p: 2.0**p, lambda p: p % 2.0, lambda p: p // 2, lambda p: 1 / p, lambda p: 3 - p,
                  lambda p: divmod(p, 2)[1], lambda p: [1, 2, 3] * p, lambda p: np.arange(3) * p,
                  lambda p, q: ((p > 0) & (q > 0)) | ~(p < q) ^ (p == q), lambda p, q: p != q, lambda c: c * (1 + 2j),
                  lambda p, c: p + c, lambda p: p * np.float32(2), lambda p: p[0] * p, lambda p, q: p <= q,
                  lambda m: np.eye(3) - m, lambda p, q: p >= q[0]],
    "ufuncs": [lambda p, q: np.hypot(p, q), lambda p: np.exp(p), lambda p: np.heaviside(p, 0.5),
               lambda p, q: np.add(p, q, dtype=complex), lambda p, q: np.divmod(p, q)[0], lambda p: np.modf(p)[0],
               lambda m: np.add.reduce(m), lambda p: np.maximum.accumulate(p), lambda p, q: np.multiply.outer(p, q),
               lambda m: np.maximum.reduce(m, axis=1), lambda c: np.abs(c), lambda c: np.conj(c), lambda c: c.conj()],
    "lists": [lambda p: np.sum([p[0], p[1]]), lambda p: np.linalg.norm([p[0], p[1]]),
              lambda p: np.dot([p[0], 2], [1, p[1]])],
    "types": [lambda p: p.astype(complex) * 1j, lambda p: (p > 0).astype(float), lambda c: c.T],
}  # fmt: skip


def flat(values):
    return {f"{n}[{','.join(map(str, i))}]": v[i] for n, v in values.items() for i in np.ndindex(v.shape)}


ALL_CASES = [
    pytest.param(function, id=f"{name}-{i}")
    for name, functions in {**ARRAY_CASES, **OTHER_CASES}.items()
    for i, function in enumerate(functions)
]


@pytest.mark.parametrize("function", ALL_CASES)
def test_array_function(function):
    names = list(inspect.signature(function).parameters)
    want = np.asarray(function(*[VALUES[n] for n in names]))
    traced = trace(function, {n: SHAPES[n] for n in names})
    got = np.array(evaluate(traced.graph, flat({n: VALUES[n] for n in names}))).reshape(traced.outputs[0].shape)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_every_array_function_has_a_case():
    assert set(numpy_functions.supported()) - set(FUNCTIONS) == set(ARRAY_CASES) - {"clip", "angle", "sinc"}


def test_array_behaves_like_an_array():
    def f(m: sh.Matrix[2, 3]):
        assert m.shape == (2, 3) and m.ndim == 2 and m.size == 6 and len(m) == 2 and m.dtype == np.float64
        assert (m * 1j).dtype == complex and (m > 0).dtype == bool and m[0].shape == (3,)
        assert "(2, 3)" in repr(m) and repr(m) == f"{m:.2f}"
        a = m.copy()
        a[...] = 0
        a.fill(1)
        a -= 3
        a /= 2
        a[0] **= 2
        b = a.T
        b[0, 0] = m[1, 1]
        a @= np.eye(3)
        return a

    want = np.array([[3.0, 1, 1], [-1, -1, -1]])
    got = evaluate(trace(f).graph, flat({"m": np.full((2, 3), 3.0)}))
    np.testing.assert_array_equal(np.array(got).reshape(2, 3), want)


def test_out_of_a_ufunc():
    def f(p: sh.Vector[2]):
        out = np.zeros_like(p)
        np.multiply(p, 2, out=out)
        return out

    assert evaluate(trace(f).graph, {"p[0]": 1.0, "p[1]": 2.0}) == [2, 4]


def test_constants_up_to_the_limit():
    assert len(trace(lambda x: x * np.ones(arrays.MAX_CONSTANT)).graph.outputs) == arrays.MAX_CONSTANT


def test_scalar_has_a_method_for_every_function():
    assert all(hasattr(Scalar, name) for name in FUNCTIONS if name not in ("add", "subtract")) and hasattr(
        Scalar, "add"
    )
