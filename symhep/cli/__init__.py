"""The command line: `symhep report|source|bench|run|graph|targets|cache`."""

from __future__ import annotations

from typing import Annotated

import typer

from symhep.cli.cache import cache_app
from symhep.cli.graph import graph
from symhep.cli.run import run
from symhep.cli.show import bench, report, source, targets

_EPILOG = """\
Exit status: 0 if all went well, 1 for an error of the formula or of a file, 2 for a wrong command line,
130 if it was interrupted. An error is one message on stderr; --traceback shows where it came from.
"""

app = typer.Typer(
    help="Kernels for high-energy physics: what the optimiser makes of a formula, as a table, as source, as a drawing, "
    "in time; and formulas computed for files of events.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"symhep {version('symhep')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The program itself; its help text is that of `app`."""


for command in (report, source, bench, run, graph, targets):
    app.command()(command)
app.add_typer(cache_app, name="cache")
