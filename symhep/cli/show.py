"""`symhep report`, `source`, `bench` and `targets`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from symhep.cli.loading import kernel_of
from symhep.cli.options import (
    TARGETS,
    Dtype,
    Effort,
    Json,
    Target,
    Traceback,
    Where,
    console,
    effort_of,
    errors,
)
from symhep.errors import ArgumentError, message

Targets = Annotated[
    list[str],
    typer.Option(help="A target to time; repeat. Default: all that work here.", autocompletion=lambda: list(TARGETS)),
]
Boxes = Annotated[list[str], typer.Option("--box", metavar="NAME=LOW:HIGH", help="The range of an argument; repeat.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads; default: the CPUs this process may use.")]


def report(
    where: Where,
    as_json: Json = False,
    target: Target = "auto",
    effort: Effort = "default",
    traceback: Traceback = False,
) -> None:
    """Operation counts pass by pass, and what the optimised program needs per event.

    ```
    symhep report kinematics.py:dimuon_mass --effort max
    ```
    """
    with errors(traceback):
        made = kernel_of(where, target=target, effort=effort_of(effort)).report()
        if as_json:
            print(made.json())
        else:
            console().print(made)


def source(
    where: Where,
    as_json: Json = False,
    target: Target = "auto",
    effort: Effort = "default",
    dtype: Dtype = "float64",
    traceback: Traceback = False,
) -> None:
    """The generated source.

    ```
    symhep source kinematics.py:dimuon_mass --target c > dimuon_mass.c
    ```
    """
    with errors(traceback):
        kernel = kernel_of(where, target=target, effort=effort_of(effort), dtype=dtype)
        text = kernel.source()
        if as_json:
            print(json.dumps({"name": kernel.name, "target": target, "source": text}))
        else:
            print(text, end="" if text.endswith("\n") else "\n")


def bench(
    where: Where,
    as_json: Json = False,
    target: Targets = [],  # noqa: B006
    effort: Effort = "default",
    dtype: Dtype = "float64",
    events: Annotated[int, typer.Option(min=1, help="How many events.")] = 100_000,
    threads: Threads = None,
    ranges: Boxes = [],  # noqa: B006
    traceback: Traceback = False,
) -> None:
    """Time per event on the targets that work here, next to the function itself on NumPy arrays.

    ```
    symhep bench kinematics.py:breit_wigner --target numba --box m=60:120
    ```
    """
    with errors(traceback):
        from symhep.bench import measure

        kernel = kernel_of(where, effort=effort_of(effort), dtype=dtype)
        result = measure(kernel, target or None, events, threads, _box(ranges))
        if as_json:
            print(json.dumps(result.as_dict(), indent=2, sort_keys=True))
        else:
            console().print(result)


def targets(as_json: Json = False, traceback: Traceback = False) -> None:
    """Which targets work here; for the others the reason."""
    with errors(traceback):
        from symhep.targets import targets as known

        found = known()
        if as_json:
            print(json.dumps({name: asdict(a) for name, a in found.items()}, indent=2, sort_keys=True))
        else:
            print(found)


def _box(ranges: list[str]) -> Any:
    """The domain that --box options describe; None without any."""
    if not ranges:
        return None
    from symhep.checking.domain import box

    given = {}
    for text in ranges:
        name, equals, bounds = text.partition("=")
        low, colon, high = bounds.partition(":")
        try:
            given[name.strip()] = (float(low), float(high))
        except ValueError:
            raise ArgumentError(message(f"--box {text!r} is not a range", instead="--box pt=20:80")) from None
    return box(**given)
