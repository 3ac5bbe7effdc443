"""Complex numbers made of a package's own real numbers, so that one Python function is the formula for all of them.

Most packages have real numbers only, and those that have complex ones make slower programs of them. So the function is
called with pairs; a part that is zero or one by structure is a Python number and leaves no operation behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

FUNCTIONS = ("sqrt", "exp", "log", "sin", "cos", "cosh")  # what the formulas use


class Pair:
    """A complex number, real and imaginary part; takes part in NumPy's functions of one real argument.

    >>> z = (1 + 2j * Pair(3.5)) * 1j
    >>> z.real.re, z.imag.re
    (-7, 1)
    """

    functions: Mapping[str, Callable[[Any], Any]] = {}

    def __init__(self, re: Any, im: Any = 0) -> None:
        self.re, self.im = _whole(re), _whole(im)

    def _pair(self, value: Any) -> Pair:
        return value if isinstance(value, Pair) else type(self)(value.real, value.imag)

    @property
    def real(self) -> Pair:
        return type(self)(self.re)

    @property
    def imag(self) -> Pair:
        return type(self)(self.im)

    def __neg__(self) -> Pair:
        return type(self)(_minus(0, self.re), _minus(0, self.im))

    def __add__(self, other: Any) -> Pair:
        other = self._pair(other)
        return type(self)(_plus(self.re, other.re), _plus(self.im, other.im))

    def __sub__(self, other: Any) -> Pair:
        other = self._pair(other)
        return type(self)(_minus(self.re, other.re), _minus(self.im, other.im))

    def __mul__(self, other: Any) -> Pair:
        other = self._pair(other)
        re = _minus(_times(self.re, other.re), _times(self.im, other.im))
        return type(self)(re, _plus(_times(self.re, other.im), _times(self.im, other.re)))

    def __truediv__(self, other: Any) -> Pair:
        other = self._pair(other)
        if _is(other.im, 0):
            return type(self)(_over(self.re, other.re), _over(self.im, other.re))
        norm = other.re * other.re + other.im * other.im
        return self * type(self)(other.re, _minus(0, other.im)) / type(self)(norm)

    def __pow__(self, exponent: int) -> Pair:
        return type(self)(self.of_real() ** exponent)

    def __abs__(self) -> Pair:
        return type(self)(self.functions["sqrt"](self.of_real() ** 2))

    def of_real(self) -> Any:
        """The number, where the imaginary part is zero by structure."""
        if not _is(self.im, 0):
            raise TypeError("powers, magnitudes and functions are those of real numbers")
        return self.re

    def __rsub__(self, other: Any) -> Pair:
        return self._pair(other) - self

    def __rtruediv__(self, other: Any) -> Pair:
        return self._pair(other) / self

    __radd__, __rmul__ = __add__, __mul__


def pairs(functions: Mapping[str, Callable[[Any], Any]]) -> type[Pair]:
    """Pairs of the numbers that these functions take: NumPy calls the methods sqrt, exp, ... of its arguments."""
    methods = {name: _method(functions[name]) for name in FUNCTIONS}
    return type("PackagePair", (Pair,), {"functions": functions, **methods})


def _method(function: Callable[[Any], Any]) -> Callable[[Pair], Pair]:
    return lambda self: type(self)(function(self.of_real()))


def of_module(module: Any, **others: str) -> type[Pair]:
    """Pairs for the functions of a module; `others` says what it calls one that has another name than NumPy's."""
    return pairs({name: getattr(module, others.get(name, name)) for name in FUNCTIONS})


def trace(function: Callable, number: type[Pair], variables: list[Any]) -> list[Any]:
    """The real results of a function of one event, in terms of a package's variables."""
    result = function(*map(number, variables))
    return [value.re for value in (result if isinstance(result, tuple) else (result,))]


def _is(value: Any, number: int) -> bool:
    return isinstance(value, (int, float)) and value == number


def _whole(value: Any) -> Any:
    """Whole numbers as integers: some packages would keep 1.0*x as a product."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plus(a: Any, b: Any) -> Any:
    return b if _is(a, 0) else a if _is(b, 0) else a + b


def _minus(a: Any, b: Any) -> Any:
    return a if _is(b, 0) else -b if _is(a, 0) else a - b


def _times(a: Any, b: Any) -> Any:
    if _is(a, 0) or _is(b, 0):
        return 0
    for one, other in ((a, b), (b, a)):
        if _is(one, 1):
            return other
        if _is(one, -1):
            return -other
    return a * b


def _over(a: Any, b: Any) -> Any:
    return 0 if _is(a, 0) else a if _is(b, 1) else a / b
