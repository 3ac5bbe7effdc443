"""What the scripts that write pages have in common."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def write(pages: Mapping[Path, str], about: str | None) -> int:
    """Write the pages; with --check only say which ones are not up to date. The exit status."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        for page, text in pages.items():
            page.write_text(text, encoding="utf-8")
        return 0
    old = [p for p, text in pages.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    for page in old:
        print(f"{page.relative_to(ROOT).as_posix()} is not up to date: run make docs", file=sys.stderr)
    return int(bool(old))
