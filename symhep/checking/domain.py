"""Domains: where a kernel's inputs may lie, as samplers in floating point and in any precision."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, runtime_checkable

import mpmath
import numpy as np

from symhep.checking.evaluate import Tape, TooLarge, finite, numpy_values, precision
from symhep.errors import ArgumentError, SymhepError, listing, message, nearest
from symhep.graph import Graph, Node
from symhep.program import before_reductions
from symhep.tracing.annotations import Core
from symhep.tracing.trace import Leaf

SMALLEST, LARGEST = 0.01, 100.0  # magnitudes drawn without a domain
TRIES = 400  # how many times the wanted number of points is drawn at most
LEAST_TRIES, EVALUATIONS = 4, 40_000  # large graphs: fewer tries, so that no more operations than these are evaluated


class DomainError(SymhepError, ValueError):
    """No valid inputs were found."""


@runtime_checkable
class Domain(Protocol):
    """Draws valid inputs, by name; the same ones for the same seed.

    A name is an argument's, or the path of one value in a nested argument: "muon.pt".
    """

    def sample(self, n: int, seed: int = 0) -> dict[str, np.ndarray]:
        """n inputs as arrays with the events in front."""
        ...

    def points(self, n: int, digits: int = 50, seed: int = 0) -> list[dict[str, Any]]:
        """n inputs with random digits throughout: mpmath numbers, in object arrays for vectors."""
        ...


class Sample(dict[str, np.ndarray]):
    """Inputs by argument name; `dropped` is the fraction that was drawn but is not valid."""

    dropped: float = 0.0


@dataclass(frozen=True, slots=True)
class Slot:
    """A value to be drawn: "real", "complex", "integer" or "bool", with its core shape and what is assumed about it."""

    shape: tuple[int, ...] = ()
    kind: str = "real"
    symmetric: bool = False
    assumed: frozenset[str] = frozenset()


def slots(leaves: Iterable[Leaf]) -> dict[str, Slot]:
    """The values that a kernel's arguments consist of."""
    return {x.path: _slot(x.core) for x in leaves}


def _slot(core: Core) -> Slot:
    kind = "integer" if core.kind == "real" and "integer" in core.assumed else core.kind
    return Slot(tuple([int(d) for d in core.shape]), kind, core.symmetric, core.assumed)


def slots_of(inputs: Iterable[Node]) -> dict[str, Slot]:
    """The same from the inputs of a graph alone: p[0] ... p[3] belong to a p of shape (4,)."""
    found: dict[str, Slot] = {}
    for n in inputs:
        name, index = _split(n.attrs[0])
        top = tuple([i + 1 for i in index])
        known = found.get(name, Slot(top)).shape
        found[name] = Slot(tuple([max(i, j) for i, j in zip(top, known, strict=True)]), n.dtype)
    return found


def _split(name: str) -> tuple[str, tuple[int, ...]]:
    """The value and the index in a component's name."""
    match = re.fullmatch(r"(.*)\[([\d,]+)\]", name)
    return (match[1], tuple([int(i) for i in match[2].split(",")])) if match else (name, ())


def columns(sample: Mapping[str, Any], inputs: Sequence[Node]) -> dict[str, Any]:
    """A sample's values by the names of a graph's inputs.

    >>> from symhep.graph import Builder
    >>> columns({"p": np.array([[1.0, 2.0], [3.0, 4.0]])}, [Builder().input("p[1]")])
    {'p[1]': array([2., 4.])}
    """
    result = {}
    for n in inputs:
        name = n.attrs[0]
        if name not in sample:
            value, index = _split(name)
            result[name] = sample[value][(..., *index)][()]
        else:
            result[name] = sample[name]
    return result


def box(**ranges: tuple[Any, Any]) -> Box:
    """The domain in which each argument lies between two bounds.

    A bound of a vector is one number for all components, or an array of its shape; a complex argument has its real
    and imaginary part between those of the bounds (between the bounds, where these are real). The values of a nested
    argument are given in a dict: `muon={"pt": (20, 80), "eta": (-2.4, 2.4)}`.

    >>> box(pt=(20, 80), eta=(-2.4, 2.4)).sample(2)["pt"].shape
    (2,)
    """
    return Box({path: _bounds(path, pair) for name, pair in ranges.items() for path, pair in _paths(name, pair)})


