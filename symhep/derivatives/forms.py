"""What derivatives are by, and the form in which they are returned."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symhep.calling.calls import Site
from symhep.containers import Tree
from symhep.errors import listing, nearest
from symhep.tracing.annotations import Argument
from symhep.tracing.trace import Leaf, Output, Traced

Wrt = str | Sequence[str] | None

_SMOOTH = "real"


@dataclass(frozen=True, slots=True)
class Directions:
    """The arguments that derivatives are by.

    tree    the form of a result with one leaf for each leaf of these arguments
    leaves  these leaves
    cells   for each leaf, the positions of its columns among the inputs of the real graph
    """

    names: tuple[str, ...]
    tree: Tree
    leaves: tuple[Leaf, ...]
    cells: tuple[tuple[int, ...], ...]

    @property
    def inputs(self) -> list[int]:
        """The positions of all columns."""
        return [p for cells in self.cells for p in cells]


def chosen(arguments: Sequence[Argument], wrt: Wrt, site: Site) -> list[Argument]:
    """The arguments named by `wrt`: all real ones that are not static if it is None; raises ArgumentError."""
    name = site.name
    if wrt is not None and not (isinstance(wrt, str) or all(isinstance(n, str) for n in _sequence(wrt))):
        names = listing([repr(a.name) for a in arguments], "or")
        raise site.error(f"{name}: wrt names arguments, got {wrt!r}", f"wrt={names}")
    if wrt is None:
        found = [a for a in arguments if not a.static and all(c.kind == _SMOOTH for c in a.cores)]
        _refuse_mixed(arguments, site)
    else:
        found = [_argument(arguments, n, site) for n in ([wrt] if isinstance(wrt, str) else wrt)]
    if not found:
        instead = "sh.Scalar, or no annotation, for what derivatives are to be by"
        raise site.error(f"{name} has no real argument to take a derivative by", instead)
    return found


def _sequence(wrt: Any) -> Sequence[Any]:
    return wrt if isinstance(wrt, (list, tuple)) else (wrt,)


def _refuse_mixed(arguments: Sequence[Argument], site: Site) -> None:
    """Containers that hold real values beside others are not left out in silence."""
    for a in arguments:
        kinds = {c.kind for c in a.cores}
        if _SMOOTH in kinds and len(kinds) > 1:
            others = listing(sorted(kinds - {_SMOOTH}))
            what = f"{site.name}: {a.name} holds real values and {others} ones, and derivatives are by real arguments"
            raise site.error(what, "wrt=... with other arguments, or its fields as arguments")


def directions(traced: Traced, wrt: Wrt, site: Site) -> Directions:
    """What derivatives by these arguments are by, and their form: one name gives a bare result, several a dict."""
    found = chosen(traced.arguments, wrt, site)
    bare = isinstance(wrt, str) or (wrt is None and len(found) == 1)
    names = tuple([a.name for a in found])
    tree = found[0].tree if bare else Tree("dict", names, tuple([a.tree for a in found]))
    starts = _starts(traced)
    leaves = [(leaf, start) for a in found for leaf, start in starts if traced.arguments[leaf.argument] is a]
    cells = tuple([tuple(range(start, start + len(leaf.columns))) for leaf, start in leaves])
    return Directions(names, tree, tuple([leaf for leaf, _ in leaves]), cells)


def _argument(arguments: Sequence[Argument], wanted: str, site: Site) -> Argument:
    name, known = site.name, {a.name: a for a in arguments}
    if wanted not in known:
        close = nearest(str(wanted), known) or list(known)
        raise site.error(f"{name} has no argument {wanted!r}", listing(close, "or"))
    found = known[wanted]
    if found.static:
        raise site.error(f"{name}: {wanted} is a constant while tracing (sh.Static): there is no derivative by it")
    kinds = {c.kind for c in found.cores} - {_SMOOTH}
    if kinds:
        instead = f"its real and imaginary part as arguments of their own: {wanted}_re, {wanted}_im"
        what = f"{name}: {wanted} is {listing(sorted(kinds))}, and derivatives are by real arguments"
        raise site.error(what, instead if "complex" in kinds else "sh.Scalar in the signature")
    return found


def _starts(traced: Traced) -> list[tuple[Leaf, int]]:
    """Each leaf, with the position of its first column among the inputs of the real graph."""
    found, position = [], 0
    for leaf in traced.leaves:
        found.append((leaf, position))
        position += len(leaf.columns) * (2 if leaf.core.kind == "complex" else 1)
    return found


def nested(outer: Tree, inner: Tree) -> Tree:
    """A tree with another in the place of each of its leaves.

    >>> from symhep.containers import flatten
    >>> nested(flatten((1, 2))[1], flatten({"a": 1})[1]).paths("d")
    ['d[0].a', 'd[1].a']
    """
    if outer.kind == "leaf":
        return inner
    return replace(outer, children=tuple([nested(child, inner) for child in outer.children]))


def pair(first: Tree, *others: Tree) -> Tree:
    """The form of a tuple."""
    return Tree("tuple", tuple(range(1 + len(others))), (first, *others))


# -- values of a result and their columns ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a kernel's result: what it is, and where its cells are.

    columns  for each cell, the position of its real part among the outputs of the real graph, and that of its
             imaginary part or None
    """

    output: Output
    columns: tuple[tuple[int, int | None], ...]

    def cell(self, index: tuple[int, ...]) -> tuple[int, int | None]:
        """The columns of a cell of the whole array."""
        shape = self.output.shape
        if self.output.symmetric:
            i, j = sorted(index)
            return self.columns[i * shape[0] - i * (i - 1) // 2 + j - i]
        return self.columns[_flat(index, shape)]


def _flat(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    position = 0
    for i, n in zip(index, shape):
        position = position * n + i
    return position


def values_of(traced: Traced) -> list[Value]:
    """The values of a traced function's result."""
    nodes, column, found = iter(traced.graph.outputs), 0, []
    for o in traced.outputs:
        cells: list[tuple[int, int | None]] = []
        for _ in range(o.shape[0] * (o.shape[0] + 1) // 2 if o.symmetric else math.prod(o.shape)):
            wide = next(nodes).dtype == "complex"
            cells.append((column, column + 1 if wide else None))
            column += 2 if wide else 1
        found.append(Value(o, tuple(cells)))
    return found


def cell_names(traced: Traced) -> list[str]:
    """A name for each output of a traced function's graph, as in "result.p[2]"."""
    return [
        f"{o.path}[{','.join(map(str, index))}]" if index else o.path
        for o in traced.outputs
        for index in cells_of(o.shape, o.symmetric)
    ]


def cells_of(core_shape: Sequence[int], symmetric: bool) -> Iterator[tuple[int, ...]]:
    """The indices of the cells that are kept: of a symmetric matrix those of the upper triangle."""
    indices = itertools.product(*map(range, core_shape))
    return (i for i in indices if not symmetric or i[0] <= i[1])


def column_of(leaf: Leaf, index: tuple[int, ...]) -> int:
    """The position among a leaf's columns of a cell of its whole array."""
    wanted = tuple(sorted(index)) if leaf.core.symmetric else index
    return next(k for k, (_, i) in enumerate(leaf.columns) if i == wanted)
