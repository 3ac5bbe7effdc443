"""What the arguments of a kernel are: the annotations, and how a function's signature is read.

`sh.Scalar`, `sh.Vector[4]`, `sh.Symmetric[5]` and so on are plain objects that describe one event's value. An argument
without annotation is a real scalar.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import numbers
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symhep.containers import LEAF, Tree, is_namedtuple
from symhep.errors import ArgumentError, listing, message, nearest
from symhep.tracing.source import describe_definition, name_of, unwrapped

Dims = tuple[int | str, ...]

# What may be assumed about an argument, in sympy's words
assumptions = ("integer", "negative", "nonnegative", "nonpositive", "nonzero", "positive")


@dataclass(frozen=True, slots=True)
class Core:
    """One event's value: its kind ("real", "complex", "integer", "bool"), its shape, and whether it is symmetric.

    `axis` is the name of the batch axis: arguments with the same one are columns of one set of events. None is for
    what has one value per call. `assumed` is what holds for every cell, of the names in `assumptions`.

    >>> Vector[4].shape, Symmetric[5].shape, Complex[2, 2].kind
    ((4,), (5, 5), 'complex')
    """

    kind: str = "real"
    shape: Dims = ()
    symmetric: bool = False
    axis: str | None = "batch"
    assumed: frozenset[str] = dataclasses.field(default=frozenset(), kw_only=True)

    def over(self, axis: str) -> Core:
        """The same for the events of another batch axis; raises ArgumentError if that is not a name.

        >>> Vector[4].over("mc")
        sh.Vector[4].over('mc')
        """
        if not (isinstance(axis, str) and axis.isidentifier()):
            raise ArgumentError(f"{self!r}.over({axis!r}): a batch axis is named by an identifier, such as 'mc'")
        return dataclasses.replace(self, axis=axis)

    def __getitem__(self, dims: Any) -> Core:
        """The array of such values with these dimensions."""
        return Core(self.kind, _dims(dims, f"sh.{self.kind.capitalize()}"), axis=self.axis)

    @property
    def size(self) -> int:
        """The number of cells; of a symmetric matrix, those of the upper triangle."""
        if self.symmetric:
            return int(self.shape[0]) * (int(self.shape[0]) + 1) // 2
        return math.prod([int(d) for d in self.shape])

    def __repr__(self) -> str:
        return self._form + (f".over({self.axis!r})" if self.axis not in ("batch", None) else "")

    @property
    def _form(self) -> str:
        dims = f"[{', '.join([repr(d) for d in self.shape[: 1 if self.symmetric else None]])}]" if self.shape else ""
        if self.symmetric:
            return f"sh.Symmetric{dims}"
        if self.kind == "real" and self.shape:
            names = {1: "Vector", 2: "Matrix"} if all(isinstance(d, int) for d in self.shape) else {}
            return f"sh.{names.get(len(self.shape), 'Array')}{dims}"
        scalars = {"real": "Scalar", "bool": "Boolean"}
        return f"sh.{scalars.get(self.kind, self.kind.capitalize())}{dims}"


def _dims(dims: Any, name: str, rank: int | None = None) -> Dims:
    dims = dims if isinstance(dims, tuple) else (dims,)
    if rank is not None and len(dims) != rank:
        raise ArgumentError(f"{name} has {rank} dimension{'s' * (rank > 1)}, got {len(dims)}")
    for d in dims:
        if not (isinstance(d, str) or (isinstance(d, (int, np.integer)) and not isinstance(d, bool) and d > 0)):
            what = f"{name}[{d!r}]: a dimension is a positive integer, or a name for a size known at run time"
            raise ArgumentError(what)
    return tuple([d if isinstance(d, str) else int(d) for d in dims])


class _Shaped:
    """`sh.Vector` and the like: subscripted by the dimensions, they are a Core."""

    def __init__(self, name: str, rank: int | None, symmetric: bool = False):
        self.name, self.rank, self.symmetric = name, rank, symmetric

    def __getitem__(self, dims: Any) -> Core:
        shape = _dims(dims, self.name, self.rank)
        return Core("real", shape * 2 if self.symmetric else shape, self.symmetric)

    def __repr__(self) -> str:
        return self.name


class _Static:
    """The annotation of arguments that are Python constants while tracing."""

    def __repr__(self) -> str:
        return "sh.Static"


Scalar = Core()
Complex = Core("complex")
Integer = Core("integer")
Boolean = Core("bool")
Vector = _Shaped("sh.Vector", 1)
Matrix = _Shaped("sh.Matrix", 2)
Symmetric = _Shaped("sh.Symmetric", 1, symmetric=True)
Array = _Shaped("sh.Array", None)
Static = _Static()

_PLAIN = {complex: Complex, int: Integer, bool: Boolean}
_NO_DEFAULT = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a kernel.

    tree, cores  its form and the values at its leaves
    default      what it is when it is left out; `inspect.Parameter.empty` if it may not be
    kind         how it may be passed, as in `inspect.Parameter`
    static       whether it is a Python constant while tracing
    symbols      the sympy symbols of its columns, pickled; empty where they have the columns' names
    """

    name: str
    tree: Tree = LEAF
    cores: tuple[Core, ...] = (Scalar,)
    default: Any = _NO_DEFAULT
    kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
    static: bool = False
    symbols: bytes = b""

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is _NO_DEFAULT

    @property
    def parameter(self) -> bool:
        """Whether it has one value per call."""
        return bool(self.cores) and all(core.axis is None for core in self.cores)


