"""Random formulas as data: a list of steps, so that a failing one can be written down as Python and made smaller."""

from __future__ import annotations
import __future__ as features

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

import symhep as sh
from tests.fuzz.vocabulary import ALL, CONSTANTS, ENTRIES, ORDINARY, PLAIN_ARITHMETIC, REDUCED, Entry

_ANNOTATIONS = {
    "r": "sh.Scalar", "c": "sh.Complex", "b": "sh.Boolean", "i": "sh.Integer", "v": "sh.Vector[3]",
    "m": "sh.Matrix[3, 3]", "s": "sh.Symmetric[3]",
}  # fmt: skip
_VALUES = {"i": "r", "s": "m"}  # what an argument's kind is as a value
CORES = {"v": (3,), "m": (3, 3), "s": (3, 3)}
_BY_KIND = {kind: [e for e in ENTRIES.values() if e.gives == kind] for kind in "rcbvm"}
_SCALAR = {kind: [e for e in found if not set(e.takes) & set("vm")] for kind, found in _BY_KIND.items()}
_ARITHMETIC = [ENTRIES[name] for name in sorted(PLAIN_ARITHMETIC)]
_STYLES: dict[str, tuple[float, ...]] = {  # how often which kind of value is made
    "plain": (8, 0.5, 1, 0, 0), "arithmetic": (8, 0, 0.5, 0, 0), "complex": (4, 4, 0.5, 0, 0),
    "logic": (5, 0.5, 4, 0, 0), "arrays": (4, 0.2, 0.3, 4, 1), "batch": (8, 0.3, 0.5, 0.5, 0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Argument:
    """kind: as of values, "i" for an integer, "s" for a symmetric matrix."""

    name: str
    kind: str
    parameter: bool = False

    @property
    def core(self) -> tuple[int, ...]:
        return CORES.get(self.kind, ())


@dataclass(frozen=True, slots=True)
class Step:
    """A function of earlier values, by number; or a constant."""

    name: str
    args: tuple[int, ...] = ()
    constant: float | int | None = None


@dataclass(frozen=True)
class Recipe:
    """Values are numbered: the arguments, then the steps.

    together  how many of the last arguments come in one container, and which
    result    the form of the result: "tuple", "dict", "nested" or "list"
    """

    seed: int
    arguments: tuple[Argument, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    together: tuple[int, str] = (0, "")
    result: str = "tuple"

    @property
    def kinds(self) -> list[str]:
        """The kind of each value."""
        kinds = [_VALUES.get(a.kind, a.kind) for a in self.arguments]
        return kinds + ["r" if s.constant is not None else ALL[s.name].gives for s in self.steps]

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple([a.name for a in self.arguments if a.parameter])

    @property
    def reduces(self) -> bool:
        return any(s.name in REDUCED for s in self.steps)

    def text(self, weak: bool = True) -> str:
        """The formula as Python; with `weak` False all constants are floating point, as NumPy's integers overflow."""
        alone, (count, form) = self.arguments, self.together
        signature = [f"{a.name}: {_ANNOTATIONS[a.kind]}" for a in alone[: len(alone) - count]]
        lines = []
        if count:
            kept = alone[len(alone) - count :]
            names = [a.name for a in kept]
            if form == "dict":
                described = f"{{{', '.join(f'{a.name!r}: {_ANNOTATIONS[a.kind]}' for a in kept)}}}"
                lines = [f"{name} = rest[{name!r}]" for name in names]
            else:
                described = f"({', '.join(_ANNOTATIONS[a.kind] for a in kept)},)"
                lines = [f"{', '.join(names)}, = rest"]
            signature.append(f"rest: {described}")
        names = [a.name for a in alone]
        for s in self.steps:
            constant = s.constant if weak or s.constant is None else float(s.constant)
            made = ALL[s.name].written([names[i] for i in s.args]) if constant is None else _literal(constant)
            names.append(f"v{len(names)}")
            lines.append(f"{names[-1]} = {made}")
        lines.append(f"return {self._returned([names[i] for i in self.outputs])}")
        return "\n    ".join([f"def fuzzed({', '.join(signature)}):", *lines]) + "\n"

    def _returned(self, names: list[str]) -> str:
        if self.result == "dict":
            return f"{{{', '.join(f'{n + chr(95)!r}: {n}' for n in names)}}}"
        if self.result == "nested" and len(names) > 1:
            return f"({names[0]}, {{'rest': [{', '.join(names[1:])}]}})"
        return f"[{', '.join(names)}]" if self.result == "list" else f"({', '.join(names)},)"

    def function(self, weak: bool = True) -> Callable[..., Any]:
        """The formula as a Python function."""
        return _executed(self.text(weak), future=self.seed % 2 == 1)

    def given(self, arrays: list[Any]) -> list[Any]:
        """One value per argument as the function takes them."""
        count, form = self.together
        if not count:
            return list(arrays)
        alone, kept = list(arrays[: len(arrays) - count]), arrays[len(arrays) - count :]
        names = [a.name for a in self.arguments[len(arrays) - count :]]
        return [*alone, dict(zip(names, kept)) if form == "dict" else tuple(kept)]

    def __str__(self) -> str:
        return f"# seed {self.seed}\n{self.text()}"


@functools.lru_cache(maxsize=8)
def _executed(text: str, future: bool) -> Callable[..., Any]:
    """The function that a text defines; its annotations are texts too where `future` is true."""
    namespace: dict[str, Any] = {"np": np, "sh": sh, "special": special}
    flags = features.annotations.compiler_flag if future else 0
    exec(compile(text, "<fuzzed>", "exec", flags, dont_inherit=True), namespace)
    return namespace["fuzzed"]


def _literal(constant: float) -> str:
    return "np.inf" if constant == float("inf") else repr(constant)


class _Drawing:
    """A recipe while it is drawn."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.style = rng.choices(list(_STYLES), (4, 2, 2, 2, 2, 1.2))[0]
        self.arguments = self._arguments()
        self.kinds = [_VALUES.get(a.kind, a.kind) for a in self.arguments]
        self.inputs, self.steps = len(self.kinds), []

    def _arguments(self) -> tuple[Argument, ...]:
        rng, style = self.rng, self.style
        weights = (10, 4 if style == "complex" else 0.3, 0.5, *((6, 1.5, 0.5) if style == "arrays" else (0.3, 0, 0)))
        kinds = "".join(rng.choices("rcivms", weights, k=rng.randint(1, 4)))
        kinds = ("c" if style == "complex" else "r") + kinds + ("b" if rng.random() < 0.05 else "")
        kinds = kinds if "r" in kinds else kinds + "r"
        made = [Argument(f"x{n}", k, n > 0 and k in "rcv" and rng.random() < 0.12) for n, k in enumerate(kinds)]
        return tuple(made)

    def is_constant(self, i: int) -> bool:
        return i >= self.inputs and self.steps[i - self.inputs].constant is not None

    def add(self, step: Step, kind: str) -> None:
        self.steps.append(step)
        self.kinds.append(kind)

    def step(self) -> None:
        """One more function of what is there."""
        entry, args = self._entry(), []
        for kind in entry.takes:
            i = self._operand(kind)
            if i is None:
                if kind == "r" or self.rng.random() < 0.1:
                    few = ORDINARY if self.rng.random() < 0.9 else None
                    self.add(Step("const", (), self.rng.choice(CONSTANTS[:few])), "r")
                i = self._needed(kind)
            args.append(i)
        if all(map(self.is_constant, args)):  # plain Python is not on trial
            args[entry.takes.index("r")] = self.varying()
        self.add(Step(entry.name, tuple(args)), entry.gives)

    def _entry(self) -> Entry:
        rng, style = self.rng, self.style
        kind = rng.choices("rcbvm", _STYLES[style])[0]
        pool = (_BY_KIND if style in ("arrays", "batch") else _SCALAR)[kind]
        if style == "arithmetic":
            pool = [e for e in _ARITHMETIC if e.gives == kind] or _ARITHMETIC
        if style == "batch" and rng.random() < 0.25:
            pool = [e for e in REDUCED.values() if "v" not in e.takes or "v" in self.kinds]
        return rng.choices(pool, [e.weight for e in pool])[0]

    def _operand(self, kind: str) -> int | None:
        """A value of a kind, late ones more often; None for a new constant, or where there is none."""
        found = [i for i, k in enumerate(self.kinds) if k == kind]
        if not found or (kind == "r" and self.rng.random() < 0.12):
            return None
        return self.rng.choice(found[-6:] if self.rng.random() < 0.7 else found)

    def varying(self) -> int:
        """A real value that is no constant."""
        return self.rng.choice([i for i, k in enumerate(self.kinds) if k == "r" and not self.is_constant(i)])

    def _needed(self, kind: str) -> int:
        """A value of a kind that may have to be made first."""
        found = [i for i, k in enumerate(self.kinds) if k == kind]
        if kind == "r":
            return found[-1] if self.is_constant(len(self.kinds) - 1) else self.rng.choice(found)
        if found:
            return self.rng.choice(found)
        if kind == "m":
            rows = tuple([self._needed("v") for _ in range(3)])
            self.add(Step("np.stack([x, y, z]):vvv", rows), "m")
            return len(self.kinds) - 1
        reals = [i for i, k in enumerate(self.kinds) if k == "r"]
        name, more = {"c": ("x + 1j * y:rr", 1), "b": ("less:rr", 1), "v": ("np.stack([x, y, z]):rrr", 2)}[kind]
        self.add(Step(name, (self.varying(), *[self.rng.choice(reals) for _ in range(more)])), kind)
        return len(self.kinds) - 1


@functools.lru_cache(maxsize=4)
def recipe(seed: int) -> Recipe:
    """A random formula: the same for the same seed."""
    d = _Drawing(seed)
    rng, inputs = d.rng, d.inputs
    for _ in range(rng.choice((2, 4, 6, 8, 10, 12, 16, 24, 40) if d.style != "arrays" else (2, 3, 4, 6, 8, 10))):
        d.step()
    last = [i for i in range(inputs, len(d.kinds)) if not d.is_constant(i)]
    outputs = [last[-1], *rng.sample(last, min(len(last), rng.choice((0, 1, 1, 2, 3))))]
    if rng.random() < 0.05:
        outputs.append(rng.randrange(len(d.kinds)))
    together = (0, "")
    if rng.random() < 0.1 and len(d.arguments) > 1 and not any(a.parameter for a in d.arguments):
        together = (rng.randint(1, len(d.arguments) - 1), rng.choice(("dict", "tuple")))
    result = rng.choices(("tuple", "dict", "nested", "list"), (7, 1, 1, 1))[0]
    return Recipe(seed, d.arguments, tuple(d.steps), tuple(dict.fromkeys(outputs)), together, result)
