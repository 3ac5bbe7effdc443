"""`symhep run`."""

from __future__ import annotations

import ast
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symhep.cli.loading import kernel_of
from symhep.cli.options import Effort, Json, Target, Traceback, Where, effort_of, errors
from symhep.errors import ArgumentError, message

if TYPE_CHECKING:
    from symhep.files.run import Summary

Inputs = Annotated[
    list[Path],
    typer.Argument(metavar="INPUT...", help="Files: .csv, .npz, .npy, .parquet, .root, .lhe.", show_default=False),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="The file for the results: .csv, .npz, .parquet or .root.")
]
Columns = Annotated[
    list[str],
    typer.Option(
        "--column", "-c", metavar="ARG=NAME", help="What an argument is called in the files, as pt=Muon_pt[0]; repeat."
    ),
]
Parameters = Annotated[
    list[str],
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A value for an argument that is no column; repeat."),
]
Keep = Annotated[list[str], typer.Option("--keep", "-k", metavar="COLUMN", help="A column to copy; repeat.")]
Precision = Annotated[
    str,
    typer.Option(
        help="float64 or float32; default: that of the columns.",
        show_default=False,
        autocompletion=lambda: ["float64", "float32"],
    ),
]
Memory = Annotated[str, typer.Option(metavar="SIZE", help="What the whole process may take, as 500MB or 2GB.")]
Events = Annotated[
    int | None, typer.Option(min=1, metavar="EVENTS", help="How many events at a time; default: what is fast and fits.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads; default: the CPUs this process may use.")]
Tree = Annotated[str | None, typer.Option(help="The TTree or RNTuple of ROOT files; may be left out if there is one.")]


def run(
    where: Where,
    inputs: Inputs,
    output: Output,
    column: Columns = [],  # noqa: B006
    parameter: Parameters = [],  # noqa: B006
    keep: Keep = [],  # noqa: B006
    target: Target = "auto",
    dtype: Precision = "",
    effort: Effort = "default",
    threads: Threads = None,
    memory: Memory = "1GB",
    chunk: Events = None,
    tree: Tree = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Compute a kernel for all events of files, chunk by chunk, and write the results to a file.

    Arguments are columns of the files, by name: pt1 is the column pt1; element 0 of a vector p is p[0] or p_0; the part
    x of a nested argument p1 is p1.x or p1_x. What is called otherwise is renamed by --column. Missing values are NaN.

    ```
    symhep run kin.py:mass muons.parquet -o mass.root --keep event
    symhep run kin.py:mass nano*.root -o mass.csv -c pt1=Muon_pt[0]
    symhep run kin.py:peak mass.csv -o peak.npz -p width=2.4955
    ```
    """
    with errors(traceback), _terminated():
        from symhep.files.columns import size_in_bytes
        from symhep.files.inputs import Settings
        from symhep.files.run import run as run_over

        settings = Settings(
            columns=_pairs("--column", column, "--column pt=Muon_pt"),
            parameters={n: _value(v) for n, v in _pairs("--parameter", parameter, "--parameter mass=91.19").items()},
            keep=tuple(dict.fromkeys(keep)),
            threads=threads,
            chunk=chunk,
            memory=size_in_bytes(memory),
            tree=tree,
        )
        changed = {"dtype": dtype} if dtype else {}
        kernel = kernel_of(where, target=target, effort=effort_of(effort), **changed)
        with _progress(sys.stderr.isatty()) as progress:
            done = run_over(kernel, inputs, output, settings, progress)
        _tell_missing(done)
        if as_json:
            print(json.dumps(asdict(done), indent=2, sort_keys=True))
        else:
            _tell(done)


def _pairs(option: str, texts: list[str], example: str) -> dict[str, str]:
    """NAME=VALUE options as a dictionary."""
    made: dict[str, str] = {}
    for text in texts:
        name, equals, value = [part.strip() for part in text.partition("=")]
        if not (name and equals and value):
            raise ArgumentError(message(f"{option} {text!r} is not NAME=VALUE", instead=example))
        if name in made:
            raise ArgumentError(f"{option} {name}=... is given twice: {made[name]} and {value}")
        made[name] = value
    return made


def _value(text: str) -> Any:
    """The value of a parameter: a number, a list of numbers, True or False; else text.

    >>> _value("1e-3"), _value("[1, 2]"), _value("inf"), _value("tight")
    (0.001, [1, 2], inf, 'tight')
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        pass
    try:
        return float(text)
    except ValueError:
        return text


@contextmanager
def _terminated() -> Iterator[None]:
    """A request of the system to end, as a batch system makes it, does what Ctrl-C does: nothing is left behind."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread, where nobody sends signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(shown: bool) -> Iterator[Callable[[float, int], None]]:
    """A bar on stderr; nothing if that is no terminal."""
    if not shown:
        yield lambda fraction, events: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    events_column = TextColumn("{task.fields[events]:,} events")
    bar = Progress(
        BarColumn(),
        TaskProgressColumn(),
        events_column,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=1.0, events=0)
        yield lambda fraction, events: bar.update(task, completed=fraction, events=events)


def _tell_missing(done: Summary) -> None:
    for name, events in done.missing.items():
        print(f"note: {events:,} of {done.events:,} events have no {name}: NaN", file=sys.stderr)


def _tell(done: Summary) -> None:
    speed = f"{done.events / done.seconds:,.3g} per second" if done.seconds else ""
    print(f"{done.events:,} events, {speed}: {', '.join(done.columns)} in {done.output}")
    for name, value in done.defaults.items():
        print(f"  {name} = {value!r}, its default: no column is called that")
