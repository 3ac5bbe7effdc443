"""What random formulas are made of: every operation of the table and every NumPy function of numbers, by kind.

An entry works on traced values and on NumPy arrays alike. Kinds are "r" (real), "c" (complex) and "b" (bool).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import symhep as sh
from symhep.ops import ELEMENTARY_COST, OPS


@dataclass(frozen=True, slots=True)
class Entry:
    """A function: kinds of its arguments, kind of its result, and how often it is to be chosen."""

    name: str
    takes: str
    gives: str
    function: Callable[..., Any]
    weight: float = 1.0


def _named(names: str, takes: str, gives: str, weight: float = 1.0) -> list[Entry]:
    return [Entry(f"{n}:{takes}", takes, gives, getattr(np, n), weight) for n in names.split()]


def _stacked(function: Callable) -> Callable:
    return lambda *values: function(np.stack(np.broadcast_arrays(*values)))


def _guarded(name: str, guard: str, make: Callable[[Any], Any], weight: float = 1.0) -> Entry:
    """A function on an argument that is brought into its domain."""
    function = getattr(np, name)
    return Entry(f"{name}({guard})", "r", "r", lambda x: function(make(x)), weight)


_ARITHMETIC = [
    Entry(f"{name}:{kind}{kind}", kind * 2, kind, function, weight)
    for kind, weight in (("r", 10.0), ("c", 2.0))
    for name, function in (("+", operator.add), ("-", operator.sub), ("*", operator.mul))
]
_ARITHMETIC += [Entry(f"/:{kind}{kind}", kind * 2, kind, operator.truediv, 3.0) for kind in "rc"]
_ARITHMETIC += [
    Entry("+:rc", "rc", "c", operator.add),
    Entry("*:cr", "cr", "c", operator.mul),
    Entry("/:cr", "cr", "c", operator.truediv),
    Entry("/:rc", "rc", "c", operator.truediv),
    Entry("-:rc", "rc", "c", operator.sub),
    Entry("*:br", "br", "r", operator.mul),
    Entry("+:rb", "rb", "r", operator.add),
    Entry("x/(1+y²)", "rr", "r", lambda x, y: x / (1 + y * y), 3.0),
    Entry("x*y+x*z", "rrr", "r", lambda x, y, z: x * y + x * z, 3.0),
    Entry("(x+y)/z+(x-y)/z", "rrr", "r", lambda x, y, z: (x + y) / z + (x - y) / z),
]

_REAL = [
    *_named("negative abs square positive sqrt cbrt reciprocal sign fabs", "r", "r"),
    *_named("floor ceil trunc rint fix round", "r", "r", 0.5),
    *_named("exp expm1 exp2 log log1p log2 log10 sin cos tan arcsin arccos arctan", "r", "r", 0.7),
    *_named("sinh cosh tanh arcsinh arccosh arctanh sinc radians degrees deg2rad rad2deg", "r", "r", 0.5),
    *_named("add subtract multiply divide arctan2 hypot minimum maximum fmin fmax copysign", "rr", "r", 0.8),
    *_named("floor_divide remainder mod fmod heaviside logaddexp logaddexp2", "rr", "r", 0.4),
    Entry("//", "rr", "r", operator.floordiv, 0.3),
    Entry("%", "rr", "r", operator.mod, 0.3),
    *[Entry(f"divmod{k}", "rr", "r", lambda x, y, k=k: np.divmod(x, y)[k], 0.2) for k in (0, 1)],
    *[Entry(f"modf{k}", "r", "r", lambda x, k=k: np.modf(x)[k], 0.2) for k in (0, 1)],
    *[Entry(f"**{e}", "r", "r", lambda x, e=e: x**e, 0.6) for e in (2, 3, 4, 5, 7, -1, -2, -3, 0, 1)],
    *[Entry(f"**{e}", "r", "r", lambda x, e=e: x**e, 0.4) for e in (0.5, 1.5, -0.5, -2.5, 2.0, 1 / 3, 0.1, -0.25)],
    Entry("power(pos)", "rr", "r", lambda x, y: np.power(0.5 + x * x, y)),
    Entry("power:rr", "rr", "r", np.power, 0.4),
    Entry("float_power:rr", "rr", "r", lambda x, y: np.power(np.abs(x), y), 0.2),
    Entry("2**x", "r", "r", lambda x: 2**x, 0.4),
    Entry("clip:rrr", "rrr", "r", lambda x, y, z: np.clip(x, y, z)),
    Entry("clip±", "r", "r", lambda x: np.clip(x, -1.5, 2)),
    Entry("round2", "r", "r", lambda x: np.round(x, 2), 0.3),
    Entry("real(c)", "c", "r", np.real, 2.0),
    Entry("imag(c)", "c", "r", np.imag, 2.0),
    Entry("abs(c)", "c", "r", np.abs),
    Entry("angle(c)", "c", "r", np.angle, 0.5),
    Entry("abs²(c)", "c", "r", lambda z: (z * np.conj(z)).real),
    Entry("where:brr", "brr", "r", np.where, 4.0),
    Entry("select:bbrrr", "bbrrr", "r", lambda p, q, x, y, z: np.select([p, q], [x, y], z)),
    Entry("where(x<y)", "rr", "r", lambda x, y: np.where(x < y, x, 2 * y), 2.0),
    Entry("sum3", "rrr", "r", _stacked(lambda a: np.sum(a, axis=0))),
    Entry("prod3", "rrr", "r", _stacked(lambda a: np.prod(a, axis=0))),
    Entry("max3", "rrr", "r", _stacked(lambda a: np.max(a, axis=0))),
    Entry("min3", "rrr", "r", _stacked(lambda a: np.min(a, axis=0))),
    Entry("mean3", "rrr", "r", _stacked(lambda a: np.mean(a, axis=0))),
    Entry("std3", "rrr", "r", _stacked(lambda a: np.std(a, axis=0)), 0.5),
    Entry("norm3", "rrr", "r", _stacked(lambda a: np.linalg.norm(a, axis=0))),
    Entry("keep", "r", "r", lambda x: sh.keep(x)),
    # pairs that undo each other
    Entry("exp(log)", "r", "r", lambda x: np.exp(np.log(x)), 0.5),
    Entry("log(exp)", "r", "r", lambda x: np.log(np.exp(x)), 0.5),
    Entry("sqrt(x²)", "r", "r", lambda x: np.sqrt(x * x), 0.5),
    Entry("sqrt(x²y)", "rr", "r", lambda x, y: np.sqrt(x * x * y), 0.5),
    Entry("sqrt²", "r", "r", lambda x: np.sqrt(x) * np.sqrt(x), 0.5),
    Entry("cos(atan2)", "rr", "r", lambda x, y: np.cos(np.arctan2(x, y)), 0.5),
    Entry("sin(atan2)", "rr", "r", lambda x, y: np.sin(np.arctan2(x, y)), 0.5),
    Entry("tan(atan)", "r", "r", lambda x: np.tan(np.arctan(x)), 0.3),
    Entry("cos(asin)", "r", "r", lambda x: np.cos(np.arcsin(np.clip(x, -1, 1))), 0.3),
    Entry("sinh(asinh)", "r", "r", lambda x: np.sinh(np.arcsinh(x)), 0.3),
    # functions on arguments inside their domain
    _guarded("sqrt", "1+x²", lambda x: 1 + x * x, 3.0),
    _guarded("log", "3+x²", lambda x: 3 + x * x, 2.0),
    _guarded("log1p", "|x|", abs),
    _guarded("exp", "-x²", lambda x: -x * x, 2.0),
    _guarded("reciprocal", "2+x²", lambda x: 2 + x * x, 2.0),
    _guarded("arcsin", "sin", np.sin),
    _guarded("arccos", "x/(1+x²)", lambda x: x / (1 + x * x)),
    _guarded("arctanh", "tanh/2", lambda x: np.tanh(x) / 2),
    _guarded("arccosh", "1+x²", lambda x: 1 + x * x),
    _guarded("tanh", "x", lambda x: x, 2.0),
    _guarded("sin", "x", lambda x: x, 2.0),
    _guarded("cos", "x", lambda x: x, 2.0),
]

_BOOL = [
    *_named("less less_equal greater greater_equal", "rr", "b", 2.0),
    *_named("equal not_equal", "rr", "b"),
    *_named("equal not_equal", "cc", "b", 0.3),
    *_named("isfinite isnan isinf signbit", "r", "b", 0.5),
    *_named("isfinite isnan", "c", "b", 0.2),
    *_named("logical_and logical_or logical_xor", "bb", "b"),
    *_named("logical_and logical_or", "rr", "b", 0.3),
    *_named("logical_not", "b", "b"),
    *_named("logical_not", "r", "b", 0.3),
    Entry("&", "bb", "b", operator.and_),
    Entry("|", "bb", "b", operator.or_),
    Entry("^", "bb", "b", operator.xor),
    Entry("~", "b", "b", operator.invert),
    Entry("b==b", "bb", "b", operator.eq, 0.5),
    Entry("b!=b", "bb", "b", operator.ne, 0.5),
    Entry("where:bbb", "bbb", "b", np.where),
    Entry("any", "bbb", "b", _stacked(lambda a: np.any(a, axis=0)), 0.5),
    Entry("all", "bbb", "b", _stacked(lambda a: np.all(a, axis=0)), 0.5),
    Entry("isclose", "rr", "b", np.isclose, 0.3),
]

_COMPLEX = [
    Entry("x+iy", "rr", "c", lambda x, y: x + 1j * y, 4.0),
    Entry("i*z", "c", "c", lambda z: 1j * z),
    Entry("z*(a+ib)", "c", "c", lambda z: z * (0.5 - 2j)),
    *_named("negative conjugate square reciprocal sqrt exp log", "c", "c"),
    *_named("sin cos tan sinh cosh tanh", "c", "c", 0.5),
    *_named("arcsin arccos arctan arcsinh arccosh arctanh exp2 expm1 log1p log2 log10 sign", "c", "c", 0.25),
    *[Entry(f"z**{e}", "c", "c", lambda z, e=e: z**e, 0.4) for e in (2, 3, 5, -1, -2, 0.5, 1.5, -0.5, 1 / 3)],
    Entry("power:cc", "cc", "c", np.power, 0.25),
    Entry("power:cr", "cr", "c", np.power, 0.25),
    Entry("where:bcc", "bcc", "c", np.where, 2.0),
    Entry("where:bcr", "bcr", "c", np.where),
    Entry("conj*", "cc", "c", lambda x, y: np.conj(x) * y, 2.0),
]

ENTRIES = {e.name: e for e in (*_ARITHMETIC, *_REAL, *_BOOL, *_COMPLEX)}

# the operations of which the result has the same bits everywhere
EXACT = frozenset(name for name, row in OPS.items() if row.cost < ELEMENTARY_COST)

CONSTANTS: tuple[float | int, ...] = (
    *(0, 1, -1, 2, 3, -2, 10, 7, 0.5, 0.25, -1.5, 0.1, 1 / 3, 3.141592653589793, -0.7, 1e-3, 100.0, 1e5),
    *(1e200, -1e200, 1e-200, 2**60, 1e15 + 0.3, float("inf"), 1e30, 1e-30),
)
