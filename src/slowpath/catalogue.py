"""Tables as the index advisor sees them, from the models of a schema."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.advisor import Key, Table
from slowpath.schema import Index, Model, Schema


def table_of(schema: Schema, name: str) -> Table | None:
    """The table of the model, `None` when not all of its columns and indexes are known."""
    model = schema.models.get(name)
    if model is None or model.abstract or model.multi_table or not model.table or not model.columns:
        return None
    names = {column.name: column.column for column in model.columns}
    names |= {relation.name: names[relation.column] for relation in model.relations if relation.column in names}
    few = frozenset(column.column for column in model.columns if column.few)
    primary = tuple(column.column for column in model.columns if column.primary_key)
    columns = frozenset(column.column for column in model.columns)
    return Table(model.table, columns, tuple(_keys(model, names)), few, primary)


def _keys(model: Model, names: dict[str, str]) -> Iterator[Key]:
    primary = tuple(column.column for column in model.columns if column.primary_key)
    if primary:
        yield Key(primary, unique=True, name="the primary key")
    for column in model.columns:
        if (column.unique or column.indexed) and (column.column,) != primary:
            yield Key((column.column,), unique=column.unique)
    for index in model.indexes:
        yield _key(index, names)


def _key(index: Index, names: dict[str, str]) -> Key:
    columns = tuple(_column(column, names) for column in index.columns) or ("?",)
    return Key(columns, index.unique, index.name, index.condition, index.method in {"", "btree", "b-tree"})


def _column(written: str, names: dict[str, str]) -> str:
    bare = written.removeprefix("-")
    known = names.get(bare) or (bare if bare in names.values() else "?")
    return f"-{known}" if written.startswith("-") and known != "?" else known
