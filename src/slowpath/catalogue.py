"""Tables of the database as the index advisor sees them."""

from __future__ import annotations

import re

from slowpath.advisor import Key, Table
from slowpath.database import Table as Declared
from slowpath.schema import Index

# In SQL `TEXT` is any text; who writes `Text` in a model had the choice of a short one.
_LARGE = re.compile(r"(?i:(?:medium|long)text|json|blob|binary|bytea|bytes|xml)|Text")
_BINARY = re.compile(r"binary|bytes|bytea|blob", re.IGNORECASE)


def table_of(declared: Declared) -> Table | None:
    """The table for the advisor, `None` when not all of its columns and indexes are known."""
    if not declared.known or not declared.columns:
        return None
    columns = frozenset(column.column for column in declared.columns)
    few = frozenset(column.column for column in declared.columns if column.few)
    primary = Key(declared.primary_key, unique=True, name="the primary key")
    keys = (primary, *(_key(index, columns) for index in declared.indexes))
    references = frozenset(column for key in declared.foreign_keys for column in key.columns)
    binary = frozenset(column.column for column in declared.columns if _BINARY.search(column.type))
    large = frozenset(column.column for column in declared.columns if _LARGE.search(column.type))
    return Table(declared.name, columns, keys, few, declared.primary_key, references, binary, large)


def _key(index: Index, columns: frozenset[str]) -> Key:
    plain = index.method in {"", "btree", "b-tree"}
    return Key(
        tuple(_column(each, columns) for each in index.columns), index.unique, index.name, index.condition, plain
    )


def _column(written: str, columns: frozenset[str]) -> str:
    return written if written.removeprefix("-") in columns else f"?{written}"
