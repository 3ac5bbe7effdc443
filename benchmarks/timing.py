"""Interleaved medians: every system in turn, round after round, so that a busy machine slows down all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

ENOUGH = 3.0  # seconds of measuring one function after which it is left out of further rounds
LONG = 20  # calls that take so many times longer than asked for need no second one
FEWEST = 3  # samples that are taken even so


@dataclass(frozen=True)
class Median:
    """Seconds of one call, and the distance of the quartiles relative to them."""

    seconds: float
    spread: float

    @classmethod
    def of(cls, samples: list[float]) -> Median:
        """
        >>> Median.of([1.0, 2.0, 3.0])
        Median(seconds=2.0, spread=0.5)
        """
        middle = statistics.median(samples)
        low, _, high = statistics.quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else [middle] * 3
        return cls(middle, (high - low) / middle)


def seconds_per_call(call: Callable[[], Any], at_least: float, clock: Callable[[], float] | None = None) -> float:
    """The mean over as many calls as last `at_least` seconds, after one to warm up; a long call is made only once."""
    clock = clock or time.perf_counter
    start = clock()
    call()
    once = clock() - start
    if once > LONG * at_least:
        return once
    repeats = int(at_least / max(once, 1e-7)) + 1
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats


def medians(samples: Mapping[Hashable, Callable[[], float]], rounds: int) -> dict[Hashable, Median]:
    """Call every sampler once per round, in order, and take the medians of what they return; slow ones drop out."""
    taken: dict[Hashable, list[float]] = {key: [] for key in samples}
    spent = dict.fromkeys(samples, 0.0)
    for _ in range(rounds):
        for key, sample in samples.items():
            if len(taken[key]) >= FEWEST and spent[key] > ENOUGH:
                continue
            start = time.perf_counter()
            taken[key].append(sample())
            spent[key] += time.perf_counter() - start
    return {key: Median.of(values) for key, values in taken.items()}
