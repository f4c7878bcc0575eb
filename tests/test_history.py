"""The tables that SQL makes, played through, are those that a database has when it runs the same."""

from __future__ import annotations

import sqlite3

import pytest

from slowpath.database import Table, completed
from slowpath.history import History
from slowpath.schema import Column, Index
from slowpath.sql import Reader

# What a database is left with: its columns, its key, and its indexes as (columns, unique).
Left = dict[str, tuple[tuple[str, ...], tuple[str, ...], frozenset[tuple[tuple[str, ...], bool]]]]

SCRIPTS = [
    "CREATE TABLE a (id integer PRIMARY KEY, b text, c text)",
    "CREATE TABLE a (b text, c text, PRIMARY KEY (b, c)); CREATE INDEX i ON a (c, b)",
    "CREATE TABLE a (id integer PRIMARY KEY, b text UNIQUE, UNIQUE (id, b))",
    "CREATE TABLE a (id integer PRIMARY KEY, b text); CREATE UNIQUE INDEX i ON a (b); DROP INDEX i",
    "CREATE TABLE a (id integer PRIMARY KEY); ALTER TABLE a ADD COLUMN b text; CREATE INDEX i ON a (b)",
    "CREATE TABLE a (id integer PRIMARY KEY, b text); ALTER TABLE a RENAME TO z; CREATE INDEX i ON z (b)",
    "CREATE TABLE a (id integer PRIMARY KEY, b text); CREATE INDEX i ON a (b); ALTER TABLE a RENAME COLUMN b TO z",
    "CREATE TABLE a (id integer PRIMARY KEY, b text, c text); ALTER TABLE a DROP COLUMN b; CREATE INDEX i ON a (c)",
    "CREATE TABLE a (id integer PRIMARY KEY); DROP TABLE a; CREATE TABLE a (other integer PRIMARY KEY)",
    "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE IF NOT EXISTS a (other integer PRIMARY KEY)",
    "CREATE TABLE a (id integer PRIMARY KEY, b text); CREATE VIEW v AS SELECT b FROM a; DROP VIEW v",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_a_script_leaves(script: str) -> None:
    assert {table.name: _left(table) for table in played(script)} == run(script)


def test_what_nobody_is_seen_to_make_is_not_known() -> None:
    (table,) = played("CREATE INDEX i ON elsewhere (b)")
    assert not table.known
    assert [index.columns for index in table.indexes] == [("b",)]


def test_what_cannot_be_read_leaves_a_gap() -> None:
    (table,) = played("CREATE TABLE a (id integer PRIMARY KEY); ALTER TABLE a FROBNICATE b")
    assert not table.known


def test_columns_know_their_lines() -> None:
    (_, table) = played("CREATE TABLE z (id int);\n\nCREATE TABLE a (\n  id integer PRIMARY KEY,\n  b text\n)")
    assert [(column.name, column.line) for column in table.columns] == [("id", 4), ("b", 5)]


def test_a_model_gets_the_indexes_of_its_columns() -> None:
    model = Table("a", (Column("id", "id", "int"), Column("b", "b", "text")), ("id",), (Index(("b",)),))
    script = "CREATE TABLE a (id int, b text, gone text); CREATE INDEX i ON a (b, id); CREATE INDEX j ON a (gone);"
    made = played(f"{script} CREATE INDEX k ON a (b); CREATE INDEX l ON a (lower(b))")
    table = completed({"a": model}, made)["a"]
    assert [column.name for column in table.columns] == ["id", "b"]
    assert [index.columns for index in table.indexes] == [("b",), ("b", "id"), ("LOWER(b)",)]
    assert table.known


def played(script: str) -> list[Table]:
    history = History()
    for statement in Reader("sqlite").read(script).statements:
        for change in statement.changes:
            history.take(change, "sql", "schema", change.line)
    return list(history.tables())


def run(script: str) -> Left:
    connection = sqlite3.connect(":memory:")
    connection.executescript(script)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {name: _in_sqlite(connection, name) for name in names}


def _in_sqlite(
    connection: sqlite3.Connection, name: str
) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[tuple[tuple[str, ...], bool]]]:
    columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
    key = sorted((place, column) for _, column, _, _, _, place in columns if place)
    indexes = connection.execute(f"PRAGMA index_list({name})").fetchall()
    made = frozenset(
        (tuple(column for _, _, column in connection.execute(f"PRAGMA index_info({index})")), bool(unique))
        for _, index, unique, origin, _ in indexes
        if origin != "pk"
    )
    return tuple(column for _, column, *_ in columns), tuple(column for _, column in key), made


def _left(table: Table) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[tuple[tuple[str, ...], bool]]]:
    indexes = frozenset((index.columns, index.unique) for index in table.indexes)
    return tuple(column.name for column in table.columns), table.primary_key, indexes
