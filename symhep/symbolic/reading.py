"""sympy expressions in: read without recursion and without evaluating anything, sharing kept."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.expressions import ArrayElement, ArraySymbol
from sympy.vector.scalar import BaseScalar

from symhep.containers import flatten
from symhep.errors import ArgumentError, listing, message, nearest
from symhep.garbage import collection_paused
from symhep.symbolic.arguments import Arguments, is_leaf, key_of, name_of, symbols_by_column
from symhep.symbolic.objects import array_of, components_of
from symhep.symbolic.steps import Step, constant, same
from symhep.symbolic.steps import leaf as leaf_step
from symhep.symbolic.table import BY_NAME, PLANS, REFUSED
from symhep.symbolic.unevaluated import Refused, number, refuse, written_out
from symhep.symbolic.writing import replacements, to_sympy
from symhep.tracing.custom import expanded
from symhep.tracing.trace import Traced, recording, trace

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
    given = Arguments(arguments, parameters)
    with collection_paused():
        formula = _Formula(expressions, given)

    def function(*values: Any) -> Any:
        return formula(*values)

    function.__name__ = function.__qualname__ = name
    return trace(function, given.arguments, constant=True, once=True), function


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
    chosen = Options(**options, parameters=tuple([name_of(p) or str(p) for p in names]))
    traced, function = from_sympy(expressions, arguments, chosen.parameters, name)
    made = Kernel.from_traced(traced, chosen)
    made.fn = function
    return made


def expression(traced: Traced) -> Any:
    """A traced function as written: an expression, or the result's container of expressions, matrices and arrays."""
    cells = iter(to_sympy(expanded(traced.as_written, ("custom",)), symbols_by_column(traced)))
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


# what can be no argument; what is one, or is missing among them
_NO_LEAVES = frozenset(PLANS) - {MatrixElement, sympy.Derivative, sympy.Unequality}
_LEAVES = (sympy.Symbol, sympy.Indexed, sympy.MatrixSymbol, ArraySymbol, ArrayElement, BaseScalar)


class _Formula:
    """sympy expressions as a Python function of numbers, arrays or traced values."""

    def __init__(self, expressions: Any, arguments: Arguments) -> None:
        self.arguments = arguments
        outputs, self.tree = flatten(_contained(expressions), is_leaf)
        reader = _Reader(arguments)
        self.slots = [reader.read(_result(v)) for v in outputs]
        reader.check()
        self.steps = reader.steps

    def __call__(self, *values: Any) -> Any:
        leaves = [v for a, given in zip(self.arguments.arguments, values, strict=True) for _, v in a.tree.take(given)]
        lift = _lifting(leaves)
        slot: list[Any] = []
        for function, args in self.steps:
            if function is leaf_step:
                position, index = args
                slot.append(leaves[position][(..., *index)] if index else leaves[position])
            elif function is constant:
                slot.append(lift(args[0]))
            else:
                slot.append(function(*[slot[a] for a in args]))
        return self.tree.build(iter([slot[s] for s in self.slots]))


def _contained(value: Any) -> Any:
    """Results with sympy's tuples and other packages' vectors as containers."""
    value = components_of(value)
    if isinstance(value, dict):
        return {key: _contained(part) for key, part in value.items()}
    return type(value)([_contained(part) for part in value]) if isinstance(value, (list, tuple)) else value


def _lifting(leaves: Sequence[Any]) -> Callable[[Any], Any]:
    """How exact constants join the values: as traced values if the arguments are, else as floats."""
    recorder = recording()
    for x in leaves:
        recorder = getattr(x, "_recorder", recorder)
    if recorder is not None:
        return recorder.value
    return lambda number: number if isinstance(number, (bool, complex)) else float(number)


def _result(value: Any) -> sympy.Basic:
    """An output as an expression, or as a matrix or array of them."""
    if isinstance(value, str):
        what = f"the text {value!r:.40} is not an expression, and sympy would have to evaluate it as Python code"
        raise ArgumentError(message(what, instead="symbols and sympy functions; sympy.sympify(text) if you trust it"))
    value = value.as_explicit() if isinstance(value, ArraySymbol) else array_of(value)
    if isinstance(value, np.ndarray) and value.ndim:
        cells = [_result(v) for v in value.flat]
        return sympy.ImmutableDenseNDimArray(cells, value.shape)
    if isinstance(value, (sympy.Basic, sympy.MatrixBase, sympy.NDimArray)):
        return value
    if isinstance(value, (bool, np.bool_, numbers.Number, mpmath.mpf, mpmath.mpc)):
        return sympy.sympify(value)
    what = f"an output is of type {type(value).__name__}: {value!r:.60}"
    raise ArgumentError(message(what, instead="sympy expressions, or @sh.kernel for a Python function"))


