"""Queries for some rows of a table: what is computed from them says little of the others."""

from __future__ import annotations

from slowpath.query import Condition
from slowpath.semantics.effects import Asks
from slowpath.semantics.program import Program

# What a flag says is true of most rows, or of none.
_FLAGS = {"TRUE", "FALSE"}


def is_narrowed(program: Program, asked: Asks) -> bool:
    """Whether the query always asks for rows that have a certain value in a column, flags and the key apart: a row that
    is asked for by a fixed key is the only one of its table."""
    if asked.trail.parameter:
        return False
    declared = program.schema.models.get(asked.model)
    keys = {column.column for column in declared.columns if column.primary_key} if declared is not None else set()
    ways = (
        program.shape(asked.model, asked.trail.steps, without, owner=asked.owner, relation=asked.relation)
        for without in asked.trail.ways()
    )
    return all(any(_narrows(test) and test.column not in keys for test in shape.conditions) for shape in ways)


def _narrows(test: Condition) -> bool:
    return test.how in {"equal", "in"} and not test.path and test.value not in _FLAGS
