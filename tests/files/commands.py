"""Commands of the tests: `symhep run` with the kernels of samples.py."""

import os

from typer.testing import CliRunner

from symhep.cli import app


def run(name: str, *arguments, status: int = 0):
    result = CliRunner().invoke(app, ["run", f"kernels_of_test.py:{name}", *map(str, arguments)])
    assert result.exit_code == status, result.output + repr(result.exception)
    return result


def refused(name: str, *arguments) -> str:
    """The error of a run that leaves nothing behind."""
    before = set(os.listdir())
    result = run(name, *arguments, status=1)
    assert set(os.listdir()) - before <= {"__pycache__"} and not result.stdout
    return result.stderr
