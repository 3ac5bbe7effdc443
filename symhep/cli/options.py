"""Options that commands share, and errors as the command line shows them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from symhep.errors import SymhepError

FAILED, INTERRUPTED = 1, 130

TARGETS = ("numpy", "numba", "jax", "cupy", "c")

_WHERE = "FILE.py:NAME or module:NAME; NAME may be left out if there is one kernel."
Where = Annotated[str, typer.Argument(metavar="FILE.py:NAME", help=_WHERE, show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="JSON, for machines.")]
Target = Annotated[
    str,
    typer.Option(help="numpy, numba, jax, cupy or c; auto is numba.", autocompletion=lambda: ["auto", *TARGETS]),
]
Effort = Annotated[
    str,
    typer.Option(
        help="fast, default, max, or seconds for the search.", autocompletion=lambda: ["fast", "default", "max"]
    ),
]
Dtype = Annotated[str, typer.Option(help="float64 or float32.", autocompletion=lambda: ["float64", "float32"])]
Traceback = Annotated[bool, typer.Option("--traceback", help="Show Python's traceback of an error.")]


@contextmanager
def errors(traceback: bool) -> Iterator[None]:
    """Errors as a message on stderr and exit status 1, an interrupt as one and 130."""
    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except (Exception, KeyboardInterrupt) as error:
        if traceback:
            raise
        if isinstance(error, KeyboardInterrupt):
            print(str(error) or "interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        known = isinstance(error, SymhepError)
        text = str(error) if known else f"{type(error).__name__}: {error}\n  (--traceback shows where)"
        print(f"error: {text}", file=sys.stderr)
        raise typer.Exit(FAILED) from None


def console() -> Any:
    """Where tables are printed."""
    from rich.console import Console

    return Console()


def effort_of(text: str) -> str | float:
    """--effort: a number of seconds, or a word.

    >>> effort_of("2.5"), effort_of("fast")
    (2.5, 'fast')
    """
    try:
        return float(text)
    except ValueError:
        return text
