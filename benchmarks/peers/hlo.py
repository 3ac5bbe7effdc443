"""Operations in the text of a program of XLA, by symhep's counting rule."""

from __future__ import annotations

import re

# One instruction with the shape of its result, as in: %a.1 = f64[100]{0} multiply(%x, %y)
INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?[\w.-]+ = (\w+)\[([\d,]*)\]\S* ([\w-]+)\((.*)", re.MULTILINE)

ONE = """add subtract multiply divide sqrt cbrt maximum minimum compare select power exponential exponential-minus-one
log log-plus-one sine cosine tan tanh logistic atan2 erf floor ceil round-nearest-even remainder and or not xor reduce
""".split()
OTHERS = {"rsqrt": 2}


def operations(text: str, events: int) -> int:
    """Per event: every instruction of a kind that counts whose result, or operand of a sum, has one number per event.

    >>> operations('''
    ...   %p = f64[8]{0} parameter(0)
    ...   %m = f64[8]{0} multiply(%p, %p)
    ...   ROOT %r = f64[8]{0} rsqrt(f64[8]{0} %m), metadata={op_name="sqrt(x)"}
    ... ''', 8)
    3
    """
    total = 0
    for match in INSTRUCTION.finditer(text):
        _, shape, kind, _ = match.groups()
        if str(events) in shape.split(",") or kind == "reduce":
            total += OTHERS.get(kind, int(kind in ONE))
    return total
