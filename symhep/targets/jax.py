"""The jax target, as text: one jnp operation for each of the program's, for any platform that JAX has.

This is what runs on GPUs and TPUs and what is exported. On a CPU the same program runs as machine code of symhep's own
(`jax_ffi.py`), which compiles far faster and runs as fast as the numba target; `jax_primitive.py` chooses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symhep.program import Program
from symhep.targets.numpy import identifier, names
from symhep.targets.statements import Statements, defined

# One text per operation of a lowered program; a tuple where there are several results, which `item` picks from.
TEXTS: dict[str, str | tuple[str, ...]] = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "sqrt": "jnp.sqrt({0})",
    "abs": "jnp.abs({0})",
    "copysign": "jnp.copysign({0}, {1})",
    "minimum": "jnp.minimum({0}, {1})",
    "maximum": "jnp.maximum({0}, {1})",
    "floor": "jnp.floor({0})",
    "ceil": "jnp.ceil({0})",
    "trunc": "jnp.trunc({0})",
    "rint": "jnp.rint({0})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "jnp.logical_and({0}, {1})",
    "or": "jnp.logical_or({0}, {1})",
    "not": "jnp.logical_not({0})",
    "select": "jnp.where({0}, {1}, {2})",
    "exp": "jnp.exp({0})",
    "expm1": "jnp.expm1({0})",
    "exp2": "jnp.exp2({0})",
    "log": "jnp.log({0})",
    "log1p": "jnp.log1p({0})",
    "log2": "jnp.log2({0})",
    "log10": "jnp.log10({0})",
    "cbrt": "jnp.cbrt({0})",
    "sin": "jnp.sin({0})",
    "cos": "jnp.cos({0})",
    "tan": "jnp.tan({0})",
    "asin": "jnp.arcsin({0})",
    "acos": "jnp.arccos({0})",
    "atan": "jnp.arctan({0})",
    "atan2": "jnp.arctan2({0}, {1})",
    "sinh": "jnp.sinh({0})",
    "cosh": "jnp.cosh({0})",
    "tanh": "jnp.tanh({0})",
    "asinh": "jnp.arcsinh({0})",
    "acosh": "jnp.arccosh({0})",
    "atanh": "jnp.arctanh({0})",
    "erf": "jax.scipy.special.erf({0})",
    "pow": "jnp.power({0}, {1})",
    "sincos": ("jnp.sin({0})", "jnp.cos({0})"),
    "keep": "{0}",
    "batch_sum": "jnp.sum({0})",
    "batch_max": "jnp.max({0}, initial=-jnp.inf)",
    "batch_min": "jnp.min({0}, initial=jnp.inf)",
    "batch_size": "real({0}.size)",
}

_RESERVED = frozenset({"jax", "jnp", "real"})


def available() -> str | None:
    """Why this target does not work here; None if it does."""
    from symhep.targets import targets

    entry = targets()["jax"]
    return None if entry else str(entry)


def emit(program: Program, dtype: Any = np.float64, name: str = "kernel") -> str:
    """The text of a Python module with one function over columns: arrays of one shape, or numbers.

    Where a program reduces over the batch, all columns of a batch axis have to be arrays of its shape.

    dtype  the working dtype, float64 or float32: constants are rounded to it, and take on the dtype of the columns
    """
    dtype = np.dtype(dtype)
    named = {n: f"{text}_" if text in _RESERVED else text for n, text in names(program.graph).items()}
    statements = Statements(TEXTS, named, "jnp", "jnp.bool_", dtype)
    arguments = ", ".join(named[n] for n in program.inputs)
    imports = "import jax\n" * any(n.op == "erf" for n in program.graph.order) + "import jax.numpy as jnp\n"
    body = statements.body(program)
    return f"{imports}\nreal = jnp.{dtype.name}\n\n\ndef {identifier(name)}({arguments}):\n{body}"


load = defined  # the function that an emitted text defines
