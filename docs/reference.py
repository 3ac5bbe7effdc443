"""Write docs/reference.md, docs/kernels.md and docs/examples.md from docstrings.

python docs/reference.py           rewrite the pages
python docs/reference.py --check   change nothing; fail if one is not up to date
"""

import ast
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from writing import ROOT, write

sys.path.insert(0, str(ROOT))

import symhep as sh
from symhep.batch.bound import Bound
from symhep.checking.accuracy import Accuracy
from symhep.checking.verify import VerificationError
from symhep.count import OpCount
from symhep.derivatives.check import DerivativeCheck
from symhep.kernel import Kernel
from symhep.report import Report
from symhep.tracing.annotations import Argument, Core

HEAD = """\
# Reference

Generated from the docstrings by `python docs/reference.py`; do not edit. Every example runs in the tests.
"""

KERNELS_HEAD = """\
# Kernels

The physics library, in `kernels/`. Generated from the docstrings by `python docs/reference.py`; do not edit.

{about}

Functions are written for one event, and can be called inside kernels. What is marked as a kernel takes columns.
"""

EXAMPLES_HEAD = """\
# Examples

Short programs, to be read in order; the tests run them. Generated from their docstrings by `python docs/reference.py`;
do not edit.
"""

# The order of the public names; one that is not here comes last, under "More"
SECTIONS = {
    "Kernels": "kernel compile targets",
    "In a kernel's function": "name keep where array zeros batch_sum batch_mean batch_max batch_min register",
    "Derivatives": "grad value_and_grad jacobian hessian value_grad_hessian jvp vjp propagate check_derivatives",
    "Domains": "box",
    "Exceptions": "SymhepError TraceError ArgumentError TargetError CompileError DeviceMemoryError MissingPackage "
    "DerivativeError",
}
ANNOTATIONS = {
    "Scalar": "a real number, as without an annotation",
    "Complex": "a complex number; `sh.Complex[2, 2]` is an array of them, and so for the other kinds",
    "Integer": "an integer",
    "Boolean": "true or false",
    "Vector": "`sh.Vector[n]`: n real numbers",
    "Matrix": "`sh.Matrix[n, m]`: n rows of m real numbers",
    "Symmetric": "`sh.Symmetric[n]`: a symmetric matrix; the upper triangle is read, or packed (…, n(n+1)/2)",
    "Array": "`sh.Array[n, m, k]`: real numbers in an array",
    "Static": "no value of an event: a Python constant while the function is traced",
}
CLASSES = (Kernel, Bound, Report, OpCount, Accuracy, DerivativeCheck, Core, Argument)


def reference() -> str:
    """The page of the public names."""
    parts = [HEAD]
    listed = {name for names in SECTIONS.values() for name in names.split()}
    shown = {*listed, *ANNOTATIONS, *(c.__name__ for c in CLASSES)}
    more = [name for name in sh.__all__ if name not in shown]
    for title, names in [*SECTIONS.items(), *([("More", " ".join(more))] if more else [])]:
        parts.append(f"## {title}\n")
        parts += [entry(f"sh.{name}", getattr(sh, name)) for name in names.split()]
        if title == "Exceptions":
            parts.append(entry("symhep.checking.verify.VerificationError", VerificationError))
    parts += ["## Annotations\n", annotations(), "## Classes\n"]
    for cls in CLASSES:
        parts.append(entry(f"sh.{cls.__name__}" if cls.__name__ in sh.__all__ else cls.__name__, cls))
        parts += [entry(label, member, level=4) for label, member in members(cls)]
    return "\n".join(parts)


