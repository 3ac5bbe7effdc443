"""Bad inputs as data: what is written or called, and the exact error that it gives.

docs/errors.py makes the catalogue of errors from this list and from those of the functions that cannot be traced
(tests/test_errors.py, tests/tracing/test_numpy_errors.py, tests/bad_functions.py). In a text, @name stands for the
place where the sample kernel of that name is defined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

import symhep as sh
from symhep.errors import ArgumentError, SymhepError
from symhep.tracing.source import describe_definition

X = np.ones(3)
SYMBOL, OTHER = sympy.symbols("x y")


@sh.kernel
def mass(e, px, py, pz):
    return np.sqrt(e * e - px * px - py * py - pz * pz)


@sh.kernel
def boosted(p: sh.Vector[4], beta):
    return p / np.sqrt(1 - beta * beta)


@sh.kernel
def repeated(n: sh.Integer, x):
    return n * x


@sh.kernel
def power(x, n: sh.Static):
    return x**n


@sh.kernel
def polar(x, y):
    return np.hypot(x, y), np.arctan2(y, x)


@sh.kernel(parameters=("centre",))
def spread(x, centre):
    return sh.batch_sum((x - centre) ** 2)


@sh.kernel
def signed(positive: sh.Boolean, z: sh.Complex):
    return np.where(positive, z, -z)


@sh.kernel
def is_fast(beta):
    return beta > 0.5


@sh.register(derivative=lambda x, y, r: (y, x))
def product(x, y):
    return x * y


def read_only() -> np.ndarray:
    """An array that cannot be written into."""
    made = np.empty(3)
    made.flags.writeable = False
    return made


KERNELS = {k.name: k for k in (mass, boosted, repeated, power, polar, spread, signed, is_fast)}
NAMES: dict[str, Any] = {
    **KERNELS, "np": np, "sh": sh, "X": X, "x": SYMBOL, "y": OTHER, "read_only": read_only, "same": np.empty(3),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BadInput:
    """A call as Python, under a heading, and the error that it gives."""

    group: str
    call: str
    text: str
    kind: type[SymhepError] = ArgumentError

    @property
    def expected(self) -> str:
        """The text with the places filled in."""
        return re.sub(r"@(\w+)", lambda m: describe_definition(KERNELS[m[1]].fn), self.text)


def _group(name: str, *rows: tuple[str, str], kind: type[SymhepError] = ArgumentError) -> list[BadInput]:
    return [BadInput(name, call, text, kind) for call, text in rows]


BAD_INPUTS = [
    *_group(
        "Arguments of a call",
        ("mass(X, X, X)", "mass misses 1 argument: pz\n  @mass"),
        (
            "mass(X, X, X, X, X)",
            "mass takes 4 positional arguments, got 5\n  @mass\n  write instead: mass(e, px, py, pz)",
        ),
        ("mass(X, X, X, pt=X)", "mass has no argument 'pt'\n  @mass\n  write instead: e, px, py or pz"),
        ("mass(X, X, X, X, px=X)", "mass got 'px' twice, by position and by name\n  @mass"),
        (
            "mass(X, X, np.ones(4), 1.0)",
            "mass: batch shapes do not broadcast: e and px have (3,), py has (4,)\n  @mass",
        ),
        (
            "mass(1j, X, X, X)",
            "mass: e is a real argument, got complex128\n  @mass\n"
            "  write instead: e: sh.Complex in the signature, or pass its .real",
        ),
        ("mass('1', X, X, X)", "mass: e holds <U1, not numbers\n  @mass"),
        (
            "mass(None, X, X, X)",
            "mass: e is an array of Python objects\n  @mass\n  write instead: np.asarray(e, dtype=float)",
        ),
        (
            "mass(X.astype(np.longdouble), X, X, X)",
            "mass: float128 is not supported, only float32 and float64\n  @mass\n  write instead: x.astype(np.float64)",
        ),
        (
            "mass(np.ma.masked_array(X, [True, False, False]), X, X, X)",
            "mass: e has masked elements\n  @mass\n  write instead: x.filled(value)",
        ),
        (
            "boosted(np.ones((4, 7)), 0.5)",
            "boosted: p is sh.Vector[4], shape (..., 4), got shape (4, 7)\n  @boosted\n"
            "  write instead: np.moveaxis(p, 0, -1)",
        ),
        ("boosted(1.0, 0.5)", "boosted: p is sh.Vector[4], shape (..., 4), got shape ()\n  @boosted"),
        (
            "repeated(1.5, X)",
            "repeated: n is an integer argument, got 1.5\n  @repeated\n"
            "  write instead: np.rint(n), or n: sh.Scalar in the signature",
        ),
        (
            "repeated(np.array([1.0, np.nan]), 2.0)",
            "repeated: n is an integer argument, got nan\n  @repeated\n"
            "  write instead: np.rint(n), or n: sh.Scalar in the signature",
        ),
        ("power(X, n=[2])", "power: static arguments (n) have to be hashable\n  @power"),
        (
            "spread(X, X)",
            "spread: centre is a parameter and has no batch axis, got shape (3,)\n  @spread\n"
            "  write instead: centre without parameters=, or one value",
        ),
        ("mass(X, X, X, X, threads=0)", "threads is a number of threads, got 0\n  write instead: threads=1, or None"),
    ),
    *_group(
        "Arrays for the results",
        (
            "mass(X, X, X, X, out=read_only())",
            "mass: out is read-only\n  @mass\n  write instead: out = np.empty((3,), np.float64)",
        ),
        (
            "mass(X, X, X, X, out=np.empty(3, np.float32))",
            "mass: out has to be float64 of shape (3,), got float32 of shape (3,)\n  @mass\n"
            "  write instead: out = np.empty((3,), np.float64)",
        ),
        (
            "mass(X, X, X, X, out=np.empty(4))",
            "mass: out has to be float64 of shape (3,), got float64 of shape (4,)\n  @mass\n"
            "  write instead: out = np.empty((3,), np.float64)",
        ),
        ("mass(X, X, X, X, out=[1, 2, 3])", "mass: out is of type list, not a NumPy array\n  @mass"),
        ("polar(X, X, out=same)", "polar: out has 2 values, got ndarray\n  @polar"),
        ("polar(X, X, out=(same,))", "polar: out has 2 values, got 1 value\n  @polar"),
        (
            "polar(X, X, out=(same, same))",
            "polar: out[0] and out[1] share memory\n  @polar\n  write instead: an array of its own for each result",
        ),
    ),
    *_group(
        "Data given once",
        ("mass.bind()", "mass.bind() without data\n  @mass\n  write instead: mass.bind(e=e)"),
        ("mass.bind(pt=X)", "mass has no argument 'pt'\n  @mass\n  write instead: e, px, py or pz"),
        (
            "mass.bind(e=X)(X, X, X, e=X)",
            "mass: e is bound already\n  @mass\n  write instead: bind again, with the other data",
        ),
        (
            "mass.bind(e=1.0)(X, X, X)",
            "mass: the arguments have the batch shape (3,), the bound data ()\n  @mass\n"
            "  write instead: data of all events bound; arguments of as many events, or of one",
        ),
        (
            "mass.to('c').bind(e=X)",
            'mass.bind() for the target c\n  @mass\n  write instead: mass.to("numba").bind(...)',
        ),
        (
            "sh.grad(spread.bind(x=X))",
            "derivatives of spread with bound data\n  @spread\n  write instead: sh.grad(spread).bind(...)",
        ),
    ),
    *_group(
        "What a kernel is made of",
        ("sh.kernel(3)", "a kernel is made of a function, got int"),
        (
            "sh.kernel(mass.fn, target='gpu')",
            "target is one of 'auto', 'numpy', 'numba', 'jax', 'cupy', 'c', got 'gpu'",
        ),
        ("sh.kernel(mass.fn, dtype=int)", "dtype is float32 or float64, got int64"),
        (
            "sh.kernel(mass.fn, effort='slow')",
            "effort is one of 'fast', 'default', 'max' or a number of seconds, got 'slow'",
        ),
        (
            "sh.kernel(mass.fn, effort=-1)",
            "effort is one of 'fast', 'default', 'max' or a number of seconds, got -1",
        ),
        ("sh.kernel(mass.fn, math='fast')", "math is one of 'finite', 'strict', got 'fast'"),
        ("sh.kernel(mass.fn, identities=True)", "identities is one of False, 'probe', got True"),
        (
            "sh.kernel(mass.fn, parameters=('pt',))",
            "mass has no argument 'pt'\n  @mass\n  write instead: e, px, py or pz",
        ),
        (
            "sh.kernel(mass.fn, parameters=3)",
            'parameters is a name or several names of arguments, got 3\n  write instead: parameters=("mass", "width")',
        ),
        (
            "mass.accuracy(domain={'e': (1, 2)})",
            "domain has to be a sampler of the arguments, got {'e': (1, 2)}\n"
            "  write instead: sh.box(x=(low, high), ...), or a sampler of your own",
        ),
        (
            "sh.kernel(mass.fn, domain=3)",
            "domain has to be a sampler of the arguments, got 3\n"
            "  write instead: sh.box(x=(low, high), ...), or a sampler of your own",
        ),
        (
            "sh.Vector[0]",
            "sh.Vector[0]: a dimension is a positive integer, or a name for a size known at run time",
        ),
        ("sh.Matrix[2]", "sh.Matrix has 2 dimensions, got 1"),
        (
            "sh.Scalar.over('first set')",
            "sh.Scalar.over('first set'): a batch axis is named by an identifier, such as 'mc'",
        ),
    ),
    *_group(
        "Static arguments",
        ("power(X)", "power misses 1 argument: n\n  @power"),
        (
            "power.report()",
            "power: n is static and has no default, so its value is needed\n  @power\n"
            "  write instead: power.report(n=...), and so on; or a lambda that calls it with a value",
        ),
        ("power.count(m=2)", "power has no static argument 'm'\n  @power\n  write instead: n"),
        (
            "sh.jvp(power)",
            "jvp of power: n has to have a default value\n  @power\n"
            "  write instead: n: sh.Static = ... in the signature; or a lambda that calls power with a value",
        ),
        (
            "sh.check_derivatives(power)",
            "power: n is static and has no default, so its value is needed\n  @power\n"
            "  write instead: power.report(n=...), and so on; or a lambda that calls it with a value",
        ),
    ),
    *_group(
        "Derivatives",
        (
            "sh.grad(polar)",
            "grad of polar: its result is 2 numbers, and not one real number\n  @polar\n"
            "  write instead: sh.jacobian; sh.batch_sum for a sum over events",
        ),
        (
            "sh.grad(is_fast)",
            "grad of is_fast: its result is a truth value, and not one real number\n  @is_fast\n"
            "  write instead: np.where(condition, 1, 0)",
        ),
        ("sh.grad(mass, 'pt')", "mass has no argument 'pt'\n  @mass\n  write instead: e, px, py or pz"),
        (
            "sh.grad(mass, 3)",
            "mass: wrt names arguments, got 3\n  @mass\n  write instead: wrt='e', 'px', 'py' or 'pz'",
        ),
        (
            "sh.jacobian(signed)",
            "signed has no real argument to take a derivative by\n  @signed\n"
            "  write instead: sh.Scalar, or no annotation, for what derivatives are to be by",
        ),
        (
            "sh.jacobian(signed, 'z')",
            "signed: z is complex, and derivatives are by real arguments\n  @signed\n"
            "  write instead: its real and imaginary part as arguments of their own: z_re, z_im",
        ),
        (
            "sh.jacobian(power, 'n')",
            "power: n is a constant while tracing (sh.Static): there is no derivative by it\n  @power",
        ),
        (
            "sh.vjp(signed.fn, 'z')",
            "signed: z is complex, and derivatives are by real arguments\n  @signed\n"
            "  write instead: its real and imaginary part as arguments of their own: z_re, z_im",
        ),
        (
            "sh.vjp(is_fast)",
            "vjp of is_fast: its result has complex or boolean values\n  @is_fast\n"
            "  write instead: np.abs, .real or .imag of it",
        ),
        ("sh.jvp(polar)(1.0, 2.0)", "polar_jvp misses 2 arguments: x_dot and y_dot\n  @polar"),
    ),
    *_group(
        "Covariances",
        (
            "sh.propagate(polar, [[1.0, 0.5], [0.4, 1.0]])",
            "propagate of polar: covariance is not symmetric: [0, 1] is 0.5 and [1, 0] is 0.4\n  @polar\n"
            "  write instead: (C + C.T) / 2",
        ),
        (
            "sh.propagate(polar, [[1.0, np.nan], [np.nan, 1.0]])",
            "propagate of polar: covariance[0, 1] is nan\n  @polar",
        ),
        (
            "sh.propagate(polar, [[-1.0, 0.0], [0.0, 1.0]])",
            "propagate of polar: covariance[0, 0] is -1.0: a variance is not negative\n  @polar",
        ),
        (
            "sh.propagate(polar, [[1.0, 2.0], [2.0, 1.0]])",
            "propagate of polar: covariance has a negative eigenvalue: some combination of x and y would have a "
            "negative variance\n  @polar\n"
            "  write instead: correlations between -1 and 1, times the two standard deviations",
        ),
        (
            "sh.propagate(polar, [[1.0, 1j], [-1j, 1.0]])",
            "propagate of polar: covariance is a matrix of real numbers, got complex128\n  @polar",
        ),
        (
            "sh.propagate(polar, [1.0, 2.0])",
            "propagate of polar: covariance of x and y has the shape (2, 2), got (2,)\n  @polar\n"
            "  write instead: np.diag(variances)",
        ),
        (
            "sh.propagate(polar, np.ones((10, 2, 2)))",
            "propagate of polar: covariance of x and y has the shape (2, 2), got (10, 2, 2)\n  @polar\n"
            "  write instead: sh.propagate(polar) and the matrices of all events in the call",
        ),
    ),
    *_group(
        "Targets, accuracy, domains",
        ("mass.to('gpu')", "target is one of 'auto', 'numpy', 'numba', 'jax', 'cupy', 'c', got 'gpu'"),
        ("mass.source('fortran')", "target is one of 'numpy', 'numba', 'jax', 'cupy', 'c', got 'fortran'"),
        ("mass.accuracy(n=0)", "accuracy of mass: n is how many inputs are drawn, at least 1, got 0"),
        (
            "mass.accuracy(domain=sh.box(e=(1, 2)))",
            "sh.box has no range for px, py and pz\n"
            "  write instead: sh.box(..., px=(low, high), py=(low, high), pz=(low, high))",
        ),
        ("sh.box(x=1)", "the range of 'x' is not a pair of numbers: 1\n  write instead: sh.box(x=(low, high))"),
        ("sh.box(x=(2, 1))", "the range of 'x' is empty: (2, 1) (the lower bound comes first)"),
        ("sh.box(x=(0, np.inf))", "the range of 'x' is not finite: (0, inf)"),
    ),
    *_group(
        "Formulas of sympy",
        (
            "sh.compile('x + 1', [x])",
            "the text 'x + 1' is not an expression, and sympy would have to evaluate it as Python code\n"
            "  write instead: symbols and sympy functions; sympy.sympify(text) if you trust it",
        ),
        (
            "sh.compile(x + y, [x])",
            "y in the expression, but not among the arguments\n  write instead: sh.compile(expressions, [..., y])",
        ),
        ("sh.compile(x, [x, x])", "the symbol x is an argument twice"),
        (
            "sh.compile(x, 'x')",
            "'x' cannot be an argument\n  write instead: a symbol, or a matrix, array or list of symbols",
        ),
        (
            "sh.compile(x, [x], speed=1)",
            "sh.compile has no option 'speed'; the options are name, target, dtype, effort, domain, identities, math "
            "and parameters",
        ),
    ),
]