def specification(annotation: Any, name: str) -> tuple[Tree, tuple[Core, ...]]:
    """The form and the cores that an annotation describes."""
    if isinstance(annotation, Core):
        return LEAF, (annotation,)
    if isinstance(annotation, _Shaped):
        raise ArgumentError(f"{name}: {annotation} needs its dimensions, as in {annotation}[4]")
    if is_namedtuple(annotation) or (dataclasses.is_dataclass(annotation) and isinstance(annotation, type)):
        return _class_form(annotation, name)
    if typing.get_origin(annotation) is tuple:
        return _tuple_form(typing.get_args(annotation), name)
    if isinstance(annotation, (tuple, list)):
        return _tuple_form(tuple(annotation), name)
    if isinstance(annotation, Mapping):
        return _join("dict", tuple(annotation), list(annotation.values()), name, None)
    return LEAF, (_PLAIN.get(annotation, Scalar) if isinstance(annotation, type) else Scalar,)


def _tuple_form(parts: tuple, name: str) -> tuple[Tree, tuple[Core, ...]]:
    if Ellipsis in parts:
        what = f"{name}: a tuple of any length cannot be an argument"
        raise ArgumentError(message(what, instead="tuple[a, b, c], or sh.Vector[3]"))
    return _join("tuple", tuple(range(len(parts))), list(parts), name, None)


def _class_form(cls: type, name: str) -> tuple[Tree, tuple[Core, ...]]:
    hints = hints_of(cls, name)
    if is_namedtuple(cls):
        kind, keys = "namedtuple", cls._fields  # type: ignore[attr-defined]
    else:
        kind, keys = "dataclass", tuple([f.name for f in dataclasses.fields(cls) if f.init])  # type: ignore[arg-type]
    return _join(kind, keys, [hints.get(key, Scalar) for key in keys], name, cls)


def _join(kind: str, keys: tuple, annotations: list, name: str, cls: type | None) -> tuple[Tree, tuple[Core, ...]]:
    forms = [specification(a, Tree(kind).step(name, key)) for key, a in zip(keys, annotations)]
    return Tree(kind, keys, tuple([t for t, _ in forms]), cls), tuple([c for _, cores in forms for c in cores])


