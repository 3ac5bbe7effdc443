"""The exceptions, and the form of their messages: what, where in the user's code, what to write instead."""

from __future__ import annotations

from collections.abc import Iterable


class SymhepError(Exception):
    """The base of all exceptions that symhep raises on purpose."""


class TraceError(SymhepError, TypeError):
    """A kernel's function does something that has no meaning for values which stand for every event."""


class ArgumentError(SymhepError, TypeError, ValueError):
    """A kernel is defined or called with arguments that do not fit."""


class TargetError(SymhepError):
    """The requested target does not work here, or not for these arrays."""


class CompileError(SymhepError):
    """A target could not turn a program into code."""


class DeviceMemoryError(TargetError, MemoryError):
    """The memory of a device is too small for a call."""


class MissingPackage(SymhepError, ImportError):
    """An optional package is not installed; `extra` may be several, one of which is needed.

    >>> print(MissingPackage("jax", extra="jax"))
    jax is not installed
      write instead: pip install 'symhep[jax]'
    """

    def __init__(self, package: str, extra: str | tuple[str, ...] | None = None):
        extras = (extra,) if isinstance(extra, str) else extra or ()
        what = " or ".join([f"pip install 'symhep[{e}]'" for e in extras]) or f"pip install {package}"
        super().__init__(message(f"{package} is not installed", instead=what))
        self.package, self.extra = package, extra

    def __reduce__(self):
        return MissingPackage, (self.package, self.extra)


def message(what: str, where: str = "", instead: str = "") -> str:
    """The text of an error, a line for each of the three parts.

    >>> print(message("`if` on a symbolic value", "a.py:3, in f: if x > 0:", "np.where(x > 0, a, b)"))
    `if` on a symbolic value
      a.py:3, in f: if x > 0:
      write instead: np.where(x > 0, a, b)
    """
    lines = [what]
    if where:
        lines.append(f"  {where}")
    if instead:
        lines.append(f"  write instead: {instead}")
    return "\n".join(lines)


def listing(words: Iterable[str], conjunction: str = "and") -> str:
    """Words as an English list.

    >>> listing(["x", "y", "z"])
    'x, y and z'
    """
    *most, last = [str(w) for w in words] or ["nothing"]
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def count(number: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "argument"), count(3, "argument")
    ('1 argument', '3 arguments')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nearest(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known words most like the given one, best first.

    >>> nearest("arctan22", ["arctan2", "arctan", "exp"])
    ['arctan2', 'arctan']
    """
    from difflib import get_close_matches

    return get_close_matches(word, list(known), limit, 0.6)
