"""`symhep run` as a process: interrupts, the bar, memory; and on real files."""

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
from tests.files.commands import run
from tests.files.samples import COLUMNS, MASS, read, write

pytest.importorskip("pyarrow")
uproot = pytest.importorskip("uproot")


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


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")
def test_a_bar_where_stderr_is_a_terminal(folder, root):
    import pty

    write(folder / "in.npz")
    ours, theirs = pty.openpty()
    arguments = ["kernels_of_test.py:dimuon_mass", *["in.npz"] * 200, "-o", "out.npz"]
    with open(folder / "out.txt", "wb") as out:
        running = process(root, *arguments, stdout=out, stderr=theirs)
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:  # the end, on Linux
            pass
        assert running.wait(60) == 0
    os.close(ours)
    assert b"200,000 events" in shown and b"100%" in shown
    assert (folder / "out.txt").read_text().startswith("200,000 events, ")


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