def _paths(name: str, ranges: Any) -> Iterator[tuple[str, Any]]:
    """The ranges of a nested argument, given as a dict, by the paths of its values."""
    if not isinstance(ranges, Mapping):
        yield name, ranges
        return
    for key, inner in ranges.items():
        yield from _paths(f"{name}.{key}" if isinstance(key, str) else f"{name}[{key}]", inner)


def _bounds(name: str, pair: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        low, high = (np.asarray(bound) for bound in pair)
        low, high = np.broadcast_arrays(*(b if b.dtype.kind == "c" else b.astype(np.float64) for b in (low, high)))
    except (TypeError, ValueError):
        what = f"the range of {name!r} is not a pair of numbers: {pair!r}"
        raise ArgumentError(message(what, instead=f"sh.box({name}=(low, high))")) from None
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ArgumentError(f"the range of {name!r} is not finite: {pair!r}")
    ordered = (low.real < high.real) & ((low.imag < high.imag) | (low.imag == 0) & (high.imag == 0))
    if not ordered.all():
        raise ArgumentError(f"the range of {name!r} is empty: {pair!r} (the lower bound comes first)")
    return low, high


@dataclass(frozen=True)
class Box:
    """Independent, uniform inputs between bounds; made by `box`."""

    ranges: Mapping[str, tuple[np.ndarray, np.ndarray]]
    slots: Mapping[str, Slot] | None = None

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}=({low.tolist()}, {high.tolist()})" for name, (low, high) in self.ranges.items())
        return f"sh.box({inside})"

    def fit(self, arguments: Mapping[str, Slot]) -> Box:
        """The box for these arguments: shapes taken over, names and shapes checked."""
        for name in self.ranges:
            if name not in arguments:
                like = nearest(name, arguments)
                hint = f"did you mean {listing(like, 'or')}?" if like else f"there are {listing(arguments)}"
                raise ArgumentError(f"sh.box has a range for {name!r}, which is not an argument; {hint}")
        missing = [name for name, slot in arguments.items() if name not in self.ranges and slot.kind != "bool"]
        if missing:
            what = f"sh.box has no range for {listing(missing)}"
            raise ArgumentError(message(what, instead=f"sh.box(..., {', '.join(f'{m}=(low, high)' for m in missing)})"))
        for name, (low, high) in self.ranges.items():
            shape = arguments[name].shape
            if low.shape != () and low.shape != shape:
                what = f"the bounds of {name!r} have shape {low.shape}, the argument has {shape or 'none'}"
                raise ArgumentError(what)
            _check_assumed(name, low, high, arguments[name].assumed)
        return Box(self.ranges, dict(arguments))

    def _slots(self) -> Mapping[str, Slot]:
        if self.slots is not None:
            return self.slots
        complex_ = {True: "complex", False: "real"}
        return {name: Slot(low.shape, complex_[np.iscomplexobj(low)]) for name, (low, _) in self.ranges.items()}

    def sample(self, n: int, seed: int = 0) -> Sample:
        """n inputs as arrays with the events in front."""
        rng = np.random.default_rng(seed)
        return Sample({name: self._draw(name, slot, n, rng) for name, slot in self._slots().items()})

    def _draw(self, name: str, slot: Slot, n: int, rng: np.random.Generator) -> np.ndarray:
        shape = (n, *slot.shape)
        if slot.kind == "bool":
            return rng.random(shape) < 0.5
        low, high = self.ranges[name]
        real, imag = (_part(low, high, part) for part in ("real", "imag"))
        x = rng.uniform(*real, shape)
        if slot.kind == "complex":
            return x + 1j * rng.uniform(*imag, shape)
        return _shaped(slot, x)

    def points(self, n: int, digits: int = 50, seed: int = 0) -> list[dict[str, Any]]:
        """n inputs with random digits throughout: mpmath numbers, in object arrays for vectors."""
        random = _Digits(digits, seed)
        with precision(digits):
            return [
                {name: _filled(slot, self._number(name, slot, random)) for name, slot in self._slots().items()}
                for _ in range(n)
            ]

    def _number(self, name: str, slot: Slot, random: _Digits) -> Callable[[tuple], Any]:
        def uniform(low: np.ndarray, high: np.ndarray, index: tuple) -> Any:
            a, b = (mpmath.mpf(float(bound[index] if bound.shape else bound)) for bound in (low, high))
            return a + (b - a) * random()

        if slot.kind == "bool":
            return lambda index: bool(random() < 0.5)
        low, high = self.ranges[name]
        real, imag = (_part(low, high, part) for part in ("real", "imag"))
        if slot.kind == "integer":
            return lambda index: mpmath.nint(uniform(*real, index))
        if slot.kind == "real":
            return lambda index: uniform(*real, index)
        return lambda index: mpmath.mpc(uniform(*real, index), uniform(*imag, index))


