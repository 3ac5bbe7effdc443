"""Compare symhep with other packages, values and derivatives: one table per formula.

    python -m benchmarks.peers                                all that are installed; half an hour
    python -m benchmarks.peers --only jax --case likelihood   one package, one formula
    python -m benchmarks.peers --only jax --write             put its rows into the tables of docs/performance.md

Packages that cannot be installed together are measured one after the other, from environments of their own: --write
keeps the rows of those that are missing. To add one: a module that has `build`, and a line in registry.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.__main__ import chosen, machine, say
from benchmarks.peers import table
from benchmarks.peers.cases import CASES
from benchmarks.peers.measure import ALLOWED, SYMHEP, Limits, measure
from benchmarks.peers.registry import PEERS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"

NOTES = """\
Each line is the median of rounds in which the package and symhep take turns, {events:,} events, float64, one thread: of
the values, then of a program that gives the values and all derivatives. ops: operations per event by the counting rule
of `symhep report`, of the program that runs; what depends on parameters alone is not counted, except for SymEngine and
Symbolica, which compute it for every event. compile: seconds from the Python function to the first values; packages are
imported before. ns: nanoseconds per event. Both are times of the processor, so that other work on the machine does not
count. ×: that as a multiple of symhep's time; what is faster than symhep is bold.

Every package is given the same Python function, in the form that suits it best: called with its own numbers, real and
imaginary parts kept apart and structural zeros left out. JAX: `jax.jit` on whole columns, reverse mode, for the
Jacobian forward mode; XLA may compute a value again in several of its loops, and then it is counted again. SymEngine:
`Lambdify` with LLVM and cse. CasADi and SymForce: the C and C++ that they write, in a loop that gcc -O3 -march=native
-ffast-math turns into vector instructions where it can; its vectors of elementary functions are good to 4 ulp.
PyTensor: its default backend. Symbolica: its just-in-time compiler. lambdify: sympy's, with cse=True and NumPy; or, in
the way of tensorwaves, with jax.numpy and then `jax.jit`. Derivatives are the package's own. Values are compared with
symhep's (relative tolerance {allowed:g})."""


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"{', '.join(PEERS)}; may be repeated")] = None,
    case: Annotated[list[str] | None, typer.Option(help=f"{', '.join(CASES)}; may be repeated")] = None,
    limit: Annotated[float, typer.Option(min=1, help="seconds that a program may take to compile")] = 120.0,
    memory: Annotated[float, typer.Option(min=1, help="gigabytes that a process may use")] = 8.0,
    events: Annotated[int, typer.Option(min=1000, help="events in a batch")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, help="samples of every time")] = 15,
    write: Annotated[bool, typer.Option("--write", help=f"put the tables into docs/{PAGE.name}")] = False,
    page: Annotated[Path, typer.Option(help="the page to put them into")] = PAGE,
) -> None:
    """Compare symhep with other packages, values and derivatives: one table per formula."""
    peers, names = chosen(only, list(PEERS), PEERS), chosen(case, list(CASES), CASES)
    limits = Limits(limit, memory, events, rounds)
    console = Console()
    about = machine()
    say(console, [line.replace("**", "") for line in about])
    for name in names:
        with console.status(name) as status:
            rows = lines(name, peers, limits, status.update)
        console.print(printed(name, rows))
        if write:
            table.write(page, {name: rows}, notes(about, limits))
    say(console, [paragraph.replace("\n", " ") for paragraph in notes([], limits).split("\n\n")])


def lines(name: str, peers: list[str], limits: Limits, progress) -> dict[str, table.Line]:
    """The lines of one table: what was measured, and what is not installed."""
    there = [peer for peer in peers if not PEERS[peer].missing]
    found = measure(CASES[name], there, limits, progress)
    return {
        peer: table.line(PEERS[peer], found[peer]) if peer in found else table.absent(PEERS[peer])
        for peer in PEERS
        if peer in found or peer in peers
    }


def notes(about: list[str], limits: Limits) -> str:
    """What is compared, and where."""
    text = NOTES.format(events=limits.events, allowed=ALLOWED)
    listed = "\n".join(f"- {line}" for line in about)
    return f"Written by `python -m benchmarks.peers --write`.\n\n{listed}\n\n{text}" if about else text


def printed(name: str, rows: dict[str, table.Line]) -> Table:
    """For a terminal."""
    made = Table(title=f"{name}: {CASES[name].title}", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    *headings, _ = table.HEADER
    for i, heading in enumerate(headings):
        made.add_column(heading, justify="right" if i else "left", no_wrap=True)
    for row in rows.values():
        cells = [cell.replace("**", "") for cell in row.cells[:-1]]
        made.add_row(*cells, style="bold" if row.peer == SYMHEP else "")
    said = [f"{PEERS[row.peer].title}: {row.cells[-1]}" for row in rows.values() if row.cells[-1]]
    made.caption = escape("; ".join(said))
    return made


if __name__ == "__main__":
    typer.run(main)
