"""What a formula takes: symbols in containers, matrices and arrays, as a kernel's arguments."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.expressions import ArrayElement, ArraySymbol
from sympy.vector.scalar import BaseScalar

from symhep.containers import Tree, flatten
from symhep.errors import ArgumentError, listing, message
from symhep.symbolic.objects import components_of
from symhep.tracing.annotations import Argument, Core, assumptions, once_per_call
from symhep.tracing.trace import Traced
from symhep.tracing.trace import _columns as columns_of

Index = tuple[int, ...]

# what a kernel's call has already
_TAKEN = ("out", "threads")


class Arguments:
    """The arguments of a formula: their forms, and which symbol is which value.

    places      by the key of a symbol, the position of the value that it is part of, and its index there
    matrices    by name, the position and the shape of each argument that is a MatrixSymbol
    conditions  the keys of symbols that stand for conditions
    """

    def __init__(self, given: Any, parameters: Iterable[Any]) -> None:
        self.arguments: list[Argument] = []
        self.places: dict[Any, tuple[int, Index]] = {}
        self.matrices: dict[str, tuple[int, Index]] = {}
        self.conditions: set[Any] = set()
        self._leaves = 0
        self._taken: set[str] = set()
        without_batch = {parameters} if isinstance(parameters, str) else {str(p) for p in parameters}
        for position, (name, entry) in enumerate(_named(given)):
            if isinstance(entry, Argument):
                self._described(entry)
            else:
                self._given(name or name_of(entry) or f"argument{position}", entry, without_batch)
        unknown = without_batch - {a.name for a in self.arguments}
        if unknown:
            raise ArgumentError(f"{listing(sorted(unknown))} in parameters= is not an argument")

    def _given(self, name: str, entry: Any, without_batch: set[str]) -> None:
        if name in _TAKEN:
            what = f"formula has an argument {name!r}, which every kernel's call has already"
            raise ArgumentError(message(what, instead=f"{{{name + '_'!r}: sympy.Symbol({name!r}), ...}}"))
        leaves, tree = flatten(entry, is_leaf)
        cells = [_cells(leaf) for leaf in leaves]
        for leaf, (of_leaf, _) in zip(leaves, cells):
            if isinstance(leaf, sympy.MatrixSymbol):
                self.matrices[leaf.name] = self._leaves, tuple(map(int, leaf.shape))
            self._place(of_leaf)
        cores = tuple([_core(*c) for c in cells])
        name = self._unused(name, tree, cores)
        symbols = [s for c, core in zip(cells, cores) for _, index in columns_of("", core) for s in [c[0][index]]]
        cores = once_per_call(cores) if name in without_batch else cores
        self.arguments.append(Argument(name, tree, cores, symbols=_stored(name, tree, cores, symbols)))

    def _described(self, argument: Argument) -> None:
        """An argument of another kernel."""
        self._unused(argument.name, argument.tree, argument.cores)
        symbols = list(symbols_of(argument).values())
        if symbols and isinstance(symbols[0], MatrixElement):
            self.matrices[symbols[0].parent.name] = self._leaves, tuple(map(int, symbols[0].parent.shape))
        own = iter(symbols)
        for path, core in zip(argument.tree.paths(argument.name), argument.cores, strict=True):
            cells = {index: next(own) for _, index in columns_of(path, core)}
            if core.kind == "bool":
                self.conditions |= {key_of(symbol) for symbol in cells.values()}
            self._place(cells)
        self.arguments.append(argument)

    def _place(self, cells: Mapping[Index, Any]) -> None:
        """Note where the symbols of one value are found."""
        position, self._leaves = self._leaves, self._leaves + 1
        for index, symbol in cells.items():
            place = self.places.setdefault(key_of(symbol), (position, index))
            if place[0] != position:
                raise ArgumentError(f"the symbol {symbol} is an argument twice")

    def _unused(self, name: str, tree: Tree, cores: tuple[Core, ...]) -> str:
        """The name, with a number appended if one of the argument's columns would have the name of another's."""
        number, free = 1, name
        while self._taken & (columns := {free, *_column_names(free, tree, cores)}):
            number, free = number + 1, f"{name}_{number + 1}"
        self._taken |= columns
        return free


def is_leaf(value: Any) -> bool:
    """Whether a value is no container."""
    return not isinstance(value, (list, tuple, dict))


def symbols_of(argument: Argument) -> dict[str, Any]:
    """The symbol for each column of an argument, by the column's name."""
    names = list(_column_names(argument.name, argument.tree, argument.cores, parts=False))
    if argument.symbols:
        return dict(zip(names, pickle.loads(argument.symbols), strict=True))
    complex_ = [core.kind == "complex" for core in argument.cores for _ in columns_of("", core)]
    return {name: sympy.Symbol(name, complex=c or None) for name, c in zip(names, complex_, strict=True)}


