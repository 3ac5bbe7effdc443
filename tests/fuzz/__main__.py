"""Random formulas through everything, and a summary of what went wrong, by kind.

    python -m tests.fuzz --cases 100000 --seed 1 --workers 2     a night's run
    python -m tests.fuzz --only 4711                             one case, made smaller as far as it still fails

A case is a formula of random operations on random kinds of arguments; its seed decides all of it. Ctrl-C stops and
shows what there is.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.fuzz.case import TARGETS
from tests.fuzz.reproducing import reproducer
from tests.fuzz.running import Outcome, fuzz, smallest


def _run(given: argparse.Namespace, console: Console) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("random formulas", total=given.cases)

        def progress(done: int, total: Outcome) -> None:
            bar.update(task, advance=done, description=f"random formulas, {len(total.failed)} failed")

        return fuzz(given.cases, given.seed, given.minutes, given.targets, given.workers, progress)


def _record(given: argparse.Namespace, outcome: Outcome, seconds: float) -> None:
    """What was run and what failed, as a line of JSON."""
    failed = {seed: [str(f) for f in found] for seed, found in outcome.failed.items()}
    run = {"seed": given.seed, "cases": given.cases, "targets": given.targets, "seconds": round(seconds)}
    with Path(given.log).open("a", encoding="utf-8") as file:
        file.write(json.dumps({**run, "seen": outcome.seen, "failed": failed}) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case; the others follow")
    parser.add_argument("--minutes", type=float, help="stop after this time")
    parser.add_argument("--targets", nargs="+", choices=sorted(TARGETS), help="those to run; all if not given")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--only", type=int, metavar="SEED", help="one case, made smaller")
    parser.add_argument("--shrink", type=int, default=1, help="how many failures of a kind are made smaller")
    parser.add_argument("--log", metavar="FILE", help="append what was run and what failed, as JSON")
    given = parser.parse_args()
    os.environ.setdefault("SYMHEP_CACHE", "off")
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if given.only is not None:
        r, options, found = smallest(given.only, given.targets)
        console.print(reproducer(r, options, found))
        return bool(found)
    start = time.monotonic()
    outcome = _run(given, console)
    seconds, formulas = time.monotonic() - start, outcome.seen["formulas"]
    each = 1e3 * seconds / max(formulas, 1)
    console.print(f"{formulas} formulas in {seconds:.0f} s ({each:.1f} ms each), {len(outcome.failed)} failed")
    console.print("compared: " + ", ".join(f"{what} {n:,}" for what, n in sorted(outcome.seen.items())))
    if given.log:
        _record(given, outcome, seconds)
    for kind, seeds in outcome.kinds.items():
        first = next(f for f in outcome.failed[seeds[0]] if f.kind == kind)
        console.print(f"\n{len(seeds)} × {kind}: seeds {', '.join(map(str, seeds[:12]))}\n  {first}"[:1000])
        for seed in seeds[: given.shrink]:
            console.print(reproducer(*smallest(seed, given.targets)))
    return bool(outcome.failed)


if __name__ == "__main__":
    sys.exit(main())
