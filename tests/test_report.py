import io
import json
import pickle
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

import symhep as sh
from symhep.checking.verify import Verification
from symhep.count import OpCount, count
from symhep.passes import Optimised, Stage
from symhep.report import Report
from tests.programs import straight_line

LONG = OpCount(
    {"add": 1000, "sub": 20, "mul": 2000, "sqrt": 2, "select": 7, "compare": 8, "exp": 1, "sin": 3, "cos": 3}
)


def optimised() -> Optimised:
    program = straight_line(24, 6, 1, parameters=2, ops=("add", "sub", "mul", "div"))
    stages = (
        Stage("as written", LONG, 0.0),
        Stage("real", OpCount({"add": 100, "mul": 200, "sin": 3}), 0.012),
        Stage("factored", OpCount({"add": 100, "mul": 210, "sin": 3}), 1.2, kept=False),
        Stage("scheduled", count(program.graph), 0.1),
    )
    return Optimised(program.graph, stages)


@pytest.fixture
def report() -> Report:
    return made(0.03)


def made(seconds: float) -> Report:
    verified = Verification(8, 78)
    return Report.of(optimised(), name="amplitude", target="numba", compile_seconds=seconds, verification=verified,
                     verify_seconds=0.02)  # fmt: skip


def rendered(report: Report, width: int, **options) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_jupyter=False, **options)
    console.print(report)
    return console.file.getvalue().splitlines()


def test_says_what_the_optimiser_did(report):
    assert report.before is LONG and report.before.total == 3044
    assert report.after.total + report.after.per_call.total == 24
    assert [s.name for s in report.passes] == ["as written", "real", "factored", "scheduled"]
    assert (report.bytes_in, report.bytes_out) == (8 * 6, 8)
    assert report.flop_per_byte == report.after.total / 56


def test_the_table(report):
    lines = str(report).splitlines()
    assert lines[0] == f"amplitude: 3,044 → {report.after.total} operations per event"
    assert lines[2].split()[:5] == ["per", "event", "add", "sub", "mul"] and lines[2].split()[-2:] == ["total", "time"]
    assert lines[4].split()[:3] == ["as", "written", "1,000"] and "3,044" in lines[4]
    assert not any("factored" in line for line in lines)
    text = "\n".join(lines)
    for part in ("also tried: 1 other way, 313 operations at best (1.2 s)", "depth ", "values alive",
                 "48 bytes in, 8 out per event", "flop/byte", "numba, float64, optimised in 1.3 s, compiled in 30.0 ms",
                 "verified at 8 points to 78 digits in 20.0 ms"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize("width", [120, 100, 80, 60, 45, 36])
def test_fits_into_any_terminal(report, width):
    lines = rendered(report, width)
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    table = [line for line in lines if line.startswith(" as written")]
    assert len(table) == 1 and "3,044" in table[0]


def test_text_has_no_colour_and_a_terminal_has(report):
    assert "\x1b" not in str(report) == repr(report)
    coloured = "\n".join(rendered(report, 100, force_terminal=True, color_system="truecolor"))
    assert "\x1b[1m" in coloured
    plain = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == str(report).splitlines()


def test_without_times_it_is_the_same_on_every_run(report):
    text = str(report.without_times())
    assert "total     time" not in text and " ms" not in text and "compiled" not in text
    slower = made(9.0)
    assert str(slower.without_times()) == text and slower.json() == report.json()


def test_json_is_data(report):
    data = json.loads(report.json())
    assert data == report.as_dict() and report.json() == report.json()
    assert data["before"]["total"] == 3044 and data["passes"][2]["kept"] is False
    assert data["verification"] == {"points": 8, "digits": 78, "invalid": 0, "ambiguous": 0, "failed": 0}
    assert "seconds" not in report.json() and "seconds" in report.json(times=True)
    assert list(data) == sorted(data)


def test_a_ladder_beside(report):
    ladder = report.beside({"C, 2015": 1500, "after Theano": 1000, "sympy + Theano": 321})
    lines = str(ladder).splitlines()
    assert str(report) == "\n".join(lines[: len(str(report).splitlines())])
    rows = [line for line in lines if "█" in line]
    assert [line.split("  ")[0].strip() for line in rows] == ["C, 2015", "after Theano", "sympy + Theano", "symhep"]
    assert [line.count("█") for line in rows] == sorted([line.count("█") for line in rows], reverse=True)
    assert ladder.as_dict()["beside"]["C, 2015"] == 1500 and "beside" not in report.as_dict()
    for width in (80, 50, 40):
        assert max(map(len, rendered(ladder, width))) <= width


class Tags(HTMLParser):
    """Checks that every tag is closed; collects the text of cells."""

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], []

    def handle_starttag(self, tag, attrs):
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)


def test_html(report):
    tags = Tags()
    tags.feed(report.beside({"<C>": 1500})._repr_html_())
    assert not tags.open
    assert {"per event", "as written", "3,044", "<C>", "1,500"} <= set(tags.cells)


def test_work_once_per_call_is_named():
    kernel = sh.kernel(lambda x, a: x * np.exp(a) + np.sqrt(a), parameters=("a",))
    assert "2 more operations once per call" in str(kernel.report())


def test_float32_halves_the_bytes():
    report = Report.of(optimised(), name="f", target="numba", dtype=np.float32)
    assert (report.bytes_in, report.bytes_out, report.dtype) == (24, 4, "float32")


def test_a_failed_verification_stands_out():
    report = Report.of(optimised(), name="f", target="numba", verification=Verification(8, 2, failed=3))
    assert "wrong at 3 of 8 points" in str(report)


def test_of_a_kernel():
    kernel = sh.kernel(lambda x, y: x * y + x * y)
    report = kernel.report()
    assert report.before.total == 3 and report.after.total <= 2
    assert report.before.total == report.passes[0].count.total
    assert pickle.loads(pickle.dumps(report)) == report
