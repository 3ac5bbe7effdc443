"""`symhep run` over files that are ten times larger than the memory it may have, next to the reader alone.

    python -m benchmarks.run_files                    NPZ, Parquet, ROOT, CSV: some minutes, and 3 GB of disk
    python -m benchmarks.run_files lhe --times 0.2    the reader of LHE takes 50 µs per event: a smaller file will do

The kernel is light: the mass of two muons from six columns. Every figure is from a process of its own, and they take
turns; shown is the median of the rounds.

read    the reader alone: the six columns of every chunk, as `symhep run` gets them, one after the other
copy    reader and writer alone: one of the columns is written to a file of the same format, nothing is computed
run     `symhep run`, from the first event to the last; "whole" is the command from start to end
memory  the largest resident set of the command, as the system reports it

The files lie in the page cache, as far as that is large enough: slower disks make all of these more alike.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from symhep.files.columns import Column, size_in_bytes
from symhep.files.formats import reader, writer

COLUMNS = ("pt1", "eta1", "phi1", "pt2", "eta2", "phi2")
CHUNK = 1 << 18  # events that are written at a time
# bytes of an event in a file; LHE: bytes of the event below
PER_EVENT = {"npz": 48, "parquet": 50, "root": 46, "csv": 114, "lhe": 400}
WRITTEN = {"lhe": "csv"}  # the format of the results, where it is another one

KERNEL = """
import numpy as np
import symhep as sh

@sh.kernel
def dimuon_mass(pt1, eta1, phi1, pt2, eta2, phi2):
    return np.sqrt(2 * pt1 * pt2 * (np.cosh(eta1 - eta2) - np.cos(phi1 - phi2)))

@sh.kernel
def pair_mass(e1, px1, py1, pz1, e2, px2, py2, pz2):
    return np.sqrt((e1 + e2)**2 - (px1 + px2)**2 - (py1 + py2)**2 - (pz1 + pz2)**2)
"""

LHE_HEAD = """<LesHouchesEvents version="3.0">
<init>
 2212 2212 6.5e+03 6.5e+03 -1 -1 -1 -1 3 1
 7.19 2.5e-03 1.0 1
