"""`symhep graph`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from symhep.cli.loading import kernel_of
from symhep.cli.options import Effort, Json, Traceback, Where, effort_of, errors

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="A .dot, .svg, .png or .pdf file; default: DOT on stdout.")
]


def graph(
    where: Where,
    output: Output = None,
    as_json: Json = False,
    effort: Effort = "default",
    traceback: Traceback = False,
) -> None:
    """The optimised program as a drawing: operations, the user's names and lines.

    DOT is text, which the program `dot` of Graphviz draws; it has to be installed for the other formats.

    ```
    symhep graph kinematics.py:dimuon_mass -o mass.svg
    ```
    """
    with errors(traceback):
        from symhep.dot import digraph_as_data, dot, draw

        kernel = kernel_of(where, effort=effort_of(effort))
        view = kernel.graph
        if output is not None:
            draw(dot(view, kernel.name), output)
        if as_json:
            data = {"name": kernel.name, "output": None if output is None else str(output), **digraph_as_data(view)}
            print(json.dumps(data, indent=2, sort_keys=True))
        elif output is None:
            print(dot(view, kernel.name), end="")
        else:
            print(f"{view.number_of_nodes()} nodes, {view.number_of_edges()} edges in {output}")
