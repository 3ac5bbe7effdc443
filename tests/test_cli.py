import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from symhep.cli import app
from symhep.targets import TARGETS

KERNELS = """
import numpy as np
import symhep as sh

@sh.kernel
def dimuon_mass(pt1, eta1, phi1, pt2, eta2, phi2):
    return np.sqrt(2 * pt1 * pt2 * (np.cosh(eta1 - eta2) - np.cos(phi1 - phi2)))

@sh.kernel(domain=None)
def norm(p: sh.Vector[4], z: sh.Complex):
    return {"m2": p[0]**2 - p[1]**2 - p[2]**2 - p[3]**2, "z": z * z, "v": 2 * p}

def plain(x):
    return x * x + 1

number = 3
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "my_kernels.py"
    path.write_text(KERNELS)
    yield "my_kernels.py"
    sys.modules.pop("my_kernels", None)


def run(*arguments: str, status: int = 0):
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == status, result.output + repr(result.exception)
    assert "Traceback" not in result.output
    return result


def test_report(file):
    out = run("report", f"{file}:dimuon_mass").stdout
    assert out.startswith("dimuon_mass: 9 → ") and "as written" in out and "flop/byte" in out
    data = json.loads(run("report", f"{file}:dimuon_mass", "--json", "--effort", "fast").stdout)
    assert data["before"]["total"] == 9 and data["target"] == "numba"
    command = ("report", f"{file}:dimuon_mass", "--json")
    assert run(*command).stdout == run(*command).stdout


def test_source(file):
    out = run("source", f"{file}:dimuon_mass", "--target", "numpy", "--dtype", "float32").stdout
    assert "real = np.float32" in out and "def dimuon_mass(pt1, eta1, phi1, pt2, eta2, phi2):" in out
    compile(out, "source", "exec")
    data = json.loads(run("source", f"{file}:plain", "--target", "numpy", "--json").stdout)
    assert data["source"].startswith("import numpy")


def test_a_module_and_a_plain_function(file):
    assert "plain: 2 → 2" in run("report", "my_kernels:plain").stdout


def test_bench(file):
    box = [f"--box={name}=1:2" for name in ("pt1", "eta1", "phi1", "pt2", "eta2", "phi2")]
    out = run("bench", f"{file}:dimuon_mass", "--events", "500", *box).stdout
    assert "dimuon_mass: 500 events, float64" in out
    for part in ("ns/event", "events/s", "numpy", "numba", "the function, on NumPy arrays"):
        assert part in out
    data = json.loads(run("bench", f"{file}:norm", "--events=200", "--target=numpy", "--threads=1", "--json").stdout)
    assert data["threads"] == 1 and set(data["times"]) == {"numpy", "the function, on NumPy arrays"}
    assert data["times"]["numpy"]["ns_per_event"] > 0


def test_targets():
    assert run("targets").stdout.splitlines()[0].split() == ["numpy", "✓", "works"]
    assert set(json.loads(run("targets", "--json").stdout)) == set(TARGETS)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["report", "missing.py:f"], "error: there is no file missing.py"),
        (["report", "no_such_module:f"], "error: no_such_module cannot be imported: ModuleNotFoundError"),
        (["report", "my_kernels.py"], "my_kernels.py has 2 kernels: dimuon_mass and norm"),
        (["report", "my_kernels.py:dimoun_mass"], "write instead: my_kernels.py:dimuon_mass"),
        (["report", "my_kernels.py:number"], "is a int, not a kernel or function"),
        (["report", "my_kernels.py:norm", "--effort", "hard"], "error: effort is one of 'fast', 'default', 'max'"),
        (["source", "my_kernels.py:norm", "--target", "metal"], "error: target is one of 'auto', 'numpy', 'numba'"),
        (["bench", "my_kernels.py:plain", "--box", "x=1"], "--box 'x=1' is not a range"),
        (["bench", "my_kernels.py:plain", "--box", "y=1:2"], "'y', which is not an argument"),
    ],
)
def test_errors_are_one_line_with_status_1(file, arguments, text):
    result = run(*arguments, status=1)
    assert result.stderr.startswith("error: ") and text in result.stderr and not result.stdout


def test_an_error_in_the_users_file_names_its_line(file, tmp_path):
    (tmp_path / "broken.py").write_text("import symhep as sh\n\nx = 1 / 0\n")
    result = run("report", "broken.py:f", status=1)
    assert "ZeroDivisionError" in result.stderr and "broken.py:3" in result.stderr


def test_an_error_in_the_formula_names_its_line(file, tmp_path):
    (tmp_path / "branch.py").write_text(
        "import symhep as sh\n\n@sh.kernel\ndef f(x):\n    if x > 0:\n        return x\n    return -x\n"
    )
    result = run("report", "branch.py:f", status=1)
    assert "branch.py:5" in result.stderr and "np.where" in result.stderr


def test_traceback_on_request(file):
    result = CliRunner().invoke(app, ["report", "missing.py:f", "--traceback"])
    assert result.exit_code == 1 and "no file" in str(result.exception)


@pytest.mark.parametrize("line", ["nonsense", "report", "report a.py:f --nonsense", "bench a.py:f --events=0"])
def test_wrong_usage_is_status_2(line):
    run(*line.split(), status=2)


def test_help_names_the_commands():
    out = run("--help").stdout
    assert all(name in out for name in ("report", "source", "bench", "run", "graph", "targets", "cache"))
    assert "Exit status: 0 if all went well" in out and "--install-completion" in out
    assert "--box" in run("bench", "--help").stdout


@pytest.mark.parametrize("command", ["report", "source", "bench", "run", "graph"])
def test_help_of_every_command_has_an_example(command):
    assert f"symhep {command} " in run(command, "-h").stdout


def test_version():
    from importlib.metadata import version

    assert run("--version").stdout == f"symhep {version('symhep')}\n"


def test_an_interrupt_is_status_130(file, monkeypatch):
    from symhep.kernel import Kernel

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Kernel, "report", interrupted)
    assert run("report", f"{file}:dimuon_mass", status=130).stderr == "interrupted\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(root, shell):
    def start(**environment: str) -> str:
        command = [sys.executable, "-c", "import sys; sys.argv[0] = 'symhep'; from symhep.cli import app; app()"]
        variables = {**os.environ, "PYTHONPATH": str(root), **environment}
        return subprocess.run(command, capture_output=True, text=True, env=variables).stdout

    assert "_SYMHEP_COMPLETE" in start(_SYMHEP_COMPLETE=f"source_{shell}")
    words = {"COMP_WORDS": "symhep source a.py:f --target n", "COMP_CWORD": "4"}
    words |= {"_TYPER_COMPLETE_ARGS": words["COMP_WORDS"], "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    found = start(_SYMHEP_COMPLETE=f"complete_{shell}", **words)
    assert "numpy" in found and "numba" in found and "jax" not in found


def test_as_a_process(file, root):
    def start(where: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", "from symhep.cli import app; app()", "report", where, "--json"]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    done = start(f"{file}:dimuon_mass")
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "dimuon_mass"
    done = start(f"{file}:nothing")
    assert done.returncode == 1 and "Traceback" not in done.stderr