def _check_assumed(name: str, low: np.ndarray, high: np.ndarray, assumed: frozenset[str]) -> None:
    """Raise ArgumentError for a range that goes beyond what is assumed about an argument."""
    below = assumed & {"positive", "nonnegative"} if np.any(low.real < 0) else frozenset()
    above = assumed & {"negative", "nonpositive"} if np.any(high.real > 0) else frozenset()
    if below or above:
        what = f"sh.box has {name!r} between {low.tolist()} and {high.tolist()}, and it is assumed to be"
        raise ArgumentError(f"{what} {min(below or above, key=len)}")


def _part(low: np.ndarray, high: np.ndarray, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of a part of a complex argument; real bounds hold for both parts."""
    if part == "imag" and np.iscomplexobj(low):
        return low.imag, high.imag
    return low.real, high.real


class _Digits:
    """Uniform numbers in (0, 1) with as many random digits as the precision has."""

    def __init__(self, digits: int, seed: int) -> None:
        self.random = Random(seed)
        self.bits = int(digits * 3.33) + 8

    def __call__(self) -> Any:
        return mpmath.ldexp(mpmath.mpf(self.random.getrandbits(self.bits) * 2 + 1), -self.bits - 1)


def _filled(slot: Slot, number: Callable[[tuple], Any]) -> Any:
    """A number, or an object array of them."""
    if not slot.shape:
        return number(())
    array = np.empty(slot.shape, object)
    for index in np.ndindex(*slot.shape):
        array[index] = array[index[::-1]] if slot.symmetric and index[0] > index[1] else number(index)
    return array


def _shaped(slot: Slot, x: np.ndarray) -> np.ndarray:
    """Real draws made into what the slot wants: whole numbers, or a symmetric matrix."""
    if slot.symmetric:
        x = np.triu(x) + np.triu(x, 1).swapaxes(-1, -2)
    return np.rint(x) if slot.kind == "integer" else x


@dataclass(frozen=True, eq=False)
class Anywhere:
    """The domain of a kernel that has none: magnitudes log-uniform from 0.01 to 100, either sign.

    Inputs at which the formula as written has no finite value are dropped.
    """

    graph: Graph
    slots: Mapping[str, Slot]

    def sample(self, n: int, seed: int = 0) -> Sample:
        """n valid inputs as arrays with the events in front."""
        rng = np.random.default_rng(seed)
        arguments = self.slots
        kept: list[dict[str, np.ndarray]] = []
        drawn = found = 0
        batch = max(n, 64)
        tries = max(LEAST_TRIES, min(TRIES, EVALUATIONS // max(len(self.graph.order), 1)))
        while found < n and drawn < tries * batch:
            trial = {name: _signed_log_uniform(slot, batch, rng) for name, slot in arguments.items()}
            valid = self._valid(trial, batch)
            kept.append({name: a[valid] for name, a in trial.items()})
            drawn, found = drawn + batch, found + int(valid.sum())
        if found < n:
            raise _hard_to_hit(found, drawn, list(arguments))
        result = Sample({name: np.concatenate([k[name] for k in kept])[:n] for name in arguments})
        result.dropped = 1 - found / drawn if drawn else 0.0
        return result

    def _valid(self, trial: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        valid = np.ones(n, bool)
        for result in numpy_values(self.graph, columns(trial, self.graph.inputs)):
            valid &= np.isfinite(result)
        return valid

    def points(self, n: int, digits: int = 50, seed: int = 0) -> list[dict[str, Any]]:
        """n valid inputs with random digits throughout: mpmath numbers, in object arrays for vectors."""
        random, tape = _Digits(digits, seed), Tape(self.graph)
        found: list[dict[str, Any]] = []
        for attempt in range(20):
            sample = self.sample(n, seed + attempt)
            with precision(digits):
                for i in range(n):
                    point = {name: self._extended(name, a[i], random) for name, a in sample.items()}
                    if len(found) < n and _is_valid(tape, columns(point, self.graph.inputs)):
                        found.append(point)
            if len(found) == n:
                return found
        raise _hard_to_hit(len(found), 20 * n, list(self.slots))

    def _extended(self, name: str, value: Any, random: _Digits) -> Any:
        """A float with random digits appended beyond its last; arrays become object arrays."""

        def longer(x: Any) -> Any:
            return mpmath.mpf(float(x)) * (1 + mpmath.ldexp(random(), -53))

        def number(index: tuple) -> Any:
            x = np.asarray(value)[index]
            if slot.kind == "bool":
                return bool(x)
            if slot.kind == "integer":
                return mpmath.mpf(float(x))
            return mpmath.mpc(longer(x.real), longer(x.imag)) if slot.kind == "complex" else longer(x)

        slot = self.slots[name]
        return _filled(slot, number)


def _hard_to_hit(found: int, drawn: int, names: list[str]) -> DomainError:
    what = f"only {found} of {drawn} random inputs have a finite value"
    ranges = ", ".join(f"{name}=(low, high)" for name in names[:3]) + (", ..." if len(names) > 3 else "")
    return DomainError(message(what, instead=f"domain=sh.box({ranges})"))


def _signed_log_uniform(slot: Slot, n: int, rng: np.random.Generator) -> np.ndarray:
    def real() -> np.ndarray:
        size = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST), (n, *slot.shape)))
        signed = np.where(rng.random(size.shape) < 0.5, -size, size)
        return _as_assumed(slot, signed, size) if slot.assumed else signed

    if slot.kind == "bool":
        return rng.random((n, *slot.shape)) < 0.5
    return real() + 1j * real() if slot.kind == "complex" else _shaped(slot, real())


def _as_assumed(slot: Slot, signed: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Draws such that what is assumed about the value holds."""
    whole = slot.kind == "integer"
    if slot.assumed & {"positive", "nonnegative"}:
        return np.ceil(size) if whole and "positive" in slot.assumed else size
    if slot.assumed & {"negative", "nonpositive"}:
        return -np.ceil(size) if whole and "negative" in slot.assumed else -size
    return np.copysign(np.ceil(size), signed) if whole and "nonzero" in slot.assumed else signed


def _is_valid(tape: Tape, point: Mapping[str, Any]) -> bool:
    try:
        return all(map(finite, tape.parts(tape.run(point))))
    except (TooLarge, OverflowError):
        return False


def domain_for(graph: Graph, domain: Domain | None = None, leaves: Iterable[Leaf] | None = None) -> Domain:
    """The domain to draw a graph's inputs from: the one given, made to fit its arguments, or the default.

    leaves  the values that the arguments consist of, where the names of the inputs do not say it
    """
    wanted = slots_of(graph.inputs) if leaves is None else slots(leaves)
    if domain is None:
        return Anywhere(before_reductions(graph), wanted)
    return domain.fit(wanted) if isinstance(domain, Box) else domain
