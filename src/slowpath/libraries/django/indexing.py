"""How an index is written in a model of Django's."""

from __future__ import annotations

from slowpath.advisor import NewIndex
from slowpath.schema import Schema

# Django refuses longer names of indexes.
_LONGEST = 30


def spell_index(schema: Schema, model: str, index: NewIndex) -> str:
    """The index as it stands in `Meta.indexes`; a condition is left to SQL, which says it without doubt."""
    found = schema.models[model]
    fields = {column.column: column.name for column in found.columns}
    fields |= {fields.get(r.column, r.column): r.name for r in found.relations if r.column}
    names = [_field(fields, column) for column in index.columns]
    written = ", ".join(f'"{name}"' for name in names)
    return f'`models.Index(fields=[{written}], name="{index.name[:_LONGEST].rstrip("_")}")` to `Meta.indexes`'


def _field(fields: dict[str, str], column: str) -> str:
    bare = column.removeprefix("-")
    return column[: len(column) - len(bare)] + fields.get(bare, bare)
