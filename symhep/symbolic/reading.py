"""sympy expressions in: read without recursion and without evaluating anything, sharing kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from symhep.containers import flatten
from symhep.errors import ArgumentError, listing, message, nearest
from symhep.symbolic.table import BY_NAME, PLANS, Step, constant
from symhep.symbolic.writing import replacements, to_sympy
from symhep.tracing.annotations import Argument, Core
from symhep.tracing.custom import expanded
from symhep.tracing.trace import Traced, trace
from symhep.tracing.trace import _columns as columns_of
from symhep.tracing.values import Scalar

if TYPE_CHECKING:
    from symhep.graph import Graph
    from symhep.kernel import Kernel
    from symhep.tracing.trace import Output


def from_sympy(
    expressions: Any, arguments: Any, parameters: Iterable[Any] = (), name: str = "formula"
) -> tuple[Traced, Callable[..., Any]]:
    """Read sympy expressions, in any nesting of lists, tuples, dicts and matrices, as a graph.

    arguments   symbols, or matrices, arrays and containers of them; a dict names them
    parameters  those of the arguments, or their names, that have no batch axis

    Symbols are real unless they are declared complex. Functions are real-valued where their arguments are: the
    square root of a negative number is NaN. Returns the graph, and the formula as a Python function.

    >>> x, y = sympy.symbols("x y")
    >>> traced, function = from_sympy(sympy.sqrt(x) + 2 * y, [x, y])
    >>> [n.op for n in traced.graph.operations()], float(function(4.0, 1.0))
    (['sqrt', 'mul', 'add'], 4.0)
    """
    given = _Arguments(arguments, parameters)
    formula = _Formula(expressions, given)

    def function(*values: Any) -> Any:
        return formula(*values)

    function.__name__ = function.__qualname__ = name
    return trace(function, given.arguments), function


def compile(expressions: Any, arguments: Any, *, name: str = "formula", **options: Any) -> Kernel:
    """Make a kernel of sympy expressions.

    expressions  one expression, a matrix or array of them, or any nesting of lists, tuples and dicts
    arguments    symbols, or matrices, arrays and containers of them, in order; a dict names them
    options      those of `kernel`

    Symbols are real unless they are declared complex. Nothing is evaluated or rearranged before the optimiser does it.

    >>> x, y = sympy.symbols("x y")
    >>> compile(x * sympy.exp(-y), [x, y])
    <kernel formula(x, y)>
    """
    from symhep.kernel import Kernel
    from symhep.variants import Options

    known = [f.name for f in fields(Options)]
    for option in options:
        if option not in known:
            raise ArgumentError(f"sh.compile has no option {option!r}; the options are {listing(['name', *known])}")
    parameters = options.pop("parameters", ())
    names = (parameters,) if isinstance(parameters, (str, sympy.Basic)) else tuple(parameters)
    chosen = Options(**options, parameters=tuple([str(p) for p in names]))
    traced, function = from_sympy(expressions, arguments, chosen.parameters, name)
    made = Kernel.from_traced(traced, chosen)
    made.fn = function
    return made


def expression(traced: Traced) -> Any:
    """A traced function as written: an expression, or the result's container of expressions, matrices and arrays."""
    symbols = {n.attrs[0]: sympy.Symbol(n.attrs[0], complex=n.dtype == "complex" or None) for n in traced.graph.inputs}
    cells = iter(to_sympy(expanded(traced.as_written, ("custom",)), symbols))
    return traced.tree.build(iter([_assembled(o, cells) for o in traced.outputs]))


def _assembled(output: Output, cells: Iterator[Any]) -> Any:
    if not output.shape:
        return next(cells)
    made: dict[tuple[int, ...], Any] = {}
    for i in np.ndindex(*output.shape):
        mirrored = output.symmetric and i[0] > i[1]
        made[i] = made[i[::-1]] if mirrored else next(cells)
    if len(output.shape) == 2:
        return sympy.ImmutableDenseMatrix(*output.shape, list(made.values()))
    return sympy.ImmutableDenseNDimArray(list(made.values()), output.shape)


def program(graph: Graph) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """An optimised program in the form of sympy.cse: replacements, and the real outputs."""
    return replacements(graph)


