"""Kernels and columns that several tests use."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import symhep as sh

RNG = np.random.default_rng(2)


@sh.kernel
def mass(e, px, py, pz):
    """Invariant mass."""
    return np.sqrt(e * e - px * px - py * py - pz * pz)


@sh.kernel
def boosted(p: sh.Vector[4], beta):
    gamma = 1 / np.sqrt(1 - beta * beta)
    return np.stack([gamma * (p[0] - beta * p[3]), p[1], p[2], gamma * (p[3] - beta * p[0])])


def columns(n=1000, dtype=float):
    p = RNG.normal(size=(3, n))
    return [c.astype(dtype) for c in (np.sqrt((p * p).sum(0) + 1), *p)]


def close(got, want, rtol=1e-13):
    np.testing.assert_allclose(got, want, rtol=rtol)


@sh.kernel
def propagate(C: sh.Symmetric[3], F: sh.Matrix[3, 3]) -> sh.Symmetric[3]:
    return F @ C @ F.T


def linear(x, w: sh.Vector[2]):
    return x * w[0] + w[1]


class Momentum(NamedTuple):
    e: sh.Scalar
    p: sh.Vector[3]


@dataclass
class Pair:
    first: Momentum
    second: Momentum


@sh.kernel
def total(pair: Pair, names: tuple[sh.Scalar, sh.Scalar] = (0.0, 1.0)) -> dict:
    a, b = pair.first, pair.second
    return {"sum": Momentum(a.e + b.e, a.p + b.p), "list": [names[0], (names[1],)]}
