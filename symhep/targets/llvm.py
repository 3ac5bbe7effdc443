"""Programs as LLVM IR with explicit vectors.

Every operation is one IEEE operation on a vector of events, in the order of the program: no fast-math flags and no
contraction, so arithmetic gives the bits that NumPy gives. Elementary functions are written out from their
instruction lists.

In the texts {l} is the name of the result without its %, {0} {1} {2} are operands, {T} the vector of reals,
{I} of integers of the same size, {M} of truth values, {S} and {P} the suffixes of intrinsics, {B} as many bits as there
are lanes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import inf

import numpy as np

from symhep.graph import Number
from symhep.ops import OPS
from symhep.targets.machine import Instruction, Instructions, expand, table
from symhep.targets.numpy import rounded
from symhep.targets.segments import Line


@dataclass(frozen=True, slots=True)
class Vector:
    """The vector that code is written for: the type of its numbers, and how many events it holds.

    special  "avx512" or "avx2" where there are these instructions
    """

    real: str
    lanes: int
    special: str = ""

    @property
    def wide(self) -> bool:
        """Whether there are instructions for vectors of 64 bytes."""
        return self.special == "avx512" and self.bytes == 64

    @property
    def size(self) -> int:
        """Bytes of one value."""
        return 8 if self.real == "double" else 4

    @property
    def width(self) -> int:
        """How many doubles fill such a vector."""
        return self.bytes // 8

    @property
    def bytes(self) -> int:
        """Bytes of one vector."""
        return self.size * self.lanes

    @property
    def type(self) -> str:
        """The vector type."""
        return f"<{self.lanes} x {self.real}>"

    def fill(self, text: str) -> str:
        """A text with the type names put in; the other fields stay."""
        elements = {"{T}": self.real, "{I}": f"i{8 * self.size}", "{M}": "i1"}
        for name, element in elements.items():
            text = text.replace(name, f"<{self.lanes} x {element}>")
        text = text.replace("{B}", f"i{self.lanes}").replace("{P}", "pd" if self.real == "double" else "ps")
        return text.replace("{S}", f"v{self.lanes}f{8 * self.size}")

    def expand(self, op: str) -> Instructions:
        """The instructions of an elementary function of such a vector."""
        return expand(op, self.real == "float", self.wide)


def vector(dtype: np.dtype, width: int, special: str = "") -> Vector:
    """The vectors of a dtype, for registers of `width` doubles."""
    double = np.dtype(dtype) == np.float64
    return Vector("double" if double else "float", width if double else 2 * width, special)


def _compare(kind: str) -> str:
    return f"%{{l}} = fcmp {kind} {{T}} {{0}}, {{1}}"


def _call(name: str, arity: int = 1) -> str:
    return f"%{{l}} = call {{T}} @llvm.{name}.{{S}}({', '.join(f'{{T}} {{{k}}}' for k in range(arity))})"


def _smaller(order: str) -> str:
    return f"%{{l}}.c = fcmp {order} {{T}} {{0}}, {{1}}\n%{{l}} = select {{M}} %{{l}}.c, {{T}} {{0}}, {{T}} {{1}}"


def _smaller_or_nan(order: str) -> str:
    # the NaN of the second operand comes through the comparison, that of the first by the second line
    return _smaller(order).replace("%{l} =", "%{l}.s =") + (
        "\n%{l}.n = fcmp uno {T} {0}, {0}\n%{l} = select {M} %{l}.n, {T} {0}, {T} %{l}.s"
    )


# What the table of operations and the instruction lists have in common
_COMMON = {
    "add": "%{l} = fadd {T} {0}, {1}",
    "sub": "%{l} = fsub {T} {0}, {1}",
    "mul": "%{l} = fmul {T} {0}, {1}",
    "div": "%{l} = fdiv {T} {0}, {1}",
    "neg": "%{l} = fneg {T} {0}",
    "sqrt": _call("sqrt"),
    "abs": _call("fabs"),
    "copysign": _call("copysign", 2),
    "floor": _call("floor"),
    "trunc": _call("trunc"),
    "rint": _call("rint"),
    "lt": _compare("olt"),
    "le": _compare("ole"),
    "eq": _compare("oeq"),
    "ne": _compare("une"),
    "and": "%{l} = and {M} {0}, {1}",
    "or": "%{l} = or {M} {0}, {1}",
    "not": "%{l} = xor {M} {0}, splat (i1 true)",
    "select": "%{l} = select {M} {0}, {T} {1}, {T} {2}",
}

# Operations of a program; a function where the text is made from an instruction list
TEXTS: dict[str, str | Callable[[str, Vector, bool], str]] = {
    **_COMMON,
    "minimum": _smaller_or_nan("olt"),
    "maximum": _smaller_or_nan("ogt"),
    "ceil": _call("ceil"),
    "eq_bool": "%{l}.x = xor {M} {0}, {1}\n%{l} = xor {M} %{l}.x, splat (i1 true)",
    "ne_bool": "%{l} = xor {M} {0}, {1}",
    "select_bool": "%{l} = select {M} {0}, {M} {1}, {M} {2}",
    "to_real": lambda op, v, careful: v.fill("%{l} = select {M} {0}, {T} ONE, {T} zeroinitializer").replace(
        "ONE", real_literal(1.0, v.real)
    ),
    "to_bool": "%{l} = fcmp une {T} {0}, zeroinitializer",
    # on processors whose adders and multipliers are distinct, some sums are computed by the multipliers: 1 * a + b is
    # the same number; the one is in memory because a literal would be folded away
    "add_fma": "%{l} = call {T} @llvm.fma.{S}({T} {0}, {T} %one, {T} {1})",
    "sub_fma": "%{l}.m = fneg {T} {1}\n%{l} = call {T} @llvm.fma.{S}({T} {0}, {T} %one, {T} %{l}.m)",
    **{
        name: lambda op, v, careful: (_call_careful if careful else _elementary)(op, v)
        for name, row in OPS.items()
        if row.cost >= 24 and name != "power"
    },
}

# Instructions of the lists that stand for elementary functions
INSTRUCTIONS = {
    **_COMMON,
    "fma": _call("fma", 3),
    "minimum": _smaller("olt"),
    "maximum": _smaller("ogt"),
    "ilt": "%{l} = icmp slt {I} {0}, {1}",
    "ile": "%{l} = icmp sle {I} {0}, {1}",
    "ieq": "%{l} = icmp eq {I} {0}, {1}",
    "ine": "%{l} = icmp ne {I} {0}, {1}",
    "iadd": "%{l} = add {I} {0}, {1}",
    "isub": "%{l} = sub {I} {0}, {1}",
    "iand": "%{l} = and {I} {0}, {1}",
    "ior": "%{l} = or {I} {0}, {1}",
    "ixor": "%{l} = xor {I} {0}, {1}",
    "shl": "%{l} = shl {I} {0}, {1}",
    "ashr": "%{l} = ashr {I} {0}, {1}",
    "lshr": "%{l} = lshr {I} {0}, {1}",
    "bits": "%{l} = bitcast {T} {0} to {I}",
    "from_bits": "%{l} = bitcast {I} {0} to {T}",
    "to_int": "%{l} = fptosi {T} {0} to {I}",
    "to_float": "%{l} = sitofp {I} {0} to {T}",
    # what only vectors of AVX-512 have; 11 stands for [3/4, 3/2), NaN where x < 0; 4 for the current rounding
    "exponent": "%{l} = call {T} @llvm.x86.avx512.mask.getexp.{P}.512({T} {0}, {T} {0}, {B} -1, i32 4)",
    "mantissa": "%{l} = call {T} @llvm.x86.avx512.mask.getmant.{P}.512({T} {0}, i32 11, {T} {0}, {B} -1, i32 4)",
    "scale": "%{l} = call {T} @llvm.x86.avx512.mask.scalef.{P}.512({T} {0}, {T} {1}, {T} {0}, {B} -1, i32 4)",
}


def real_literal(value: float, real: str = "double") -> str:
    """A vector constant; LLVM writes floats by the bits of the double that they equal.

    >>> real_literal(1.0)
    'splat (double 0x3ff0000000000000)'
    """
    return f"splat ({real} 0x{struct.pack('>d', value).hex()})"


def constant(value: Number, v: Vector) -> str:
    """An exact number as a vector constant, rounded once to the working type."""
    if isinstance(value, bool):
        return f"splat (i1 {str(value).lower()})"
    if v.real == "float":
        return real_literal(float(rounded(value, np.float32)), "float")
    try:
        return real_literal(float(value))
    except OverflowError:
        return real_literal(inf if value > 0 else -inf)


@cache
def text(op: str, v: Vector, careful: bool = False) -> str:
    """The text of an operation for a vector type.

    Elementary functions are written out; those that are wrong for some arguments, which are rare, give besides the mask
    {l}.far of vectors that have to be computed again. `careful` is for that: calls of functions with branches to libm.
    """
    entry = TEXTS.get(op)
    if entry is None:
        raise ValueError(f"a program for a target may not hold {op!r}: lower the graph first")
    return entry(op, v, careful) if callable(entry) else v.fill(entry)


def weight(line: Line, v: Vector) -> int:
    """About how many instructions a line becomes."""
    return text(line.op, v).count("\n") + 1


def _call_careful(op: str, v: Vector) -> str:
    arguments = ", ".join(f"{v.type} {{{k}}}" for k in range(v.expand(op).arity))
    if len(v.expand(op).results) == 1:
        return f"%{{l}} = call {v.type} @careful.{op}({arguments})"
    pair = f"{{{{ {v.type}, {v.type} }}}}"
    return (
        f"%{{l}}.pair = call {pair} @careful.{op}({arguments})\n"
        f"%{{l}} = extractvalue {pair} %{{l}}.pair, 0\n%{{l}}.second = extractvalue {pair} %{{l}}.pair, 1"
    )


def careful_function(op: str, v: Vector) -> str:
    """The definition of @careful.op."""
    arity, count = v.expand(op).arity, len(v.expand(op).results)
    body = _elementary(op, v, True).format(*[f"%x{k}" for k in range(arity)], l="y")
    kind = v.type if count == 1 else f"{{ {v.type}, {v.type} }}"
    finish = [f"ret {kind} %y"]
    if count == 2:
        finish = [
            f"%p = insertvalue {kind} poison, {v.type} %y, 0",
            f"%q = insertvalue {kind} %p, {v.type} %y.second, 1",
        ]
        finish.append(f"ret {kind} %q")
    head = f"define internal {kind} @careful.{op}({', '.join(f'{v.type} %x{k}' for k in range(arity))}) #2 {{"
    return "\n".join([head, "%slots = alloca [4 x [64 x i8]], align 64", body, *finish, "}"])


def _elementary(op: str, v: Vector, careful: bool = False) -> str:
    """The text of an elementary function: a name {l}.f.k for every instruction, results {l} and, if two, {l}.second.

    It has branches to libm if it is `careful`; else {l}.far is the mask of the lanes that need them.
    """
    function = v.expand(op)
    lines: list[str] = []
    masks: list[str] = []
    operand: dict[int, str] = {}
    for k, i in enumerate(function):
        operand[k] = f"%{{l}}.f.{k}"
        given = [operand[a] for a in i.args]
        if i.op == "input":
            operand[k] = f"{{{i.attrs[0]}}}"
        elif i.op == "const":
            operand[k] = _literal(i)
        elif i.op == "lookup":
            lines.append(_lookup(i, v, f"{{l}}.f.{k}", *given))
        elif i.op == "rescue" and careful:
            lines.append(_rescue(i, v, f"{{l}}.f.{k}", given))
        elif i.op == "rescue":
            masks.append(given[0])
            operand[k] = given[1]
        else:
            lines.append(_instruction(i, function, v).format(*given, l=f"{{l}}.f.{k}"))
    names = ("{l}", "{l}.second")
    lines += [f"%{name} = bitcast {v.type} {operand[r]} to {v.type}" for name, r in zip(names, function.results)]
    if masks:
        lines.append(f"%{{l}}.far = or <{v.lanes} x i1> {masks[0]}, {masks[-1]}")
    return "\n".join(lines)


_REALS = {"f64": "double", "i64": "double", "f32": "float", "i32": "float"}


def _instruction(i: Instruction, function: Instructions, v: Vector) -> str:
    """The text of an instruction, for vectors of its own type or, if it is a comparison, of that of its operands."""
    type_ = function.list[i.args[0]].type if i.type == "mask" else i.type
    form = INSTRUCTIONS[i.op]
    if i.op == "select" and i.type.startswith("i"):
        form = form.replace("{T}", "{I}")
    return Vector(_REALS.get(type_, v.real), v.lanes).fill(form)


def _literal(i: Instruction) -> str:
    number = i.attrs[0]
    return f"splat ({i.type} {number})" if i.type.startswith("i") else real_literal(number, _REALS[i.type])


def _lookup(i: Instruction, v: Vector, l: str, index: str) -> str:
    """A table in registers if they have instructions for that, else in memory."""
    real, whole = _REALS[i.type], f"i{i.type[1:]}"
    indices, values = f"<{v.lanes} x {whole}> {index}", f"<{v.lanes} x {real}>"
    numbers = _numbers(i.type, i.attrs[0])
    if v.wide and i.type == "f32":
        return f"%{l} = call {values} @llvm.x86.avx512.permvar.sf.512({values} <{', '.join(numbers)}>, {indices})"
    if v.wide and v.lanes == 8:
        low, high = (f"{values} <{', '.join(half)}>" for half in (numbers[:8], numbers[8:]))
        return f"%{l} = call {values} @llvm.x86.avx512.vpermi2var.pd.512({low}, {indices}, {high})"
    if v.special and i.type == "f32" and v.lanes == 8:
        halves = [f"{values} <{', '.join(half)}>" for half in (numbers[:8], numbers[8:])]
        first, second = (f"call {values} @llvm.x86.avx2.permps({half}, {indices})" for half in halves)
        return "\n".join(
            [
                f"%{l}.a = {first}",
                f"%{l}.b = {second}",
                f"%{l}.s = shl {indices}, splat ({whole} 28)",
                f"%{l}.m = icmp slt <{v.lanes} x {whole}> %{l}.s, zeroinitializer",
                f"%{l} = select <{v.lanes} x i1> %{l}.m, {values} %{l}.b, {values} %{l}.a",
            ]
        )
    kind, size = f"v{v.lanes}f{i.type[1:]}.v{v.lanes}p0", int(i.type[1:]) // 8
    places = f"<{v.lanes} x ptr> %{l}.p, i32 {size}, <{v.lanes} x i1> splat (i1 true), {values} poison"
    return "\n".join(
        [
            f"%{l}.i = and {indices}, splat ({whole} 15)",
            f"%{l}.p = getelementptr {real}, ptr @{table_name(i)}, <{v.lanes} x {whole}> %{l}.i",
            f"%{l} = call {values} @llvm.masked.gather.{kind}({places})",
        ]
    )


def _numbers(type_: str, name: str) -> list[str]:
    real = _REALS[type_]
    return [f"{real} {real_literal(x, real)[len(f'splat ({real} ') : -1]}" for x in table(name, type_)]


def table_name(i: Instruction) -> str:
    """The name of a table in memory; it tells all that is needed to write it."""
    return f"lookup.{i.type}.{i.attrs[0]}"


def table_constant(symbol: str) -> str:
    """The table with a name made by `table_name`."""
    _, type_, name = symbol.split(".")
    return f"@{symbol} = internal constant [16 x {_REALS[type_]}] [{', '.join(_numbers(type_, name))}]"


def _rescue(i: Instruction, v: Vector, l: str, operands: list[str]) -> str:
    """A branch, hardly ever taken, to libm for the lanes of a mask; arguments and result pass through %slots."""
    mask, *values = operands
    stores = [f"%{l}.p{k} = getelementptr i8, ptr %slots, i64 {64 * k}" for k in range(len(values))]
    stores += [f"store {v.type} {value}, ptr %{l}.p{k}, align 64" for k, value in enumerate(values)]
    bits = f"i{v.lanes}"
    return "\n".join(
        [
            f"%{l}.m = bitcast <{v.lanes} x i1> {mask} to {bits}",
            f"%{l}.any = icmp ne {bits} %{l}.m, 0",
            f"br label %{l}.test",
            f"{l}.test:",
            f"br i1 %{l}.any, label %{l}.cold, label %{l}.done, !prof !0",
            f"{l}.cold:",
            *stores,
            f"%{l}.w = zext {bits} %{l}.m to i64",
            f"call void @{rescue_name(i.attrs[0], len(values) - 1)}(i64 %{l}.w, ptr %slots)",
            f"%{l}.r = load {v.type}, ptr %slots, align 64",
            f"br label %{l}.done",
            f"{l}.done:",
            f"%{l} = phi {v.type} [ {values[0]}, %{l}.test ], [ %{l}.r, %{l}.cold ]",
        ]
    )


def rescue_name(name: str, arity: int) -> str:
    """The name of the function that calls libm lane by lane; it tells all that is needed to write it."""
    return f"rescue.{name}.{arity}"
