"""The wheel holds both packages, whole, and works without the source tree."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("symhep", "kernels")


def run(*command, **options) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT))
    (path,) = out.glob("symhep-*.whl")
    return path


def test_contents(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {p.relative_to(ROOT).as_posix() for package in PACKAGES for p in (ROOT / package).rglob("*.py")}
    assert sources <= names
    assert "symhep/py.typed" in names
    assert {n.split("/")[0] for n in names if ".dist-info/" not in n} == set(PACKAGES)


def test_installed_copy_is_imported(wheel, tmp_path):
    site = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile",
        "--disable-pip-version-check", "--target", str(site), str(wheel))  # fmt: skip
    code = "import symhep, kernels.kinematics; print(symhep.__file__, kernels.kinematics.__file__, sep='\\n')"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    files = run(sys.executable, "-c", code, cwd=tmp_path, env=environment).splitlines()[-2:]
    assert [Path(f).relative_to(site).parts[0] for f in files] == list(PACKAGES)
