"""Functions that call the C library for the lanes of a vector that need it, as LLVM IR."""

from __future__ import annotations

from symhep.targets.llvm import Vector


def rescue_function(symbol: str, v: Vector) -> str:
    """The function with a name made by `rescue_name`; it finds libm's function at the address in @libm.name.

    The arguments stand at %slots + 64, + 128, ...; the result replaces the lanes at %slots.
    """
    _, name, arity = symbol.split(".")
    lines, arguments = [], []
    for k in range(1, int(arity) + 1):
        lines += [f"%p{k} = getelementptr [64 x i8], ptr %q, i64 {k}", f"%x{k} = load {v.real}, ptr %p{k}"]
        arguments.append(f"double %x{k}")
        if v.real == "float":
            lines.append(f"%d{k} = fpext float %x{k} to double")
            arguments[-1] = f"double %d{k}"
    lines.append(f"%y = call double %function({', '.join(arguments)})")
    if v.real == "float":
        lines.append("%n = fptrunc double %y to float")
    lines.append(f"store {v.real} %{'n' if v.real == 'float' else 'y'}, ptr %q")
    return _RESCUE.format(symbol=symbol, name=name, set="\n".join(lines), lanes=v.lanes, real=v.real)


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
%q = getelementptr {real}, ptr %slots, i64 %lane
{set}
br label %last
last:
%next = add i64 %lane, 1
%more = icmp ult i64 %next, {lanes}
br i1 %more, label %loop, label %out
out:
ret void
}}
"""
