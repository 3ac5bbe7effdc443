"""Run the benchmarks that print one table each, and write what they print to docs/measured.md.

python docs/measure.py [module ...]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "measured.md"

TABLES = {
    "special_functions": "Elementary functions inside a kernel",
    "straight_line": "Straight-line arithmetic against its bound",
    "compile_time": "From a function to machine code",
    "cached_start": "A second process",
    "derivatives": "Gradients next to values",
    "generated_code": "Generated C and CUDA",
    "jax_target": "Kernels inside jax.jit",
    "run_files": "Kernels over files",
    "fit": "An unbinned fit next to JAX",
}


def printed(module: str) -> str:
    """What a benchmark prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


def sections(page: str) -> dict[str, str]:
    """The parts of the page that is there, by module."""
    found = {}
    for part in page.split("\n## ")[1:]:
        module = next((m for m, title in TABLES.items() if part.startswith(title)), None)
        if module:
            found[module] = f"## {part.rstrip()}\n"
    return found


def main(modules: list[str]) -> None:
    """Measure these, or all, and write the page."""
    from benchmarks.__main__ import machine

    found = sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    for module in modules or TABLES:
        print(module, file=sys.stderr)
        title = f"{TABLES[module]}\n\n`python -m benchmarks.{module}`"
        found[module] = f"## {title}\n\n```text\n{printed(module)}\n```\n"
    head = "# Measured\n\nWritten by `python docs/measure.py`; times are of one machine and one day.\n\n"
    about = "\n".join(machine())
    PAGE.write_text(head + about + "\n\n" + "\n".join(found[m] for m in TABLES if m in found), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
