"""Phase space: flat volumes, two-body kinematics and RAMBO, with dPhi_n = prod d3p/((2 pi)^3 2E) (2 pi)^4 delta4.

Momenta are four-vectors (E, px, py, pz) in GeV.
"""

from math import factorial, pi

import numpy as np

import symhep as sh
from kernels.kinematics import kallen


def flat_volume(n, s):
    """Volume of the n-body massless phase space at squared energy s.

    V_n(s) = (2 pi)^(4 - 3n) (pi/2)^(n-1) s^(n-2) / ((n-1)! (n-2)!).

    Shapes: n a Python integer >= 2, s scalar -> scalar. Units: GeV^2 -> GeV^(2n-4). Domain: s > 0.
    Source: Kleiss, Stirling, Ellis, Comput. Phys. Commun. 40 (1986) 359.

    >>> bool(abs(flat_volume(2, 7.0) * 8 * pi - 1) < 1e-14)
    True
    """
    constant = (2 * pi) ** (4 - 3 * n) * (pi / 2) ** (n - 1) / (factorial(n - 1) * factorial(n - 2))
    return constant * s ** (n - 2)


def two_body_momentum(s, m1, m2):
    """Momentum of either particle in the rest frame of a pair with squared mass s.

    Shapes: three scalars -> scalar. Units: GeV^2, GeV, GeV -> GeV. Domain: s >= (m1 + m2)^2, else nan.
    Source: Particle Data Group, review of kinematics, two-body decays.

    >>> float(two_body_momentum(100.0, 0.0, 0.0))
    5.0
    """
    return np.sqrt(kallen(s, m1, m2)) / (2 * np.sqrt(s))


def two_body_volume(s, m1, m2):
    """Volume of the two-body phase space, sqrt(lambda(s, m1^2, m2^2)) / (8 pi s).

    Shapes: three scalars -> scalar. Units: GeV^2, GeV, GeV -> 1. Domain: s >= (m1 + m2)^2, else nan.
    Source: Particle Data Group, review of kinematics, two-body phase space.

    >>> bool(abs(two_body_volume(100.0, 0.0, 0.0) - flat_volume(2, 100.0)) < 1e-15)
    True
    """
    return np.sqrt(kallen(s, m1, m2)) / (8 * pi * s)


def isotropic_massless(r1, r2, r3, r4):
    """A massless momentum with isotropic direction and energy density E exp(-E), from four uniforms.

    Shapes: four scalars in (0, 1) -> (4,) tuple. Units: 1. Domain: r3 r4 = 0 gives an infinite energy.
    Source: Kleiss, Stirling, Ellis, Comput. Phys. Commun. 40 (1986) 359.

    >>> energy, px, py, pz = isotropic_massless(0.5, 0.0, 0.5, 0.5)
    >>> bool(abs(energy - px) < 1e-15 and py == 0.0 and pz == 0.0)
    True
    """
    cos_theta = 2 * r1 - 1
    sin_theta = 2 * np.sqrt(r1 * (1 - r1))
    phi = 2 * pi * r2
    energy = -np.log(r3 * r4)
    return energy, energy * sin_theta * np.cos(phi), energy * sin_theta * np.sin(phi), energy * cos_theta


def rambo(uniforms, sqrt_s):
    """Massless momenta with total (sqrt_s, 0, 0, 0), uniform in phase space: RAMBO.

    Shapes: 4 n uniforms, scalar -> list of n four-momenta. The weight of every event is `flat_volume(n, sqrt_s**2)`.
    Units: GeV. Domain: uniforms in (0, 1); 0 gives infinities.
    Source: Kleiss, Stirling, Ellis, Comput. Phys. Commun. 40 (1986) 359.

    >>> p, q = rambo([0.3, 0.1, 0.4, 0.2, 0.6, 0.7, 0.5, 0.9], 91.0)
    >>> bool(abs(p[0] + q[0] - 91.0) < 1e-12 and abs(p[3] + q[3]) < 1e-12)
    True
    """
    momenta = [isotropic_massless(*uniforms[i : i + 4]) for i in range(0, len(uniforms), 4)]
    energy, px, py, pz = (sum(components) for components in zip(*momenta))
    mass = np.sqrt(energy * energy - px * px - py * py - pz * pz)
    bx, by, bz = -px / mass, -py / mass, -pz / mass
    gamma = energy / mass
    a = 1 / (1 + gamma)
    x = sqrt_s / mass
    result = []
    for e, kx, ky, kz in momenta:
        bk = bx * kx + by * ky + bz * kz
        shift = e + a * bk
        result.append((x * (gamma * e + bk), x * (kx + bx * shift), x * (ky + by * shift), x * (kz + bz * shift)))
    return result


