"""What is where in the scratch memory of a kernel.

The scratch memory of a kernel in a thread holds, in this order: the addresses of the input and output columns; lists
of the driver's; the values computed once per call; and rows of one block each, for copies of columns and for values
that pass from segment to segment. Rows are padded, so that they do not all fall on the same
places of a cache. Offsets are in bytes: event e of a column is at the column's address + e * size.
"""

from __future__ import annotations

from dataclasses import dataclass

from symhep.targets.llvm import Vector

LINE = 64  # bytes of a cache line
PARAMETER = 1  # the stride that says that a column is a parameter; no other has it
LIST_BYTES = 48  # of the driver's lists, for each column
AHEAD = 1024  # bytes that columns are fetched ahead
CACHE = 1 << 18  # bytes that the rows should not exceed: they are to stay in the second-level cache


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in the scratch memory, in bytes."""

    vector: Vector
    inputs: int
    outputs: int
    slots: int
    rows: int

    @property
    def events(self) -> int:
        """Events of a block."""
        of_one = (self.inputs + self.outputs + self.rows) * self.vector.size
        return next((n for n in (128, 64, 32) if n * of_one <= CACHE), 16)

    @property
    def list_base(self) -> int:
        return _up(8 * (self.inputs + self.outputs))

    @property
    def slot_base(self) -> int:
        return self.list_base + _up(LIST_BYTES * (self.inputs + self.outputs))

    @property
    def row_base(self) -> int:
        return self.slot_base + _up(self.vector.size * self.slots)

    @property
    def row_bytes(self) -> int:
        return self.events * self.vector.size + LINE

    @property
    def total(self) -> int:
        """Bytes of the whole; its start is to be a multiple of LINE."""
        return self.row(self.inputs + self.outputs + self.rows)

    def row(self, k: int) -> int:
        """Where row k starts: inputs, then outputs, then values between segments."""
        return self.row_base + k * self.row_bytes

    def slot(self, k: int) -> int:
        """Where value k of those that are computed once per call is."""
        return self.slot_base + k * self.vector.size


def _up(n: int) -> int:
    return -(-n // LINE) * LINE
