"""Tracks: helices, steps through a magnetic field, and Kalman filters.

Units: mm, GeV, e; a field of 1 T is TESLA = 0.000299792458 GeV/(e mm). Directions are unit vectors, λ is charge over
momentum. Covariances are symmetric: annotate them so, and each cell above the diagonal is computed once.

The functions take vectors and matrices of any size, of numbers or inside of a kernel; the kernels are for the usual
ones. `update_of(n, measured)` makes the kernel for other states and measured components.
"""

from typing import NamedTuple

import numpy as np

import symhep as sh

TESLA = 0.000299792458

INSIDE_A_DETECTOR = {"r": (-1000, 1000), "T": (-1, 1), "lam": (-2, 2), "h": (1, 100)}
FIELDS = dict.fromkeys(("B1", "B2", "B3"), (1e-4, 1e-3))
COLUMNS = dict.fromkeys([f"{c}.{part}" for c in ("first", "second", "third") for part in "PS"], (-2, 2))


# -- helices ---------------------------------------------------------------------------------------------------------


@sh.kernel(domain=sh.box(r=(-1000, 1000), T=(-1, 1), lam=(0.1, 2), B=(1e-4, 1e-3), s=(1, 1000)))
def helix(r: sh.Vector[3], T: sh.Vector[3], lam, B: sh.Vector[3], s) -> tuple[sh.Vector[3], sh.Vector[3]]:
    """Position and direction after the path s in a uniform field.

    Shapes: (3,), (3,), scalar, (3,), scalar -> (3,), (3,). Units: mm, 1, e/GeV, GeV/(e mm), mm -> mm, 1.
    Domain: λ|B| != 0. Source: the equation of motion dT/ds = λ T × B, solved.

    >>> r, T = helix([0.0, 0.0, 0.0], [1.0, 0.0, 0.0], 1.0, [0.0, 0.0, 2 * TESLA], np.pi / (2 * TESLA))
    >>> bool(np.allclose(T, [-1, 0, 0])), bool(np.allclose(r, [0, -1 / TESLA, 0]))
    (True, True)
    """
    size = np.sqrt(B @ B)
    b, angle = B / size, lam * size * s
    along, across = (T @ b) * b, np.cross(T, b)
    radius = 1 / (lam * size)
    turned = T * np.cos(angle) + along * (1 - np.cos(angle)) + across * np.sin(angle)
    position = r + radius * (np.sin(angle) * (T - along) + (1 - np.cos(angle)) * across) + s * along
    return position, turned


PERIGEES = {"d0": (-5, 5), "phi0": (-3, 3), "kappa": (0.1, 2), "dz": (-100, 100), "tan_lambda": (-2, 2)}


@sh.kernel(parameters=("alpha",), domain=sh.box(**PERIGEES, psi=(0.01, 1), alpha=(1000, 4000)))
def helix_in_solenoid(d0, phi0, kappa, dz, tan_lambda, psi, alpha) -> tuple[sh.Vector[3], sh.Vector[3]]:
    """Position and momentum on a helix about the z axis at the turning angle ψ from its closest point.

    Shapes: seven scalars -> (3,), (3,). Units: mm, rad, 1/GeV, mm, 1, rad, mm GeV -> mm, GeV. α is 1/B, with B in
    GeV/(e mm). Domain: κ != 0. Source: e.g. Belle II tracking, arXiv:2003.12466, with B along z.

    >>> r, p = helix_in_solenoid(0.0, 0.0, 1.0, 0.0, 0.5, np.pi, 1000.0)
    >>> bool(np.allclose(r, [2000, 0, -500 * np.pi])), bool(np.allclose(p, [0, -1, 0.5]))
    (True, True)
    """
    rho, pt = alpha / kappa, 1 / abs(kappa)
    x = d0 * np.cos(phi0) + rho * (np.cos(phi0) - np.cos(phi0 + psi))
    y = d0 * np.sin(phi0) + rho * (np.sin(phi0) - np.sin(phi0 + psi))
    p = [-pt * np.sin(phi0 + psi), pt * np.cos(phi0 + psi), pt * tan_lambda]
    return sh.array([x, y, dz - rho * tan_lambda * psi]), sh.array(p)


# -- steps through a field -------------------------------------------------------------------------------------------


class Column(NamedTuple):
    """Derivatives of position and direction by one number."""

    P: sh.Vector[3]
    S: sh.Vector[3]


class Step(NamedTuple):
    """What a step gives: the state, derivatives by two directions and by ln λ, and an estimate of the error in mm."""

    r: sh.Vector[3]
    T: sh.Vector[3]
    first: Column
    second: Column
    third: Column
    error: sh.Scalar


