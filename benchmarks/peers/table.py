"""The tables, in Markdown; those that are there keep the rows that were not measured again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.cases import CASES
from benchmarks.peers.measure import Cell
from benchmarks.peers.registry import PEERS, Peer

BEGIN, END = "<!-- peers:begin -->", "<!-- peers:end -->"
HEADING = "## Values and derivatives beside other packages"
MISSING = "–"
HEADER = ("", *("ops", "compile s", "ns", "×") * 2, "")
RULE = ("---", *["---:"] * 8, "---")


@dataclass(frozen=True)
class Line:
    """A line of a table: what its first cell begins with, and its cells."""

    peer: str
    cells: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"| {' | '.join(self.cells)} |"


def line(peer: Peer, halves: tuple[Cell, Cell]) -> Line:
    """The line of a package that was measured."""
    notes = [
        f"{what}: {cell.note.replace('|', '/')}" for what, cell in zip(("values", "derivatives"), halves) if cell.note
    ]
    return Line(peer.name, (peer.label, *(text for cell in halves for text in texts(cell)), "; ".join(notes)))


def absent(peer: Peer) -> Line:
    """The line of a package that is not installed."""
    return Line(peer.name, (peer.title, *[MISSING] * 8, peer.missing))


def texts(cell: Cell) -> list[str]:
    """Operations, compile time, time per event, and that as a multiple of symhep's; faster than symhep is bold.

    >>> texts(Cell(10, 0.5, 2.34, 0.5)), texts(Cell(limit=120))
    (['10', '0.50', '2.34', '**0.50**'], ['–', '> 120', '–', '–'])
    """
    compiling = f"> {cell.limit:g}" if cell.limit and cell.compile_seconds is None else number(cell.compile_seconds)
    times = number(cell.times)
    operations = MISSING if cell.operations is None else str(cell.operations)
    faster = cell.times is not None and cell.times < 0.995
    return [operations, compiling, number(cell.nanoseconds), f"**{times}**" if faster else times]


def number(value: float | None) -> str:
    """Two decimals, or three digits.

    >>> number(0.123), number(12.34), number(1234.5), number(None)
    ('0.12', '12.3', '1234', '–')
    """
    return MISSING if value is None else f"{value:.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"


Tables = dict[str, dict[str, Line]]  # by case, by package


def section(tables: Mapping[str, Mapping[str, Line]], notes: str) -> str:
    """What stands between the markers: a table for each formula, in order."""
    parts = [HEADING, notes]
    for name, case in CASES.items():
        if found := tables.get(name):
            rows = [found[peer].text for peer in PEERS if peer in found]
            head = [f"| {' | '.join(cells)} |" for cells in (HEADER, RULE)]
            parts.append("\n".join([f"### {name}: {case.title}", "", *head, *rows]))
    return "\n\n".join(parts)


def read(page: str) -> Tables:
    """The tables of a page that has the markers."""
    tables: Tables = {}
    for part in block(page).split("\n### ")[1:]:
        name = part.partition(":")[0]
        rows = [text[2:-2].split(" | ") for text in part.splitlines() if text.startswith("| ")]
        found = tables.setdefault(name, {})
        for cells in rows[2:]:
            peer = next(p.name for p in PEERS.values() if cells[0].startswith(p.title))
            found[peer] = Line(peer, tuple(cells))
    return tables


def block(page: str) -> str:
    """The markers of a page and what stands between them; the markers alone where it has none."""
    return f"{BEGIN}{page.partition(BEGIN)[2].partition(END)[0]}{END}" if BEGIN in page else f"{BEGIN}\n{END}"


def write(path: Path, tables: Tables, notes: str) -> None:
    """Put tables between the markers of a page, at its end where it has none; rows that are not given stay.

    A package that is not installed here keeps the row that it has.
    """
    page = path.read_text(encoding="utf-8")
    merged = read(page)
    for name, rows in tables.items():
        kept = merged.setdefault(name, {})
        kept |= {peer: row for peer, row in rows.items() if peer not in kept or not PEERS[peer].missing}
    if BEGIN not in page:
        page = f"{page.rstrip()}\n\n{block(page)}\n"
    made = f"{BEGIN}\n{section(merged, notes)}\n{END}"
    path.write_text(page.replace(block(page), made), encoding="utf-8")
