"""The command line: `symhep report|source|bench|targets|cache`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symhep.errors import ArgumentError, SymhepError, listing, message, nearest

if TYPE_CHECKING:
    from symhep.kernel import Kernel

app = typer.Typer(
    help="Kernels for high-energy physics: what the optimiser makes of a formula, as a table, as source, in time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

cache_app = typer.Typer(help="What is kept from one process to the next.", no_args_is_help=True)
app.add_typer(cache_app, name="cache")

_WHERE = "FILE.py:NAME or module:NAME; NAME may be left out if there is one kernel."
Where = Annotated[str, typer.Argument(metavar="FILE.py:NAME", help=_WHERE)]
Json = Annotated[bool, typer.Option("--json", help="JSON, for machines.")]
Target = Annotated[str, typer.Option(help="numpy, numba, jax, cupy or c; auto is numba.")]
Effort = Annotated[str, typer.Option(help="fast, default, max, or seconds for the search.")]
Dtype = Annotated[str, typer.Option(help="float64 or float32.")]
Traceback = Annotated[bool, typer.Option("--traceback", help="Show Python's traceback of an error.")]
Boxes = Annotated[list[str], typer.Option("--box", metavar="NAME=LOW:HIGH", help="The range of an argument; repeat.")]


@app.command()
def report(
    where: Where,
    as_json: Json = False,
    target: Target = "auto",
    effort: Effort = "default",
    traceback: Traceback = False,
) -> None:
    """Operation counts pass by pass, and what the optimised program needs per event."""
    with _errors(traceback):
        made = _kernel(where, target=target, effort=_effort(effort)).report()
        if as_json:
            print(made.json())
        else:
            _console().print(made)


@app.command()
def source(
    where: Where,
    as_json: Json = False,
    target: Target = "auto",
    effort: Effort = "default",
    dtype: Dtype = "float64",
    traceback: Traceback = False,
) -> None:
    """The generated source."""
    with _errors(traceback):
        kernel = _kernel(where, target=target, effort=_effort(effort), dtype=dtype)
        text = kernel.source()
        if as_json:
            print(json.dumps({"name": kernel.name, "target": target, "source": text}))
        else:
            print(text, end="" if text.endswith("\n") else "\n")


@app.command()
def bench(
    where: Where,
    as_json: Json = False,
    target: Annotated[list[str], typer.Option(help="A target to time; repeat. Default: all that work here.")] = [],  # noqa: B006
    effort: Effort = "default",
    dtype: Dtype = "float64",
    events: Annotated[int, typer.Option(min=1, help="How many events.")] = 100_000,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; default: the CPUs this process may use.")] = None,
    ranges: Boxes = [],  # noqa: B006
    traceback: Traceback = False,
) -> None:
    """Time per event on the targets that work here, next to the function itself on NumPy arrays."""
    with _errors(traceback):
        from symhep.bench import measure

        kernel = _kernel(where, effort=_effort(effort), dtype=dtype)
        result = measure(kernel, target or None, events, threads, _box(ranges))
        if as_json:
            print(json.dumps(result.as_dict(), indent=2, sort_keys=True))
        else:
            _console().print(result)


@app.command()
def targets(as_json: Json = False) -> None:
    """Which targets work here; for the others the reason."""
    from symhep.targets import targets as known

    found = known()
    if as_json:
        print(json.dumps({name: asdict(a) for name, a in found.items()}, indent=2, sort_keys=True))
    else:
        print(found)


@cache_app.command("info")
def cache_info(as_json: Json = False, traceback: Traceback = False) -> None:
    """Where compiled kernels are kept, how many, how large, and how large they may grow."""
    with _errors(traceback):
        from symhep.caching.cache import info

        found = info()
        print(json.dumps(asdict(found), indent=2, sort_keys=True) if as_json else found)


@cache_app.command("clear")
def cache_clear(as_json: Json = False, traceback: Traceback = False) -> None:
    """Remove all compiled kernels that are kept."""
    with _errors(traceback):
        from symhep.caching.cache import clear
        from symhep.errors import count

        removed = clear()
        print(json.dumps({"removed": removed}) if as_json else f"{count(removed, 'file')} removed")


@contextmanager
def _errors(traceback: bool) -> Iterator[None]:
    """Errors as a line on stderr and exit status 1."""
    try:
        yield
    except typer.Exit:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if traceback:
            raise
        if isinstance(error, SymhepError):
            text = str(error)
        elif isinstance(error, KeyboardInterrupt):
            text = "interrupted"
        else:
            text = f"{type(error).__name__}: {error}\n  (--traceback shows where)"
        print(f"error: {text}", file=sys.stderr)
        raise typer.Exit(1) from None


def _console() -> Any:
    from rich.console import Console

    return Console()


def _effort(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _box(ranges: list[str]) -> Any:
    """The domain that --box options describe; None without any."""
    if not ranges:
        return None
    from symhep.checking.domain import box

    given = {}
    for text in ranges:
        name, equals, bounds = text.partition("=")
        low, colon, high = bounds.partition(":")
        try:
            given[name.strip()] = (float(low), float(high))
        except ValueError:
            raise ArgumentError(message(f"--box {text!r} is not a range", instead="--box pt=20:80")) from None
    return box(**given)


# -- finding the kernel ----------------------------------------------------------------------------------------------


def _kernel(where: str, **options: Any) -> Kernel:
    """The kernel that an argument of the command line names, with its options changed where they are given."""
    import symhep as sh

    make = sh.kernel
    file, name = _split(where)
    module = _load(file)
    found = _chosen(module, file, name)
    made = found if isinstance(found, sh.Kernel) else make(found)
    changed = {k: v for k, v in options.items() if v != _DEFAULTS.get(k)}
    return made.with_options(**changed) if changed else made


_DEFAULTS = {"target": "auto", "effort": "default", "dtype": "float64"}


def _split(where: str) -> tuple[str, str]:
    """FILE.py and NAME; the last colon counts, so that a drive letter may have one."""
    head, colon, tail = where.rpartition(":")
    return (head, tail) if colon and not tail.endswith(".py") and "/" not in tail and "\\" not in tail else (where, "")


def _load(file: str) -> Any:
    """Import a file or a module, without leaving a stray name behind."""
    path = Path(file)
    if not file.endswith(".py"):
        sys.path.insert(0, "")
        return _imported(lambda: import_module(file), file)
    if not path.is_file():
        raise ArgumentError(f"there is no file {file}")
    spec = spec_from_file_location(path.stem, path.resolve())
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules.setdefault(path.stem, module)
    _imported(lambda: spec.loader.exec_module(module), file)  # type: ignore[union-attr]
    return module


@dataclass
class _LoadError(SymhepError):
    text: str

    def __str__(self) -> str:
        return self.text


def _imported(load: Callable[[], Any], file: str) -> Any:
    try:
        return load()
    except SymhepError:
        raise
    except Exception as error:
        from symhep.tracing.source import Spot

        spot = Spot.of(error)
        place = f"\n  {spot}" if spot else ""
        raise _LoadError(f"{file} cannot be imported: {type(error).__name__}: {error}{place}") from error


def _chosen(module: Any, file: str, name: str) -> Any:
    from symhep.kernel import Kernel

    kernels = [n for n, v in vars(module).items() if isinstance(v, Kernel)]
    if not name:
        if len(kernels) == 1:
            return getattr(module, kernels[0])
        what = f"{file} has {len(kernels)} kernels" + (f": {listing(kernels)}" if kernels else "")
        raise ArgumentError(message(what, instead=f"{file}:{kernels[0] if kernels else 'NAME'}"))
    found = getattr(module, name, None)
    if found is None:
        like = nearest(name, vars(module)) or kernels
        raise ArgumentError(message(f"{file} has no {name!r}", instead=listing([f"{file}:{n}" for n in like], "or")))
    if not callable(found):
        raise ArgumentError(f"{file}:{name} is a {type(found).__name__}, not a kernel or function")
    return found