def _stages(T, b1, b2, b3):
    """Directions at the four stages, from half the step's turning vectors."""
    a = np.cross(T, b1)
    d2 = T + a
    ds = T + d2
    d3 = T + np.cross(d2, b2)
    d4 = T + np.cross(d3, b2)
    de = d4 + d4 - T
    return a, d2, ds, d3, d4, de, np.cross(de, b3)


def _column(seed, b1, b2, b3, third, extra=(0, 0, 0, 0)):
    """A column of the step's Jacobian: by the derivative of its starting point; `extra` where the field changes too."""
    P, S = seed
    ta = np.cross(S, b1) + extra[0]
    t2 = ta + S
    t3 = S + np.cross(t2, b2) + extra[1]
    t4 = S + np.cross(t3, b2) + extra[2]
    te = t4 + t4 - S
    tk = np.cross(te, b3) + extra[3]
    return Column(P + third * (t2 + t3 + t4), (ta + t3 + t3 + te + tk) / 3)


@sh.kernel(domain=sh.box(**INSIDE_A_DETECTOR, **FIELDS, **COLUMNS))
def rkn_step(
    r: sh.Vector[3],
    T: sh.Vector[3],
    lam,
    h,
    B1: sh.Vector[3],
    B2: sh.Vector[3],
    B3: sh.Vector[3],
    first: Column,
    second: Column,
    third: Column,
) -> Step:
    """One Runge–Kutta–Nyström step, with three columns of the Jacobian: two by directions, one by ln λ.

    Shapes: (3,) for vectors, scalars λ and h; columns are pairs of (3,). Units: mm, 1, e/GeV, mm, GeV/(e mm). B1 is the
    field at r, B2 at r + hT/2 + h²k/8, B3 at r + hT + h²k'/2, k and k' the curvatures λT×B of the stages before.
    Domain: λ != 0. T is normalised; gradients of the field, and this, are not differentiated.
    Source: J. Myrheim, L. Bugge, NIM 160 (1979) 43; E. Lund et al., JINST 4 (2009) P04001.

    >>> zero = Column(np.zeros(3), np.zeros(3))
    >>> B = np.array([0.0, 0.0, 2 * TESLA])
    >>> found = rkn_step(np.zeros(3), np.array([1.0, 0, 0]), 1.0, 10.0, B, B, B, zero, zero, zero)
    >>> position, direction = helix(np.zeros(3), np.array([1.0, 0, 0]), 1.0, B, 10.0)
    >>> bool(np.allclose(found.r, position, atol=1e-9)), bool(np.allclose(found.T, direction, atol=1e-9))
    (True, True)
    """
    half, of_h = lam * (h / 2), h / 3
    b1, b2, b3 = (sh.keep(half * B) for B in (B1, B2, B3))
    a, d2, ds, d3, d4, de, k = _stages(T, b1, b2, b3)
    direction = a + d3 + d3 + de + k
    across = ds + k - d3 - d4
    columns = [_column(seed, b1, b2, b3, of_h) for seed in (first, second)]
    columns.append(_column(third, b1, b2, b3, of_h, (a, d3 - T, d4 - T, k)))
    length = np.sqrt(direction @ direction)
    error = 2 * h * (abs(across[0]) + abs(across[1]) + abs(across[2]))
    return Step(r + of_h * (d2 + d3 + d4), direction / length, *columns, error)


@sh.kernel
def transport(J: sh.Matrix[6, 6], C: sh.Symmetric[6]) -> sh.Symmetric[6]:
    """The covariance after a step with Jacobian J: J C Jᵀ, of which the upper triangle is computed.

    Shapes: (6, 6), (6, 6) -> (6, 6).

    >>> bool(np.allclose(transport(2 * np.eye(6), np.eye(6)), 4 * np.eye(6)))
    True
    """
    return (J @ C) @ J.T


# -- Kalman filters --------------------------------------------------------------------------------------------------


def predict(x, C, F, Q):
    """The state and its covariance one step on: F x, F C Fᵀ + Q.

    Shapes: (n,), (n, n), (n, n), (n, n) -> (n,), (n, n). Source: R. Frühwirth, NIM A262 (1987) 444, eq. 4.

    >>> x, C = predict(np.array([1.0, 2.0]), np.eye(2), np.array([[1.0, 1.0], [0.0, 1.0]]), np.eye(2))
    >>> x.tolist(), C.tolist()
    ([3.0, 2.0], [[3.0, 1.0], [1.0, 2.0]])
    """
    return F @ x, F @ C @ F.T + Q


