"""Relativistic kinematics: coordinates, angles, invariant masses, boosts.

Four-vectors are (E, px, py, pz) in GeV; angles in radians; phi in (-pi, pi].
"""

import numpy as np

import symhep as sh


def four_momentum(pt, eta, phi, m):
    """Four-momentum from transverse momentum, pseudorapidity, azimuth and mass.

    Shapes: four scalars -> (4,) tuple. Units: GeV, 1, rad, GeV. Domain: pt >= 0; |eta| < 710 (overflow of sinh).
    Source: Particle Data Group, review of kinematics.

    >>> four_momentum(3.0, 0.0, 0.0, 4.0) == (5.0, 3.0, 0.0, 0.0)
    True
    """
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return np.sqrt(pt * pt + pz * pz + m * m), px, py, pz


def transverse_momentum(p):
    """pT = sqrt(px^2 + py^2).

    Shapes: (4,) -> scalar. Units: GeV. Domain: all; not differentiable at 0.

    >>> float(transverse_momentum((13.0, 3.0, 4.0, 12.0)))
    5.0
    """
    return np.sqrt(p[1] * p[1] + p[2] * p[2])


def azimuth(p):
    """phi = atan2(py, px) in (-pi, pi].

    Shapes: (4,) -> scalar. Units: GeV -> rad. Domain: undefined at pT = 0 (gives 0).

    >>> float(azimuth((1.0, 1.0, 0.0, 0.0)))
    0.0
    """
    return np.arctan2(p[2], p[1])


def pseudorapidity(p):
    """eta = asinh(pz / pT).

    Shapes: (4,) -> scalar. Units: GeV -> 1. Domain: infinite at pT = 0.
    Source: Particle Data Group, review of kinematics.

    >>> float(pseudorapidity((1.0, 1.0, 0.0, 0.0)))
    0.0
    """
    return np.arcsinh(p[3] / transverse_momentum(p))


def rapidity(p):
    """y = asinh(pz / mT) with mT^2 = E^2 - pz^2, equal to 1/2 ln((E + pz)/(E - pz)).

    Shapes: (4,) -> scalar. Units: GeV -> 1. Domain: infinite at E = |pz|.
    Source: Particle Data Group, review of kinematics.

    >>> bool(abs(rapidity((5.0, 0.0, 0.0, 3.0)) - 0.5 * np.log(4.0)) < 1e-15)
    True
    """
    return np.arcsinh(p[3] / np.sqrt((p[0] - p[3]) * (p[0] + p[3])))


def mass(p):
    """Invariant mass of one four-momentum, from (E - |p|)(E + |p|), which loses less than E^2 - |p|^2 when m << E.

    Shapes: (4,) -> scalar. Units: GeV. Domain: space-like momenta give nan.

    >>> float(mass((5.0, 0.0, 3.0, 0.0)))
    4.0
    """
    momentum = np.sqrt(p[1] * p[1] + p[2] * p[2] + p[3] * p[3])
    return np.sqrt((p[0] - momentum) * (p[0] + momentum))


def delta_phi(phi1, phi2):
    """Azimuthal difference phi1 - phi2 wrapped into [-pi, pi].

    Shapes: two scalars -> scalar. Units: rad. Domain: all; the derivative jumps at |delta phi| = pi.

    >>> bool(abs(delta_phi(3.0, -3.0) - (6.0 - 2 * np.pi)) < 1e-15)
    True
    """
    difference = phi1 - phi2
    return np.arctan2(np.sin(difference), np.cos(difference))


def delta_r(eta1, phi1, eta2, phi2):
    """Distance sqrt((eta1 - eta2)^2 + delta_phi^2); with rapidities for jets.

    Shapes: four scalars -> scalar. Units: 1, rad. Domain: all; not differentiable at 0.

    >>> float(delta_r(3.0, 1.0, 0.0, 1.0))
    3.0
    """
    d_eta, d_phi = eta1 - eta2, delta_phi(phi1, phi2)
    return np.sqrt(d_eta * d_eta + d_phi * d_phi)


