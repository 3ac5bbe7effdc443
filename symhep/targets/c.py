"""The c target: C99 from a program, with the C library and nothing else.

One function over columns: the number of events, a contiguous array for each input column, parameters by value, an array
for each result. The work per event is one loop that gcc and clang turn into vectors; where a program reduces over the
batch there is one loop for each stage, over blocks of events, with the sums that `sums.py` describes. Large bodies are
cut into functions of about LIMIT statements, which a compiler takes in linear time; values pass between them in rows.

With FLAGS, which are exact, arithmetic has the bits of the numpy target: nothing is contracted or reassociated. The
elementary functions are those of the numba target (`c_math.py`), so all results have its bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symhep.batch.stages import Stage, stages
from symhep.graph import BATCH, Axes, Node
from symhep.ops import REDUCTIONS
from symhep.program import Program
from symhep.targets.c_math import ELEMENTARY, functions, has_far, texts
from symhep.targets.c_sums import BEFORE, sum_functions
from symhep.targets.ctext import TEXTS, Statements, identifier, indented
from symhep.targets.machine import expand
from symhep.targets.segments import Line, Segment, Straight, segment

FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
LIMIT = 2500  # statements of one function
BLOCK = 128  # events, where the loop is cut
ROW = BLOCK + 8  # rows are not to start at the same places of a cache

_NO_STATEMENT = ("input", "const", "item")
_PLAIN = ("size", "value")  # in a header nothing is said about parameters that are passed by value

_HEAD = """\
/* {name}: made by symhep, C99, {real}. Compile with
   {flags}
   which change no bit of a result; never with -ffast-math. */

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __FAST_MATH__
#error "compile without -ffast-math: it changes results"
#endif
#if defined(__GNUC__) && !defined(__clang__)
/* values are computed where they are needed, in whole registers */
#pragma GCC optimize("fp-contract=off,no-tree-pre,no-tree-ter")
#ifdef __AVX512F__
#pragma GCC target("prefer-vector-width=512")
#endif
#else
#pragma STDC FP_CONTRACT OFF
#endif
"""

_SEPARATE = """\
#if defined(__GNUC__)
#define SEPARATE static __attribute__((noinline))
#else
#define SEPARATE static
#endif
"""


def available() -> str | None:
    """Why calls of this target do not work here; None if they do. Its text can be made everywhere."""
    from symhep.targets import targets

    entry = targets()["c"]
    return None if entry else str(entry)


def emit(program: Program, dtype: Any = np.float64, name: str = "kernel") -> str:
    """The text of a C file with one function.

    dtype  the working dtype, float64 or float32: constants are rounded to it
    """
    return Function(program, dtype, name).text


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of the C function.

    kind  "size" of an axis, "column", "value", "result", or "work": memory for what later stages read
    """

    kind: str
    name: str
    axis: str | None
    type: str
    restrict: bool = False

    def __str__(self) -> str:
        return f"{self.type}{'restrict ' if self.restrict else ''}{self.name}"


@dataclass(frozen=True, slots=True)
class _Store:
    """A value that is written for every event: to an array that starts at event 0, or at the block's first one."""

    node: Node
    array: str
    whole: bool