def annotations() -> str:
    """The annotations of arguments, in a table."""
    rows = "".join(f"| `sh.{name}` | {form} |\n" for name, form in ANNOTATIONS.items())
    return f"| annotation | one event's value |\n| --- | --- |\n{rows}"


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties, those of the class itself first, each with what it is written as."""
    owner = cls.__name__.lower()
    for home in cls.__mro__:
        if not home.__module__.startswith("symhep"):
            continue
        for name, value in vars(home).items():
            if name == "__call__":
                yield f"{owner}(…)", value
            elif name.startswith("_"):
                continue
            elif isinstance(value, classmethod):
                yield f"{cls.__name__}.{name}", value.__func__
            elif isinstance(value, property) or inspect.isfunction(value):
                yield f"{owner}.{name}", value


def entry(label: str, value: Any, kind: str = "", level: int = 3) -> str:
    """The heading, the signature and the docstring of one name."""
    lines = [f"{'#' * level} `{label}`{kind}", ""]
    if inspect.isfunction(value) or isinstance(value, Kernel):
        lines += ["```text", signature(label, value), "```", ""]
    return "\n".join([*lines, *rendered(inspect.getdoc(value) or "")])


def signature(label: str, value: Any) -> str:
    """How a function is called, without annotations."""
    function = value.fn if isinstance(value, Kernel) else value
    parameters = [p.replace(annotation=p.empty) for p in inspect.signature(function).parameters.values()]
    if parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    arguments = str(inspect.Signature(parameters)).replace("'", '"')
    arguments = re.sub(r'<(?:class "|function )([\w.]+)(?:"| at \w+)>', r"\1", arguments)
    name = label.removesuffix("(…)")
    return "\n".join(textwrap.wrap(name + arguments, 100, subsequent_indent=" " * (len(name) + 1)))


def rendered(doc: str) -> Iterator[str]:
    """A docstring as Markdown: paragraphs, lists of what is described in columns, examples."""
    for block in re.split(r"\n\s*\n", doc):
        lines = block.splitlines()
        if block.startswith(">>>"):
            yield from ["```pycon", block, "```", ""]
        elif lines and re.match(r"\w[\w/, ]*  +\S", lines[0]):
            yield from [*described(lines), ""]
        elif lines:
            yield from [*map(plain, lines), ""]


def described(lines: Sequence[str]) -> Iterator[str]:
    """The items of a list, one for each entry `name  what it is`, whose further lines are indented."""
    for line in lines:
        found = re.match(r"(\S.*?)  +(\S.*)|(\w+, \w+) (\S.*)", line)
        if found and not line.startswith(" "):
            yield f"- `{found[1] or found[3]}`: {plain(found[2] or found[4])}"
        else:
            yield f"  {plain(line.strip())}"


def plain(text: str) -> str:
    """Text in which Markdown takes nothing for its own, but for `code`."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([*<|\[]|\b_|_\b)", r"\\\1", p) for p in pieces)


def kernels() -> str:
    """The page of the physics library."""
    import kernels as library

    about = (inspect.getdoc(library) or "").partition("\n\n")[2]
    parts = [KERNELS_HEAD.format(about=about)]
    for name in ("kinematics", "tracking", "phase_space", "line_shapes", "matrix_elements"):
        module = importlib.import_module(f"kernels.{name}")
        parts += [f"## {name.replace('_', ' ').capitalize()}\n", "\n".join(rendered(inspect.getdoc(module) or ""))]
        for label, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__
            if own and not label.startswith("_") and (inspect.isfunction(value) or isinstance(value, Kernel | type)):
                parts.append(entry(label, value, " (kernel)" if isinstance(value, Kernel) else ""))
    return "\n".join(parts)


def examples() -> str:
    """The page of the examples."""
    parts = [EXAMPLES_HEAD]
    for path in sorted((ROOT / "examples").glob("[0-9]*.py")):
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        blocks = re.split(r"\n[ ]*\n", doc)
        text = [f"```sh\n{textwrap.dedent(b)}\n```" if b.startswith("    ") else "\n".join(rendered(b)) for b in blocks]
        source = f"[The source](../examples/{path.name})"
        parts.append("\n\n".join([f"## {path.name}", *[b.strip() for b in text], source]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    pages = {"reference.md": reference(), "kernels.md": kernels(), "examples.md": examples()}
    sys.exit(write({ROOT / "docs" / name: text for name, text in pages.items()}, __doc__))
