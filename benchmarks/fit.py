"""An unbinned fit of five parameters to a million events, to convergence: symhep beside JAX.

    python -m benchmarks.fit            10⁶ events
    python -m benchmarks.fit --quick    10⁵

The likelihood: a Breit–Wigner over an exponential, both normalised on an interval, with the numbers of events of both
(extended). One Python function is the formula of both systems, with numpy or with jax.numpy in float64. SciPy minimises
it from the same start: BFGS with value and gradient, trust-exact with the Hessian too. symhep computes these in one
kernel that is bound to the data; JAX in jax.jit(jax.value_and_grad(...)) and, where the algorithm asks for it,
jax.jit(jax.hessian(...)), on data that are on the device already.

cores: all that the process may use, or one that it is bound to. compile: seconds to the first values. call: the median
time of one evaluation, and with "+" of a Hessian by itself. calls: how many the fit made. fit: seconds to convergence,
compiling left out. ×: how many times faster than JAX. Fits that do not end at the same minimum are an error.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import symhep as sh
from benchmarks.derivatives import seconds
from symhep.calling.calls import default_threads

EVENTS, FEW = 1_000_000, 100_000
LOW, HIGH = 80.0, 100.0
MASS, WIDTH, SLOPE, SIGNAL_PART = 91.2, 2.5, 0.05, 0.4
METHODS = {"BFGS": {"gtol": 1e-2}, "trust-exact": {"gtol": 1e-2, "max_trust_radius": 1e6}}
ROUNDS = 15  # calls that take turns, for the median
FITS = 3  # fits that take turns
SAME_MINIMUM, SAME_PLACE = 1e-8, 1e-2  # relative; in standard deviations
COLUMNS = ("cores", "algorithm", "", "compile s", "call ms", "calls", "fit s", "×", "minimum")


# -- the likelihood --------------------------------------------------------------------------------------------------


def log_density(np: Any, m: Any, mass: Any, width: Any, slope: Any, signal: Any, background: Any) -> Any:
    """The logarithm of the expected events per GeV; np is numpy or jax.numpy."""
    half = width / 2
    angle = np.arctan((HIGH - mass) / half) - np.arctan((LOW - mass) / half)
    resonance = half / angle / ((m - mass) ** 2 + half**2)
    decay = slope / (1 - np.exp(-slope * (HIGH - LOW))) * np.exp(-slope * (m - LOW))
    return np.log(signal * resonance + background * decay)


@sh.kernel(
    parameters=("theta",),
    domain=sh.box(m=(LOW, HIGH), theta=([89.0, 1.0, 0.01, 10.0, 10.0], [93.0, 5.0, 0.2, 1000.0, 1000.0])),
)
def negative_log_likelihood(m, theta: sh.Vector[5]):
    """-log L of the extended likelihood."""
    return theta[3] + theta[4] - sh.batch_sum(log_density(np, m, *theta))


def generate(events: int) -> np.ndarray:
    """Masses by inverting distribution functions."""
    rng = np.random.default_rng(1)
    signal, background = rng.random(int(SIGNAL_PART * events)), rng.random(events - int(SIGNAL_PART * events))
    first, last = (np.arctan(2 * (edge - MASS) / WIDTH) for edge in (LOW, HIGH))
    resonance = MASS + WIDTH / 2 * np.tan(first + signal * (last - first))
    decay = LOW - np.log1p(background * np.expm1(-SLOPE * (HIGH - LOW))) / SLOPE
    return np.concatenate([resonance, decay])


def start_and_steps(events: int) -> tuple[np.ndarray, np.ndarray]:
    """Where fits begin, and about a standard deviation of each parameter: the units of the minimiser."""
    start = np.array([90.0, 4.0, 0.01, events / 2, events / 2])
    return start, np.array([2.0, 4.0, 0.2, 2 * events, 2 * events]) / np.sqrt(events)


# -- systems ---------------------------------------------------------------------------------------------------------


class Problem:
    """What a minimiser asks for, in its units; `evaluate` gives value and gradient, and the Hessian if that is free.

    calls  how many evaluations there were, and how many Hessians by themselves
    """

    def __init__(self, evaluate: Callable, hessian: Callable | None, events: int) -> None:
        self._evaluate, self._hessian = evaluate, hessian
        self.start, self.steps = start_and_steps(events)
        self.clear()

    def clear(self) -> None:
        self.calls, self._at, self._found = [0, 0], None, ()

    def _results(self, z: np.ndarray) -> tuple:
        if self._at is None or not np.array_equal(z, self._at):
            self._at, self._found = z.copy(), self._evaluate(self.start + self.steps * z)
            self.calls[0] += 1
        return self._found

    def value(self, z: np.ndarray) -> float:
        return float(self._results(z)[0])

    def gradient(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(self._results(z)[1]) * self.steps

    def hessian(self, z: np.ndarray) -> np.ndarray:
        if self._hessian is None:
            found = self._results(z)[2]
        else:
            found, self.calls[1] = self._hessian(self.start + self.steps * z), self.calls[1] + 1
        return np.asarray(found) * np.outer(self.steps, self.steps)

    def minimise(self, method: str) -> Any:
        """To convergence, from the start; raises RuntimeError if it does not get there."""
        from scipy.optimize import minimize

        self.clear()
        second = {"hess": self.hessian} if method == "trust-exact" else {}
        options = {"jac": self.gradient, "method": method, "options": METHODS[method], **second}
        found = minimize(self.value, np.zeros(len(self.start)), **options)
        if not found.success:
            raise RuntimeError(f"{method}: {found.message}")
        return found


def by_symhep(m: np.ndarray, method: str) -> Problem:
    derive = sh.value_grad_hessian if method == "trust-exact" else sh.value_and_grad
    return Problem(derive(negative_log_likelihood, "theta").bind(m=m), None, len(m))


def by_jax(m: np.ndarray, method: str) -> Problem:
    import jax

    jax.config.update("jax_enable_x64", True)
    data = jax.device_put(m)

    def likelihood(theta, m):
        return theta[3] + theta[4] - jax.numpy.sum(log_density(jax.numpy, m, *theta))

    first, second = jax.jit(jax.value_and_grad(likelihood)), jax.jit(jax.hessian(likelihood))
    hessian = (lambda theta: np.asarray(second(theta, data))) if method == "trust-exact" else None
    return Problem(lambda theta: jax.block_until_ready(first(theta, data)), hessian, len(m))


SYSTEMS = {"symhep": by_symhep, "JAX": by_jax}


# -- measuring -------------------------------------------------------------------------------------------------------


def compiled(system: str, m: np.ndarray, method: str) -> tuple[Problem, float]:
    """A problem whose functions have been called once, and the seconds that this took."""
    importlib.import_module("jax")  # which is not compiling
    begin = time.perf_counter()
    problem = SYSTEMS[system](m, method)
    at = np.zeros(len(problem.start))
    problem.value(at)
    if method == "trust-exact":
        problem.hessian(at)
    return problem, time.perf_counter() - begin


def rows(events: int, method: str) -> list[dict[str, Any]]:
    """What each system needs for the fit."""
    m = generate(events)
    problems, compiling = zip(*[compiled(system, m, method) for system in SYSTEMS])
    fits: list[list[float]] = [[] for _ in problems]
    for _ in range(FITS):
        for problem, times in zip(problems, fits):
            times.append(seconds(lambda p=problem: p.minimise(method)))
    ends = [problem.minimise(method) for problem in problems]
    check(ends, method)
    calls = medians(problems, ends[0].x)
    return [
        {
            "algorithm": method,
            "system": system,
            "compile": compiling[k],
            "call": calls[k],
            "calls": problems[k].calls,
            "fit": statistics.median(fits[k]),
            "minimum": float(ends[k].fun),
        }
        for k, system in enumerate(SYSTEMS)
    ]


def medians(problems: tuple[Problem, ...], z: np.ndarray) -> list[list[float]]:
    """Seconds of one evaluation, and of a Hessian where that is a call of its own, at a place; they take turns."""
    parts = [[p._evaluate, *([p._hessian] if p._hessian else [])] for p in problems]
    theta = problems[0].start + problems[0].steps * z
    times: list[list[list[float]]] = [[[] for _ in own] for own in parts]
    for _ in range(ROUNDS):
        for own, found in zip(parts, times):
            for part, samples in zip(own, found):
                samples.append(seconds(lambda f=part: f(theta)))
    return [[statistics.median(samples) for samples in found] for found in times]


def check(ends: list[Any], method: str) -> None:
    """Raise RuntimeError unless all fits ended at the same place."""
    for end in ends[1:]:
        apart = abs(end.fun / ends[0].fun - 1), float(np.max(np.abs(end.x - ends[0].x)))
        if not (apart[0] < SAME_MINIMUM and apart[1] < SAME_PLACE):
            raise RuntimeError(f"{method}: minima differ by {apart[0]:.1e}, their places by {apart[1]:.1e} steps")


def on_one_core() -> None:
    """Bind this process to one of its cores; to be called before JAX is imported."""
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def in_a_process(cores: str, events: int) -> list[dict[str, Any]]:
    """The rows of all algorithms from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.fit", "--rows", cores, str(events)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [{"cores": cores, **row} for row in json.loads(done.stdout.splitlines()[-1])]


