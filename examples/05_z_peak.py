"""Mass scale and resolution from real Z → μμ decays: an unbinned fit to a ROOT file.

    python examples/05_z_peak.py events.root --plot z_fit.png

The file holds a TTree with the columns of COLUMNS, one entry per pair of muons: transverse momentum (GeV),
pseudorapidity, azimuth and charge of both, how they were found, and the event they are from. An event has several
entries if a muon was found in more than one way; only one of them is independent.
"""

import sys
from pathlib import Path
from typing import Annotated

import fitting
import numpy as np
import typer
from rich.console import Console

import symhep as sh

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for kernels/ beside examples/
from kernels import kinematics, line_shapes

MOMENTA = ("pt1", "eta1", "phi1", "pt2", "eta2", "phi2")
COLUMNS = (*MOMENTA, "Q1", "Q2", "Type", "Run", "Event")
BEST = "GG"  # both muons from tracker and muon chambers together
LOW, HIGH = 70.0, 110.0
Z_MASS, Z_WIDTH = 91.1880, 2.4955  # GeV; Particle Data Group, Phys. Rev. D 110 (2024) 030001
NAMES = ("mass shift [GeV]", "resolution [GeV]", "signal fraction", "slope [1/GeV]")
START, STEPS = (0.0, 2.0, 0.8, 0.0), (1.0, 1.5, 0.5, 0.4)
console = Console()


def density(m, theta):
    """Probability per GeV of the mass m: a pseudo-Voigt with the width of the Z over an exponential."""
    shift, resolution, fraction, slope = theta
    peak = line_shapes.pseudo_voigt_on(m, Z_MASS + shift, Z_WIDTH, resolution, LOW, HIGH)
    return fraction * peak + (1 - fraction) * line_shapes.exponential_on(m, slope, LOW, HIGH)


DOMAIN = sh.box(m=(LOW, HIGH), theta=([-2.0, 0.5, 0.3, -0.1], [2.0, 4.0, 0.95, 0.1]))


@sh.kernel(parameters=("theta",), domain=DOMAIN)
def negative_log_likelihood(m, theta: sh.Vector[4]):
    """-log L of unbinned masses."""
    return -sh.batch_sum(np.log(density(m, theta)))


def read_pairs(path, tree):
    """The six momentum columns of the first pair of every event that is of the best type and neutral."""
    import uproot

    with uproot.open(path) as file:
        pairs = file[tree].arrays(COLUMNS, library="np")
    chosen = np.flatnonzero((pairs["Type"] == BEST) & (pairs["Q1"] * pairs["Q2"] < 0))
    events = np.stack([pairs["Run"], pairs["Event"]])[:, chosen]
    chosen = chosen[np.sort(np.unique(events, axis=1, return_index=True)[1])]
    return [pairs[name][chosen].astype(np.float64) for name in MOMENTA]


def draw(m, theta, path):
    """Masses with the fitted curve, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    edges = np.linspace(LOW, HIGH, 41)
    counts = np.histogram(m, edges)[0]
    centres = (edges[1:] + edges[:-1]) / 2
    axes.errorbar(centres, counts, np.sqrt(counts), fmt="o", markersize=3, color="black", label=f"{len(m)} events")
    x = np.linspace(LOW, HIGH, 500)
    axes.plot(x, len(m) * density(x, theta), label="fit")
    axes.set(xlabel=r"$m_{\mu\mu}$ [GeV]", ylabel="events / GeV", ylim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="ROOT file")],
    tree: Annotated[str, typer.Option(help="name of the TTree")] = "events",
    plot: Annotated[Path, typer.Option(help="PNG to write")] = Path("z_fit.png"),
):
    """Compute the masses, fit them with iminuit and with SciPy, draw."""
    mass = kinematics.dimuon_mass_stable(*read_pairs(file, tree))
    near = mass[(mass > LOW) & (mass < HIGH)]
    console.print(f"{len(mass)} events, {len(near)} between {LOW:g} and {HIGH:g} GeV", highlight=False)
    if len(near) < 100:
        sys.exit("too few for a fit: are pt1 and pt2 in GeV?")
    kernel = sh.value_grad_hessian(negative_log_likelihood, "theta").bind(m=near)
    steps = np.array(STEPS) * 2 / np.sqrt(len(near))
    fits = [fit(kernel, START, steps) for fit in (fitting.with_iminuit, fitting.with_scipy)]
    console.print(fitting.table(NAMES, fits, title=f"pseudo-Voigt of width {Z_WIDTH} GeV over an exponential"))
    console.print(fitting.summary(fits), highlight=False)
    (shift, resolution, *_), (shift_error, resolution_error, *_) = fits[1].values, fits[1].errors
    console.print(f"mass       {Z_MASS + shift:.2f} ± {shift_error:.2f} GeV", highlight=False)
    console.print(f"resolution {resolution:.2f} ± {resolution_error:.2f} GeV", highlight=False)
    draw(near, fits[1].values, plot)
    console.print(f"wrote {plot}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
