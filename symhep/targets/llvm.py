"""Programs as LLVM IR with explicit vectors.

Every operation is one IEEE operation on a vector of events, in the order of the program: no fast-math flags and no
contraction, so arithmetic gives the bits that NumPy gives. Elementary functions are written out from their
instruction lists in double precision; a float32 vector is widened in two halves.

In the texts {l} is the name of the result without its %, {0} {1} {2} are operands, {T} the vector of reals,
{I} of 64-bit integers, {M} of truth values, and {S} the suffix of intrinsics.
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
from symhep.targets.machine import Instruction, expand
from symhep.targets.numpy import rounded
from symhep.targets.segments import Line


@dataclass(frozen=True, slots=True)
class Vector:
    """The vector that code is written for.

    lanes  events in a vector; wide: lanes of the vectors of doubles in which elementary functions are computed
    """

    real: str
    lanes: int
    wide: int

    @property
    def size(self) -> int:
        """Bytes of one value."""
        return 8 if self.real == "double" else 4

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
        suffix = f"v{self.lanes}f{8 * self.size}"
        names = {"{T}": self.type, "{I}": f"<{self.lanes} x i64>", "{M}": f"<{self.lanes} x i1>", "{S}": suffix}
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    @property
    def double(self) -> Vector:
        """The vector of doubles in which elementary functions are computed."""
        return Vector("double", self.wide, self.wide)


def vector(dtype: np.dtype, width: int) -> Vector:
    """The vectors of a dtype, for registers of `width` doubles."""
    return Vector("double", width, width) if np.dtype(dtype) == np.float64 else Vector("float", 2 * width, width)


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
    arguments = ", ".join(f"{v.type} {{{k}}}" for k in range(expand(op).arity))
    if len(expand(op).results) == 1:
        return f"%{{l}} = call {v.type} @careful.{op}({arguments})"
    pair = f"{{{{ {v.type}, {v.type} }}}}"
    return (
        f"%{{l}}.pair = call {pair} @careful.{op}({arguments})\n"
        f"%{{l}} = extractvalue {pair} %{{l}}.pair, 0\n%{{l}}.second = extractvalue {pair} %{{l}}.pair, 1"
    )


def careful_function(op: str, v: Vector) -> str:
    """The definition of @careful.op."""
    arity, count = expand(op).arity, len(expand(op).results)
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
    """The text of an elementary function: a name {l}.k for every instruction, results {l} and, if two, {l}.second."""
    names = ("{l}", "{l}.second")[: len(expand(op).results)]
    if v.real == "double":
        body = _instructions(op, v, "{l}.f", [f"{{{k}}}" for k in range(expand(op).arity)], careful)
        copies = [f"%{name} = bitcast {v.type} %{{l}}.f.r{k} to {v.type}" for k, name in enumerate(names)]
        masks = ["%{l}.f.far"] if ".far =" in body else []
        return "\n".join([body, *copies, *_any_far(v, masks)])
    halves = [_half(op, v, side, careful) for side in (0, 1)]
    lanes = ", ".join(f"i32 {k}" for k in range(v.lanes))
    half = f"<{v.wide} x float>"
    joins = [
        f"%{name} = shufflevector {half} %{{l}}.0.n{k}, {half} %{{l}}.1.n{k}, <{v.lanes} x i32> <{lanes}>"
        for k, name in enumerate(names)
    ]
    masks = ["%{l}.0.far", "%{l}.1.far"] if ".far =" in halves[0] else []
    return "\n".join([*halves, *joins, *_any_far(v, masks)])


def _any_far(v: Vector, masks: list[str]) -> list[str]:
    """The union of masks as {l}.far."""
    return [f"%{{l}}.far = or <{v.wide} x i1> {masks[0]}, {masks[-1]}"] if masks else []


def _half(op: str, v: Vector, side: int, careful: bool) -> str:
    """The function of the lower or upper half of a float32 vector, computed in double precision."""
    lanes = ", ".join(f"i32 {k + side * v.wide}" for k in range(v.wide))
    narrow, wide, l = f"<{v.wide} x float>", v.double.type, f"{{l}}.{side}"
    lines, args = [], []
    for k in range(expand(op).arity):
        cut = f"shufflevector {v.type} {{{k}}}, {v.type} poison, <{v.wide} x i32> <{lanes}>"
        lines += [f"%{l}.h{k} = {cut}", f"%{l}.a{k} = fpext {narrow} %{l}.h{k} to {wide}"]
        args.append(f"%{l}.a{k}")
    lines.append(_instructions(op, v.double, l, args, careful))
    for k in range(len(expand(op).results)):
        lines.append(f"%{l}.n{k} = fptrunc {wide} %{l}.r{k} to {narrow}")
    return "\n".join(lines)


def _instructions(op: str, v: Vector, l: str, args: list[str], careful: bool) -> str:
    """An instruction list with its values named {l}.0, {l}.1, ..., its results {l}.r0 and {l}.r1."""
    lines: list[str] = []
    masks: list[str] = []
    operand: dict[int, str] = {}
    for k, i in enumerate(expand(op)):
        operand[k] = f"%{l}.{k}"
        given = [operand[a] for a in i.args]
        if i.op == "input":
            operand[k] = args[i.attrs[0]]
        elif i.op == "const":
            operand[k] = f"splat (i64 {i.attrs[0]})" if i.type == "i64" else real_literal(i.attrs[0])
        elif i.op == "rescue" and careful:
            lines.append(_rescue(i, v, f"{l}.{k}", given))
        elif i.op == "rescue":
            masks.append(given[0])
            operand[k] = given[1]
        else:
            form = INSTRUCTIONS[i.op]
            if i.op == "select" and i.type == "i64":
                form = form.replace("{T}", "{I}")
            lines.append(v.fill(form).format(*given, l=f"{l}.{k}"))
    lines += [f"%{l}.r{k} = bitcast {v.type} {operand[r]} to {v.type}" for k, r in enumerate(expand(op).results)]
    if masks:
        lines.append(f"%{l}.far = or <{v.lanes} x i1> {masks[0]}, {masks[-1]}")
    return "\n".join(lines)


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


def rescue_function(symbol: str, v: Vector) -> str:
    """The function with a name made by `rescue_name`; it finds libm's function at the address in @libm.name.

    The arguments stand at %slots + 64, + 128, ...; the result replaces the lanes at %slots.
    """
    _, name, arity = symbol.split(".")
    lines, arguments = [], []
    for k in range(1, int(arity) + 1):
        lines += [
            f"%at{k} = add i64 %lane, {8 * k}",
            f"%p{k} = getelementptr double, ptr %slots, i64 %at{k}",
            f"%x{k} = load double, ptr %p{k}",
        ]
        arguments.append(f"double %x{k}")
    return _RESCUE.format(
        symbol=symbol, name=name, loads="\n".join(lines), arguments=", ".join(arguments), lanes=v.wide
    )


_RESCUE = """\
@libm.{name} = dso_local global ptr null
define internal void @{symbol}(i64 %mask, ptr %slots) #1 {{
entry:
%function = load ptr, ptr @libm.{name}
br label %loop
loop:
%lane = phi i64 [ 0, %entry ], [ %next, %last ]
%rest = lshr i64 %mask, %lane
%bit = trunc i64 %rest to i1
br i1 %bit, label %set, label %last
set:
{loads}
%y = call double %function({arguments})
%q = getelementptr double, ptr %slots, i64 %lane
store double %y, ptr %q
br label %last
last:
%next = add i64 %lane, 1
%more = icmp ult i64 %next, {lanes}
br i1 %more, label %loop, label %out
out:
ret void
}}
"""
