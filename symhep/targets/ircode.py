"""LLVM IR written statement by statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

Integer = int | str  # a number, or the name of a value


class Code:
    """The text of a function, written statement by statement."""

    def __init__(self, head: str) -> None:
        self.lines = [f"define {head} {{", "entry:"]
        self.block = "entry"
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def __call__(self, text: str) -> str:
        """The name of a new value."""
        name = f"%{self.name()}"
        self.lines.append(f"{name} = {text}")
        return name

    def do(self, text: str) -> None:
        """An instruction without a value."""
        self.lines.append(text)

    def start(self, block: str) -> None:
        self.lines.append(f"{block}:")
        self.block = block

    def int(self, op: str, a: Integer, b: Integer) -> str:
        """Integer arithmetic."""
        return self(f"{op} i64 {a}, {b}")

    def test(self, order: str, a: Integer, b: Integer) -> str:
        """A comparison of integers."""
        return self(f"icmp {order} i64 {a}, {b}")

    def at(self, base: str, offset: Integer, type_: str = "i8") -> str:
        """An address."""
        return self(f"getelementptr {type_}, ptr {base}, i64 {offset}")

    def store(self, value: str, address: str, type_: str = "i64") -> None:
        self.do(f"store {type_} {value}, ptr {address}")

    def load(self, address: str, type_: str = "i64") -> str:
        return self(f"load {type_}, ptr {address}")

    @contextmanager
    def loop(self, start: Integer, stop: Integer, step: Integer = 1) -> Iterator[str]:
        """Count from start while below stop."""
        label, i = self.name(), f"%{self.name()}"
        self.do(f"br label %{label}.from")
        self.start(f"{label}.from")
        self.do(f"br label %{label}.head")
        self.start(f"{label}.head")
        self.do(f"{i} = phi i64 [ {start}, %{label}.from ], [ {i}.next, %{label}.step ]")
        inside = self(f"icmp slt i64 {i}, {stop}")
        self.do(f"br i1 {inside}, label %{label}.body, label %{label}.done")
        self.start(f"{label}.body")
        yield i
        self.do(f"br label %{label}.step")
        self.start(f"{label}.step")
        self.do(f"{i}.next = add i64 {i}, {step}")
        self.do(f"br label %{label}.head")
        self.start(f"{label}.done")

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Only if the condition holds."""
        label = self.name()
        self.do(f"br i1 {condition}, label %{label}.then, label %{label}.done")
        self.start(f"{label}.then")
        yield
        self.do(f"br label %{label}.done")
        self.start(f"{label}.done")

    def end(self, value: str = "void") -> str:
        self.lines += [f"ret {value}", "}"]
        return "\n".join(self.lines)
