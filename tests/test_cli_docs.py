"""The commands of docs/command-line.md work as they stand."""

import re
import shlex
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from symhep.cli import app
from tests.files.samples import COLUMNS, MASS, read, write

pytest.importorskip("pyarrow")
uproot = pytest.importorskip("uproot")
awkward = pytest.importorskip("awkward")


@pytest.fixture
def page(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    text = (root / "docs" / "command-line.md").read_text(encoding="utf-8")
    (tmp_path / "kinematics.py").write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
    yield text
    sys.modules.pop("kinematics", None)


def test_commands_of_the_page(page, tmp_path):
    write(tmp_path / "muons.parquet")
    write(tmp_path / "masses.csv", {"m": MASS})
    four = np.random.default_rng(2).normal([50, 0, 0, 0], size=(9, 4))
    write(tmp_path / "jets.parquet", {f"jet_{i}": four[:, i] for i in range(4)})
    with uproot.recreate(tmp_path / "nano.root") as file:
        names = {f"Muon_{n}": awkward.Array([[a, b] for a, b in zip(COLUMNS[f"{n}1"], COLUMNS[f"{n}2"])])
                 for n in ("pt", "eta", "phi")}  # fmt: skip
        file.mktree("Events", dict.fromkeys(names, "var * float64"))
        file["Events"].extend(names)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 10
    for line in lines:
        program, *arguments = shlex.split(line)
        more = ["--memory", "8GB"] if arguments[0] == "run" and "--memory" not in arguments else []
        result = CliRunner().invoke(app, [*arguments, *more])  # the process of the tests takes much memory itself
        assert program == "symhep" and result.exit_code == 0, line + result.output
    np.testing.assert_allclose(read(tmp_path / "mass.root")["dimuon_mass"], MASS, rtol=1e-13)
    np.testing.assert_allclose(read(tmp_path / "mass.csv")["dimuon_mass"], MASS, rtol=1e-13)
    square = four[:, 0] ** 2 - (four[:, 1:] ** 2).sum(axis=1)
    np.testing.assert_allclose(read(tmp_path / "jets.csv")["invariant_mass"], np.sqrt(square), rtol=1e-13)
    assert read(tmp_path / "weights.npz")["density"].shape == MASS.shape
    assert (tmp_path / "mass.dot").read_text().startswith('digraph "dimuon_mass" {')
