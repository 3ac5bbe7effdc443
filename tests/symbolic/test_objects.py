"""Objects that hold sympy expressions: vectors of sympy.physics, of sympy.vector, and of the package vector."""

import numpy as np
import pytest
import sympy
import vector
from sympy.physics.mechanics import KanesMethod, Particle, Point
from sympy.physics.vector import ReferenceFrame, dynamicsymbols
from sympy.vector import CoordSys3D, gradient

import symhep as sh
from symhep.errors import ArgumentError

px, py, pz, E = sympy.symbols("px py pz E", real=True)
NAMES = ("pt", "phi", "eta", "mass")


def muons(events=50, seed=1):
    rng = np.random.default_rng(seed)
    return {
        "pt": rng.uniform(10, 80, events), "phi": rng.uniform(-3, 3, events),
        "eta": rng.uniform(-2, 2, events), "mass": np.full(events, 0.10566),
    }  # fmt: skip


def symbolic(label):
    return vector.MomentumSympy4D(**dict(zip(NAMES, sympy.symbols([f"{n}_{label}" for n in NAMES], real=True))))


def test_two_momenta_of_the_package_vector():
    first, second = symbolic("1"), symbolic("2")
    total = first + second
    kernel = sh.compile({"mass": total.mass, "pt": total.pt, "dR": first.deltaR(second)}, {"a": first, "b": second})
    assert [a.tree.keys for a in kernel.arguments] == [NAMES] * 2
    numbers = [vector.array(muons(seed=s)).view(vector.MomentumNumpy4D) for s in (1, 2)]
    for given in (numbers, [muons(seed=s) for s in (1, 2)]):
        got = kernel(*given)
        right = numbers[0] + numbers[1]
        np.testing.assert_allclose(got["mass"], right.mass, rtol=1e-10)
        np.testing.assert_allclose(got["pt"], right.pt, rtol=1e-12)
        np.testing.assert_allclose(got["dR"], numbers[0].deltaR(numbers[1]), rtol=1e-12)


def test_a_boost_as_a_result():
    p = vector.MomentumSympy4D(px=px, py=py, pz=pz, E=E)
    b = sympy.Symbol("b", real=True)
    kernel = sh.compile(p.boostZ(beta=b), [p, b])
    got = kernel({"px": 1.0, "py": 2.0, "pz": 3.0, "E": 5.0}, 0.6)
    right = vector.obj(px=1.0, py=2.0, pz=3.0, E=5.0).boostZ(beta=0.6)
    assert list(got) == ["px", "py", "pz", "E"]
    assert [got[k] for k in got] == pytest.approx([right.px, right.py, right.pz, right.E], rel=1e-14)
    again = sh.compile(kernel.expr, kernel.arguments)({"px": 1.0, "py": 2.0, "pz": 3.0, "E": 5.0}, 0.6)
    assert again == pytest.approx(got, rel=1e-14)


def test_vectors_of_mechanics():
    a = sympy.Symbol("a")
    q1, q2 = dynamicsymbols("q1 q2")
    N = ReferenceFrame("N")
    B = N.orientnew("B", "Axis", [q1, N.z])
    v = q2 * B.x + a * N.z
    kernel = sh.compile(v.express(N), [q1, q2, a])
    assert [x.name for x in kernel.arguments] == ["q1", "q2", "a"]
    np.testing.assert_allclose(kernel(0.3, 2.0, 5.0), [2 * np.cos(0.3), 2 * np.sin(0.3), 5])
    assert sh.compile(v.magnitude(), [q1, q2, a])(0.3, 3.0, 4.0) == pytest.approx(5)
    np.testing.assert_array_equal(sh.compile(N.x | N.y, [a])(1.0), [[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    with pytest.raises(ArgumentError, match=r"the vector .* has components along B and N\n.*: value.express\(B\)$"):
        sh.compile(B.x + N.y, [q1])


def test_equations_of_motion():
    q, u = dynamicsymbols("q u")
    m, k, c, t = sympy.symbols("m k c t")
    N, origin, P = ReferenceFrame("N"), Point("O"), Point("P")
    origin.set_vel(N, 0)
    P.set_vel(N, u * N.x)
    kane = KanesMethod(N, q_ind=[q], u_ind=[u], kd_eqs=[q.diff(t) - u])
    kane.kanes_equations([Particle("pa", P, m)], [(P, (-k * q - c * u) * N.x)])
    rhs = kane.mass_matrix_full.inv() * kane.forcing_full
    kernel = sh.compile(rhs, [q, u, m, k, c])
    np.testing.assert_allclose(kernel(0.5, 2.0, 4.0, 3.0, 0.1)[:, 0], [2.0, (-1.5 - 0.2) / 4.0])


def test_rates_are_arguments():
    q = sympy.Function("q")
    t = sympy.Symbol("t")
    energy = q(t).diff(t) ** 2 / 2 + q(t) ** 2 + q(t).diff(t, 2)
    kernel = sh.compile(energy, [q(t), q(t).diff(t), q(t).diff(t, 2)])
    assert [a.name for a in kernel.arguments] == ["q", "q_t", "q_tt"]
    assert kernel(3.0, 2.0, 0.5) == 2 + 9 + 0.5
    assert kernel.expr == energy


def test_vectors_of_coordinate_systems():
    C, D = CoordSys3D("C"), CoordSys3D("D")
    kernel = sh.compile(gradient(C.x**2 * C.y), [C.x, C.y])
    assert [a.name for a in kernel.arguments] == ["C_x", "C_y"]
    np.testing.assert_array_equal(kernel(3.0, 2.0), [12, 9, 0])
    np.testing.assert_array_equal(sh.compile(C.x * (C.i | C.k), [C.x])(2.0), [[0, 0, 2], [0, 0, 0], [0, 0, 0]])
    with pytest.raises(ArgumentError, match=r"the vector C.i \+ D.i has components along C and D"):
        sh.compile(C.i + D.i, [C.x])
