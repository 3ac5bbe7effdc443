"""The steps that an expression is read as: a function of numbers or traced values, and what it is applied to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Step = tuple[Callable[..., Any], Sequence[Any]]


def constant() -> None:
    """Marks a step that is a number."""


def leaf() -> None:
    """Marks a step that takes an argument."""


def same(value: Any) -> Any:
    """The value as it is: for an expression that stands for another."""
    return value
