"""Reports: what each pass did to the operation count, and what the optimised program needs."""

from __future__ import annotations

import html
import io
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from symhep.count import KINDS, OpCount, count, depth, live_values
from symhep.ops import ELEMENTARY_COST, OPS, REDUCTIONS

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table

    from symhep.checking.verify import Verification
    from symhep.passes import Optimised, Stage
    from symhep.targets.nvrtc import Resources
    from symhep.variants import Variant

WIDTH = 100
_LABEL = 24  # longer names of passes take more than one line
Groups = dict[str, frozenset[str]]
FUNCTIONS = frozenset(row.counts for row in OPS.values() if row.cost >= ELEMENTARY_COST and row.counts)
_COMMON = ("add", "sub", "mul", "div", "sqrt")


@dataclass(frozen=True)
class Report:
    """What the optimiser did, pass by pass, and what the result needs per event.

    Prints as a table, in a terminal (`rich.print` for colour) and in a notebook.

    passes        the stages: name, OpCount, seconds, whether the result was kept
    before, after the operations per event as written and as emitted; work once per call is in `.after.per_call`
    depth         operations on the longest chain
    live_values   the most values that wait for use at one time
    bytes_in/out  read and written per event
    names         the user's names of intermediates, and whether the program still computes each
    cuda          for the target cupy what each CUDA kernel needs on sm_80 and sm_90, where NVRTC is there to say it
    times         whether times are shown; they differ from run to run, all else does not
    """

    name: str
    passes: tuple[Stage, ...]
    after: OpCount
    depth: int
    live_values: int
    bytes_in: int
    bytes_out: int
    target: str
    dtype: str
    compile_seconds: float | None = None
    verification: Verification | None = None
    verify_seconds: float | None = None
    names: tuple[tuple[str, bool], ...] = ()
    comparison: tuple[tuple[str, int], ...] = ()
    cuda: tuple[Resources, ...] = ()
    times: bool = field(default=True, compare=False)

    @classmethod
    def of(
        cls,
        optimised: Optimised,
        *,
        name: str,
        target: str,
        dtype: Any = np.float64,
        compile_seconds: float | None = None,
        verification: Verification | None = None,
        verify_seconds: float | None = None,
        names: Iterable[str] = (),
    ) -> Report:
        """The report on an optimised program and the target it runs on."""
        graph, dtype = optimised.graph, np.dtype(dtype)
        reduced = any(n.op in REDUCTIONS for n in graph.order)
        used = set(graph.order)
        computed = {text for n in graph.names.values() for text in (n, n.rpartition(".")[0])}
        return cls(
            name=name,
            passes=tuple(optimised.stages),
            after=count(graph),
            depth=depth(graph),
            live_values=live_values(graph),
            bytes_in=_bytes([n for n in graph.inputs if n.axes and n in used], dtype),
            bytes_out=_bytes([n for n in graph.outputs if n.axes or not reduced], dtype),
            target=target,
            dtype=dtype.name,
            compile_seconds=compile_seconds,
            verification=verification,
            verify_seconds=verify_seconds,
            names=tuple((name, name in computed) for name in names),
        )

    @classmethod
    def of_variant(cls, variant: Variant, *, name: str, target: str, dtype: np.dtype) -> Report:
        """The report on a kernel for one choice of its static arguments."""
        outcome = variant.verification
        made = cls.of(
            variant.optimised,
            name=name,
            target=target,
            dtype=dtype,
            compile_seconds=variant.compile_seconds.get((variant.options.target, dtype)),
            verification=outcome,
            verify_seconds=variant.verify_seconds,
            names=[name for n, name in variant.traced.graph.names.items() if n.args],
        )
        return replace(made, cuda=_cuda(variant, name, dtype)) if target == "cupy" else made

    @property
    def before(self) -> OpCount:
        """The operations per event as written."""
        return self.passes[0].count if self.passes else self.after

    @property
    def flop_per_byte(self) -> float:
        """Operations per byte that is read or written."""
        moved = self.bytes_in + self.bytes_out
        return self.after.total / moved if moved else 0.0

    def beside(self, others: Mapping[str, int]) -> Report:
        """This report with other programs' operation counts for the same formula shown beside it."""
        return replace(self, comparison=tuple((str(label), int(total)) for label, total in others.items()))

    def without_times(self) -> Report:
        """This report with no times in it: the same text on every run and machine."""
        return replace(self, times=False)

    def as_dict(self, times: bool = False) -> dict[str, Any]:
        """The report as plain data; times only on request, since they differ from run to run."""
        data: dict[str, Any] = {
            "name": self.name,
            "target": self.target,
            "dtype": self.dtype,
            "passes": [_stage(s, times) for s in self.passes],
            "before": _count(self.before),
            "after": _count(self.after),
            "per_call": _count(self.after.per_call or OpCount()),
            "depth": self.depth,
            "live_values": self.live_values,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "flop_per_byte": round(self.flop_per_byte, 6),
            "verification": _verification(self.verification),
            "names": dict(self.names),
        }
        if self.comparison:
            data["beside"] = dict(self.comparison)
        if self.cuda:
            data["cuda"] = [asdict(r) for r in self.cuda]
        if times:
            data["compile_seconds"] = self.compile_seconds
            data["verify_seconds"] = self.verify_seconds
        return data

    def json(self, times: bool = False) -> str:
        """The report as JSON text, the same for the same program."""
        return json.dumps(self.as_dict(times), sort_keys=True, indent=2, ensure_ascii=False)

    # text ----------------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """The outcome in one line."""
        return f"{self.name}: {self.before.total:,} → {self.after.total:,} operations per event"

    @property
    def _shown(self) -> list[Stage]:
        """The lines of the table: of the stages that led to the program, those that changed the count."""
        kept = [s for s in self.passes if s.kept]
        before = [None, *[s.count for s in kept]]
        return [s for s, old in zip(kept, before) if s.count != old or s is kept[-1]]

    def notes(self) -> list[str]:
        """What stands below the table, line by line."""
        work = f"depth {self.depth:,}, at most {self.live_values:,} values alive at a time"
        once = self.after.per_call
        if once and once.total:
            work += f"; {once.total:,} more operations once per call"
        memory = f"{self.bytes_in:,} bytes in, {self.bytes_out:,} out per event: {self.flop_per_byte:.2g} flop/byte"
        lines = [*self._idle(), *self._tried(), work, memory, *self._named(), self._target(), *map(str, self.cuda)]
        if self.verification is not None:
            lines.append(self._verified())
        return lines

    def _idle(self) -> list[str]:
        """One line for the passes that changed nothing."""
        shown = {s.name for s in self._shown}
        names = dict.fromkeys(s.name for s in self.passes if s.kept and s.name not in shown)
        return [f"nothing to do for: {', '.join(names)}"] if names else []

    def _tried(self) -> list[str]:
        """One line for all that was tried in vain."""
        lost = [s for s in self.passes if not s.kept]
        if not lost:
            return []
        spent = f" ({_seconds(sum(s.seconds for s in lost))})" if self.times else ""
        ways = "1 other way" if len(lost) == 1 else f"{len(lost)} other ways"
        return [f"also tried: {ways}, {min(s.count.total for s in lost):,} operations at best{spent}"]

    def _named(self) -> list[str]:
        computed = [name for name, there in self.names if there]
        gone = [name for name, there in self.names if not there]
        parts = [f"named: {', '.join(computed)}"] if computed else []
        if gone:
            parts.append(f"no longer computed: {', '.join(gone)}")
        return ["; ".join(parts)] if parts else []

    def _target(self) -> str:
        line = f"{self.target}, {self.dtype}"
        if self.times:
            spent = sum(s.seconds for s in self.passes)
            line += f", optimised in {_seconds(spent)}" if spent else ""
            line += "" if self.compile_seconds is None else f", compiled in {_seconds(self.compile_seconds)}"
        return line

    def _verified(self) -> str:
        spent = "" if self.verify_seconds is None or not self.times else f" in {_seconds(self.verify_seconds)}"
        return f"{self.verification}{spent if self.verification else ''}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.padding import Padding
        from rich.text import Text

        yield Text(self.title, style="bold")
        yield self._table(console, options)
        wrong = self.verification is not None and self.verification.failed
        for line in self.notes():
            style = "bold red" if wrong and line == str(self.verification) else "dim"
            yield Padding(Text(line, style=style), (0, 0, 0, 1), expand=False)
        if self.comparison:
            yield self._ladder(options.max_width)

    def _table(self, console: Console, options: ConsoleOptions) -> Table:
        """The table with the finest columns that fit."""
        from rich.measure import Measurement

        for groups in _groupings(self._shown):
            table = self._table_of(groups)
            if Measurement.get(console, options.update(max_width=10**6), table).maximum <= options.max_width:
                break
        return table

    def _table_of(self, groups: Groups) -> Table:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="")
        head, *body = self._rows(groups)
        for i, title in enumerate(head):
            table.add_column(title, justify="right" if i else "left", no_wrap=bool(i), max_width=None if i else _LABEL)
        for i, cells in enumerate(body):
            table.add_row(*cells, style="bold" if i == len(body) - 1 else "")
        return table

    def _rows(self, groups: Groups) -> Iterator[list[str]]:
        """The cells of the table, line by line, its head first."""
        yield ["per event", *groups, "total", *(["time"] if self.times else [])]
        for stage in self._shown:
            numbers = [sum(stage.count.get(kind, 0) for kind in kinds) for kinds in groups.values()]
            cells = [f"{n:,}" if n else "·" for n in numbers]
            time = [_seconds(stage.seconds) if stage.seconds else ""] if self.times else []
            yield [stage.name, *cells, f"{stage.count.total:,}", *time]

    def _ladder(self, width: int) -> Table:
        from rich import box
        from rich.table import Table

        rows = [*self.comparison, ("symhep", self.after.total)]
        most = max(total for _, total in rows) or 1
        labels = max(16, *(len(label) for label, _ in rows))
        room = max(min(width - labels - 20, 40), 4)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="")
        table.add_column("the same formula", no_wrap=True)
        table.add_column("operations", justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        for i, (label, total) in enumerate(rows):
            bar = "█" * max(round(room * total / most), 1)
            table.add_row(label, f"{total:,}", bar, style="bold" if i == len(rows) - 1 else "")
        return table

    def __str__(self) -> str:
        from rich.console import Console

        width = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH
        console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, force_jupyter=False)
        console.print(self)
        return "\n".join(line.rstrip() for line in console.file.getvalue().strip("\n").splitlines())  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return str(self)

    # notebook ------------------------------------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        body = "".join(self._html_rows(self._rows(next(_groupings(self._shown)))))
        notes = "<br>".join(html.escape(line) for line in self.notes())
        parts = [f"<b>{html.escape(self.title)}</b>", f"<table>{body}</table>", f"<div>{notes}</div>"]
        if self.comparison:
            rows = [*self.comparison, ("symhep", self.after.total)]
            cells = ([label, f"{total:,}"] for label, total in rows)
            head = [["the same formula", "operations"]]
            parts.append(f"<table>{''.join(self._html_rows([*head, *cells]))}</table>")
        return f'<div class="symhep-report">{"".join(parts)}</div>'

    def _html_rows(self, rows: Any) -> Iterator[str]:
        tag = "th"
        for cells in rows:
            first, *rest = map(html.escape, cells)
            numbers = "".join(f'<{tag} style="text-align:right">{c}</{tag}>' for c in rest)
            yield f'<tr><{tag} style="text-align:left">{first}</{tag}>{numbers}</tr>'
            tag = "td"


