"""The SQL pass: what is read of statements, holes, placeholders and dialects."""

from __future__ import annotations

import subprocess
import sys

import pytest

from slowpath.changes import (
    AddsColumn,
    AddsForeignKey,
    AltersColumn,
    AnyChange,
    DropsColumn,
    DropsIndex,
    DropsTable,
    MakesIndex,
    MakesTable,
    NewColumn,
    RenamesColumn,
    RenamesIndex,
    RenamesTable,
    RewritesRows,
    SetsKey,
    SetsOption,
    Unreadable,
)
from slowpath.schema import ForeignKey, Index
from slowpath.sql import Reader, hole, looks_like_sql
from slowpath.sql.statements import Extreme, Filter, Join, Query, Sort, Statement


def read(text: str, dialect: str = "postgresql") -> Statement:
    parsed = Reader(dialect).read(text)
    assert not parsed.failures
    (statement,) = parsed.statements
    return statement


def query(text: str, dialect: str = "postgresql") -> Query:
    return read(text, dialect).queries[0]


def filters(text: str, dialect: str = "postgresql") -> list[tuple[str, str, str, str]]:
    """Table, column, operator and literal (or expression) of each filter."""
    return [(f.table, f.column, f.operator, f.expression or f.value) for f in query(text, dialect).filters]


def where(condition: str) -> list[tuple[str, str, str]]:
    return [(column, operator, said) for _, column, operator, said in filters(f"SELECT 1 FROM t WHERE {condition}")]


def changes(text: str, dialect: str = "postgresql") -> tuple[AnyChange, ...]:
    return tuple(change for each in Reader(dialect).changes(text).statements for change in each.changes)


def test_the_textbook_query() -> None:
    found = query("SELECT * FROM orders WHERE user_id = 42 AND status = 'pending' ORDER BY created_at DESC LIMIT 20")
    assert found.filters == (
        Filter("orders", "user_id", "equals", "42"),
        Filter("orders", "status", "equals", "'pending'"),
    )
    assert found.order == (Sort("orders", "created_at", descending=True),)
    assert (found.limit, found.selected, found.open) == (20, ("*",), False)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("a = %s", ("a", "equals", "")),
        ("a = %(name)s", ("a", "equals", "")),
        ("a = :name", ("a", "equals", "")),
        ("a = $1", ("a", "equals", "")),
        ("a = ?", ("a", "equals", "")),
        ("5 = a", ("a", "equals", "5")),
        ("a IN ('x', 'y')", ("a", "in", "'x', 'y'")),
        ("a IN (%s)", ("a", "in", "")),
        ("a IN %s", ("a", "in", "")),
        ("a = ANY(%s)", ("a", "in", "")),
        ("a IN (SELECT b FROM u)", ("a", "in", "")),
        ("a > 5", ("a", "range", "5")),
        ("a BETWEEN 1 AND 2", ("a", "range", "")),
        ("a LIKE 'x%%'", ("a", "prefix", "'x%'")),
        ("a LIKE '%%x'", ("a", "pattern", "'%x'")),
        ("a LIKE %s", ("a", "pattern", "")),
        ("a ILIKE 'x%'", ("a", "pattern", "'x%'")),
        ("a IS NULL", ("a", "null", "")),
        ("a IS NOT NULL", ("a", "not-null", "")),
        ("NOT a IS NULL", ("a", "not-null", "")),
        ("a", ("a", "equals", "true")),
        ("NOT a", ("a", "equals", "false")),
        ("a IS TRUE", ("a", "equals", "true")),
        ("a IS NOT TRUE", ("a", "differs", "")),
        ("a <> 3", ("a", "differs", "3")),
        ("a NOT IN (1)", ("a", "differs", "")),
        ("lower(a) = 'x'", ("a", "expression", "LOWER(a)")),
        ("a::date = %s", ("a", "expression", "CAST(a AS DATE)")),
        ("a + 1 > 5", ("a", "expression", "a + 1")),
        ("a @> '{}'", ("a", "other", "")),
    ],
)
def test_conditions(condition: str, found: tuple[str, str, str]) -> None:
    assert where(condition) == [found]


def test_alternatives_are_no_filters() -> None:
    found = query("SELECT 1 FROM t WHERE a = 1 AND (b = 2 OR (c = 3 AND d IS NULL))")
    assert [f.column for f in found.filters] == ["a"]
    assert [[f.column for f in each] for each in found.alternatives] == [["b", "c", "d"]]


