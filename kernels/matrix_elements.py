"""Tree amplitudes from wavefunctions, vertices and propagators, in the manner of HELAS (KEK-91-11), all masses zero.

Chiral basis: gamma0 = [[0, 1], [1, 0]], gamma^i = [[0, sigma_i], [-sigma_i, 0]], so components 0, 1 are left-handed and
2, 3 right-handed. Helicities are +1 or -1 (twice the helicity for fermions). A wavefunction carries its momentum along
the fermion arrow. Components which vanish by chirality are the integer 0, so that a compiler can see them.

Phases are a convention: compare |amplitude|^2 per helicity, never the amplitude itself.
"""

from typing import NamedTuple

import numpy as np

import symhep as sh

ALPHA = 1 / 132.507
QUARK_CHARGE = 2 / 3
COUPLING = QUARK_CHARGE * (4 * 3.141592653589793 * ALPHA) ** 0.5
SQRT_HALF = 0.5**0.5

PHOTON_HELICITIES = [(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1) if not a == b == c]
HELICITIES = [(quark, -quark, *photons) for quark in (-1, 1) for photons in PHOTON_HELICITIES]


class Fermion(NamedTuple):
    """A fermion line's wavefunction: four complex components and the momentum along the arrow, (4,) and (4,)."""

    psi: tuple
    q: tuple


class Photon(NamedTuple):
    """An outgoing photon's wavefunction: the conjugate polarisation vector and the momentum, (4,) and (4,)."""

    v: tuple
    k: tuple


def dot(a, b):
    """Minkowski product a.b of two four-vectors.

    Shapes: (4,), (4,) -> scalar. Units: product of the inputs'. Domain: all.

    >>> dot((5.0, 3.0, 0.0, 4.0), (6.0, 3.0, 0.0, 4.0))
    5.0
    """
    return a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3]


def incoming_quark(p, helicity):
    """Spinor u(p) of an incoming massless fermion (HELAS ixxxxx).

    Shapes: (4,) -> Fermion. Units: GeV -> GeV^(1/2). Domain: p along -z divides by zero (phase convention).
    Source: KEK-91-11, wavefunctions.

    >>> incoming_quark((8.0, 0.0, 0.0, 8.0), 1).psi[:2]
    (0, 0)
    """
    energy, px, py, pz = p
    s = np.sqrt(energy + pz)
    if helicity > 0:
        return Fermion((0, 0, s, (px + 1j * py) / s), p)
    return Fermion(((-px + 1j * py) / s, s, 0, 0), p)


def incoming_antiquark(p, helicity):
    """Conjugate spinor vbar(p) of an incoming massless antifermion (HELAS oxxxxx with nsf = -1).

    The phase is chosen regular at -z, the usual direction of the second beam; it differs from `incoming_quark`'s by
    (px +- i py)/pT. The momentum along the arrow is -p.

    Shapes: (4,) -> Fermion. Units: GeV -> GeV^(1/2). Domain: p along +z divides by zero (phase convention).
    Source: KEK-91-11, wavefunctions.

    >>> incoming_antiquark((8.0, 0.0, 0.0, -8.0), 1).psi[:2]
    (0, 0)
    """
    energy, px, py, pz = p
    s = np.sqrt(energy - pz)
    q = (-energy, -px, -py, -pz)
    if helicity > 0:
        return Fermion((0, 0, s, (-px + 1j * py) / s), q)
    return Fermion(((-px - 1j * py) / s, -s, 0, 0), q)


