"""Many cases: in blocks whose C and CUDA texts are compiled together, in several processes, and what came of them."""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

import numpy as np

from tests.fuzz.case import Case, Options, failures, options_for
from tests.fuzz.checks import Failure
from tests.fuzz.compiled import compiled_failures
from tests.fuzz.derivatives import derivative_failures
from tests.fuzz.layouts import layout_failures
from tests.fuzz.others import other_failures
from tests.fuzz.recipes import Recipe, recipe
from tests.fuzz.shrink import shrink
from tests.fuzz.with_jax import jax_failures

BLOCK = 40  # cases
BLOCKS = 25  # of a process, before another takes its place


@dataclass
class Outcome:
    """What was compared, how often, and the failures by seed."""

    seen: Counter = field(default_factory=Counter)
    failed: dict[int, list[Failure]] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        """Take over what another has."""
        self.seen += other.seen
        self.failed |= other.failed

    @property
    def kinds(self) -> dict[str, list[int]]:
        """The seeds that fail in each way, the most frequent way first."""
        found: dict[str, list[int]] = {}
        for seed, failed in self.failed.items():
            for kind in dict.fromkeys([f.kind for f in failed]):
                found.setdefault(kind, []).append(seed)
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def attempt(make: Callable[[], Iterator[Failure]]) -> list[Failure]:
    """What a check finds, an exception among it."""
    found: list[Failure] = []
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for failure in make():
                found.append(failure)
    except Exception as error:
        found.append(Failure(type(error).__name__, str(error).strip()[:300] or "without a text"))
    return found


def _in_process(case: Case) -> Iterator[Failure]:
    parts = case.options.parts
    if case.options.derivative and not case.reduced:
        yield from derivative_failures(case)
    yield from failures(case)
    if "layouts" in parts:
        yield from layout_failures(case)
    yield from other_failures(case)
    if parts & {"jax", "jax text"} and find_spec("jax") is not None:
        yield from jax_failures(case)


def block(given: Sequence[tuple[Recipe, Options]]) -> tuple[Counter, list[list[Failure]]]:
    """Run some cases; what was compared, and the failures of each."""
    seen: Counter = Counter()
    found: list[list[Failure]] = []
    cases: list[Case] = []
    places: dict[int, int] = {}
    for k, (r, options) in enumerate(given):
        made: list[Case] = []

        def run(r: Recipe = r, options: Options = options, made: list[Case] = made) -> Iterator[Failure]:
            case = Case.of(r, options)
            if case is not None:
                made.append(case)
                yield from _in_process(case)

        found.append(attempt(run))
        for case in made:
            seen["formulas"] += 1
            seen["derivatives"] += bool(case.options.derivative)
            if case.found:
                places[id(case)] = k
                cases.append(case)
    try:
        for case, failure in compiled_failures(cases):
            found[places[id(case)]].append(failure)
    except Exception as error:
        found[-1].append(Failure(type(error).__name__, f"in compiled code of a block: {error}"[:300]))
    for case in cases:
        seen += case.seen
    return seen, found


def run_seeds(seeds: Sequence[int], targets: Sequence[str] | None = None) -> Outcome:
    """A block of cases by their seeds."""
    seen, found = block([(recipe(s), options_for(s, targets)) for s in seeds])
    return Outcome(seen, {s: f for s, f in zip(seeds, found) if f})


def _task(given: tuple[Sequence[int], Sequence[str] | None]) -> tuple[int, Outcome]:
    return len(given[0]), run_seeds(*given)


def fuzz(
    cases: int,
    seed: int = 0,
    minutes: float | None = None,
    targets: Sequence[str] | None = None,
    workers: int = 1,
    progress: Callable[[int, Outcome], None] = lambda done, total: None,
) -> Outcome:
    """Run cases with seeds from `seed` on, until they are done, time is up, or Ctrl-C."""
    tasks = [(range(s, min(s + BLOCK, seed + cases)), targets) for s in range(seed, seed + cases, BLOCK)]
    start, total = time.monotonic(), Outcome()

    def collect(results: Iterator[tuple[int, Outcome]]) -> None:
        for done, outcome in results:
            total.add(outcome)
            progress(done, total)
            if minutes is not None and time.monotonic() - start > 60 * minutes:
                break

    try:
        if workers == 1:
            collect(map(_task, tasks))
        else:
            with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=BLOCKS) as pool:
                collect(pool.imap_unordered(_task, tasks))
    except KeyboardInterrupt:
        total.seen["interrupted"] = 1
    return total


def smallest(seed: int, targets: Sequence[str] | None = None) -> tuple[Recipe, Options, list[Failure]]:
    """A failing case made smaller, with its failures; only the checks that it fails are repeated."""
    options = options_for(seed, targets)
    found = block([(recipe(seed), options)])[1][0]
    kinds = {f.kind for f in found}
    if not found:
        return recipe(seed), options, found
    for part in sorted(options.parts, reverse=True):
        fewer = replace(options, parts=options.parts - {part})
        if kinds & {f.kind for f in block([(recipe(seed), fewer)])[1][0]}:
            options = fewer
    fails: Callable[[Recipe], bool] = lambda r: bool(kinds & {f.kind for f in block([(r, options)])[1][0]})
    small = shrink(recipe(seed), fails)
    return small, options, block([(small, options)])[1][0]
