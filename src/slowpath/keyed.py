"""Queries for rows by their key, or by the key of what they belong to."""

from __future__ import annotations

from slowpath.references import FunctionRef
from slowpath.schema import Schema
from slowpath.semantics.effects import Asks, RunsQuery, Writes
from slowpath.semantics.program import Program


def is_keyed(effect: RunsQuery | Writes, program: Program) -> bool:
    """Whether a query, or a statement that writes, names rows by a key; one in SQL of which no more is known may."""
    if not effect.model:
        return True
    place = effect.place
    return any(
        isinstance(other, Asks) and other.place == place and _compares_key(other, program)
        for other in program.effects_of(FunctionRef(place.module, place.function)).effects
    )


def _compares_key(asked: Asks, program: Program) -> bool:
    keys = _keys(program.schema, asked.model)
    shape = program.shape(asked.model, asked.trail.steps, frozenset())
    return any(
        each.how in {"equal", "in"} and not each.value and not each.path and each.column in keys
        for each in shape.conditions
    )


def _keys(schema: Schema, model: str) -> set[str]:
    """The columns that name a row of the table, or of one that it belongs to."""
    declared = schema.models.get(model)
    if declared is None:
        return set()
    others = [schema.column(model, each.column) for each in declared.relations if each.column]
    return {each.column for each in (*declared.columns, *filter(None, others)) if each.primary_key or each in others}
