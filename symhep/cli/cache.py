"""`symhep cache`."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from symhep.cli.options import Json, Traceback, errors

cache_app = typer.Typer(help="What is kept from one process to the next.", no_args_is_help=True)


@cache_app.command("info")
def cache_info(as_json: Json = False, traceback: Traceback = False) -> None:
    """Where compiled kernels are kept, how many, how large, and how large they may grow."""
    with errors(traceback):
        from symhep.caching.cache import info

        found = info()
        print(json.dumps(asdict(found), indent=2, sort_keys=True) if as_json else found)


@cache_app.command("clear")
def cache_clear(as_json: Json = False, traceback: Traceback = False) -> None:
    """Remove all compiled kernels that are kept."""
    with errors(traceback):
        from symhep.caching.cache import clear
        from symhep.errors import count

        removed = clear()
        print(json.dumps({"removed": removed}) if as_json else f"{count(removed, 'file')} removed")
