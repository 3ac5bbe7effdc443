"""What random formulas are run with: ordinary numbers, and those that are at the edges of what numbers there are."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.recipes import Argument, Recipe


def ordinary(r: Recipe, n: int, dtype: Any, seed: int = 0) -> list[np.ndarray]:
    """Generic values of order one, one array per argument (parameters have no batch axis)."""

    def draw(rng: np.random.Generator, shape: tuple) -> np.ndarray:
        small = rng.uniform(-2.5, 2.5, shape)
        wide = rng.choice([-1.0, 1.0], shape) * np.exp(rng.uniform(-4, 4, shape))
        return np.where(rng.random(shape) < 0.75, small, wide)

    return [_typed(a, draw, n, dtype, _rng(r, a, seed)) for a in r.arguments]


_PLACES = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -2.0, 3.0, 1e5, -1e9, 1e-9, 0.1, -0.3, 1e22)


def special(r: Recipe, n: int, dtype: Any, seed: int = 0) -> list[np.ndarray]:
    """Zeros of both signs, infinities, NaN, subnormal, huge and tiny numbers, mixed with ordinary ones."""
    info = np.finfo(dtype)
    edges = [info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal, info.tiny / 4, info.max / 4]
    edges += [float(info.max) ** 0.5, float(info.tiny) ** 0.5, 1 + info.eps, 1 - info.eps]
    pool = np.array([*_PLACES, *edges])

    def draw(rng: np.random.Generator, shape: tuple) -> np.ndarray:
        return np.where(rng.random(shape) < 0.75, rng.choice(pool, shape), rng.uniform(-2.5, 2.5, shape))

    return [_typed(a, draw, n, dtype, _rng(r, a, seed + 1)) for a in r.arguments]


def _rng(r: Recipe, a: Argument, seed: int) -> np.random.Generator:
    """Of each argument its own, so that the others may be left out."""
    return np.random.default_rng([abs(r.seed), seed, zlib.crc32(a.name.encode())])


def _typed(a: Argument, draw: Callable, n: int, dtype: Any, rng: np.random.Generator) -> np.ndarray:
    shape = (() if a.parameter else (n,)) + a.core
    with np.errstate(all="ignore"):
        x = np.asarray(draw(rng, shape)).astype(dtype)
        if a.kind == "c":
            z = np.empty(shape, np.result_type(dtype, np.complex64))
            z.real, z.imag = x, np.asarray(draw(rng, shape)).astype(dtype)
            return z
    if a.kind == "b":
        return np.signbit(x)
    if a.kind == "i":
        return np.rint(np.clip(np.nan_to_num(x), -9, 9)).astype(np.int64 if dtype == np.float64 else np.int16)
    if a.kind == "s":
        upper = np.triu(np.ones((3, 3), bool))
        return np.where(upper, x, np.swapaxes(x, -1, -2))
    return x
