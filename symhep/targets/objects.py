"""Machine code as it is kept from one process to the next, with what has to be known to run it."""

from __future__ import annotations

import json
import re
from dataclasses import astuple, dataclass

from symhep.targets.layout import Layout
from symhep.targets.llvm import Vector


@dataclass(frozen=True, slots=True)
class Code:
    """The machine code of a program.

    machine  an object file with the functions `once` and `each`
    layout   of the scratch memory
    libm     the functions of the C library whose addresses it has to be given
    lines    about how many instructions it has
    """

    machine: bytes
    layout: Layout
    libm: tuple[str, ...]
    lines: int

    @classmethod
    def of(cls, machine: bytes, layout: Layout, text: str) -> Code:
        """The machine code that was made of a text."""
        libm = re.findall(r"^@libm\.(\w+) =", text, re.MULTILINE)
        return cls(machine, layout, tuple(libm), text.count("\n"))

    def to_bytes(self) -> bytes:
        """The bytes that `from_bytes` reads."""
        head = {"layout": astuple(self.layout), "libm": self.libm, "lines": self.lines}
        return json.dumps(head).encode() + b"\n" + self.machine

    @classmethod
    def from_bytes(cls, data: bytes) -> Code:
        """Machine code that was kept; bytes of another version have another key."""
        head, _, machine = data.partition(b"\n")
        fields = json.loads(head)
        of_vector, *rest = fields["layout"]
        layout = Layout(Vector(*of_vector), *rest)
        return cls(machine, layout, tuple(fields["libm"]), fields["lines"])
