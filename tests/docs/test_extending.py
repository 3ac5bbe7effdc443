"""docs/extending.md is followed to the letter, in a copy of the package: each of its sections is one change.

A `diff` block changes files, a `python` block that begins with the name of a file is that file, other `python` blocks
and `sh` blocks are run, and a `text` block after one of these is what it prints.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_readme import ROOT, same_text

PAGE = ROOT / "docs" / "extending.md"
COPIED = ("symhep", "kernels", "tests", "docs", "conftest.py", "pyproject.toml", "README.md", "Makefile")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ((?:symhep|tests)/[\w/]+\.py)\n\n*")

SECTIONS = dict(part.split("\n", 1) for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:])


def changed(text: str, hunk: str) -> str:
    """A text with the lines of a hunk changed; those that it keeps or removes have to stand in one place, exactly."""
    lines = hunk.splitlines(keepends=True)
    old, new = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
    assert text.count(old) == 1, f"{text.count(old)} places have\n{old}"
    return text.replace(old, new)


def apply(diff: str, folder: Path) -> None:
    """Change the files that a diff is about: each begins with `--- file`, each of its hunks with `@@`."""
    for part in re.split(r"^--- ", diff, flags=re.MULTILINE)[1:]:
        name, _, hunks = part.partition("\n")
        path = folder / name
        text = path.read_text(encoding="utf-8")
        for hunk in re.split(r"^@@.*\n", hunks, flags=re.MULTILINE)[1:]:
            text = changed(text, hunk)
        path.write_text(text, encoding="utf-8")


def run(language: str, code: str, folder: Path) -> str:
    """What a block prints; it has to succeed."""
    environment = os.environ | {"PYTHONPATH": str(folder), "SYMHEP_CACHE": "off"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    if language == "python":
        (folder / "block.py").write_text(code, encoding="utf-8")
        command: list[str] = [sys.executable, "block.py"]
    else:
        command = ["sh", "-e", "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def copy(tmp_path):
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("title", SECTIONS)
def test_the_changes_apply(title, copy):
    blocks = FENCE.findall(SECTIONS[title])
    assert {"diff", "python"} <= {language for language, _ in blocks}
    for language, code in blocks:
        if language == "diff":
            apply(code, copy)
        elif language == "python":
            compile(code, title, "exec")


@pytest.mark.slow
@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_can_be_followed(title, copy):
    printed = ""
    for language, code in FENCE.findall(SECTIONS[title]):
        file = FILE.match(code)
        if language == "diff":
            apply(code, copy)
        elif language == "text":
            assert same_text(printed, code), f"printed:\n{printed}\nshown:\n{code}"
        elif language == "python" and file:
            (copy / file[1]).write_text(code[file.end() :], encoding="utf-8")
        else:
            assert language in ("python", "sh")
            printed = run(language, code, copy)


def test_hunks_have_one_place(tmp_path):
    (tmp_path / "a.py").write_text("a\nb\nc\n")
    apply("--- a.py\n@@\n b\n+x\n@@ further down\n-c\n+y\n", tmp_path)
    assert (tmp_path / "a.py").read_text() == "a\nb\nx\ny\n"
    with pytest.raises(AssertionError, match="0 places"):
        apply("--- a.py\n@@\n-c\n", tmp_path)