def outgoing_photon(k, helicity):
    """Conjugate polarisation vector of an outgoing photon (HELAS vxxxxx with nsv = +1).

    Shapes: (4,) -> Photon. Units: GeV -> 1. Domain: k along +-z divides by zero (pT = 0).
    Source: KEK-91-11, wavefunctions.

    >>> photon = outgoing_photon((5.0, 3.0, 0.0, 4.0), 1)
    >>> bool(abs(dot(photon.v, photon.k)) < 1e-15)
    True
    """
    energy, px, py, pz = k
    pt = np.sqrt(px * px + py * py)
    long = helicity * SQRT_HALF * pz / (energy * pt)
    side = SQRT_HALF / pt
    v1 = -px * long - 1j * (py * side)
    v2 = -py * long + 1j * (px * side)
    v3 = helicity * SQRT_HALF * pt / energy
    return Photon((0, v1, v2, v3), k)


def left_to_right(v, a, b):
    """(v0 + sigma.v)(a, b): the block of v-slash which takes the left-handed components to the right-handed ones.

    Shapes: (4,), scalar, scalar -> two scalars. Units: product of the inputs'. Domain: all.
    Source: chiral representation, e.g. Peskin and Schroeder, section 3.2.

    >>> left_to_right((1, 0, 0, 1), 3, 5) == (6, 0)
    True
    """
    v0, v1, v2, v3 = v
    return (v0 + v3) * a + (v1 - 1j * v2) * b, (v1 + 1j * v2) * a + (v0 - v3) * b


def right_to_left(v, a, b):
    """(v0 - sigma.v)(a, b): the block of v-slash which takes the right-handed components to the left-handed ones.

    Shapes: (4,), scalar, scalar -> two scalars. Units: product of the inputs'. Domain: all.
    Source: chiral representation, e.g. Peskin and Schroeder, section 3.2.

    >>> right_to_left((1, 0, 0, 1), 3, 5) == (0, 10)
    True
    """
    v0, v1, v2, v3 = v
    return (v0 - v3) * a - (v1 - 1j * v2) * b, (v0 + v3) * b - (v1 + 1j * v2) * a


def slash(v, psi, left=1, right=1):
    """v-slash (left P_L + right P_R) psi for a column spinor.

    Shapes: (4,), (4,), scalar, scalar -> tuple of 4. Units: product of the inputs'. Domain: all.

    >>> slash((1, 0, 0, 0), (1, 2, 3, 4))[:2] == (3, 4)
    True
    """
    to_left = right_to_left(v, right * psi[2], right * psi[3])
    to_right = left_to_right(v, left * psi[0], left * psi[1])
    return (*to_left, *to_right)


def slash_bar(v, psibar, left=1, right=1):
    """psibar v-slash (left P_L + right P_R) for a row spinor.

    Shapes: (4,), (4,), scalar, scalar -> tuple of 4. Units: product of the inputs'. Domain: all.

    >>> slash_bar((1, 0, 0, 0), (1, 2, 3, 4))[:2] == (3, 4)
    True
    """
    v0, v1, v2, v3 = v
    b0, b1, b2, b3 = right * psibar[0], right * psibar[1], left * psibar[2], left * psibar[3]
    plus, minus = v1 + 1j * v2, v1 - 1j * v2
    return (
        b2 * (v0 + v3) + b3 * plus,
        b2 * minus + b3 * (v0 - v3),
        b0 * (v0 - v3) - b1 * plus,
        b1 * (v0 + v3) - b0 * minus,
    )


def fvi(fermion, photon, left=COUPLING, right=COUPLING):
    """Flowing-in fermion after emitting a photon: -q-slash v-slash (g_L P_L + g_R P_R) psi / q^2 (HELAS fvixxx, m = 0).

    Shapes: Fermion, Photon, two couplings -> Fermion. Domain: q^2 = (q_psi - k)^2 = 0 (soft or collinear photon).
    Source: KEK-91-11, vertices; overall i of the vertex stripped.

    >>> u, eps = incoming_quark((5.0, 0.0, 0.0, 5.0), -1), outgoing_photon((2.0, 2.0, 0.0, 0.0), 1)
    >>> fvi(u, eps).q
    (3.0, -2.0, 0.0, 5.0)
    """
    q = tuple(a - b for a, b in zip(fermion.q, photon.k))
    propagator = -1 / dot(q, q)
    psi = slash(q, slash(photon.v, fermion.psi, left, right))
    return Fermion(tuple(propagator * c for c in psi), q)


