"""SymForce: its generated C++ inside a loop over events, gcc -O3 -march=native -ffast-math; derivatives by its diff.

The expressions come from the function, called with SymForce's symbols. The lines that include Eigen are left out, as
these functions take and give numbers only. Operations: of the text of the generated function.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers import counting
from benchmarks.peers.c_loop import Loop
from benchmarks.peers.cases import Case
from benchmarks.peers.pairs import of_module, trace
from benchmarks.peers.program import Program

CUBE = re.compile(r"\[&\]\(\) \{\s*const Scalar base = (.*?);\s*return base \* base \* base;\s*\}\(\)", re.DOTALL)
STATEMENT = re.compile(r"^\s*(?:const Scalar )?(_\w+) = (.*?);", re.DOTALL | re.MULTILINE)


def build(case: Case, derivatives: bool) -> Program:
    import symforce.symbolic as sf
    from symforce import codegen, logger
    from symforce.values import Values

    logger.setLevel(logging.ERROR)
    symbols = [sf.Symbol(name) for name in case.names]
    results = [sf.S(r) for r in trace(case.function, of_module(sf), symbols)]
    if derivatives:
        results += [result.diff(symbols[i]) for result in results for i in case.by]
    writer = codegen.Codegen(
        inputs=Values(zip(case.names, symbols)),
        outputs=Values((f"y{i}", result) for i, result in enumerate(results)),
        config=codegen.CppConfig(),
        name="formula",
    )
    with TemporaryDirectory() as directory:
        (path,) = writer.generate_function(output_dir=directory).generated_files
        text = Path(path).read_text(encoding="utf-8")
    code = re.sub(r"#include <(?!cmath).*>|#pragma once", "", text).replace(
        "template <typename Scalar>\n", "template <typename Scalar>\ninline __attribute__((always_inline)) "
    )
    arguments = [*(f"x{i}" for i in range(len(symbols))), *(f"&y{i}" for i in range(len(results)))]
    body = f"sym::Formula<double>({', '.join(arguments)});"
    loop = Loop(case, f"#include <cmath>\n{code}", body, len(results), "c++")
    return Program(loop, list, lambda: operations(text, case.columns))


def operations(text: str, columns: Iterable[str]) -> int:
    """Of the C++ of a function, by symhep's counting rule.

    >>> text = "const Scalar _tmp0 = std::pow(x, Scalar(2)) - y / Scalar(2.0);\\n_y0 = _tmp0 * std::sin(x);"
    >>> operations(text, ["x", "y"])
    5
    """
    text = re.sub(r"//.*", "", text)
    text = re.sub(r"Scalar\(([^()]*)\)", r"(\1)", CUBE.sub(r"(\1)**3", text).replace("std::", ""))
    text = re.sub(r"\bpow\(([^()]*(?:\([^()]*\))*[^()]*), \(([^()]*)\)\)", r"(\1)**(\2)", text)
    statements = [f"{name} = {' '.join(value.split())}" for name, value in STATEMENT.findall(text)]
    return counting.per_event(statements, columns)
