"""The way of tensorwaves: sympy's lambdify(cse=True) with the functions of jax.numpy, then jax.jit; derivatives by JAX.

tensorwaves itself, whose functions take one expression, makes the same calls (tensorwaves.function.sympy).
"""

from __future__ import annotations

from benchmarks.peers import jax as jax_jit
from benchmarks.peers.cases import Case
from benchmarks.peers.lambdify import expressions, lambdified
from benchmarks.peers.program import Program

prepare = jax_jit.prepare


def build(case: Case, derivatives: bool) -> Program:
    import jax.numpy as jnp
    import jax.scipy as jsp

    return jax_jit.of_function(case, derivatives, lambdified(*expressions(case), [jnp, jsp.special]))
