"""Functions that cannot be traced, with the exact text of their refusal."""

import inspect

import pytest

from symhep.errors import TraceError, message
from symhep.tracing.trace import trace

VALUE = "{} needs a value now, but a traced one stands for every event"


def case(cases, what, instead="", line=None):
    """A function that is refused with this text, at its last line or the given one."""

    def register(function):
        lines, start = inspect.getsourcelines(function)
        first = next(i for i, text in enumerate(lines) if text.startswith("def "))
        at = len(lines) - 1 if line is None else first + line
        where = f"{inspect.getfile(function)}:{start + at}, in {function.__name__}: {lines[at].strip()}"
        if line == 0:
            where = where.replace(f", in {function.__name__}", "")
        cases.append(pytest.param(function, message(what, where, instead), id=function.__name__))
        return function

    return register


def check(function, text):
    """The function is refused with exactly this text."""
    with pytest.raises(TraceError) as caught:
        trace(function)
    assert str(caught.value) == text
    assert isinstance(caught.value, TypeError)
