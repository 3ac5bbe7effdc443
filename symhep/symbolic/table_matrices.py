"""What each class of sympy's matrix expressions means: functions of arrays whose last two axes are the matrix."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import sympy
from sympy.codegen.matrix_nodes import MatrixSolve
from sympy.core.sympify import _sympify
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.expressions.array_expressions import _ArrayExpr, _CodegenArrayAbstract

from symhep.symbolic.steps import Step, same
from symhep.symbolic.unevaluated import Refused
from symhep.tracing.arrays import wrap
from symhep.tracing.values import Scalar


def filled(shape: tuple[int, ...]) -> Callable[..., Any]:
    """The function that puts cells, in order, into an array of this shape behind any axes that they have."""

    def array(*cells: Any) -> Any:
        if not any(isinstance(c, Scalar) for c in cells):
            same_shape = np.broadcast_arrays(*cells)
            values = np.moveaxis(np.array(same_shape), 0, -1)
            return values.reshape(values.shape[:-1] + shape)
        made = np.empty(shape, object)
        made.reshape(-1)[:] = cells
        return wrap(next(c for c in cells if isinstance(c, Scalar))._recorder, made)

    return array


def explicit(expr: Any) -> Step:
    """A matrix or array with all its cells."""
    shape = tuple(map(int, expr.shape))
    return filled(shape), [_sympify(expr[i]) for i in np.ndindex(*shape)]


def as_explicit(expr: Any) -> Step:
    """A matrix expression cell by cell."""
    if not all(sympy.sympify(d).is_Integer for d in expr.shape):
        raise Refused(f"of the shape ({', '.join(map(str, expr.shape))}): sizes have to be known")
    try:
        return same, [expr.as_explicit()]
    except (NotImplementedError, AttributeError):
        raise Refused("sympy does not give its elements") from None


def _product(expr: Any) -> Step:
    numbers = [a for a in expr.args if not a.is_Matrix]
    matrices = [a for a in expr.args if a.is_Matrix]

    def product(*values: Any) -> Any:
        result = reduce(np.matmul, values[len(numbers) :])
        for number in values[: len(numbers)]:
            result = _over_matrix(number) * result
        return result

    return product, [*numbers, *matrices]


def _over_matrix(number: Any) -> Any:
    """A number per event such that it multiplies a matrix per event."""
    return number if isinstance(number, Scalar) or not np.ndim(number) else number[..., None, None]


def _power(expr: Any) -> Step:
    base, exponent = expr.args
    if not exponent.is_Integer:
        raise Refused(f"to the power {exponent}: integers only")
    n = int(exponent)
    if n == 0:
        return as_explicit(sympy.Identity(base.shape[0]))

    def power(matrix: Any) -> Any:
        matrix = np.linalg.inv(matrix) if n < 0 else matrix
        return reduce(np.matmul, [matrix] * abs(n))

    return power, [base]


def _on(function: Callable[..., Any]) -> Callable[[Any], Step]:
    return lambda expr: (function, expr.args)


def _transposed(matrix: Any) -> Any:
    return np.swapaxes(matrix, -1, -2)


def _trace(matrix: Any) -> Any:
    return reduce(np.add, [matrix[..., i, i] for i in range(matrix.shape[-1])])


def _element(expr: Any) -> Step:
    parent, *indices = expr.args
    if not all(i.is_Integer for i in indices):
        raise Refused(f"{expr}: an index has to be a number")
    place = tuple(map(int, indices))
    return (lambda matrix: matrix[(..., *place)]), [parent]


MATRICES: dict[type, Callable[[Any], Step]] = {
    sympy.MatrixBase: explicit,
    sympy.NDimArray: explicit,
    sympy.MatAdd: _on(lambda *values: reduce(np.add, values)),
    sympy.MatMul: _product,
    sympy.MatPow: _power,
    sympy.Inverse: _on(lambda matrix, *_: np.linalg.inv(matrix)),
    sympy.Transpose: _on(_transposed),
    sympy.Adjoint: _on(lambda matrix: np.conjugate(_transposed(matrix))),
    sympy.HadamardProduct: _on(lambda *values: reduce(np.multiply, values)),
    MatrixSolve: _on(np.linalg.solve),
    sympy.Determinant: _on(np.linalg.det),
    sympy.Trace: _on(_trace),
    MatrixElement: _element,
    sympy.MatrixExpr: as_explicit,
    _ArrayExpr: as_explicit,
    _CodegenArrayAbstract: as_explicit,
}
