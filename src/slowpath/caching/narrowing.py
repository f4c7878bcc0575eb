"""Queries for some rows of a table, or some of its columns: what is computed from them says little of the others."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.query import Condition, Shape
from slowpath.semantics.effects import Asks
from slowpath.semantics.program import Program
from slowpath.vocabulary import Passed, Text

# What a flag says is true of most rows, or of none.
_FLAGS = {"TRUE", "FALSE"}


def is_narrowed(program: Program, asked: Asks) -> bool:
    """Whether the query always asks for rows that have a certain value in a column, flags and the key apart: a row that
    is asked for by a fixed key is the only one of its table."""
    if asked.trail.parameter:
        return False
    declared = program.schema.models.get(asked.model)
    keys = {column.column for column in declared.columns if column.primary_key} if declared is not None else set()
    return all(
        any(_narrows(test) and test.column not in keys for test in shape.conditions) for shape in _ways(program, asked)
    )


def columns_of(program: Program, asked: Asks) -> tuple[str, ...]:
    """The columns that decide what the query gives, if it says which it wants; empty if nobody knows."""
    declared = program.schema.models.get(asked.model)
    if asked.trail.parameter or declared is None:
        return ()
    wanted: tuple[Passed, ...] = ()
    for step in asked.trail.steps:
        fact = program.fact(declared.rows_type, step.method)
        if fact is not None and fact.action == "plain":
            wanted = step.arguments if step.branch is None else ()
    named = [_column(passed) for passed in wanted if passed.keyword != "flat"]
    if not named or not all(named):
        return ()
    shapes = list(_ways(program, asked))
    if any(shape.open or len(shape.tests) > len(shape.conditions) for shape in shapes):
        return ()
    tested = {test.column for shape in shapes for test in shape.conditions if not test.path}
    return tuple(sorted({*named, *tested, *(sort.column for shape in shapes for sort in shape.order if not sort.path)}))


def _column(passed: Passed) -> str:
    """The column of the table itself that is asked for by this name; empty for anything else."""
    match passed:
        case Passed(term=Text(value=name), keyword="", star=False) if "__" not in name:
            return name
    return ""


def _ways(program: Program, asked: Asks) -> Iterator[Shape]:
    for without in asked.trail.ways():
        yield program.shape(asked.model, asked.trail.steps, without, owner=asked.owner, relation=asked.relation)


def _narrows(test: Condition) -> bool:
    return test.how in {"equal", "in"} and not test.path and test.value not in _FLAGS
