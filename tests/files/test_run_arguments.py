"""`symhep run` with arguments and results that are not one number per event."""

import numpy as np
import pytest
from typer.testing import CliRunner

from symhep.cli import app
from tests.files.commands import refused, run
from tests.files.samples import read, write

pytest.importorskip("pyarrow")
uproot = pytest.importorskip("uproot")


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


def check_shapes(found):
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

    arrays = {"p": pa.FixedSizeListArray.from_arrays(P.ravel(), 4)}
    q = pa.StructArray.from_arrays([pa.array(X), pa.array(Y0), pa.array(Y1)], ["x", "y[0]", "y[1]"])
    arrays |= {"C_0_0": C00, "C_0_1": C01, "C_1_1": C11, "z.real": Z.real, "z.imag": Z.imag, "q": q}
    pq.write_table(pa.table(arrays), folder / "in.parquet")
    run("shapes", "in.parquet", "-o", "out.root", "-p", "mass=1.5")
    found = read(folder / "out.root")
    assert found["all_1"].shape == (N, 4) and found["cut"].dtype == bool
    made = {"all[0]": found["all_0_real"] + 1j * found["all_0_imag"], "all[1]": found["all_1"]}
    check_shapes({**found, **made})
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
    assert "n is static and has no default, so its value is needed" in refused("power", "in.npz", "-o", "no.npz")


def test_a_parameter_is_no_column(folder):
    np.savez(folder / "in.npz", mass=X, **WHOLE)
    assert refused("shapes", "in.npz", "-o", "no.npz") == (
        "error: mass is a parameter of shapes: it has one value, not a column\n  write instead: --parameter mass=1.0\n"
    )


def test_a_parameter_with_a_default_is_no_column_either(folder):
    (folder / "gauss.py").write_text(
        "import symhep as sh\n\n@sh.kernel(parameters=('sigma',))\ndef gauss(x, sigma=2.0):\n    return x / sigma\n"
    )
    np.savez(folder / "in.npz", x=X, sigma=X)
    found = CliRunner().invoke(app, ["run", f"{folder / 'gauss.py'}:gauss", f"{folder / 'in.npz'}", "-o", "no.npz"])
    assert found.exit_code == 1
    assert "sigma is a parameter of gauss: it has one value, not a column" in found.output
