"""Gradients: operations, compile time, and time next to the value's.

    python -m benchmarks.derivatives [--quick]

uū → γγγ (kernels/matrix_elements.py): value and gradient by the 20 momentum components. Amplitude model: the negative
log-likelihood of a three-body decay over data, written in sympy: a coherent sum of resonances in three channels with
mass-dependent widths and barrier factors; four parameters each (magnitude, phase, mass, width).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

import symhep as sh
from kernels import matrix_elements

EVENTS = 10_000
MODEL_EVENTS = 100_000


def seconds(run: Callable[[], Any]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def side_by_side(first: Callable[[], Any], second: Callable[[], Any], rounds: int = 15) -> tuple[float, float]:
    """The median times of two functions that take turns."""
    times = [(seconds(first), seconds(second)) for _ in range(rounds)]
    return tuple(np.median(times, axis=0))  # type: ignore[return-value]


# -- uū → γγγ --------------------------------------------------------------------------------------------------------


def momenta(events: int) -> list[np.ndarray]:
    """Massless momenta in generic directions, component by component."""
    p = np.random.default_rng(1).normal(size=(5, 3, events))
    return [row for i in range(5) for row in (np.sqrt((p[i] ** 2).sum(0)), *p[i])]


def matrix_element_rows(quick: bool) -> None:
    """Print a line for each kernel and effort."""
    columns = momenta(EVENTS)
    for name in ("amp1", "msq"):
        for effort in ("fast",) if quick else ("fast", "default"):
            function = getattr(matrix_elements, name).fn
            value = sh.kernel(function, effort=effort)
            both = sh.value_and_grad(sh.kernel(function, effort=effort))
            compare(f"{name}, {effort}", value, both, columns)


def compare(name: str, value: sh.Kernel, both: sh.Kernel, arguments: list[np.ndarray], rounds: int = 15) -> None:
    """Print one line of the table: a kernel, and the one that gives the gradient too."""
    run, run_both = (lambda k=k: k(*arguments, threads=1) for k in (value, both))
    compiling, compiling_both = seconds(run), seconds(run_both)
    alone, together = (1e9 * t / len(arguments[0]) for t in side_by_side(run, run_both, rounds))
    counts = f"{value.count().total:7d} {both.count().total:7d} {compiling:8.2f} {compiling_both:8.2f}"
    print(f"{name:24s} {counts} {alone:9.2f} {together:9.2f} {together / alone:6.2f}", flush=True)


# -- an amplitude model ----------------------------------------------------------------------------------------------

M, MASSES = 1.8648, (0.13957, 0.49368, 0.13498)


def breakup(s: Any, a: float, b: float) -> Any:
    """The squared momentum in the decay of mass² s into masses a and b (PDG, kinematics, eq. 49.17)."""
    return (s - (a + b) ** 2) * (s - (a - b) ** 2) / (4 * s)


def resonance(s: Any, t: Any, spin: int, mass: Any, width: Any, pair: tuple[float, float], third: float) -> Any:
    """Relativistic Breit–Wigner with mass-dependent width, Blatt–Weisskopf factors and Zemach angular term."""
    a, b = pair
    radius = sympy.Rational(3, 2)
    q2, q02 = breakup(s, a, b), breakup(mass**2, a, b)
    barrier = {0: lambda z: sympy.Integer(1), 1: lambda z: 1 + z, 2: lambda z: 9 + 3 * z + z**2}[spin]
    ratio = barrier(q02 * radius**2) / barrier(q2 * radius**2)
    running = width * (q2 / q02) ** sympy.Rational(2 * spin + 1, 2) * (mass / sympy.sqrt(s)) * ratio
    cosine = t - (M**2 + a**2 + b**2 + third**2 - s) / 2 + (M**2 - third**2) * (a**2 - b**2) / (2 * s)
    norm = breakup(s, a, b) * breakup(M**2, float(third), 0.0) * sympy.Float(4)
    angular = {0: sympy.Integer(1), 1: cosine, 2: cosine**2 - norm / 3}[spin]
    denominator = mass**2 - s - sympy.I * mass * running
    return sympy.sqrt(ratio) * angular / denominator


def amplitude_model(resonances: int, helicities: int) -> tuple[Any, list[Any], list[Any]]:
    """The intensity Σ |Σ c exp(iφ) BW|² at (s12, s13): the outer sum is over helicities, which differ in phases."""
    s12, s13 = sympy.symbols("s12 s13", real=True)
    s23 = M**2 + sum(m**2 for m in MASSES) - s12 - s13
    channels = ((s12, s13, (0, 1), 2), (s13, s23, (0, 2), 1), (s23, s12, (1, 2), 0))
    parameters: list[Any] = []
    total = [sympy.Integer(0)] * helicities
    for k in range(resonances):
        c, phi, mass, width = sympy.symbols(f"c{k} phi{k} m{k} w{k}", positive=True)
        parameters += [c, phi, mass, width]
        s, t, pair, third = channels[k % 3]
        shape = resonance(s, t, k // 3 % 3, mass, width, (MASSES[pair[0]], MASSES[pair[1]]), MASSES[third])
        for h in range(helicities):
            phase = phi + h * sympy.Rational(k + 1, 7)
            total[h] = total[h] + c * (sympy.cos(phase) + sympy.I * sympy.sin(phase)) * shape
    return sum(abs(a) ** 2 for a in total), [s12, s13], parameters


def likelihood(resonances: int, helicities: int) -> tuple[sh.Kernel, int]:
    """The model's negative log-likelihood of (s12, s13) and the parameters, and how many operations sympy counts."""
    intensity, data, parameters = amplitude_model(resonances, helicities)
    model = sh.compile(intensity, [*data, *parameters], effort="fast")

    def negative_log_likelihood(s12, s13, theta):
        return -sh.batch_sum(np.log(model(s12, s13, *theta)))

    negative_log_likelihood.__annotations__["theta"] = sh.Vector[len(parameters)]
    return sh.kernel(negative_log_likelihood, parameters=("theta",), effort="fast"), int(sympy.count_ops(intensity))


def model_row(resonances: int, helicities: int) -> None:
    """Print the line of the amplitude model."""
    start = time.perf_counter()
    value, ops = likelihood(resonances, helicities)
    print(f"amplitude model: {ops} sympy operations, written and read in {time.perf_counter() - start:.1f} s")
    rng = np.random.default_rng(5)
    s12, s13 = rng.uniform(0.5, 1.2, (2, MODEL_EVENTS))
    theta = np.ravel(
        [[rng.uniform(0.5, 2), rng.uniform(-3, 3), rng.uniform(0.75, 1.4), 0.1] for _ in range(resonances)]
    )
    compare("amplitude model, fast", value, sh.value_and_grad(value, "theta"), [s12, s13, theta], 5)


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    print(f"{'':24s}    ops    both  compile     both  ns/event      both  ratio")
    matrix_element_rows(quick)
    model_row(*((5, 2) if quick else (25, 14)))
