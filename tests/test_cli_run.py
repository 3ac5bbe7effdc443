"""`symhep run`: the results are those of the formula in NumPy, whatever the formats and the size of the chunks."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from symhep.cli import app
from tests.files.samples import COLUMNS, EVENTS, KERNELS, MASS, read, write

pytest.importorskip("pyarrow")
uproot = pytest.importorskip("uproot")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "kernels_of_test.py").write_text(KERNELS)
    yield tmp_path
    sys.modules.pop("kernels_of_test", None)


def run(name: str, *arguments, status: int = 0):
    result = CliRunner().invoke(app, ["run", f"kernels_of_test.py:{name}", *map(str, arguments)])
    assert result.exit_code == status, result.output + repr(result.exception)
    return result


def refused(name: str, *arguments) -> str:
    """The error of a run that leaves nothing behind."""
    before = set(os.listdir())
    result = run(name, *arguments, status=1)
    assert set(os.listdir()) - before <= {"__pycache__"} and not result.stdout
    return result.stderr


# -- formats ---------------------------------------------------------------------------------------------------------


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


# -- arguments and results that are not one number per event ---------------------------------------------------------

N = 50
R = np.random.default_rng(6)
P, X, Y0 = R.normal(size=(N, 4)), R.normal(size=N), R.normal(size=N)
Z, Y1 = R.normal(size=N) + 1j * R.normal(size=N), R.normal(size=N) > 0
C00, C01, C11 = R.normal(size=(3, N))
FULL = np.stack([np.stack([C00, C01], -1), np.stack([C01, C11], -1)], -2)
WHOLE = {"p": P, "C": FULL, "z": Z, "q.x": X, "q.y[0]": Y0, "q.y[1]": Y1}
CELLS = {
    **{f"p[{i}]": P[:, i] for i in range(4)},
    **{"C[0,0]": C00, "C[0,1]": C01, "C[1,1]": C11, "z.real": Z.real, "z.imag": Z.imag},
    **{"q.x": X, "q.y[0]": Y0, "q.y[1]": Y1.astype(int)},
}


def check_shapes(found, packed=False):
    norm = P[:, 0] ** 2 - P[:, 1] ** 2 - P[:, 2] ** 2 - P[:, 3] ** 2
    np.testing.assert_allclose(found["m"], norm - 1.5, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found["all[0]"], Z * Z, rtol=1e-12)
    np.testing.assert_allclose(found["all[1]"], 2 * P, rtol=1e-15)
    np.testing.assert_allclose(found["det"], C00 * C11 - C01**2, rtol=1e-12, atol=1e-12)
    assert np.array_equal(found["cut"], (X > 0) & Y1) and np.array_equal(found["q"], Y0)


def test_whole_columns(folder):
    np.savez(folder / "in.npz", **WHOLE)
    out = run("shapes", "in.npz", "-o", "out.npz", "-p", "mass=1.5", "--chunk", "256")
    assert out.stdout.splitlines()[1] == "  s = 2.0, its default: no column is called that"
    check_shapes(read(folder / "out.npz"))


def test_columns_in_the_order_of_fortran(folder):
    np.savez(folder / "in.npz", **{n: np.asfortranarray(c) for n, c in WHOLE.items()})
    run("shapes", "in.npz", "-o", "out.npz", "-p", "mass=1.5")
    check_shapes(read(folder / "out.npz"))


def test_packed_symmetric_columns(folder):
    np.savez_compressed(folder / "in.npz", **{**WHOLE, "C": np.stack([C00, C01, C11], -1)})
    run("shapes", "in.npz", "-o", "out.npz", "-p", "mass=1.5", "-p", "s=2")
    check_shapes(read(folder / "out.npz"))


@pytest.mark.parametrize("form", ["csv", "parquet", "npz"])
def test_a_column_for_each_cell(folder, form):
    write(folder / f"in.{form}", CELLS)
    run("shapes", f"in.{form}", "-o", "out.npz", "-p", "mass=1.5")
    check_shapes(read(folder / "out.npz"))


def test_names_without_brackets(folder):
    plain = {n.replace(".", "_").replace("[", "_").replace("]", "").replace(",", "_"): c for n, c in CELLS.items()}
    assert set(plain) >= {"p_0", "C_0_1", "z_real", "q_y_1"}
    write(folder / "in.root", plain)
    run("shapes", "in.root", "-o", "out.npz", "-p", "mass=1.5")
    check_shapes(read(folder / "out.npz"))


def test_renamed_parts(folder):
    columns = {"four": P, "cov": FULL, "w": Z, "other.x": X, "other_y_0": Y0, "flags": np.stack([Y0 > 9, Y1], -1)}
    np.savez(folder / "in.npz", **columns)
    renamed = ["-c", "p=four", "-c", "C=cov", "-c", "z=w", "-c", "q=other", "-c", "q.y[1]=flags[1]"]
    run("shapes", "in.npz", "-o", "out.npz", "-p", "mass=1.5", *renamed)
    check_shapes(read(folder / "out.npz"))


def test_vectors_of_parquet_and_root(folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {"p": pa.FixedSizeListArray.from_arrays(P.ravel(), 4), "C": list(np.stack([C00, C01, C11], -1))}
    q = pa.StructArray.from_arrays([pa.array(X), pa.array(Y0), pa.array(Y1)], ["x", "y[0]", "y[1]"])
    arrays |= {"C_0_0": C00, "C_0_1": C01, "C_1_1": C11, "z": Z.real, "z.imag": Z.imag, "q": q}
    del arrays["C"], arrays["z"]
    pq.write_table(pa.table({**arrays, "z.real": Z.real}), folder / "in.parquet")
    run("shapes", "in.parquet", "-o", "out.root", "-p", "mass=1.5")
    found = read(folder / "out.root")
    assert found["all_1"].shape == (N, 4) and found["cut"].dtype == bool
    made = {"all[0]": found["all_0_real"] + 1j * found["all_0_imag"], "all[1]": found["all_1"]}
    check_shapes({**found, **made})
    with uproot.recreate(folder / "vectors.root") as file:
        file.mktree("t", {"p": ("f8", (4,)), **{n: c.dtype for n, c in CELLS.items() if n[0] != "p" and "[" not in n}})
    run("shapes", "in.parquet", "-o", "out.csv", "-p", "mass=1.5")
    found = read(folder / "out.csv")
    assert list(found)[:4] == ["m", "all[0].real", "all[0].imag", "all[1][0]"]
    parts = np.stack([found[f"all[1][{i}]"] for i in range(4)], -1)
    check_shapes({**found, "all[0]": found["all[0].real"] + 1j * found["all[0].imag"], "all[1]": parts})


def test_what_is_written_can_be_read_again(folder):
    write(folder / "in.npz", CELLS)
    run("shapes", "in.npz", "-o", "once.root", "-p", "mass=1.5", "-k", "q.x")
    again = ["-c", "p=all_1", "-c", "z=all_0", "-c", "q.x=q_x", "-c", "q.y[0]=q", "-c", "q.y[1]=cut"]
    cells = ["-c", "C[0,0]=m", "-c", "C[0,1]=det", "-c", "C[1,1]=m"]
    run("shapes", "once.root", "-o", "twice.npz", "-p", "mass=0", *again, *cells)
    found = read(folder / "twice.npz")
    np.testing.assert_allclose(found["all[1]"], 4 * P, rtol=1e-15)
    np.testing.assert_allclose(found["all[0]"], Z**4, rtol=1e-12)


def test_a_renamed_part_is_not_taken_from_the_whole(folder):
    np.savez(folder / "in.npz", **WHOLE, **{f"p[{i}]": P[:, i] for i in range(1, 4)}, energy=2 * P[:, 0])
    run("shapes", "in.npz", "-o", "out.npz", "-p", "mass=1.5", "-c", "p[0]=energy")
    assert np.array_equal(read(folder / "out.npz")["all[1]"], 2 * P * [2, 1, 1, 1])
    np.savez(folder / "in.npz", **WHOLE, energy=2 * P[:, 0])
    text = refused("shapes", "in.npz", "-o", "no.npz", "-p", "mass=1.5", "-c", "p[0]=energy")
    assert text.startswith("error: in.npz has no column 'p[1]', for the argument p[1] of shapes\n")


def test_a_default_is_not_taken_for_what_is_renamed(folder):
    np.savez(folder / "in.npz", **WHOLE, scale_of=X)
    text = refused("shapes", "in.npz", "-o", "no.npz", "-p", "mass=1.5", "-c", "s=scale")
    assert text.startswith("error: in.npz has no column 'scale', for the argument s of shapes\n")
    assert "write instead: --column s=scale_of\n" in text
    text = refused("shapes", "in.npz", "-o", "no.npz", "-p", "mass=1.5", "-p", "s=1", "-c", "s=scale_of")
    assert text == "error: --parameter s=... and --column s=...: it is the one or the other\n"


def test_results_and_kept_columns_of_one_name(folder):
    np.savez(folder / "in.npz", **WHOLE, **{"all[1]": P, "all[1][2]": X})
    for name in ("all[1]", "all[1][2]"):
        text = refused("shapes", "in.npz", "-o", "no.csv", "-p", "mass=1.5", "-k", name)
        assert text.startswith(f"error: --keep {name}: the result of the kernel has that name\n")


def test_static_arguments(folder):
    np.savez(folder / "in.npz", x=X)
    run("power", "in.npz", "-o", "out.npz", "-p", "n=3")
    np.testing.assert_allclose(read(folder / "out.npz")["power"], X**3, rtol=1e-14)
    assert "static arguments ['n'], got []" in refused("power", "in.npz", "-o", "no.npz")


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
    np.savez(folder / "in.npz", x=X, y=X)
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


# -- errors ----------------------------------------------------------------------------------------------------------

COLUMNS_OF_NPZ = "pt1, eta1, phi1, pt2, eta2, phi2, run"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("dimuon_mass none.npz -o no.npz", "there is no file none.npz"),
        ("dimuon_mass . -o no.npz", "NAME"),
        (
            "dimuon_mass in.npz -o no.npz -c pt1=pt_1",
            f"in.npz has no column 'pt_1', for --column pt1=pt_1\n  its columns: {COLUMNS_OF_NPZ}\n"
            "  write instead: --column pt1=pt1",
        ),
        (
            "power in.npz -o no.npz -p n=2",
            f"in.npz has no column 'x', for the argument x of power\n  its columns: {COLUMNS_OF_NPZ}",
        ),
        (
            "shapes in.npz -o no.npz -p mass=1",
            "in.npz has no column 'p', for the argument p of shapes (in one column, or as p[0], ..., p[3])\n"
            f"  its columns: {COLUMNS_OF_NPZ}",
        ),
        (
            "dimuon_mass in.npz -o no.npz -c pt=pt1",
            "--column pt=...: dimuon_mass has no argument 'pt'\n  write instead: pt2 or pt1",
        ),
        (
            "dimuon_mass in.npz -o no.npz -c pt1",
            "--column 'pt1' is not NAME=VALUE\n  write instead: --column pt=Muon_pt",
        ),
        ("dimuon_mass in.npz -o no.npz -c pt1=a -c pt1=b", "--column pt1=... is given twice: a and b"),
        (
            "dimuon_mass in.npz -o no.npz -p mass=1",
            "--parameter mass=...: dimuon_mass has no argument 'mass'\n"
            "  write instead: pt1, eta1, phi1, pt2, eta2 or phi2",
        ),
        (
            "shapes in.npz -o no.npz",
            "in.npz has no column 'p', for the argument p of shapes (in one column, or as p[0], ..., p[3])\n"
            f"  its columns: {COLUMNS_OF_NPZ}",
        ),
        (
            "dimuon_mass in.npz -o no.npz -k rum",
            f"in.npz has no column 'rum', for --keep rum\n  its columns: {COLUMNS_OF_NPZ}\n  write instead: --keep run",
        ),
        (
            "dimuon_mass in.npz -o no.txt",
            "no.txt: the format is not known by its name; written are .csv, .npz, .parquet, .pq and .root",
        ),
        ("dimuon_mass in.npz -o nowhere/no.npz", "nowhere/no.npz: there is no folder nowhere"),
        ("dimuon_mass in.npz -o in.npz", "in.npz is an input as well: the results need a file of their own"),
        ("dimuon_mass in.npz -o no.npz --memory much", "'much' is not a size, as 500MB or 2GB is"),
        (
            "dimuon_mass in.root -o no.npz --tree trees",
            "in.root has no tree 'trees'\n  write instead: --tree tree",
        ),
        ("dimuon_mass broken.npz -o no.npz", "broken.npz cannot be read: File is not a zip file"),
        (
            "dimuon_mass broken.parquet -o no.npz",
            "broken.parquet cannot be read: Parquet magic bytes not found in footer",
        ),
        ("dimuon_mass broken.root -o no.npz", "broken.root cannot be read: "),
        ("dimuon_mass broken.lhe -o no.npz", "broken.lhe is not an LHE file: No or faulty <header>/<init> block found"),
        ("dimuon_mass broken.csv -o no.npz", "broken.csv: In CSV column #0: "),
        ("dimuon_mass short.csv -o no.npz", "short.csv: CSV parse error: Expected 6 columns, got 2"),
        ("dimuon_mass twice.csv -o no.npz", "twice.csv has more than one column 'pt1'"),
        (
            "dimuon_mass bare.csv -o no.npz",
            "bare.csv begins with numbers: a line with the names of the columns is missing",
        ),
        ("dimuon_mass empty.csv -o no.npz", "empty.csv is empty: a line with the names of the columns is missing"),
        (
            "dimuon_mass bare.npy -o no.npz",
            "bare.npy holds an array of float64 of shape (3,), whose columns have no names",
        ),
        (
            "dimuon_mass ragged.npz -o no.npz",
            "ragged.npz: the columns have different numbers of events: pt1 has 3, eta1 has",
        ),
        ("dimuon_mass text.npz -o no.npz", "text.npz: column 'pt1' holds <U1, and pt1 is a number"),
        (
            "dimuon_mass vectors.npz -o no.npz",
            "vectors.npz: column 'pt1' is float64 of shape (2,), and the argument pt1 is one real number per event\n"
            "  write instead: --column pt1=pt1[0]",
        ),
        (
            "dimuon_mass vectors.npz -o no.npz -c pt1=pt1[2]",
            "column 'pt1' is float64 of shape (2,): there is no element pt1[2]",
        ),
        (
            "dimuon_mass complex.npz -o no.npz",
            "column 'pt1' is complex128, and the argument pt1 is one real number per event",
        ),
        (
            "dimuon_mass in.npz single.npz -o no.npz -k pt1",
            "--keep pt1: it is float64 in in.npz and float32 in single.npz",
        ),
        ("dimuon_mass mass.npz -o no.npz -k dimuon_mass", "--keep dimuon_mass: the result of the kernel has that name"),
        ("dimuon_mass in.npz -o no.npz --dtype int32", "dtype is float32 or float64, got int32"),
    ],
)
def test_errors(folder, line, text):
    name, *rest = line.split()
    if "in." in line:
        write(folder / "in.npz")
        write(folder / "in.root")
    for kind in ("npz", "parquet", "root", "lhe"):
        (folder / f"broken.{kind}").write_text("no events\n" * 20)
    header = "pt1,eta1,phi1,pt2,eta2,phi2\n"
    (folder / "broken.csv").write_text(header + "1,2,3,4,5,6\n" * 200_000 + "x,2,3,4,5,6\n")
    (folder / "short.csv").write_text(header + "1,2\n")
    (folder / "twice.csv").write_text("pt1,pt1\n1,2\n")
    (folder / "bare.csv").write_text("1.0,2\n")
    (folder / "empty.csv").write_text("")
    np.save(folder / "bare.npy", np.ones(3))
    small = {n: c[:3] for n, c in COLUMNS.items()}
    np.savez(folder / "ragged.npz", **{**small, "eta1": np.ones(4)})
    np.savez(folder / "text.npz", **{**small, "pt1": np.array(["a", "b", "c"])})
    np.savez(folder / "vectors.npz", **{**small, "pt1": np.ones((3, 2))})
    np.savez(folder / "complex.npz", **{**small, "pt1": np.ones(3, complex)})
    np.savez(folder / "single.npz", **{n: c.astype(np.float32) for n, c in small.items()})
    np.savez(folder / "mass.npz", **small, dimuon_mass=small["pt1"])
    if rest[0] == ".":
        assert "the format is not known by its name; read are .csv" in refused(name, *rest)
        return
    assert f"error: {text}" in refused(name, *rest) or text in refused(name, *rest)


def test_a_parameter_is_no_column(folder):
    np.savez(folder / "in.npz", mass=X, **WHOLE)
    assert refused("shapes", "in.npz", "-o", "no.npz") == (
        "error: mass is a parameter of shapes: it has one value, not a column\n  write instead: --parameter mass=1.0\n"
    )


def test_a_damaged_archive_is_noticed(folder):
    path = write(folder / "in.npz")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    assert "in.npz cannot be read: Bad CRC-32" in refused("dimuon_mass", "in.npz", "-o", "no.npz")


def test_an_older_result_stays_if_a_run_fails(folder):
    (folder / "out.csv").write_text("older\n")
    (folder / "in.csv").write_text("pt1,eta1,phi1,pt2,eta2,phi2\n" + "1,2,3,4,5,6\n" * 300_000 + "1,2,3,4,5,x\n")
    assert "conversion error" in refused("dimuon_mass", "in.csv", "-o", "out.csv")
    assert (folder / "out.csv").read_text() == "older\n"


def test_too_little_memory(folder):
    write(folder / "in.npz")
    text = refused("dimuon_mass", "in.npz", "-o", "no.npz", "--memory", "50MB")
    assert "--memory 50 MB is too little for 256 events" in text and "write instead: --memory " in text
    wanted = text.split("write instead: --memory ")[1].strip()
    assert run("dimuon_mass", "in.npz", "-o", "out.npz", "--memory", wanted).exit_code == 0
    assert "for 100,000,000 events" in refused("dimuon_mass", "in.npz", "-o", "no.npz", "--chunk", "100000000")


# -- as a process ----------------------------------------------------------------------------------------------------


def process(root, *arguments, **options):
    command = [sys.executable, "-c", "from symhep.cli import app; app()", "run", *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(root)}, **options)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(folder, root, number):
    write(folder / "in.npz")
    many = ["in.npz"] * 3_000
    output = folder / "out.root"
    running = process(root, "kernels_of_test.py:dimuon_mass", *many, "-o", output, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not any(p.name.endswith(".part") for p in folder.iterdir()):
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(number)
    _, error = running.communicate(timeout=60)
    assert running.returncode == 130
    assert error.startswith("interrupted after ") and error.endswith(f" of 3,000,000; {output} was not written\n")
    assert not any(p.name.startswith(("out", ".out")) for p in folder.iterdir())


def test_a_file_larger_than_the_memory(folder, root):
    """Memory stays below the limit for a file of any size; benchmarks/run_files.py does the same with 3 GB."""
    count = 4_000_000
    columns = {n: np.resize(c, count) for n, c in COLUMNS.items() if n != "run"}
    np.savez(folder / "in.npz", **columns)
    assert (folder / "in.npz").stat().st_size > 190e6
    arguments = ["kernels_of_test.py:dimuon_mass", "in.npz", "-o", "out.npz", "--memory", "190MB"]
    running = process(root, *arguments, "--json", stdout=subprocess.PIPE)
    text, _ = running.communicate(timeout=120)
    assert running.returncode == 0
    if sys.platform == "linux":
        assert 50e6 < json.loads(text)["memory"] < 190e6
    found = np.load(folder / "out.npz")["dimuon_mass"]
    np.testing.assert_allclose(found, np.resize(MASS, count), rtol=1e-13)


# -- real files ------------------------------------------------------------------------------------------------------


def test_muon_pairs_of_cms(folder, data_dir):
    file = data_dir / "uproot-Zmumu.root"
    run("dimuon_mass", file, "-o", "out.root", "--keep", "M", "--keep", "Run", "--chunk", "500")
    found = read(folder / "out.root")
    assert len(found["M"]) == 2304
    with uproot.open(file) as f:
        t = f["events"].arrays(["pt1", "eta1", "phi1", "pt2", "eta2", "phi2", "M", "Run"], library="np")
    mass = np.sqrt(2 * t["pt1"] * t["pt2"] * (np.cosh(t["eta1"] - t["eta2"]) - np.cos(t["phi1"] - t["phi2"])))
    np.testing.assert_allclose(found["dimuon_mass"], mass, rtol=1e-12)
    assert np.array_equal(found["Run"], t["Run"]) and np.array_equal(found["M"], t["M"])
    assert abs(np.median(found["dimuon_mass"] / found["M"]) - 1) < 0.01


def test_jagged_muons_of_a_real_tree(folder, data_dir):
    awkward = pytest.importorskip("awkward")
    file = data_dir / "uproot-HZZ.root"
    (folder / "k4.py").write_text(
        "import numpy as np\nimport symhep as sh\n"
        "@sh.kernel\ndef pair(e1, x1, y1, z1, e2, x2, y2, z2):\n"
        "    return np.sqrt((e1 + e2)**2 - (x1 + x2)**2 - (y1 + y2)**2 - (z1 + z2)**2)\n"
    )
    letters = {"e": "E", "x": "Px", "y": "Py", "z": "Pz"}
    renamed = [f"--column={n}{i}=Muon_{b}[{i - 1}]" for i in (1, 2) for n, b in letters.items()]
    result = CliRunner().invoke(app, ["run", "k4.py:pair", str(file), "-o", "out.npz", "--chunk=700", *renamed])
    assert result.exit_code == 0 and "note: 1,008 of 2,421 events have no Muon_E[1]: NaN\n" in result.stderr
    found = read(folder / "out.npz")["pair"]
    with uproot.open(file) as f:
        muons = f["events"].arrays([f"Muon_{b}" for b in letters.values()])
    p = {n: awkward.pad_none(muons[f"Muon_{b}"], 2) for n, b in letters.items()}
    total = {n: awkward.to_numpy(c[:, 0] + c[:, 1]).astype(np.float64) for n, c in p.items()}
    square = total["e"] ** 2 - total["x"] ** 2 - total["y"] ** 2 - total["z"] ** 2
    there = ~np.ma.getmaskarray(square)
    assert there.sum() == 2421 - 1008 and np.array_equal(np.isfinite(found), there & (found == found))
    np.testing.assert_allclose(found[there] ** 2, square[there], rtol=1e-3, atol=1.0)


@pytest.mark.parametrize("name", ["pythia-6.413-ttbar", "whizard-3.1.4-eeWW", "sherpa-3.0.1-eejjj", "pr29"])
def test_lhe(folder, data_dir, name):
    pylhe = pytest.importorskip("pylhe")
    file = data_dir / f"pylhe-testfile-{name}.lhe"
    (folder / "k5.py").write_text(
        "import symhep as sh\n@sh.kernel\ndef incoming(e0, e1, z0, z1):\n    return (e0 + e1)**2 - (z0 + z1)**2\n"
    )
    renamed = ["-c", "e0=e[0]", "-c", "e1=e[1]", "-c", "z0=pz[0]", "-c", "z1=pz[1]"]
    result = CliRunner().invoke(
        app, ["run", "k5.py:incoming", str(file), "-o", "out.csv", "--chunk=64", "-k", "weight", "-k", "pid", *renamed]
    )
    assert result.exit_code == 0, result.output
    events = list(pylhe.LHEFile.fromfile(str(file)).events)
    wanted = []
    for e in events:
        p = e.particles
        wanted.append((p[0].e + p[1].e) ** 2 - (p[0].pz + p[1].pz) ** 2 if len(p) > 1 else np.nan)
    found = read(folder / "out.csv")
    np.testing.assert_allclose(found["incoming"], wanted, rtol=1e-12)
    assert found["weight"].tolist() == [e.eventinfo.weight for e in events]
    assert found["pid"].tolist() == [e.eventinfo.pid for e in events]


@pytest.mark.parametrize("where", [0.5, 0.99, "last"])
def test_lhe_that_is_cut_off(folder, data_dir, where):
    pytest.importorskip("pylhe")
    data = (data_dir / "pylhe-testfile-pythia-6.413-ttbar.lhe").read_bytes()
    cut = data.rfind(b"</LesHouchesEvents") if where == "last" else int(where * len(data))
    (folder / "in.lhe").write_bytes(data[:cut])
    (folder / "k6.py").write_text("import symhep as sh\n@sh.kernel\ndef f(weight):\n    return 2 * weight\n")
    result = CliRunner().invoke(app, "run k6.py:f in.lhe -o no.csv".split())
    assert result.exit_code == 1 and "in.lhe is damaged or cut off after event " in result.stderr
    assert not (folder / "no.csv").exists()
