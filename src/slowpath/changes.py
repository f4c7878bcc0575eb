"""Steps that make a database's schema, whoever wrote them: DDL, or the operations of an ORM's migrations.

Names are as the database knows them, without the schema in front; a name that could not be read is empty, and a table
of which a step names something unreadable is not fully known any more. `line` counts from the text's first, 1.
"""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from slowpath.schema import ForeignKey, Index


class NewColumn(Struct, frozen=True, array_like=True):
    """A column as DDL describes it; `default` when rows that do not say get a value from the database.

    `plain_default` when this value is a constant, which costs nothing to give to the rows that are there.
    """

    name: str
    type: str = ""
    nullable: bool = True
    default: bool = False
    plain_default: bool = True
    line: int = 1


class Change(Struct, frozen=True, tag=True, array_like=True, tag_field="kind_of"):
    """What every step has: the table that it changes, and where it is said."""

    table: str
    line: int


class MakesTable(Change, frozen=True):
    """A table with what its own statement says of it.

    `whole` is false when it has more than that (`LIKE`, `INHERITS`, `AS SELECT`, parts that cannot be read).
    `kind` is empty, `temporary` or `view`.
    """

    columns: tuple[NewColumn, ...] = ()
    primary_key: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    whole: bool = True
    kind: str = ""
    if_missing: bool = False


class DropsTable(Change, frozen=True):
    """The table goes, with all its indexes."""


class RenamesTable(Change, frozen=True):
    """The table has another name from now on."""

    to: str


class AddsColumn(Change, frozen=True):
    """One more column."""

    column: NewColumn


class DropsColumn(Change, frozen=True):
    """A column goes, and the indexes that have it."""

    column: str


class RenamesColumn(Change, frozen=True):
    """A column has another name from now on."""

    column: str
    to: str


class AltersColumn(Change, frozen=True):
    """A column's type changes, or whether it may be null; `None` where it does not. `before` is the type until now,
    where that is said."""

    column: str
    nullable: bool | None = None
    type: str | None = None
    before: str = ""


class MakesIndex(Change, frozen=True):
    """An index, or a unique constraint (`constraint`). `concurrently` when writes go on meanwhile.

    `if_missing` when nothing happens where there is one of that name. `adopts` names the index that the constraint
    takes over instead of building one.
    """

    index: Index
    concurrently: bool = False
    if_missing: bool = False
    constraint: bool = False
    adopts: str = ""


class DropsIndex(Change, frozen=True):
    """An index or a constraint goes; `table` is empty where the statement does not say it."""

    name: str
    concurrently: bool = False
    if_there: bool = False


class RenamesIndex(Change, frozen=True):
    """An index has another name from now on."""

    name: str
    to: str


class SetsKey(Change, frozen=True):
    """The table gets a primary key."""

    columns: tuple[str, ...]
    name: str = ""


class AddsForeignKey(Change, frozen=True):
    """One more foreign key."""

    key: ForeignKey


class AddsCheck(Change, frozen=True):
    """A condition that all rows must meet; `validated` when those that are there are looked at."""

    condition: str
    validated: bool = True


class RewritesRows(Change, frozen=True):
    """All rows, or all that a condition finds, are updated or deleted in one statement."""

    verb: str
    filtered: bool = False


class SetsOption(Change, frozen=True):
    """A setting of the session: `lock_timeout`, `statement_timeout`."""

    name: str
    value: str


class RunsMigrations(Change, frozen=True):
    """All migrations that are due run here: each in a transaction of its own (`apart`), or all in one."""

    apart: bool = False


class Unreadable(Change, frozen=True):
    """A step that may do anything to the table; to any table, if that is empty."""


AnyChange = Union[
    MakesTable,
    DropsTable,
    RenamesTable,
    AddsColumn,
    DropsColumn,
    RenamesColumn,
    AltersColumn,
    MakesIndex,
    DropsIndex,
    RenamesIndex,
    SetsKey,
    AddsForeignKey,
    AddsCheck,
    RewritesRows,
    SetsOption,
    RunsMigrations,
    Unreadable,
]
