"""Errors of the special functions against mpmath, in units of the machine epsilon.

    python -m benchmarks.special_accuracy [points]           print the table
    python -m benchmarks.special_accuracy --write [points]   and put it into docs/special-functions.md

For each function the largest error of the numba target at random points of a domain, in double and single precision:
relative to the value, or absolute where the function has zeros (those of the values that a float can hold).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

import symhep as sh
from symhep.special import SPECIALS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "special-functions.md"
MARKS = ("<!-- accuracy -->\n", "<!-- end of accuracy -->\n")
DTYPES = (np.dtype(np.float64), np.dtype(np.float32))


@dataclass(frozen=True)
class Case:
    """A function on a domain.

    name      of the function
    fixed     its constant parameters
    low, high the ends of the domain of each argument; drawn on a logarithmic scale where `log` is set
    absolute  whether the error is absolute: the function has zeros there
    most      the largest error that it may have, in units of epsilon; the tests ask for this
    """

    name: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    most: float
    fixed: tuple = ()
    log: bool = False
    absolute: bool = False

    def points(self, n: int, dtype: np.dtype, seed: int = 1) -> list[np.ndarray]:
        """Random arguments, each a float of the given kind."""
        random = np.random.default_rng(seed)
        found = []
        for low, high in zip(self.low, self.high, strict=True):
            if self.log:
                low = max(low, float(np.finfo(dtype).tiny) * 1e3)
                x = np.exp(random.uniform(np.log(low), np.log(high), n))
            else:
                x = random.uniform(low, high, n)
            found.append(x.astype(dtype))
        return found

    def kernel(self) -> sh.Kernel:
        """The function as a kernel."""
        f, fixed = SPECIALS[self.name], self.fixed
        if len(self.low) == 1:
            return sh.kernel(lambda x: f(*fixed, x))
        if len(self.low) == 2:
            return sh.kernel(lambda x, y: f(*fixed, x, y))
        return sh.kernel(lambda x, y, z: f(*fixed, x, y, z))

    def exact(self, x: list[Any]) -> Any:
        """mpmath's value."""
        with mpmath.workdps(40):
            return SPECIALS[self.name].exact(*self.fixed, *[mpmath.mpf(float(v)) for v in x])

    def error(self, value: float, right: Any, dtype: np.dtype) -> float:
        """The error in units of epsilon; 0 where no float of this kind holds the value."""
        limits = np.finfo(dtype)
        if not mpmath.isfinite(right) or not (16 * limits.tiny < abs(right) < limits.max or self.absolute):
            return 0.0
        if not np.isfinite(value):
            return float("inf")
        size = mpmath.mpf(1) if self.absolute else abs(right)
        return float(abs(mpmath.mpf(float(value)) - right) / size) / float(limits.eps)

    def worst(self, dtype: np.dtype, n: int, target: str = "numba") -> float:
        """The largest error at n points."""
        columns = self.points(n, dtype)
        values = self.kernel().to(target)(*columns)
        rights = [self.exact([c[i] for c in columns]) for i in range(n)]
        return max(self.error(v, r, dtype) for v, r in zip(values, rights))

    def domain(self) -> str:
        """The domain as text."""
        return ", ".join(f"{low:g} … {high:g}" for low, high in zip(self.low, self.high))


def _one(name: str, low: float, high: float, most: float, *fixed: Any, **more: Any) -> Case:
    return Case(name, (low,), (high,), most, fixed, **more)


def _orders(name: str, low: float, high: float, most: float, orders: tuple = (0, 1, 2, 5, 12), **more: Any):
    return [_one(name, low, high, most, n, **more) for n in orders]


