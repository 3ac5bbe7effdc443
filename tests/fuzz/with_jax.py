"""Random formulas inside JAX: jitted calls have the numba target's bits, and the text of jnp operations its values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from symhep.program import build
from symhep.targets import jax as jax_target
from tests.fuzz.case import Case, accurate
from tests.fuzz.checks import Failure
from tests.fuzz.layouts import _run, _same, leaves

LOOSE = 1e3  # XLA contracts and reorders


def jax_failures(case: Case) -> Iterator[Failure]:
    """What is wrong with a kernel under JAX, as far as the case is to be run there."""
    import jax

    if case.reduced:  # sums are jnp's: other last digits
        return
    with jax.enable_x64(True):
        if "jax" in case.options.parts:
            case.seen["jax"] += 1
            given = case.recipe.given([jax.numpy.asarray(x) for x in case.arrays])
            found = [np.asarray(y) for y in leaves(case.kernel(*given))]
            yield from _same("jax", found, _run(case, case.arrays))
        if "jax text" in case.options.parts:
            yield from _text(case)


def _text(case: Case) -> Iterator[Failure]:
    import jax.numpy as jnp

    dtype, graph = case.options.dtype, case.graph
    function = jax_target.load(jax_target.emit(build(graph), dtype))
    columns = [jnp.asarray(case.columns[n.attrs[0]], dtype) for n in graph.inputs]
    found = [np.broadcast_to(np.asarray(y), (case.found[0].size,)) for y in function(*columns)]
    yield from accurate(case, "jax text", found, LOOSE)
