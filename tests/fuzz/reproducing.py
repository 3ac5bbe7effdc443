"""A failing case as a program of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.fuzz.case import EVENTS, Options
from tests.fuzz.checks import Failure
from tests.fuzz.inputs import ordinary, special
from tests.fuzz.recipes import Recipe


def reproducer(r: Recipe, options: Options, found: Sequence[Failure]) -> str:
    """Python that calls the kernel on the event at which it fails, and says what was wrong."""
    said = [f"# {line}" for failure in found[:4] for line in str(failure).splitlines()]
    o = options
    made = f"sh.kernel(fuzzed, effort={o.effort!r}, math={o.math!r}, parameters={r.parameters!r})"
    made = f"sh.{o.derivative}({made})" if o.derivative else made
    event = next((f.event for f in found if f.event is not None), 0)
    events = slice(event, event + 1)
    if r.reduces:  # an exception comes with any numbers
        events = slice(0, 2) if all(f.kind.endswith("Error") for f in found) else slice(None)
    few, many = ordinary(r, EVENTS, o.dtype), special(r, 2 * EVENTS, o.dtype)
    lines = []
    for a, x, y in zip(r.arguments, few, many):
        whole = x if a.parameter else np.concatenate([x, y])
        value = whole if a.parameter else whole[events]
        lines.append(f"{a.name} = {_written(value)}")
    count, form = r.together
    names = [a.name for a in r.arguments]
    alone, kept = names[: len(names) - count], names[len(names) - count :]
    if count:
        inside = ", ".join(f"{n!r}: {n}" for n in kept) if form == "dict" else ", ".join(kept) + ","
        alone.append(f"{{{inside}}}" if form == "dict" else f"({inside})")
    return "\n".join([
        f"# seed {r.seed}: {options}", *said, "import numpy as np", "from scipy import special", "",
        "import symhep as sh", "", "", r.text().rstrip(), "", "", f"kernel = {made}", *lines,
        f"print(kernel({', '.join(alone)}))",
    ])  # fmt: skip


def _written(x: np.ndarray) -> str:
    """An array as text that gives the same bits."""
    if x.size > 20:
        return f"np.frombuffer(bytes.fromhex({x.tobytes().hex()!r}), {x.dtype.str!r}).reshape({x.shape})"
    inside = repr(x.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.array({inside}, np.{x.dtype.name})"
