"""Traced arrays of fixed size: NumPy arrays of traced scalars, one cell each.

Structure (indexing, stacking, transposing) is NumPy's own, applied to the cells; arithmetic goes cell by cell. Views
share their cells as in NumPy, so assigning to an item works, although no node ever changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symhep.tracing.functions import FUNCTIONS
from symhep.tracing.recorder import Recorder
from symhep.tracing.refusals import no_value, refusal
from symhep.tracing.source import Spot
from symhep.tracing.values import DTYPES, PROTOCOLS, Scalar

MAX_CONSTANT = 64  # elements of a constant array that is written out in the graph


class Array:
    """A traced array of fixed shape. Made by symhep; computes like a NumPy array."""

    __slots__ = ("_cells", "_recorder")
    __array_priority__ = 1001.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, recorder: Recorder, cells: np.ndarray):
        self._recorder = recorder
        self._cells = cells

    @property
    def shape(self) -> tuple[int, ...]:
        return self._cells.shape

    @property
    def ndim(self) -> int:
        return self._cells.ndim

    @property
    def size(self) -> int:
        return self._cells.size

    @property
    def kind(self) -> str:
        """What its cells are: "complex" or "real" if any cell is, else "bool"."""
        kinds = {cell.kind for cell in self._cells.flat}
        return next((k for k in ("complex", "real") if k in kinds), "bool" if kinds else "real")

    @property
    def dtype(self) -> np.dtype:
        """The NumPy type that it stands for, in double precision."""
        return DTYPES[self.kind]

    @property
    def T(self):
        return Array(self._recorder, self._cells.T)

    @property
    def mT(self):
        return Array(self._recorder, self._cells.swapaxes(-1, -2))

    @property
    def real(self):
        return self._map(lambda cell: cell.real)

    @property
    def imag(self):
        return self._map(lambda cell: cell.imag)

    @property
    def flat(self):
        return iter(self._cells.ravel())

    def _map(self, function: Callable) -> Any:
        return elementwise(self._recorder, function, (self,))

    def conjugate(self):
        return self._map(FUNCTIONS["conjugate"])

    conj = conjugate

    def astype(self, dtype, **_options):
        """The array as another kind of number: float, complex or bool of any width."""
        return self._map(lambda cell: cell.astype(dtype))

    def copy(self, order="C"):
        return Array(self._recorder, self._cells.copy())

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def flatten(self, order="C"):
        return Array(self._recorder, self._cells.flatten(order))

    def tolist(self) -> list:
        return self._cells.tolist()

    def item(self, *index):
        return self._cells.item(*index)

    def fill(self, value) -> None:
        self[...] = value

    def reshape(self, *shape, order="C"):
        return Array(self._recorder, self._cells.reshape(*shape, order=order))

    def transpose(self, *axes):
        return Array(self._recorder, self._cells.transpose(*axes))

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self):
        return (wrap(self._recorder, part) for part in self._cells)

    def __getitem__(self, index):
        return wrap(self._recorder, self._cells[_plain_index(index)])

    def __setitem__(self, index, value):
        cells = cells_of(self._recorder, value)
        self._cells[_plain_index(index)] = cells if cells.ndim else cells[()]

    def __bool__(self) -> bool:
        raise no_value("bool")

    def __array__(self, dtype=None, copy=None):
        if self.kind == "complex":
            raise refusal(
                "np.array of complex traced values: NumPy would lose .real and .imag of its elements",
                "the array as it is, or sh.array",
            )
        if dtype is not None and np.dtype(dtype) != object:
            raise no_value("float")
        if self._recorder.objects is None:
            self._recorder.objects = Spot.here()
        return self._cells.copy()

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return PROTOCOLS["ufunc"](self._recorder, ufunc, method, inputs, options)

    def __array_function__(self, func, types, args, kwargs):
        return PROTOCOLS["function"](self._recorder, func, args, kwargs)

    def __repr__(self) -> str:
        return f"<traced {self.kind} array of shape {self.shape}>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __matmul__(self, other):
        return np.matmul(self, other)

    def __rmatmul__(self, other):
        return np.matmul(other, self)

    def __imatmul__(self, other):
        return _in_place(self, np.matmul(self, other))

    def __neg__(self):
        return self._map(FUNCTIONS["negative"])

    def __pos__(self):
        return self.copy()

    def __abs__(self):
        return self._map(FUNCTIONS["absolute"])

    def __invert__(self):
        return self._map(FUNCTIONS["invert"])


def wrap(recorder: Recorder, result: Any) -> Any:
    """Dress what NumPy returned for cells: arrays become traced arrays, lists and tuples of them likewise."""
    if isinstance(result, np.ndarray):
        if result.ndim == 0:
            return recorder.value(result[()])
        if result.dtype == object and all(isinstance(cell, Scalar) for cell in result.flat):
            return Array(recorder, result)
        return Array(recorder, cells_of(recorder, result))
    if isinstance(result, (list, tuple)):
        parts = [wrap(recorder, part) for part in result]
        return type(result)(parts) if type(result) in (list, tuple) else tuple(parts)
    return result


def cells_of(recorder: Recorder, value: Any) -> np.ndarray:
    """The cells of any value as a NumPy array of traced scalars; of no dimension for a scalar."""
    if isinstance(value, Array):
        if value._recorder is not recorder:
            recorder.value(value._cells.flat[0])  # raises
        return value._cells
    if isinstance(value, (list, tuple)):
        return _stack(recorder, value)
    if isinstance(value, np.ndarray) and value.ndim:
        return _lift(recorder, value)
    cell = np.empty((), object)
    cell[()] = recorder.value(value)
    return cell


def _stack(recorder: Recorder, values: Any) -> np.ndarray:
    parts = [cells_of(recorder, v) for v in values]
    if not parts:
        return np.empty(0, object)
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise refusal(f"a list of values of different shapes {sorted(shapes)} is not an array")
    return np.stack(parts)


def _lift(recorder: Recorder, array: np.ndarray) -> np.ndarray:
    if array.size > MAX_CONSTANT and array.dtype != object:
        what = f"a constant array of {array.size} elements, shape {array.shape}, inside a kernel"
        raise refusal(f"{what}: more than {MAX_CONSTANT} are not supported yet", "an argument of the kernel")
    cells = np.empty(array.shape, object)
    for index in np.ndindex(array.shape):
        cells[index] = recorder.value(array[index])
    return cells


def elementwise(recorder: Recorder, function: Callable, inputs: tuple, results: int = 1) -> Any:
    """Apply a function of traced scalars cell by cell, broadcasting as NumPy does."""
    cells = [cells_of(recorder, v) for v in inputs]
    return wrap(recorder, np.frompyfunc(function, len(cells), results)(*cells))


def _plain_index(index: Any) -> Any:
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, Array):
            word = "mask" if part.kind == "bool" else "index"
            raise refusal(f"a traced {word} picks different elements in each event", "np.where(condition, a, b)")
    return index


def _in_place(array: Array, result: Any) -> Array:
    array[...] = result
    return array


_ARRAY_LIKE = (Array, Scalar, np.ndarray, np.generic, list, tuple, int, float, complex)


def _binary(name: str, reflected: bool = False) -> Callable:
    def method(self, other):
        if self._recorder.node_of(other) is None and not isinstance(other, _ARRAY_LIKE):
            return NotImplemented
        inputs = (other, self) if reflected else (self, other)
        return elementwise(self._recorder, FUNCTIONS[name], inputs, 2 if name == "divmod" else 1)

    return method


def _updating(name: str) -> Callable:
    def method(self, other):
        return _in_place(self, elementwise(self._recorder, FUNCTIONS[name], (self, other)))

    return method


def _by_numpy(name: str) -> Callable:
    def method(self, *args, **options):
        return getattr(np, name)(self, *args, **options)

    return method


for _name, _function in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "divmod": "divmod",
}.items():  # fmt: skip
    setattr(Array, f"__{_name}__", _binary(_function))
    setattr(Array, f"__r{_name}__", _binary(_function, reflected=True))
    if _name != "divmod":
        setattr(Array, f"__i{_name}__", _updating(_function))

for _name, _function in {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
}.items():  # fmt: skip
    setattr(Array, f"__{_name}__", _binary(_function))

_METHODS = """
    sum prod mean std var min max any all cumsum cumprod clip round dot
    trace diagonal ravel squeeze swapaxes take repeat
"""
for _name in _METHODS.split():
    setattr(Array, _name, _by_numpy(_name))