def fvo(fermion, photon, left=COUPLING, right=COUPLING):
    """Flowing-out fermion before a photon: -psibar v-slash (g_L P_L + g_R P_R) q-slash / q^2 (HELAS fvoxxx, m = 0).

    Shapes: Fermion, Photon, two couplings -> Fermion. Domain: q^2 = (q_psibar + k)^2 = 0 (soft or collinear photon).
    Source: KEK-91-11, vertices; overall i of the vertex stripped.

    >>> v, eps = incoming_antiquark((5.0, 0.0, 0.0, -5.0), 1), outgoing_photon((2.0, 2.0, 0.0, 0.0), 1)
    >>> fvo(v, eps).q
    (-3.0, 2.0, 0.0, 5.0)
    """
    q = tuple(a + b for a, b in zip(fermion.q, photon.k))
    propagator = -1 / dot(q, q)
    psi = slash_bar(q, slash_bar(photon.v, fermion.psi, left, right))
    return Fermion(tuple(propagator * c for c in psi), q)


def iov(fermion_in, fermion_out, photon, left=COUPLING, right=COUPLING):
    """Amplitude of the vertex: psibar v-slash (g_L P_L + g_R P_R) psi (HELAS iovxxx).

    Shapes: Fermion, Fermion, Photon, two couplings -> complex. Domain: all.
    Source: KEK-91-11, vertices; overall i of the vertex stripped.

    >>> u, v = incoming_quark((5.0, 0.0, 0.0, 5.0), -1), incoming_antiquark((5.0, 0.0, 0.0, -5.0), 1)
    >>> bool(abs(iov(u, v, Photon((0.0, 1.0, 0.0, 0.0), (10.0, 0.0, 0.0, 0.0)), 1, 1) - 10) < 1e-12)
    True
    """
    i0, i1, i2, i3 = fermion_in.psi
    o0, o1, o2, o3 = fermion_out.psi
    v0, v1, v2, v3 = photon.v
    amplitude_left = (
        (o2 * i0 + o3 * i1) * v0 + (o2 * i1 + o3 * i0) * v1 - 1j * (o2 * i1 - o3 * i0) * v2 + (o2 * i0 - o3 * i1) * v3
    )
    amplitude_right = (
        (o0 * i2 + o1 * i3) * v0 - (o0 * i3 + o1 * i2) * v1 + 1j * (o0 * i3 - o1 * i2) * v2 - (o0 * i2 - o1 * i3) * v3
    )
    return left * amplitude_left + right * amplitude_right


def three_photon_amplitude(quark, antiquark, photons):
    """Amplitude of q qbar -> 3 photons from wavefunctions: 3 fvi, 3 fvo and 6 iov.

    Shapes: Fermion, Fermion, three Photons -> complex. Units: GeV^-1. Domain: as `fvi`.
    Source: KEK-91-11; the process as in arXiv:0908.4403.

    >>> bool(amplitude_squared(EXAMPLE_EVENT, (-1, 1, 1, 1, 1)) < 1e-30)  # photons all equal: no amplitude
    True
    """
    inner = [fvi(quark, photon) for photon in photons]
    outer = [fvo(antiquark, photon) for photon in photons]
    return sum(
        iov(inner[first], outer[last], photons[3 - first - last])
        for first in range(3)
        for last in range(3)
        if first != last
    )


