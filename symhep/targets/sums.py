"""Reductions over the batch in Python: what generated sources have written out above their functions.

The sum of a block of 2048 values has 16 running sums, each with what its additions lose by rounding: they are as good
as numbers of twice the precision, can be computed side by side, and do not depend on how the work is cut. The blocks
are added likewise. `reductions.py` has the same in machine code.
"""

from __future__ import annotations

from functools import cache
from typing import Any

NAMES = ("batch_sum", "batch_max", "batch_min")

_TWO_SUM = '''\
def two_sum(a, b):
    """a + b, and what is lost by rounding it."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)
'''

_LOOPS_SUM = '''\
def batch_sum(x):
    """The sum: blocks of 2048 values, in each 16 running sums with what they lose by rounding."""
    total, lost = 0.0, 0.0
    for start in range(0, len(x), 2048):
        sums, errors = np.zeros(16), np.zeros(16)
        for i in range(start, min(start + 2048, len(x))):
            k = (i - start) % 16
            sums[k], error = two_sum(sums[k], np.float64(x[i]))
            errors[k] += error
        block, block_lost = 0.0, 0.0
        for k in range(16):
            block, error = two_sum(block, sums[k])
            block_lost += error + errors[k]
        total, error = two_sum(total, block)
        lost += error + block_lost
    both = total + lost
    return both if both == both else total
'''

_LOOPS_EXTREME = '''\
def {name}(x):
    """The {which} value; NaN if there is one."""
    best = {start}
    for value in x:
        if value {sign} best or value != value:
            best = np.float64(value)
    return best + 0.0  # zero without sign
'''

_COLUMNS_SUM = '''\
def batch_sum(x):
    """The sum: blocks of 2048 values, in each 16 running sums with what they lose by rounding."""
    values = np.zeros((-(-len(x) // 2048), 128, 16))
    values.reshape(-1)[: len(x)] = x
    sums = errors = np.zeros((len(values), 16))
    for k in range(min(128, -(-len(x) // 16))):
        sums, error = two_sum(sums, values[:, k])
        errors = errors + error
    blocks = blocks_lost = np.zeros(len(values))
    for k in range(16):
        blocks, error = two_sum(blocks, sums[:, k])
        blocks_lost = blocks_lost + (error + errors[:, k])
    total = lost = np.float64(0)
    for block, block_lost in zip(blocks, blocks_lost):
        total, error = two_sum(total, block)
        lost = lost + (error + block_lost)
    both = total + lost
    return both if both == both else total
'''

_COLUMNS_EXTREME = '''\
def {name}(x):
    """The {which} value; NaN if there is one."""
    return np.{which_short}(x, initial={start}).astype(np.float64) + 0.0  # zero without sign
'''

_EXTREMES: dict[str, dict[str, str]] = {
    "batch_max": {"which": "largest", "which_short": "max", "start": "-np.inf", "sign": ">"},
    "batch_min": {"which": "smallest", "which_short": "min", "start": "np.inf", "sign": "<"},
}


def functions(used: set[str], decorator: str = "") -> list[str]:
    """The texts of the functions for the operations that are used: as loops with a decorator, else over columns."""
    head = f"{decorator}\n" if decorator else ""
    parts = [head + _TWO_SUM, head + (_LOOPS_SUM if decorator else _COLUMNS_SUM)] if "batch_sum" in used else []
    for name, words in _EXTREMES.items():
        if name in used:
            text = _LOOPS_EXTREME if decorator else _COLUMNS_EXTREME
            parts.append(head + text.format(name=name, **words))
    return parts


@cache
def function(name: str) -> Any:
    """A reduction of a column in NumPy, as its text has it.

    >>> import numpy as np
    >>> float(function("batch_sum")(np.array([1e100, 1.0, -1e100])))
    1.0
    """
    import numpy as np

    space: dict[str, Any] = {"np": np}
    exec("\n\n".join(functions({name})), space)
    return space[name]
