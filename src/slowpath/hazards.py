"""What migrations do that stops a running service, on PostgreSQL; `tests/truth/test_locks.py` runs it there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from slowpath.changes import (
    AddsCheck,
    AddsColumn,
    AddsForeignKey,
    AltersColumn,
    AnyChange,
    DropsColumn,
    DropsIndex,
    DropsTable,
    MakesIndex,
    MakesTable,
    RenamesTable,
    RewritesRows,
    SetsKey,
)
from slowpath.migrations import Migration, Step, is_for

Kind = Literal[
    "index",
    "unique",
    "key",
    "transaction",
    "leftover",
    "again",
    "required",
    "missing",
    "reference",
    "check",
    "rewrite",
    "rows",
]
"""What is dangerous about a step. index: builds one with writers locked out. unique, key: builds one, for a constraint,
with readers locked out too. transaction: builds one concurrently, which the database refuses in a transaction.
leftover: takes what a failed build left behind for the index. again: builds one that is there already when the
migration has to be run again, because a later build failed. required: reads the whole table to see that no value is
missing. missing: adds a required column without saying what it holds in the rows that are there. reference, check:
reads the whole table to see that all rows meet a constraint. rewrite: writes the whole table anew. rows: changes rows
at large, and keeps them locked until everything else is done."""

# So many migrations after a table's own, the table may still be on its way to production with them.
_YOUNG = 2

# Types by what a value takes in the table; from one family to another every row is written anew.
_FAMILIES = (
    ("smallint", "smallinteger", "int2", "smallserial"),
    ("integer", "int", "int4", "serial"),
    ("bigint", "biginteger", "int8", "bigserial"),
    ("string", "varchar", "text", "unicode", "unicodetext", "autostring", "character varying"),
    ("json",),
    ("jsonb",),
    ("uuid",),
    ("float", "double", "double precision", "real"),
    ("numeric", "decimal"),
    ("boolean", "bool"),
    ("date",),
)
_NOT_NULL = re.compile(r"(?:\b(\w+)\"?\s+IS\s+NOT\s+NULL|\bNOT\s+\"?(\w+)\"?\s+IS\s+NULL)", re.IGNORECASE)
_FAMILY = {name: family[0] for family in _FAMILIES for name in family}


# What keeps everybody else from the table until the transaction ends.
EXCLUSIVE = (AddsColumn, DropsColumn, AltersColumn, AddsCheck, SetsKey, RenamesTable)


class Hazard(Struct, frozen=True):
    """A dangerous step. `columns` are those that it is about, `other` the second table that it locks, or the type that
    a column gets; `locked` is an earlier step that holds the table's lock meanwhile, `then` a later one that may fail.
    `sure` is false when the table may be empty yet, or the rows few."""

    kind: Kind
    migration: Migration
    step: Step
    table: str
    columns: tuple[str, ...] = ()
    other: str = ""
    locked: Step | None = None
    sure: bool = True
    then: Step | None = None


def hazards(migrations: Iterable[Migration]) -> Iterator[Hazard]:
    """The dangerous steps of all migrations, in order."""
    history = _History()
    for migration in migrations:
        if not is_for(migration.folder, "postgresql"):
            continue
        reading = _Reading(history, migration)
        for step in migration.known_steps:
            yield from reading.hazards(step)
            reading.take(step)
        history.end(reading)


class _History:
    """What earlier migrations did."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[str, int]] = {}
        self.checked: set[tuple[str, str]] = set()
        self.types: dict[tuple[str, str], str] = {}
        self.builds_in_transactions = False
        self._counts: dict[str, int] = {}

    def number(self, home: str) -> int:
        """How many migrations of this chain there have been."""
        return self._counts.get(home, 0)

    def is_young(self, table: str, home: str) -> bool:
        """Whether one of the last migrations made the table."""
        known, number = self.made.get(table, ("", 0))
        return known == home and self.number(home) - number <= _YOUNG

    def end(self, reading: _Reading) -> None:
        """Remember what the migration did."""
        self._counts[reading.home] = self.number(reading.home) + 1
        self.made |= dict.fromkeys(reading.made, (reading.home, self.number(reading.home)))
        self.builds_in_transactions |= reading.builds_in_transaction


