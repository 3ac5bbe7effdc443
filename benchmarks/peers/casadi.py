"""CasADi: SX expressions; the statements of its generated C in a loop over events, gcc -O3 -march=native -ffast-math.

The expressions come from the function, called with CasADi's symbols; derivatives by its reverse or forward mode
(ca.gradient, ca.jacobian). Operations: of the instructions of its function, with cse.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peers.c_loop import Loop
from benchmarks.peers.cases import Case
from benchmarks.peers.pairs import of_module, trace
from benchmarks.peers.program import Program

HEAD = "#include <math.h>\nstatic inline double casadi_sq(double x) { return x * x; }"
FREE = ("OP_INPUT", "OP_OUTPUT", "OP_CONST", "OP_PARAMETER", "OP_ASSIGN", "OP_NEG", "OP_FABS")


def build(case: Case, derivatives: bool) -> Program:
    import casadi as ca

    symbols = [ca.SX.sym(name) for name in case.names]
    results = [ca.SX(r) for r in trace(case.function, of_module(ca), symbols)]
    if derivatives:
        by = ca.vertcat(*(symbols[i] for i in case.by))
        slopes = ca.gradient(results[0], by).T if len(results) == 1 else ca.jacobian(ca.vertcat(*results), by)
        results += [ca.densify(slopes[i, j]) for i in range(slopes.shape[0]) for j in range(slopes.shape[1])]
    function = ca.Function("formula", symbols, results, {"cse": True})
    text = body(generated(function))
    loop = Loop(case, HEAD, text, len(results))
    return Program(loop, list, lambda: operations(function, len(case.columns)))


def generated(function: Any) -> str:
    """The C code that CasADi writes."""
    import casadi as ca

    with TemporaryDirectory() as directory:
        path = Path(directory) / "formula.c"
        writer = ca.CodeGenerator(path.name)
        writer.add(function)
        writer.generate(f"{directory}/")
        return path.read_text(encoding="utf-8")


def body(code: str) -> str:
    """The statements of the function in CasADi's code, with arguments x0, x1, ... and results y0, y1, ...

    >>> body("static int casadi_f0(int mem) {\\n  casadi_real a0;\\n  a0=arg[0]? arg[0][0] : 0;\\n"
    ...      "  if (res[1]!=0) res[1][0]=a0;\\n  return 0;\\n}")
    'double a0;\\n  a0=x0;\\n  y1=a0;'
    """
    (text,) = re.findall(r"static int casadi_f0\(.*?\{\n(.*?)\n  return 0;\n\}", code, re.DOTALL)
    text = re.sub(r"arg\[(\d+)\]\? arg\[\1\]\[0\] : 0", r"x\1", text)
    text = re.sub(r"if \(res\[(\d+)\]!=0\) res\[\1\]\[0\]=", r"y\1=", text)
    return text.replace("casadi_real", "double").strip()


def operations(function: Any, columns: int) -> int:
    """By symhep's counting rule: what CasADi lists and depends on columns, without moves, signs and constants."""
    import casadi as ca

    free = {getattr(ca, name) for name in FREE}
    asked = (function.instruction_id, function.instruction_input, function.instruction_output)
    total, varying = 0, set[int]()  # places in its work vector
    for i in range(function.n_instructions()):
        kind, used, made = (ask(i) for ask in asked)
        varies = used[0] < columns if kind == ca.OP_INPUT else any(place in varying for place in used)
        (varying.update if varies else varying.difference_update)(made)
        total += varies and kind not in free
    return total
