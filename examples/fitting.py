"""What the examples of fits share: minimisation with iminuit and with SciPy, and a table of both results.

The function to be minimised is a kernel that returns value, gradient and Hessian (`sh.value_grad_hessian`) by one
vector of parameters, bound to the data. Everything is in units of given steps, about one standard deviation each, so
that no minimiser meets parameters of different size.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

UP = 0.5  # what a negative log-likelihood rises by at one standard deviation
FLAT = 1e-4  # the length of the gradient at a minimum, in units of 1/step


@dataclass(frozen=True)
class Fit:
    """Where a minimum was found.

    values, errors  the parameters and their standard deviations
    covariance      of the parameters
    minimum         the value of the function there
    calls, seconds  what it took, compiling left out
    """

    name: str
    values: np.ndarray
    errors: np.ndarray
    covariance: np.ndarray
    minimum: float
    calls: int
    seconds: float


class Objective:
    """A kernel's value, gradient and Hessian as the three functions that minimisers ask for.

    They ask for them one after the other at the same point: the kernel is called once per point, and counts that.
    """

    def __init__(self, kernel: Callable, start: Sequence[float], steps: Sequence[float]):
        self.kernel, self.start, self.steps = kernel, np.array(start), np.array(steps)
        self.calls, self._at, self._found = 0, None, None

    def parameters(self, z):
        """From units of the steps, counted from the start, to the kernel's."""
        return self.start + self.steps * np.asarray(z)

    def _evaluate(self, z):
        if self._at is None or not np.array_equal(z, self._at):
            self._at, self.calls = np.array(z), self.calls + 1
            self._found = self.kernel(self.parameters(z))
        return self._found

    def value(self, z):
        return float(self._evaluate(z)[0])

    def gradient(self, z):
        return self._evaluate(z)[1] * self.steps

    def hessian(self, z):
        return self._evaluate(z)[2] * np.outer(self.steps, self.steps)

    def fit(self, name, z, covariance, seconds):
        """The result at a minimum, from its place and the covariance in units of the steps."""
        covariance = covariance * np.outer(self.steps, self.steps)
        errors = np.sqrt(np.diag(covariance))
        return Fit(name, self.parameters(z), errors, covariance, self.value(z), self.calls, seconds)


def with_iminuit(kernel, start, steps):
    """MIGRAD with the kernel's gradient, then HESSE, which takes differences of the gradient: nothing of ours."""
    from iminuit import Minuit

    objective = Objective(kernel, start, steps)
    begin = time.perf_counter()
    minuit = Minuit(objective.value, np.zeros(len(start)), grad=objective.gradient)
    minuit.errordef = UP
    minuit.errors = np.ones(len(start))
    minuit.migrad()
    if not minuit.valid:
        raise RuntimeError(f"MIGRAD did not converge:\n{minuit.fmin}")
    minuit.hesse()
    covariance = np.array(minuit.covariance)
    return objective.fit("iminuit", np.array(minuit.values), covariance, time.perf_counter() - begin)


def with_scipy(kernel, start, steps):
    """Newton's method in a trust region with the kernel's gradient and Hessian; covariance: the inverse Hessian."""
    from scipy.optimize import minimize

    objective = Objective(kernel, start, steps)
    begin = time.perf_counter()
    found = minimize(
        objective.value,
        np.zeros(len(start)),
        method="trust-exact",
        jac=objective.gradient,
        hess=objective.hessian,
        options={"gtol": FLAT, "max_trust_radius": 1e6},
    )
    if not found.success:
        raise RuntimeError(f"trust-exact did not converge: {found.message}")
    covariance = np.linalg.inv(objective.hessian(found.x))
    return objective.fit("SciPy trust-exact", found.x, covariance, time.perf_counter() - begin)


def table(names, fits, truth=None, title=""):
    """The parameters of several fits side by side; with the true values, also the pulls (fit - truth)/error."""
    made = Table(title=title)
    made.add_column("")
    if truth is not None:
        made.add_column("true", justify="right")
    for fit in fits:
        for heading in (fit.name, "±", *(["pull"] if truth is not None else [])):
            made.add_column(heading, justify="right")
    for i, name in enumerate(names):
        row = [name, *([f"{truth[i]:.6g}"] if truth is not None else [])]
        for fit in fits:
            row += [f"{fit.values[i]:.6g}", f"{fit.errors[i]:.2g}"]
            row += [f"{(fit.values[i] - truth[i]) / fit.errors[i]:+.2f}"] if truth is not None else []
        made.add_row(*row)
    return made


def summary(fits):
    """A line for each fit, and how far the first two agree."""
    lines = [f"{f.name}: minimum {f.minimum:.4f}, {f.calls} calls, {f.seconds:.2f} s" for f in fits]
    first, second = fits[:2]
    apart = np.max(np.abs(first.values - second.values) / second.errors)
    errors = np.max(np.abs(first.errors / second.errors - 1))
    lines.append(f"the fits differ by at most {apart:.1e} standard deviations")
    lines.append(f"HESSE and the inverse Hessian: errors differ by at most {errors:.1e} (relative)")
    return "\n".join(lines)