def symbols_by_column(traced: Traced) -> dict[str, Any]:
    """The symbol for each input of a traced function."""
    return {name: symbol for a in traced.arguments for name, symbol in symbols_of(a).items()}


def key_of(leaf: Any) -> Any:
    """What a leaf of an expression is looked up by; None if it is not a leaf.

    Symbols of the same name are the same argument, whatever is assumed about them.
    """
    if isinstance(leaf, sympy.Symbol):
        return leaf if isinstance(leaf, sympy.Dummy) else leaf.name
    if isinstance(leaf, MatrixElement) and isinstance(leaf.parent, sympy.MatrixSymbol):
        return _element_key(leaf.parent.name, leaf.indices)
    if isinstance(leaf, sympy.Indexed):
        return _element_key(str(leaf.base.label), leaf.indices)
    if isinstance(leaf, ArrayElement):
        return _element_key(str(leaf.name), leaf.indices)
    if isinstance(leaf, (AppliedUndef, BaseScalar)) or _is_rate(leaf):
        return leaf
    return None


def _element_key(name: str, indices: Any) -> Any:
    numbers = all(i.is_Integer for i in indices)
    return (name, *map(int, indices)) if numbers else (name, *indices)


def _is_rate(leaf: Any) -> bool:
    """Whether it is the derivative of an unknown function, which a formula may have as an argument."""
    return isinstance(leaf, sympy.Derivative) and isinstance(leaf.expr, AppliedUndef)


# -- forms -----------------------------------------------------------------------------------------------------------


def _named(given: Any) -> Iterator[tuple[str, Any]]:
    given = components_of(given) if isinstance(given, sympy.Basic) else given
    if isinstance(given, Mapping):
        yield from ((str(name), _plain(entry)) for name, entry in given.items())
    elif isinstance(given, (list, tuple, set, frozenset)):
        entries = sorted(given, key=str) if isinstance(given, (set, frozenset)) else given
        yield from (("", _plain(entry)) for entry in entries)
    else:
        yield "", _plain(given)


def _plain(entry: Any) -> Any:
    """An entry with sympy's tuples and other packages' vectors as containers of symbols."""
    entry = components_of(entry)
    if isinstance(entry, (list, tuple)) and not hasattr(entry, "_fields"):
        return type(entry)([_plain(part) for part in entry])
    return {key: _plain(part) for key, part in entry.items()} if isinstance(entry, dict) else entry


def _column_names(name: str, tree: Tree, cores: tuple[Core, ...], parts: bool = True) -> Iterator[str]:
    """The names of an argument's columns; with those that the parts of a complex one get."""
    for path, core in zip(tree.paths(name), cores, strict=True):
        for column, _ in columns_of(path, core):
            yield column
            if parts and core.kind == "complex":
                yield from (f"{column}.real", f"{column}.imag")


def _stored(name: str, tree: Tree, cores: tuple[Core, ...], symbols: list[Any]) -> bytes:
    """The symbols of an argument's columns as bytes; none where the names say it all."""
    bare = Argument(name, tree, cores)
    return b"" if list(symbols_of(bare).values()) == symbols else pickle.dumps(symbols)


