"""Readers and writers of files: values as the formats' own libraries wrote them."""

import gzip
import threading
from pathlib import Path

import numpy as np
import pytest

from symhep.errors import ArgumentError
from symhep.files import memory
from symhep.files.ahead import ahead
from symhep.files.atomic import replaced
from symhep.files.columns import Column, FileError, Jagged
from symhep.files.formats import FORMATS, WRITTEN, format_of, reader, writer
from tests.files.samples import COLUMNS, write

pa = pytest.importorskip("pyarrow")
uproot = pytest.importorskip("uproot")


def everything(path: Path, names, kept=(), size=7, tree=None) -> dict:
    """The columns of a file, read in chunks and put together."""
    file = reader(path, tree)
    try:
        chunks = list(file.chunks(list(names), list(kept), size))
    finally:
        file.close()
    assert all(0 < c.events <= size for c in chunks)
    assert [c.start for c in chunks] == [sum(c.events for c in chunks[:i]) for i in range(len(chunks))]
    joined = {}
    for n in names:
        parts = [c.columns[n] for c in chunks]
        if isinstance(parts[0], Jagged):
            joined[n] = [x.tolist() for p in parts for x in np.split(p.values, p.offsets[1:-1])]
        else:
            joined[n] = np.ma.concatenate(parts)
    return joined


# -- CSV -------------------------------------------------------------------------------------------------------------


def test_tsv_and_compressed_csv(tmp_path):
    (tmp_path / "a.tsv").write_text("x\ty\n1\t2.5\n3\t-4e-3\n")
    with gzip.open(tmp_path / "b.csv.gz", "wt") as file:
        file.write("x,y\n1,2.5\n3,-4e-3\n")
    for name in ("a.tsv", "b.csv.gz"):
        found = everything(tmp_path / name, ["y", "x"])
        assert found["x"].tolist() == [1, 3] and found["y"].tolist() == [2.5, -0.004]


def test_csv_keeps_types_and_text(tmp_path):
    (tmp_path / "a.csv").write_text('\ufeff"id", name ,x,flag\n9007199254740993,"a, b",1,true\n7,,nan,false\n')
    found = everything(tmp_path / "a.csv", ["id", "name", "x", "flag"], kept=["id", "name"])
    assert found["id"].dtype == np.int64 and found["id"].tolist() == [9007199254740993, 7]
    assert found["name"].tolist() == ["a, b", None]
    assert found["x"].dtype == np.float64 and np.array_equal(found["x"].data, [1, np.nan], equal_nan=True)
    assert not np.ma.is_masked(found["x"]) and found["flag"].tolist() == [True, False]


