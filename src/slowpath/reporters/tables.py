"""The tables of a project's database as they were understood, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from slowpath.expression import line_column
from slowpath.reporters.view import View, painted

if TYPE_CHECKING:
    from slowpath.database import Database, Table
    from slowpath.schema import Column, ForeignKey, Index

Where = Callable[[str, int], str]
"""The place of a line of a module, as the user writes it."""


def overview(database: Database, where: Where, view: View) -> Iterator[str]:
    """A line per table that the project itself declares, and the database that they are in."""
    named = {table.name: table for table in database.tables.values() if _sources(table, where, view)}
    tables = [named[name] for name in sorted(named)]
    width = max((len(table.name) for table in tables), default=0)
    for table in tables:
        parts = (
            _counted(len(table.columns), "column", "columns"),
            _counted(len(table.indexes), "index", "indexes"),
            _counted(len(table.foreign_keys), "foreign key", "foreign keys"),
        )
        name = painted(f"{table.name:{width}}", view, "bold")
        said = ", ".join((*parts, *(() if table.known else ("not known in full",))))
        yield f"{name}  {said}  {_sources(table, where, view)}".rstrip()
    on = " or ".join(database.vendors) or "a database that nothing names"
    yield f"{_counted(len(tables), 'table', 'tables')} on {on}"


def detail(table: Table, where: Where, view: View) -> Iterator[str]:
    """All that is known of one table, each thing with where it is said."""
    yield f"{painted(table.name, view, 'bold')}  {_sources(table, where, view)}"
    if models := ", ".join(table.models):
        yield f"  rows of {models}"
    for title, rows in (
        ("columns", [_column(column, table, where) for column in table.columns]),
        ("indexes", [_index(index, where) for index in table.searched]),
        ("foreign keys", [_key(key, table, where) for key in table.foreign_keys]),
    ):
        yield painted(f"  {title}", view, "bold", "cyan")
        yield from _aligned(rows, view)
    yield from (f"  not known in full: {gap}" for gap in table.gaps)
    if not table.primary_key:
        yield "  not known in full: no primary key is seen"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _sources(table: Table, where: Where, view: View) -> str:
    places = [where(each.place.module, line_column(each.place.at)[0]) for each in table.sources]
    return painted(", ".join(filter(None, places)), view, "dim")


def _column(column: Column, table: Table, where: Where) -> tuple[str, str, str]:
    words = [column.type]
    if column.column in table.primary_key:
        words.append("primary key")
    elif column.nullable:
        words.append("may be null")
    return column.column, ", ".join(filter(None, words)), where(column.module, column.line)


def _index(index: Index, where: Where) -> tuple[str, str, str]:
    words = ["unique"] if index.unique else []
    words += [index.method] if index.method else []
    words += ["partial"] if index.condition else []
    words += [index.name] if index.name else []
    columns = ", ".join(f"{c[1:]} descending" if c.startswith("-") else c for c in index.columns)
    return f"({columns})", ", ".join(words), where(index.module, index.line)


def _key(key: ForeignKey, table: Table, where: Where) -> tuple[str, str, str]:
    words = [f"to {key.table}"]
    words += [f"on delete {key.on_delete}"] if key.on_delete else []
    words += [] if table.may_serve(key.columns) else ["no index"]
    return f"({', '.join(key.columns)})", ", ".join(words), where(key.module, key.line)


def _aligned(rows: Iterable[tuple[str, str, str]], view: View) -> Iterator[str]:
    listed = list(rows)
    first = max((len(row[0]) for row in listed), default=0)
    second = max((len(row[1]) for row in listed), default=0)
    for name, said, place in listed:
        yield f"    {name:{first}}  {said:{second}}  {painted(place, view, 'dim')}".rstrip()
