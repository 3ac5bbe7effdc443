"""The comparison of `symhep run` with readers alone, on small files."""

import pytest

from benchmarks import run_files
from symhep.files.columns import size_in_bytes
from tests.files.samples import read


@pytest.mark.parametrize("form", ["npz", "lhe"])
def test_a_line_of_the_table(form, tmp_path, monkeypatch):
    for package in ("pyarrow", "uproot", "pylhe"):
        pytest.importorskip(package)
    monkeypatch.setenv("COLUMNS", "200")
    line = run_files.compare(form, "400MB", 0.002, 1, tmp_path)
    assert line[0] == form and all(float(x) > 0 for x in line[4:8])
    assert all(x.endswith("%") for x in line[8:10]) and 50 < float(line[10]) < 400
    assert [p.name for p in tmp_path.iterdir()] == ["kernels.py"]


@pytest.mark.parametrize("form", ["npz", "csv", "lhe"])
def test_sizes_of_files_are_as_assumed(form, tmp_path):
    if form != "npz":
        pytest.importorskip("pyarrow")
    events = size_in_bytes("2MB") // run_files.PER_EVENT[form]
    run_files.make(tmp_path / f"a.{form}", events)
    assert 0.9 < (tmp_path / f"a.{form}").stat().st_size / 2e6 < 1.1


def test_blocks_are_the_same_every_time(tmp_path):
    run_files.make(tmp_path / "a.npz", 1000)
    found = read(tmp_path / "a.npz")
    assert list(found) == list(run_files.COLUMNS) and found["pt1"].min() > 20
    block = next(run_files.blocks(1000))
    assert all((found[n] == block[n]).all() for n in found)
