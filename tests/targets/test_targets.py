import html
import sys

from symhep.targets import TARGETS, targets

MODULE = sys.modules["symhep.targets"]  # symhep.targets is the function


def test_every_target_has_an_entry():
    assert tuple(targets()) == TARGETS
    assert targets()["numpy"]
    assert all(a.reason for a in targets().values() if not a)


def test_a_missing_package_is_named_with_the_fix(monkeypatch):
    monkeypatch.setattr(MODULE, "find_spec", lambda name: None)
    numba = targets()["numba"]
    assert not numba.available and "llvmlite" in numba.reason and "pip install" in numba.fix
    assert str(numba) in repr(targets())


def test_an_unknown_processor_is_named(monkeypatch):
    monkeypatch.setattr(MODULE.platform, "machine", lambda: "mystery64")
    assert "mystery64" in targets()["numba"].reason


def test_prints_as_a_table():
    assert repr(targets()).splitlines()[0] == "numpy  ✓ works"
    assert all(html.escape(str(a)) in targets()._repr_html_() for a in targets().values())
