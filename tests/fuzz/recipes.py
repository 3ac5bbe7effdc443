"""Random formulas as data: a list of steps, so that a failing one can be written down and made smaller."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import symhep as sh
from tests.fuzz.vocabulary import CONSTANTS, ENTRIES

_ANNOTATIONS = {"r": sh.Scalar, "c": sh.Complex, "b": sh.Boolean, "i": sh.Integer, "v": sh.Vector[3]}
_BY_KIND = {kind: [e for e in ENTRIES.values() if e.gives == kind] for kind in "rcb"}


@dataclass(frozen=True, slots=True)
class Argument:
    """kind: as of values, "i" for an integer, "v" for three components of a fixed array."""

    name: str
    kind: str
    parameter: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A function of earlier values, by number; or a constant."""

    name: str
    args: tuple[int, ...] = ()
    constant: float | int | None = None


@dataclass(frozen=True)
class Recipe:
    """Values are numbered: the components of the arguments, then the steps."""

    seed: int
    arguments: tuple[Argument, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    @property
    def kinds(self) -> list[str]:
        """The kind of each value."""
        kinds = [k for a in self.arguments for k in _components(a)]
        return kinds + ["r" if s.constant is not None else ENTRIES[s.name].gives for s in self.steps]

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple([a.name for a in self.arguments if a.parameter])

    def evaluate(self, *given: Any) -> tuple:
        """The outputs, on traced values or on arrays."""
        values: list[Any] = []
        for a, x in zip(self.arguments, given, strict=True):
            values += [x[..., k] for k in range(3)] if a.kind == "v" else [x]
        for s in self.steps:
            if s.constant is not None:
                values.append(s.constant)
            else:
                values.append(ENTRIES[s.name].function(*[values[i] for i in s.args]))
        return tuple([values[i] for i in self.outputs])

    def function(self) -> Callable[..., tuple]:
        """A function with named and annotated arguments."""
        names = [a.name for a in self.arguments]
        namespace: dict[str, Any] = {"evaluate": self.evaluate}
        exec(f"def fuzzed({', '.join(names)}): return evaluate({', '.join(names)})", namespace)
        f = namespace["fuzzed"]
        f.__annotations__ = {a.name: _ANNOTATIONS[a.kind] for a in self.arguments}
        return f

    def __str__(self) -> str:
        rows = [f"{a.name}: {a.kind}{' parameter' if a.parameter else ''}" for a in self.arguments]
        first = len(self.kinds) - len(self.steps)
        for k, s in enumerate(self.steps, first):
            what = s.constant if s.constant is not None else f"{s.name} {' '.join(f'v{i}' for i in s.args)}"
            rows.append(f"v{k} = {what}")
        return "\n  ".join([f"seed {self.seed}", *rows, f"return {', '.join(f'v{i}' for i in self.outputs)}"])


def _components(a: Argument) -> str:
    return {"v": "rrr", "i": "r"}.get(a.kind, a.kind)


def recipe(seed: int) -> Recipe:
    """A random formula: the same for the same seed."""
    rng = random.Random(seed)
    style = rng.choice(("plain", "plain", "arithmetic", "complex", "logic"))
    arguments = _arguments(rng, style)
    kinds = [k for a in arguments for k in _components(a)]
    inputs = len(kinds)
    steps: list[Step] = []
    weights = {"plain": (8, 0.5, 1), "arithmetic": (8, 0, 0.5), "complex": (4, 4, 0.5), "logic": (5, 0.5, 4)}[style]
    for _ in range(rng.choice((2, 4, 6, 8, 10, 12, 16, 24, 40))):
        entry = _entry(rng, style, rng.choices("rcb", weights)[0])
        args = []
        for kind in entry.takes:
            i = _operand(rng, kinds, kind)
            if i is None:
                if kind == "r" or rng.random() < 0.1:
                    steps.append(Step("const", (), rng.choice(CONSTANTS[: 18 if rng.random() < 0.9 else None])))
                    kinds.append("r")
                i = _needed(rng, kinds, steps, kind)
            args.append(i)
        if all(i >= inputs and steps[i - inputs].constant is not None for i in args):  # plain Python is not on trial
            args[0] = _varying(rng, kinds, steps, inputs)
        steps.append(Step(entry.name, tuple(args)))
        kinds.append(entry.gives)
    last = [i for i in range(inputs, len(kinds)) if not (i >= inputs and steps[i - inputs].constant is not None)]
    outputs = [last[-1], *rng.sample(last, min(len(last), rng.choice((0, 1, 1, 2, 3))))]
    if rng.random() < 0.05:
        outputs.append(rng.randrange(len(kinds)))
    return Recipe(seed, arguments, tuple(steps), tuple(dict.fromkeys(outputs)))


def _arguments(rng: random.Random, style: str) -> tuple[Argument, ...]:
    kinds = "".join(rng.choices("rciv", (10, 4 if style == "complex" else 0.3, 0.5, 0.5), k=rng.randint(1, 4)))
    kinds = ("c" if style == "complex" else "r") + kinds + ("b" if rng.random() < 0.05 else "")
    kinds = kinds if "r" in kinds or "v" in kinds else kinds + "r"
    made = [Argument(f"x{n}", k, n > 0 and k in "rcv" and rng.random() < 0.12) for n, k in enumerate(kinds)]
    return tuple(made)


_ARITHMETIC_STYLE = [
    ENTRIES[n]
    for n in "+:rr -:rr *:rr /:rr x/(1+y²) x*y+x*z (x+y)/z+(x-y)/z negative:r abs:r square:r sqrt:r **2 **3 **-1 **0.5"
    " **1.5 **-2.5 minimum:rr maximum:rr where(x<y) where:brr sqrt(1+x²) floor:r less:rr sqrt(x²) sqrt(x²y) sum3"
    " norm3 reciprocal:r sqrt² copysign:rr hypot:rr clip±".split()
]


def _entry(rng: random.Random, style: str, kind: str) -> Any:
    pool = _BY_KIND[kind]
    if style == "arithmetic":
        pool = [e for e in _ARITHMETIC_STYLE if e.gives == kind] or _ARITHMETIC_STYLE
    return rng.choices(pool, [e.weight for e in pool])[0]


def _operand(rng: random.Random, kinds: list[str], kind: str) -> int | None:
    """A value of a kind, late ones more often; None for a new constant, or where there is none."""
    found = [i for i, k in enumerate(kinds) if k == kind]
    if not found or (kind == "r" and rng.random() < 0.12):
        return None
    return rng.choice(found[-6:] if rng.random() < 0.7 else found)


def _varying(rng: random.Random, kinds: list[str], steps: list[Step], inputs: int) -> int:
    """A real value that is no constant."""
    real = [i for i, k in enumerate(kinds) if k == "r"]
    return rng.choice([i for i in real if i < inputs or steps[i - inputs].constant is None])


def _needed(rng: random.Random, kinds: list[str], steps: list[Step], kind: str) -> int:
    """A value of a kind that may have to be made first."""
    if (found := [i for i, k in enumerate(kinds) if k == kind]) and kind != "r":
        return rng.choice(found)
    if kind == "r":
        return len(kinds) - 1 if kinds[-1] == "r" else next(i for i, k in enumerate(kinds) if k == "r")
    reals = [i for i, k in enumerate(kinds) if k == "r"]
    pair = (_varying(rng, kinds, steps, len(kinds) - len(steps)), rng.choice(reals))
    steps.append(Step({"c": "x+iy", "b": "less:rr"}[kind], pair))
    kinds.append(kind)
    return len(kinds) - 1


# -- smaller ones that fail in the same way --------------------------------------------------------------------------


def shrink(failing: Recipe, fails: Callable[[Recipe], bool], tries: int = 400) -> Recipe:
    """Drop outputs and steps, and make constants simple, as long as it still fails."""
    again = True
    while again and tries > 0:
        again = False
        for smaller in _smaller(failing):
            tries -= 1
            if tries <= 0:
                break
            if fails(smaller):
                failing, again = smaller, True
                break
    return failing


def _smaller(r: Recipe) -> Iterator[Recipe]:
    for k in range(len(r.outputs)):
        if len(r.outputs) > 1:
            yield _pruned(replace(r, outputs=r.outputs[:k] + r.outputs[k + 1 :]))
    first, kinds = len(r.kinds) - len(r.steps), r.kinds
    for k in reversed(range(len(r.steps))):
        own = first + k
        for other in dict.fromkeys([*r.steps[k].args, *range(first)]):
            if kinds[other] == kinds[own]:
                yield _pruned(_replaced(r, own, other))
        if r.steps[k].constant not in (None, 1, 2):
            for simple in (1, 2):
                yield replace(r, steps=(*r.steps[:k], Step("const", (), simple), *r.steps[k + 1 :]))
    for k, a in enumerate(r.arguments):
        if a.parameter:
            yield replace(r, arguments=(*r.arguments[:k], Argument(a.name, a.kind), *r.arguments[k + 1 :]))


def _replaced(r: Recipe, old: int, new: int) -> Recipe:
    swap = lambda i: new if i == old else i
    steps = tuple([replace(s, args=tuple(map(swap, s.args))) for s in r.steps])
    return replace(r, steps=steps, outputs=tuple(dict.fromkeys(map(swap, r.outputs))))


def _pruned(r: Recipe) -> Recipe:
    """Without the steps that no output needs."""
    first = len(r.kinds) - len(r.steps)
    needed, pending = set(), list(r.outputs)
    while pending:
        i = pending.pop()
        if i not in needed:
            needed.add(i)
            pending += r.steps[i - first].args if i >= first else ()
    kept = [k for k in range(len(r.steps)) if first + k in needed]
    new = {i: i for i in range(first)} | {first + k: first + n for n, k in enumerate(kept)}
    steps = tuple([replace(r.steps[k], args=tuple([new[i] for i in r.steps[k].args])) for k in kept])
    return replace(r, steps=steps, outputs=tuple([new[i] for i in r.outputs]))


# -- inputs ----------------------------------------------------------------------------------------------------------


def ordinary(r: Recipe, n: int, dtype: Any, seed: int = 0) -> list[np.ndarray]:
    """Generic values of order one, one array per argument (parameters have no batch axis)."""
    rng = np.random.default_rng(abs(r.seed) * 7 + seed)

    def draw(shape: tuple) -> np.ndarray:
        small = rng.uniform(-2.5, 2.5, shape)
        wide = rng.choice([-1.0, 1.0], shape) * np.exp(rng.uniform(-4, 4, shape))
        return np.where(rng.random(shape) < 0.75, small, wide)

    return [_typed(a, draw, n, dtype) for a in r.arguments]


_PLACES = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -2.0, 3.0, 1e5, -1e9, 1e-9, 0.1, -0.3, 1e22)


