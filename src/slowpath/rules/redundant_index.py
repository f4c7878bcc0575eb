"""An index whose columns another index begins with: it is kept up to date at every write, and finds nothing faster.

## Problem

An index on (user_id, created_at) finds rows by `user_id` alone as well, so one on (user_id) beside it is rarely of
use. It costs all the same: every insert, and every update that changes the column, writes to both; both take up
memory that the rows could have; and both are rebuilt and vacuumed.

An index that is unique says something about the rows that another one does not, and is never called redundant.

## Slow

    from django.db import models

    class Order(models.Model):
        number = models.CharField(max_length=20)
        created_at = models.DateTimeField()

        class Meta:
            indexes = [
                models.Index(fields=["number"], name="by_number"),
                models.Index(fields=["number", "created_at"], name="by_number_and_time"),
            ]

## Fast

    from django.db import models

    class Order(models.Model):
        number = models.CharField(max_length=20)
        created_at = models.DateTimeField()

        class Meta:
            indexes = [
                models.Index(fields=["number", "created_at"], name="by_number_and_time"),
            ]

## How it decides

The indexes that the models of a table declare are put together. Reported is one whose columns another one begins with,
in their order and direction.

## What silences it

Indexes that are unique, partial, of another kind than a B-tree, on expressions, or with operator classes or columns
included; tables of which a snapshot of the database (`slowpath db snapshot`) has counted few rows. The confidence is
low for the index of a foreign key, which libraries make by themselves.

## Fix safety

The longer index is larger. Where the short one serves a query that must be fast above all else, or keeps a foreign
key's checks cheap, it may be meant to be there. Drop it with `DROP INDEX CONCURRENTLY`, and look at the plans.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.database import Table, merged, place_of, tables_of
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.schema import Index


def judge(whole: Whole) -> Iterator[Problem]:
    """The indexes that models declare and that another one of the same table begins with."""
    for table in merged(tables_of(whole.schema.models.values())).values():
        for index in dict.fromkeys(table.indexes) if not whole.database.sizes.is_small(table.name) else ():
            # What a library's class makes has no line of the project's own.
            if not _is_plain(index) or index.unique or not index.line:
                continue
            other = next((each for each in table.searched if _is_served_by(index, each)), None)
            if other is not None:
                yield _problem(table, index, other)


def _is_served_by(index: Index, other: Index) -> bool:
    if other == index or not _is_plain(other) or other.columns[: len(index.columns)] != _in_order_of(index, other):
        return False
    # Of two that are the same, the one that is unique stays, or else the one that is said first.
    return len(other.columns) > len(index.columns) or other.unique or _said(other) < _said(index)


def _in_order_of(index: Index, other: Index) -> tuple[str, ...]:
    """The columns of the index, read backwards if the other one sorts the first of them the other way."""
    if not other.columns or index.columns[0] == other.columns[0]:
        return index.columns
    return tuple(column[1:] if column.startswith("-") else f"-{column}" for column in index.columns)


def _is_plain(index: Index) -> bool:
    plain = index.method in ("", "btree") and not index.condition and not index.special
    return plain and bool(index.columns) and all(each.removeprefix("-").isidentifier() for each in index.columns)


def _said(index: Index) -> tuple[str, int]:
    return index.module, index.line


def _problem(table: Table, index: Index, other: Index) -> Problem:
    same = len(other.columns) == len(index.columns)
    known = _spelled(table, other)
    said = f"{known} is the same" if same else f"{known} begins with the same columns"
    is_key = any(
        set(key.columns) == {column.removeprefix("-") for column in index.columns} for key in table.foreign_keys
    )
    return Problem(
        place=place_of(index.line, index.module),
        message=f"the index ({_columns(index)}) of `{table.name}` costs at each write and finds nothing faster: {said}",
        subject=(table.name, *index.columns),
        help="leave it out, unless it is there because it is smaller",
        related=(Mark(place_of(other.line, other.module), "the other one"),) if other.line else (),
        confidence="low" if is_key else "medium",
        severity="note",
    )


def _spelled(table: Table, index: Index) -> str:
    if index.columns == table.primary_key:
        return f"the primary key ({_columns(index)})"
    return f"the {'unique ' if index.unique else ''}index ({_columns(index)})"


def _columns(index: Index) -> str:
    return ", ".join(f"{each[1:]} descending" if each.startswith("-") else each for each in index.columns)


rule = Rule("SLO505", None, since="0.1.0", judge=judge)
