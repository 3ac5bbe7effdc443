"""Write docs/operations.md from the table of operations.

python docs/operations.py           rewrite the page
python docs/operations.py --check   change nothing; fail if the page is not up to date
"""

import inspect
import sys
from collections.abc import Iterable

import numpy as np
from writing import ROOT, write

from symhep.ops import ELEMENTARY_COST, OPS, Op
from symhep.tracing.expansions import EXPANSIONS, REAL_ONLY

PAGE = ROOT / "docs" / "operations.md"

HEAD = """\
# Operations

Generated from `symhep/ops.py` and `symhep/tracing/expansions.py` by `python docs/operations.py`; do not edit.

*counts as* is the kind in reports, *cost* the time next to one vector addition, by which equal counts are compared.
*real* in the last column: the function has no meaning for complex arguments, or its result is always real.
"""

# Kinds that depend on more than the operation
COUNTS = {
    "sum": "its terms",
    "product": "its factors",
    "power": "its products, root and division",
    "sincos": "sin, cos",
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [[*head], ["---"] * len([*head]), *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def primitive(row: Op) -> list[str]:
    arity = "any" if row.arity is None else str(row.arity)
    notes = [row.domain and f"for {row.domain}", row.parity, "commutative" if row.commutative else ""]
    result = "" if row.dtype == "same" else row.dtype
    name = row.numpy.removeprefix("numpy.")
    numpy = f"`{name}`" if name and hasattr(np, name) else ""
    counts = COUNTS.get(row.name, row.counts or "free")
    return [f"`{row.name}`", arity, numpy, counts, f"{row.cost:g}", ", ".join(filter(None, notes)), result]


def expansion(name: str) -> list[str]:
    function = EXPANSIONS[name]
    arguments = ", ".join(inspect.signature(function).parameters)
    meaning = (inspect.getdoc(function) or "").partition("\n")[0].replace("|", "\\|").replace("*", "\\*")
    return [f"`{name}({arguments})`", meaning, "real" if name in REAL_ONLY else ""]


def page() -> str:
    elementary = [row for row in OPS.values() if row.cost >= ELEMENTARY_COST and row.counts not in (None, "sincos")]
    others = [row for row in OPS.values() if row not in elementary]
    head = ("operation", "arguments", "NumPy", "counts as", "cost", "", "result")
    parts = [
        HEAD,
        "## Primitives\n\n" + table(head, map(primitive, others)),
        "## Elementary functions\n\n" + table(head, map(primitive, elementary)),
        "## Expansions\n\nNumPy functions that are written in terms of these when they are traced.\n\n"
        + table(("function", "", ""), map(expansion, sorted(EXPANSIONS))),
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(write({PAGE: page()}, __doc__))