CASES: tuple[Case, ...] = (
    _one("gamma", 1e-6, 170, 8, log=True),
    _one("gamma", -20, 0, 10),
    _one("gammaln", 1e-30, 1e30, 6, log=True),
    _one("gammaln", 0.5, 3, 6),
    _one("gammaln", -20, 0, 200, absolute=True),
    _one("digamma", 1e-30, 1e30, 6, log=True),
    _one("digamma", 1.3, 1.6, 8),
    *_orders("polygamma", 1e-3, 50, 8, (1, 2, 3)),
    _one("rgamma", -10, 30, 12),
    Case("betaln", (1e-5, 1e-5), (1e8, 1e8), 40, log=True),
    Case("beta", (0.01, 0.01), (20, 20), 300),
    _one("erfc", -5, 26, 8),
    _one("erfcx", -5, 0, 8),
    _one("erfcx", 1e-8, 1e8, 8, log=True),
    _one("erfinv", -0.9999, 0.9999, 8),
    _one("erfcinv", 1e-300, 1, 8, log=True),
    _one("ndtr", -37, 8, 8),
    _one("log_ndtr", -1e3, 8, 8),
    _one("ndtri", 1e-300, 1, 12, log=True),
    _one("dawsn", 1e-8, 1e3, 12, log=True),
    Case("faddeeva_real", (-20.0, 0.1), (20.0, 20.0), 40),
    Case("faddeeva_real", (-5.0, 1e-3), (5.0, 0.1), 16, absolute=True),
    Case("faddeeva_imag", (-20.0, 0.1), (20.0, 20.0), 8, absolute=True),
    *_orders("bessel_j", 0.01, 50, 16, absolute=True),
    *_orders("bessel_y", 8, 50, 16, absolute=True),
    *_orders("bessel_i", 0.01, 50, 30),
    *_orders("bessel_k", 0.01, 50, 12),
    *_orders("scaled_bessel_i", 0.01, 1e4, 30, log=True),
    *_orders("scaled_bessel_k", 0.01, 1e4, 12, log=True),
    *_orders("spherical_jn", 0.01, 50, 8, absolute=True),
    *_orders("spherical_yn", 8, 50, 8, absolute=True),
    *_orders("spherical_in", 0.01, 30, 30),
    *_orders("spherical_kn", 0.01, 30, 12),
    _one("ellipk", -10, 0.9999, 6),
    _one("ellipe", -10, 0.9999, 10),
    _one("ellipkm1", 1e-30, 0.5, 6, log=True),
    Case("ellippi", (-5.0, -5.0), (0.9, 0.9), 12),
    Case("elliprf", (1e-6,) * 3, (1e3,) * 3, 8, log=True),
    Case("elliprd", (1e-6,) * 3, (1e3,) * 3, 12, log=True),
    Case("ellipkinc", (-5.0, -5.0), (5.0, 0.99), 12),
    Case("ellipeinc", (-5.0, -5.0), (5.0, 0.99), 12),
    *_orders("polylog", -1, 1, 8, (2, 3, 4)),
    *_orders("polylog", -1e4, -1, 12, (2, 3, 4)),
    _one("lambertw", -0.3678, 2, 60),
    _one("lambertw", 2, 1e30, 6, log=True),
    *[_one("gammainc", 0.05, 2.5 * a + 3, 60, Fraction(a)) for a in (0.5, 2.5, 10, 40)],
    *[_one("gammaincc", 0.05, 2.5 * a + 3, 60, Fraction(a)) for a in (0.5, 2.5, 10, 40)],
)


def table(n: int) -> str:
    """The table in Markdown."""
    lines = ["| function | domain | error | float64 | float32 | operations |", "| --- | --- | --- | --- | --- | --- |"]
    for case in CASES:
        parameters = "".join(f"{p}, " for p in case.fixed)
        arguments = ", ".join(SPECIALS[case.name].arguments)
        errors = [f"{case.worst(dtype, n):.1f}" for dtype in DTYPES]
        kind = "absolute" if case.absolute else "relative"
        count = case.kernel().count().total
        lines.append(
            f"| `{case.name}({parameters}{arguments})` | {case.domain()} | {kind} | {' | '.join(errors)} | {count} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table."""
    numbers = [int(a) for a in sys.argv[1:] if a.isdigit()]
    n = numbers[0] if numbers else 500
    text = f"Largest errors at {n} random points each (`python -m benchmarks.special_accuracy {n}`):\n\n{table(n)}"
    print(text)
    if "--write" in sys.argv[1:]:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
        _, _, after = rest.partition(MARKS[1])
        PAGE.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
