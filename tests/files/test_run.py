"""`symhep run`: the results are those of the formula in NumPy, whatever the formats and the size of the chunks."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from symhep.cli import app
from tests.files.commands import refused, run
from tests.files.samples import COLUMNS, EVENTS, MASS, read, write

pytest.importorskip("pyarrow")
uproot = pytest.importorskip("uproot")


@pytest.mark.parametrize("form", ["csv", "npz", "npy", "parquet", "root"])
@pytest.mark.parametrize("to", ["csv", "npz", "parquet", "root"])
def test_every_format_to_every_format(folder, form, to):
    write(folder / f"in.{form}")
    out = run("dimuon_mass", f"in.{form}", "-o", f"out.{to}", "--keep", "run", "-k", "pt2", "--chunk", "256")
    assert out.stdout.startswith("1,000 events, ") and "run, pt2, dimuon_mass in out." in out.stdout
    found = read(folder / f"out.{to}")
    assert list(found) == ["run", "pt2", "dimuon_mass"]
    np.testing.assert_allclose(found["dimuon_mass"], MASS, rtol=1e-13)
    assert found["pt2"].dtype == np.float64 and np.array_equal(found["pt2"], COLUMNS["pt2"])
    assert found["run"].dtype == np.int64 and np.array_equal(found["run"], COLUMNS["run"])


@pytest.mark.parametrize("form", ["csv", "npz", "npy", "parquet", "root"])
def test_the_size_of_chunks_changes_nothing(folder, form):
    write(folder / f"in.{form}")
    found = []
    for chunk in (256, 333, 1000, 100_000):
        run("dimuon_mass", f"in.{form}", "-o", "out.npz", "--chunk", chunk, "--target", "numpy")
        found.append(read(folder / "out.npz")["dimuon_mass"])
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_several_files_of_several_formats(folder):
    inputs = [write(folder / f"in.{form}") for form in ("csv", "root", "npz")]
    data = json.loads(run("dimuon_mass", *inputs, "-o", "out.parquet", "--json").stdout)
    assert data["events"] == 3 * EVENTS and data["columns"] == ["dimuon_mass"] and data["missing"] == {}
    np.testing.assert_allclose(read(folder / "out.parquet")["dimuon_mass"], np.tile(MASS, 3), rtol=1e-13)


def test_precision_is_that_of_the_columns_of_all_files(folder):
    single = {n: c.astype(np.float32) for n, c in COLUMNS.items()}
    write(folder / "single.npz", single)
    write(folder / "double.npz")
    run("dimuon_mass", "single.npz", "-o", "out.npz")
    assert read(folder / "out.npz")["dimuon_mass"].dtype == np.float32
    run("dimuon_mass", "single.npz", "double.npz", "-o", "out.npz")
    assert read(folder / "out.npz")["dimuon_mass"].dtype == np.float64
    run("dimuon_mass", "double.npz", "-o", "out.npz", "--dtype", "float32", "--threads", "1")
    assert read(folder / "out.npz")["dimuon_mass"].dtype == np.float32


def test_no_events(folder):
    for form in ("csv", "npz", "parquet", "root"):
        write(folder / f"none.{form}", {n: c[:0] for n, c in COLUMNS.items()})
        for to in ("csv", "npz", "parquet", "root"):
            assert run("dimuon_mass", f"none.{form}", "-o", f"out.{to}").stdout.startswith("0 events")
            assert len(read(folder / f"out.{to}")["dimuon_mass"]) == 0


@pytest.mark.parametrize("target", ["jax", "c"])
def test_targets(folder, target):
    from symhep.targets import targets

    if not targets()[target]:
        pytest.skip(str(targets()[target]))
    write(folder / "in.npz")
    run("dimuon_mass", "in.npz", "-o", "out.npz", "--target", target, "--chunk", 600)
    found = read(folder / "out.npz")["dimuon_mass"]
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, MASS, rtol=1e-13)


# -- reductions ------------------------------------------------------------------------------------------------------


def test_reductions_are_over_all_events(folder):
    np.savez(folder / "a.npz", w=np.arange(1.0, 4001))
    np.savez(folder / "b.npz", w=np.arange(4001.0, 10001))
    run("normalised", "a.npz", "b.npz", "-o", "out.npz", "--chunk", "300", "-k", "w")
    found = read(folder / "out.npz")
    np.testing.assert_allclose(found["normalised"], found["w"] / 50005000, rtol=1e-14)
    assert len(found["w"]) == 10000
    data = json.loads(run("total", "a.npz", "b.npz", "-o", "out.csv", "--json").stdout)
    assert data["events"] == 10000
    assert (folder / "out.csv").read_text() == '"sum","most"\n50005000,10000\n'
    text = refused("total", "a.npz", "-o", "no.csv", "--keep", "w")
    assert text == "error: --keep w: the results of total are one row for all events\n"


@pytest.mark.parametrize("form", ["npz", "csv"])
def test_reductions_that_do_not_fit_are_refused(folder, form):
    write(folder / f"in.{form}", {"w": np.arange(2_000_000.0)})
    text = refused("normalised", f"in.{form}", "-o", "no.npz", "--memory", "250MB")
    assert text.startswith("error: normalised reduces over all events (batch_sum at ")
    assert "chunks would give other results" in text and "write instead: --memory " in text


def test_several_batch_axes_are_refused(folder):
    np.savez(folder / "in.npz", x=np.ones(5), y=np.ones(5))
    text = refused("two_samples", "in.npz", "-o", "no.npz")
    assert text == (
        "error: two_samples has arguments over batch and mc: the events of files are one batch\n"
        "  write instead: a kernel whose arguments are all of one batch, without .over\n"
    )


# -- missing values --------------------------------------------------------------------------------------------------


def test_empty_fields_of_csv_are_nan(folder):
    (folder / "in.csv").write_text("pt1, eta1,phi1,pt2,eta2,phi2,name\n30,0,0,30,0,3.141592653589793,a\n,0,0,30,0,1,\n")
    result = run("dimuon_mass", "in.csv", "-o", "out.csv", "-k", "name")
    assert result.stderr == "note: 1 of 2 events have no pt1: NaN\n"
    assert (folder / "out.csv").read_text() == '"name","dimuon_mass"\n"a",60\n,nan\n'


def test_nulls_of_parquet(folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "x": pa.array([1, None, 3]),
        "fired": pa.array([True, False, None]),
        "id": pa.array([2**60 + 1, None, 3]),
    }
    pq.write_table(pa.table(columns), folder / "in.parquet")
    (folder / "k2.py").write_text("import symhep as sh\n@sh.kernel\ndef f(x):\n    return 2 * x\n")
    result = CliRunner().invoke(app, "run k2.py:f in.parquet -o out.parquet -k id".split())
    assert result.exit_code == 0 and result.stderr == "note: 1 of 3 events have no x: NaN\n"
    table = pq.read_table(folder / "out.parquet")
    assert table.column("id").to_pylist() == [2**60 + 1, None, 3]
    assert np.array_equal(table.column("f").to_numpy(), [2, np.nan, 6], equal_nan=True)
    text = refused("triggered", "in.parquet", "-o", "no.npz")
    assert text == "error: in.parquet: event 2 has no value of fired, and fired is true or false\n"
    result = CliRunner().invoke(app, "run k2.py:f in.parquet -o no.npz -k id".split())
    assert result.exit_code == 1
    assert result.stderr.endswith("'id' has missing values and holds int64, and NPZ has no place for them\n")


def test_jagged_columns(folder):
    awkward = pytest.importorskip("awkward")
    lists = awkward.Array([[30.0, 20.0], [40.0], [], [1.0, 2.0, 3.0]])
    with uproot.recreate(folder / "in.root") as file:
        file.mktree("t", {"pt": "var * float64", "n": "int32"})
        file["t"].extend({"pt": lists, "n": np.array([1, 2, 3, 4], np.int32)})
    (folder / "k3.py").write_text(
        "import symhep as sh\n"
        "@sh.kernel\ndef first(a, b):\n    return {'a': a, 'b': b}\n"
        "@sh.kernel\ndef vector(v: sh.Vector[2]):\n    return v[0] + v[1]\n"
    )

    def start(line):
        result = CliRunner().invoke(app, ["run", *line.split()])
        return result.exit_code, result.stderr

    assert start("k3.py:first in.root -o out.npz -c a=pt[0] -c b=pt[1]") == (
        0,
        "note: 1 of 4 events have no pt[0]: NaN\nnote: 2 of 4 events have no pt[1]: NaN\n",
    )
    found = read(folder / "out.npz")
    assert np.array_equal(found["a"], [30, 40, np.nan, 1], equal_nan=True)
    assert np.array_equal(found["b"], [20, np.nan, np.nan, 2], equal_nan=True)
    assert start("k3.py:first in.root -o no.npz -c a=pt -c b=n") == (
        1,
        "error: in.root: column 'pt' is a list of float64 per event, and the argument a is one real number per event\n"
        "  write instead: --column a=pt[0], the first of each list, NaN where there is none\n",
    )
    assert start("k3.py:vector in.root -o no.npz -c v=pt") == (
        1,
        "error: in.root: event 1 has 1 value of pt, and v is sh.Vector[2]\n"
        "  write instead: --column v[0]=pt[0] and so on: NaN where there is none\n",
    )
    status, text = start("k3.py:vector in.root -o out.npz -c v[0]=pt[0] -c v[1]=pt[1]")
    assert status == 0 and np.array_equal(read(folder / "out.npz")["vector"], [50, np.nan, np.nan, 3], equal_nan=True)
    status, text = start("k3.py:first in.root -o no.npz -c a=n -c b=n -k pt")
    assert (status, text) == (
        1,
        "error: in.root: column 'pt' holds a list of float64 per event, which cannot be kept\n",
    )