class Function:
    """The C function of one program.

    parameters  its arguments, in order
    work        how many values of each axis its memory for work has to hold, by axis
    """

    def __init__(self, program: Program, dtype: Any, name: str) -> None:
        self.program, self.name = program, identifier(name)
        self.write = s = Statements(program.graph, dtype)
        s.taken.add(self.name)
        self.narrow = s.dtype == np.float32
        self.fast, self.careful = ({**TEXTS, **texts(careful, self.narrow)} for careful in (False, True))
        s.texts = self.careful
        s.values |= {n: s.names[n] for n in program.inputs if not n.axes and n.dtype == "real"}
        self.axes = _output_axes(program)
        self.stages = stages(program.graph, self.axes)
        axes = dict.fromkeys([axis for own in (*[n.axes for n in program.inputs], *self.axes) for axis in own])
        self.size = {axis: s.local("n" if len(axes) == 1 else f"n_{axis}") for axis in axes}
        self.results = [s.local(f"out{k}") for k in range(len(self.axes))]
        self.start, self.count, self.i, self.j = (s.local(text) for text in ("start", "m", "i", "j"))
        self.rows = s.local("rows")
        self.work = {axis: sum(len(p.keeps) for p in self.stages if p.axis == axis) for axis in self.size}
        self.work_name = s.local("work")
        self.column = {n: s.local(f"{s.value(n)}_column") for p in self.stages for n in p.keeps}
        self.state = {n: s.local(f"{s.names[n]}_state") for p in self.stages for n, _ in p.reductions}
        self.parameters = self._parameters()
        self._done: set[Node] = set()
        self._parts: list[str] = []

    def _parameters(self) -> list[Parameter]:
        real = self.write.real
        found = [Parameter("size", size, axis, "const size_t ") for axis, size in self.size.items()]
        for n in self.program.inputs:
            column = f"const {real} *", "column", True
            type_, kind, restrict = column if n.axes else (f"const {real} ", "value", False)
            found.append(Parameter(kind, self.write.names[n], _one(n.axes), type_, restrict))
        found += [Parameter("result", r, _one(own), f"{real} *", True) for r, own in zip(self.results, self.axes)]
        if any(self.work.values()):
            found.append(Parameter("work", self.work_name, None, f"{real} *", True))
        return found

    @property
    def prototype(self) -> str:
        """The head of the function."""
        return _head(f"void {self.name}", map(str, self.parameters))

    @property
    def plain_prototype(self) -> str:
        """The same for a header that C++ reads too."""
        return _head(f"void {self.name}", [f"{p.type.removeprefix('const ') if p.kind in _PLAIN else p.type}{p.name}"
                                           for p in self.parameters])  # fmt: skip

    @cached_property
    def text(self) -> str:
        """The whole file."""
        body = [*self._unused(), *self._columns(), *[line for p in self.stages for line in self._stage(p)]]
        head = _HEAD.format(name=self.name, real=self.write.dtype, flags=" ".join(FLAGS))
        used = {n.op for n in self.program.graph.order}
        sums = [*functions(used, self.narrow), *sum_functions(used, self.write.real)]
        parts = [_SEPARATE, *self._parts] if self._parts else []
        function = "\n".join([self.prototype, "{", *indented(body), "}", ""])
        return "\n".join([head, *sums, *parts, function])

    def _unused(self) -> list[str]:
        used = {n for p in self.stages for n in p.nodes}
        idle = [self.write.names[n] for n in self.program.inputs if n not in used]
        sizes = {self.size[p.axis] for p in self.stages if p.axis is not None}
        sizes |= {self.size[n.attrs[0]] for p in self.stages for n in p.nodes if n.op == "batch_size"}
        idle += [size for size in self.size.values() if size not in sizes]
        return [f"(void){name};" for name in idle]

    def _columns(self) -> list[str]:
        """Where in the memory for work the columns that are kept begin."""
        lines, place = [], ""
        for p in self.stages:
            for n in p.keeps:
                name = self.column[n]
                lines.append(f"{self.write.real} *const {name} = {place or self.work_name};")
                place = f"{name} + {self.size[p.axis or '']}"
        return lines

    # -- one stage ---------------------------------------------------------------------------------------------------

    def _stage(self, p: Stage) -> list[str]:
        s = self.write
        once = [line for n in p.nodes if not n.axes for line in self._once(n)]
        lines = ["/* once per call */", *once] if once else []
        if p.axis is None:
            return [*lines, *[f"{self.results[k]}[0] = {s.stored(self.program.outputs[k])};" for k in p.outputs]]
        each = [n for n in p.nodes if n.axes and n.op not in _NO_STATEMENT]
        loaded = [n for n in p.nodes if n.axes and n.op == "input"]
        blocks = {n: s.local(f"{s.value(n)}_block") for n in p.arguments}
        stores = [_Store(self.program.outputs[k], self.results[k], True) for k in p.outputs]
        stores += [_Store(n, self.column[n], True) for n in p.keeps]
        stores += [_Store(n, name, False) for n, name in blocks.items()]
        lines += ["/* for every event */"]
        if sum(map(self._weight, each)) > LIMIT:
            body = self._calls(p, loaded, each, stores)
        elif blocks or self._has_far(each):
            body = self._loops(each, lambda: self._events(p, loaded, each, stores, f"{self.start} + {self.j}"))
        else:
            return [*lines, *_loop(self.i, self.size[p.axis], self._events(p, loaded, each, stores))]
        return [*lines, *self._sums(p), *self._blocks(p, body, blocks), *self._totals(p)]

    def _weight(self, n: Node | Line) -> int:
        """About how many statements an operation becomes."""
        return len(expand(n.op, self.narrow)) if n.op in ELEMENTARY else 1

    def _has_far(self, nodes: Iterable[Node]) -> bool:
        return any(has_far(n.op, self.narrow) for n in nodes)

    def _loops(self, nodes: Sequence[Node], body: Callable[[], list[str]]) -> list[str]:
        """The loop over the events of a block, and another for blocks with arguments that are far from zero."""
        if not self._has_far(nodes):
            return _loop(self.j, self.count, body())
        self.write.texts = self.fast
        fast = _loop(self.j, self.count, body())
        self.write.texts = self.careful
        again = ["if (far) { /* an argument is far from zero: again, with libm */"]
        again += [*indented(_loop(self.j, self.count, body())), "}"]
        return [f"uint{32 if self.narrow else 64}_t far = 0;", *fast, *again]

    def _once(self, n: Node) -> list[str]:
        """What is computed once, where it is needed first."""
        if n in self._done or n.op in REDUCTIONS:
            return []
        self._done.add(n)
        if n.op == "batch_size":
            return [self.write.declared(n, f"({self.write.real}){self.size[n.attrs[0]]}")]
        if n.op == "input":
            return [] if n.dtype == "real" else [self.write.load(n, self.write.names[n])]
        return self.write.lines([n])

    def _events(
        self, p: Stage, loaded: list[Node], each: list[Node], stores: list[_Store], index: str = ""
    ) -> list[str]:
        """The body of the loop over events."""
        s = self.write
        indexed = loaded or p.loads or any(t.whole for t in stores)
        lines = [f"const size_t {self.i} = {index};"] if index and indexed else []
        lines += [s.load(n, f"{s.names[n]}[{self.i}]") for n in loaded]
        lines += [s.declared(n, f"{self.column[n]}[{self.i}]") for n in p.loads]
        lines += s.lines(each)
        return lines + [f"{t.array}[{self.i if t.whole else self.j}] = {s.stored(t.node)};" for t in stores]

    def _blocks(self, p: Stage, body: list[str], blocks: dict[Node, str]) -> list[str]:
        """The loop over blocks of events."""
        start, m, size = self.start, self.count, self.size[p.axis or ""]
        lines = [f"const size_t {m} = {size} - {start} < {BLOCK} ? {size} - {start} : {BLOCK};"]
        lines += [f"{self.write.real} {name}[{BLOCK}];" for name in blocks.values()]
        lines += body
        for n, position in p.reductions:
            lines.append(f"{BEFORE}{n.op}_add(&{self.state[n]}, {blocks[p.arguments[position]]}, {m});")
        return [f"for (size_t {start} = 0; {start} < {size}; {start} += {BLOCK}) {{", *indented(lines), "}"]

    def _sums(self, p: Stage) -> list[str]:
        return [f"{BEFORE}{n.op} {self.state[n]} = {BEFORE}{n.op}_start();" for n, _ in p.reductions]

    def _totals(self, p: Stage) -> list[str]:
        value = f"({self.write.real}){BEFORE}"
        return [self.write.declared(n, f"{value}{n.op}_value(&{self.state[n]})") for n, _ in p.reductions]

    # -- large bodies ------------------------------------------------------------------------------------------------

    def _calls(self, p: Stage, loaded: list[Node], each: list[Node], stores: list[_Store]) -> list[str]:
        """Cut the work into functions; the calls of them."""
        given = [*loaded, *p.loads]
        number: dict[Node, int] = {}
        for n in (*each, *given, *[t.node for t in stores]):
            parts = self.write.items.get(n, {})
            number.setdefault(n, 2 * len(number))
            number |= {item: number[n] + k for k, item in parts.items()}
        node = {k: n for n, k in number.items() if n.op != "sincos"}
        self.pairs = {number[n]: n for n in each if n.op == "sincos"}
        straight = Straight(
            each=[Line(n.op, number[n], tuple([number[a] for a in n.args if a in number])) for n in each]
        )
        straight.outputs = [number[t.node] for t in stores]
        segments, rows = segment(straight, self._weight, LIMIT)
        lines = [f"{self.write.real} {self.rows}[{rows}][{ROW}];"] if rows else []
        return lines + [self._part(part, node, given, stores) for part in segments]

    def _part(self, part: Segment, node: dict[int, Node], given: list[Node], stores: list[_Store]) -> str:
        """Write one function; the call of it."""
        s, real = self.write, self.write.real
        own = [self.pairs[line.result] if line.op == "sincos" else node[line.result] for line in part.lines]
        targets = [stores[k] for columns in part.stores.values() for k in columns]
        wanted = dict.fromkeys([a for n in own for a in n.args] + [t.node for t in targets])
        name = s.local(f"{self.name}_part{len(self._parts)}")
        columns = {n: s.names[n] if n.op == "input" else self.column[n] for n in given if n in wanted}
        once = [n for n in wanted if not n.axes and n.op != "const"]
        j = self.j

        def body() -> list[str]:
            lines = [s.load(n, f"{array}[{j}]") for n, array in columns.items()]
            lines += [s.load(node[k], f"{self.rows}[{row}][{j}]") for k, row in part.loads.items()]
            lines += s.lines(own)
            lines += [f"{self.rows}[{row}][{j}] = {s.stored(node[k])};" for k, row in part.saves.items()]
            return lines + [f"{t.array}[{j}] = {s.stored(t.node)};" for t in targets]

        types = [f"const size_t {self.count}", *[f"const {real} *restrict {array}" for array in columns.values()]]
        types += [f"const {'bool' if n.dtype == 'bool' else real} {s.value(n)}" for n in once]
        types += [f"{real} (*restrict {self.rows})[{ROW}]"] if part.loads or part.saves else []
        types += [f"{real} *restrict {t.array}" for t in targets]
        head = _head(f"SEPARATE void {name}", types)
        self._parts.append("\n".join([head, "{", *indented(self._loops(own, body)), "}", ""]))
        values = [self.count, *[f"{array} + {self.start}" for array in columns.values()], *map(s.value, once)]
        values += [self.rows] if part.loads or part.saves else []
        values += [f"{t.array} + {self.start}" if t.whole else t.array for t in targets]
        return f"{name}({', '.join(values)});"


def _output_axes(program: Program) -> list[Axes]:
    """The batch axis of each output; without reductions all have the one that there is."""
    if program.axes is not None:
        return list(program.axes)
    if any(n.op in REDUCTIONS for n in program.graph.order):
        return [n.axes for n in program.outputs]
    used = {axis for n in program.inputs for axis in n.axes}
    return [frozenset(used) if len(used) == 1 else BATCH] * len(program.outputs)


def _head(name: str, parameters: Iterable[str]) -> str:
    """The head of a function, on one line or on one for each parameter."""
    listed = list(parameters)
    line = f"{name}({', '.join(listed)})"
    return line if len(line) <= 100 else f"{name}(\n    " + ",\n    ".join(listed) + ")"


def _one(axes: Axes) -> str | None:
    return next(iter(axes), None)


def _loop(i: str, stop: str, body: Sequence[str]) -> list[str]:
    return [f"for (size_t {i} = 0; {i} < {stop}; {i}++) {{", *indented(body), "}"]