def pair_mass(pt1, eta1, phi1, pt2, eta2, phi2):
    """Invariant mass of two massless particles: m^2 = 2 pT1 pT2 (cosh(d_eta) - cos(d_phi)), the textbook form.

    Shapes: six scalars -> scalar. Units: GeV, 1, rad -> GeV. Domain: all; cancels for close particles, where rounding
    can make the difference negative (nan): see `pair_mass_stable`.
    Source: Particle Data Group, review of kinematics.

    >>> float(pair_mass(45.0, 0.0, 0.0, 45.0, 0.0, np.pi))
    90.0
    """
    return np.sqrt(2 * pt1 * pt2 * (np.cosh(eta1 - eta2) - np.cos(phi1 - phi2)))


def pair_mass_stable(pt1, eta1, phi1, pt2, eta2, phi2):
    """Invariant mass of two massless particles without cancellation.

    m^2 = 4 pT1 pT2 (sinh^2(d_eta/2) + sin^2(d_phi/2)).

    Shapes: six scalars -> scalar. Units: GeV, 1, rad -> GeV. Domain: all.
    Source: `pair_mass` by the half-angle formulas.

    >>> float(pair_mass_stable(45.0, 0.0, 0.0, 45.0, 0.0, np.pi))
    90.0
    """
    sinh, sin = np.sinh((eta1 - eta2) / 2), np.sin((phi1 - phi2) / 2)
    return 2 * np.sqrt(pt1 * pt2 * (sinh * sinh + sin * sin))


def invariant_mass(momenta):
    """Invariant mass of the sum of n four-momenta.

    Shapes: n of (4,) -> scalar. Units: GeV. Domain: a space-like sum gives nan.

    >>> float(invariant_mass([(5.0, 0.0, 3.0, 4.0), (5.0, 0.0, -3.0, -4.0)]))
    10.0
    """
    energy, px, py, pz = (sum(components) for components in zip(*momenta))
    return np.sqrt(energy * energy - px * px - py * py - pz * pz)


def boost(p, v):
    """Four-momentum seen from a frame which moves with velocity v.

    E' = gamma (E - v.p), p' = p + [gamma^2/(1 + gamma) v.p - gamma E] v.

    Shapes: (4,), (3,) -> (4,) tuple. Units: GeV, c. Domain: |v| < 1, else nan or infinite; regular at v = 0.
    Source: Jackson, Classical Electrodynamics, eq. (11.19).

    >>> [float(x) for x in boost((5.0, 0.0, 0.0, 3.0), (0.0, 0.0, 0.6))]
    [4.0, 0.0, 0.0, 0.0]
    """
    energy, px, py, pz = p
    vx, vy, vz = v
    gamma = 1 / np.sqrt(1 - vx * vx - vy * vy - vz * vz)
    vp = vx * px + vy * py + vz * pz
    shift = gamma * gamma / (1 + gamma) * vp - gamma * energy
    return gamma * (energy - vp), px + shift * vx, py + shift * vy, pz + shift * vz


def mandelstam(p1, p2, p3):
    """s = (p1 + p2)^2, t = (p1 - p3)^2, u = (p2 - p3)^2 = (p1 - p4)^2 of 1 + 2 -> 3 + 4.

    Shapes: three of (4,) -> three scalars. Units: GeV^2. Domain: all; s + t + u is the sum of the squared masses.
    Source: Particle Data Group, review of kinematics.

    >>> mandelstam((5.0, 0.0, 0.0, 5.0), (5.0, 0.0, 0.0, -5.0), (5.0, 5.0, 0.0, 0.0))
    (100.0, -50.0, -50.0)
    """

    def square(a, b, sign):
        energy, px, py, pz = (x + sign * y for x, y in zip(a, b))
        return energy * energy - px * px - py * py - pz * pz

    return square(p1, p2, 1), square(p1, p3, -1), square(p2, p3, -1)


def kallen(s, m1, m2):
    """Kallen function lambda(s, m1^2, m2^2) in the product form, accurate near threshold.

    Shapes: three scalars -> scalar. Units: GeV^2, GeV, GeV -> GeV^4. Domain: negative between |m1 - m2| and m1 + m2.
    Source: Particle Data Group, review of kinematics.

    >>> kallen(25.0, 3.0, 1.0)
    189.0
    """
    total, difference = m1 + m2, m1 - m2
    return (s - total * total) * (s - difference * difference)


