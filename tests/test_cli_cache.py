import json
import os

import pytest
from typer.testing import CliRunner

from symhep.caching import cache
from symhep.cli import app


def run(*arguments: str, status: int = 0):
    result = CliRunner().invoke(app, ["cache", *arguments])
    assert result.exit_code == status, result.output + repr(result.exception)
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def entry(cache_dir):
    cache.level("code")[cache.key("code", "an entry")] = bytes(2_000_000)
    return cache_dir


def test_info(entry, monkeypatch):
    monkeypatch.setenv("SYMHEP_CACHE_SIZE", "50MB")
    lines = run("info").stdout.splitlines()
    assert lines[0] == str(entry)
    assert [line.split() for line in lines[1:]] == [
        ["programs", "0", "entries", "0.0", "MB"],
        ["code", "1", "entry", "2.0", "MB"],
        ["limit", "50.0", "MB"],
    ]
    found = json.loads(run("info", "--json").stdout)
    assert found["location"] == str(entry) and found["limit"] == 50 * 10**6 and found["problem"] == ""
    assert found["entries"] == {"programs": 0, "code": 1} and found["bytes"]["code"] == 2_000_000 + 79


def test_clear(entry):
    assert run("clear").stdout == "1 file removed\n"
    assert json.loads(run("clear", "--json").stdout) == {"removed": 0}
    assert json.loads(run("info", "--json").stdout)["entries"] == {"programs": 0, "code": 0}


def test_off(monkeypatch):
    monkeypatch.setenv("SYMHEP_CACHE", "off")
    assert run("info").stdout == "nothing is kept: SYMHEP_CACHE=off\n"
    assert json.loads(run("info", "--json").stdout)["location"] == ""
    assert run("clear").stdout == "0 files removed\n"


def test_a_directory_that_cannot_be_used(cache_dir):
    cache_dir.write_text("")
    assert "is not used: it is not a directory" in run("info").stdout
    assert run("clear", status=1).stderr.startswith("error: ")
    assert cache_dir.exists()


def test_files_that_cannot_be_removed(entry, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "unlink", refused)
    error = run("clear", status=1).stderr
    assert "cannot be removed: Permission denied" in error
