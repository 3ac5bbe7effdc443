"""Write the coefficients of the fits.

python -m symhep.special           write symhep/special/coefficients.py anew
python -m symhep.special --check   change nothing; fail if it is not up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

from symhep.special.recipes import RECIPES

TABLE = Path(__file__).with_name("coefficients.py")


def text() -> str:
    """The file of coefficients."""
    lines = ['"""Coefficients of the fits, written by `python -m symhep.special`; do not edit."""', ""]
    lines += ["from symhep.special.fits import Fit", "", "# fmt: off", "FITS: dict[str, Fit] = {"]
    for name, recipe in RECIPES.items():
        found = recipe()
        rows, row = [], ""
        for c in found.coefficients:
            if len(row) + len(repr(c)) > 108:
                rows.append(row)
                row = ""
            row += f"{c!r}, "
        lines += [f'    "{name}": Fit("{found.basis}", (', *[f"        {r.rstrip()}" for r in [*rows, row]], "    )),"]
    return "\n".join([*lines, "}", "# fmt: on", ""])


def main() -> int:
    """Write the file, or compare it."""
    new = text()
    if "--check" in sys.argv[1:]:
        return int(TABLE.read_text(encoding="utf-8") != new)
    TABLE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