class _Reading:
    """One migration as far as it has been read."""

    def __init__(self, history: _History, migration: Migration) -> None:
        self.home = migration.folder
        self.made: set[str] = set()
        self.builds_in_transaction = False
        self._history = history
        self._migration = migration
        self._new: set[tuple[str, str]] = set()
        self._locks: dict[str, Step] = {}
        self._opaque = False
        self._cleared: set[str] = set()
        self._built: tuple[Step, MakesIndex] | None = None
        self._told = False

    def take(self, step: Step) -> None:
        """Go on after the step."""
        change = step.change
        if step.apart:
            self._locks.clear()
        match change:
            case MakesTable(table=table, columns=columns):
                self._opaque = self._opaque or not table
                self.made.add(table)
                self._history.types |= {(table, column.name): column.type for column in columns}
            case RenamesTable(table=table, to=to) if self._is_new(table):
                self.made.add(to)
            case DropsTable(table=table):
                self.made.discard(table)
            case DropsIndex(name=name):
                self._cleared.add(name)
            case AddsColumn(table=table, column=column):
                self._new.add((table, column.name))
                self._history.types[table, column.name] = column.type
            case AltersColumn(table=table, column=name, type=str() as kind):
                self._history.types[table, name] = kind
            case AddsCheck(table=table, condition=condition) if found := _NOT_NULL.search(condition):
                self._history.checked.add((table, (found[1] or found[2]).lower()))
            case MakesIndex(concurrently=True) if not step.apart:
                self.builds_in_transaction = True
        if change is not None and not step.apart and isinstance(change, EXCLUSIVE) and change.table:
            self._locks.setdefault(change.table, step)

    def hazards(self, step: Step) -> Iterator[Hazard]:
        """What is dangerous about the step."""
        change = step.change
        if change is None or not change.table or self._opaque or self._is_new(change.table):
            return
        if isinstance(change, RewritesRows):
            locked = None if step.apart else self._locks.get(change.table)
            # What is committed by itself and speaks of some rows may be one batch of many.
            if not (step.apart and change.filtered):
                yield self._hazard("rows", step, change, locked=locked, sure=locked is not None or not change.filtered)
            return
        yield from self._of_index(step, change) if isinstance(change, MakesIndex) else self._of_table(step, change)

    def _of_table(self, step: Step, change: AnyChange) -> Iterator[Hazard]:
        match change:
            case AddsColumn(column=column) if not column.nullable and not column.default:
                yield self._hazard("missing", step, change, (column.name,))
            case AddsColumn(column=column) if column.default and not column.plain_default:
                yield self._hazard("rewrite", step, change, (column.name,))
            case AltersColumn(column=name, nullable=allowed, type=kind, before=before):
                # What a constraint has made sure of already is not looked at again.
                if allowed is False and (change.table, name.lower()) not in self._history.checked:
                    yield self._hazard("required", step, change, (name,))
                known = before or self._history.types.get((change.table, name), "")
                if kind is not None and _rewrites(known, kind):
                    yield self._hazard("rewrite", step, change, (name,), other=kind)
            case AddsForeignKey(key=key) if key.validated:
                added = all((change.table, column) in self._new for column in key.columns)
                yield self._hazard("reference", step, change, key.columns, other=key.table, sure=not added)
            case AddsCheck(validated=True):
                yield self._hazard("check", step, change)
            case SetsKey(columns=columns):
                yield self._hazard("key", step, change, columns)

    def _of_index(self, step: Step, change: MakesIndex) -> Iterator[Hazard]:
        columns = change.index.columns
        if change.adopts:
            return
        if not change.concurrently:
            locked = None if step.apart or change.constraint else self._locks.get(change.table)
            yield self._hazard("unique" if change.constraint else "index", step, change, columns, locked=locked)
        elif not step.apart:
            # Where an earlier migration did so, something must have ended the transaction.
            if not self._history.builds_in_transactions:
                yield self._hazard("transaction", step, change, columns)
        else:
            yield from self._of_repeating(step, change)

    def _of_repeating(self, step: Step, change: MakesIndex) -> Iterator[Hazard]:
        """What goes wrong when this build, or one after another, has failed and the migration is run again."""
        cleared = change.index.name in self._cleared
        if change.if_missing and not cleared:
            yield self._hazard("leftover", step, change, change.index.columns)
        if self._built is not None and not self._told:
            self._told = True
            first, made = self._built
            yield self._hazard("again", first, made, made.index.columns, then=step)
        if self._built is None and not change.if_missing and not cleared:
            self._built = step, change

    def _hazard(
        self,
        kind: Kind,
        step: Step,
        change: AnyChange,
        columns: tuple[str, ...] = (),
        *,
        other: str = "",
        locked: Step | None = None,
        sure: bool = True,
        then: Step | None = None,
    ) -> Hazard:
        young = self._history.is_young(change.table, self.home)
        return Hazard(kind, self._migration, step, change.table, columns, other, locked, sure and not young, then)

    def _is_new(self, table: str) -> bool:
        return table in self.made


def _rewrites(before: str, after: str) -> bool:
    """Whether values of the one type are written anew to be of the other, as far as both are known."""
    one, other = (_FAMILY.get(kind.partition("(")[0].strip().lower()) for kind in (before, after))
    return one is not None and other is not None and one != other
