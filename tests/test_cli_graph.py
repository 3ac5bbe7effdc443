"""`symhep graph`."""

import json
import os
import stat
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import symhep as sh
from symhep.cli import app
from symhep.dot import DrawingError, dot, draw

KERNELS = """
import numpy as np
import symhep as sh

@sh.kernel
def wave(x, y):
    r = sh.name(np.sqrt(x * x + y * y), "radius")
    return np.sin(r) / r, r - x
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "graph_kernels.py").write_text(KERNELS)
    yield "graph_kernels.py:wave"
    sys.modules.pop("graph_kernels", None)


def run(*arguments, status=0):
    result = CliRunner().invoke(app, ["graph", *map(str, arguments)])
    assert result.exit_code == status, result.output + repr(result.exception)
    return result


def test_dot_has_the_nodes_and_edges_of_the_graph(file, tmp_path):
    text = run(file).stdout
    lines = text.splitlines()
    assert lines[0] == 'digraph "wave" {' and lines[-1] == "}"
    assert '  0 [label="x", shape=box, style=filled, fillcolor="#dce9f7"];' in lines
    assert any('label="radius\\n√' in line for line in lines)
    assert any("graph_kernels.py:" in line for line in lines)
    assert sum("peripheries=2" in line for line in lines) == 2
    data = json.loads(run(file, "--json").stdout)
    assert data["name"] == "wave" and data["output"] is None
    assert sum("->" in line for line in lines) == len(data["edges"])
    assert sum("[label=" in line for line in lines) == len(data["nodes"])
    assert {n["label"] for n in data["nodes"]} >= {"x", "y", "√", "÷"}


def test_arguments_whose_order_matters_are_numbered():
    view = sh.kernel(lambda x, y: x / y).graph
    lines = dot(view).splitlines()
    assert '  0 -> 2 [headlabel="1", labelfontsize=9];' in lines
    assert '  1 -> 2 [headlabel="2", labelfontsize=9];' in lines
    assert "  0 -> 2;" in dot(sh.kernel(lambda x, y: x + y).graph).splitlines()


def test_the_same_text_in_every_process(file, root):
    def start(seed: str) -> bytes:
        command = [sys.executable, "-c", "from symhep.cli import app; app()", "graph", file]
        environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": seed}
        return subprocess.run(command, capture_output=True, env=environment, check=True).stdout

    assert start("1") == start("2") == run(file).stdout.encode()


def test_dot_files(file, tmp_path):
    out = run(file, "-o", "wave.dot").stdout
    assert out.endswith(" edges in wave.dot\n")
    assert (tmp_path / "wave.dot").read_text() == run(file).stdout


def test_pictures_need_graphviz(file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(file, "-o", "wave.svg", status=1).stderr == (
        "error: wave.svg needs the program `dot` of Graphviz, which is not installed\n"
        "  write instead: -o wave.dot, which needs nothing\n"
    )
    assert not (tmp_path / "wave.svg").exists()


def test_pictures_by_the_program(file, tmp_path, monkeypatch):
    """A stand-in for `dot`, which shows what it is given and how; the next test is with the real one."""
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\n{ echo "$1"; /bin/cat; } > "$3"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    run(file, "-o", "wave.png")
    assert (tmp_path / "wave.png").read_text() == "-Tpng\n" + run(file).stdout
    program.write_text("#!/bin/sh\necho 'syntax error in line 1' >&2\nexit 1\n")
    text = run(file, "-o", "other.svg", status=1).stderr
    assert text == "error: other.svg cannot be drawn: syntax error in line 1\n"
    assert sorted(p.name for p in tmp_path.iterdir() if "other" in p.name) == []


def test_svg(file, tmp_path):
    import shutil

    if shutil.which("dot") is None:
        pytest.skip("no Graphviz")
    run(file, "-o", "wave.svg")
    assert "<svg" in (tmp_path / "wave.svg").read_text()


def test_errors(tmp_path):
    with pytest.raises(DrawingError, match=r"a.txt: a graph is drawn as .dot, .svg, .png or .pdf"):
        draw("digraph {}", tmp_path / "a.txt")
    with pytest.raises(DrawingError, match="there is no folder"):
        draw("digraph {}", tmp_path / "none" / "a.dot")