def amplitude_squared(momenta, helicities):
    """|amplitude|^2 of q qbar -> 3 photons for one helicity configuration.

    Shapes: five (4,) momenta (quark, antiquark, three photons), five helicities -> scalar. Units: GeV^-2.
    Domain: quark not along -z, antiquark not along +z, no photon along +-z, none soft or collinear to a beam.
    Source: KEK-91-11; checked against Kleiss and Stirling, Nucl. Phys. B262 (1985) 235.

    >>> a, b = amplitude_squared(EXAMPLE_EVENT, AMP1), amplitude_squared_closed_form(EXAMPLE_EVENT, AMP1)
    >>> bool(abs(a / b - 1) < 1e-12)
    True
    """
    quark = incoming_quark(momenta[0], helicities[0])
    antiquark = incoming_antiquark(momenta[1], helicities[1])
    photons = [outgoing_photon(k, helicity) for k, helicity in zip(momenta[2:], helicities[2:])]
    amplitude = three_photon_amplitude(quark, antiquark, photons)
    return amplitude.real * amplitude.real + amplitude.imag * amplitude.imag


def summed_over_helicities(momenta):
    """Sum of |amplitude|^2 of q qbar -> 3 photons over the 12 non-vanishing helicities, no averaging.

    The average over initial spins and colours multiplies by 1/12, identical photons by 1/3! in a cross section.

    Shapes: five (4,) momenta -> scalar. Units: GeV^-2. Domain: as `amplitude_squared`. Source: as there.

    >>> bool(abs(summed_over_helicities(EXAMPLE_EVENT) / summed_closed_form(EXAMPLE_EVENT) - 1) < 1e-12)
    True
    """
    return sum(amplitude_squared(momenta, helicities) for helicities in HELICITIES)


def invariants(momenta):
    """s = 2 p1.p2 and, per photon k, t_k = 2 p1.k and u_k = 2 p2.k.

    Shapes: five (4,) momenta -> scalar, list of 3, list of 3. Units: GeV^2. Domain: all.
    Source: Kleiss and Stirling, Nucl. Phys. B262 (1985) 235.

    >>> s, t, u = invariants(EXAMPLE_EVENT)
    >>> bool(abs(sum(t) - s) < 1e-12 * s and abs(sum(u) - s) < 1e-12 * s)
    True
    """
    p1, p2, *photons = momenta
    return 2 * dot(p1, p2), [2 * dot(p1, k) for k in photons], [2 * dot(p2, k) for k in photons]


def amplitude_squared_closed_form(momenta, helicities):
    """|amplitude|^2 of q qbar -> 3 photons for one helicity configuration: maximally helicity violating closed form.

    With I the photon whose helicity differs from the others': 8 g^6 s t_I^3 u_I / prod(t u) if it also differs from the
    quark's, t <-> u if it equals the quark's, zero if there is no such photon or the quark line conserves no chirality.

    Shapes: five (4,) momenta, five helicities -> scalar. Units: GeV^-2. Domain: t_k, u_k != 0.
    Source: Kleiss and Stirling, Nucl. Phys. B262 (1985) 235; Mangano and Parke, Phys. Rept. 200 (1991) 301.

    >>> amplitude_squared_closed_form(EXAMPLE_EVENT, (-1, 1, 1, 1, 1))
    0.0
    """
    s, t, u = invariants(momenta)
    quark, antiquark, *photons = helicities
    total = sum(photons)
    if quark == antiquark or abs(total) == 3:
        return 0.0 * s
    odd = photons.index(-total)
    t_odd, u_odd = (t[odd], u[odd]) if photons[odd] != quark else (u[odd], t[odd])
    return 8 * COUPLING**6 * s * t_odd * t_odd * t_odd * u_odd / (t[0] * t[1] * t[2] * u[0] * u[1] * u[2])


def summed_closed_form(momenta):
    """Sum of |amplitude|^2 of q qbar -> 3 photons over all helicities, closed form, no averaging.

    16 g^6 s sum_I t_I u_I (t_I^2 + u_I^2) / prod(t u).

    Shapes: five (4,) momenta -> scalar. Units: GeV^-2. Domain: t_k, u_k != 0.
    Source: Kleiss and Stirling, Nucl. Phys. B262 (1985) 235; Mangano and Parke, Phys. Rept. 200 (1991) 301.

    >>> bool(summed_closed_form(EXAMPLE_EVENT) > 0)
    True
    """
    s, t, u = invariants(momenta)
    tu = [a * b for a, b in zip(t, u)]
    numerator = sum(product * (a * a + b * b) for product, a, b in zip(tu, t, u))
    return 16 * COUPLING**6 * s * numerator / (tu[0] * tu[1] * tu[2])


