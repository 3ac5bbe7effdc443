"""The jax target on CPU inside `jit`, next to the numba target and to the same operations as jnp: one thread each.

    python -m benchmarks.jax_target [events]

Straight-line arithmetic, 20 inputs and 4 outputs, one array per component. What XLA makes of jnp operations is shown up
to 1000 of them: it takes minutes to compile 10,000. The last lines are value and gradient of a program with one output.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.straight_line import best
from symhep.calling.jax_derivatives import Derived
from symhep.targets.native import compile_program
from symhep.variants import Options
from tests.programs import straight_line

SIZES = (300, 1000, 10_000)
JNP_LIMIT = 1000
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def jitted(function: Callable[..., Any], columns: Sequence[Any]) -> tuple[float, float]:
    """Seconds of the first call, and the shortest time of later ones."""
    import jax

    call = jax.jit(function)
    start = time.perf_counter()
    jax.block_until_ready(call(*columns))
    first = time.perf_counter() - start
    return first, best(lambda: jax.block_until_ready(call(*columns)))


def by_numba(program: Any, columns: Sequence[np.ndarray]) -> tuple[float, float]:
    """The same for the numba target."""
    start = time.perf_counter()
    kernel = compile_program(program, np.float64)
    outputs = [np.empty_like(columns[0]) for _ in program.outputs]
    kernel.run(columns, outputs)
    return time.perf_counter() - start, best(lambda: kernel.run(columns, outputs))


def rows(events: int) -> None:
    """Print the table."""
    import jax

    from symhep.targets.jax_primitive import call, plain

    def of_one(function: Callable[..., Any]) -> Callable[..., Any]:
        return jax.value_and_grad(lambda *c: jax.numpy.sum(function(*c)[0]), tuple(range(len(columns))))

    print(f"{events} events, float64, one thread; jax {jax.__version__}")
    print("   ops  what                     compile s   ns/event/op  against numba")
    for size in SIZES:
        program = straight_line(size)
        columns = [np.random.default_rng(k).uniform(0.5, 1.5, events) for k in range(len(program.inputs))]
        given = [jax.numpy.asarray(c) for c in columns]
        made = Derived.of_graph("program", program.graph, Options(effort="fast"), program.graph)
        own = lambda *c, made=made: call(made, c)
        jnp = partial(plain, made)
        numba = by_numba(program, columns)
        times = {"numba target": numba, "jax target": jitted(own, given)}
        if size <= JNP_LIMIT:
            times["jnp"] = jitted(jnp, given)
        single = straight_line(size, outputs=1).graph
        made = Derived.of_graph("program", single, Options(effort="fast"), single)
        times["jax target, with gradient"] = jitted(of_one(lambda *c, made=made: call(made, c)), given)
        if size < JNP_LIMIT:
            times["jnp, with gradient"] = jitted(of_one(partial(plain, made)), given)
        for what, (first, seconds) in times.items():
            per_operation = 1e9 * seconds / events / size
            print(f"{size:6d}  {what:26s} {first:7.2f} {per_operation:13.4f} {seconds / numba[1]:14.2f}")


def main() -> None:
    """One thread, and nothing from earlier runs: what XLA and symhep read when they are first used."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD}"
    os.environ["SYMHEP_CACHE"] = "off"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import jax

    jax.config.update("jax_enable_x64", True)
    jitted(lambda x: x + 1, [np.ones(3)])  # what is done once per process
    compile_program(straight_line(10), np.float64)
    rows(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)


if __name__ == "__main__":
    main()
