"""An unbinned fit of five parameters to a million events, to convergence: symhep beside JAX.

    python -m benchmarks.fit            10⁶ events
    python -m benchmarks.fit --quick    10⁵

The likelihood is that of examples/04_unbinned_fit.py: a Breit–Wigner over an exponential, both normalised on an
interval, with the numbers of events of both (extended). Every row minimises the same function from the same start by
the same algorithm of SciPy: L-BFGS-like BFGS with value and gradient, or trust-exact with the Hessian too. JAX has the
same formula in jax.numpy and float64, with jax.jit(jax.value_and_grad(...)) and jax.hessian, data on the device already.

threads: "all" uses what the process may; "1" runs in a process of its own that is bound to one core.
compile: seconds from the function to its first value. call: median milliseconds of one call at the minimum. fit:
seconds to convergence, compiling left out. ×: how many times faster than JAX in the same kind of fit. Minima that are
not the same to 10⁻⁸ are an error.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize

import symhep as sh
from kernels import line_shapes

EVENTS, FEW = 1_000_000, 100_000
LOW, HIGH = 80.0, 100.0
TRUTH = (91.2, 2.5, 0.05, 0.4, 0.6)  # mass, width, slope; signal and background as parts of the events
START = (90.0, 4.0, 0.01, 0.5, 0.5)
SAME = 1e-8
METHODS = {"BFGS": {"gtol": 1e-2}, "trust-exact": {"gtol": 1e-2, "max_trust_radius": 1e6}}
PAUSES = 15  # calls that the median is of

DOMAIN = sh.box(m=(LOW, HIGH), theta=([89.0, 1.0, 0.01, 0.1, 0.1], [93.0, 5.0, 0.2, 1.0, 1.0]))
