"""The fits that are measured: the same minimum from both systems, at the right place."""

import doctest
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import fit

EVENTS = 4000


def test_rows(root, monkeypatch):
    """In a process of its own, as JAX is switched to double precision there; it fails where minima differ."""
    monkeypatch.setenv("PYTHONPATH", str(root))
    pytest.importorskip("jax")
    found = fit.in_a_process("all", EVENTS)
    assert [(row["algorithm"], row["system"]) for row in found] == [(m, s) for m in fit.METHODS for s in fit.SYSTEMS]
    for row, other in zip(found, [*found[2:], *found[:2]]):
        assert row["minimum"] == pytest.approx(other["minimum"], rel=fit.SAME_MINIMUM)
        assert row["compile"] > 0 and row["fit"] > 0 and all(t > 0 for t in row["call"])
        assert row["calls"][0] > 5
        hessians = row["system"] == "JAX" and row["algorithm"] == "trust-exact"
        assert len(row["call"]) == 1 + hessians and (row["calls"][1] > 0) == hessians


def test_the_fit_finds_what_was_generated():
    problem = fit.by_symhep(fit.generate(EVENTS), "trust-exact")
    z = problem.minimise("trust-exact").x
    truth = np.array([fit.MASS, fit.WIDTH, fit.SLOPE, fit.SIGNAL_PART * EVENTS, (1 - fit.SIGNAL_PART) * EVENTS])
    errors = problem.steps * np.sqrt(np.diag(np.linalg.inv(problem.hessian(z))))
    assert np.max(np.abs(problem.start + problem.steps * z - truth) / errors) < 4


def test_different_minima_are_an_error():
    end = SimpleNamespace(fun=-1000.0, x=np.zeros(5))
    fit.check([end, SimpleNamespace(fun=-1000.0 - 1e-6, x=np.full(5, 1e-3))], "BFGS")
    for other in (SimpleNamespace(fun=-1000.1, x=end.x), SimpleNamespace(fun=end.fun, x=np.full(5, 0.1))):
        with pytest.raises(RuntimeError, match="BFGS: minima differ by"):
            fit.check([end, other], "BFGS")


def test_a_fit_that_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setitem(fit.METHODS, "BFGS", {"maxiter": 1})
    with pytest.raises(RuntimeError, match="BFGS"):
        fit.by_symhep(fit.generate(EVENTS), "BFGS").minimise("BFGS")


def test_doctests():
    assert doctest.testmod(fit).failed == 0
