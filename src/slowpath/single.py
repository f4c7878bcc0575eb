"""Queries for one row."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function
from slowpath.schema import Model, Schema
from slowpath.semantics.effects import Asks
from slowpath.semantics.program import Program
from slowpath.source import Place


def is_by_key(function: Function, program: Program, place: Place) -> bool:
    """Whether what is asked there is for the row with a primary key."""
    return any(
        keys and keys <= compared
        for model, compared in _compared(function, program, place)
        for keys in [{column.column for column in model.columns if column.primary_key}]
    )


def is_for_one(function: Function, program: Program, place: Place) -> bool:
    """Whether no more than one row has what is asked for there: its key, or what is unique."""
    for model, compared in _compared(function, program, place):
        unique = [{column.column} for column in model.columns if column.primary_key or column.unique]
        unique += [
            {_column(program.schema, model.name, name) for name in index.columns}
            for index in model.indexes
            if index.unique and not index.condition
        ]
        if any(columns and columns <= compared for columns in unique):
            return True
    return is_by_key(function, program, place)


def _column(schema: Schema, model: str, name: str) -> str:
    """The name in the table of the column that an index calls by an attribute or by its relation."""
    relation = schema.relation(model, name)
    found = schema.column(model, relation.column if relation is not None and relation.column else name)
    return found.column if found is not None else name


def _compared(function: Function, program: Program, place: Place) -> Iterator[tuple[Model, set[str]]]:
    """The columns that are compared with one value each, of what is asked for there."""
    for effect in function.summary.effects:
        if not isinstance(effect, Asks) or effect.place != place or effect.trail.parameter:
            continue
        model = program.schema.models.get(effect.model)
        shape = program.shape(effect.model, effect.trail.steps, frozenset())
        if model is not None:
            yield model, {test.column for test in shape.conditions if test.how == "equal" and not test.path}