class _Arguments:
    """The arguments of a formula: their forms, and which symbol is which value."""

    def __init__(self, given: Any, parameters: Iterable[Any]) -> None:
        self.arguments: list[Argument] = []
        self.places: dict[Any, tuple[int, tuple[int, ...]]] = {}
        self.leaves = 0
        without_batch = {parameters} if isinstance(parameters, str) else {str(p) for p in parameters}
        for position, (name, entry) in enumerate(_named(given)):
            if isinstance(entry, Argument):
                self._described(entry)
                continue
            leaves, tree = flatten(entry, lambda v: not isinstance(v, (list, tuple, dict)))
            cores = tuple([self._leaf(leaf) for leaf in leaves])
            name = name or _name_of(entry) or f"argument{position}"
            self.arguments.append(Argument(name, tree, cores, parameter=name in without_batch))
        unknown = without_batch - {a.name for a in self.arguments}
        if unknown:
            raise ArgumentError(f"{listing(sorted(unknown))} in parameters= is not an argument")

    def _described(self, argument: Argument) -> None:
        """An argument of another kernel: its components' names are the symbols'."""
        for path, core in zip(argument.tree.paths(argument.name), argument.cores, strict=True):
            for name, index in columns_of(path, core):
                self.places[name] = (self.leaves, index)
            self.leaves += 1
        self.arguments.append(argument)

    def _leaf(self, leaf: Any) -> Core:
        position, self.leaves = self.leaves, self.leaves + 1
        cells, shape = _cells(leaf)
        for index, symbol in cells.items():
            place = self.places.setdefault(_key(symbol), (position, index))
            if place[0] != position:
                raise ArgumentError(f"the symbol {symbol} is an argument twice")
        symbols = list(cells.values())
        kind = "complex" if any(_is_complex(s) for s in symbols) else "real"
        square = len(shape) == 2 and shape[0] == shape[1] > 1
        symmetric = square and all(cells[i] == cells[i[::-1]] for i in cells)
        return Core(kind, shape, symmetric)


