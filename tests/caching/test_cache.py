"""Entries of the cache: what is read back, what is not, and that nothing raises."""

import os
import sys
import time

import pytest

from symhep.caching import cache
from symhep.caching import directory as cache_directory

KEY = cache.key("code", "an entry")
POSIX = pytest.mark.skipif(os.name != "posix", reason="owners and permissions of POSIX")


@pytest.fixture
def level(cache_dir):
    found = cache.level("code")
    assert found is not None and not cache_dir.exists()
    return found


@pytest.fixture(autouse=True)
def warn_again(monkeypatch):
    monkeypatch.setattr(cache_directory, "_warned", set())


def number(i: int) -> str:
    return cache.key("code", str(i))


def test_round_trip(level, cache_dir):
    assert level.get(KEY) is None
    level[KEY] = b"payload"
    assert level.get(KEY) == b"payload" and cache.level("programs").get(KEY) is None
    level[KEY] = b""
    assert level.get(KEY) == b""
    assert not os.listdir(cache_dir / "tmp")


@POSIX
def test_only_the_user_may_read(level, cache_dir):
    level[KEY] = b"payload"
    paths = [cache_dir, *cache_dir.rglob("*")]
    assert {p.stat().st_mode & 0o777 for p in paths if p.is_dir()} == {0o700}
    assert {p.stat().st_mode & 0o777 for p in paths if p.is_file()} == {0o600}


def damages(data: bytes) -> dict[str, bytes]:
    other = cache._header(number(7), b"other") + b"other"
    flipped = {f"byte {i}": data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :] for i in range(len(data))}
    cut = {f"cut at {i}": data[:i] for i in range(len(data))}
    return flipped | cut | {"longer": data + b"x", "another key": other, "text": b"hello", "zeros": bytes(len(data))}


def test_damaged_entries_are_not_there(level, cache_dir):
    level[KEY] = b"payload"
    file = cache_dir / "code" / KEY
    for what, data in damages(file.read_bytes()).items():
        file.write_bytes(data)
        assert level.get(KEY) is None, what
    level[KEY] = b"again"
    assert level.get(KEY) == b"again"


@POSIX
def test_foreign_entries_are_not_there(level, cache_dir, tmp_path, monkeypatch):
    level[KEY] = b"payload"
    file = cache_dir / "code" / KEY
    file.chmod(0o622)
    assert level.get(KEY) is None
    file.chmod(0o600)
    assert level.get(KEY) == b"payload"
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert level.get(KEY) is None
    monkeypatch.undo()
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert level.get(KEY) is None
    file.unlink()
    os.mkfifo(file)
    assert level.get(KEY) is None
    file.unlink()
    file.mkdir()
    level[KEY] = b"payload"
    assert level.get(KEY) is None and not os.listdir(cache_dir / "tmp")


@POSIX
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_directory_that_others_may_write_is_left_alone(cache_dir, mode):
    cache_dir.mkdir()
    cache_dir.chmod(mode)
    with pytest.warns(RuntimeWarning, match="another user owns it or may write there"):
        assert cache.level("code") is None
    assert cache.level("code") is None and not os.listdir(cache_dir)
    with pytest.raises(cache.CacheError, match="is not cleared"):
        cache.clear()


@POSIX
def test_a_directory_of_somebody_else_is_left_alone(cache_dir, monkeypatch):
    cache_dir.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.warns(RuntimeWarning, match="another user"):
        assert cache.level("code") is None


def test_a_file_where_the_directory_should_be(cache_dir):
    cache_dir.write_text("not a directory")
    with pytest.warns(RuntimeWarning, match="not a directory"):
        assert cache.level("code") is None
    assert cache_dir.read_text() == "not a directory"


def test_a_file_on_the_way_to_the_directory(cache_dir, monkeypatch):
    cache_dir.write_text("")
    monkeypatch.setenv("SYMHEP_CACHE", str(cache_dir / "below"))
    with pytest.warns(RuntimeWarning):
        assert cache.level("code") is None


def test_a_directory_that_disappears(level, cache_dir):
    level[KEY] = b"payload"
    os.rename(cache_dir, f"{cache_dir}.gone")
    assert level.get(KEY) is None
    level[KEY] = b"payload"
    assert level.get(KEY) == b"payload"


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), OSError(28, "no space"), OSError(30, "read-only")])
@pytest.mark.parametrize("function", ["open", "replace", "mkdir"])
def test_a_disk_that_cannot_be_written(cache_dir, monkeypatch, function, error):
    level = cache.level("code")
    original = os.open

    def fails(path, flags=0, *rest, **named):
        if function == "open" and flags & os.O_CREAT == 0:
            return original(path, flags, *rest, **named)
        raise error

    monkeypatch.setattr(os, function, fails)
    level[KEY] = b"payload"
    monkeypatch.undo()
    assert level.get(KEY) is None
    assert not cache_dir.exists() or not os.listdir(cache_dir / "tmp")


@POSIX
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory(level, cache_dir):
    level[KEY] = b"payload"
    os.utime(cache_dir / "code" / KEY, (1, 1))
    directories = [cache_dir, cache_dir / "code", cache_dir / "tmp"]
    for directory in directories:
        directory.chmod(0o500)
    level[number(1)] = b"payload"
    found = level.get(KEY), level.get(number(1))
    for directory in directories:
        directory.chmod(0o700)
    assert found == (b"payload", None)