def beams(sqrt_s):
    """Two massless beams along +z and -z with total energy sqrt_s.

    Shapes: scalar -> two four-momenta. Units: GeV. Domain: all.

    >>> beams(10.0)
    ((5.0, 0.0, 0.0, 5.0), (5.0, 0.0, 0.0, -5.0))
    """
    energy = sqrt_s / 2
    zero = 0 * energy
    return (energy, zero, zero, energy), (energy, zero, zero, -energy)


@sh.kernel
def rambo3(r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, sqrt_s):
    """Three massless momenta and the weight from 12 uniforms and sqrt_s in GeV; see `rambo`."""
    p1, p2, p3 = rambo((r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12), sqrt_s)
    return {"p1": p1, "p2": p2, "p3": p3, "weight": flat_volume(3, sqrt_s * sqrt_s)}


def random_rotation(rng):
    """A rotation matrix, uniform in SO(3), from a random unit quaternion.

    Shapes: numpy Generator -> (3, 3). Source: Shoemake, Graphics Gems III (1992) 124.

    >>> r = random_rotation(np.random.default_rng(1))
    >>> bool(np.allclose(r @ r.T, np.eye(3)) and np.linalg.det(r) > 0)
    True
    """
    w, x, y, z = (q := rng.normal(size=4)) / np.sqrt(q @ q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def random_events(n, sqrt_s=1000.0, seed=None, *, rotate=False, max_cos_theta=0.95, min_energy=0.02, dtype=np.float64):
    """n events u ubar -> 3 photons, flat in phase space within the cuts: 20 columns E, px, py, pz of p1 to p5.

    The beams p1, p2 lie along +z, -z; `rotate=True` turns all events by one random rotation after the cuts, so that no
    momentum lies along an axis. Cuts on the photons: |cos theta| < max_cos_theta to the beam, E > min_energy sqrt_s;
    the defaults keep float32 amplitudes meaningful.

    Shapes: -> (20, n), each column contiguous. Units: GeV. Errors: ValueError if no event can pass the cuts.

    >>> events = random_events(5, sqrt_s=100.0, seed=1)
    >>> events.shape, bool(np.allclose(events[0] + events[4], events[8::4].sum(axis=0)))
    ((20, 5), True)
    """
    if not (0 < max_cos_theta <= 1 and min_energy < 1 / 3):
        raise ValueError("no event passes: needs 0 < max_cos_theta <= 1 and min_energy < 1/3 (in units of sqrt_s)")
    rng = np.random.default_rng(seed)
    kept, missing = [], n
    while missing > 0:
        uniforms = 1 - rng.random((12, min(2 * missing + 100, 200_000)))
        photons = np.array(rambo(uniforms, sqrt_s))
        energies, pz = photons[:, 0], photons[:, 3]
        passed = np.all((np.abs(pz) < max_cos_theta * energies) & (energies > min_energy * sqrt_s), axis=0)
        kept.append(photons[:, :, passed][:, :, :missing])
        missing -= kept[-1].shape[2]
    momenta = np.empty((5, 4, n))
    momenta[:2] = np.array(beams(sqrt_s))[:, :, None]
    momenta[2:] = np.concatenate([*kept, np.empty((3, 4, 0))], axis=2)
    if rotate:
        momenta[:, 1:] = np.einsum("ij,pjn->pin", random_rotation(rng), momenta[:, 1:])
    return np.ascontiguousarray(momenta.reshape(20, n), dtype=dtype)
