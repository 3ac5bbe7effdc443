"""Compare symhep with other ways to compute the same formulas: one table per formula.

    python -m benchmarks                                  all formulas, about four minutes
    python -m benchmarks --quick                          less than one
    python -m benchmarks --only amp1 --only dimuon
    python -m benchmarks --markdown docs/performance.md   also write the tables to a file

The notes under the tables say what is compared. To add a system or a formula: systems.py, inputs.py.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import helas_c
from benchmarks.compare import Comparison, Row, compare
from benchmarks.inputs import INPUTS
from benchmarks.peers import table as peers
from benchmarks.systems import SYSTEMS

EVENTS = (20_000, 100_000)
QUICK = ("amp1", "dimuon")
PACKAGES = ("symhep", "numpy", "numba", "llvmlite", "sympy")
MISSING = "–"

NOTES = """\
ops: operations per event by the counting rule of `symhep report`, of the program that the system runs; for plain C,
NumPy and numba, those of the Python function with every call of a helper counted. compile: seconds from the function
(or the C file) to the first values in float64; packages are imported before. float64, float32: nanoseconds per event,
one thread, the median of rounds in which the systems take turns. ×: how many times faster than the reference, which is
plain C where there is C code and a compiler, else NumPy.

plain C: benchmarks/helas.c, gcc -O3 -march=native and the floating-point options of benchmarks/helas_c.py. NumPy: the
function called with whole columns. numba: @njit(error_model="numpy", fastmath=True) on a loop that calls the function;
for uū → γγγ the version in benchmarks/helas_numba.py. sympy: the function called with real symbols, real and imaginary
parts kept apart, then lambdify(cse=True): with NumPy on whole columns; with numba as a function called in a loop; or
its text pasted into that loop (inline). Where it has literals, numba computes in float64 even for float32 columns."""


def header(comparison: Comparison) -> list[str]:
    """The titles of the columns: two for every precision."""
    dtypes = dict.fromkeys(dtype for dtype, _ in comparison.batches)
    return ["", "events", "ops", "compile", *[title for dtype in dtypes for title in (dtype, "×")]]


def lines(comparison: Comparison) -> list[list[str]]:
    """The lines of the table: every system with the smaller batch, then with the larger."""
    sizes = dict.fromkeys(events for _, events in comparison.batches)
    return [cells(row, comparison, events) for events in sizes for row in comparison.rows]


def cells(row: Row, comparison: Comparison, events: int) -> list[str]:
    """One line of the table."""
    operations = MISSING if row.operations is None else str(row.operations)
    compiling = MISSING if row.compile_seconds is None else f"{row.compile_seconds:.2f}"
    line = [row.system, short(events), operations, compiling]
    for batch in comparison.batches:
        if batch[1] == events:
            own = row.nanoseconds(batch)
            other = comparison.reference.nanoseconds(batch) if comparison.reference else None
            line += [number(own), number(other / own if own and other else None)]
    return line


def short(events: int) -> str:
    """
    >>> short(100), short(20_000)
    ('100', '20k')
    """
    return f"{events // 1000}k" if events >= 1000 else str(events)


def number(value: float | None) -> str:
    """Two decimals or three digits.

    >>> number(0.12345), number(12.345), number(1234.5), number(None)
    ('0.12', '12.3', '1234', '–')
    """
    if value is None:
        return MISSING
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}"


def remarks(comparison: Comparison) -> list[str]:
    """What is to be said under a table: why something is missing, what × means, how much the times scatter."""
    reference = comparison.reference
    said = [f"× is relative to {reference.system}"] if reference else []
    said += [f"quartiles of a time lie {comparison.spread:.0%} apart"]
    return said + [f"{row.system}: {row.note}" for row in comparison.rows if row.note]


def table(comparison: Comparison) -> Table:
    """For a terminal."""
    made = Table(title=title(comparison), box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    made.caption = "; ".join(remarks(comparison))
    for i, heading in enumerate(header(comparison)):
        made.add_column(heading, justify="right" if i else "left", no_wrap=True)
    for i, line in enumerate(lines(comparison)):
        if i and i % len(comparison.rows) == 0:
            made.add_section()
        made.add_row(*line, style="bold" if line[0] == "symhep" else "")
    return made


def title(comparison: Comparison) -> str:
    return f"{comparison.given.name}: {comparison.given.title}"


def markdown(comparison: Comparison) -> str:
    """The same for a file."""
    rule = ["---", *["---:"] * (len(header(comparison)) - 1)]
    body = [f"| {' | '.join(line)} |" for line in (header(comparison), rule, *lines(comparison))]
    return "\n".join([f"## {title(comparison)}", "", *body, "", f"{'; '.join(remarks(comparison))}."])


def machine() -> list[str]:
    """What the tables were made on."""
    lines = [f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"]
    if load := other_load():
        lines[0] += f", {load}"
    packages = [f"{name} {found}" for name in PACKAGES if (found := version_of(name))]
    lines.append(f"Python {platform.python_version()}, {', '.join(packages)}")
    if command := helas_c.compiler():
        lines.append(subprocess.run([command, "--version"], capture_output=True, text=True).stdout.splitlines()[0])
    return lines


def other_load() -> str:
    """A warning where other programs kept the machine busy in the last minute."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return f"**busy with other programs (load {load:.1f}) at the start**" if load > 0.3 else ""


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return getattr(sys.modules.get(package), "__version__", "")