def test_columns_are_known_by_the_aliases_of_their_tables() -> None:
    found = query(
        "SELECT u.id FROM users u JOIN orders AS o ON o.user_id = u.id AND o.paid LEFT JOIN lines USING (order_id) "
        "WHERE lower(u.email) = %s AND total > 3"
    )
    assert [(t.name, t.alias, t.join) for t in found.tables] == [
        ("users", "u", ""),
        ("orders", "o", "inner"),
        ("lines", "", "left"),
    ]
    assert found.joins == (Join("orders", "user_id", "users", "id"), Join("orders", "order_id", "lines", "order_id"))
    assert [(f.table, f.column) for f in found.filters] == [("orders", "paid"), ("users", "email"), ("", "total")]


def test_a_column_of_a_query_around_is_a_value() -> None:
    found = read("SELECT 1 FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.a_id = a.id AND b.x)").queries
    assert [(f.table, f.column, f.operator) for f in found[1].filters] == [
        ("b", "a_id", "equals"),
        ("b", "x", "equals"),
    ]


def test_common_table_expressions_are_no_tables() -> None:
    found = read("WITH x AS (SELECT id FROM y WHERE a = 2) SELECT * FROM x JOIN z ON z.id = x.id").queries
    assert [[(t.name, t.derived) for t in each.tables] for each in found] == [
        [("x", True), ("z", False)],
        [("y", False)],
    ]
    assert found[1].filters == (Filter("y", "a", "equals", "2"),)


def test_writes() -> None:
    update = read("UPDATE Orders SET paid = 1, total = total + 1 WHERE user_id = 5")
    assert (update.verb, update.table, update.assigned) == ("update", "orders", ("paid", "total"))
    assert update.queries[0].filters == (Filter("orders", "user_id", "equals", "5"),)
    assert update.changes == (RewritesRows("orders", 1, "update", filtered=True),)
    delete = read("DELETE FROM orders o USING users u WHERE u.id = o.user_id AND u.gone")
    assert delete.queries[0].joins == (Join("users", "id", "orders", "user_id"),)
    insert = read("INSERT INTO log (a, b) SELECT a, b FROM t WHERE c = 1 ON CONFLICT DO NOTHING")
    assert (insert.verb, insert.table, insert.assigned) == ("insert", "log", ("a", "b"))
    assert insert.queries[0].filters == (Filter("t", "c", "equals", "1"),)
    assert read("REPLACE INTO t (a) VALUES (?)", "sqlite").verb == "insert"


def test_extremes_groups_and_limits() -> None:
    assert query("SELECT MAX(id) FROM t").extremes == (Extreme("max", "t", "id"),)
    found = query("SELECT a, count(*) FROM t GROUP BY a ORDER BY lower(b) LIMIT %s OFFSET %s")
    assert found.groups == (Sort("t", "a"),)
    assert found.order == (Sort("", "", expression="LOWER(b)"),)
    assert (found.limit, found.offset, found.aggregates) == (0, True, True)
    assert not query("SELECT a FROM t LIMIT 5 OFFSET 5").offset


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT 1 FROM t WHERE a = %s AND", ["a"]),
        ("SELECT 1 FROM t WHERE a = %s AND b IN (", ["a", "b"]),
        ("SELECT 1 FROM t WHERE a = %s AND b =", ["a", "b"]),
        ("SELECT 1 FROM t WHERE", []),
        (f"SELECT 1 FROM t WHERE a = ? {hole()} ORDER BY b", ["a"]),
        (f"SELECT 1 FROM t WHERE a = ? AND {hole('clause')}", ["a"]),
        (f"SELECT 1 FROM t WHERE {hole()} = ? AND a = {hole()}", ["a"]),
    ],
)
def test_conditions_that_may_follow(text: str, columns: list[str]) -> None:
    found = query(text)
    assert found.open
    assert [f.column for f in found.filters] == columns


def test_holes_stand_for_what_their_place_asks_for() -> None:
    names = f"SELECT {hole()}, b FROM log_{hole()} WHERE id = {hole('value')} ORDER BY {hole()} {hole()} LIMIT {hole()}"
    assert [t.name for t in query(names).tables] == [""]
    assert query(f"SELECT 1 FROM {hole('identifier')} JOIN u ON true").tables[1].name == "u"
    assert filters(f"SELECT 1 FROM t WHERE a LIKE '{hole()}%'") == [("t", "a", "pattern", "")]
    assert filters(f"SELECT 1 FROM t WHERE a {hole()} ?") == [("t", "a", "equals", "")]
    assert read(f"UPDATE {hole()} SET {hole()} = %s WHERE id IN ({hole()})").table == ""
    assert filters("SELECT 1 FROM %(table)s WHERE a = %(a)s") == [("", "a", "equals", "")]


