"""Processes that share a cache and are killed at any moment."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from symhep.caching import cache
from symhep.caching import directory as cache_directory

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

WRITER = """
import random, sys
from symhep.caching import cache
level, seed = cache.level("code"), int(sys.argv[1])
random.seed(seed)
print("ready", flush=True)
while True:
    i = random.randrange(20)
    payload = bytes([i]) * (50_000 * i)
    found = level.get(cache.key("code", str(i)))
    assert found in (None, payload), i
    level[cache.key("code", str(i))] = payload
"""

COMPILER = """
import sys
import numpy as np
import symhep as sh
x = np.linspace(0.5, 1.5, 50)
print("ready", flush=True)
for k in range(1, 5):
    def formula(x, y):
        s = x
        for j in range(1, 15):
            s = np.sqrt(s * s + k * y * y) + np.exp(-x / j)
        return s
    print(sh.kernel(formula)(x, x[::-1]).tobytes().hex())
"""


def start(root, script, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def assert_all_sound(directory):
    """Every entry is whole; files that were not finished are few, and go."""
    for kind in cache_directory.KINDS:
        for file in (directory / kind).iterdir():
            assert cache._read(file, file.name) is not None, file
    for file in (directory / "tmp").iterdir():
        os.utime(file, (1, 1))
    cache_directory.sweep(directory)
    assert not list((directory / "tmp").iterdir())


def test_writers_that_are_killed(cache_dir, root):
    kills = 12
    random.seed(1)
    writers = [start(root, WRITER, seed) for seed in range(3)]
    for seed in range(kills):
        victim = writers.pop(0)
        assert victim.stdout.readline() == "ready\n", victim.stderr.read()
        time.sleep(random.uniform(0, 0.1))
        assert victim.poll() is None, victim.stderr.read()
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        writers.append(start(root, WRITER, 100 + seed))
    for writer in writers:
        writer.kill()
        writer.communicate()
    assert len(list((cache_dir / "tmp").iterdir())) <= kills + 3
    assert list((cache_dir / "code").iterdir())
    assert_all_sound(cache_dir)


@pytest.mark.slow
def test_compilers_that_are_killed(cache_dir, root):
    random.seed(2)
    expected = start(root, COMPILER).communicate()[0]
    for file in cache_dir.rglob("*"):
        if file.is_file():
            file.unlink()
    for _ in range(6):
        running = [start(root, COMPILER) for _ in range(3)]
        for process in running[1:]:
            process.stdout.readline()
            time.sleep(random.uniform(0, 0.4))
            process.kill()
            process.communicate()
        out, errors = running[0].communicate()
        assert (out, errors) == (expected, "")
    assert_all_sound(cache_dir)
    assert start(root, COMPILER).communicate() == (expected, "")
