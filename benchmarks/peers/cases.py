"""The formulas that packages are compared on: functions of one event in NumPy, with columns and parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.inputs import Columns, muons, photons
from kernels import kinematics, matrix_elements


@dataclass(frozen=True)
class Case:
    """A formula, its events and what it is differentiated by.

    columns     names of the columns
    parameters  names and values of what is the same for all events
    events      gives float64 columns: events(number, seed)
    total       whether the result is summed over the events, as for a likelihood
    """

    name: str
    title: str
    function: Callable
    columns: tuple[str, ...]
    events: Callable[[int, int], Columns]
    parameters: tuple[tuple[str, float], ...] = ()
    total: bool = False

    @property
    def names(self) -> list[str]:
        """All arguments, in order."""
        return [*self.columns, *(name for name, _ in self.parameters)]

    @property
    def by(self) -> list[int]:
        """The places of the arguments that it is differentiated by: the parameters, or all where there are none."""
        return list(range(len(self.columns) if self.parameters else 0, len(self.names)))

    @property
    def values(self) -> np.ndarray:
        """The values of the parameters."""
        return np.array([value for _, value in self.parameters])

    def numbers(self) -> list[float]:
        """The arguments of one event."""
        return [*(float(column[0]) for column in self.events(1, 1)), *self.values.tolist()]


ALPHA = 333.564095  # cm GeV / (c T), over a field of 1 T: radius of a track with a transverse momentum of 1 GeV


def helix(d0, phi0, kappa, dz, tanl, psi):
    """Position and momentum on a helix after turning by psi: cm, rad, 1/GeV, cm, 1, rad -> 3 cm, 3 GeV.

    Source: track parameters about the origin as in Belle and BES III. Domain: kappa > 0.
    """
    radius, pt = ALPHA / kappa, 1 / kappa
    turned = phi0 + psi
    x = d0 * np.cos(phi0) + radius * (np.cos(phi0) - np.cos(turned))
    y = d0 * np.sin(phi0) + radius * (np.sin(phi0) - np.sin(turned))
    return x, y, dz - radius * tanl * psi, -pt * np.sin(turned), pt * np.cos(turned), pt * tanl


def tracks(events: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    low, high = [-1, -3, 0.2, -10, -2, 0.1], [1, 3, 2, 10, 2, 1]
    return list(np.ascontiguousarray(rng.uniform(low, high, (events, 6)).T))


MOTHER, DAUGHTERS = 1.8648, (0.13957, 0.49368, 0.13498)  # D0 -> pi+ K- pi0, GeV


def breakup(s, a, b):
    """The squared momentum in the decay of mass² s into masses a and b (PDG, kinematics, eq. 49.17)."""
    return (s - (a + b) ** 2) * (s - (a - b) ** 2) / (4 * s)


def resonance(s, t, mass, width, a, b, third):
    """A P-wave Breit-Wigner amplitude with mass-dependent width, Blatt-Weisskopf factors and Zemach angular term.

    Source: PDG, resonances, eqs. 50.26-50.28; CLEO, Phys. Rev. D 63 (2001) 092001.
    """
    q2, at_mass = breakup(s, a, b), breakup(mass**2, a, b)
    barrier = (1 + 2.25 * at_mass) / (1 + 2.25 * q2)
    ratio = q2 / at_mass
    running = width * ratio * np.sqrt(ratio) * mass / np.sqrt(s) * barrier
    other = MOTHER**2 + a**2 + b**2 + third**2 - s - t
    angular = other - t + (MOTHER**2 - third**2) * (a**2 - b**2) / s
    return np.sqrt(barrier) * angular / (mass**2 - s - 1j * mass * running)


def minus_log_intensity(s12, s13, c1, phi1, m1, w1, c2, phi2, m2, w2, c3, phi3, m3, w3):
    """-log |Σ c exp(iφ) A|² of three resonances, one per pair of daughters, at a point of the Dalitz plot."""
    d1, d2, d3 = DAUGHTERS
    s23 = MOTHER**2 + d1**2 + d2**2 + d3**2 - s12 - s13
    amplitude = (
        c1 * (np.cos(phi1) + 1j * np.sin(phi1)) * resonance(s12, s13, m1, w1, d1, d2, d3)
        + c2 * (np.cos(phi2) + 1j * np.sin(phi2)) * resonance(s13, s23, m2, w2, d1, d3, d2)
        + c3 * (np.cos(phi3) + 1j * np.sin(phi3)) * resonance(s23, s12, m3, w3, d2, d3, d1)
    )
    return -np.log(amplitude.real * amplitude.real + amplitude.imag * amplitude.imag)


def dalitz(events: int, seed: int) -> Columns:
    """Points inside the Dalitz plot, by the limits of PDG, kinematics, eq. 49.23."""
    rng = np.random.default_rng(seed)
    d1, d2, d3 = DAUGHTERS
    s12 = rng.uniform((d1 + d2 + 0.05) ** 2, (MOTHER - d3 - 0.05) ** 2, events)
    e1 = (s12 - d2**2 + d1**2) / (2 * np.sqrt(s12))
    e3 = (MOTHER**2 - s12 - d3**2) / (2 * np.sqrt(s12))
    k1, k3 = np.sqrt(e1**2 - d1**2), np.sqrt(e3**2 - d3**2)
    return [s12, (e1 + e3) ** 2 - k1**2 - k3**2 - 2 * k1 * k3 * rng.uniform(-0.95, 0.95, events)]


RESONANCES = ((1.0, 0.2, 0.8956, 0.047), (1.5, -0.4, 0.7753, 0.149), (0.7, 2.3, 0.8917, 0.051))

CASES = {
    case.name: case
    for case in (
        Case(
            "amp1",
            "uū → γγγ, one helicity; derivatives by 20 components of momenta",
            matrix_elements.amp1.fn,
            tuple(a.name for a in matrix_elements.amp1.arguments),
            photons,
        ),
        Case(
            "msq",
            "uū → γγγ, sum of 12 helicities; derivatives by 20 components of momenta",
            matrix_elements.msq.fn,
            tuple(a.name for a in matrix_elements.msq.arguments),
            photons,
        ),
        Case(
            "dimuon",
            "invariant mass of two muons; derivatives by their 6 coordinates",
            kinematics.pair_mass,
            ("pt1", "eta1", "phi1", "pt2", "eta2", "phi2"),
            muons,
        ),
        Case(
            "helix",
            "position and momentum on a helix; the Jacobian, 6 by 6",
            helix,
            ("d0", "phi0", "kappa", "dz", "tanl", "psi"),
            tracks,
        ),
        Case(
            "likelihood",
            "likelihood of three interfering resonances; gradient by 12 parameters",
            minus_log_intensity,
            ("s12", "s13"),
            dalitz,
            tuple(
                (f"{name}{k + 1}", value)
                for k, values in enumerate(RESONANCES)
                for name, value in zip(("c", "phi", "m", "w"), values)
            ),
            total=True,
        ),
    )
}