def transverse_mass(m_visible, px, py, m_invisible, qx, qy):
    """Transverse mass of a visible and an invisible particle.

    mT^2 = m^2 + chi^2 + 2 (E_v E_q - p.q) with transverse momenta p, q and E = sqrt(m^2 + pT^2).

    Shapes: six scalars -> scalar. Units: GeV. Domain: all; not differentiable at mT = 0.
    Source: Barr, Lester, Stephens, J. Phys. G 29 (2003) 2343 (hep-ph/0304226).

    >>> float(transverse_mass(0.0, 40.0, 0.0, 0.0, -40.0, 0.0))
    80.0
    """
    m2, chi2 = m_visible * m_visible, m_invisible * m_invisible
    e_visible = np.sqrt(m2 + px * px + py * py)
    e_invisible = np.sqrt(chi2 + qx * qx + qy * qy)
    return np.sqrt(m2 + chi2 + 2 * (e_visible * e_invisible - px * qx - py * qy))


def transverse_mass_massless(pt, phi, met, met_phi):
    """Transverse mass of a massless lepton and missing momentum.

    mT^2 = 2 pT met (1 - cos d_phi) = 4 pT met sin^2(d_phi/2), the second form without cancellation.

    Shapes: four scalars -> scalar. Units: GeV, rad, GeV, rad -> GeV. Domain: pt, met >= 0; not differentiable at 0.
    Source: UA1, Phys. Lett. B 122 (1983) 103.

    >>> float(transverse_mass_massless(40.0, np.pi, 40.0, 0.0))
    80.0
    """
    sin = np.sin((phi - met_phi) / 2)
    return 2 * np.sqrt(pt * met * sin * sin)


def neutrino_pz(lepton, met_x, met_y, m_w=80.377):
    """Both solutions for the neutrino's pz in W -> l nu with a massless lepton; the real part if they are complex.

    mu = m_W^2/2 + lT.nuT; pz = mu lz/lT^2 +- sqrt(mu^2 lz^2/lT^4 - (E^2 nuT^2 - mu^2)/lT^2).

    Shapes: (4,), three scalars -> two scalars. Units: GeV. Domain: lepton pT > 0.
    Source: solve (l + nu)^2 = m_W^2; e.g. CDF, Phys. Rev. D 50 (1994) 2966.

    >>> high, low = neutrino_pz((40.0, 40.0, 0.0, 0.0), -30.0, 0.0, m_w=80.0)
    >>> bool(abs(high + low) < 1e-12 and abs(high**2 + 30.0**2 - 50.0**2) < 1e-9)
    True
    """
    energy, lx, ly, lz = lepton
    lt2 = lx * lx + ly * ly
    mu = m_w * m_w / 2 + lx * met_x + ly * met_y
    centre = mu * lz / lt2
    radicand = centre * centre - (energy * energy * (met_x * met_x + met_y * met_y) - mu * mu) / lt2
    half_width = np.sqrt(np.maximum(radicand, 0))
    return centre + half_width, centre - half_width


@sh.kernel
def dimuon_mass(pt1, eta1, phi1, pt2, eta2, phi2):
    """`pair_mass` of two muons: GeV, 1, rad -> GeV."""
    return pair_mass(pt1, eta1, phi1, pt2, eta2, phi2)


@sh.kernel
def dimuon_mass_stable(pt1, eta1, phi1, pt2, eta2, phi2):
    """`pair_mass_stable` of two muons: GeV, 1, rad -> GeV."""
    return pair_mass_stable(pt1, eta1, phi1, pt2, eta2, phi2)


@sh.kernel
def cartesian(pt, eta, phi, m):
    """`four_momentum` as a kernel."""
    return four_momentum(pt, eta, phi, m)


@sh.kernel
def collider_coordinates(p: sh.Vector[4]):
    """pt, eta, phi and mass of a four-momentum in GeV."""
    return {"pt": transverse_momentum(p), "eta": pseudorapidity(p), "phi": azimuth(p), "m": mass(p)}


@sh.kernel
def boosted(p: sh.Vector[4], v: sh.Vector[3]):
    """`boost` as a kernel."""
    return boost(p, v)


@sh.kernel
def angular_distance(eta1, phi1, eta2, phi2):
    """`delta_r` as a kernel."""
    return delta_r(eta1, phi1, eta2, phi2)


@sh.kernel
def w_transverse_mass(pt, phi, met, met_phi):
    """`transverse_mass_massless` as a kernel."""
    return transverse_mass_massless(pt, phi, met, met_phi)
