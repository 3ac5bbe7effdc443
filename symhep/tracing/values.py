"""Traced scalars: what a kernel's function computes with while its operations are written down.

A `Scalar` is a node of the graph that is being recorded, dressed as a number: the operators, NumPy's functions and the
methods of a NumPy scalar make further nodes. Conditions are `Boolean`. Nothing is simplified here.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np

from symhep.graph import Node
from symhep.symbolic.traced import symbol_of
from symhep.tracing import expansions
from symhep.tracing.functions import FUNCTIONS
from symhep.tracing.recorder import CLASSES, Recorder
from symhep.tracing.refusals import no_axes, no_order, no_value, refusal
from symhep.tracing.source import Spot

# Filled by numpy_functions: how NumPy's protocols reach the traced values
PROTOCOLS: dict[str, Callable] = {}

DTYPES = {"real": np.dtype(np.float64), "complex": np.dtype(np.complex128), "bool": np.dtype(np.bool_)}


def _forward(op: str, name: str) -> Callable:
    def method(self, other):
        make = self._recorder
        if other.__class__ is Scalar and other._recorder is make:
            return make.apply(op, (self._node, other._node))
        node = make.operand(other)
        if node is None:
            return _beyond(name, self, other)
        return make.apply(op, (self._node, node))

    return method


def _reflected(op: str, name: str) -> Callable:
    def method(self, other):
        make = self._recorder
        node = make.operand(other)
        if node is None:
            return _beyond(name, other, self)
        return make.apply(op, (node, self._node))

    return method


def _compare(op: str, name: str, swap: bool = False) -> Callable:
    def method(self, other):
        make = self._recorder
        node = make.operand(other)
        if node is None:
            return _beyond(name, self, other)
        if ordered and "complex" in (self._node.dtype, node.dtype):
            raise no_order(name)
        return make.apply(op, (node, self._node) if swap else (self._node, node))

    ordered = op in ("lt", "le")
    return method


def _by_function(name: str, reflected: bool = False) -> Callable:
    def method(self, other):
        node = self._recorder.node_of(other)
        first, second = (other, self) if reflected else (self, other)
        if node is None:
            return _beyond(name, first, second)
        return FUNCTIONS[name](*[self._recorder.value(v) for v in (first, second)])

    return method


def _beyond(name: str, a: Any, b: Any) -> Any:
    """An operator between a scalar and something larger: NumPy's function of that name broadcasts it."""
    larger = (np.ndarray, list, tuple)
    if isinstance(a, larger) or isinstance(b, larger):
        return getattr(np, name)(a, b)
    return NotImplemented


def _refuse(construct: str) -> Callable:
    def method(self, *args):
        raise no_value(construct)

    return method


def _reduction(name: str) -> Callable:
    def method(self, *args, **options):
        raise no_axes(name)

    return method


class Scalar:
    """One traced number per event. Made by symhep; computes like a NumPy scalar."""

    __slots__ = ("_node", "_recorder")
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    shape = ()
    ndim = 0
    size = 1

    def __init__(self, recorder: Recorder, node: Node):
        self._recorder = recorder
        self._node = node

    __add__, __radd__ = _forward("add", "add"), _reflected("add", "add")
    __sub__, __rsub__ = _forward("sub", "subtract"), _reflected("sub", "subtract")
    __mul__, __rmul__ = _forward("mul", "multiply"), _reflected("mul", "multiply")
    __truediv__, __rtruediv__ = _forward("div", "divide"), _reflected("div", "divide")
    __floordiv__, __rfloordiv__ = _by_function("floor_divide"), _by_function("floor_divide", True)
    __mod__, __rmod__ = _by_function("remainder"), _by_function("remainder", True)
    __divmod__, __rdivmod__ = _by_function("divmod"), _by_function("divmod", True)
    __rpow__ = _by_function("power", True)
    __and__, __rand__ = _by_function("bitwise_and"), _by_function("bitwise_and", True)
    __or__, __ror__ = _by_function("bitwise_or"), _by_function("bitwise_or", True)
    __xor__, __rxor__ = _by_function("bitwise_xor"), _by_function("bitwise_xor", True)
    __lt__, __gt__ = _compare("lt", "less"), _compare("lt", "greater", swap=True)
    __le__, __ge__ = _compare("le", "less_equal"), _compare("le", "greater_equal", swap=True)
    __eq__, __ne__ = _compare("eq", "equal"), _compare("ne", "not_equal")  # type: ignore[assignment]

    def __pow__(self, other, modulus=None):
        if other.__class__ is int:
            return self._recorder.apply("power", (self._node,), (other,))
        if isinstance(other, (float, Fraction)) and isfinite(other):
            return expansions.constant_power(self, other)
        return _power(self, other)

    def __neg__(self):
        return self._recorder.apply("neg", (self._node,))

    def __pos__(self):
        return self

    def __abs__(self):
        if self._node.dtype == "complex":
            return expansions.absolute_complex(self)
        return self._recorder.apply("abs", (self._node,))

    def __invert__(self):
        raise refusal("`~` of a number: it negates conditions", "-x, or x == 0")

    def __floor__(self):
        return FUNCTIONS["floor"](self)

    def __ceil__(self):
        return FUNCTIONS["ceil"](self)

    def __trunc__(self):
        return FUNCTIONS["trunc"](self)

    __bool__ = _refuse("bool")
    __float__ = _refuse("float")
    __int__ = _refuse("int")
    __complex__ = _refuse("complex")
    __index__ = _refuse("index")
    __round__ = _refuse("round")
    sum, prod, mean, std, var = [_reduction(n) for n in ("sum", "prod", "mean", "std", "var")]
    min, max, cumsum, cumprod = [_reduction(n) for n in ("min", "max", "cumsum", "cumprod")]

    @property
    def kind(self) -> str:
        """What it is: "real", "complex" or "bool"."""
        return self._node.dtype

    @property
    def dtype(self) -> np.dtype:
        """The NumPy type that it stands for, in double precision."""
        return DTYPES[self._node.dtype]

    @property
    def real(self):
        return self._recorder.apply("real", (self._node,)) if self._node.dtype == "complex" else self

    @property
    def imag(self):
        if self._node.dtype != "complex":
            return self._recorder.value(0)
        return self._recorder.apply("imag", (self._node,))

    def conjugate(self):
        return self._recorder.apply("conj", (self._node,)) if self._node.dtype == "complex" else self

    conj = conjugate

    @property
    def T(self):
        return self

    def copy(self):
        return self

    def item(self):
        return self

    def astype(self, dtype, **_options):
        """The value as another kind of number: float, complex or bool of any width."""
        kind = np.dtype(dtype).kind
        if kind == "b":
            return expansions.truth(self)
        x = expansions.number(self)
        if kind == "c":
            zero = self._recorder.value(0)
            return x if x.kind == "complex" else self._recorder.apply("complex", (x._node, zero._node))
        if kind != "f" or x.kind == "complex":
            raise refusal(f"astype({np.dtype(dtype)}) of a {self.kind} value", "np.trunc(x), or x.real")
        return x

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def _sympy_(self):
        return symbol_of(self._recorder, self._node)

    def __array__(self, dtype=None, copy=None):
        if self._node.dtype == "complex":
            raise refusal(
                "np.array of complex traced values: NumPy would lose .real and .imag of its elements",
                "sh.array in place of np.array and np.asarray",
            )
        if dtype is not None and np.dtype(dtype) != object:
            raise no_value("float")
        if self._recorder.objects is None:
            self._recorder.objects = Spot.here()
        cell = np.empty((), object)
        cell[()] = self
        return cell

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return PROTOCOLS["ufunc"](self._recorder, ufunc, method, inputs, options)

    def __array_function__(self, func, types, args, kwargs):
        return PROTOCOLS["function"](self._recorder, func, args, kwargs)

    def __repr__(self) -> str:
        name = self._recorder.names.get(self._node)
        node = self._node
        leaf = node.attrs[0] if node.op in ("input", "const") else f"{node.op}(...)"
        return f"<traced {node.dtype} {name or leaf}>"

    def __format__(self, spec: str) -> str:
        return repr(self)


