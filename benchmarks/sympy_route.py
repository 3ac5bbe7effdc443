"""How a user of sympy gets a program from the same Python function: expressions, cse, lambdify.

The function is called with real symbols, once. Complex arithmetic is done on pairs of sympy expressions, real and
imaginary part (the class Split): with sympy's own I and conjugate, finding the parts of |A|^2 afterwards takes far
longer and leaves complex arithmetic in the program. sympy evaluates as it always does; cse has its defaults.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sympy

from symhep.count import multiplications


class Split:
    """A complex number as two sympy expressions; takes part in NumPy's functions of one argument.

    >>> x = sympy.Symbol("x", real=True)
    >>> z = (1 + 2j * Split(x)) * 1j
    >>> z.real.re, z.imag.re
    (-2*x, 1)
    """

    def __init__(self, re: Any, im: Any = 0) -> None:
        self.re, self.im = _exact(re), _exact(im)

    @property
    def real(self) -> Split:
        return Split(self.re)

    @property
    def imag(self) -> Split:
        return Split(self.im)

    def __neg__(self) -> Split:
        return Split(-self.re, -self.im)

    def __add__(self, other: Any) -> Split:
        other = _split(other)
        return Split(self.re + other.re, self.im + other.im)

    def __sub__(self, other: Any) -> Split:
        other = _split(other)
        return Split(self.re - other.re, self.im - other.im)

    def __mul__(self, other: Any) -> Split:
        other = _split(other)
        return Split(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)

    def __truediv__(self, other: Any) -> Split:
        other = _split(other)
        if other.im == 0:
            return Split(self.re / other.re, self.im / other.re)
        return self * Split(other.re, -other.im) / Split(other.re**2 + other.im**2)

    def __rsub__(self, other: Any) -> Split:
        return _split(other) - self

    def __rtruediv__(self, other: Any) -> Split:
        return _split(other) / self

    __radd__, __rmul__ = __add__, __mul__


def _method(function: Any) -> Callable[[Split], Split]:
    return lambda self: Split(function(self.re))


for _name in ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"):
    setattr(Split, _name, _method(getattr(sympy, _name)))  # NumPy calls these methods


def _split(value: Any) -> Split:
    return value if isinstance(value, Split) else Split(value.real, value.imag)


def _exact(value: Any) -> Any:
    """Whole numbers as integers: sympy would keep 1.0*x as a product."""
    return int(value) if isinstance(value, float) and value.is_integer() else sympy.sympify(value)


def expressions(function: Callable, names: Iterable[str]) -> tuple[list[sympy.Symbol], list[sympy.Expr]]:
    """The arguments as symbols, and the real results of a function of one event."""
    symbols = [sympy.Symbol(name, real=True) for name in names]
    result = function(*map(Split, symbols))
    return symbols, [_split(value).re for value in (result if isinstance(result, tuple) else (result,))]


@dataclass
class Program:
    """A lambdified function, and how many results it has."""

    function: Callable
    outputs: int

    @property
    def body(self) -> tuple[list[str], str]:
        """The text of the function: the lines before the return, and what is returned."""
        _, *lines = textwrap.dedent(inspect.getsource(self.function)).splitlines()
        *before, last = [line.strip() for line in lines]
        return before, last.removeprefix("return ")

    @property
    def operations(self) -> int:
        before, result = self.body
        return operations("\n".join([*before, result]))


def program(function: Callable, names: Iterable[str]) -> Program:
    """lambdify(cse=True) of a function of one event."""
    symbols, outputs = expressions(function, names)
    result = outputs[0] if len(outputs) == 1 else tuple(outputs)
    lambdified = sympy.lambdify(symbols, result, modules="numpy", cse=True, docstring_limit=0)
    return Program(lambdified, len(outputs))


def operations(text: str) -> int:
    """Operations in Python code by symhep's counting rule: each as it stands, arithmetic of literals is free.

    >>> operations("x - y*z*(1/2), -x*y**(-2), x**(-1.0), sqrt(x)**(-1), sin(x*y)")
    11
    """
    return sum(own_operations(node) for node in ast.walk(ast.parse(text)))


def own_operations(node: ast.AST) -> int:
    """Of one node, without its operands."""
    if isinstance(node, ast.Call):
        return 1
    if not isinstance(node, ast.BinOp) or _is_literal(node):
        return 0
    if not isinstance(node.op, ast.Pow):
        return 1
    if not _is_literal(node.right):
        return 1
    exponent = eval(ast.unparse(node.right))
    whole = abs(exponent)
    if whole != int(whole):
        return 2 if exponent == -0.5 else 1
    return multiplications(int(whole)) + (exponent < 0)


def _is_literal(node: ast.AST) -> bool:
    return not any(isinstance(part, (ast.Name, ast.Call)) for part in ast.walk(node))
