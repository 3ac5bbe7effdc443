"""A sample of random formulas; `python -m tests.fuzz` runs more, and shows what fails."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from symhep.targets import ctext
from tests.fuzz import checks
from tests.fuzz.case import Options, options_for
from tests.fuzz.compiled import available
from tests.fuzz.recipes import recipe
from tests.fuzz.reproducing import reproducer
from tests.fuzz.running import block, fuzz, run_seeds, smallest
from tests.fuzz.shrink import shrink, size

SAMPLE = 240
DERIVATIVES = 60


def report(failed):
    return "\n".join(f"seed {seed}: {'; '.join(map(str, found))[:600]}" for seed, found in failed.items())


def test_a_sample_of_random_formulas():
    found = fuzz(SAMPLE)
    seen = found.seen
    assert not found.failed, report(found.failed)
    assert seen["formulas"] > 0.9 * SAMPLE
    assert seen["verified"] > 3 * SAMPLE and seen["accuracy"] > 2 * SAMPLE and seen["plain"] > SAMPLE / 2
    assert seen["exact programs"] > SAMPLE / 4 and seen["strict bits"] > 0
    assert seen["sympy"] > SAMPLE / 4 and seen["lambdify by mpmath"] > 10 and seen["pickle"] > 3
    assert seen["finite outputs"] > 0.7 * seen["all outputs"]
    assert seen["c"] > SAMPLE / 4 or not available("c")
    assert seen["cupy"] > SAMPLE / 6 or not available("cupy")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_many_random_formulas(part):
    found = fuzz(1000, seed=100_000 + 1000 * part)
    assert not found.failed, report(found.failed)
    assert found.seen["jax"] > 0 and found.seen["jax text"] > 0


def derivatives_of(seeds):
    """The failures of the Jacobians of random formulas, and what was compared."""
    given = [(recipe(s), replace(options_for(s), derivative="jacobian", parts=frozenset())) for s in seeds]
    seen, found = block(given)
    return seen, {s: f for s, f in zip(seeds, found) if f}


def test_a_sample_of_derivatives():
    seen, failed = derivatives_of(range(DERIVATIVES))
    assert not failed, report(failed)
    assert seen["formulas"] > 0.8 * DERIVATIVES
    assert seen["points checked"] > 1.5 * DERIVATIVES and seen["accuracy"] > DERIVATIVES


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_many_derivatives(part):
    """Forward mode, reverse mode and differences agree, and the Jacobian runs like any formula."""
    seen, failed = derivatives_of(range(200_000 + 800 * part, 200_000 + 800 * (part + 1)))
    assert not failed, report(failed)
    assert seen["formulas"] > 650


# -- the fuzzer itself -----------------------------------------------------------------------------------------------


def test_formulas_are_the_same_for_the_same_seed():
    again = [recipe.__wrapped__(5), recipe.__wrapped__(5)]
    assert again[0] == again[1] != recipe(6) and again[0].text() == again[1].text()
    assert options_for(5) == options_for(5)


def test_a_failing_formula_is_made_smaller():
    fails = lambda r: any(s.name == "*:rr" for s in r.steps)
    seed = next(s for s in range(100) if len(recipe(s).steps) > 10 and fails(recipe(s)))
    assert len(shrink(recipe(seed), fails).steps) <= 2


WRONG_PRODUCT = "%{l} = call contract {T} @llvm.fma.{S}({T} {0}, {T} {1}, {T} {0})"


@pytest.fixture
def wrong_products(monkeypatch):
    """x * y is x * y + x in the numba target."""
    from symhep.targets import llvm

    monkeypatch.setitem(llvm.TEXTS, "mul", WRONG_PRODUCT)
    llvm.text.cache_clear()
    monkeypatch.setattr(checks, "compiled", checks.compiled.__wrapped__)
    yield
    llvm.text.cache_clear()


def multiplying(seeds):
    options = Options("fast", "finite", np.dtype(np.float64))
    return [s for s in seeds if any(step.name == "*:rr" for step in recipe(s).steps)], options


@pytest.mark.parametrize("first", [440, 480, 520])
def test_wrong_arithmetic_is_found(wrong_products, first):
    seeds, options = multiplying(range(first, first + 40))
    assert any(block([(recipe(s), options)])[1][0] for s in seeds[:5])


@pytest.mark.parametrize("part", ["c", "cupy"])
def test_wrong_texts_are_found(monkeypatch, part):
    """One sum in the C or CUDA text that is wrong in its last digit."""
    if not available(part):
        pytest.skip("no compiler")
    monkeypatch.setitem(ctext.TEXTS, "add", "({0} + {1}) * (1 + 3e-16)")
    options = Options("fast", "finite", np.dtype(np.float64), frozenset({part}))
    adding = [s for s in range(200) if any(step.name == "+:rr" for step in recipe(s).steps) and not recipe(s).reduces]
    found = block([(recipe(s), options) for s in adding[:8]])[1]
    assert {f.kind for failed in found for f in failed} == {part}


def test_a_failure_is_written_down_as_a_program(wrong_products):
    """Small, with the inputs of the event at which it fails; and it runs."""
    seeds, _ = multiplying(range(440, 480))
    seed = next(s for s in seeds if run_seeds([s]).failed)
    small, options, found = smallest(seed)
    assert size(small) <= 4 < len(recipe(seed).steps)
    text = reproducer(small, options, found)
    assert f"# seed {seed}: " in text and str(found[0]).splitlines()[0] in text
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300)
    assert not done.returncode, done.stderr
    assert done.stdout.strip()


def test_the_command(root):
    command = [sys.executable, "-m", "tests.fuzz", "--cases", "6", "--seed", "3", "--targets", "c"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300)
    assert not done.returncode, done.stdout + done.stderr
    assert "formulas in " in done.stdout and "0 failed" in done.stdout
