"""Kernels and the cache: what a second process finds, and what makes it search again."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import symhep as sh
from symhep.caching import cache, saved
from symhep.graph import Graph
from symhep.targets import native, processor
from symhep.targets.objects import Code
from symhep.variants import Options

COLUMNS = [np.random.default_rng(k).uniform(0.5, 1.5, 101) for k in range(3)]
LEVELS = cache.LEVELS.items()
STATISTICS = ("programs hits", "programs misses", "programs writes", "code hits", "code misses", "code writes")


def formula(x, y, z):
    s = sh.name(np.sqrt(x * x + y * y), "s")
    for k in range(1, 12):
        s = s + np.exp(-s * z / k) * np.sin(k * x + y) / (1 + s * s)
    return {"s": s, "t": np.where(s > 1, s, x) + 0.1}


def used(action):
    """What an action found and left in the cache: hits, misses, writes of programs, then of code."""
    before = dict(cache.statistics)
    action()
    return tuple([cache.statistics[name] - before.get(name, 0) for name in STATISTICS])


@pytest.fixture(autouse=True)
def own_cache(cache_dir, monkeypatch):
    monkeypatch.setattr(native, "_drivers", {})


def call(**options):
    return lambda: sh.kernel(**options)(formula)(*COLUMNS)


def test_found_again():
    assert used(call()) == (0, 1, 2, 0, 2, 2)
    assert used(call()) == (1, 0, 0, 1, 0, 0)
    native._drivers.clear()
    assert used(call()) == (1, 0, 0, 2, 0, 0)


def test_the_same_kernel():
    fresh, again = sh.kernel(formula), sh.kernel(formula)
    expected = fresh(*COLUMNS)
    found = again(*COLUMNS)
    assert all(np.array_equal(found[k], expected[k]) for k in expected)
    v, w = fresh.variant(), again.variant()
    assert v._saved is None and w._saved is not None and w._optimised is None
    assert w.optimised.graph.to_bytes() == v.optimised.graph.to_bytes()
    assert w.optimised.stages == v.optimised.stages and w.verification == v.verification
    assert again.report().json() == fresh.report().json() and again.source() == fresh.source()
    assert again.count() == fresh.count() and "s" in w.optimised.graph.names.values()
    lines = [str(g.where[n]) for g in (v.optimised.graph, w.optimised.graph) for n in g.order if n in g.where]
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :] and lines
    assert again.variant().runner(np.dtype(float)).text == fresh.variant().runner(np.dtype(float)).text


@pytest.mark.parametrize(
    "options",
    [
        {"effort": "fast"},
        {"effort": 2.0},
        {"math": "strict"},
        {"domain": sh.box(x=(1, 2), y=(1, 2), z=(1, 2))},
        {"parameters": ("z",)},
    ],
    ids=str,
)
def test_other_options_are_other_programs(options):
    call()()
    columns = [c[0] if "parameters" in options and k == 2 else c for k, c in enumerate(COLUMNS)]
    run = lambda: sh.kernel(**options)(formula)(*columns)
    assert used(run)[:2] == (0, 1)
    assert used(run)[:2] == (1, 0)


def test_other_dtypes_are_other_code():
    call()()
    assert used(call(dtype=np.float32))[:5] == (1, 0, 0, 0, 2)


def test_domains():
    low, high = sh.box(x=(1, 2), y=(1, 2), z=(1, 2)), sh.box(x=(1, 3), y=(1, 2), z=(1, 2))
    traced = sh.kernel(formula).traced
    keys = [saved.key_of(traced, Options(domain=d)) for d in (None, low, high)]
    assert len(set(keys)) == 3 and None not in keys

    class Mine:
        sample = points = None

    assert saved.key_of(traced, Options(domain=Mine())) is None


@pytest.mark.parametrize("what", ["cpu", "features", "triple", "width"])
def test_another_processor(monkeypatch, what):
    call()()
    here = native.host()
    other = replace(here, **{what: 2 if what == "width" else getattr(here, what) + "x"})
    for module in (native, processor):
        monkeypatch.setattr(module, "host", lambda: other)
    monkeypatch.setattr(native, "machine_code", lambda text: (_ for _ in ()).throw(LookupError("compiled")))
    with pytest.raises(LookupError, match="compiled"):
        call()()


@pytest.mark.parametrize("what", ["programs", "code"])
def test_other_sources(monkeypatch, what):
    call()()
    original = cache._sources
    monkeypatch.setattr(cache, "_sources", lambda p: original(p) + "x" if p == cache.LEVELS[what] else original(p))
    hits = used(call())
    assert hits[:2] == ((0, 1) if what == "programs" else (1, 0))
    assert hits[3:5] == ((1, 0) if what == "programs" else (0, 1))


def test_every_source_counts():
    home = Path(cache.__file__).parent.parent
    files = {n: {f.relative_to(home).as_posix() for p in patterns for f in home.glob(p)} for n, patterns in LEVELS}
    every = {f.relative_to(home).as_posix() for f in home.rglob("*.py")}
    assert files["programs"] | files["code"] == {f for f in every if not f.startswith(("cli/", "files/"))}
    assert {"ops.py", "graph.py", "passes/extract.py", "checking/verify.py"} <= files["programs"]
    assert {"ops.py", "program.py", "targets/llvm.py", "targets/bodies.py"} <= files["code"]


def entries(cache_dir, name):
    return sorted((cache_dir / name).iterdir())


@pytest.mark.parametrize("damage", [b"", b"cut", b"flip"])
def test_damaged_entries_are_made_again(cache_dir, damage):
    expected = sh.kernel(formula)(*COLUMNS)
    files = entries(cache_dir, "programs") + entries(cache_dir, "code")
    good = [f.read_bytes() for f in files]
    for file, data in zip(files, good):
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        file.write_bytes({b"": b"", b"cut": data[:middle], b"flip": flipped}[damage])
    native._drivers.clear()
    kernel = sh.kernel(formula)
    assert used(lambda: kernel(*COLUMNS)) == (0, 1, 2, 0, 2, 2)
    assert all(np.array_equal(a, b) for a, b in zip(kernel(*COLUMNS).values(), expected.values()))
    assert used(call()) == (1, 0, 0, 1, 0, 0)


@pytest.mark.parametrize("data", [b"", b"{}\n", b"[]\n{}", b"\xff\n", b'{"verification":null}\n{"format":1}'])
def test_programs_in_another_form(data):
    kernel = sh.kernel(formula)
    cache.level("programs")[saved.key_of(kernel.traced, kernel.options)] = data
    assert saved.load(kernel.traced, kernel.options) is None


def test_off(monkeypatch):
    monkeypatch.setenv("SYMHEP_CACHE", "off")
    assert used(call()) == (0, 0, 0, 0, 0, 0)


def test_small_kernels_are_not_kept(cache_dir, monkeypatch):
    monkeypatch.setattr(cache, "WORTH", 10.0)
    kernel = sh.kernel(lambda x: x * x + 1)
    assert used(lambda: kernel(2.0)) == (0, 1, 0, 0, 2, 0)
    assert not cache_dir.exists()


def test_a_wrong_program_is_not_kept(cache_dir, monkeypatch):
    """What fails verification is found again, and fails again."""
    from symhep import passes
    from symhep.checking.verify import VerificationError

    real = passes.signs
    monkeypatch.setattr(passes, "signs", lambda g: Graph(real(g).inputs, real(g).outputs[::-1], {}, {}))
    for _ in range(2):
        kernel = sh.kernel(formula)
        with pytest.raises(VerificationError):
            kernel(*COLUMNS)


def test_options_changed_afterwards():
    call()()
    kernel = sh.kernel(formula)
    expected = kernel(*COLUMNS)
    for changes in ({"target": "numpy"}, {"dtype": np.float32}, {"domain": sh.box(x=(1, 2), y=(1, 2), z=(1, 2))}):
        found = kernel.with_options(**changes)(*COLUMNS)
        np.testing.assert_allclose(found["s"], expected["s"], rtol=1e-5)


def test_code_as_bytes():
    kernel = sh.kernel(lambda x, y: np.exp(x) + np.arctan2(y, x))
    for dtype in (np.float32, np.float64):
        for width in (2, 4, 8):
            text, layout = native.bodies.emit(program(kernel), np.dtype(dtype), width)
            code = Code.of(b"\n\0machine code\n{}", layout, text)
            assert Code.from_bytes(code.to_bytes()) == code


def program(kernel):
    from symhep.program import build

    return build(kernel.variant().optimised.graph)


SCRIPT = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from tests.caching.test_kept_kernels import COLUMNS, formula
import symhep as sh
from symhep.caching import cache
made = sh.kernel(formula)
result = made(*COLUMNS)
print(json.dumps([dict(cache.statistics), made.variant().optimised.graph.digest(),
                  {k: v.tobytes().hex() for k, v in result.items()}, made.traced.graph.digest()]))
"""


def process(root, seed):
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", SCRIPT, str(root)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_processes_with_other_hash_seeds(root):
    runs = [process(root, seed) for seed in (1, 2, 3)]
    assert runs[0][0] == {"programs misses": 1, "programs writes": 2, "code misses": 2, "code writes": 2}
    assert runs[1][0] == runs[2][0] == {"programs hits": 1, "code hits": 2}
    assert runs[0][1:] == runs[1][1:] == runs[2][1:]
