"""What one function does, in the neutral form, and what is said when it cannot be read."""

from __future__ import annotations

from msgspec import Struct

from slowpath.expression import Parameter
from slowpath.semantics.statement import Block


class Body(Struct, frozen=True, array_like=True):
    """What one function does, and with which parameters."""

    statements: Block
    parameters: tuple[Parameter, ...]


class LoweringError(Exception):
    """A slice that cannot be read, and where in it (line and column from 1)."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(line, column, reason)
        self.line = line
        self.column = column
        self.reason = reason

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.reason}"


def too_deep(column: int) -> LoweringError:
    """What is said of a function that begins in this column and holds an expression of extreme depth."""
    return LoweringError(1, column, "nested too deeply")