def test_a_csv_column_that_begins_with_integers(tmp_path):
    lines = ["x"] + ["1"] * 2_000_000 + ["0.5"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    found = everything(tmp_path / "a.csv", ["x"], size=10**6)
    assert len(found["x"]) == 2_000_001 and found["x"][-1] == 0.5
    with pytest.raises(FileError, match=r"a.csv: In CSV column #0: CSV conversion error to int64: invalid value '0.5'"):
        everything(tmp_path / "a.csv", ["x"], kept=["x"], size=10**6)


# -- Parquet ---------------------------------------------------------------------------------------------------------


def test_types_of_parquet(tmp_path):
    import decimal

    import pyarrow.parquet as pq

    columns = {
        "price": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(8, 2)),
        "half": pa.array(np.array([0.5, 2], np.float16)),
        "byte": pa.array([255, 0], pa.uint8()),
        "word": pa.array(["a", "b"]).dictionary_encode(),
        "when": pa.array(np.array(["2020-01-02", "2021-03-04"], "M8[ns]")),
        "lists": pa.array([[1.0, None], None], pa.list_(pa.float32())),
        "pairs": pa.array([[1, 2], None], pa.list_(pa.int32(), 2)),
        "inner": pa.array([{"p": {"x": 1.0}}, None]),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    file = reader(tmp_path / "a.parquet")
    assert list(file.names) == ["price", "half", "byte", "word", "when", "lists", "pairs", "inner.p.x"]
    described = {n: file.column(n) for n in file.names}
    assert described["word"].text and described["word"].copied and not described["word"].numeric
    assert described["when"].copied and not described["when"].numeric
    assert described["lists"].jagged and described["pairs"].shape == (2,)
    found = everything(tmp_path / "a.parquet", file.names, size=10)
    assert found["price"].tolist() == [1.25, None] and found["inner.p.x"].tolist() == [1.0, None]
    assert found["half"].dtype == np.float16 and found["byte"].dtype == np.uint8 and found["byte"].tolist() == [255, 0]
    assert found["word"].tolist() == ["a", "b"] and found["when"].dtype == np.dtype("M8[ns]")
    assert found["pairs"].tolist() == [[1, 2], [None, None]]
    assert np.array_equal(found["lists"][0], [1, np.nan], equal_nan=True) and found["lists"][1] == []


def test_slices_of_parquet(tmp_path):
    """Chunks begin in the middle of row groups: offsets of values, of lists and of masks are honoured."""
    import pyarrow.parquet as pq

    lists = [[float(i)] * (i % 4) for i in range(50)]
    pairs = [[i, -i] for i in range(50)]
    numbers = [None if i % 5 == 0 else i for i in range(50)]
    columns = {"lists": pa.array(lists), "pairs": pa.array(pairs, pa.list_(pa.int32(), 2)), "n": pa.array(numbers)}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=20)
    found = everything(tmp_path / "a.parquet", columns)
    assert found["lists"] == lists and found["pairs"].tolist() == pairs and found["n"].tolist() == numbers


# -- ROOT ------------------------------------------------------------------------------------------------------------


def test_ntuples(tmp_path):
    awkward = pytest.importorskip("awkward")
    lists = awkward.Array([[1.0, 2.0], [], [3.0]])
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("n", {"x": np.arange(3.0), "v": lists, "i": np.arange(3, dtype=np.int32)})
    file = reader(tmp_path / "a.root")
    assert file.column("v").jagged and file.column("i").dtype == np.int32 and file.count(["x"]) == 3
    found = everything(tmp_path / "a.root", ["x", "v", "i"], size=2)
    assert found["v"] == [[1, 2], [], [3]] and found["x"].tolist() == [0, 1, 2] and found["i"].tolist() == [0, 1, 2]