def _named(given: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(given, Mapping):
        yield from ((str(name), entry) for name, entry in given.items())
    elif isinstance(given, (list, tuple, set, frozenset)):
        entries = sorted(given, key=str) if isinstance(given, (set, frozenset)) else given
        yield from (("", entry) for entry in entries)
    else:
        yield "", given


def _cells(leaf: Any) -> tuple[dict[tuple[int, ...], Any], tuple[int, ...]]:
    """The symbols of an argument by index, and its shape."""
    if isinstance(leaf, sympy.MatrixSymbol):
        leaf = leaf.as_explicit()
    elif isinstance(leaf, sympy.IndexedBase) and leaf.shape is not None:
        base, shape = leaf, tuple(int(d) for d in leaf.shape)
        return {i: base[i] for i in np.ndindex(*shape)}, shape
    if isinstance(leaf, sympy.MatrixBase):
        rows, columns = leaf.shape
        shape = (rows,) if columns == 1 else (rows, columns)
        return {i: leaf[i if columns > 1 else (i[0], 0)] for i in np.ndindex(*shape)}, shape
    if isinstance(leaf, (sympy.NDimArray, np.ndarray)):
        return {i: leaf[i] for i in np.ndindex(*leaf.shape)}, tuple(leaf.shape)
    if _key(leaf) is None:
        what = f"{leaf!r:.60} cannot be an argument"
        raise ArgumentError(message(what, instead="a symbol, or a matrix, array or list of symbols"))
    return {(): leaf}, ()


def _key(leaf: Any) -> Any:
    """What a leaf of an expression is looked up by; None if it is not a leaf.

    Symbols of the same name are the same argument, whatever is assumed about them.
    """
    if isinstance(leaf, sympy.MatrixSymbol):
        return None
    if isinstance(leaf, sympy.Dummy):
        return leaf
    if isinstance(leaf, sympy.Symbol):
        return leaf.name
    if isinstance(leaf, sympy.matrices.expressions.matexpr.MatrixElement):
        return (leaf.parent.name, *map(int, leaf.indices))
    if isinstance(leaf, sympy.Indexed):
        return (leaf.base.name, *map(int, leaf.indices))
    return None


def _is_complex(symbol: Any) -> bool:
    return symbol.is_imaginary is True or (symbol.is_complex is True and symbol.is_real is None)


def _name_of(entry: Any) -> str:
    """The name of an argument: the symbol's, or what stands before the index in the names of its components."""
    if isinstance(entry, (sympy.Symbol, sympy.MatrixSymbol, sympy.IndexedBase)):
        return str(entry.name)
    if isinstance(entry, (sympy.MatrixBase, sympy.NDimArray, np.ndarray)):
        roots = {str(s).partition("[")[0] for s in _cells(entry)[0].values()}
        if len(roots) == 1:
            return roots.pop()
    return ""


class _Formula:
    """sympy expressions as a Python function of numbers, arrays or traced values."""

    def __init__(self, expressions: Any, arguments: _Arguments) -> None:
        self.arguments = arguments
        outputs, self.tree = flatten(expressions, lambda v: not isinstance(v, (list, tuple, dict)))
        reader = _Reader(arguments.places)
        self.slots = [reader.read_all(_result(v)) for v in outputs]
        reader.check()
        self.steps = reader.steps

    def __call__(self, *values: Any) -> Any:
        leaves = [v for a, given in zip(self.arguments.arguments, values, strict=True) for _, v in a.tree.take(given)]
        lift = _lifting(leaves)
        slot: list[Any] = []
        for function, args in self.steps:
            if function is _leaf:
                position, index = args
                slot.append(leaves[position][(..., *index)] if index else leaves[position])
            elif function is constant:
                slot.append(lift(args[0]))
            else:
                slot.append(function(*[slot[a] for a in args]))
        return self.tree.build(iter([_gather(slot, s) for s in self.slots]))


def _leaf() -> None:
    """Marks a step that takes an argument."""


def _lifting(leaves: Sequence[Any]) -> Callable[[Any], Any]:
    """How exact constants join the values: as traced values if the arguments are, else as floats."""
    for x in leaves:
        recorder = getattr(x, "_recorder", None)
        if recorder is not None:
            return recorder.value
    return lambda number: number if isinstance(number, (bool, complex)) else float(number)


def _gather(slot: list[Any], where: np.ndarray) -> Any:
    if not where.ndim:
        return slot[where[()]]
    values = [slot[i] for i in where.flat]
    if not any(isinstance(v, Scalar) for v in values):
        same = np.broadcast_arrays(*values)
        return np.array(same).reshape(where.shape + same[0].shape)
    cells = np.empty(where.shape, object)
    for i, v in zip(np.ndindex(*where.shape), values):
        cells[i] = v
    return cells


def _result(value: Any) -> np.ndarray:
    """An output as an object array of expressions (of no dimension for one expression)."""
    if isinstance(value, str):
        what = f"the text {value!r:.40} is not an expression, and sympy would have to evaluate it as Python code"
        raise ArgumentError(message(what, instead="symbols and sympy functions; sympy.sympify(text) if you trust it"))
    if isinstance(value, sympy.MatrixExpr):
        value = value.as_explicit()
    if isinstance(value, (sympy.MatrixBase, sympy.NDimArray, np.ndarray)):
        cells = np.empty(value.shape, object)
        for i in np.ndindex(*value.shape):
            cells[i] = _expression(value[i])
        return cells
    cell = np.empty((), object)
    cell[()] = _expression(value)
    return cell


def _expression(value: Any) -> sympy.Basic:
    if isinstance(value, sympy.Basic):
        return value
    if isinstance(value, (bool, int, float, complex, np.number, Fraction)):
        return sympy.sympify(value)
    what = f"an output is of type {type(value).__name__}: {value!r:.60}"
    raise ArgumentError(message(what, instead="sympy expressions, or @sh.kernel for a Python function"))


class _Reader:
    """Turns expressions into steps, each object once; collects what it does not know."""

    def __init__(self, places: Mapping[Any, tuple[int, tuple[int, ...]]]) -> None:
        self.places = places
        self.steps: list[Step] = []
        self.unknown: dict[str, str] = {}
        self.free: dict[str, None] = {}
        self._slot: dict[int, int] = {}
        self._alive: list[sympy.Basic] = []  # ids are looked up, so the objects must not be freed

    def read_all(self, cells: np.ndarray) -> np.ndarray:
        """The slots of an array of expressions."""
        slots = np.empty(cells.shape, int)
        for i in np.ndindex(*cells.shape):
            slots[i] = self.read(cells[i])
        return slots

    def read(self, root: sympy.Basic) -> int:
        """The slot of an expression; arguments first, without recursion."""
        stack = [root]
        plans: dict[int, Step] = {}
        while stack:
            expr = stack[-1]
            if id(expr) in self._slot:
                stack.pop()
                continue
            if id(expr) not in plans:
                self._alive.append(expr)
                plans[id(expr)] = self._plan(expr)
            function, children = plans[id(expr)]
            if function in (_leaf, constant):
                args: Sequence[Any] = children
            else:
                waiting = [c for c in children if id(c) not in self._slot]
                if waiting:
                    stack += reversed(waiting)
                    continue
                args = [self._slot[id(c)] for c in children]
            self._slot[id(expr)] = len(self.steps)
            self.steps.append((function, args))
            stack.pop()
        return self._slot[id(root)]

    def _plan(self, expr: sympy.Basic) -> Step:
        key = _key(expr)
        if key is not None:
            if key not in self.places:
                self.free[str(expr)] = None
                return constant, (0,)
            return _leaf, self.places[key]
        for cls in type(expr).__mro__:
            if cls in PLANS:
                return PLANS[cls](expr)
        if isinstance(expr, sympy.core.function.AppliedUndef) and expr.func.__name__ in BY_NAME:
            return BY_NAME[expr.func.__name__], expr.args
        return self._refuse(expr)

    def _refuse(self, expr: sympy.Basic) -> Step:
        name = type(expr).__name__
        if isinstance(expr, (sympy.Integral, sympy.Derivative, sympy.Sum, sympy.Product, sympy.Limit, sympy.Subs)):
            self.unknown[name] = "call .doit() first"
        else:
            like = nearest(name, sorted({*(c.__name__ for c in PLANS), *BY_NAME}))
            hint = f"did you mean {listing(like, 'or')}?" if like else "rewrite it in elementary functions"
            self.unknown[name] = hint
        return constant, (0,)

    def check(self) -> None:
        """Raise ArgumentError for everything that was not understood."""
        if self.free:
            what = f"{listing(self.free)} in the expression, but not among the arguments"
            raise ArgumentError(message(what, instead=f"sh.compile(expressions, [..., {', '.join(self.free)}])"))
        if self.unknown:
            lines = [f"{name}: {hint}" for name, hint in self.unknown.items()]
            raise ArgumentError("\n  ".join(["symhep does not have these sympy functions", *lines]))