class _Reader:
    """Turns expressions into steps, each object once; collects what it does not know."""

    def __init__(self, arguments: Arguments) -> None:
        self.places, self.matrices, self.conditions = arguments.places, arguments.matrices, arguments.conditions
        self.steps: list[Step] = []
        self.unknown: dict[str, str] = {}
        self.free: dict[str, None] = {}
        self._slot: dict[int, int] = {}
        self._alive: list[Any] = []  # ids are looked up, so the objects must not be freed

    def read(self, root: Any) -> int:
        """The slot of an expression; arguments first, without recursion."""
        slot, steps, stack = self._slot, self.steps, [root]
        plans: dict[int, Step] = {}
        while stack:
            expr = stack[-1]
            if id(expr) in slot:
                stack.pop()
                continue
            plan = plans.get(id(expr))
            if plan is None:
                self._alive.append(expr)
                plan = plans[id(expr)] = self._plan(expr)
            function, children = plan
            args = children
            if function is not leaf_step and function is not constant:
                args = [slot.get(id(c)) for c in children]
                if None in args:
                    stack += [c for c in reversed(children) if id(c) not in slot]
                    continue
            slot[id(expr)] = len(steps)
            steps.append((function, args))
            stack.pop()
        return slot[id(root)]

    def _plan(self, expr: Any) -> Step:
        try:
            if type(expr) in _NO_LEAVES:
                return PLANS[type(expr)](expr)
            return self._leaf(expr) or self._known(expr) or written_out(expr) or self._refuse(expr)
        except Refused as why:
            self.unknown[type(expr).__name__] = str(why)
            return constant, (0,)

    def _leaf(self, expr: Any) -> Step | None:
        """The step of an expression that is an argument, or is missing among them."""
        key = key_of(expr)
        if key is not None and key in self.places:
            return leaf_step, self.places[key]
        if isinstance(expr, sympy.Ne) and expr.rhs == 0 and key_of(expr.lhs) in self.conditions:
            return same, [expr.lhs]
        if isinstance(expr, sympy.MatrixSymbol) and expr.name in self.matrices:
            return self._matrix(*self.matrices[expr.name])
        return self._missing(expr) if isinstance(expr, _LEAVES) else None

    def _known(self, expr: Any) -> Step | None:
        """The step of an expression whose class is in the tables."""
        if isinstance(expr, AppliedUndef) and expr.func.__name__ in BY_NAME:
            return BY_NAME[expr.func.__name__], expr.args
        for cls in type(expr).__mro__:
            if cls in PLANS:
                return PLANS[cls](expr)
            if cls.__name__ in REFUSED:
                return number(expr) or refuse(REFUSED[cls.__name__])
        return None

    def _matrix(self, position: int, shape: tuple[int, ...]) -> Step:
        """A matrix that is an argument; a column is a vector among the arguments."""
        return leaf_step, (position, () if shape[1] > 1 else (slice(None), None))

    def _missing(self, expr: Any) -> Step:
        """A symbol that is not among the arguments."""
        key = key_of(expr)
        if isinstance(key, tuple) and any(isinstance(k, tuple) and k[0] == key[0] for k in self.places):
            self.unknown[type(expr).__name__] = f"{expr}: an index has to be a number, within the shape"
        else:
            self.free[str(expr)] = None
        return constant, (0,)

    def _refuse(self, expr: Any) -> Step:
        if not isinstance(expr, AppliedUndef):
            raise Refused("rewrite it in functions that symhep has")
        like = nearest(expr.func.__name__, sorted({*(c.__name__ for c in PLANS), *BY_NAME}))
        raise Refused(f"did you mean {listing(like, 'or')}?" if like else f"give {expr!s:.40} as an argument")

    def check(self) -> None:
        """Raise ArgumentError for everything that was not understood."""
        if self.free:
            what = f"{listing(self.free)} in the expression, but not among the arguments"
            raise ArgumentError(message(what, instead=f"sh.compile(expressions, [..., {', '.join(self.free)}])"))
        if self.unknown:
            lines = [f"{name}: {hint}" for name, hint in self.unknown.items()]
            raise ArgumentError("\n  ".join(["symhep does not have these sympy functions", *lines]))
