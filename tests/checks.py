"""Checks that tests share."""

import mpmath
import numpy as np

from symhep.checking.verify import compare


def points(names, count=3, low=-2.0, high=2.0, seed=0):
    """Generic points: no value is round, equal to another, or zero."""
    rng = np.random.default_rng(seed)
    return [{name: mpmath.mpf(float(rng.uniform(low, high))) for name in names} for _ in range(count)]


def assert_same_value(before, after, low=-2.0, high=2.0):
    """Check in high precision that two graphs have the same value wherever the first has one."""
    names = [n.attrs[0] for n in before.inputs]
    outcome = compare(before, after, points(names, low=low, high=high))
    assert not outcome.failed, str(outcome)
    return outcome.points