def update(x, C, m, V, H):
    """The state after a measurement m = H x, with the gain K = C Hᵀ S⁻¹: x + K r, C - K H C, χ² = rᵀ S⁻¹ r.

    Shapes: (n,), (n, n), (k,), (k, k), (k, n) -> (n,), (n, n), scalar. Domain: S = H C Hᵀ + V positive definite.
    Source: R. Frühwirth, NIM A262 (1987) 444, eq. 8.

    >>> x, C, chi2 = update(np.zeros(2), np.eye(2), np.array([2.0]), np.eye(1), np.array([[1.0, 0.0]]))
    >>> x.tolist(), C.tolist(), float(chi2)
    ([1.0, 0.0], [[0.5, 0.0], [0.0, 1.0]], 2.0)
    """
    r, HC = m - H @ x, H @ C
    inverse = np.linalg.inv(HC @ H.T + V)
    K = HC.T @ inverse
    return x + K @ r, C - K @ HC, r @ inverse @ r


def update_joseph(x, C, m, V, H):
    """The same in Joseph's form, (1 - KH) C (1 - KH)ᵀ + K V Kᵀ: positive definite also where rounding is coarse.

    Shapes, domain and source as for `update`.

    >>> x, C, chi2 = update_joseph(np.zeros(2), np.eye(2), np.array([2.0]), np.eye(1), np.array([[1.0, 0.0]]))
    >>> x.tolist(), C.tolist(), float(chi2)
    ([1.0, 0.0], [[0.5, 0.0], [0.0, 1.0]], 2.0)
    """
    r, HC = m - H @ x, H @ C
    inverse = np.linalg.inv(HC @ H.T + V)
    K = HC.T @ inverse
    A = np.eye(len(H[0])) - K @ H
    return x + K @ r, A @ C @ A.T + K @ V @ K.T, r @ inverse @ r


def update_sequential(x, C, m, V, H):
    """The same one measured component after another, without an inverse; V is the diagonal of its covariance.

    Shapes: (n,), (n, n), (k,), (k,), (k, n) -> (n,), (n, n), scalar. Source: as for `update`; the components are
    independent.

    >>> x, C, chi2 = update_sequential(np.zeros(2), np.eye(2), np.array([2.0]), np.ones(1), np.array([[1.0, 0.0]]))
    >>> x.tolist(), C.tolist(), float(chi2)
    ([1.0, 0.0], [[0.5, 0.0], [0.0, 1.0]], 2.0)
    """
    chi2 = 0
    for row, value, variance in zip(H, m, V):
        c = C @ row
        s, residual = row @ c + variance, value - row @ x
        x, C, chi2 = x + c * (residual / s), C - np.outer(c, c) / s, chi2 + residual**2 / s
    return x, C, chi2


def smooth(x, C, x_next, C_next, x_smooth, C_smooth, F):
    """A step back of the smoother: G = C Fᵀ C_next⁻¹, x + G (x_smooth - x_next), C + G (C_smooth - C_next) Gᵀ.

    x, C are filtered here, x_next, C_next predicted at the next place, x_smooth, C_smooth smoothed there.

    Shapes: (n,), (n, n) thrice, then (n, n) -> (n,), (n, n). Source: H. E. Rauch, F. Tung, C. T. Striebel, AIAA J. 3
    (1965) 1445.

    >>> one = np.eye(1)
    >>> x, C = smooth(np.zeros(1), one, np.zeros(1), 2 * one, np.ones(1), one, one)
    >>> x.tolist(), C.tolist()
    ([0.5], [[0.75]])
    """
    G = C @ F.T @ np.linalg.inv(C_next)
    return x + G @ (x_smooth - x_next), C + G @ (C_smooth - C_next) @ G.T


def selecting(n, measured):
    """The matrix H of a measurement of some components of the state.

    >>> selecting(3, (0, 2)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return np.eye(n)[list(measured)]


def update_of(n, measured, form=update, **options):
    """The kernel of `update`, or of another form of it, for n parameters of which some are measured.

    Its arguments are x (n,), C (n, n), m (k,), V (k, k), or (k,) for `update_sequential`; C may be packed.

    >>> update_of(6, (0, 1)).count().total <= 156
    True
    """
    H, k = selecting(n, measured), len(measured)

    def kalman_update(x, C, m, V):
        return form(x, C, m, V, H)

    uncertainty = sh.Vector[k] if form is update_sequential else sh.Symmetric[k]
    kalman_update.__annotations__ = {"x": sh.Vector[n], "C": sh.Symmetric[n], "m": sh.Vector[k], "V": uncertainty}
    kalman_update.__annotations__["return"] = tuple[sh.Vector[n], sh.Symmetric[n], sh.Scalar]
    return sh.kernel(kalman_update, **options)


kalman_update = update_of(5, (0, 1))
