"""An unbinned extended maximum-likelihood fit: a resonance over an exponential background, a million events.

    python examples/04_unbinned_fit.py
    python examples/04_unbinned_fit.py --events 100000 --plot fit.png

Value, gradient and Hessian of the likelihood by all five parameters come from one kernel, in one pass over the events.
iminuit and SciPy minimise it; the events are random, so the pulls tell whether the fits find what was generated.
"""

import sys
import time
from pathlib import Path
from typing import Annotated

import fitting
import numpy as np
import typer
from rich.console import Console

import symhep as sh

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for kernels/ beside examples/
from kernels import line_shapes

LOW, HIGH = 80.0, 100.0
NAMES = ("mass [GeV]", "width [GeV]", "slope [1/GeV]", "signal", "background")
MASS, WIDTH, SLOPE, SIGNAL_PART = 91.2, 2.5, 0.05, 0.4
console = Console()


def density(m, theta):
    """Expected events per GeV at the mass m; parameters in the order of NAMES."""
    mass, width, slope, signal, background = theta
    resonance = line_shapes.breit_wigner_on(m, mass, width, LOW, HIGH)
    return signal * resonance + background * line_shapes.exponential_on(m, slope, LOW, HIGH)


DOMAIN = sh.box(m=(LOW, HIGH), theta=([89.0, 1.0, -0.2, 10.0, 10.0], [93.0, 5.0, 0.2, 1000.0, 1000.0]))


@sh.kernel(parameters=("theta",), domain=DOMAIN)
def negative_log_likelihood(m, theta: sh.Vector[5]):
    """-log L of the extended likelihood (R. J. Barlow, Nucl. Instrum. Meth. A 297 (1990) 496)."""
    return theta[3] + theta[4] - sh.batch_sum(np.log(density(m, theta)))


def truth_for(events):
    """The parameters that this many events are expected from."""
    return np.array([MASS, WIDTH, SLOPE, SIGNAL_PART * events, (1 - SIGNAL_PART) * events])


def generate(events, seed):
    """Random masses in the window: their number is Poisson-distributed, all by inverting distribution functions."""
    rng = np.random.default_rng(seed)
    mass, width, slope, *expected = truth_for(events)
    signal, background = (rng.random(rng.poisson(n)) for n in expected)
    first, last = (np.arctan(2 * (edge - mass) / width) for edge in (LOW, HIGH))
    resonance = mass + width / 2 * np.tan(first + signal * (last - first))
    decay = LOW - np.log1p(background * np.expm1(-slope * (HIGH - LOW))) / slope
    return np.concatenate([resonance, decay])


def start_for(m):
    """A first guess without knowledge of the truth, and steps of about a standard deviation."""
    n = len(m)
    start = np.array([(LOW + HIGH) / 2, 4.0, 0.0, n / 2, n / 2])
    return start, np.array([2.0, 4.0, 0.2, 2 * n, 2 * n]) / np.sqrt(n)


def draw(m, theta, path):
    """Data with the fitted curve, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    edges = np.linspace(LOW, HIGH, 101)
    centres, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    counts = np.histogram(m, edges)[0]
    axes.errorbar(centres, counts, np.sqrt(counts), fmt=".", markersize=3, color="black", label=f"{len(m):,} events")
    x = np.linspace(LOW, HIGH, 500)
    axes.plot(x, width * density(x, theta), label="fit")
    axes.plot(x, width * theta[4] * line_shapes.exponential_on(x, theta[2], LOW, HIGH), "--", label="background")
    axes.set(xlabel="m [GeV]", ylabel=f"events / {width:.1f} GeV", ylim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(
    events: Annotated[int, typer.Option(min=1000, help="expected number of events")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="seed of the events")] = 1,
    plot: Annotated[Path, typer.Option(help="PNG to write")] = Path("unbinned_fit.png"),
):
    """Generate, fit with iminuit and with SciPy, compare, draw."""
    m = generate(events, seed)
    start, steps = start_for(m)
    begin = time.perf_counter()
    kernel = sh.value_grad_hessian(negative_log_likelihood, "theta").bind(m=m)
    kernel(start)
    console.print(f"{len(m):,} events; value, gradient and Hessian compiled in {time.perf_counter() - begin:.1f} s")
    fits = [fit(kernel, start, steps) for fit in (fitting.with_iminuit, fitting.with_scipy)]
    console.print(fitting.table(NAMES, fits, truth_for(events), title="fits to generated events"))
    console.print(fitting.summary(fits), highlight=False)
    draw(m, fits[1].values, plot)
    console.print(f"wrote {plot}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
