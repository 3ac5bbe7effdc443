import sys

import pytest

from tests.files.samples import KERNELS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with the kernels of samples.py."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "kernels_of_test.py").write_text(KERNELS)
    yield tmp_path
    sys.modules.pop("kernels_of_test", None)
