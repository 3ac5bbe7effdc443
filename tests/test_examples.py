"""The examples run as a user would run them."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def run_example(root, tmp_path):
    """Run an example in an empty directory; the finished process."""

    def run(name, *arguments):
        environment = os.environ | {"PYTHONPATH": str(root), "COLUMNS": "120", "NO_COLOR": "1"}
        command = [sys.executable, str(root / "examples" / name), *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)

    return run


def data_file(data_dir, name):
    path = data_dir / name
    if not path.is_file():
        pytest.skip(f"{name} is not in the data folder")
    return path


def test_dimuon_mass_draws_the_z_peak(run_example, data_dir, tmp_path):
    pytest.importorskip("uproot")
    pytest.importorskip("matplotlib")
    done = run_example("01_dimuon_mass.py", data_file(data_dir, "uproot-Zmumu.root"), "--plot", tmp_path / "z.png")
    assert done.returncode == 0, done.stderr
    assert "2304 events" in done.stdout
    median = float(done.stdout.split("median there ")[1].split()[0])
    assert 90 < median < 92
    assert (tmp_path / "z.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "events", "mass"),
    [("pylhe-testfile-sherpa-3.0.1-eejjj.lhe", 100, 44.0), ("pylhe-testfile-whizard-3.1.4-eeWW.lhe", 10, 500.0)],
)
def test_lhe_mass_is_the_collision_energy(run_example, data_dir, tmp_path, name, events, mass):
    pytest.importorskip("pylhe")
    pytest.importorskip("matplotlib")
    done = run_example("02_lhe_mass.py", data_file(data_dir, name), "--plot", tmp_path / "mass.png")
    assert done.returncode == 0, done.stderr
    assert f"{events} events" in done.stdout
    assert abs(float(done.stdout.split("median ")[1].split()[0]) / mass - 1) < 1e-4
    assert (tmp_path / "mass.png").read_bytes().startswith(b"\x89PNG")


def test_lhe_mass_of_events_with_different_multiplicities(run_example, data_dir):
    pytest.importorskip("pylhe")
    done = run_example("02_lhe_mass.py", data_file(data_dir, "pylhe-testfile-pythia-6.413-ttbar.lhe"))
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split("incoming system: ")[1].split()[0]) < 1e-4


def test_lhe_mass_without_final_state_says_so(run_example, data_dir):
    pytest.importorskip("pylhe")
    done = run_example("02_lhe_mass.py", data_file(data_dir, "pylhe-testfile-pr29.lhe"))
    assert done.returncode != 0
    assert "no particle with status 1" in done.stderr


def test_uu_to_3gamma(run_example):
    done = run_example("03_uu_to_3gamma.py", "--events", 2000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "operations per event" in done.stdout
    assert "failed" not in done.stdout


def test_uu_to_3gamma_leaves_with_an_error_without_the_cpu_target(root, tmp_path):
    """A missing target is reported with its reason, on stderr, and the exit status is not 0."""
    program = (
        "import runpy, types, symhep as sh\n"
        "missing = types.SimpleNamespace(available=False, reason='taken away by a test')\n"
        "sh.targets = lambda: {'numba': missing}\n"
        f"runpy.run_path({str(root / 'examples' / '03_uu_to_3gamma.py')!r}, run_name='__main__')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "taken away by a test" in done.stderr


def two_fits(text):
    """The lines of the table of both fits: the name of each parameter, and the numbers after it."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line.startswith("│")]
    return {name: [float(cell) for cell in cells] for name, *cells in rows}


def number_after(text, words):
    return float(text.split(words)[1].split()[0])


def test_unbinned_fit_finds_what_was_generated(run_example, tmp_path):
    for package in ("iminuit", "scipy", "matplotlib"):
        pytest.importorskip(package)
    done = run_example("04_unbinned_fit.py", "--events", 20_000, "--plot", tmp_path / "fit.png")
    assert done.returncode == 0, done.stderr
    found = two_fits(done.stdout)
    assert list(found) == ["mass [GeV]", "width [GeV]", "slope [1/GeV]", "signal", "background"]
    for truth, *fits in found.values():
        for value, error, pull in (fits[:3], fits[3:]):
            assert abs(pull) < 3
            assert abs((value - truth) / error - pull) < 0.1 + 0.05 * abs(pull)  # what is printed is rounded
        assert fits[0] == pytest.approx(fits[3], abs=0.02 * fits[4])
    assert found["mass [GeV]"][2] == pytest.approx(0.025, rel=0.2)
    assert number_after(done.stdout, "the fits differ by at most") < 0.01
    assert number_after(done.stdout, "errors differ by at most") < 0.01
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")


def test_z_peak(run_example, data_dir, tmp_path):
    for package in ("uproot", "iminuit", "scipy", "matplotlib"):
        pytest.importorskip(package)
    done = run_example("05_z_peak.py", data_file(data_dir, "uproot-Zmumu.root"), "--plot", tmp_path / "z.png")
    assert done.returncode == 0, done.stderr
    assert "500 events" in done.stdout  # of 2304 entries: each event has several
    mass, mass_error = number_after(done.stdout, "\nmass "), number_after(done.stdout.split("\nmass ")[1], "± ")
    resolution = number_after(done.stdout, "\nresolution ")
    assert abs(mass - 91.19) < 1.0 and 0.05 < mass_error < 0.3
    assert 0.8 < resolution < 2.5
    assert number_after(done.stdout, "the fits differ by at most") < 0.02
    assert number_after(done.stdout, "errors differ by at most") < 0.02
    assert (tmp_path / "z.png").read_bytes().startswith(b"\x89PNG")


def test_training_lowers_the_loss(run_example, tmp_path):
    for package in ("jax", "optax", "matplotlib"):
        pytest.importorskip(package)
    done = run_example("06_training.py", "--events", 2000, "--steps", 150, "--plot", tmp_path / "net.png")
    assert done.returncode == 0, done.stderr
    losses = [float(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith("step")]
    assert len(losses) == 10 and losses[0] > 0.6 and losses[-1] < 0.3
    assert number_after(done.stdout, "->") < 0.3
    assert number_after(done.stdout, "accuracy ") > 0.88
    assert number_after(done.stdout, "ROC curve ") > 0.94
    assert (tmp_path / "net.png").read_bytes().startswith(b"\x89PNG")