def _core(cells: Mapping[Index, Any], shape: tuple[int, ...]) -> Core:
    """What one value is: complex if any of its symbols may be; what is assumed about all of them."""
    symbols = list(cells.values())
    kind = "complex" if any(_is_complex(s) for s in symbols) else "real"
    square = len(shape) == 2 and shape[0] == shape[1] > 1
    symmetric = square and all(cells[i] == cells[i[::-1]] for i in cells)
    if kind == "complex":
        return Core(kind, shape, symmetric)
    known = [frozenset([a for a in assumptions if getattr(s, f"is_{a}", None)]) for s in symbols]
    return Core(kind, shape, symmetric, assumed=frozenset.intersection(*known) if known else frozenset())


def _cells(leaf: Any) -> tuple[dict[Index, Any], tuple[int, ...]]:
    """The symbols of an argument by index, and its shape."""
    if isinstance(leaf, (sympy.MatrixSymbol, ArraySymbol)):
        _check_shape(leaf, leaf.shape)
        leaf = leaf.as_explicit()
    elif isinstance(leaf, sympy.IndexedBase):
        _check_shape(leaf, leaf.shape)
        return {i: leaf[i] for i in np.ndindex(*map(int, leaf.shape))}, tuple(map(int, leaf.shape))
    shape: tuple[int, ...]
    if isinstance(leaf, sympy.MatrixBase):
        rows, columns = leaf.shape
        shape = (rows,) if columns == 1 else (rows, columns)
        cells = {i: leaf[i if columns > 1 else (i[0], 0)] for i in np.ndindex(*shape)}
    elif isinstance(leaf, (sympy.NDimArray, np.ndarray)):
        cells, shape = {i: leaf[i] for i in np.ndindex(*leaf.shape)}, tuple(leaf.shape)
    else:
        cells, shape = {(): leaf}, ()
    for cell in cells.values():
        if key_of(cell) is None:
            what = f"{cell!r:.60} cannot be an argument"
            raise ArgumentError(message(what, instead="a symbol, or a matrix, array or list of symbols"))
        if cell.is_commutative is False:
            raise ArgumentError(f"the symbol {cell} does not commute: the arguments of a kernel are numbers")
    return cells, shape


def _check_shape(leaf: Any, shape: Any) -> None:
    if shape is None or not all(getattr(d, "is_Integer", isinstance(d, int)) for d in shape):
        known = "no shape" if shape is None else f"the shape ({', '.join(map(str, shape))})"
        sizes = {sympy.IndexedBase: "shape=(3,)", sympy.MatrixSymbol: "3, 3"}.get(type(leaf), "(3,)")
        instead = f"{type(leaf).__name__}({str(leaf)!r}, {sizes}), with the sizes that it has"
        raise ArgumentError(message(f"{leaf} has {known}, and the size of an argument has to be known", "", instead))


def _is_complex(symbol: Any) -> bool:
    if isinstance(symbol, sympy.MatrixBase | sympy.Indexed) or not isinstance(symbol, sympy.Symbol):
        return False
    return symbol.is_imaginary is True or (symbol.is_complex is True and symbol.is_real is None)


def name_of(entry: Any) -> str:
    """The name of an argument: the symbol's, or what stands before the index in the names of its components."""
    if isinstance(entry, (sympy.Symbol, sympy.MatrixSymbol, ArraySymbol)):
        return str(entry.name)
    if isinstance(entry, sympy.IndexedBase):
        return str(entry.label)
    if isinstance(entry, (sympy.Indexed, MatrixElement)):
        key = key_of(entry)
        return "_".join(map(str, key)) if key else ""
    if isinstance(entry, AppliedUndef):
        return str(entry.func.__name__)
    if _is_rate(entry):  # the derivative of q(t) by t is q_t
        return f"{entry.expr.func.__name__}_{''.join(map(str, entry.variables))}"
    if isinstance(entry, BaseScalar):
        return str(entry).replace(".", "_")
    if isinstance(entry, (sympy.MatrixBase, sympy.NDimArray, np.ndarray)):
        roots = {str(s).partition("[")[0] for s in _cells(entry)[0].values()}
        if len(roots) == 1:
            return roots.pop()
    return ""
