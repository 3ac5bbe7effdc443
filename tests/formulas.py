"""Random formulas for tests: written with operators on whatever values they are given, in one spelling or another."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symhep.graph import Graph
from symhep.tracing.trace import trace

UNARY: tuple[Callable[[Any], Any], ...] = (
    lambda x: -x,
    np.square,
    lambda x: x**3,
    lambda x: x * 3,
    lambda x: x / 7,
    lambda x: x - 0.1,
    np.abs,
    lambda x: np.sqrt(1 + x * x),
    lambda x: 1 / (2 + x * x),
    lambda x: (1 + x * x) ** -1.5,
    np.sin,
    np.cos,
    np.arctan,
    np.tanh,
    lambda x: np.exp(-x * x),
    lambda x: np.log(3 + x * x),
    lambda x: np.cos(np.arctan2(x, 1.5)),
    lambda x: np.sqrt(x * x),
    lambda x: np.log(np.exp(x)),
)
BINARY: tuple[Callable[[Any, Any], Any], ...] = (
    *(lambda x, y: x + y,) * 4,
    *(lambda x, y: x - y,) * 4,
    *(lambda x, y: x * y,) * 6,
    lambda x, y: x / (1.5 + y * y),
    lambda x, y: np.hypot(x, y),
    lambda x, y: np.arctan2(x, y),
    lambda x, y: np.minimum(x, y),
    lambda x, y: np.maximum(x, y),
    lambda x, y: np.where(x < y, x, 2 * y),
    lambda x, y: x * y + x * (y + 1),
)


def formula(seed: int, inputs: int = 4, steps: int = 20, outputs: int = 2) -> Callable[..., tuple]:
    """A function of `inputs` values: `steps` random operations on earlier results, the last ones returned."""

    def f(*xs: Any) -> tuple:
        rng = random.Random(seed)
        values = list(xs)
        for _ in range(steps):
            if rng.random() < 0.3:
                values.append(rng.choice(UNARY)(rng.choice(values)))
            else:
                values.append(rng.choice(BINARY)(rng.choice(values[-8:]), rng.choice(values)))
        return tuple(values[-outputs:])

    return f


def graph_of(f: Callable[..., Any], inputs: int = 4) -> Graph:
    """A function of `inputs` scalars as a graph."""
    names = [f"x{i}" for i in range(inputs)]
    namespace: dict[str, Any] = {"f": f}
    exec(f"def traced({', '.join(names)}): return f({', '.join(names)})", namespace)
    return trace(namespace["traced"]).graph


def polynomial(rng: random.Random, inputs: int, terms: int) -> list[tuple[int, list[int]]]:
    """Random terms: a coefficient and the numbers of the inputs that are multiplied."""
    return [
        (rng.choice([1, 1, -1, 2, -3]), sorted(rng.choices(range(inputs), k=rng.randint(1, 3)))) for _ in range(terms)
    ]


def spelled(terms: Sequence[tuple[int, list[int]]], rng: random.Random) -> Callable[..., Any]:
    """One of the many ways to write a polynomial: terms and factors in any order, in any grouping, in any idiom."""
    terms = [(c, rng.sample(m, len(m))) for c, m in terms]
    rng.shuffle(terms)
    choices = [rng.random() for _ in range(20 * len(terms))]

    def f(*xs: Any) -> Any:
        pick = iter(choices)
        return _grouped([_term(c, [xs[i] for i in m], pick) for c, m in terms], pick)

    return f


def _term(c: int, values: list[Any], pick: Any) -> Any:
    if len(values) == 2 and values[0] is values[1] and next(pick) < 0.5:
        product = values[0] ** 2 if next(pick) < 0.5 else np.square(values[0])
    else:
        product = values[0]
        for v in values[1:]:
            product = product * v if next(pick) < 0.5 else v * product
    if c == -1:
        return -product
    if c == 2 and next(pick) < 0.5:
        return product + product
    return product if c == 1 else c * product


def _grouped(values: list[Any], pick: Any) -> Any:
    while len(values) > 1:
        i = int(next(pick) * (len(values) - 1))
        x, y = values[i], values[i + 1]
        values[i : i + 2] = [x + y if next(pick) < 0.5 else x - (-y)]
    return values[0]