def _groupings(stages: Sequence[Stage]) -> Iterator[Groups]:
    """Columns of kinds, from each kind by itself to none at all."""
    present = [k for k in KINDS if any(s.count.get(k) for s in stages)]
    single = {k: frozenset({k}) for k in present}
    yield single
    functions = frozenset(k for k in present if k in FUNCTIONS)
    if functions:
        yield {k: v for k, v in single.items() if k not in functions} | {"functions": functions}
    few = {k: v for k, v in single.items() if k in _COMMON}
    yield few | _rest(present, few)
    coarse = {"add, sub": frozenset({"add", "sub"}), "mul": frozenset({"mul"})}
    yield coarse | _rest(present, coarse)
    yield {}


def _rest(present: Sequence[str], groups: Groups) -> Groups:
    rest = frozenset(present).difference(*groups.values())
    return {"other": rest} if rest else {}


def _cuda(variant: Variant, name: str, dtype: np.dtype) -> tuple[Resources, ...]:
    from symhep.program import build
    from symhep.targets import cupy, nvrtc

    if nvrtc.available() is not None:
        return ()
    program = build(variant.optimised.graph, variant.axes)
    return tuple([r for sm in (80, 90) for r in cupy.resources(program, dtype, name, sm)])


def _seconds(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1e3 * seconds:.1f} ms" if seconds < 0.1 else f"{1e3 * seconds:.0f} ms"


def _bytes(nodes: Sequence[Any], dtype: np.dtype) -> int:
    """Bytes per event of columns of these nodes."""
    size = {"bool": 1, "real": dtype.itemsize, "complex": 2 * dtype.itemsize}
    return sum(size[n.dtype] for n in nodes)


def _count(number: OpCount) -> dict[str, int]:
    return {**number.kinds, "total": number.total}


def _stage(stage: Stage, times: bool) -> dict[str, Any]:
    data = {"name": stage.name, "count": _count(stage.count), "kept": stage.kept}
    return {**data, "seconds": stage.seconds} if times else data


def _verification(outcome: Verification | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    names = ("points", "digits", "invalid", "ambiguous", "failed")
    return {name: getattr(outcome, name) for name in names}
