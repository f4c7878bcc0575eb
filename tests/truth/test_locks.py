"""What PostgreSQL locks, reads and writes anew while a migration runs: the ground of `hazards`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slowpath.hazards import hazards
from slowpath.migrations import Migration, Step
from slowpath.source import Place
from slowpath.sql import Reader

if TYPE_CHECKING:
    from psycopg import Connection

# What a lock keeps out, the strongest one first.
READERS, WRITERS, NOBODY = {"AccessExclusiveLock"}, {"ShareLock", "ShareRowExclusiveLock"}, {"RowExclusiveLock"}

# What takes as long as there are rows, as the server's messages begin.
WORK = ("building index", "verifying table", "rewriting table", "validating foreign key")

MADE = """
    CREATE TABLE users (id int PRIMARY KEY);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int, number int, state text, title varchar(9));
    INSERT INTO users SELECT n FROM generate_series(1, 100) AS n;
    INSERT INTO orders SELECT n, n, n, 'open', '' FROM generate_series(1, 100) AS n;
    ALTER TABLE orders ADD CONSTRAINT named CHECK (state IS NOT NULL) NOT VALID;
    ALTER TABLE orders VALIDATE CONSTRAINT named
"""

# A statement in a transaction; what is dangerous about it; the greatest lock on `orders`; what the server says it does.
CASES = [
    ("CREATE INDEX ON orders (number)", "index", WRITERS, "building index"),
    ("ALTER TABLE orders ADD UNIQUE (number)", "unique", READERS, "building index"),
    ("ALTER TABLE orders ALTER number SET NOT NULL", "required", READERS, "verifying table"),
    ("ALTER TABLE orders ALTER state SET NOT NULL", "", READERS, ""),
    ("ALTER TABLE orders ADD CHECK (number > 0)", "check", READERS, "verifying table"),
    ("ALTER TABLE orders ADD CHECK (number > 0) NOT VALID", "", READERS, ""),
    ("ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users", "reference", WRITERS, "validating foreign key"),
    ("ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID", "", WRITERS, ""),
    ("ALTER TABLE orders ADD COLUMN paid bool NOT NULL DEFAULT false", "", READERS, ""),
    ("ALTER TABLE orders ADD COLUMN seen timestamptz DEFAULT now()", "", READERS, ""),
    ("ALTER TABLE orders ADD COLUMN key uuid DEFAULT gen_random_uuid()", "rewrite", READERS, "rewriting table"),
    ("ALTER TABLE orders ALTER number TYPE bigint", "rewrite", READERS, "rewriting table"),
    ("ALTER TABLE orders ALTER title TYPE text", "", READERS, ""),
    ("UPDATE orders SET state = 'paid'", "rows", NOBODY, ""),
]


@pytest.mark.parametrize(("statement", "kind", "lock", "work"), CASES, ids=[case[0] for case in CASES])
def test_a_statement(database: Connection, statement: str, kind: str, lock: set[str], work: str) -> None:
    said: list[str] = []
    database.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
    database.execute("SET LOCAL client_min_messages = debug1")
    database.execute(statement)
    held = database.execute("SELECT mode FROM pg_locks WHERE relation = 'orders'::regclass AND granted").fetchall()
    modes = {mode for (mode,) in held}
    assert next(kept_out for kept_out in (READERS, WRITERS, NOBODY) if modes & kept_out) == lock
    assert any(each.startswith(WORK) for each in said) == bool(work)
    assert any(work in each for each in said) or not work
    assert [hazard.kind for hazard in hazards(history(statement))] == ([kind] if kind else [])


def test_a_required_column_without_default_fails(database: Connection) -> None:
    from psycopg.errors import NotNullViolation

    statement = "ALTER TABLE orders ADD COLUMN code text NOT NULL"
    with pytest.raises(NotNullViolation):
        database.execute(statement)
    assert [hazard.kind for hazard in hazards(history(statement))] == ["missing"]


def test_a_concurrent_build_in_a_transaction_fails(database: Connection) -> None:
    from psycopg.errors import ActiveSqlTransaction

    statement = "CREATE INDEX CONCURRENTLY ON orders (number)"
    with pytest.raises(ActiveSqlTransaction):
        database.execute(statement)
    assert [hazard.kind for hazard in hazards(history(statement))] == ["transaction"]


def test_a_failed_build_is_taken_for_an_index(database: Connection) -> None:
    from psycopg.errors import UniqueViolation

    database.rollback()
    database.autocommit = True
    database.execute("CREATE TABLE doubles (n int)")
    database.execute("INSERT INTO doubles VALUES (1), (1)")
    statement = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS once ON doubles (n)"
    with pytest.raises(UniqueViolation):
        database.execute(statement)
    database.execute(statement)
    valid = database.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'once'::regclass").fetchone()
    database.execute("DROP TABLE doubles")
    database.autocommit = False
    assert valid == (False,)
    assert [hazard.kind for hazard in hazards(history(statement, apart=True))] == ["leftover"]


def test_a_build_that_is_done_cannot_be_done_again(database: Connection) -> None:
    from psycopg.errors import DuplicateTable, UniqueViolation

    database.rollback()
    database.autocommit = True
    database.execute("CREATE TABLE doubles (n int)")
    database.execute("INSERT INTO doubles VALUES (1), (1)")
    first, second = (
        "CREATE INDEX CONCURRENTLY plain ON doubles (n)",
        "CREATE UNIQUE INDEX CONCURRENTLY once ON doubles (n)",
    )
    database.execute(first)
    with pytest.raises(UniqueViolation):
        database.execute(second)
    with pytest.raises(DuplicateTable):
        database.execute(first)
    database.execute("DROP TABLE doubles")
    database.autocommit = False
    statement = f"{first.replace('doubles', 'orders')}; {second.replace('doubles', 'orders')}"
    assert [hazard.kind for hazard in hazards(history(statement, apart=True))] == ["again"]


def history(statement: str, *, apart: bool = False) -> list[Migration]:
    """Migrations of which the last one has this statement, some time after the tables were made."""
    made = [Migration("any", "a", "", "0", (), steps(MADE, apart=False))]
    between = [Migration("any", "a", "", str(n), (str(n - 1),), ()) for n in (1, 2, 3)]
    return [*made, *between, Migration("any", "a", "", "4", ("3",), steps(statement, apart=apart))]


def steps(text: str, *, apart: bool) -> tuple[Step, ...]:
    found = Reader("postgresql").read(text).statements
    return tuple(Step(change, Place("a", "", 0), apart) for statement in found for change in statement.changes)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pgserver = pytest.importorskip("pgserver", reason="the wheel `pgserver` has no PostgreSQL for this Python")
    pytest.importorskip("psycopg")
    with tempfile.TemporaryDirectory(prefix="slowpath-postgresql-") as folder:
        # Where root starts it, the server runs as a user of its own, whom pytest's folders keep out.
        Path(folder).chmod(0o755)
        running = pgserver.get_server(Path(folder) / "data")
        running.psql(MADE)
        yield running.get_uri()
        running.cleanup()


@pytest.fixture
def database(server: str) -> Iterator[Connection]:
    import psycopg

    with psycopg.connect(server) as connection:
        yield connection
        connection.rollback()
