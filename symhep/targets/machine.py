"""The instruction lists of the elementary functions.

`expand("exp")` runs `vecmath.exp` against a machine that records what it is asked for, each distinct instruction once.
The result is a straight line of instructions in single-assignment form; targets print it as LLVM IR, Python or C.

Types: "f64" and "f32"; "i64" and "i32", two's complement, wrapping; "mask", the result of a comparison. A function of
float32 values has a list of its own, `expand("exp", narrow=True)`. The instructions, told for f64 and i64, are the same
for f32 and i32:

    op                                      type    arguments and meaning
    input, const                            any     attrs = (position,) or (number,)
    add sub mul div neg sqrt abs            f64     one IEEE operation
    rint floor trunc copysign               f64     one IEEE operation; copysign(magnitude, sign)
    fma                                     f64     a * b + c, rounded once
    minimum maximum                         f64     select(a < b, a, b), select(a > b, a, b)
    lt le eq ne                             mask    of two f64; false with a NaN, but ne true
    ilt ile ieq ine                         mask    of two i64
    and or not                              mask    of masks
    select                                  any     (mask, a, b)
    iadd isub iand ior ixor shl ashr lshr   i64     shifts by a constant
    bits, from_bits                         i64, f64   the same 64 bits
    to_int, to_float                        i64, f64   toward zero; rounded
    lookup                                  f64     attrs = (name of a table,); that at the lowest four bits of i64
    exponent                                f64     floor(log2(|x|)); -inf at 0, inf at an infinity
    mantissa                                f64     |x| over a power of 2, so that it is in [3/4, 3/2); NaN for x < 0
    scale                                   f64     a * 2**b for whole b, rounded once
    rescue                                  f64     attrs = (name,); (mask, fast, *args): libm's function where the
                                                    mask is set, which is rare, else `fast`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from symhep.ops import OPS
from symhep.targets import vecmath, vecmath32, vecmath_tables, vecmath_tables32


class Instruction(NamedTuple):
    """One instruction; `args` are positions of earlier instructions in the list."""

    op: str
    args: tuple[int, ...]
    attrs: tuple
    type: str


@dataclass(frozen=True, slots=True)
class Instructions:
    """A function of float64 or float32 values: the first `arity` instructions are its inputs."""

    arity: int
    list: tuple[Instruction, ...]
    results: tuple[int, ...]

    def __iter__(self) -> Iterator[Instruction]:
        return iter(self.list)

    def __len__(self) -> int:
        return len(self.list)


@cache
def expand(name: str, narrow: bool = False, wide: bool = False) -> Instructions:
    """The instructions of an elementary function of the operation table, for float64 or, if narrow, for float32 values.

    Those named exponent, mantissa and scale are only used if `wide`; the results are the same.

    >>> [i.op for i in expand("exp2")][:1]
    ['input']
    """
    functions = vecmath32.FUNCTIONS if narrow else vecmath.FUNCTIONS
    return record(functions[name], OPS[name].arity or 1, narrow, wide)


def table(name: str, type_: str) -> tuple[float, ...]:
    """The sixteen numbers of a table that is looked up.

    >>> len(table("LOG_OFFSET", "f64"))
    16
    """
    return getattr(vecmath_tables32 if type_ == "f32" else vecmath_tables, name)


def record(function: Callable, arity: int, narrow: bool = False, wide: bool = False) -> Instructions:
    """The instructions of any function written against a machine."""
    machine = Machine(narrow, wide)
    inputs = [machine.make("input", (), (k,), machine.real) for k in range(arity)]
    results = function(machine, *inputs)
    results = results if isinstance(results, tuple) else (results,)
    return _needed(arity, machine.list, [r.position for r in results])


def _needed(arity: int, instructions: list[Instruction], results: list[int]) -> Instructions:
    """Drop what no result needs."""
    used = set(range(arity)) | set(results)
    for k in range(len(instructions) - 1, -1, -1):
        if k in used:
            used.update(instructions[k].args)
    new = {old: k for k, old in enumerate(sorted(used))}
    kept = [instructions[old] for old in new]
    renamed = tuple([i._replace(args=tuple([new[a] for a in i.args])) for i in kept])
    return Instructions(arity, renamed, tuple([new[r] for r in results]))


def _method(op: str, type_: str | None = None, swap: bool = False) -> Callable:
    """An operator of Value; integers have their own instructions, and the result the type of the operands."""

    def operator(self: Value, other: Any) -> Value:
        m = self.machine
        a, b = self, m.value(other, self.type)
        if a.type != b.type:
            raise TypeError(f"{op} of {a.type} and {b.type}")
        name = f"i{op}" if a.type in _REAL and op in _INTEGER else op
        return m.make(name, (b, a) if swap else (a, b), (), type_ or a.type)

    return operator


_INTEGER = frozenset({"add", "sub", "and", "or", "xor", "lt", "le", "eq", "ne"})
_REAL = {"i64": "f64", "i32": "f32"}  # the reals of the same size
_WHOLE = {real: whole for whole, real in _REAL.items()}


class Value:
    """A value of the function that is being recorded."""

    __slots__ = ("machine", "position", "type")

    def __init__(self, machine: Machine, position: int, type_: str) -> None:
        self.machine, self.position, self.type = machine, position, type_

    __add__ = _method("add")
    __radd__ = _method("add", swap=True)
    __sub__ = _method("sub")
    __rsub__ = _method("sub", swap=True)
    __mul__ = _method("mul")
    __rmul__ = _method("mul", swap=True)
    __truediv__ = _method("div")
    __rtruediv__ = _method("div", swap=True)
    __lt__ = _method("lt", "mask")
    __le__ = _method("le", "mask")
    __gt__ = _method("lt", "mask", swap=True)
    __ge__ = _method("le", "mask", swap=True)
    __and__ = _method("and")
    __rand__ = _method("and", swap=True)
    __or__ = _method("or")
    __ror__ = _method("or", swap=True)
    __xor__ = _method("xor")
    __rxor__ = _method("xor", swap=True)
    __lshift__ = _method("shl")
    __rshift__ = _method("ashr")

    def __neg__(self) -> Value:
        return self.machine.make("neg", (self,), (), self.type)

    def __invert__(self) -> Value:
        return self.machine.make("not", (self,), (), "mask")

    def __bool__(self) -> bool:
        raise TypeError("an elementary function has no branches: use m.select")


def _unary(op: str, types: dict[str, str] | None = None) -> Callable[[Machine, Value], Value]:
    """An operation of one value; its type, if it is another than that of the operand, by the latter."""

    def method(self: Machine, x: Value) -> Value:
        return self.make(op, (x,), (), types[x.type] if types else x.type)

    return method


def _real(op: str) -> Callable[..., Value]:
    """An operation of reals of one type; Python floats are constants."""

    def method(self: Machine, *args: Any) -> Value:
        type_ = self.type_of(*args)
        return self.make(op, tuple([self.value(a, type_) for a in args]), (), type_)

    return method


class Machine:
    """Records instructions, each distinct one once.

    narrow  whether the function is one of float32 values; `tables` are the constants for it
    wide    whether there are exponent, mantissa and scale
    """

    def __init__(self, narrow: bool = False, wide: bool = False) -> None:
        self.wide = wide
        self.real = "f32" if narrow else "f64"
        self.tables = vecmath_tables32 if narrow else vecmath_tables
        self.list: list[Instruction] = []
        self._known: dict[tuple, Value] = {}

    def make(self, op: str, args: tuple[Value, ...], attrs: tuple, type_: str) -> Value:
        """The value of an instruction, recorded now or before."""
        positions = tuple([a.position for a in args])
        key = (op, positions, repr(attrs), type_)
        if key not in self._known:
            self._known[key] = Value(self, len(self.list), type_)
            self.list.append(Instruction(op, positions, attrs, type_))
        return self._known[key]

    def type_of(self, *args: Any) -> str:
        """The type of the values among operands of one type, else that of the reals."""
        return next((a.type for a in args if isinstance(a, Value)), self.real)

    def value(self, x: Any, type_: str) -> Value:
        """x, or the constant that it stands for where a value of this type is wanted."""
        if isinstance(x, Value):
            return x
        if type_ == "mask" or (type_ in _REAL and not isinstance(x, int)):
            raise TypeError(f"{x!r} is no {type_}")
        number = int(x) if type_ in _REAL else float(np.float32(x)) if type_ == "f32" else float(x)
        return self.make("const", (), (number,), type_)

    def const(self, x: float) -> Value:
        """A float constant."""
        return self.value(x, self.real)

    sqrt = _unary("sqrt")
    abs = _unary("abs")
    rint = _unary("rint")
    floor = _unary("floor")
    trunc = _unary("trunc")
    minimum = _real("minimum")
    maximum = _real("maximum")
    copysign = _real("copysign")
    bits = _unary("bits", _WHOLE)
    from_bits = _unary("from_bits", _REAL)
    to_int = _unary("to_int", _WHOLE)
    to_float = _unary("to_float", _REAL)
    fma = _real("fma")  # a * b + c, rounded once
    exponent = _unary("exponent")
    mantissa = _unary("mantissa")
    scale = _real("scale")

    def eq(self, a: Any, b: Any) -> Value:
        """Whether two values are equal."""
        return _EQ(*self._ordered(a, b))

    def ne(self, a: Any, b: Any) -> Value:
        """Whether two values differ; true with a NaN."""
        return _NE(*self._ordered(a, b))

    def _ordered(self, a: Any, b: Any) -> tuple[Value, Any]:
        return (a, b) if isinstance(a, Value) else (self.value(a, b.type), b)

    def lshr(self, i: Value, n: int) -> Value:
        """Shift to the right, zeros moving in."""
        return self.make("lshr", (i, self.value(n, i.type)), (), i.type)

    def lookup(self, name: str, i: Value) -> Value:
        """The number of a table at the lowest four bits of an integer."""
        return self.make("lookup", (i,), (name,), _REAL[i.type])

    def select(self, mask: Value, a: Any, b: Any) -> Value:
        """a where the mask is set, else b."""
        type_ = self.type_of(a, b)
        return self.make("select", (mask, self.value(a, type_), self.value(b, type_)), (), type_)

    def rescue(self, mask: Value, name: str, fast: Value, *args: Value) -> Value:
        """`fast`, but libm's function `name` of the arguments where the mask is set."""
        return self.make("rescue", (mask, fast, *args), (name,), fast.type)


_EQ = _method("eq", "mask")
_NE = _method("ne", "mask")
