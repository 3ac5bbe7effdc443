"""The user's source code: which line is running, and which expression of it."""

from __future__ import annotations

import ast
import linecache
import opcode
import os
import sys
from functools import partial
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import Any

import numpy as np

from symhep.graph import Where

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_INNER_FOLDERS = (_PACKAGE + os.sep, os.path.dirname(os.path.abspath(np.__file__)) + os.sep)


class _Inner(dict):
    """Whether a file is part of symhep or NumPy, remembered."""

    def __missing__(self, file: str) -> bool:
        inner = file.startswith(_INNER_FOLDERS) or file.startswith("<__array_function__")
        self[file] = inner
        return inner


_inner = _Inner()


def user_frame(depth: int = 1) -> FrameType:
    """The innermost running frame that is neither symhep's nor NumPy's; `depth` frames are known to be symhep's."""
    frame = sys._getframe(depth)
    while _inner[frame.f_code.co_filename] and frame.f_back is not None:
        frame = frame.f_back
    return frame


def user_traceback(trace: TracebackType | None) -> TracebackType | None:
    """The innermost entry of a traceback that is neither symhep's nor NumPy's; None if there is none."""
    found = None
    while trace is not None:
        if not _inner[trace.tb_frame.f_code.co_filename]:
            found = trace
        trace = trace.tb_next
    return found


def text_of(file: str, line: int) -> str:
    """The text of a line, stripped; "" where there is no source."""
    return linecache.getline(file, line).strip()


def describe(where: Where, function: str = "") -> str:
    """A line of code for a message: file:line, in function: text.

    >>> describe(Where("missing.py", 3), "mass")
    'missing.py:3, in mass'
    """
    text = text_of(where.file, where.line)
    return f"{where}{f', in {function}' if function else ''}{f': {text}' if text else ''}"


def unwrapped(function: Any) -> Any:
    """The function that a functools.partial is of; any other as it is."""
    return function.func if isinstance(function, partial) else function


def name_of(function: Any) -> str:
    """What a function is called; that of a callable object is its class."""
    function = unwrapped(function)
    return getattr(function, "__name__", type(function).__name__)


def describe_definition(function: Any) -> str:
    """Where a function is defined, for a message: the line of its `def`, past the decorators; "" without code."""
    function = unwrapped(function)
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    if code is None:
        return ""
    first = code.co_firstlineno
    for line in range(first, first + 40):
        text = text_of(code.co_filename, line)
        if text.startswith(("def ", "async def ")) or "lambda" in text:
            return describe(Where(code.co_filename, line))
    return describe(Where(code.co_filename, first))


class Spot:
    """A place in running user code: where it is, and the expression that is being computed there."""

    def __init__(self, frame: FrameType, instruction: int | None = None, line: int | None = None):
        self.frame = frame
        self.code: CodeType = frame.f_code
        self.instruction = frame.f_lasti if instruction is None else instruction
        self.where = Where(self.code.co_filename, frame.f_lineno if line is None else line)

    @classmethod
    def here(cls) -> Spot:
        """The user's line that is running now."""
        return cls(user_frame(2))

    @classmethod
    def of(cls, error: BaseException) -> Spot | None:
        """The user's line that an exception came from."""
        entry = user_traceback(error.__traceback__)
        return cls(entry.tb_frame, entry.tb_lasti, entry.tb_lineno) if entry else None

    def __str__(self) -> str:
        return describe(self.where, self.code.co_name)

    @property
    def operation(self) -> str:
        """The name of the instruction, such as CALL; empty where there is none."""
        if not 0 <= self.instruction < len(self.code.co_code):
            return ""
        return opcode.opname[self.code.co_code[self.instruction]]

    def enclosing(self) -> list[ast.AST]:
        """The syntax nodes around the running instruction, innermost first; empty without source."""
        position = next(islice(self.code.co_positions(), self.instruction // 2, None), None)
        tree = _parse(self.code.co_filename)
        if tree is None or position is None or None in position:
            return []
        first, last, begin, end = position
        return _path(tree, (first, begin), (last, end))

    def text(self, node: ast.AST) -> str:
        """The source of a syntax node, on one line."""
        lines = linecache.getlines(self.code.co_filename)
        found = ast.get_source_segment("".join(lines), node)
        return " ".join((found or "...").split())

    def lookup(self, node: ast.AST) -> Any:
        """The object that a dotted name stands for in the running function; None if that cannot be told."""
        if isinstance(node, ast.Attribute):
            return getattr(self.lookup(node.value), node.attr, None)
        if not isinstance(node, ast.Name):
            return None
        builtins = self.frame.f_builtins
        for names in (self.frame.f_locals, self.frame.f_globals, builtins):
            if node.id in names:
                return names[node.id]
        return None


def _parse(file: str) -> ast.Module | None:
    lines = linecache.getlines(file)
    try:
        return ast.parse("".join(lines)) if lines else None
    except SyntaxError:
        return None


def _path(tree: ast.AST, begin: tuple, end: tuple) -> list[ast.AST]:
    """The nodes that contain a stretch of source, innermost first."""
    path: list[ast.AST] = []
    level: list[ast.AST] = [tree]
    while level:
        inside = [n for n in level if _contains(n, begin, end)]
        path = [n for n in inside if hasattr(n, "lineno")] + path
        level = [child for n in inside for child in ast.iter_child_nodes(n)]
    return path


def _contains(node: Any, begin: tuple, end: tuple) -> bool:
    if not hasattr(node, "lineno"):
        return True
    return (node.lineno, node.col_offset) <= begin and end <= (node.end_lineno, node.end_col_offset)