def hints_of(owner: Any, name: str) -> dict[str, Any]:
    """The annotations of a function or class, with those that are text evaluated where it was defined."""
    owner = unwrapped(owner)
    if not isinstance(owner, type) and not hasattr(owner, "__annotations__"):
        owner = type(owner).__call__
    closure = {}
    if isinstance(owner, types.FunctionType) and owner.__closure__:
        for variable, cell in zip(owner.__code__.co_freevars, owner.__closure__):
            try:
                closure[variable] = cell.cell_contents
            except ValueError:  # not set yet
                continue
    try:
        return typing.get_type_hints(owner, localns=closure or None, include_extras=True)
    except TypeError:  # tuples and dicts of annotations, as text: not what `typing` calls a type
        return _texts_evaluated(owner, closure)
    except NameError as error:
        what = f"{name}: an annotation names {error.name!r}, which is not defined there"
        instead = "an import that also happens at run time, or no annotation for a real scalar"
        raise ArgumentError(message(what, _place(owner), instead)) from None


def _texts_evaluated(owner: Any, closure: Mapping[str, Any]) -> dict[str, Any]:
    """The annotations of a function or class, and those that it inherits, whatever they are."""
    found: dict[str, Any] = {}
    for one in reversed(owner.__mro__) if isinstance(owner, type) else [owner]:
        found |= inspect.get_annotations(one, locals=dict(closure) or None, eval_str=True)
    return found


def _place(owner: Any) -> str:
    return describe_definition(owner) if isinstance(owner, types.FunctionType) else repr(owner)


def names_in(parameters: Any) -> tuple[str, ...]:
    """The names of arguments that `parameters=` gives: one, or several.

    >>> names_in("mass"), names_in(["mass", "width"])
    (('mass',), ('mass', 'width'))
    """
    if isinstance(parameters, str):
        return (parameters,)
    if not isinstance(parameters, Iterable):
        what = f"parameters is a name or several names of arguments, got {parameters!r}"
        raise ArgumentError(message(what, instead='parameters=("mass", "width")'))
    return tuple(parameters)


def arguments_of(
    function: Callable, parameters: Iterable[str] = (), given: Mapping[str, Any] | None = None
) -> tuple[Argument, ...]:
    """Read a function's signature and annotations; `given` overrides annotations by name."""
    parameters = names_in(parameters)
    signature = inspect.signature(function)
    _check_names((*parameters, *(given or ())), signature, function)
    hints = {**hints_of(function, name_of(function)), **(given or {})}
    return tuple([_argument(p, hints, p.name in parameters, function) for p in signature.parameters.values()])


def _check_names(names: tuple[str, ...], signature: inspect.Signature, function: Callable) -> None:
    for name in names:
        if name not in signature.parameters:
            close = nearest(name, signature.parameters) or list(signature.parameters)
            what = f"{name_of(function)} has no argument {name!r}"
            raise ArgumentError(message(what, describe_definition(function), listing(close, "or")))


def _argument(p: inspect.Parameter, hints: dict, parameter: bool, function: Callable) -> Argument:
    if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
        star = "*" if p.kind == p.VAR_POSITIONAL else "**"
        what = f"{name_of(function)} takes {star}{p.name}: a kernel's arguments have to be known"
        raise ArgumentError(message(what, describe_definition(function), "each argument by name, or sh.Vector[n]"))
    if hints.get(p.name) is Static or (p.name not in hints and _implies_static(p.default)):
        return Argument(p.name, default=p.default, kind=p.kind, static=True, cores=())
    tree, cores = specification(hints.get(p.name), p.name)
    if parameter and any(core.axis != "batch" for core in cores):
        what = f"{p.name} is a parameter and has no batch axis, but is annotated as {listing(map(repr, cores))}"
        raise ArgumentError(message(what, describe_definition(function), f"{p.name} without .over, or no parameter"))
    return Argument(p.name, tree, once_per_call(cores) if parameter else cores, p.default, p.kind)


def once_per_call(cores: Iterable[Core]) -> tuple[Core, ...]:
    """The same values without a batch axis."""
    return tuple([dataclasses.replace(core, axis=None) for core in cores])


def _implies_static(default: Any) -> bool:
    """Whether a default value cannot be a number per event: text, None, a flag, a function, a container."""
    return default is not _NO_DEFAULT and (isinstance(default, bool) or not isinstance(default, numbers.Number))