def test_statements_in_one_text_know_their_lines() -> None:
    text = "-- first; of two\nCREATE TABLE a (\n  x int\n);\n\n/* and; */\nDELETE FROM a\nWHERE x = ';'\n  AND y = 1;\n"
    first, second = Reader("postgresql").read(text).statements
    assert (first.line, second.line) == (2, 7)
    assert [f.line for f in second.queries[0].filters] == [8, 9]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("DO $$ BEGIN PERFORM 1; END $$", "procedural"),
        ("CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN x := 1; END; $$ LANGUAGE plpgsql", "procedural"),
        ("CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END", "procedural"),
        ("SELECT a FROM b WHERE c @@@ !! d", "vendor"),
        ("the quick brown fox", "no-statement"),
        (f"SELECT {hole()} FROM a WHERE ) {hole()} (", "template"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, reason: str) -> None:
    parsed = Reader("").read(text)
    assert [failure.reason for failure in parsed.failures] == [reason]
    assert not parsed.statements


@pytest.mark.parametrize(
    "text", ["", ";;", "--", "'", "(((((", "SELECT " + "(" * 3000, "\0", "SELECT '" + "x" * 10_000]
)
def test_nothing_raises(text: str) -> None:
    Reader("mysql").read(text)


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT 1", True),
        ("select id from users where id = %s", True),
        ("  WITH x AS (SELECT 1) SELECT * FROM x", True),
        ("INSERT INTO t (a) VALUES (1)", True),
        ("update users set a = 1", True),
        ("DELETE FROM t", True),
        ("CREATE UNIQUE INDEX x ON t (a)", True),
        ("Select a file from the list", False),
        ("select a user from the list", False),
        ("Update the settings of this account", False),
        ("Delete from here", False),
        ("delete from the cart", False),
        ("Create table", False),
        ("with a cherry on top (please)", False),
        ("insert into the slot", False),
        ("SELECT", False),
    ],
)
def test_prose_is_no_sql(text: str, is_sql: bool) -> None:
    assert looks_like_sql(text) == is_sql


def test_created_tables() -> None:
    (made,) = changes(
        "CREATE TABLE IF NOT EXISTS shop.Lines (id BIGSERIAL PRIMARY KEY, order_id int NOT NULL REFERENCES orders (id) "
        "ON DELETE CASCADE, sku text UNIQUE, note text DEFAULT 'x', at timestamptz DEFAULT clock(), "
        "UNIQUE (order_id, sku), CONSTRAINT fk FOREIGN KEY (sku, note) REFERENCES stock (a, b) ON DELETE SET NULL, "
        "CHECK (id > 0))"
    )
    assert made == MakesTable(
        "lines",
        1,
        columns=(
            NewColumn("id", "bigserial", nullable=False, default=True, plain_default=False),
            NewColumn("order_id", "int", nullable=False),
            NewColumn("sku", "text"),
            NewColumn("note", "text", default=True),
            NewColumn("at", "timestamptz", default=True, plain_default=False),
        ),
        primary_key=("id",),
        indexes=(Index(("sku",), unique=True), Index(("order_id", "sku"), unique=True)),
        foreign_keys=(
            ForeignKey(("order_id",), "orders", ("id",), "cascade"),
            ForeignKey(("sku", "note"), "stock", ("a", "b"), "set null", "fk"),
        ),
        if_missing=True,
    )


def test_keys_inside_a_table_of_mysql() -> None:
    (made,) = changes(
        "CREATE TABLE `t` (`id` INT AUTO_INCREMENT, `a` INT, PRIMARY KEY (`id`), KEY `k` (`a`, `id`), "
        "UNIQUE KEY `u` (`a`), FULLTEXT KEY `f` (`a`)) ENGINE=InnoDB",
        "mysql",
    )
    assert isinstance(made, MakesTable)
    assert (made.primary_key, made.whole) == (("id",), True)
    assert made.indexes == (
        Index(("a", "id"), name="k"),
        Index(("a",), unique=True, name="u"),
        Index(("a",), name="f", method="fulltext"),
    )


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("CREATE TABLE t (id int)", True),
        ("CREATE TABLE t (id int, a text, PRIMARY KEY (id)) WITHOUT ROWID", True),
        ("CREATE TABLE t (id $%AUTO_INCREMENT_PRIMARY_KEY%$, a text)", True),
        ("CREATE TABLE t (LIKE u INCLUDING ALL)", False),
        ("CREATE TABLE t AS SELECT 1", False),
        ("CREATE TABLE t (id int) INHERITS (u)", False),
        ("CREATE TABLE p PARTITION OF q FOR VALUES IN (1)", False),
        (f"CREATE TABLE t (id int, {hole()})", False),
        ("CREATE VIRTUAL TABLE t USING fts5 (a, b)", False),
        ("CREATE TABLE t (id int !! nonsense)", False),
    ],
)
def test_tables_of_which_the_statement_does_not_say_everything(text: str, whole: bool) -> None:
    (made,) = changes(text)
    assert isinstance(made, MakesTable)
    assert made.table in ("t", "p")
    assert made.whole == whole


