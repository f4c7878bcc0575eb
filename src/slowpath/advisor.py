"""Which index answers a query, and which one would: from what a table has and the shape of the query, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from slowpath.query import POINTS, SPANS, Condition, Shape, Sort

_WORD = re.compile(r"\w+")

# Longer, an index costs more at each write than it saves at a read.
_MOST_COLUMNS = 4

# PostgreSQL cuts longer names; Django refuses those over thirty characters.
_LONGEST_NAME = 63


class Key(Struct, frozen=True):
    """An index as a table has it, columns by their names in the table; a leading `-` means descending.

    `condition` when it is partial, `?` when that could not be read. `plain` is false for an index of another kind
    than a B-tree. A column that begins with `?` is an expression; that is all of it when it could not be read.
    """

    columns: tuple[str, ...]
    unique: bool = False
    name: str = ""
    condition: str = ""
    plain: bool = True

    @property
    def bare(self) -> tuple[str, ...]:
        """The columns without their direction."""
        return tuple(column.removeprefix("-") for column in self.columns)


class Table(Struct, frozen=True):
    """A table with all its indexes; `few` are the columns that take only a few values (booleans, choices), `primary`
    those of the primary key, `references` those of keys of other tables, `binary` those whose values may be too
    long for an index, `large` those that may be kept outside of the row, as they hold long texts or documents."""

    name: str
    columns: frozenset[str]
    keys: tuple[Key, ...]
    few: frozenset[str] = frozenset()
    primary: tuple[str, ...] = ()
    references: frozenset[str] = frozenset()
    binary: frozenset[str] = frozenset()
    large: frozenset[str] = frozenset()

    def leads(self, column: str) -> tuple[Key, ...]:
        """The indexes that begin with the column."""
        return tuple(key for key in self.keys if key.bare[:1] == (column,))


class NewIndex(Struct, frozen=True, order=True):
    """An index to be made: columns in order, a leading `-` for descending; `condition` in SQL when it is partial."""

    table: str
    columns: tuple[str, ...]
    condition: str = ""

    @property
    def name(self) -> str:
        """What to call it."""
        words = ("idx", self.table.rpartition(".")[2], *(column.removeprefix("-") for column in self.columns))
        return "_".join(words)[:_LONGEST_NAME].rstrip("_")


Access = Literal["key", "point", "span", "order", "unsure", "scan"]
"""How a table's rows are found. key: one row by a unique key. point: by a column compared with a value, through an
index. span: only by one end of a range. order: in the order of an index, until enough are found. unsure: an index
could serve, but not all of it is known. scan: by going through all of them."""


class Verdict(Struct, frozen=True):
    """How the rows are found, and by which index (if by one)."""

    access: Access
    by: Key | None = None


def own(shape: Shape) -> tuple[Condition, ...]:
    """The tests of the query's own table that an index could answer."""
    return tuple(c for c in shape.conditions if not c.path and not c.around and c.how in POINTS | SPANS)


def access_of(table: Table, shape: Shape) -> Verdict:
    """How the table's rows that the query asks for are found with the indexes that there are."""
    points = {c.column for c in own(shape) if c.how in POINTS}
    spans = {c.column for c in own(shape) if c.how in SPANS}
    usable = [key for key in table.keys if key.plain and key.columns]
    return (
        _by_point(table, shape, points, usable)
        or _by_span(shape, points, spans, usable)
        or _by_order(shape, usable)
        or Verdict("scan")
    )


def _by_point(table: Table, shape: Shape, points: set[str], usable: list[Key]) -> Verdict | None:
    telling = {column for column in points if column not in table.few and not _is_null(shape, column)}
    for key in usable:
        if key.unique and not key.condition and set(key.bare) <= points:
            return Verdict("key", key)
    for key in sorted(usable, key=lambda key: -_matched(key, points)):
        reached = key.bare[: _matched(key, points)]
        if reached and key.condition and not _implied(key, shape):
            return Verdict("unsure", key)
        if not telling.isdisjoint(reached) or (reached and key.condition) or len(reached) > 1:
            return Verdict("point", key)
    tested = {condition.column for condition in own(shape)}
    if any(_may_be_of(key, tested) for key in table.keys):
        return Verdict("unsure")
    return None


def _may_be_of(key: Key, tested: set[str]) -> bool:
    """Whether an index of an expression, or of another kind than a B-tree, may be there for one of these columns."""
    if not key.plain:
        return not tested.isdisjoint(key.bare)
    first = key.bare[0] if key.bare else "?"
    return first == "?" or (first.startswith("?") and not tested.isdisjoint(_WORD.findall(first)))


def _by_span(shape: Shape, points: set[str], spans: set[str], usable: list[Key]) -> Verdict | None:
    for key in usable:
        if key.bare[0] in spans or (key.bare[0] in points and _goes_on(key, shape, points, spans)):
            return Verdict("span", key)
    return None


def _by_order(shape: Shape, usable: list[Key]) -> Verdict | None:
    wanted = shape.highest or next((sort.column for sort in shape.order[:1] if not sort.path), "")
    if not wanted or (shape.limit is None and not shape.highest):
        return None
    return next((Verdict("order", key) for key in usable if key.bare[0] == wanted), None)


