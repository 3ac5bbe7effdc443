"""A kernel's results as columns of a file: their names, and their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symhep.calling.calls import COMPLEX
from symhep.errors import ArgumentError, message
from symhep.files.columns import Column, split
from symhep.kernel import Kernel
from symhep.variants import Variant


def result_name(kernel: str, path: str) -> str:
    """What the column of a result is called: its key or field; without one, after the kernel.

    >>> result_name("mass", "result"), result_name("f", "result.m2"), result_name("f", "result[0].x")
    ('mass', 'm2', 'f[0].x')
    """
    rest = path.removeprefix("result")
    return rest[1:] if rest.startswith(".") else kernel + rest


def result_columns(kernel: Kernel, variant: Variant, dtype: np.dtype) -> list[Column]:
    """The columns that the results make."""
    kinds = {"complex": COMPLEX[dtype], "bool": np.dtype(bool)}
    return [Column(result_name(kernel.name, s.path), kinds.get(s.kind, dtype), s.shape) for s in variant.slots]


def result_values(kernel: Kernel, variant: Variant, result: Any, events: int) -> dict[str, np.ndarray]:
    """The columns of the results of a call; a number, such as a sum over all events, is repeated for each."""
    made = {}
    leaves = variant.traced.tree.take(result, "result")
    for slot, (path, leaf) in zip(variant.slots, leaves):
        values = np.asarray(leaf)
        if not slot.axes:
            values = np.broadcast_to(values, (events, *slot.shape))
        made[result_name(kernel.name, path)] = values
    return made


def check_names(results: Sequence[Column], kept: Mapping[str, Column]) -> None:
    """Raise ArgumentError where a result and a kept column, or cells of them, have the same name."""
    taken = {part.name for c in results for part in split([c], shapes=False, complexes=False)}
    for name, c in kept.items():
        if taken & {part.name for part in split([c], shapes=False, complexes=False)}:
            what = f"--keep {name}: the result of the kernel has that name"
            raise ArgumentError(message(what, instead="a dict of results, whose keys are their names"))