def test_a_template_token_that_makes_the_key() -> None:
    (made,) = changes("CREATE TABLE t (id $%AUTO_INCREMENT_PRIMARY_KEY%$, a text)")
    assert isinstance(made, MakesTable)
    assert made.primary_key == ("id",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'CREATE UNIQUE INDEX CONCURRENTLY i ON "T" USING gin (a, lower(b) DESC, c o_ops) WHERE d IS NULL',
            [
                MakesIndex(
                    "T",
                    1,
                    Index(("a", "-LOWER(b)", "c"), True, "i", "d IS NULL", "gin"),
                    concurrently=True,
                )
            ],
        ),
        ("CREATE INDEX IF NOT EXISTS i ON t (a)", [MakesIndex("t", 1, Index(("a",), name="i"), if_missing=True)]),
        ("CREATE INDEX ON t (a)", [MakesIndex("t", 1, Index(("a",)))]),
        (
            "DROP INDEX CONCURRENTLY IF EXISTS s.i, j",
            [
                DropsIndex("", 1, "i", concurrently=True, if_there=True),
                DropsIndex("", 1, "j", concurrently=True, if_there=True),
            ],
        ),
        ("DROP INDEX i ON t", [DropsIndex("t", 1, "i")]),
        ("DROP TABLE a, b CASCADE", [DropsTable("a", 1), DropsTable("b", 1)]),
        ("ALTER TABLE ONLY t ADD CONSTRAINT p PRIMARY KEY (a)", [SetsKey("t", 1, ("a",))]),
        (
            "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)",
            [MakesIndex("t", 1, Index(("a",), unique=True, name="u"), constraint=True)],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i",
            [MakesIndex("t", 1, Index((), unique=True, name="u"), constraint=True, adopts="i")],
        ),
        (
            "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id) NOT VALID",
            [AddsForeignKey("t", 1, ForeignKey(("a",), "u", ("id",), validated=False))],
        ),
        (
            "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0, DROP COLUMN b",
            [
                AddsColumn("t", 1, NewColumn("a", "int", nullable=False, default=True)),
                DropsColumn("t", 1, "b"),
            ],
        ),
        ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", [AltersColumn("t", 1, "a", nullable=False)]),
        ("ALTER TABLE t ALTER COLUMN a TYPE bigint", [AltersColumn("t", 1, "a", type="bigint")]),
        ("ALTER TABLE t RENAME TO u", [RenamesTable("t", 1, "u")]),
        ("ALTER TABLE t RENAME COLUMN a TO b", [RenamesColumn("t", 1, "a", "b")]),
        ("ALTER INDEX a RENAME TO b", [RenamesIndex("", 1, "a", "b")]),
        ("ALTER TABLE t DROP CONSTRAINT c", [DropsIndex("t", 1, "c")]),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", []),
        ("ALTER TABLE t OWNER TO someone", []),
        ("ALTER TABLE t ADD !! nonsense", [Unreadable("t", 1)]),
        ("SET lock_timeout = '2s'", [SetsOption("", 1, "lock_timeout", "2s")]),
        ("SELECT 1; INSERT INTO t VALUES (1);", []),
    ],
)
def test_changes_of_the_schema(text: str, expected: list[AnyChange]) -> None:
    assert list(changes(text)) == expected


def test_what_psql_puts_into_a_dump_is_left_out() -> None:
    text = "\\connect shop\nCOPY t (a) FROM stdin;\n1;\tCREATE TABLE x (\n\\.\nCREATE TABLE t (a int);\n"
    (made,) = changes(text)
    assert (made.table, made.line) == ("t", 5)


def test_sqlglot_comes_with_the_first_text() -> None:
    code = (
        "import sys; from slowpath.sql import Reader, looks_like_sql;"
        "looks_like_sql('SELECT 1'); print('sqlglot' in sys.modules);"
        "Reader().read('SELECT 1'); print('sqlglot' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "True"]
