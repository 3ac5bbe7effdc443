"""Fill the generated blocks of README.md by running its code.

python docs/update_readme.py           rewrite the report
python docs/update_readme.py --speed   also measure and rewrite the speed table
python docs/update_readme.py --check   change nothing; fail if the report is not up to date
"""

import argparse
import io
import platform
import re
import sys
import timeit
from functools import partial
from pathlib import Path

from rich.console import Console

README = Path(__file__).resolve().parent.parent / "README.md"
NAME, COLUMNS = "muon_pairs", ("s", "cos_theta")


def run_readme(text: str) -> dict:
    """The names defined by the README's python blocks before the report."""
    before = text[: text.index("<!-- report:begin -->")]
    names: dict = {"__name__": "readme"}
    for block in re.findall(r"^```python\n(.*?)^```", before, re.MULTILINE | re.DOTALL):
        exec(compile(block, str(README), "exec"), names)
    return names


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between the markers of one block."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    head, rest = text.split(begin)
    _, tail = rest.split(end)
    return f"{head}{begin}\n{content.strip()}\n{end}{tail}"


def report(names: dict) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None, force_jupyter=False)
    console.print(names[NAME].report().without_times())
    lines = [line.rstrip() for line in console.file.getvalue().strip("\n").splitlines()]
    return "```text\n" + "\n".join(lines) + "\n```"


def processor() -> str:
    try:
        return re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def speed(names: dict) -> str:
    kernel = names[NAME]
    columns = [names[c] for c in COLUMNS]
    rows = {
        "the same function on NumPy arrays": kernel.fn,
        "symhep, one thread": partial(kernel, threads=1),
    }
    lines = ["| | ns per event |", "|---|---|"]
    for label, f in rows.items():
        f(*columns)  # compile
        seconds = min(timeit.repeat(lambda f=f: f(*columns), number=20, repeat=25)) / 20
        lines.append(f"| {label} | {1e9 * seconds / len(columns[0]):.2g} |")
    lines += ["", f"{len(columns[0]):,} events, float64, {processor()}, the best of 25 runs."]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()

    old = README.read_text(encoding="utf-8")
    names = run_readme(old)
    new = fill(old, "report", report(names))
    if options.check:
        if new != old:
            print("README.md is not up to date: run python docs/update_readme.py", file=sys.stderr)
        return int(new != old)
    if options.speed:
        new = fill(new, "speed", speed(names))
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
