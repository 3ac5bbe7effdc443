"""What random formulas are made of: every operation of the table and every NumPy function of numbers, by kind.

An entry is an expression of its arguments x, y, z, u, v, so that a formula can be written down as Python. It works on
traced values and on NumPy numbers alike. Kinds are "r" (real), "c" (complex), "b" (bool), "v" (three real numbers) and
"m" (a 3 by 3 matrix of them).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

import symhep as sh  # noqa: F401 (in the expressions)
from symhep.ops import ELEMENTARY_COST, OPS

NAMES = "xyzuv"


@dataclass(frozen=True, slots=True)
class Entry:
    """An expression: kinds of its arguments, kind of its result, and how often it is to be chosen."""

    name: str
    takes: str
    gives: str
    text: str
    weight: float = 1.0

    def written(self, arguments: Sequence[str]) -> str:
        """The expression of these arguments."""
        tree = _Renamed(dict(zip(NAMES, arguments))).visit(ast.parse(self.text, mode="eval"))
        return ast.unparse(tree)


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        new = self.names.get(node.id)
        return node if new is None else ast.parse(new, mode="eval").body


def _calls(names: str, takes: str, gives: str, weight: float = 1.0, module: str = "np") -> list[Entry]:
    arguments = ", ".join(NAMES[: len(takes)])
    return [Entry(f"{n}:{takes}", takes, gives, f"{module}.{n}({arguments})", weight) for n in names.split()]


def _texts(takes: str, gives: str, weights: dict[str, float]) -> list[Entry]:
    return [Entry(f"{text}:{takes}", takes, gives, text, weight) for text, weight in weights.items()]


_ARITHMETIC = [
    Entry(f"{sign}:{kind}{kind}", kind * 2, kind, f"x {sign} y", weight)
    for kind, weight in (("r", 10.0), ("c", 2.0), ("v", 2.0), ("m", 1.0))
    for sign in "+-*"
]
_ARITHMETIC += [
    Entry(f"{sign}:{takes}", takes, gives, f"x {sign} y", weight)
    for sign, takes, gives, weight in (
        ("/", "rr", "r", 3), ("/", "cc", "c", 3), ("+", "rc", "c", 1), ("*", "cr", "c", 1), ("/", "cr", "c", 1),
        ("/", "rc", "c", 1), ("-", "rc", "c", 1), ("*", "br", "r", 1), ("+", "rb", "r", 1), ("*", "rv", "v", 2),
        ("/", "vr", "v", 1), ("+", "vr", "v", 0.5), ("*", "mr", "m", 1), ("/", "vv", "v", 0.3),
    )
]  # fmt: skip
_ARITHMETIC += _texts("rr", "r", {"x / (1 + y * y)": 3})
_ARITHMETIC += _texts("rrr", "r", {"x * y + x * z": 3, "(x + y) / z + (x - y) / z": 1})

_POWERS = dict.fromkeys([2, 3, 4, 5, 7, -1, -2, -3, 0, 1], 0.6)
_POWERS |= dict.fromkeys([0.5, 1.5, -0.5, -2.5, 2.0, 0.3333333333333333, 0.1, -0.25], 0.4)

_REAL = [
    *_calls("negative abs square positive sqrt cbrt reciprocal sign fabs", "r", "r"),
    *_calls("floor ceil trunc rint fix round", "r", "r", 0.5),
    *_calls("exp expm1 exp2 log log1p log2 log10 sin cos tan arcsin arccos arctan", "r", "r", 0.7),
    *_calls("sinh cosh tanh arcsinh arccosh arctanh sinc radians degrees deg2rad rad2deg", "r", "r", 0.5),
    *_calls("add subtract multiply divide arctan2 hypot minimum maximum fmin fmax copysign", "rr", "r", 0.8),
    *_calls("floor_divide remainder mod fmod heaviside logaddexp logaddexp2", "rr", "r", 0.4),
    *_calls("erf", "r", "r", 0.7, module="special"),
    *_texts("rr", "r", {"x // y": 0.3, "x % y": 0.3, "np.divmod(x, y)[0]": 0.2, "np.divmod(x, y)[1]": 0.2}),
    *_texts("r", "r", {"np.modf(x)[0]": 0.2, "np.modf(x)[1]": 0.2, "2 ** x": 0.4, "np.round(x, 2)": 0.3}),
    *_texts("r", "r", {f"x ** {e}": weight for e, weight in _POWERS.items()}),
    *_texts("rr", "r", {"np.power(0.5 + x * x, y)": 1, "np.power(x, y)": 0.4, "np.power(np.abs(x), y)": 0.2}),
    *_texts("rrr", "r", {"np.clip(x, y, z)": 1}),
    *_texts("r", "r", {"np.clip(x, -1.5, 2)": 1}),
    *_texts(
        "c", "r", {"np.real(x)": 2, "np.imag(x)": 2, "np.abs(x)": 1, "np.angle(x)": 0.5, "(x * np.conj(x)).real": 1}
    ),
    *_texts("brr", "r", {"np.where(x, y, z)": 4, "sh.where(x, y, z)": 0.5}),
    *_texts("bbrrr", "r", {"np.select([x, y], [z, u], v)": 1}),
    *_texts("rr", "r", {"np.where(x < y, x, 2 * y)": 2}),
    *_texts("r", "r", {"sh.keep(x)": 1, "sh.name(x, 'named')": 0.2}),
    # pairs that undo each other
    *_texts("r", "r", {"np.exp(np.log(x))": 0.5, "np.log(np.exp(x))": 0.5, "np.sqrt(x * x)": 0.5}),
    *_texts("rr", "r", {"np.sqrt(x * x * y)": 0.5, "np.cos(np.arctan2(x, y))": 0.5, "np.sin(np.arctan2(x, y))": 0.5}),
    *_texts("r", "r", {"np.sqrt(x) * np.sqrt(x)": 0.5, "np.tan(np.arctan(x))": 0.3, "np.sinh(np.arcsinh(x))": 0.3}),
    *_texts("r", "r", {"np.cos(np.arcsin(np.clip(x, -1, 1)))": 0.3}),
    # functions on arguments inside their domain
    *_texts("r", "r", {"np.sqrt(1 + x * x)": 3, "np.log(3 + x * x)": 2, "np.log1p(np.abs(x))": 1}),
    *_texts("r", "r", {"np.exp(-x * x)": 2, "1 / (2 + x * x)": 2, "np.arcsin(np.sin(x))": 1}),
    *_texts("r", "r", {"np.arccos(x / (1 + x * x))": 1, "np.arctanh(np.tanh(x) / 2)": 1, "np.arccosh(1 + x * x)": 1}),
    *_texts("r", "r", {"np.tanh(x / 2)": 2, "np.sin(2 * x)": 2, "np.cos(x + 1)": 2}),
]

# of several components
_SHAPED = [
    *_texts("rrr", "v", {"np.stack([x, y, z])": 4, "sh.array([x, y, z])": 2}),
    *_texts("v", "r", {"x[0]": 1, "x[1]": 1, "x[-1]": 1, "np.sum(x)": 1, "np.prod(x)": 0.5, "np.max(x)": 1}),
    *_texts("v", "r", {"x.min()": 0.5}),
    *_texts("v", "r", {"np.linalg.norm(x)": 1, "np.mean(x)": 0.5, "np.std(x)": 0.3, "np.ptp(x)": 0.3}),
    *_texts("vv", "r", {"np.dot(x, y)": 2, "x @ y": 1, "np.einsum('i,i', x, y)": 0.5, "np.inner(x, y)": 0.3}),
    *_texts("vv", "v", {"np.cross(x, y)": 1, "np.where(x < y, x, y)": 0.5, "np.maximum(x, y)": 0.5}),
    *_texts("v", "v", {"np.sqrt(1 + x * x)": 0.5, "np.cumsum(x)": 0.5, "x[::-1]": 0.5, "np.roll(x, 1)": 0.3, "-x": 1}),
    *_texts("v", "v", {"np.sin(x)": 0.5, "x / np.sqrt(1 + x @ x)": 0.5, "np.diff(np.append(x, x[0]))": 0.2}),
    *_texts("vv", "m", {"np.outer(x, y)": 1}),
    *_texts("vvv", "m", {"np.stack([x, y, z])": 1}),
    *_texts("m", "m", {"x.T": 0.5, "x + np.eye(3)": 0.5, "np.linalg.inv(np.eye(3) + x @ x.T)": 0.2, "x @ x.T": 0.3}),
    *_texts("mm", "m", {"x @ y": 1}),
    *_texts("mv", "v", {"x @ y": 2, "np.einsum('ij,j->i', x, y)": 0.5}),
    *_texts("mv", "v", {"np.linalg.solve(np.eye(3) + x @ x.T, y)": 0.2}),
    *_texts("m", "r", {"np.trace(x)": 1, "np.linalg.det(x)": 0.3, "x[0, 1]": 1, "np.sum(x)": 0.5}),
    *_texts("m", "r", {"np.sum(x[1:, :2])": 0.3}),
    *_texts("m", "v", {"x[0]": 0.5, "x[:, 1]": 0.5, "np.sum(x, axis=0)": 0.5, "np.diagonal(x)": 0.3}),
    *_texts("vmv", "r", {"x @ y @ z": 1}),
]  # fmt: skip

_REDUCED = [
    *_calls("batch_sum", "r", "r", 3, module="sh"),
    *_calls("batch_mean batch_max batch_min", "r", "r", 1.5, module="sh"),
    *_texts("r", "r", {"x - sh.batch_mean(x)": 1, "x / sh.batch_sum(np.abs(x))": 0.5}),
    *_texts("br", "r", {"sh.batch_sum(np.where(x, y, 0))": 1}),
    *_texts("v", "v", {"sh.batch_sum(x)": 0.5}),
]

_BOOL = [
    *_calls("less less_equal greater greater_equal", "rr", "b", 2.0),
    *_calls("equal not_equal", "rr", "b"),
    *_calls("equal not_equal", "cc", "b", 0.3),
    *_calls("isfinite isnan isinf signbit", "r", "b", 0.5),
    *_calls("isfinite isnan", "c", "b", 0.2),
    *_calls("logical_and logical_or logical_xor", "bb", "b"),
    *_calls("logical_and logical_or", "rr", "b", 0.3),
    *_calls("logical_not", "b", "b"),
    *_calls("logical_not", "r", "b", 0.3),
    *_texts("bb", "b", {"x & y": 1, "x | y": 1, "x ^ y": 1, "x == y": 0.5, "x != y": 0.5}),
    *_texts("b", "b", {"~x": 1}),
    *_texts("bbb", "b", {"np.where(x, y, z)": 1, "np.any(sh.array([x, y, z]))": 0.5}),
    *_texts("bbb", "b", {"np.all(sh.array([x, y, z]))": 0.5}),
    *_calls("isclose", "rr", "b", 0.3),
    *_texts("v", "b", {"np.any(x > 1)": 0.5, "np.all(x < 2)": 0.5}),
]  # fmt: skip

_COMPLEX = [
    *_texts("rr", "c", {"x + 1j * y": 4}),
    *_texts("c", "c", {"1j * x": 1, "x * (0.5 - 2j)": 1}),
    *_calls("negative conjugate square reciprocal sqrt exp log", "c", "c"),
    *_calls("sin cos tan sinh cosh tanh", "c", "c", 0.5),
    *_calls("arcsin arccos arctan arcsinh arccosh arctanh exp2 expm1 log1p log2 log10 sign", "c", "c", 0.25),
    *_texts("c", "c", {f"x ** {e}": 0.4 for e in (2, 3, 5, -1, -2, 0.5, 1.5, -0.5, 0.3333333333333333)}),
    *_calls("power", "cc", "c", 0.25),
    *_calls("power", "cr", "c", 0.25),
    *_calls("where", "bcc", "c", 2.0),
    *_calls("where", "bcr", "c"),
    *_texts("cc", "c", {"np.conj(x) * y": 2}),
]

ENTRIES = {e.name: e for e in (*_ARITHMETIC, *_REAL, *_SHAPED, *_BOOL, *_COMPLEX)}
REDUCED = {e.name: e for e in _REDUCED}
ALL = ENTRIES | REDUCED

PLAIN_ARITHMETIC = frozenset(
    "+:rr|-:rr|*:rr|/:rr|x / (1 + y * y):rr|x * y + x * z:rrr|(x + y) / z + (x - y) / z:rrr|negative:r|abs:r|square:r"
    "|sqrt:r|x ** 2:r|x ** 3:r|x ** -1:r|x ** 0.5:r|x ** 1.5:r|x ** -2.5:r|minimum:rr|maximum:rr"
    "|np.where(x < y, x, 2 * y):rr|np.where(x, y, z):brr|np.sqrt(1 + x * x):r|floor:r|less:rr|np.sqrt(x * x):r"
    "|np.sqrt(x * x * y):rr|reciprocal:r|np.sqrt(x) * np.sqrt(x):r|copysign:rr|hypot:rr"
    "|np.clip(x, -1.5, 2):r".split("|")
)

# the operations of which the result has the same bits everywhere
EXACT = frozenset(name for name, row in OPS.items() if row.cost < ELEMENTARY_COST)

CONSTANTS: tuple[float | int, ...] = (
    *(0, 1, -1, 2, 3, -2, 10, 7, 0.5, 0.25, -1.5, 0.1, 1 / 3, 3.141592653589793, -0.7, 1e-3, 100.0, 1e5),
    *(1e200, -1e200, 1e-200, 2**60, 1e15 + 0.3, float("inf"), 1e30, 1e-30),
)
ORDINARY = 18  # the first of them
