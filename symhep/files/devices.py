"""Calls with columns that were read from a file, on targets that want arrays of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import numpy as np

from symhep.containers import flatten
from symhep.kernel import Kernel

Call = Callable[[list[Any], dict[str, Any], int | None], Any]


def caller(kernel: Kernel) -> Call:
    """What calls a kernel: call(positional arguments, named ones, threads), with results that NumPy can take."""
    if kernel.options.target == "jax":
        return _by_jax(kernel)
    if kernel.options.target == "cupy":
        return _by_cupy(kernel)
    return lambda positional, named, threads: kernel(*positional, **named, threads=threads)


def _by_jax(kernel: Kernel) -> Call:
    """JAX has float64 for as long as a call takes, if the kernel wants that."""
    import jax

    double = (jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")).enable_x64
    wanted = kernel.options.dtype == np.float64

    def call(positional: list[Any], named: dict[str, Any], threads: int | None) -> Any:
        with double(True) if wanted else nullcontext():
            return jax.block_until_ready(kernel(*positional, **named))

    return call


def _by_cupy(kernel: Kernel) -> Call:
    import cupy

    def moved(value: Any) -> Any:
        leaves, tree = flatten(value, lambda v: isinstance(v, np.ndarray))
        return tree.build(iter([cupy.asarray(x) if isinstance(x, np.ndarray) else x for x in leaves]))

    def back(value: Any) -> Any:
        leaves, tree = flatten(value, lambda v: isinstance(v, cupy.ndarray))
        return tree.build(iter([cupy.asnumpy(x) if isinstance(x, cupy.ndarray) else x for x in leaves]))

    def call(positional: list[Any], named: dict[str, Any], threads: int | None) -> Any:
        result = kernel(*[moved(v) for v in positional], **{k: moved(v) for k, v in named.items()})
        return back(result)

    return call