def test_arrays_and_text_of_trees(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        for tree in ("one", "two"):
            file.mktree(tree, {"m": ("f4", (2, 3)), "b": bool})
            file[tree].extend({"m": np.arange(30, dtype="f4").reshape(5, 2, 3), "b": np.arange(5) > 2})
    with pytest.raises(FileError, match=r"a.root has 2 trees: one and two\n  write instead: --tree one"):
        reader(tmp_path / "a.root")
    file = reader(tmp_path / "a.root", "two")
    assert file.column("m") == Column("m", np.dtype("f4"), (2, 3), type="float[2][3]")
    found = everything(tmp_path / "a.root", ["m", "b"], size=2, tree="two")
    assert (
        np.array_equal(found["m"], np.arange(30).reshape(5, 2, 3)) and found["b"].tolist() == [False] * 3 + [True] * 2
    )


def test_a_root_file_without_trees(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file["h"] = np.histogram([1.0, 2.0])
    with pytest.raises(FileError, match=r"a.root has no TTree or RNTuple, but h"):
        reader(tmp_path / "a.root")


def test_names_that_a_tree_cannot_tell_apart(tmp_path):
    columns = [Column(n, np.dtype(float)) for n in ("p.x", "p_x")]
    with pytest.raises(FileError, match=r"the columns p.x and p_x would have the same name, p_x"):
        writer(tmp_path / "a.root", tmp_path / "a.root", columns)
    with pytest.raises(FileError, match=r"a TTree has no place for text, as in 'name'\n  write instead: -o with .csv"):
        writer(tmp_path / "a.root", tmp_path / "a.root", [Column("name", np.dtype(object), text=True)])
    with pytest.raises(FileError, match="NPZ has no place for text of any length, as in 'name'"):
        writer(tmp_path / "a.npz", tmp_path / "a.npz", [Column("name", np.dtype(object), text=True)])


# -- NumPy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_in_any_order_of_bytes_and_axes(tmp_path, save):
    x = np.random.default_rng(1).normal(size=(40, 3, 2))
    save(tmp_path / "a.npz", c=x, f=np.asfortranarray(x), big=x.astype(">f4"), v=np.asfortranarray(x[:, :, 0]), one=3.0)
    file = reader(tmp_path / "a.npz")
    assert list(file.names) == ["c", "f", "big", "v"] and file.column("big").dtype == np.dtype("f4")
    found = everything(tmp_path / "a.npz", file.names)
    assert np.array_equal(found["c"], x) and np.array_equal(found["f"], x) and np.array_equal(found["v"], x[:, :, 0])
    assert np.array_equal(found["big"], x.astype("f4")) and found["big"].dtype.isnative


def test_structured_npy(tmp_path):
    table = np.zeros(20, [("x", ">f8"), ("v", "f4", (2,)), ("name", "U3"), ("flag", "?")])
    table["x"], table["v"][:, 1], table["name"] = np.arange(20), 7, "abc"
    np.save(tmp_path / "a.npy", table)
    found = everything(tmp_path / "a.npy", ["x", "v", "name", "flag"])
    assert found["x"].tolist() == list(range(20)) and found["v"].shape == (20, 2) and found["name"][3] == "abc"
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "b.npy").write_bytes(data[:-100])
    with pytest.raises(FileError, match=r"b.npy is cut off after event 1\d of 20"):
        everything(tmp_path / "b.npy", ["x"])


# -- what all have in common -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "npz", "npy", "parquet", "root"])
def test_every_format(tmp_path, form):
    path = write(tmp_path / f"a.{form}")
    file = reader(path)
    assert list(file.names) == list(COLUMNS) and file.count(["pt1"]) in (1000, None)
    assert all(file.column(n).numeric for n in file.names)
    assert 0 <= file.fraction() <= 1 and all(size >= 0 for size in file.overhead(["pt1"]))
    file.close()
    found = everything(path, COLUMNS, kept=["run"], size=300)
    assert all(np.array_equal(found[n], c) for n, c in COLUMNS.items()) and found["run"].dtype == np.int64


def test_names_of_formats():
    assert {format_of(Path(f"a{end}")) for end in FORMATS} == set(FORMATS.values())
    assert format_of(Path("A.CSV.GZ")) == "csv"
    with pytest.raises(ArgumentError, match=r"a.txt: the format is not known by its name; read are .csv, .csv.gz"):
        format_of(Path("a.txt"))
    with pytest.raises(ArgumentError, match=r"a.lhe: the format is not known by its name; written are .csv, .npz"):
        format_of(Path("a.lhe"), WRITTEN)


def test_replaced_only_as_a_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("older")
    with pytest.raises(ZeroDivisionError), replaced(path) as other:
        other.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "older" and len(list(tmp_path.iterdir())) == 1


def test_ahead_raises_what_the_source_raises_and_ends_its_thread():
    def source():
        yield 1
        raise OSError("gone")

    items = ahead(source())
    assert next(items) == 1
    with pytest.raises(OSError, match="gone"):
        next(items)
    before = threading.active_count()
    endless = ahead(iter(int, 1))
    assert [next(endless) for _ in range(5)] == [0] * 5 and threading.active_count() == before + 1
    endless.close()
    assert threading.active_count() == before


def test_memory_in_use_grows_with_what_is_allocated():
    before = memory.in_use()
    held = np.ones(5_000_000)
    assert memory.in_use() - before > 20e6 and memory.most_in_use() >= held.nbytes
