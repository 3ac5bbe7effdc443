"""A sample of random formulas; `python -m tests.fuzz` runs more, and shows what fails."""

import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.fuzz import checks
from tests.fuzz.__main__ import attempt, fuzz
from tests.fuzz.case import Options, options_for
from tests.fuzz.derivatives import derivative_failures
from tests.fuzz.recipes import recipe, shrink

SAMPLE, MANY = 300, 20_000
BUDGET = 10 * 60  # seconds that the many should take on one core


def report(failed):
    return "\n".join(f"seed {seed}: {'; '.join(found)[:600]}" for seed, found in failed.items())


def test_a_sample_of_random_formulas():
    seen, failed = fuzz(SAMPLE)
    assert not failed, report(failed)
    assert seen["formulas"] > 0.95 * SAMPLE
    assert seen["verified"] > 3 * SAMPLE and seen["accurate"] > 2 * SAMPLE
    assert seen["exact programs"] > SAMPLE / 4 and seen["strict bits"] > 0
    assert seen["finite outputs"] > 0.7 * seen["all outputs"]


@pytest.mark.slow
def test_many_random_formulas():
    start = time.process_time()
    _, failed = fuzz(MANY, seed=100_000)
    print(f"{1e3 * (time.process_time() - start) / MANY:.1f} ms each")
    assert not failed, report(failed)


def derivatives_of(seeds):
    """The failures of the derivatives of random formulas, and what was compared."""
    seen, failed = Counter(), {}
    for seed in seeds:
        options = replace(options_for(seed), layouts=False, readable=False)
        found = attempt(recipe(seed), options, seen, derivative_failures)
        seen["formulas"] += found is not None
        if found:
            failed[seed] = found
    return seen, failed


def test_a_sample_of_derivatives():
    seen, failed = derivatives_of(range(80))
    assert not failed, report(failed)
    assert seen["formulas"] > 70 and seen["points checked"] > 150 and seen["accurate"] > 100


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_many_derivatives(part):
    """10 000 in all: forward mode, reverse mode and differences agree, and the Jacobian runs like any formula."""
    seen, failed = derivatives_of(range(200_000 + 2500 * part, 200_000 + 2500 * (part + 1)))
    assert not failed, report(failed)
    assert seen["formulas"] > 2300


def test_formulas_are_the_same_for_the_same_seed():
    assert recipe(5) == recipe(5) != recipe(6)
    arrays = [np.linspace(-1, 1, 7) for _ in recipe(5).arguments]
    assert str(recipe(5)) == str(recipe(5))
    assert len(arrays) == len(recipe(5).arguments)


def test_a_failing_formula_is_made_smaller():
    fails = lambda r: any(s.name == "*:rr" for s in r.steps)
    seed = next(s for s in range(100) if len(recipe(s).steps) > 10 and fails(recipe(s)))
    assert len(shrink(recipe(seed), fails).steps) <= 2


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_wrong_arithmetic_is_found(monkeypatch, seed):
    """The checks see a single wrong rounding in the compiled code, and a wrong rule in the passes."""
    from symhep.targets import llvm

    monkeypatch.setitem(llvm.TEXTS, "mul", "%{l} = call contract {T} @llvm.fma.{S}({T} {0}, {T} {1}, {T} {0})")
    llvm.text.cache_clear()
    monkeypatch.setattr(checks, "compiled", checks.compiled.__wrapped__)
    try:
        options = Options("fast", "finite", np.dtype(np.float64), False, False)
        recipes = map(recipe, range(40 * seed, 40 * seed + 40))
        multiplied = [r for r in recipes if any(s.name == "*:rr" for s in r.steps)]
        assert any(attempt(r, options) for r in multiplied[:5])
    finally:
        llvm.text.cache_clear()
