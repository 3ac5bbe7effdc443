"""A kernel as a small C library: a header that says what everything is, a source for each precision, and a README."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.calling.results import Slot
from symhep.count import count
from symhep.errors import ArgumentError, message
from symhep.program import build
from symhep.targets.c import FLAGS, Function, Parameter
from symhep.targets.ctext import identifier, indented

if TYPE_CHECKING:
    from symhep.kernel import Kernel
    from symhep.variants import Variant

MARK = "made by symhep"  # in the first line of every file

_HEADER = """\
/* {file}: {mark}.

   {signature}
{doc}
   Arguments, in order:
{arguments}

   {name} works in double precision, {name}_f32 in single.
   Columns are contiguous: the value of event i is at [i]. Results may not overlap with anything else. Truth values are
   0 and 1. Units are those that the formula was written for. Nothing is allocated, and nothing is kept from call to
   call, so that any number of threads may call at a time, each with its own events.
   {operations:,} operations per event.

   Compile with {flags}
   and link with -lm. These flags change no bit of a result; -ffast-math does, and is refused. */

#ifndef {guard}
#define {guard}

#include <stddef.h>

#ifdef __cplusplus
extern "C" {{
#endif

{prototypes}

#ifdef __cplusplus
}}
#endif

#endif
"""

_README = """\
<!-- {mark} -->
# Kernels in C

| header | formula |
|---|---|
{rows}

The headers say what the arguments are. To compile, with gcc or clang:

```sh
cc -std=c99 {flags} -fPIC -shared {sources} -o libkernels.so -lm
```

In C++, include the header and link with the objects. `-march=native` is for the processor that compiles; name another
with, for example, `-march=x86-64-v3`.
"""


def build_c(kernel: Kernel, variant: Variant, directory: Any) -> list[Path]:
    """Write NAME.h, NAME.c, NAME_f32.c and README.md into a directory; the paths.

    Raises ArgumentError where one of them is there already and symhep did not make it; then nothing is written.
    """
    folder, name = Path(directory), identifier(kernel.name)
    program = build(variant.verified(), variant.axes)
    double = Function(program, np.float64, name)
    single = Function(program, np.float32, f"{name}_f32")
    texts = {f"{name}.h": _header(kernel, variant, double, single), f"{name}.c": double.text,
             f"{name}_f32.c": single.text}  # fmt: skip
    for file in (*texts, "README.md"):
        if (folder / file).exists() and not _is_made(folder / file):
            raise ArgumentError(message(f"{folder / file} is there, and symhep did not make it",
                                        instead="k.build_c of another directory"))  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(_readme(folder), encoding="utf-8")
    return [folder / file for file in (*texts, "README.md")]


def _is_made(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return MARK in file.readline()


def _header(kernel: Kernel, variant: Variant, double: Function, single: Function) -> str:
    doc = [f"   {line.strip()}".rstrip() for line in (kernel.__doc__ or "").strip().splitlines()] if kernel.fn else []
    words = _words(variant, double.parameters, double)
    width = max(len(p.name) for p in double.parameters)
    return _HEADER.format(
        file=f"{double.name}.h",
        mark=MARK,
        signature=_signature(kernel),
        doc="".join(f"{line}\n" for line in _safe(doc)),
        arguments="\n".join(indented([f"  {p.name:{width}}  {w}" for p, w in zip(double.parameters, _safe(words))])),
        name=double.name,
        operations=count(variant.optimised.graph).total,
        flags=" ".join(FLAGS),
        guard=f"SYMHEP_{double.name.upper()}_H",
        prototypes="\n".join(f"{f.plain_prototype};" for f in (double, single)),
    )


def _signature(kernel: Kernel) -> str:
    return f"{kernel.name}({', '.join(a.name for a in kernel.arguments)})"


def _safe(lines: Sequence[str]) -> list[str]:
    """Lines that do not end the comment which they stand in."""
    return [line.replace("*/", "* /") for line in lines]


def _words(variant: Variant, parameters: Sequence[Parameter], function: Function) -> list[str]:
    """What each argument of the C function is."""
    leaf = {column: x.core for x in variant.traced.leaves for column, _ in x.columns}
    inputs = iter(function.program.inputs)
    results = iter([path for s in variant.slots for path in _paths(s)])
    found = []
    for p in parameters:
        events = "events" if len(function.size) < 2 or p.axis is None else f"events of the axis {p.axis}"
        if p.kind == "size":
            found.append(f"how many {events} there are")
        elif p.kind == "work":
            sizes = " + ".join(f"{k} * {function.size[axis]}" for axis, k in function.work.items() if k)
            found.append(f"memory for {sizes} numbers, whatever is in it")
        elif p.kind == "result":
            found.append(f"{next(results)}: {'a column' if p.axis else 'one number'}, written")
        else:
            name = next(inputs).attrs[0]
            kind = next((repr(core) for column, core in leaf.items() if name in (column, f"{column}.real")), "")
            what = "a column" if p.kind == "column" else "one number, by value"
            found.append(f"{name}: {what}{f', of {kind}' if kind not in ('', 'sh.Scalar') else ''}")
    return found


def _paths(s: Slot) -> list[str]:
    """The names of a value's columns: of each cell, and of each part of a complex one."""
    indices = combinations_with_replacement(range(s.shape[0]), 2) if s.symmetric else np.ndindex(s.shape)
    found = []
    for index, kind in zip(indices, s.cells):
        path = f"{s.path}[{', '.join(map(str, index))}]" if index else s.path
        found += [f"{path}.real", f"{path}.imag"] if kind == "complex" else [path]
    return found


def _readme(folder: Path) -> str:
    """The page for all kernels of a directory."""
    headers = [path for path in sorted(folder.glob("*.h")) if _is_made(path)]
    formulas = [path.read_text(encoding="utf-8").splitlines()[2].strip() for path in headers]
    rows = "\n".join(f"| `{path.name}` | `{formula}` |" for path, formula in zip(headers, formulas))
    sources = " ".join(f"{path.stem}.c {path.stem}_f32.c" for path in headers)
    return _README.format(mark=MARK, rows=rows, flags=" ".join(FLAGS), sources=sources)
