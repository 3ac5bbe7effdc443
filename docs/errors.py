"""Write docs/errors.md, the catalogue of errors, from the bad inputs of the tests.

python docs/errors.py           rewrite the page
python docs/errors.py --check   change nothing; fail if the page is not up to date
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

from tests import bad_functions, bad_inputs, test_errors
from tests.tracing import test_numpy_errors

PAGE = Path(__file__).resolve().parent / "errors.md"
FILE = "analysis.py"  # where the examples are said to be

HEAD = f"""\
# Errors

Generated from the bad inputs of the tests (`tests/bad_inputs.py` and what it names) by `python docs/errors.py`; do not
edit. The tests check every text.

An error of symhep says *what* is wrong, *where* in your code, and what to *write instead*. All are `sh.SymhepError`:

| class | also a | means |
|---|---|---|
| `TraceError` | `TypeError` | the function does what has no meaning for a value that stands for every event |
| `ArgumentError` | `TypeError`, `ValueError` | a kernel is defined or called with arguments that do not fit |
| `TargetError` | | the target does not work here, or not for these arrays |
| `CompileError` | | a target could not turn a program into code |
| `DeviceMemoryError` | `TargetError`, `MemoryError` | the memory of a device is too small |
| `VerificationError` | | the optimised program differs from the formula: a bug of symhep, please report it |
| `DerivativeError` | | a derivative differs from the formula's differences |
| `MissingPackage` | `ImportError` | an optional package is not installed; the error names the extra to install |

In the examples, the code is in a file `{FILE}`.
"""

KERNELS = """\
The calls below are of these kernels.
"""


def block(lines: list[str]) -> str:
    """Lines that are not run."""
    return "\n".join(["```text", *lines, "```", ""])


def functions() -> Iterator[str]:
    """Functions that cannot be traced, each with its error."""
    parts = (
        ("Python in a kernel's function", test_errors.CASES),
        ("NumPy in a kernel's function", test_numpy_errors.CASES),
        ("Shapes, operations of your own, names", bad_functions.CASES),
    )
    for title, cases in parts:
        yield f"## {title}\n"
        for case in cases:
            function, text = case.values
            lines, first = bad_functions.source_of(function)
            yield block([*lines, "", *_error(text, function, first)])


def _error(text: str, function: FunctionType, first: int) -> list[str]:
    """The text as it would be if the function were the whole file."""
    file = re.escape(function.__code__.co_filename)
    return re.sub(rf"{file}:(\d+)", lambda m: f"{FILE}:{int(m[1]) - first + 1}", text).splitlines()


def calls() -> Iterator[str]:
    """Calls that do not fit, each with its error."""
    listing: list[str] = []
    places = {}
    for k in bad_inputs.KERNELS.values():
        source, _ = bad_functions.source_of(k.fn)
        names = f"(parameters={k.options.parameters!r})" if k.options.parameters else ""
        listing += [f"@sh.kernel{names}", *source, ""]
        places[k.name] = f"{FILE}:{len(listing) - len(source)}: {source[0]}"
    yield f"## Calls\n\n{KERNELS}\n{block(listing[:-1])}"
    group = ""
    for bad in bad_inputs.BAD_INPUTS:
        if bad.group != group:
            group = bad.group
            yield f"### {group}\n"
        text = re.sub(r"@(\w+)", lambda m: places[m[1]], bad.text)
        yield block([bad.call, "", *text.splitlines()])


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *calls(), *functions()])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    text = page()
    if parser.parse_args().check:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        print("docs/errors.md is not up to date: run python docs/errors.py", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