def test_an_interrupted_write_leaves_nothing(level, cache_dir, monkeypatch):
    def interrupted(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        level[KEY] = b"payload"
    assert not os.listdir(cache_dir / "tmp")


def test_off(cache_dir, monkeypatch):
    monkeypatch.setenv("SYMHEP_CACHE", "off")
    assert cache.level("code") is None and cache_directory.location() is None
    assert "SYMHEP_CACHE=off" in str(cache.info()) and cache.clear() == 0


def test_default_location(monkeypatch, tmp_path):
    monkeypatch.delenv("SYMHEP_CACHE", raising=False)
    monkeypatch.setattr(cache_directory, "_default_location", lambda: tmp_path / "symhep")
    assert cache_directory.location() == tmp_path / "symhep"
    monkeypatch.setattr(cache_directory, "_default_location", lambda: type(tmp_path)("~/.cache/symhep"))
    assert cache_directory.location() is None and "home" in str(cache.info())


def test_keys(monkeypatch):
    keys = {cache.key("code", *parts) for parts in [("a",), ("b",), ("a", "b"), ("ab",), ("a", ""), ("", "a"), ()]}
    assert len(keys) == 7 and all(len(k) == 64 for k in keys)
    assert cache.key("code", b"a") == cache.key("code", "a") != cache.key("programs", "a")
    before = cache.key("code", "a")
    monkeypatch.setattr(cache, "_sources", lambda patterns: "other sources")
    assert cache.key("code", "a") != before


def test_sources_that_changed_after_the_import(cache_dir, monkeypatch):
    monkeypatch.setattr(cache, "_sources", cache._sources.__wrapped__)
    assert cache.level("code") is not None
    monkeypatch.setattr(cache, "_IMPORTED", 0.0)
    assert cache.level("code") is None


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 10**9), ("1000", 1000), ("200MB", 200 * 10**6), ("1.5 GB", 15 * 10**8), ("4KiB", 4096), ("2k", 2000)],
)
def test_size(monkeypatch, text, size):
    monkeypatch.setenv("SYMHEP_CACHE_SIZE", text)
    assert cache_directory.limit() == size


@pytest.mark.parametrize("text", ["much", "-1", "1 PB", "MB"])
def test_size_that_is_none(monkeypatch, text):
    monkeypatch.setenv("SYMHEP_CACHE_SIZE", text)
    with pytest.warns(RuntimeWarning, match="is not a size"):
        assert cache_directory.limit() == 10**9


def total(cache_dir) -> int:
    return sum(p.stat().st_size for p in cache_dir.rglob("*") if p.is_file())


def test_bounded_and_least_recently_used_go_first(level, cache_dir, monkeypatch):
    monkeypatch.setenv("SYMHEP_CACHE_SIZE", "1MB")
    files = [cache_dir / "code" / number(i) for i in range(60)]
    for i, file in enumerate(files):
        level[number(i)] = bytes(40_000)
        os.utime(file, (i + 1, i + 1))  # used long ago, one after the other
        assert level.get(number(0)) is not None  # and this one just now
        assert total(cache_dir) <= 1e6
    kept = [i for i, file in enumerate(files) if file.exists()]
    assert kept == [0, *range(61 - len(kept), 60)] and len(kept) > 15


def test_reading_counts_as_use(level, cache_dir):
    level[KEY] = b"payload"
    file = cache_dir / "code" / KEY
    os.utime(file, (1, 1))
    assert level.get(KEY) and file.stat().st_mtime > time.time() - 100


def test_too_large_for_the_cache(level, monkeypatch):
    monkeypatch.setenv("SYMHEP_CACHE_SIZE", "1000")
    level[KEY] = bytes(501)
    assert level.get(KEY) is None


def test_abandoned_files_are_removed(level, cache_dir, monkeypatch):
    level[KEY] = b"payload"
    old, new = cache_dir / "tmp" / "old", cache_dir / "tmp" / "new"
    for file in (old, new):
        file.write_bytes(b"half an ent")
    os.utime(old, (1, 1))
    level[number(1)] = b"payload"
    assert old.exists(), "looked for once per process"
    monkeypatch.setattr(cache_directory, "_tidied", set())
    level[number(1)] = b"payload"
    assert not old.exists() and new.exists()
    os.utime(new, (1, 1))
    cache_directory.sweep(cache_dir)
    assert not new.exists() and level.get(KEY) == b"payload"


def test_clear_and_info(level, cache_dir):
    assert cache.info().entries == {"programs": 0, "code": 0} and cache.clear() == 0
    level[KEY] = b"payload"
    (cache_dir / "notes.txt").write_text("the user's own")
    found = cache.info()
    assert found.entries == {"programs": 0, "code": 1} and found.bytes["code"] > 7 and found.location == str(cache_dir)
    assert "code" in str(found) and "1 entry" in str(found)
    assert cache.clear() == 1 and level.get(KEY) is None and (cache_dir / "notes.txt").exists()


def test_nothing_is_imported_for_it():
    import subprocess

    unwanted = "{'platformdirs', 'symhep.caching.cache', 'numpy'}"
    code = f"import sys, symhep; assert not {unwanted} & {{*sys.modules}}, sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
