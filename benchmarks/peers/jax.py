"""JAX: jax.jit of the function on whole columns, real and imaginary parts kept apart; jax.vjp, jax.jvp for derivatives.

One value is differentiated in reverse mode, several (a Jacobian) in forward mode, one argument after the other. Complex
columns would take longer to run, and jax.vmap of the function of one event makes the same program.
Operations: of the instructions of the program after XLA's optimisation that work on whole columns.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.inputs import Columns
from benchmarks.peers import hlo
from benchmarks.peers.cases import Case
from benchmarks.peers.pairs import of_module, trace
from benchmarks.peers.program import Program

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def prepare() -> None:
    """Before JAX is used: one thread, double precision."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD}"
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.block_until_ready(jax.jit(lambda x: x + 1)(np.ones(3)))


def build(case: Case, derivatives: bool) -> Program:
    """The function with jax.numpy."""
    import jax.numpy as jnp

    number = of_module(jnp)
    return of_function(case, derivatives, lambda *arguments: trace(case.function, number, list(arguments)))


def of_function(case: Case, derivatives: bool, function: Callable[..., Sequence[Any]]) -> Program:
    """jax.jit of a function that takes all arguments and gives a sequence of results."""
    import jax

    def values(*arguments: Any) -> list[Any]:
        return [result.sum() if case.total else result for result in function(*arguments)]

    compiled = jax.jit(with_derivatives(values, case.by) if derivatives else values)
    kept: dict[int, Any] = {}

    def arguments(columns: Columns, parameters: np.ndarray) -> list[Any]:
        """On the device, once per batch."""
        if id(columns) not in kept:
            kept.clear()
            kept[id(columns)] = [jax.device_put(np.asarray(a)) for a in (*columns, *parameters)]
        return kept[id(columns)]

    def run(columns: Columns, parameters: np.ndarray) -> Any:
        return jax.block_until_ready(compiled(*arguments(columns, parameters)))

    def operations() -> int:
        given = arguments(columns := case.events(EVENTS, 1), case.values)
        return hlo.operations(compiled.lower(*given).compile().as_text(), len(columns[0]))

    return Program(run, lambda results: results, operations)


EVENTS = 20_000  # for counting: XLA's program may depend on it


def with_derivatives(values: Callable[..., list[Any]], by: Sequence[int]) -> Callable[..., list[Any]]:
    """All values, then the derivatives of each."""
    import jax
    import jax.numpy as jnp

    def both(*arguments: Any) -> list[Any]:
        def of_chosen(*chosen: Any) -> list[Any]:
            replaced = dict(zip(by, chosen))
            return values(*(replaced.get(i, a) for i, a in enumerate(arguments)))

        chosen = [arguments[i] for i in by]
        results = jax.eval_shape(of_chosen, *chosen)
        if len(results) == 1:
            found, pull = jax.vjp(of_chosen, *chosen)
            return [*found, *pull([jnp.ones(results[0].shape)])]
        found, slopes = of_chosen(*chosen), []
        for i, argument in enumerate(chosen):
            one = lambda x, i=i: of_chosen(*(x if j == i else c for j, c in enumerate(chosen)))
            slopes.append(jax.jvp(one, (argument,), (jnp.ones_like(argument),))[1])
        return [*found, *(slope for result in zip(*slopes) for slope in result)]

    return both