def _goes_on(key: Key, shape: Shape, points: set[str], spans: set[str]) -> bool:
    """Whether behind a column that tells little the index has one that tells more."""
    following = key.bare[_matched(key, points) :][:1]
    return bool(following) and (following[0] in spans or following == tuple(s.column for s in shape.order[:1]))


def _is_null(shape: Shape, column: str) -> bool:
    return all(c.how == "null" for c in own(shape) if c.column == column and c.how in POINTS)


def _matched(key: Key, points: set[str]) -> int:
    """How many of the index's columns, from the first, the query compares with values."""
    count = 0
    for column in key.bare:
        if column not in points:
            break
        count += 1
    return count


def _implied(key: Key, shape: Shape) -> bool:
    """Whether the query can be seen to ask only for rows that a partial index holds."""
    written = {_plain(text) for condition in shape.conditions for text in predicates(condition)}
    return all(_plain(part) in written for part in key.condition.split(" AND "))


def _plain(text: str) -> str:
    return "".join(text.lower().replace("(", "").replace(")", "").replace('"', "").split())


def predicates(condition: Condition) -> Iterator[str]:
    """The ways in which SQL may write the test."""
    column = condition.column
    match condition.how, condition.value:
        case "null", _:
            yield f"{column} IS NULL"
        case "not-null", _:
            yield f"{column} IS NOT NULL"
        case "equal", "TRUE":
            yield from (column, f"{column} = TRUE", f"{column} IS TRUE")
        case "equal", "FALSE":
            yield from (f"NOT {column}", f"{column} = FALSE", f"{column} IS FALSE")
        case "equal", str(value) if value:
            yield f"{column} = {value}"
        case "differs", str(value) if value:
            yield from (f"{column} <> {value}", f"{column} != {value}")


def advise(table: Table, shape: Shape) -> NewIndex | None:
    """The index that would serve the query: the columns compared with values, then those of the order or one range;
    what is the same at every call and tells little becomes the index's condition."""
    tested = list(dict.fromkeys(own(shape)))
    fixed = [c for c in tested if c.how == "null" or (c.how == "equal" and c.value in {"TRUE", "FALSE"})]
    compared = dict.fromkeys(c.column for c in tested if c.how in POINTS and c not in fixed)
    # What tells many rows apart comes first: by it alone the index serves other queries too.
    columns = sorted(compared, key=lambda column: column in table.few)[:_MOST_COLUMNS]
    range_ = next((c.column for c in tested if c.how in SPANS and c.column not in compared), "")
    sorts = _sorts(table, shape, columns)
    if sorts and range_ in {"", sorts[0].column}:
        columns += _in_order(sorts, alone=not columns)
    elif range_:
        columns.append(range_)
    if not columns:
        return None
    condition = " AND ".join(next(predicates(c)) for c in fixed if c.column not in columns)
    return NewIndex(table.name, tuple(columns[: _MOST_COLUMNS + 1]), condition)


def _sorts(table: Table, shape: Shape, columns: list[str]) -> list[Sort]:
    """What of the order an index could have; nothing when all rows are wanted, or when a part of it cannot be had."""
    if shape.highest:
        return [Sort(shape.highest)]
    order = [sort for sort in shape.order if sort.column not in columns] if shape.limit is not None else []
    if columns and (not shape.said or tuple(sort.column for sort in order) == table.primary):
        # Few rows are found, which are sorted in no time; nobody asked for the order.
        return []
    return [] if any(sort.path or sort.column == "?" for sort in order) else order


def _in_order(sorts: list[Sort], *, alone: bool) -> list[str]:
    """The columns of an order. An index is read backwards as well, so that one column by itself needs no direction."""
    if alone and len(sorts) == 1:
        return [sorts[0].column]
    return [f"-{sort.column}" if sort.descending else sort.column for sort in sorts]


def serves(index: NewIndex | Key, other: NewIndex) -> bool:
    """Whether the first index makes the second one superfluous."""
    mine, wanted = index.columns, other.columns
    return mine[: len(wanted)] == wanted and index.condition in {"", other.condition}


def fewest(indexes: Iterable[NewIndex]) -> tuple[NewIndex, ...]:
    """The least set of indexes that serves all that these serve."""
    kept: list[NewIndex] = []
    for index in sorted(set(indexes), key=lambda index: (index.table, -len(index.columns), index)):
        if not any(other.table == index.table and serves(other, index) for other in kept):
            kept.append(index)
    return tuple(sorted(kept))


def created(index: NewIndex, vendor: str = "postgresql") -> str:
    """The statement that makes it; on PostgreSQL without keeping writers out."""
    concurrently = "CONCURRENTLY " if vendor == "postgresql" else ""
    columns = ", ".join(
        f"{column.removeprefix('-')} DESC" if column.startswith("-") else column for column in index.columns
    )
    where = f" WHERE {index.condition}" if index.condition else ""
    return f"CREATE INDEX {concurrently}{index.name} ON {index.table} ({columns}){where};"
