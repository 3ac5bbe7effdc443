"""`python -m tests.fuzz --cases N --seed S --minutes M`: random formulas, and a summary of what went wrong.

`--only SEED` shows one case, made smaller as far as it still fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.fuzz.case import Options, failures, options_for
from tests.fuzz.recipes import Recipe, recipe, shrink


def one(seed: int, seen: Counter | None = None) -> list[str] | None:
    """The failures of one case, an exception among them; None where the seed makes no formula."""
    return attempt(recipe(seed), options_for(seed), seen)


def attempt(
    r: Recipe, options: Options, seen: Counter | None = None, check: Callable[..., list[str] | None] = failures
) -> list[str] | None:
    """As `check`, with exceptions as texts."""
    try:
        with np.errstate(all="ignore"):
            return check(r, options, seen)
    except Exception as error:
        return [f"{type(error).__name__}: {str(error).strip()[:200]}"]


def kind_of(failure: str) -> str:
    """What failures have in common."""
    return failure.partition(":")[0] if ":" in failure else failure.partition("(")[0]


def smallest(seed: int) -> tuple[Recipe, list[str]]:
    """A failing case made smaller, with its failures."""
    options = options_for(seed)
    found = attempt(recipe(seed), options) or []
    kinds = {kind_of(f) for f in found}
    if "readable source" not in kinds:  # takes seconds
        options = replace(options, readable=False)
    fails: Callable[[Recipe], bool] = lambda r: bool(kinds & {kind_of(f) for f in attempt(r, options) or []})
    r = shrink(recipe(seed), fails) if found else recipe(seed)
    return r, attempt(r, options) or []


def fuzz(cases: int, seed: int = 0, minutes: float | None = None) -> tuple[Counter, dict[int, list[str]]]:
    """Run cases; how many were formulas and what was compared, and the failures by seed."""
    start, seen, failed = time.monotonic(), Counter(), {}
    for s in range(seed, seed + cases):
        found = one(s, seen)
        seen["formulas"] += found is not None
        if found:
            failed[s] = found
        if minutes is not None and time.monotonic() - start > 60 * minutes:
            break
    return seen, failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--only", type=int)
    parser.add_argument("--shrink", type=int, default=1, help="how many failures of a kind are made smaller")
    given = parser.parse_args()
    if given.only is not None:
        r, found = smallest(given.only)
        print(options_for(given.only), r, *found, sep="\n")
        return bool(found)
    start = time.monotonic()
    seen, failed = fuzz(given.cases, given.seed, given.minutes)
    seconds = time.monotonic() - start
    each = 1e3 * seconds / max(seen["formulas"], 1)
    print(
        f"{seen['formulas']} formulas in {seconds:.0f} s ({each:.1f} ms each), {len(failed)} failed; {dict(seen)}",
        flush=True,
    )
    kinds = Counter(kind_of(f) for found in failed.values() for f in found)
    examples = defaultdict(list)
    for s, found in failed.items():
        for f in {kind_of(f): f for f in found}.items():
            examples[f[0]].append((s, f[1]))
    for kind, times in kinds.most_common():
        seeds = ", ".join(str(s) for s, _ in examples[kind][:12])
        print(f"\n{times} × {kind}: seeds {seeds}\n  {examples[kind][0][1]}", flush=True)
        for s, _ in examples[kind][: given.shrink]:
            r, found = smallest(s)
            print(f"  made smaller: {options_for(s)}\n  {r}", *found[:4], sep="\n    ")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
