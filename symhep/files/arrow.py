"""Arrow's arrays as NumPy's, and back: what CSV and Parquet share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symhep.errors import MissingPackage
from symhep.files.columns import OBJECT, Column, Jagged, Values

_LIST_LENGTH = 8  # of the lists of one event, for estimates of memory


def pyarrow() -> Any:
    """The package; raises MissingPackage without it."""
    try:
        import pyarrow
    except ImportError:
        raise MissingPackage("pyarrow", extra="hep") from None
    return pyarrow


def described(name: str, kind: Any) -> Column:
    """The column that has a type of Arrow's."""
    types = pyarrow().types
    if types.is_fixed_size_list(kind):
        inner = described(name, kind.value_type)
        if inner.numeric and not inner.jagged:
            return Column(name, inner.dtype, (kind.list_size, *inner.shape), type=str(kind))
    elif types.is_list(kind) or types.is_large_list(kind):
        inner = described(name, kind.value_type)
        if inner.numeric and not inner.jagged and not inner.shape:
            return Column(name, inner.dtype, jagged=True, type=str(kind), list_bytes=_LIST_LENGTH * inner.nbytes)
    elif types.is_decimal(kind) or types.is_null(kind):
        return Column(name, np.dtype(np.float64), type=str(kind))
    elif types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return Column(name, _dtype(kind), type=str(kind))
    elif types.is_timestamp(kind) or types.is_date(kind):
        unit = "D" if types.is_date(kind) else kind.unit
        return Column(name, np.dtype(f"M8[{unit}]"), type=str(kind))
    inner = kind.value_type if types.is_dictionary(kind) else kind
    return Column(name, OBJECT, type=str(kind), text=types.is_string(inner) or types.is_large_string(inner))


def _dtype(kind: Any) -> np.dtype:
    """NumPy's word for a type of numbers; `to_pandas_dtype` would import pandas, which takes 60 MB."""
    words = {"halffloat": "float16", "float": "float32", "double": "float64"}
    return np.dtype(words.get(str(kind), str(kind)))


def _is_number(kind: Any) -> bool:
    types = pyarrow().types
    return types.is_integer(kind) or types.is_floating(kind)


def values(array: Any) -> Values:
    """An array of Arrow's as NumPy's, without a copy where its bytes are those of an array; nulls are masked."""
    pa = pyarrow()
    types, kind = pa.types, array.type
    if types.is_dictionary(kind):
        array = array.dictionary_decode()
    elif types.is_decimal(kind) or types.is_null(kind):
        array = array.cast(pa.float64())
    elif types.is_fixed_size_list(kind):
        return _fixed_lists(array)
    elif types.is_list(kind) or types.is_large_list(kind):
        lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        return Jagged(_filled(values(array.flatten())), np.concatenate([[0], np.cumsum(lengths)]))
    if array.null_count:
        return _with_nulls(array)
    if _is_number(kind):  # without `to_numpy`, which imports pandas
        return np.frombuffer(array.buffers()[1], _dtype(kind), len(array), array.offset * kind.byte_width)
    return array.to_numpy(zero_copy_only=False)


def _with_nulls(array: Any) -> np.ma.MaskedArray:
    mask = array.is_null().to_numpy(zero_copy_only=False)
    types = pyarrow().types
    if types.is_boolean(array.type) or types.is_integer(array.type):
        array = array.fill_null(0 if types.is_integer(array.type) else False)
    return np.ma.MaskedArray(array.to_numpy(zero_copy_only=False), mask)


def _fixed_lists(array: Any) -> np.ndarray:
    """Rows of one length; every cell of a row that is missing is masked."""
    size = array.type.list_size
    inner = values(array.values.slice(array.offset * size, len(array) * size))
    assert not isinstance(inner, Jagged)
    rows = inner.reshape(len(array), size, *inner.shape[1:])
    if not array.null_count:
        return rows
    missing = array.is_null().to_numpy(zero_copy_only=False)
    mask = np.ma.getmaskarray(rows) | missing.reshape(-1, *[1] * (rows.ndim - 1))
    return np.ma.MaskedArray(np.ma.getdata(rows), mask)


def _filled(inner: Values) -> np.ndarray:
    """The values of lists: one that is missing is NaN."""
    assert not isinstance(inner, Jagged)
    if isinstance(inner, np.ma.MaskedArray):
        numbers: Any = inner if inner.dtype.kind == "f" else inner.astype(np.float64)
        return numbers.filled(np.nan)
    return inner


def schema(columns: Sequence[Column]) -> Any:
    """Arrow's description of columns that are to be written."""
    pa = pyarrow()
    fields = []
    for c in columns:
        kind = pa.string() if c.dtype == OBJECT else pa.from_numpy_dtype(c.dtype)
        for size in reversed(c.shape):
            kind = pa.list_(kind, size)
        fields.append(pa.field(c.name, kind))
    return pa.schema(fields)


def batch(columns: Mapping[str, np.ndarray], described: Any) -> Any:
    """Columns as one of Arrow's record batches."""
    pa = pyarrow()
    arrays = [_array(columns[field.name], field.type) for field in described]
    return pa.record_batch(arrays, schema=described)


def _array(part: np.ndarray, kind: Any) -> Any:
    pa = pyarrow()
    if part.ndim > 1:
        inner = _array(part.reshape(-1, *part.shape[2:]), kind.value_type)
        return pa.FixedSizeListArray.from_arrays(inner, kind.list_size)
    if isinstance(part, np.ma.MaskedArray):
        return pa.array(part.data, kind, mask=np.ma.getmaskarray(part))
    if _is_number(kind):  # without `pyarrow.array`, which imports pandas
        return pa.Array.from_buffers(kind, len(part), [None, pa.py_buffer(np.ascontiguousarray(part, _dtype(kind)))])
    return pa.array(part, kind)
