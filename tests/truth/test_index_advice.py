"""Every index that is advised for the fixtures is made on real databases, in tables of many rows: a scan becomes a
search. And where nothing is said because an index serves, the database uses one."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slowpath.advisor import Key, NewIndex, Table, access_of, created, own
from slowpath.analysis import workshop_of
from slowpath.config import settings_of
from slowpath.discovery import Folder
from slowpath.query import Condition, Shape
from slowpath.rules import Whole
from slowpath.unserved import Tables, queries_in, unserved

CASES = sorted((Path(__file__).resolve().parents[2] / "fixtures" / "unindexed_filter").iterdir())
# PostgreSQL goes by what a plan costs, SQLite by rules.
ROWS = {"postgresql": 200_000, "sqlite": 20_000}
# What databases may decide otherwise about: one in twenty.
ENOUGH = 0.95
# Runs statements, one after the other, and gives what the last one says.
Execute = Callable[[str], str]


def test_advised_indexes_are_used(database: tuple[str, Execute]) -> None:
    vendor, execute = database
    cases = sorted(set(advised()))
    served = [case for case in cases if _becomes_a_search(vendor, execute, *case)]
    assert len(cases) > 15
    assert len(served) >= ENOUGH * len(cases), [case for case in cases if case not in served]


def test_indexes_that_serve_are_used(database: tuple[str, Execute]) -> None:
    vendor, execute = database
    cases = sorted(set(answered()))
    served = [case for case in cases if _becomes_a_search(vendor, execute, *case)]
    assert len(cases) > 10
    assert len(served) >= ENOUGH * len(cases), [case for case in cases if case not in served]


def test_a_page_begins_at_its_row_where_both_columns_are_compared_as_one(database: tuple[str, Execute]) -> None:
    vendor, execute = database
    if vendor == "sqlite":
        filled = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i / 10, i FROM n"
        )
    else:
        filled = "SELECT i / 10, i FROM generate_series(1, 20000) AS n(i)"
    execute("CREATE TABLE paged (a int, b int)")
    execute(f"INSERT INTO paged {filled}")
    execute("CREATE INDEX paged_a_b ON paged (a, b)")
    execute("ANALYZE paged")
    explain = "EXPLAIN QUERY PLAN" if vendor == "sqlite" else "EXPLAIN"
    page = "SELECT * FROM paged WHERE {} ORDER BY a, b LIMIT 50"
    begins = "SEARCH" if vendor == "sqlite" else "Index Cond"
    # SQLite finds out by itself that `a` must be 1000 at least.
    assert (begins in execute(f"{explain} {page.format('a > 1000 OR (a = 1000 AND b > 10005)')}")) == (
        vendor == "sqlite"
    )
    assert begins in execute(f"{explain} {page.format('(a, b) > (1000, 10005)')}")


def advised() -> Iterator[tuple[str, str, str, str]]:
    """The advised indexes: the table, filled; the query; the index; and its name."""
    for whole in projects():
        for found in unserved(whole.project, whole.schema, whole.database, whole.facts):
            if not found.shape.joins:
                filled = table_for(found.table, found.shape)
                yield filled, query_for(found.table, found.shape), created(found.index), found.index.name


def answered() -> Iterator[tuple[str, str, str, str]]:
    """The queries of which the advisor says that an index finds their rows, and that index."""
    for whole in projects():
        tables = Tables(whole.schema, whole.database)
        for fact in queries_in(whole.facts, whole.database):
            table, shape = tables.of(fact.shape.model), fact.shape
            verdict = access_of(table, shape) if table is not None else None
            if table is None or verdict is None or verdict.by is None or verdict.access not in {"key", "point"}:
                continue
            if not shape.open and not shape.joins and all(isinstance(t, Condition) and not t.path for t in shape.tests):
                index = NewIndex(table.name, verdict.by.columns)
                yield table_for(table, shape, verdict.by), query_for(table, shape), created(index), index.name


def projects() -> Iterator[Whole]:
    for case in CASES:
        if case.name == "__pycache__":
            continue
        folder = Folder(case if case.is_dir() else case.parent, 1_000_000, {})
        listed = folder.listing(()).files
        files = listed if case.is_dir() else [file for file in listed if file.path == case.name]
        workshop = workshop_of(folder, settings_of(case.parent), files)
        yield workshop.whole(workshop.check(workshop.roots).answers)


def table_for(table: Table, shape: Shape, key: Key | None = None) -> str:
    """Statements that make the table with what the query needs of it, and fill it."""
    flags = {c.column for c in shape.conditions if c.value in {"TRUE", "FALSE"}}
    constants = {c.column: c.value for c in shape.conditions if c.value and c.column not in flags}
    names = {c.column for c in shape.conditions} | {sort.column for sort in shape.order} | {shape.highest} - {""}
    names |= {column.removeprefix("-") for column in key.columns} if key is not None else set()
    columns = [(name, *_column(name, flags, constants, table.few)) for name in sorted((names | {"body"}) - {"", "?"})]
    kinds = ", ".join(f'"{name}" {kind}' for name, kind, _ in columns)
    values = ", ".join(value for _, _, value in columns)
    return (
        f'DROP TABLE IF EXISTS "{table.name}"; CREATE TABLE "{table.name}" ({kinds}); '
        f"WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < :rows) "
        f'INSERT INTO "{table.name}" SELECT {values} FROM r; ANALYZE "{table.name}"'
    )


def _column(name: str, flags: set[str], constants: dict[str, str], few: frozenset[str]) -> tuple[str, str]:
    """The type of a column, and the value of row i."""
    if name in flags:
        return "boolean", "i % 50 = 0"
    if name == "body":
        return "text", "'" + "x" * 100 + "'"
    if name in constants:
        return "text", f"CASE WHEN i % 50 = 0 THEN {constants[name]} ELSE 'other' END"
    if name in few:
        return "text", "CAST(100000 + i % 50 AS text)"
    return "text", "CASE WHEN i % 40 <> 0 THEN CAST(100000 + (i * 7919) % 200000 AS text) END"


def query_for(table: Table, shape: Shape) -> str:
    """The query as SQL: a value of which there are few rows, and the first hundredth of a range."""
    what = f'MAX("{shape.highest}")' if shape.highest else "*"
    tests = [_written(condition) for condition in own(shape)]
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    known = [sort for sort in shape.order if sort.column != "?" and not sort.path]
    order = ", ".join(f'"{sort.column}"' + (" DESC" if sort.descending else "") for sort in known)
    order = f" ORDER BY {order}" if order and shape.limit is not None else ""
    limit = f" LIMIT {shape.limit or 20}" if shape.limit is not None and not shape.highest else ""
    return f'SELECT {what} FROM "{table.name}"{where}{order}{limit}'


def _written(condition: Condition) -> str:
    column = f'"{condition.column}"'
    match condition.how:
        case "null":
            return f"{column} IS NULL"
        case "in":
            return f"{column} IN ('100007', '100008')"
        case "range":
            return f"{column} < '100400'"
        case "prefix":
            return f"{column} >= '1000' AND {column} < '1001'"
    if condition.value in {"TRUE", "FALSE"}:
        return column if condition.value == "TRUE" else f"NOT {column}"
    return f"{column} = {condition.value or repr('100007')}"


def _becomes_a_search(vendor: str, execute: Execute, filled: str, query: str, index: str, name: str) -> bool:
    explain = "EXPLAIN QUERY PLAN" if vendor == "sqlite" else "EXPLAIN"
    execute(filled.replace(":rows", str(ROWS[vendor])))
    before = execute(f"{explain} {query}")
    execute(index if vendor == "postgresql" else index.replace("CONCURRENTLY ", ""))
    after = execute(f"{explain} {query}")
    return name not in before and name in after


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[tuple[str, Execute]]:
    """A vendor, and what runs statements on a database of it that is there for the test alone."""
    if request.param == "sqlite":
        yield "sqlite", _sqlite()
        return
    pgserver = pytest.importorskip("pgserver", reason="the wheel `pgserver` has no PostgreSQL for this Python")
    # Where root starts it, the server runs as a user of its own, whom pytest's folders keep out.
    folder = Path(tempfile.mkdtemp(prefix="slowpath-postgresql-"))
    folder.chmod(0o755)
    server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield "postgresql", server.psql
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _sqlite() -> Execute:
    connection = sqlite3.connect(":memory:")

    def execute(statements: str) -> str:
        said: list[object] = []
        for statement in statements.split("; "):
            said = connection.execute(statement).fetchall()
        return str(said)

    return execute
