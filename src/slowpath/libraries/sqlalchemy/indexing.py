"""How an index is written in a mapped class of SQLAlchemy's."""

from __future__ import annotations

from slowpath.advisor import NewIndex
from slowpath.schema import Schema


def spell_index(schema: Schema, model: str, index: NewIndex) -> str:
    """The index as it stands in `__table_args__`."""
    columns = [f'text("{c[1:]} DESC")' if c.startswith("-") else f'"{c}"' for c in index.columns]
    where = [f'postgresql_where=text("{index.condition}")'] if index.condition else []
    return f"`Index({', '.join([_quoted(index.name), *columns, *where])})` to `__table_args__`"


def _quoted(name: str) -> str:
    return f'"{name}"'
