"""The site builds without a warning, and every public name has a docstring as the house wants it."""

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import symhep as sh

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(importlib.util.find_spec("myst_parser") is None, reason="needs pip install 'symhep[docs]'")
def test_the_site_builds_without_warnings(tmp_path):
    options = ["-b", "html", "-W", "--keep-going", "-n", "-q", "-d", str(tmp_path / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for page in (ROOT / "docs").glob("*.md"):
        built = tmp_path / "site" / f"{page.stem}.html"
        assert built.exists(), f"{page.name} is on no list of pages"


@pytest.mark.parametrize("name", sh.__all__)
def test_every_public_name_is_described(name):
    value = getattr(sh, name)
    doc = inspect.getdoc(value)
    assert doc and doc.splitlines()[0].rstrip("()")[-1] in ".;:"
    assert f"sh.{name}`" in (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    if inspect.isfunction(value):
        assert ">>>" in doc
