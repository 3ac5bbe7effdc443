"""Finding the kernel that an argument of the command line names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symhep.errors import ArgumentError, SymhepError, listing, message, nearest

if TYPE_CHECKING:
    from symhep.kernel import Kernel

_DEFAULTS = {"target": "auto", "effort": "default", "dtype": "float64"}


def kernel_of(where: str, **options: Any) -> Kernel:
    """The kernel of FILE.py:NAME or module:NAME, with its options changed where they are not the default."""
    import symhep as sh

    make = sh.kernel
    file, name = _split(where)
    module = _load(file)
    found = _chosen(module, file, name)
    made = found if isinstance(found, sh.Kernel) else make(found)
    changed = {k: v for k, v in options.items() if v != _DEFAULTS.get(k)}
    return made.with_options(**changed) if changed else made


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
