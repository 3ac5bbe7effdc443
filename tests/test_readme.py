"""The pages' python blocks run and print what is shown, and what the pages refer to is there."""

import doctest
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCRIPTS = [p.name for p in sorted((ROOT / "docs").glob("*.py")) if "py --check " in p.read_text(encoding="utf-8")]
FOLLOWED = {"extending.md"}  # tests/docs/test_extending.py does what this page says
# a block, and a text block right after it, which is what it prints
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
FILE = re.compile(r"`([\w-]+/(?:[\w./-]+\.(?:py|md|c|toml))?)`")
MODULE = re.compile(r"python -m ((?:benchmarks|symhep|tests)[\w.]*)")
SCRIPT = re.compile(r"python ((?:docs|examples|benchmarks)/\w+\.py)")
MAKE = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)


def blocks(page: Path):
    """The page's python blocks, each moved down to its own line number so that errors point into the page.

    With each what it is said to print, or None.
    """
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        yield "\n" * text.count("\n", 0, match.start(1)) + match[1], match[2]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(page: Path) -> list[str]:
    """The lines of the page's sh blocks that call symhep."""
    text = "".join(re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    return [line for line in text.splitlines() if line.startswith("symhep ")]


def same_text(printed: str, shown: str) -> bool:
    """Whether a block prints what is shown, in which ... stands for anything."""
    lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(shown, lines, flags)


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in FOLLOWED and any(blocks(p))], ids=name)
def test_blocks_run_and_print_what_is_shown(page, tmp_path, monkeypatch, capsys):
    module = types.ModuleType("page_" + page.stem.replace("-", "_"))
    module.__file__ = str(page)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    for block, shown in blocks(page):
        capsys.readouterr()
        exec(compile(block, str(page), "exec"), module.__dict__)
        if shown is not None:
            printed = capsys.readouterr().out
            assert same_text(printed, shown), f"printed:\n{printed}\nshown:\n{shown}"


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "command-line.md" and commands(p)], ids=name)
def test_commands_run(page):
    for command in commands(page):
        words = [sys.executable, "-c", "from symhep.cli import app; app()", *shlex.split(command)[1:]]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0 and done.stdout, f"{command}\n{done.stderr}"


def test_a_wrong_output_is_found():
    assert same_text("2 events\nin 0.1 s\n", "2 events\nin ... s\n")
    assert not same_text("2 events\n", "3 events\n")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.fixture(scope="module")
def files():
    """The files of the repository and their folders, as they end."""
    skipped = {".venv", ".git", "build", "dist", "__pycache__"}
    found = [p.relative_to(ROOT) for p in ROOT.rglob("*") if not skipped & {*p.relative_to(ROOT).parts}]
    return [f"/{p.as_posix()}{'/' * (ROOT / p).is_dir()}" for p in found]


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in FOLLOWED], ids=name)
def test_files_and_commands_that_are_named_exist(page, files):
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^```(?:python|text|pycon)\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    missing = [f for f in FILE.findall(text) if not any(known.endswith(f"/{f}") for known in files)]
    missing += [m for m in MODULE.findall(text) if importlib.util.find_spec(m) is None]
    missing += [s for s in SCRIPT.findall(text) if not (ROOT / s).exists()]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    missing += [f"make {m}" for m in MAKE.findall(text) if m not in targets]
    assert not missing


@pytest.mark.parametrize("script", SCRIPTS)
def test_generated_parts_are_up_to_date(script):
    command = [sys.executable, str(ROOT / "docs" / script), "--check"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
