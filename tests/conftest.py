"""Options and fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every run. `--hypothesis-profile=default` explores instead.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="rewrite the golden files instead of comparing with them")


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu") and (reason := _no_gpu()):
        pytest.skip(reason)


def _no_gpu() -> str | None:
    try:
        import cupy

        cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        return f"no CUDA device: {error}"
    return None


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """A folder of real data; tests that need it are skipped where there is none."""
    if named := os.environ.get("SYMHEP_DATA"):
        path = Path(named)
        if not path.is_dir():
            pytest.fail(f"SYMHEP_DATA={named} is not a folder")
        return path
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("no real data: set SYMHEP_DATA to a folder that holds it")
    return path


@pytest.fixture
def cache_dir(tmp_path, monkeypatch) -> Path:
    """A cache of the test's own, not there yet; elsewhere tests run without one (conftest.py of the repository)."""
    monkeypatch.setenv("SYMHEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SYMHEP_CACHE_SIZE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def golden(request):
    """`golden(path, text)` compares a text with a committed file; `pytest --update` rewrites the file."""

    def compare(path: Path, text: str) -> None:
        path = Path(path)
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: run pytest --update"
        assert text == path.read_text(encoding="utf-8"), f"{path} differs: run pytest --update if that is meant"

    return compare
