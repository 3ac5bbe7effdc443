"""Nested arguments and results: tuples, lists, dicts, NamedTuples and dataclasses as leaves and a tree."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symhep.errors import count


@dataclass(frozen=True, slots=True)
class Tree:
    """The form of a nested value.

    kind      "leaf", "tuple", "list", "dict", "namedtuple" or "dataclass"
    keys      positions, dictionary keys or field names
    children  the forms of the parts
    cls       the class that a NamedTuple or dataclass is made again by
    """

    kind: str = "leaf"
    keys: tuple = ()
    children: tuple[Tree, ...] = ()
    cls: type | None = None

    @property
    def size(self) -> int:
        """The number of leaves."""
        return 1 if self.kind == "leaf" else sum(child.size for child in self.children)

    def paths(self, root: str = "") -> list[str]:
        """The names of the leaves, in order.

        >>> flatten({"mass": 1.0, "p": (2.0, 3.0)})[1].paths("out")
        ['out.mass', 'out.p[0]', 'out.p[1]']
        """
        if self.kind == "leaf":
            return [root]
        return [path for key, child in zip(self.keys, self.children) for path in child.paths(self.step(root, key))]

    def step(self, root: str, key: Any) -> str:
        """The name of one part of the value called `root`."""
        if self.kind in ("tuple", "list"):
            return f"{root}[{key}]"
        named = isinstance(key, str) and key.isidentifier()
        if not named:
            return f"{root}[{key!r}]"
        return f"{root}.{key}" if root else key

    def build(self, leaves: Iterator) -> Any:
        """The nested value whose leaves these are.

        >>> leaves, tree = flatten((1, [2, 3]))
        >>> tree.build(iter("abc"))
        ('a', ['b', 'c'])
        """
        if self.kind == "leaf":
            return next(leaves)
        parts = [child.build(leaves) for child in self.children]
        if self.kind == "list":
            return parts
        if self.kind == "tuple":
            return tuple(parts)
        if self.kind == "dict":
            return dict(zip(self.keys, parts))
        assert self.cls is not None
        return self.cls(*parts) if self.kind == "namedtuple" else self.cls(**dict(zip(self.keys, parts)))

    def take(self, value: Any, root: str = "") -> Iterator[tuple[str, Any]]:
        """The leaves of a value that is to have this form, with their names; raises `Mismatch` where it has not."""
        if self.kind == "leaf":
            yield root, value
            return
        for key, child, part in zip(self.keys, self.children, self._parts(value, root)):
            yield from child.take(part, self.step(root, key))

    def _parts(self, value: Any, root: str) -> list:
        if self.kind in ("tuple", "list") or (self.kind == "namedtuple" and isinstance(value, (tuple, list))):
            if not isinstance(value, (tuple, list)) or len(value) != len(self.keys):
                raise Mismatch(root, self, value)
            return list(value)
        return [_field(value, key, root, self) for key in self.keys]


LEAF = Tree()


class Mismatch(Exception):
    """A value does not have the form of a tree."""

    def __init__(self, root: str, tree: Tree, value: Any):
        fields = f"the fields {', '.join(map(str, tree.keys))}"
        wanted = count(len(tree.keys), "value") if tree.kind in ("tuple", "list") else fields
        got = count(len(value), "value") if isinstance(value, (tuple, list)) else type(value).__name__
        super().__init__(f"{root} has {wanted}, got {got}")


def _field(value: Any, key: Any, root: str, tree: Tree) -> Any:
    """A field by attribute, or by item where the value has none (dicts, tables, records)."""
    if isinstance(value, Mapping):
        if key in value:
            return value[key]
        raise Mismatch(root, tree, value)
    try:
        return getattr(value, key)
    except (AttributeError, TypeError):
        pass
    try:
        return value[key]
    except Exception:
        raise Mismatch(root, tree, value) from None


def is_namedtuple(cls: Any) -> bool:
    """Whether a class is a NamedTuple."""
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def parts_of(value: Any) -> tuple[str, tuple, tuple, type | None] | None:
    """Kind, keys, parts and class of a container; None for anything else."""
    cls = type(value)
    if is_namedtuple(cls):
        return "namedtuple", cls._fields, tuple(value), cls
    if isinstance(value, (tuple, list)):
        return "list" if isinstance(value, list) else "tuple", tuple(range(len(value))), tuple(value), None
    if isinstance(value, dict):
        return "dict", tuple(value), tuple(value.values()), None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = tuple([f.name for f in dataclasses.fields(value) if f.init])
        return "dataclass", names, tuple([getattr(value, n) for n in names]), cls
    return None


def flatten(value: Any, is_leaf: Callable[[Any], bool] = lambda value: False) -> tuple[list, Tree]:
    """The leaves of a nested value, in order, and its form.

    >>> flatten({"a": 1, "b": (2, 3)})[0]
    [1, 2, 3]
    """
    parts = None if is_leaf(value) else parts_of(value)
    if parts is None:
        return [value], LEAF
    kind, keys, values, cls = parts
    leaves, children = [], []
    for part in values:
        inner, child = flatten(part, is_leaf)
        leaves += inner
        children.append(child)
    return leaves, Tree(kind, keys, tuple(children), cls)
