"""`python -m tests.soak --compilations 100000`: many small kernels compiled, called and dropped; memory has to stay.

Each kernel is another formula. It is traced, optimised, verified, compiled and called with one event, a few and many;
its results are compared with NumPy's. The resident memory is shown twenty times; after the first line, by which
libraries are loaded and caches full, it may not grow by more than GROWTH. Every 100th kernel also has a derivative and
runs as NumPy code.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Iterator

import numpy as np
import psutil

import symhep as sh

GROWTH = 8e6  # bytes after the first tenth: allocators are not exact
COLUMNS = np.random.default_rng(1).uniform(0.5, 2, (2, 1000))


def formula(k: int) -> str:
    """A small function that is like no other."""
    function = ("np.exp(-x * y)", "np.sqrt(x * x + y)", "np.sin(x) * y", "np.where(x < y, x, y)")[k % 4]
    return f"def soaked(x, y):\n    return {function} * {k + 1} + x / (y + {k % 997 + 1}.5), x - {k % 89}\n"


def compile_and_call(k: int) -> None:
    """Make the k-th kernel, call it, and compare it with NumPy."""
    namespace = {"np": np}
    exec(formula(k), namespace)
    kernel, function = sh.kernel(namespace["soaked"], effort="fast"), namespace["soaked"]
    x, y = COLUMNS
    for found, right in zip(kernel(x, y), function(x, y)):
        np.testing.assert_allclose(found, right, rtol=1e-12)
    assert np.isclose(kernel(1.5, 0.7)[0], function(1.5, 0.7)[0]) and kernel(x[:7], y[:7])[1].shape == (7,)
    if k % 100 == 0:
        np.testing.assert_allclose(kernel.to("numpy")(x, y)[0], function(x, y)[0], rtol=1e-12)
        assert sh.jacobian(kernel)(1.5, 0.7)[1]["x"] == 1


def memory() -> int:
    """The resident bytes of this process."""
    gc.collect()
    return psutil.Process().memory_info().rss


def soak(compilations: int, parts: int = 20) -> Iterator[tuple[int, int]]:
    """Compile so many kernels; after each part how many there were, and the memory."""
    done = 0
    for part in range(1, parts + 1):
        while done < compilations * part // parts:
            compile_and_call(done)
            done += 1
        yield done, memory()


def grown(found: list[tuple[int, int]]) -> int:
    """By how many bytes memory is larger at the end than after the first part."""
    return found[-1][1] - found[0][1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compilations", type=int, default=10_000)
    given = parser.parse_args()
    os.environ["SYMHEP_CACHE"] = "off"
    start, found = time.monotonic(), []
    for done, size in soak(given.compilations):
        found.append((done, size))
        print(f"{done:9,} compilations  {size / 1e6:8.1f} MB  {time.monotonic() - start:6.0f} s", flush=True)
    print(f"grown by {grown(found) / 1e6:.1f} MB since the first line; {GROWTH / 1e6:.0f} MB are allowed")
    return grown(found) > GROWTH


if __name__ == "__main__":
    sys.exit(main())