def page(comparisons: list[Comparison], about: list[str], arguments: list[str], old: str = "") -> str:
    """The tables as a page of the documentation; what benchmarks.peers wrote to the old page stays."""
    command = shlex.join(["python", "-m", "benchmarks", *arguments])
    parts = ["# Performance", f"Written by `{command}`.", "\n".join(f"- {line}" for line in about)]
    parts += [markdown(comparison) for comparison in comparisons]
    return "\n\n".join([*parts, "## What is compared", NOTES, peers.block(old)]) + "\n"


def say(console: Console, paragraphs: list[str]) -> None:
    for text in paragraphs:
        console.print(text, style="dim", highlight=False)


def chosen(names: list[str] | None, default: list[str], known: dict) -> list[str]:
    unknown = [name for name in names or [] if name not in known]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(known)}")
    return names or default


def main(
    quick: Annotated[bool, typer.Option(help="amp1 and dimuon, fewer rounds, one batch size")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"{', '.join(INPUTS)}; may be repeated")] = None,
    system: Annotated[list[str] | None, typer.Option(help=f"{'; '.join(SYSTEMS)}; may be repeated")] = None,
    budget: Annotated[float, typer.Option(min=1, help="seconds that a system may take to compile")] = 60.0,
    rounds: Annotated[int, typer.Option(min=1, help="samples of every time")] = 15,
    markdown: Annotated[Path | None, typer.Option(help="also write the tables to this file")] = None,
) -> None:
    """Compare symhep with other ways to compute the same formulas: one table per formula."""
    names = chosen(only, list(QUICK if quick else INPUTS), INPUTS)
    systems = chosen(system, list(SYSTEMS), SYSTEMS)
    options = {"events": EVENTS[:1], "rounds": min(rounds, 9)} if quick else {"events": EVENTS, "rounds": rounds}
    console = Console()
    about = machine()
    say(console, [line.replace("**", "") for line in about])
    comparisons = []
    for name in names:
        with console.status(name) as status:
            comparisons.append(compare(name, systems, budget=budget, progress=status.update, **options))
        console.print(table(comparisons[-1]))
    say(console, [paragraph.replace("\n", " ") for paragraph in NOTES.split("\n\n")])
    if markdown:
        arguments = [a if not Path(a).is_absolute() else Path(a).name for a in sys.argv[1:]]
        old = markdown.read_text(encoding="utf-8") if markdown.exists() else ""
        markdown.write_text(page(comparisons, about, arguments, old), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
