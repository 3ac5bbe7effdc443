"""The formulas that are compared, each with its events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

import symhep as sh
from kernels import kinematics, matrix_elements
from kernels.phase_space import random_events

Columns = Sequence[np.ndarray]


@dataclass(frozen=True)
class Input:
    """A kernel over scalars, and its events as float64 columns: columns(events, seed)."""

    name: str
    title: str
    kernel: sh.Kernel
    columns: Callable[[int, int], Columns]

    @property
    def names(self) -> list[str]:
        return [a.name for a in self.kernel.arguments]


def photons(events: int, seed: int) -> Columns:
    return list(random_events(events, seed=seed))


def muons(events: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    pt1, pt2 = rng.uniform(20, 80, (2, events))
    eta1, eta2 = rng.uniform(-2.4, 2.4, (2, events))
    phi1, phi2 = rng.uniform(-np.pi, np.pi, (2, events))
    return [pt1, eta1, phi1, pt2, eta2, phi2]


def tracks(events: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    x, y, z = rng.normal(0, [[0.01], [0.01], [5.0]], (3, events))
    pt, phi = rng.uniform(0.5, 50, events), rng.uniform(-np.pi, np.pi, events)
    curvature = rng.choice([-1.0, 1.0], events) * 0.0029979 * 3.8 / pt
    return [x, y, z, phi, curvature, rng.normal(0, 1, events), rng.uniform(5, 100, events)]


@sh.kernel
def helix(x, y, z, phi, curvature, cot_theta, s):
    """Position and direction after the transverse path s along a helix: cm, rad, 1/cm, 1, cm -> cm, cm, cm, rad.

    Domain: curvature != 0. Source: e.g. Fruehwirth et al., Data Analysis Techniques for High-Energy Physics, ch. 3.
    """
    turned = phi + curvature * s
    radius = 1 / curvature
    new_x = x + radius * (np.sin(turned) - np.sin(phi))
    new_y = y - radius * (np.cos(turned) - np.cos(phi))
    return new_x, new_y, z + s * cot_theta, turned


@sh.kernel
def product(x, y):
    """Compiled before anything is timed: what a compiler needs once per process is not counted."""
    return x * y


WARM_UP = Input("product", "product of two numbers", product, lambda events, seed: [np.ones(events), np.ones(events)])

INPUTS = {
    item.name: item
    for item in (
        Input("amp1", "uū → γγγ, one helicity", matrix_elements.amp1, photons),
        Input("msq", "uū → γγγ, sum of 12 helicities", matrix_elements.msq, photons),
        Input("dimuon", "invariant mass of two muons", sh.kernel(kinematics.pair_mass), muons),
        Input("helix", "propagation along a helix", helix, tracks),
    )
}
