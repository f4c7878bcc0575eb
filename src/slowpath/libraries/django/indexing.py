"""How an index is written in a model of Django's."""

from __future__ import annotations

from slowpath.advisor import NewIndex
from slowpath.schema import Schema

# Django refuses longer names of indexes.
_LONGEST = 30


def spell_index(schema: Schema, model: str, index: NewIndex) -> str:
    """The index as it stands in `Meta.indexes`."""
    return f"`{declared(schema, model, index)}` to `Meta.indexes`"


def declared(schema: Schema, model: str, index: NewIndex) -> str:
    """The expression that makes the index."""
    found = schema.models[model]
    fields = {column.column: column.name for column in found.columns}
    fields |= {fields.get(r.column, r.column): r.name for r in found.relations if r.column}
    written = ", ".join(f'"{_field(fields, column)}"' for column in index.columns)
    tests = ", ".join(_test(fields, part) for part in index.condition.split(" AND ") if part)
    condition = f", condition=models.Q({tests})" if tests else ""
    return f'models.Index(fields=[{written}], name="{index.name[:_LONGEST].rstrip("_")}"{condition})'


def _test(fields: dict[str, str], part: str) -> str:
    """A part of an index's condition, which is a column that is empty or one that is true or false, as a lookup."""
    if part.endswith(" IS NULL"):
        return f"{fields.get(part.removesuffix(' IS NULL'), part)}__isnull=True"
    column = part.removeprefix("NOT ")
    return f"{fields.get(column, column)}={column == part}"


def _field(fields: dict[str, str], column: str) -> str:
    bare = column.removeprefix("-")
    return column[: len(column) - len(bare)] + fields.get(bare, bare)
