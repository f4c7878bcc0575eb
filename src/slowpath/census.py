"""A database as it was counted: how many rows its tables have, their indexes, and how often each was searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

# A table of fewer rows is read in no time; one of more is not.
SMALL = 10_000
LARGE = 100_000

Vendor = Literal["postgresql", "mysql", "sqlite"]
Count = Annotated[int, Meta(ge=0)]


class CountedIndex(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An index as the catalogue has it: columns in order, a leading `-` for descending; `unique` when it is there to
    refuse rows as well. `scans` is how often it was searched, None where nobody counts."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    scans: Count | None = None


class CountedTable(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table and about how many rows it has; None where the database does not know."""

    name: str
    schema: str = ""
    rows: Count | None = None
    indexes: tuple[CountedIndex, ...] = ()


class Census(Struct, frozen=True, forbid_unknown_fields=True):
    """What was counted and when; `since` is when the database began to count searches, empty if nobody knows."""

    version: Literal[1]
    vendor: Vendor
    taken: str
    since: str
    tables: tuple[CountedTable, ...]


def decoded(data: bytes) -> Census | str:
    """What the file holds, or what is wrong with it."""
    try:
        return msgspec.json.decode(data, type=Census)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return str(error)


def encoded(census: Census) -> bytes:
    """The file that holds it, for people too."""
    return msgspec.json.format(msgspec.json.encode(census), indent=1) + b"\n"


class Sizes:
    """How large tables are, as far as that was counted. An empty one may be new: it says nothing."""

    def __init__(self, tables: Iterable[CountedTable] = ()) -> None:
        self._tables: dict[str, list[CountedTable]] = {}
        for table in tables:
            self._tables.setdefault(table.name.lower(), []).append(table)

    def is_small(self, name: str) -> bool:
        """Whether every table that the name may mean has so few rows that it may as well be read whole."""
        counts = self._counts(name)
        return bool(counts) and all(0 < count < SMALL for count in counts)

    def is_large(self, name: str) -> bool:
        """Whether every table that the name may mean has many rows."""
        counts = self._counts(name)
        return bool(counts) and all(count > LARGE for count in counts)

    def _counts(self, name: str) -> list[int]:
        schema, _, bare = name.lower().rpartition(".")
        alike = self._tables.get(bare, [])
        meant = [table for table in alike if schema and table.schema.lower() == schema] or alike
        return [table.rows or 0 for table in meant]


def unused(census: Census) -> Iterator[tuple[CountedTable, CountedIndex]]:
    """The indexes that were never searched and refuse nothing, of tables that are large enough for one to matter."""
    for table in census.tables:
        for index in table.indexes if (table.rows or 0) >= SMALL else ():
            if index.scans == 0 and not index.unique:
                yield table, index
