"""The check of derivatives: what it compares, and what it says when one is wrong."""

import dataclasses

import numpy as np
import pytest

import symhep as sh
from symhep.ops import OPS


def test_what_it_says():
    check = sh.check_derivatives(lambda x, y: (x * y, x + np.sin(y)), points=2)
    assert str(check) == "4 derivatives agree to 25 digits at 2 points: forward, reverse, differences"
    assert check and check.points == 2


def test_a_failure_names_derivative_operation_and_line(monkeypatch):
    monkeypatch.setitem(OPS, "tanh", dataclasses.replace(OPS["tanh"], derivative="1 - r"))

    @sh.kernel
    def curve(pt, charge):
        bend = charge / pt
        return {"phi": np.tanh(bend), "r": pt * charge}

    with pytest.raises(sh.DerivativeError) as error:
        sh.check_derivatives(curve)
    text = str(error.value)
    assert "d result.phi / d pt is" in text and "forward mode" in text and "reverse mode" in text
    line = curve.fn.__code__.co_firstlineno + 3
    assert f"the rule of 'tanh' for its argument 1 is wrong, at {__file__}:{line}" in text


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_fault_of_one_mode_is_found(mode, monkeypatch):
    from symhep.derivatives import modes

    def wrong(linear, *args, **options):
        found = original(linear, *args, **options)
        return {n: linear.a.mul(linear.a.const(2), v) for n, v in found.items()}

    original = getattr(modes, mode)
    monkeypatch.setattr(modes, mode, wrong)
    with pytest.raises(sh.DerivativeError, match="a fault of the modes"):
        sh.check_derivatives(lambda x, y: x * y * y)


def test_nothing_to_check():
    check = sh.check_derivatives(lambda x: np.log(-1 - x * x))
    assert not check and "not checked" in str(check)


def test_kernels_of_the_library():
    from kernels import kinematics

    for k in vars(kinematics).values():
        if isinstance(k, sh.Kernel) and any(not a.static for a in k.arguments):
            assert sh.check_derivatives(k, points=2).points == 2, k


def test_charge_other_than_one():
    @sh.kernel
    def propagate(d0, phi, q_over_p, charge, B, s):
        w = charge * q_over_p * B * s
        return d0 * np.cos(phi) + np.sin(phi + w) / w, np.arctan2(np.sin(w), np.cos(w) + d0)

    at = sh.box(d0=(0.1, 2), phi=(-3, 3), q_over_p=(0.1, 1), charge=(-2.3, 2.9), B=(0.5, 3.8), s=(0.3, 4))
    assert sh.check_derivatives(propagate, domain=at, points=4).elements == 12
