"""The invariant mass of the final state of every event in an LHE file, beside the mass of the incoming system.

    python examples/02_lhe_mass.py events.lhe --plot mass.png

Events hold different numbers of particles: shorter ones are padded with zero momenta, which add nothing to the sum.
"""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symhep as sh

INCOMING, FINAL = -1, 1


def read_momenta(path, status):
    """Momenta (events, most particles, 4) of the particles with this status; events without one are left out."""
    import pylhe

    events = [
        [(p.e, p.px, p.py, p.pz) for p in event.particles if p.status == status]
        for event in pylhe.LHEFile.fromfile(str(path)).events
    ]
    events = [particles for particles in events if particles]
    momenta = np.zeros((len(events), max(map(len, events), default=0), 4))
    for row, particles in zip(momenta, events):
        row[: len(particles)] = particles
    return momenta


def system_mass(n):
    """Kernel for the invariant mass of n momenta (n, 4) in GeV."""

    @sh.kernel
    def mass(p: sh.Matrix[n, 4]):
        energy, px, py, pz = np.sum(p, axis=0)
        return np.sqrt(energy * energy - px * px - py * py - pz * pz)

    return mass


def draw(mass, path):
    """A histogram of the masses as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.hist(mass, bins=40, histtype="stepfilled", alpha=0.6)
    axes.set(xlabel="mass of the final state [GeV]", ylabel="events")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="LHE file")],
    plot: Annotated[Path | None, typer.Option(help="PNG to write")] = None,
):
    """Compute and print (or draw) the masses of the final-state systems."""
    final, incoming = read_momenta(file, FINAL), read_momenta(file, INCOMING)
    if len(final) == 0:
        sys.exit(f"no particle with status {FINAL} (final state) in {file}")
    kernel = system_mass(final.shape[1])
    mass = kernel(final)
    print(f"{len(mass)} events with up to {final.shape[1]} final-state particles")
    print(f"mass of the final state: median {np.median(mass):.3f} GeV, {mass.min():.3f} to {mass.max():.3f} GeV")
    if len(incoming) == len(final):
        sqrt_s = system_mass(incoming.shape[1])(incoming)
        print(f"largest difference to the incoming system: {np.max(np.abs(mass / sqrt_s - 1)):.1e} (relative)")
    if plot:
        draw(mass, plot)
        print(f"wrote {plot}")
    print(kernel.report())


if __name__ == "__main__":
    typer.run(main)