def special(r: Recipe, n: int, dtype: Any, seed: int = 0) -> list[np.ndarray]:
    """Zeros of both signs, infinities, NaN, subnormal, huge and tiny numbers, mixed with ordinary ones."""
    rng = np.random.default_rng(abs(r.seed) * 7 + seed + 1)
    info = np.finfo(dtype)
    edges = [info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal, info.tiny / 4, info.max / 4]
    edges += [float(info.max) ** 0.5, float(info.tiny) ** 0.5, 1 + info.eps, 1 - info.eps]
    pool = np.array([*_PLACES, *edges])

    def draw(shape: tuple) -> np.ndarray:
        return np.where(rng.random(shape) < 0.75, rng.choice(pool, shape), rng.uniform(-2.5, 2.5, shape))

    return [_typed(a, draw, n, dtype) for a in r.arguments]


def _typed(a: Argument, draw: Callable[[tuple], np.ndarray], n: int, dtype: Any) -> np.ndarray:
    shape = (() if a.parameter else (n,)) + ((3,) if a.kind == "v" else ())
    with np.errstate(all="ignore"):
        x = np.asarray(draw(shape)).astype(dtype)
        if a.kind == "c":
            z = np.empty(shape, np.result_type(dtype, np.complex64))
            z.real, z.imag = x, np.asarray(draw(shape)).astype(dtype)
            return z
    if a.kind == "b":
        return np.signbit(x)
    if a.kind == "i":
        return np.rint(np.clip(np.nan_to_num(x), -9, 9)).astype(np.int64 if dtype == np.float64 else np.int16)
    return x
