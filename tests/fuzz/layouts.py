"""The same bits whatever the layout of the columns, their number, position, dtype, container and number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from symhep.containers import flatten
from tests.fuzz.case import Case
from tests.fuzz.checks import Failure, same_bits
from tests.fuzz.inputs import special

SIZES = (0, 1, 7, 8, 9, 64, 65, 255, 1000)


def layout_failures(case: Case) -> Iterator[Failure]:
    """What a call of the kernel gives for the same events in other forms."""
    recipe = case.recipe
    plain = special(recipe, 1000, case.options.dtype, seed=5)
    base = _run(case, plain)
    for name, change in _CHANGES.items():
        yield from _same(name, _run(case, _each(case, change, plain)), base)
    yield from _same("out=", _into(case, plain, base), base)
    square = _each(case, lambda x: x.reshape(25, 40, *x.shape[1:]), plain)
    joined = [y.reshape(-1, *y.shape[2:]) if y.shape[:2] == (25, 40) else y for y in _run(case, square)]
    yield from _same("two batch axes", joined, base)
    yield from _cast(case, plain)
    first = _each(case, lambda x: x[3], plain, skip=1)
    whole = _each(case, lambda x: np.array(np.broadcast_to(x[3], x.shape)), plain, skip=1)
    if not case.reduced or not all(a.parameter for a in recipe.arguments[1:]):
        yield from _same("broadcast", _run(case, first), _run(case, whole))
    if not case.reduced:
        yield from _events(case, plain, base)


def _events(case: Case, plain: list[np.ndarray], base: list[np.ndarray]) -> Iterator[Failure]:
    """Fewer events, more, and in another order."""
    own = lambda values, change: [change(y) if y.shape[:1] == (1000,) else y for y in values]
    for n in SIZES:
        last: Callable = lambda x, n=n: x[1000 - n :]
        yield from _same(f"{n} events", _run(case, _each(case, last, plain)), own(base, last))
    backward = _run(case, _each(case, lambda x: x[::-1], plain))
    yield from _same("reversed", backward, own(base, lambda y: y[::-1]))
    one = _run(case, _each(case, lambda x: x[5], plain))
    yield from _same("one event", one, own(base, lambda y: y[5]))
    if case.options.dtype == np.float64:  # Python's numbers are
        numbers = [x if x.ndim else x.item() for x in _each(case, lambda x: np.asarray(x[5]), plain)]
        yield from _same("numbers", _run(case, numbers), own(base, lambda y: y[5]))
    for runner in case.kernel._chosen({}).runners.values():
        runner.event_time = 1e6  # type: ignore[attr-defined]  # so long that all threads are worth while
    many = _run(case, _each(case, lambda x: np.concatenate([x] * 9), plain), threads=3)
    yield from _same("threads", many, own(base, lambda y: np.concatenate([y] * 9)))


def _each(case: Case, change: Callable, arrays: Sequence[np.ndarray], skip: int = 0) -> list[np.ndarray]:
    """The columns changed, from the argument at `skip` on."""
    pairs = enumerate(zip(case.recipe.arguments, arrays))
    return [x if a.parameter or k < skip else change(x) for k, (a, x) in pairs]


def _call(case: Case, arrays: Sequence[np.ndarray], **options: Any) -> Any:
    return case.kernel(*case.recipe.given(list(arrays)), **options)


def _run(case: Case, arrays: Sequence[np.ndarray], threads: int = 1) -> list[np.ndarray]:
    return [np.asarray(y) for y in leaves(_call(case, arrays, threads=threads))]


def leaves(result: Any) -> list[Any]:
    """The values of a result in order."""
    return flatten(result)[0]


def _into(case: Case, plain: list[np.ndarray], base: list[np.ndarray]) -> list[np.ndarray]:
    """Results in arrays that are given: every second row of wider ones."""
    tree = case.kernel.traced.tree
    given = [np.zeros((2, *y.shape), y.dtype)[0, ...] if k % 2 else np.zeros((*y.shape, 2), y.dtype)[..., 1]
             for k, y in enumerate(base)]  # fmt: skip
    _call(case, plain, out=tree.build(iter(given)))
    return given


def _cast(case: Case, plain: list[np.ndarray]) -> Iterator[Failure]:
    """dtype= is the same as arguments of that dtype."""
    other = np.dtype(np.float32 if case.options.dtype == np.float64 else np.float64)
    kinds = {"f": other, "c": np.result_type(other, np.complex64)}
    with np.errstate(all="ignore"):
        cast = [x.astype(kinds.get(x.dtype.kind, x.dtype)) for x in plain]
    if any(x.dtype.kind in "iu" for x in cast) or all(x.dtype.kind == "b" for x in cast):
        return
    kernel = case.kernel.with_options(dtype=other)
    given, same = (case.recipe.given(x) for x in (plain, cast))
    found, right = (list(map(np.asarray, leaves(k(*x)))) for k, x in ((kernel, given), (case.kernel, same)))
    yield from _same("dtype=", found, right)


def _structs(x: np.ndarray) -> np.ndarray:
    padded = np.zeros((*x.shape, 3), x.dtype)
    padded[..., 1] = x
    return padded[..., 1]


def _misaligned(x: np.ndarray) -> np.ndarray:
    memory = np.zeros(x.nbytes + 1, np.uint8)
    moved = memory[1:].view(x.dtype).reshape(x.shape)
    moved[...] = x
    return moved


_CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "array of structs": _structs,
    "every second": lambda x: np.repeat(x, 2, axis=0)[::2],
    "negative strides": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "columns first": lambda x: np.asfortranarray(x),
    "offset": lambda x: np.concatenate([x[:1], x])[1:],
    "misaligned": _misaligned,
    "swapped bytes": lambda x: x.astype(x.dtype.newbyteorder()),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
}


def _same(what: str, found: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> Iterator[Failure]:
    for k, (a, b) in enumerate(zip(found, right, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            yield Failure(f"layout {what}", f"out{k} is {a.dtype}{a.shape}, not {b.dtype}{b.shape}")
        elif not same_bits(a, b).all():
            i = np.unravel_index(int(np.argmax(~same_bits(a, b))), a.shape)
            yield Failure(f"layout {what}", f"out{k} is {a[i]!r}, not {b[i]!r}, at {list(map(int, i))}")