def _number_first(name: str) -> Callable:
    def method(self, *args):
        return getattr(Scalar, name)(expansions.number(self), *args)

    return method


def _logic(op: str, name: str, plain: str) -> Callable:
    """An operator that is logic between two booleans, arithmetic between a boolean and a number."""

    def method(self, other):
        node = self._recorder.node_of(other)
        if node is None:
            return _beyond(plain, self, other)
        if node.dtype == "bool":
            return self._recorder.apply(op, (self._node, node))
        return getattr(Scalar, name)(expansions.number(self), other)

    return method


def _both_bool(name: str, plain: str, combine: Callable) -> Callable:
    def method(self, other):
        node = self._recorder.node_of(other)
        if node is None:
            return _beyond(plain, self, other)
        if node.dtype == "bool":
            return combine(self, self._recorder.dress(node))
        return getattr(Scalar, name)(expansions.number(self), other)

    return method


def _exclusive_or(a: Boolean, b: Boolean) -> Any:
    return (a | b) & ~(a & b)


class Boolean(Scalar):
    """One traced condition per event. Counts as 1 or 0 in arithmetic, as in NumPy."""

    __slots__ = ()
    __hash__ = object.__hash__

    __add__ = __radd__ = _logic("or", "__add__", "add")
    __mul__ = __rmul__ = _logic("and", "__mul__", "multiply")
    __and__ = __rand__ = _logic("and", "__and__", "bitwise_and")
    __or__ = __ror__ = _logic("or", "__or__", "bitwise_or")
    __xor__ = __rxor__ = _both_bool("__xor__", "bitwise_xor", _exclusive_or)
    __ne__ = _both_bool("__ne__", "not_equal", _exclusive_or)  # type: ignore[assignment]
    __eq__ = _both_bool("__eq__", "equal", lambda a, b: ~_exclusive_or(a, b))  # type: ignore[assignment]

    def __invert__(self):
        return self._recorder.apply("not", (self._node,))

    def any(self):
        return self

    def all(self):
        return self


_AS_NUMBERS = """
    __sub__ __truediv__ __pow__ __floordiv__ __mod__ __divmod__ __lt__ __le__ __gt__ __ge__ __neg__ __pos__ __abs__
    __rsub__ __rtruediv__ __rpow__ __rfloordiv__ __rmod__ __rdivmod__
"""
for _name in _AS_NUMBERS.split():
    setattr(Boolean, _name, _number_first(_name))

CLASSES.update(real=Scalar, complex=Scalar, bool=Boolean)
numbers.Number.register(Scalar)


def _power(x: Scalar, y: Any) -> Any:
    node = x._recorder.operand(y)
    if node is None:
        return _beyond("power", x, y)
    return expansions.power(x, x._recorder.dress(node))


def _method(function: Callable) -> Callable:
    def method(self, *others):
        return function(self, *[self._recorder.value(o) for o in others])

    return method


# NumPy's loops over arrays of objects look for methods with the functions' names
for _name in FUNCTIONS:
    if not hasattr(Scalar, _name):
        setattr(Scalar, _name, _method(FUNCTIONS[_name]))
