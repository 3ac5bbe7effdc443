"""`symhep run` with files and options that do not fit: the errors, and that nothing is left behind."""

import numpy as np
import pytest

from tests.files.commands import refused, run
from tests.files.samples import COLUMNS, write

pytest.importorskip("pyarrow")
uproot = pytest.importorskip("uproot")


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
