"""The elementary functions in C, written out from the instruction lists that the numba target has: the same bits.

They have no branches, so that loops which call them become vectors. Sine, cosine and tangent are wrong for arguments
far from zero, which are rare: they set the flag `far`, and their careful forms call libm for these.
"""

from __future__ import annotations

from symhep.ops import ELEMENTARY_COST, OPS
from symhep.targets.ctext import COMMON
from symhep.targets.machine import Instruction, Instructions, expand, table

ELEMENTARY = tuple(name for name, row in OPS.items() if row.cost >= ELEMENTARY_COST and name != "power")

# Instructions of the lists; {i} is the integer type without its u, {real} the type of the result
INSTRUCTIONS = {
    **COMMON,
    "fma": "fma{f}({0}, {1}, {2})",
    "minimum": "{0} < {1} ? {0} : {1}",
    "maximum": "{0} > {1} ? {0} : {1}",
    "ilt": "({i}){0} < ({i}){1}",
    "ile": "({i}){0} <= ({i}){1}",
    "ieq": "{0} == {1}",
    "ine": "{0} != {1}",
    "iadd": "{0} + {1}",
    "isub": "{0} - {1}",
    "iand": "{0} & {1}",
    "ior": "{0} | {1}",
    "ixor": "{0} ^ {1}",
    "shl": "{0} << {1}",
    "ashr": "(u{i})(({i}){0} >> {1})",
    "lshr": "{0} >> {1}",
    "bits": "symhep_bits{f}({0})",
    "from_bits": "symhep_from_bits{f}({0})",
    "to_int": "(u{i})({i}){0}",
    "to_float": "({real})({i}){0}",
    "lookup": "symhep_{name}[{0} & 15]",
}

_BITS = """\
/* the bits of a float as an integer of the same size, and back */
static inline uint{size}_t symhep_bits{f}(const {real} x)
{{
    const union {{ {real} x; uint{size}_t i; }} both = {{.x = x}};
    return both.i;
}}

static inline {real} symhep_from_bits{f}(const uint{size}_t i)
{{
    const union {{ uint{size}_t i; {real} x; }} both = {{.i = i}};
    return both.x;
}}
"""

_TYPES = {"f64": "double", "f32": "float", "i64": "uint64_t", "i32": "uint32_t", "mask": "bool"}


def has_far(op: str, narrow: bool) -> bool:
    """Whether a function is wrong far from zero.

    >>> has_far("sin", False), has_far("exp", False)
    (True, False)
    """
    return op in ELEMENTARY and any(i.op == "rescue" for i in expand(op, narrow))


def texts(careful: bool, narrow: bool) -> dict[str, str]:
    """The call of each function; {sine} and {cosine} are where a pair's results go."""
    found = {}
    for name in ELEMENTARY:
        arguments = [f"{{{k}}}" for k in range(OPS[name].arity or 1)]
        arguments += ["&{sine}", "&{cosine}"] if name == "sincos" else []
        far = has_far(name, narrow)
        arguments += ["&far"] if far and not careful else []
        found[name] = f"symhep_{name}{'_careful' if far and careful else ''}({', '.join(arguments)})"
    return found


def functions(used: set[str], narrow: bool) -> list[str]:
    """The definitions of the functions that are used."""
    names = [name for name in ELEMENTARY if name in used]
    if not names:
        return []
    found = [_BITS.format(size=64, real="double", f="")]
    found += [_BITS.format(size=32, real="float", f="f")] if narrow else []
    listed = [i for name in names for i in expand(name, narrow)]
    found += dict.fromkeys(_table(i) for i in listed if i.op == "lookup")
    for name in names:
        found.append(_function(name, narrow, careful=False))
        if has_far(name, narrow):
            found.append(_function(name, narrow, careful=True))
    return found


def _table(i: Instruction) -> str:
    """The definition of a table that is looked up."""
    numbers = [_constant(Instruction("const", (), (x,), i.type)) for x in table(i.attrs[0], i.type)]
    rows = "".join(f"    {', '.join(numbers[k : k + 4])},\n" for k in range(0, len(numbers), 4))
    return f"static const {_TYPES[i.type]} symhep_{i.attrs[0].lower()}[16] = {{\n{rows}}};\n"


def _function(name: str, narrow: bool, careful: bool) -> str:
    listed = expand(name, narrow)
    real, integer = ("float", "int32_t") if narrow else ("double", "int64_t")
    far = has_far(name, narrow)
    arguments = [f"const {real} x{k}" for k in range(listed.arity)]
    arguments += [f"{real} *const sine", f"{real} *const cosine"] if len(listed.results) == 2 else []
    arguments += [f"u{integer} *const far"] if far and not careful else []
    value: dict[int, str] = {}
    lines = []
    for k, i in enumerate(listed):
        if i.op == "input":
            value[k] = f"x{i.attrs[0]}"
        elif i.op == "const":
            value[k] = _constant(i)
        elif i.op == "rescue" and not careful:
            value[k] = value[i.args[1]]
            lines.append(f"*far |= {value[i.args[0]]};")
        else:
            value[k] = f"t{k}"
            lines.append(f"const {_TYPES[i.type]} t{k} = {_expression(i, [value[a] for a in i.args], listed)};")
    result = "void" if len(listed.results) == 2 else real
    if result == "void":
        lines += [f"*{place} = {value[r]};" for place, r in zip(("sine", "cosine"), listed.results)]
    else:
        lines.append(f"return {value[listed.results[0]]};")
    kind, suffix = ("static", "_careful") if careful else ("static inline", "")
    head = f"{kind} {result} symhep_{name}{suffix}({', '.join(arguments)})"
    return "\n".join([head, "{", *[f"    {line}" for line in dict.fromkeys(lines)], "}", ""])


def _constant(i: Instruction) -> str:
    number = i.attrs[0]
    if i.type.startswith("i"):
        return f"UINT{i.type[1:]}_C({number % 2 ** int(i.type[1:])})"
    if number != number:
        return "NAN"
    if number in (float("inf"), -float("inf")):
        return "INFINITY" if number > 0 else "(-INFINITY)"
    text = float(number).hex() + ("f" if i.type == "f32" else "")
    return f"({text})" if text.startswith("-") else text


def _expression(i: Instruction, args: list[str], listed: Instructions) -> str:
    """The text of an instruction, for the type of its result or, if it is a comparison, of its operands."""
    type_ = listed.list[i.args[0]].type if i.type == "mask" else i.type
    if i.op == "bits":
        type_ = listed.list[i.args[0]].type
    size = "32" if type_ in ("f32", "i32") else "64"
    suffix = "f" if type_ in ("f32", "i32") else ""
    if i.op == "rescue":
        mask, fast, *rest = args
        return f"{mask} ? {'(float)' * bool(suffix)}{i.attrs[0]}({', '.join(rest)}) : {fast}"
    name = i.attrs[0].lower() if i.op == "lookup" else ""
    return INSTRUCTIONS[i.op].format(*args, f=suffix, i=f"int{size}_t", real=_TYPES[i.type], name=name)