def momenta_from_columns(columns):
    """Twenty numbers E, px, py, pz of p1 to p5 as five four-vectors.

    Shapes: 20 scalars -> five tuples of 4. Units: any. Domain: all.

    >>> momenta_from_columns(range(20))[1]
    (4, 5, 6, 7)
    """
    return [tuple(columns[i : i + 4]) for i in range(0, 20, 4)]


AMP1 = (-1, 1, -1, 1, 1)
EXAMPLE_EVENT = (
    (80.0, 0.0, 0.0, 80.0),
    (80.0, 0.0, 0.0, -80.0),
    (60.0, 36.0, 0.0, 48.0),
    (50.0, -18.0, 40.0, -24.0),
    (50.0, -18.0, -40.0, -24.0),
)


@sh.kernel
def amp1(p1E, p1x, p1y, p1z, p2E, p2x, p2y, p2z, p3E, p3x, p3y, p3z, p4E, p4x, p4y, p4z, p5E, p5x, p5y, p5z):
    """|amplitude|^2 of u ubar -> 3 photons for helicities (-, +; -, +, +), from 20 momentum components in GeV."""
    p1, p2 = (p1E, p1x, p1y, p1z), (p2E, p2x, p2y, p2z)
    p3, p4, p5 = (p3E, p3x, p3y, p3z), (p4E, p4x, p4y, p4z), (p5E, p5x, p5y, p5z)
    return amplitude_squared((p1, p2, p3, p4, p5), AMP1)


@sh.kernel
def msq(p1E, p1x, p1y, p1z, p2E, p2x, p2y, p2z, p3E, p3x, p3y, p3z, p4E, p4x, p4y, p4z, p5E, p5x, p5y, p5z):
    """Sum over helicities of |amplitude|^2 of u ubar -> 3 photons, from 20 momentum components in GeV."""
    p1, p2 = (p1E, p1x, p1y, p1z), (p2E, p2x, p2y, p2z)
    p3, p4, p5 = (p3E, p3x, p3y, p3z), (p4E, p4x, p4y, p4z), (p5E, p5x, p5y, p5z)
    return summed_over_helicities((p1, p2, p3, p4, p5))


@sh.kernel
def msq_closed_form(p1E, p1x, p1y, p1z, p2E, p2x, p2y, p2z, p3E, p3x, p3y, p3z, p4E, p4x, p4y, p4z, p5E, p5x, p5y, p5z):
    """The same sum in closed form, from 20 momentum components in GeV."""
    p1, p2 = (p1E, p1x, p1y, p1z), (p2E, p2x, p2y, p2z)
    p3, p4, p5 = (p3E, p3x, p3y, p3z), (p4E, p4x, p4y, p4z), (p5E, p5x, p5y, p5z)
    return summed_closed_form((p1, p2, p3, p4, p5))


@sh.kernel
def amp1_vectors(p1: sh.Vector[4], p2: sh.Vector[4], p3: sh.Vector[4], p4: sh.Vector[4], p5: sh.Vector[4]):
    """`amp1` from five four-vectors (E, px, py, pz) in GeV."""
    return amplitude_squared((p1, p2, p3, p4, p5), AMP1)


@sh.kernel
def msq_vectors(p1: sh.Vector[4], p2: sh.Vector[4], p3: sh.Vector[4], p4: sh.Vector[4], p5: sh.Vector[4]):
    """`msq` from five four-vectors (E, px, py, pz) in GeV."""
    return summed_over_helicities((p1, p2, p3, p4, p5))
