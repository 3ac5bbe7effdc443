"""The Z peak: dimuon masses from a ROOT file, with a kernel written for one event.

    python examples/01_dimuon_mass.py events.root --plot z_peak.png

The file holds a TTree with the columns pt1, eta1, phi1, pt2, eta2, phi2 (GeV, radians), one entry per event.
"""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symhep as sh

COLUMNS = ("pt1", "eta1", "phi1", "pt2", "eta2", "phi2")


@sh.kernel
def dimuon_mass(pt1, eta1, phi1, pt2, eta2, phi2):
    """Invariant mass of two massless muons in GeV."""
    return np.sqrt(2 * pt1 * pt2 * (np.cosh(eta1 - eta2) - np.cos(phi1 - phi2)))


def read_muons(path, tree):
    """The six muon columns of a ROOT file, as float64."""
    import uproot

    with uproot.open(path) as file:
        events = file[tree].arrays(COLUMNS, library="np")
    return [events[name].astype(np.float64) for name in COLUMNS]


def draw(mass, path):
    """A histogram of the masses around the Z as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.hist(mass, bins=np.linspace(60, 120, 61), histtype="stepfilled", alpha=0.6)
    axes.axvline(91.1876, color="black", linestyle="--", linewidth=1, label="Z mass, 91.19 GeV")
    axes.set(xlabel=r"$m_{\mu\mu}$ [GeV]", ylabel="events / GeV")
    axes.legend()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="ROOT file")],
    tree: Annotated[str, typer.Option(help="name of the TTree")] = "events",
    plot: Annotated[Path, typer.Option(help="PNG to write")] = Path("dimuon_mass.png"),
):
    """Compute dimuon masses, draw the Z peak, print the kernel's report."""
    columns = read_muons(file, tree)
    mass = dimuon_mass(*columns)
    np.testing.assert_allclose(mass, dimuon_mass.fn(*columns), rtol=1e-8)
    near = mass[(mass > 80) & (mass < 100)]
    if near.size == 0:
        sys.exit(f"{len(mass)} events, none between 80 and 100 GeV: are pt1 and pt2 in GeV?")
    print(f"{len(mass)} events, {near.size} between 80 and 100 GeV, median there {np.median(near):.2f} GeV")
    draw(mass, plot)
    print(f"wrote {plot}")
    print(dimuon_mass.report())


if __name__ == "__main__":
    typer.run(main)