# -- the table -------------------------------------------------------------------------------------------------------


def cells(row: dict[str, Any], reference: dict[str, Any]) -> list[str]:
    """One line of the table.

    >>> row = dict(cores="1", algorithm="BFGS", system="JAX", compile=0.5, call=[0.04], calls=[30, 0], fit=1.5)
    >>> cells(row | {"minimum": -1.25}, {"fit": 3.0})
    ['1', 'BFGS', 'JAX', '0.50', '40.0', '30', '1.500', '2.00', '-1.25000']
    """
    call = " + ".join([f"{1e3 * t:.1f}" for t in row["call"]])
    calls = " + ".join([str(n) for n in row["calls"] if n])
    first = [row["cores"], row["algorithm"], row["system"], f"{row['compile']:.2f}", call, calls]
    return [*first, f"{row['fit']:.3f}", f"{reference['fit'] / row['fit']:.2f}", f"{row['minimum']:.5f}"]


def main(quick: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    events = FEW if quick else EVENTS
    table = Table(title=f"unbinned fit of 5 parameters to {events:,} events, {default_threads()} cores")
    for heading in COLUMNS:
        table.add_column(heading, justify="right" if heading not in COLUMNS[:3] else "left")
    for cores in ("all", "1") if hasattr(os, "sched_setaffinity") else ("all",):
        found = in_a_process(cores, events)
        for row in found:
            other = [r for r in found if r["system"] == "JAX" and r["algorithm"] == row["algorithm"]]
            table.add_row(*cells(row, other[0]), style="bold" if row["system"] == "symhep" else "")
        table.add_section()
    Console(width=120).print(table)


if __name__ == "__main__":
    if "--rows" in sys.argv:
        if sys.argv[2] == "1":
            on_one_core()
        print(json.dumps([row for method in METHODS for row in rows(int(sys.argv[3]), method)]))
    else:
        main("--quick" in sys.argv)
