"""A program as a drawing: text in the language of Graphviz, and pictures by its program `dot`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx

from symhep.errors import SymhepError, listing, message
from symhep.files.atomic import replaced

PICTURES = (".svg", ".png", ".pdf")


class DrawingError(SymhepError):
    """A picture cannot be made."""


def dot(view: networkx.DiGraph, name: str = "kernel") -> str:
    """A graph as `Kernel.graph` gives it, in DOT: nodes by operation, with the user's names and lines; results doubled.

    The order is that of the graph, so that the text is the same for the same program.

    >>> from symhep.tracing.trace import trace
    >>> from symhep.view import digraph
    >>> print(dot(digraph(trace(lambda x: x + 1).graph), "f"))
    digraph "f" {
      rankdir=TB;
      node [shape=ellipse, fontname="Helvetica", fontsize=11];
      edge [color="#555555", arrowsize=0.6];
      0 [label="x", shape=box, style=filled, fillcolor="#dce9f7"];
      1 [label="1", shape=plaintext];
      2 [label="+\\n<doctest...>:1", peripheries=2];
      0 -> 2;
      1 -> 2;
    }
    <BLANKLINE>
    """
    lines = [
        f"digraph {_quoted(name)} {{",
        "  rankdir=TB;",
        '  node [shape=ellipse, fontname="Helvetica", fontsize=11];',
        '  edge [color="#555555", arrowsize=0.6];',
    ]
    for n, d in view.nodes.items():
        lines.append(f"  {n} [{', '.join([f'{k}={v}' for k, v in _style(d).items()])}];")
    for a, b, d in view.edges(data=True):
        label = f" [headlabel={_quoted(_places(view, b, d))}, labelfontsize=9]" if _places(view, b, d) else ""
        lines.append(f"  {a} -> {b}{label};")
    return "\n".join([*lines, "}", ""])


def _style(d: Mapping[str, Any]) -> dict[str, str]:
    """How one node is drawn."""
    style = {"label": _quoted(_label(d))}
    if d["op"] == "input":
        style |= {"shape": "box", "style": "filled", "fillcolor": '"#dce9f7"'}
    elif d["op"] == "const":
        style |= {"shape": "plaintext"}
    if d["outputs"]:
        style |= {"peripheries": "2"}
    return style


def _label(d: Mapping[str, Any]) -> str:
    """The user's name, the operation, and the user's line by its file's name alone: the same text in every folder."""
    if d["op"] in ("input", "const"):
        return d["label"]
    return "\n".join([part for part in (d["name"], d["label"], os.path.basename(d["where"] or "")) if part])


# The operations whose arguments mean the same in any order
_SYMMETRIC = frozenset({"add", "mul", "minimum", "maximum", "eq", "ne", "and", "or", "xor"})


def _places(view: networkx.DiGraph, node: Any, edge: Mapping[str, Any]) -> str:
    """Which of the arguments of a node an edge is, counted from 1, where that matters."""
    arguments = sum(len(e["positions"]) for _, _, e in view.in_edges(node, data=True))
    if arguments < 2 or (view.nodes[node]["op"] in _SYMMETRIC and len(edge["positions"]) == 1):
        return ""
    return ",".join([str(p + 1) for p in edge["positions"]])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def digraph_as_data(view: networkx.DiGraph) -> dict[str, list[dict[str, Any]]]:
    """Nodes and edges as plain data."""
    nodes = [
        {"id": n, **{k: d[k] for k in ("op", "label", "name", "where", "dtype", "outputs")}}
        for n, d in view.nodes.items()
    ]
    edges = [{"from": a, "to": b, "positions": list(d["positions"])} for a, b, d in view.edges(data=True)]
    return {"nodes": nodes, "edges": edges}


def draw(text: str, path: Path) -> None:
    """Write DOT to a file, as it is or as the picture that the file's name asks for; raises DrawingError."""
    kind = path.suffix.lower()
    if kind not in (".dot", ".gv", *PICTURES):
        raise DrawingError(f"{path}: a graph is drawn as {listing(['.dot', *PICTURES], 'or')}")
    if not path.parent.is_dir():
        raise DrawingError(f"{path}: there is no folder {path.parent}")
    with replaced(path) as target:
        if kind in PICTURES:
            _picture(text, kind[1:], target, path)
        else:
            target.write_text(text, encoding="utf-8")


def _picture(text: str, kind: str, target: Path, path: Path) -> None:
    program = shutil.which("dot")
    if program is None:
        what = f"{path} needs the program `dot` of Graphviz, which is not installed"
        raise DrawingError(message(what, instead=f"-o {path.with_suffix('.dot')}, which needs nothing"))
    done = subprocess.run([program, f"-T{kind}", "-o", str(target)], input=text.encode(), capture_output=True)
    if done.returncode:
        raise DrawingError(f"{path} cannot be drawn: {done.stderr.decode(errors='replace').strip()}")
