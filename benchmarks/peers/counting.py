"""Operations per event in straight-line text, by symhep's counting rule."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from benchmarks import sympy_route


def per_event(statements: Iterable[str], columns: Iterable[str]) -> int:
    """Operations in assignments in Python's syntax that depend on columns; what depends on parameters alone is free.

    >>> per_event(["a = m*m", "b = a*x + m/2", "c = sin(b*a)"], ["x"])
    4
    """
    varying, total = set(columns), 0
    for statement in statements:
        assignment = ast.parse(statement).body[0]
        assert isinstance(assignment, ast.Assign)
        number, varies = _count(assignment.value, varying)
        total += number
        if varies:
            varying |= {part.id for part in ast.walk(assignment.targets[0]) if isinstance(part, ast.Name)}
    return total


def _count(node: ast.AST, varying: set[str]) -> tuple[int, bool]:
    """Operations in an expression, and whether it varies from event to event."""
    if isinstance(node, ast.Name):
        return 0, node.id in varying
    parts = [_count(child, varying) for child in ast.iter_child_nodes(node)]
    varies = any(v for _, v in parts)
    return sum(n for n, _ in parts) + varies * sympy_route.own_operations(node), varies