</init>
"""
LHE_TAIL = "</LesHouchesEvents>\n"


# -- files -----------------------------------------------------------------------------------------------------------


def blocks(events: int) -> Iterator[dict[str, np.ndarray]]:
    """Columns of muon pairs, with all digits that a double has."""
    random = np.random.default_rng(1)
    for start in range(0, events, CHUNK):
        n = min(CHUNK, events - start)
        yield {
            name: 20 + random.exponential(20, n)
            if name.startswith("pt")
            else random.uniform(-2.4, 2.4, n)
            if name.startswith("eta")
            else random.uniform(-np.pi, np.pi, n)
            for name in COLUMNS
        }


def make(path: Path, events: int) -> None:
    """A file of events."""
    if path.suffix == ".lhe":
        make_lhe(path, events)
        return
    columns = [Column(name, np.dtype(float)) for name in COLUMNS]
    with closing(writer(path, path, columns)) as file:
        for block in blocks(events):
            file.write(block)
        file.finish()


def make_lhe(path: Path, events: int) -> None:
    random = np.random.default_rng(1)
    with open(path, "w") as file:
        file.write(LHE_HEAD)
        for _ in range(events):
            p = random.normal(size=3) * 40
            e = float(np.sqrt(p @ p))
            lines = [f" {pid} -1 0 0 501 0 0.0 0.0 {s * e:.10e} {e:.10e} 0.0 0.0 9.0" for pid, s in ((2, 1), (-2, -1))]
            for pid, s in ((13, 1), (-13, -1)):
                px, py, pz = s * p
                lines.append(f" {pid} 1 1 2 0 0 {px:.10e} {py:.10e} {pz:.10e} {e:.10e} 0.0 0.0 9.0")
            file.write("\n".join(["<event>", " 4 1 1.0 91.2 7.5e-03 1.18e-01", *lines, "</event>", ""]))
        file.write(LHE_TAIL)


# -- what is compared ------------------------------------------------------------------------------------------------


def read(path: Path, chunk: int, output: Path | None) -> dict[str, float]:
    """Seconds that the reader takes, and the writer if there is an output; one of the columns is written."""
    names = ["e", "px", "py", "pz"] if path.suffix == ".lhe" else list(COLUMNS)
    start = time.perf_counter()
    events = 0
    with closing(reader(path)) as file:
        to = writer(output, output, [Column("copy", np.dtype(float))]) if output else None
        for part in file.chunks(names, [], chunk):
            events += part.events
            if to is not None:
                values = part.columns[names[0]]
                to.write({"copy": values if isinstance(values, np.ndarray) else values.element(2).data})
        if to is not None:
            to.finish()
            to.close()
    return {"seconds": time.perf_counter() - start, "events": events}


def run(path: Path, memory: str, output: Path, kernel: Path) -> list[str]:
    """The command."""
    name = "pair_mass" if path.suffix == ".lhe" else "dimuon_mass"
    command = [sys.executable, "-c", "from symhep.cli import app; app()", "run", f"{kernel}:{name}", str(path)]
    command += ["-o", str(output), "--memory", memory, "--json"]
    if path.suffix == ".lhe":
        for i, particle in ((1, 2), (2, 3)):
            for n in ("e", "px", "py", "pz"):
                command += ["--column", f"{n}{i}={n}[{particle}]"]
    return command


def measured(command: list[str]) -> tuple[dict, float]:
    """What a command prints, as JSON, and its seconds."""
    root = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed with status {done.returncode}")
    return json.loads(done.stdout), seconds


def compare(form: str, memory: str, times: float, rounds: int, folder: Path) -> list[str]:
    """One line of the table."""
    path, kernel = folder / f"events.{form}", folder / "kernels.py"
    kernel.write_text(KERNEL)
    output = folder / f"results.{WRITTEN.get(form, form)}"
    make(path, int(times * size_in_bytes(memory) / PER_EVENT[form]))
    size = path.stat().st_size
    alone = [sys.executable, "-m", "benchmarks.run_files", "--alone", str(path)]
    found: dict[str, list[float]] = {"read": [], "copy": [], "run": [], "whole": [], "memory": []}
    chunk = measured(run(path, memory, output, kernel))[0]["chunk"]
    for _ in range(rounds):
        found["read"].append(measured([*alone, "--chunk", str(chunk)])[0]["seconds"])
        found["copy"].append(measured([*alone, "--chunk", str(chunk), "--copy", str(output)])[0]["seconds"])
        made, whole = measured(run(path, memory, output, kernel))
        found["run"].append(made["seconds"])
        found["whole"].append(whole)
        found["memory"].append(made["memory"])
    path.unlink()
    output.unlink()
    seconds = {k: statistics.median(v) for k, v in found.items()}
    million = made["events"] / 1e6
    ratio = [f"{seconds['read'] / seconds[k]:.0%}" for k in ("run", "whole")]
    speeds = [f"{million / seconds[k]:.3g}" for k in ("read", "copy", "run", "whole")]
    peak = f"{max(found['memory']) / 1e6:.0f}"
    return [form, f"{size / 1e9:.2f}", f"{million:.1f}", f"{chunk:,}", *speeds, *ratio, peak]


def main(
    formats: Annotated[list[str] | None, typer.Argument(help=f"of {', '.join(PER_EVENT)}")] = None,
    memory: Annotated[str, typer.Option(help="--memory of symhep run")] = "300MB",
    times: Annotated[float, typer.Option(help="how many times larger the files are")] = 10,
    rounds: Annotated[int, typer.Option(help="how often each is measured")] = 3,
    folder: Annotated[Path | None, typer.Option(help="where the files go; default: a temporary folder")] = None,
    alone: Annotated[Path | None, typer.Option(hidden=True)] = None,
    chunk: Annotated[int, typer.Option(hidden=True)] = 0,
    copy: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compare `symhep run` with the readers of the formats alone."""
    if alone is not None:
        print(json.dumps(read(alone, chunk, copy)))
        return
    title = f"files {times:g} × as large as --memory {memory}; million events per second"
    table = Table(title=title, title_justify="left")
    for name in (
        "",
        "GB",
        "10⁶ events",
        "chunk",
        "read",
        "copy",
        "run",
        "whole",
        "run/read",
        "whole/read",
        "MB at most",
    ):
        table.add_column(name, justify="right" if name else "left")
    with tempfile.TemporaryDirectory(dir=folder) as made:
        for form in formats or ("npz", "parquet", "root", "csv"):
            table.add_row(*compare(form, memory, times, rounds, Path(made)))
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
