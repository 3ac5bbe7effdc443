"""Calls with JAX arrays: from arrays to columns, through the primitive, and to results in the kernel's own form.

All of it is traced by JAX, and each kernel is one jitted function, so that a call outside of any `jit` costs no more
than one of those.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.calling import calls
from symhep.calling.calls import COMPLEX, DOUBLE, SINGLE, Site
from symhep.calling.jax_programs import Core, Parts, program
from symhep.calling.results import Slot
from symhep.containers import Tree
from symhep.errors import MissingPackage, TargetError, message
from symhep.tracing.trace import Leaf

if TYPE_CHECKING:
    from symhep.variants import Variant

_NUMBERS = (bool, int, float, complex)


def jitted(name: str, variant: Variant, dtype: np.dtype | None, site: Site) -> Jitted:
    """The jitted function of a variant, made at the first call."""
    found = variant.jax.get(dtype)
    if found is None:
        found = variant.jax.setdefault(dtype, Jitted(name, variant, dtype, site))
    return found


class Jitted:
    """A kernel, for one choice of its static arguments, as a jitted function of the values at its leaves."""

    def __init__(self, name: str, variant: Variant, dtype: np.dtype | None, site: Site) -> None:
        try:
            import jax
        except ImportError:
            raise MissingPackage("jax", extra="jax") from None

        self.traced, self.slots, self.dtype, self.site = variant.traced, variant.slots, dtype, site
        self.program = program(name, variant)

        def function(values: list[Any]) -> list[Any]:
            return self._arrays(values)

        function.__name__ = name  # in JAX's profiles
        self._function = jax.jit(function)

    def __call__(self, values: Sequence[Any]) -> Any:
        """The result for arrays of JAX or of NumPy, numbers, or what JAX traces."""
        double = _has_double()
        if self.dtype is not None and self.dtype == DOUBLE and not double:
            raise self._no_double("dtype=float64")
        given = [self._accepted(v, leaf, double) for v, leaf in zip(values, self.traced.leaves)]
        tree: Tree = self.traced.tree
        return tree.build(iter(self._function(given)))

    def _accepted(self, value: Any, leaf: Leaf, double: bool) -> Any:
        """A value that JAX takes, in the precision that it has."""
        kind: Any = type(value)
        if kind in _NUMBERS:
            return value
        if _is_jaxs(kind):
            if not double and value.dtype in (DOUBLE, COMPLEX[DOUBLE]):
                raise self._no_double(f"{leaf.path} of dtype {value.dtype}")
            return value
        array = calls.as_array(value, leaf, self.site)
        if array.dtype.kind in "biu":
            return array.astype(DOUBLE if double else SINGLE)
        if not double and array.dtype.itemsize > 4 * (1 + (array.dtype.kind == "c")):
            if not isinstance(value, np.generic):
                raise self._no_double(f"{leaf.path} of dtype {array.dtype}")
            return value.item()
        return array

    def _no_double(self, what: str) -> TargetError:
        said = f"{self.site.name}: {what} asks for float64, which JAX has switched off"
        return TargetError(message(said, instead='jax.config.update("jax_enable_x64", True), or float32'))

    def _arrays(self, values: list[Any]) -> list[Any]:
        """The results in order, of what JAX traces."""
        import jax.numpy as jnp

        traced, site = self.traced, self.site
        arrays = [jnp.asarray(v) for v in values]
        dtype = _working_dtype(values) if self.dtype is None else self.dtype
        cores = [calls.core_shape(a, leaf, site) for a, leaf in zip(arrays, traced.leaves)]
        calls.refuse_complex(traced, arrays, site)
        batches = calls.batch_shapes(traced, arrays, cores, site, jnp.broadcast_shapes)
        parts = [_parts(leaf, a, core, dtype) for leaf, a, core in zip(traced.leaves, arrays, cores)]
        packed = any(leaf.core.symmetric and core != leaf.core.shape for leaf, core in zip(traced.leaves, cores))
        found = iter(self.program(parts, cores, batches, packed))
        nothing = [jnp.zeros(0, dtype)]
        results = [next(found) if slot.size else nothing for slot in self.slots]
        return [_result(s, values, packed, _batch_of(s, batches)) for s, values in zip(self.slots, results)]


@functools.cache
def _is_jaxs(kind: type) -> bool:
    return calls.target_of(kind) == "jax"


def _has_double() -> bool:
    import jax

    return bool(jax.config.read("jax_enable_x64"))


def _working_dtype(values: Sequence[Any]) -> np.dtype:
    """The float type of a call by JAX's promotion: numbers are weak, integers take JAX's default."""
    strong = [np.dtype(v.dtype) for v in values if not getattr(v, "weak_type", False)]
    if any(d in (DOUBLE, COMPLEX[DOUBLE]) for d in strong):
        return DOUBLE
    inexact = any(d.kind not in "biu" for d in strong)  # bfloat16 is of kind V
    return SINGLE if inexact or not _has_double() else DOUBLE


def _parts(leaf: Leaf, array: Any, core: Core, dtype: np.dtype) -> Parts:
    """A value in the working dtype, with the axes of one event flattened; a complex one as its two parts."""
    import jax.numpy as jnp

    has_parts = jnp.issubdtype(array.dtype, jnp.complexfloating)
    array = array.astype(COMPLEX[dtype] if has_parts else dtype)
    if core:
        array = array.reshape(*array.shape[: array.ndim - len(core)], math.prod(core))
    if leaf.core.kind != "complex":
        return [array]
    return [array.real, array.imag] if has_parts else [array, jnp.zeros([math.prod(core)] if core else [], dtype)]


def _batch_of(slot: Slot, batches: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    for axis in slot.axes:
        return next(iter(batches.values())) if len(batches) == 1 else batches[axis]
    return ()


def _result(slot: Slot, parts: Parts, packed: bool, batch: tuple[int, ...]) -> Any:
    """One value of the result in its own shape, behind the batch's axes."""
    from jax import lax

    value = lax.complex(*parts) if slot.kind == "complex" else parts[0]
    if slot.kind == "bool":
        value = value != 0
    return value.reshape(*batch, *((slot.size,) if slot.symmetric and packed else slot.shape))
