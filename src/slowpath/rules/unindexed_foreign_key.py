"""A foreign key without an index: deleting a row of the other table reads this whole table.

## Problem

When a user is deleted, the database has to find the orders that refer to it, be it to delete them, to set them to
null or to refuse. PostgreSQL and SQLite do not index foreign keys by themselves (MySQL does, and so does Django), so
each deleted user costs a scan of all orders, with the rows locked meanwhile. With a thousand orders nobody notices;
with ten million a deletion takes seconds, and a clean-up of old users takes the night.

## Slow

    from sqlalchemy import ForeignKey
    from sqlalchemy.orm import mapped_column

    class Order(Base):
        __tablename__ = "orders"
        id = mapped_column(primary_key=True)
        user_id = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))

## Fast

    from sqlalchemy import ForeignKey
    from sqlalchemy.orm import mapped_column

    class Order(Base):
        __tablename__ = "orders"
        id = mapped_column(primary_key=True)
        user_id = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)

## How it decides

The indexes of each table are put together from its model, migrations and SQL. Reported is a foreign key whose columns
no index, primary key or unique constraint begins with.

## What silences it

Tables of which something could not be read; projects on MySQL. The confidence is medium where the project deletes all
rows of the other table that a query finds, in the service, a command or a script, and both tables grow. Row counts are
not in the code, and a table of a few hundred rows is read in no time: everything else has low confidence, such as keys
of rows that are deleted one by one, or that nothing is seen to delete. A snapshot of the database
(`slowpath db snapshot`) has row counts: tables of less than 10,000 are silent, those of more than 100,000 grow.

## Fix safety

An index costs a little at each write. Build it with `CREATE INDEX CONCURRENTLY` on PostgreSQL: a plain
`CREATE INDEX` keeps all writers out until it is done.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from slowpath.advisor import NewIndex, created
from slowpath.database import Table, place_of
from slowpath.facts import Deletes, only
from slowpath.finding import Confidence
from slowpath.growth import Growth
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.schema import ForeignKey
from slowpath.source import Place
from slowpath.workload import deletions

# What the database does to each row that refers to the deleted one.
_TOUCHES = {"cascade": "are deleted too", "set null": "are set to null", "set default": "are set to their default"}
_SHOWN = 4


class _Deletion(Struct, frozen=True):
    """Rows of `table` are deleted at a place, because it says so or because rows that they refer to are; `many`
    when all go that a query finds."""

    place: Place
    table: str
    many: bool


def judge(whole: Whole) -> Iterator[Problem]:
    """The keys that no index serves and that somebody's deletion needs one for."""
    deleted, growth = _deletions(whole), Growth(whole.schema, whole.database)
    for table in whole.database.tables.values():
        is_judged = table.known and not whole.database.sizes.is_small(table.name)
        for key in table.foreign_keys if is_judged else ():
            if "" in key.columns or table.may_serve(key.columns):
                continue
            deletion = deleted.get(key.table)
            if key.on_delete in _TOUCHES or deletion:
                yield _problem(whole, growth, table, key, deletion)


def _deletions(whole: Whole) -> dict[str, _Deletion]:
    """Where rows of each table are deleted first, with what a database deletes along with them."""
    found: dict[str, _Deletion] = {}
    for fact in sorted(only(Deletes, whole.facts), key=lambda fact: not fact.many):
        table = whole.database.of_model(fact.model)
        if table is not None:
            found.setdefault(table.name, _Deletion(fact.place, table.name, fact.many))
    along: dict[str, list[str]] = {}
    for child in whole.database.tables.values():
        for key in child.foreign_keys:
            if key.on_delete == "cascade":
                along.setdefault(key.table, []).append(child.name)
    waiting = list(found)
    while waiting:
        name = waiting.pop(0)
        new = [child for child in along.get(name, ()) if child not in found]
        found |= dict.fromkeys(new, replace(found[name], many=False))
        waiting += new
    return found


def _problem(whole: Whole, growth: Growth, table: Table, key: ForeignKey, deletion: _Deletion | None) -> Problem:
    columns = ", ".join(key.columns)
    return Problem(
        place=place_of(key.line, key.module),
        message=f"deleting a row of `{key.table}` reads all of `{table.name}`: no index begins with `{columns}`",
        subject=(table.name, *key.columns),
        help=f"{_index(whole, table, key)}; {_others(table)}",
        related=(Mark(deletion.place, _told(table, key, deletion)),) if deletion else (),
        confidence=_confidence(whole, growth, key.table, table.name, deletion),
    )


def _told(table: Table, key: ForeignKey, deletion: _Deletion) -> str:
    told = f"deletes from `{deletion.table}`"
    if deletion.table != key.table:
        told += f", and with it from `{key.table}`"
    return f"{told}: rows of `{table.name}` {_TOUCHES[key.on_delete]}" if key.on_delete in _TOUCHES else told


def _confidence(whole: Whole, growth: Growth, parent: str, child: str, deletion: _Deletion | None) -> Confidence:
    # Where it may run on a vendor that indexes keys by itself, or nobody is seen to delete, it may not matter.
    if deletion is None or whole.database.may_index_keys:
        return "low"
    # What is paid is the one table's rows, for each row that goes from the other.
    return "medium" if deletion.many and _grows(whole, growth, parent) and _grows(whole, growth, child) else "low"


def _grows(whole: Whole, growth: Growth, name: str) -> bool:
    table = whole.database.named(name)
    if table is None:
        return False
    return growth.is_large(table.name) or any(growth.grows(each) for each in table.models or (name,))


def _index(whole: Whole, table: Table, key: ForeignKey) -> str:
    made = f"`{created(NewIndex(table.name, key.columns), whole.database.vendor)}`"
    if table.models and len(key.columns) == 1:
        return f"declare it with `index=True` and build it with {made}"
    return f"build one with {made}"


def _others(table: Table) -> str:
    """What the table has, so that the reader can refute the finding."""
    firsts = [", ".join(index.columns) for index in table.searched]
    more = f" and {len(firsts) - _SHOWN} more" if len(firsts) > _SHOWN else ""
    return f"`{table.name}` is indexed by {'; '.join(f'({each})' for each in firsts[:_SHOWN])}{more}"


rule = Rule(
    "SLO502",
    None,
    since="0.2.0",
    collect=deletions,
    judge=judge,
    roles=("production", "migration"),
    aside=True,
)
