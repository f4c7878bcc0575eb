"""`slowpath db snapshot` on real databases, and what row counts change of what is reported."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slowpath.census import Census, CountedIndex, CountedTable, Sizes, decoded, encoded, unused
from slowpath.cli import main
from slowpath.cli.catalogues import mysql_rows, tables_from
from slowpath.config import ConfigError, settings_of
from slowpath.errors import SlowpathError, UsageError
from slowpath.workspace import run

# `tags` would be medium without a count, `readings` low: a table that nothing shows to grow.
CODE = """\
from datetime import datetime

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str]
    ends_at: Mapped[datetime]


class Reading(Base):
    __tablename__ = "readings"

    id: Mapped[int] = mapped_column(primary_key=True)
    sensor: Mapped[str]
    note: Mapped[str] = mapped_column(index=True)


def forget(session, now):
    session.execute(delete(Tag).where(Tag.ends_at < now))


def tagged(session, word):
    return session.scalars(select(Tag).where(func.date(Tag.ends_at) == word)).all()


def of_sensor(session, sensor):
    return session.scalars(select(Reading).where(Reading.sensor == sensor)).all()


def noted(session, note):
    return session.scalars(select(Reading).where(func.lower(Reading.note) == note)).all()
"""
SELECT = 'select = ["SLO501", "SLO502", "SLO503", "SLO505"]\n'
TABLES = (
    "CREATE TABLE tags (id INTEGER PRIMARY KEY, word TEXT, ends_at TIMESTAMP)",
    "CREATE TABLE readings (id INTEGER PRIMARY KEY, sensor TEXT, note TEXT)",
    "CREATE INDEX readings_note ON readings (note, sensor DESC)",
    "CREATE UNIQUE INDEX tags_word ON tags (lower(word))",
)


KEYS = """\
from sqlalchemy import ForeignKey, Index, delete
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    hall: Mapped[int] = mapped_column(index=True)


class Box(Base):
    __tablename__ = "boxes"
    __table_args__ = (Index("ix_size", "size"), Index("ix_size_hue", "size", "hue"))

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id", ondelete="CASCADE"))
    size: Mapped[int]
    hue: Mapped[int]


def clear(session, hall):
    session.execute(delete(Shelf).where(Shelf.hall == hall))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text(f"[tool.slowpath]\n{SELECT}")
    (tmp_path / "store.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _name_snapshot(project: Path) -> None:
    (project / "pyproject.toml").write_text(f'[tool.slowpath]\n{SELECT}snapshot = ".slowpath-snapshot.json"\n')


def _found(project: Path, *, cache: bool = False) -> set[tuple[str, str, str]]:
    """Function, code and confidence of all findings down to the least sure one."""
    import msgspec

    settings = msgspec.structs.replace(settings_of(project), confidence="low")
    report = run(project, settings, [""], cache=cache, jobs=1)
    assert not report.skipped
    return {(each.function or each.path, each.code, each.confidence) for each in report.findings}


def _fill(connection: sqlite3.Connection) -> None:
    for statement in TABLES:
        connection.execute(statement)
    numbers = "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {rows})"
    connection.execute(f"{numbers.format(rows=20)} INSERT INTO tags SELECT n, 'w' || n, n FROM g")
    connection.execute(f"{numbers.format(rows=200_000)} INSERT INTO readings SELECT n, 's' || n % 99, 'n' || n FROM g")
    connection.commit()
    connection.close()


WITHOUT = {
    ("forget", "SLO501", "medium"),
    ("tagged", "SLO503", "low"),
    ("of_sensor", "SLO501", "low"),
    ("noted", "SLO503", "low"),
}
WITH = {("of_sensor", "SLO501", "medium"), ("noted", "SLO503", "medium")}


def test_row_counts_of_sqlite_decide(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(sqlite3.connect(project / "store.sqlite3"))
    before = (project / "store.sqlite3").read_bytes()
    assert _found(project, cache=True) == WITHOUT
    assert main(["db", "snapshot", "sqlite:///store.sqlite3"]) == 0
    assert "2 tables" in capsys.readouterr().out
    assert (project / "store.sqlite3").read_bytes() == before
    # Nobody has named it yet.
    assert _found(project, cache=True) == WITHOUT
    _name_snapshot(project)
    assert _found(project, cache=True) == WITH
    snapshot = decoded((project / ".slowpath-snapshot.json").read_bytes())
    assert isinstance(snapshot, Census)
    readings, tags = snapshot.tables
    assert (readings.rows, tags.rows) == (200_000, 20)
    assert readings.indexes == (CountedIndex("readings_note", ("note", "-sensor")),)
    assert tags.indexes == (CountedIndex("tags_word", ("?",), unique=True),)
    # Another snapshot under the same name counts at once.
    smaller = Census(1, "sqlite", "2026-01-01", "", (CountedTable("readings", rows=20),))
    (project / ".slowpath-snapshot.json").write_bytes(encoded(smaller))
    assert _found(project, cache=True) == WITHOUT - {each for each in WITHOUT if each[0] in ("of_sensor", "noted")}


@pytest.mark.parametrize(
    ("shelves", "boxes", "found"),
    [
        (None, None, {("SLO502", "low"), ("SLO505", "medium")}),
        (200_000, 300_000, {("SLO502", "medium"), ("SLO505", "medium")}),
        (20, 300_000, {("SLO502", "low"), ("SLO505", "medium")}),
        (200_000, 20, set()),
    ],
)
def test_row_counts_of_keys(project: Path, shelves: int | None, boxes: int | None, found: set[tuple[str, str]]) -> None:
    (project / "store.py").write_text(KEYS)
    _name_snapshot(project)
    tables = (CountedTable("shelves", rows=shelves), CountedTable("boxes", rows=boxes))
    census = Census(1, "postgresql", "2026-01-01", "", tables)
    (project / ".slowpath-snapshot.json").write_bytes(encoded(census))
    assert {(code, sure) for _, code, sure in _found(project)} == found


def test_nothing_is_made_where_there_is_no_database(project: Path) -> None:
    with pytest.raises(SlowpathError, match=r"nowhere\.sqlite3.*cannot be read"):
        main(["db", "snapshot", "sqlite:///nowhere.sqlite3"])
    (project / "text.sqlite3").write_text("This is no database, however long it may be. " * 99)
    with pytest.raises(SlowpathError, match="not a database"):
        main(["db", "snapshot", "sqlite:///text.sqlite3"])
    assert not (project / "nowhere.sqlite3").exists()
    assert not (project / ".slowpath-snapshot.json").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, r"tool\.slowpath\.snapshot: `\.slowpath-snapshot\.json` cannot be read: no such file"),
        ("{", r"tool\.slowpath\.snapshot: `\.slowpath-snapshot\.json` is no snapshot"),
        ("[]", "Expected `object`"),
        ('{"version": 2, "vendor": "sqlite", "taken": "", "since": "", "tables": []}', "version"),
        ('{"version": 1, "vendor": "sqlite", "taken": "", "since": "", "tables": [{"name": "t", "rows": -1}]}', "rows"),
        ('{"version": 1, "vendor": "sqlite", "taken": "", "since": "", "tables": [], "more": 1}', "more"),
        ("[" * 100_000, "is no snapshot"),
        ("\udcff", "is no snapshot"),
    ],
)
def test_a_broken_file_is_named_with_its_key(project: Path, text: str | None, problem: str) -> None:
    _name_snapshot(project)
    if text is not None:
        (project / ".slowpath-snapshot.json").write_bytes(text.encode(errors="surrogateescape"))
    for arguments in (["check"], ["check", "--no-cache"], ["indexes"]):
        with pytest.raises(ConfigError, match=problem):
            main(arguments)


def test_the_file_is_inside_the_project(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.slowpath]\nsnapshot = "../other.json"\n')
    with pytest.raises(ConfigError, match=r"snapshot: must be a file inside the project"):
        main(["check"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["db", "snapshot", "postgresql://ann:s3c/ret@localhost/shop"],
        ["db", "snapshot", "postgresql://ann:s3c#ret@localhost/shop"],
        ["db", "snapshot", "oracle://ann:s3cret@localhost/shop"],
        ["db", "snapshot", "sqlite:///a", "postgresql://ann:s3c@ret@localhost/shop"],
        ["db", "snapshot", "postgresql://ann:s3cret@127.0.0.1:1/shop"],
        ["db", "snapshot", "postgresql://ann@127.0.0.1:1/shop?password=s3cret"],
        ["check", "postgresql://ann:s3cret@localhost/shop"],
    ],
)
def test_a_password_is_never_printed(project: Path, arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "slowpath", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not any(piece in done.stdout + done.stderr for piece in ("s3c", "ret@"))


@pytest.mark.parametrize(
    ("scheme", "driver", "extra"),
    [("postgresql", "psycopg", "snapshot-postgres"), ("mysql+pymysql", "pymysql", "snapshot-mysql")],
)
def test_a_driver_that_is_missing(
    project: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, driver: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(UsageError, match=rf"`{driver}` is not installed.*slowpath\[{extra}\]"):
        main(["db", "snapshot", f"{scheme}://ann:secret@localhost/shop"])


def test_mysql_has_a_row_for_each_column() -> None:
    # As `information_schema.tables` and `information_schema.statistics` of MySQL 8 give them.
    tables = [("orders", 2_100_000), ("tags", 12), ("views_of", None)]
    statistics = [
        ("orders", "PRIMARY", 0, 1, "id", "A"),
        ("orders", "idx_total", 1, 1, "user_id", "A"),
        ("orders", "idx_total", 1, 2, "total", "D"),
        ("orders", "idx_lower", 1, 1, None, "A"),
        ("tags", "PRIMARY", 0, 1, "id", "A"),
        ("tags", "words", 1, 1, "word", None),
    ]
    assert tables_from(*mysql_rows(tables, statistics)) == [
        CountedTable(
            "orders",
            rows=2_100_000,
            indexes=(
                CountedIndex("PRIMARY", ("id",), unique=True),
                CountedIndex("idx_total", ("user_id", "-total")),
                CountedIndex("idx_lower", ("?",)),
            ),
        ),
        CountedTable(
            "tags", rows=12, indexes=(CountedIndex("PRIMARY", ("id",), True), CountedIndex("words", ("word",)))
        ),
        CountedTable("views_of"),
    ]


def test_what_counts_mean() -> None:
    sizes = Sizes(
        [
            CountedTable("Small", "public", 9_999),
            CountedTable("empty", "public", 0),
            CountedTable("unknown", "public"),
            CountedTable("large", "public", 100_001),
            CountedTable("middling", "public", 50_000),
            CountedTable("shared", "one", 10),
            CountedTable("shared", "two", 1_000_000),
        ]
    )
    small = [
        name for name in ("small", "empty", "unknown", "large", "middling", "shared", "gone") if sizes.is_small(name)
    ]
    assert small == ["small"]
    assert sizes.is_large("large") and sizes.is_large("public.large")
    assert not sizes.is_large("middling")
    # A name that stands for tables of several schemas says something only if it is true of all.
    assert not sizes.is_large("shared")
    assert sizes.is_small("one.shared") and sizes.is_large("two.shared")


def test_only_indexes_that_somebody_counts_are_unused() -> None:
    never = CountedIndex("never", ("a",), scans=0)
    indexes = (
        never,
        CountedIndex("key", ("b",), unique=True, scans=0),
        CountedIndex("used", ("c",), scans=7),
        CountedIndex("nobody_counts", ("d",)),
    )
    large, small = (CountedTable(name, rows=rows, indexes=indexes) for name, rows in (("big", 50_000), ("tiny", 50)))
    census = Census(1, "postgresql", "2026-02-01", "2026-01-01", (large, small))
    assert list(unused(census)) == [(large, never)]
    assert decoded(encoded(census)) == census
    assert json.loads(encoded(census))["tables"][0]["indexes"][0] == {"name": "never", "columns": ["a"], "scans": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL of the tests' own, with the two tables."""
    pgserver = pytest.importorskip("pgserver", reason="the wheel `pgserver` has no PostgreSQL for this Python")
    psycopg = pytest.importorskip("psycopg")
    # Where root starts it, the server runs as a user of its own, whom pytest's folders keep out.
    folder = Path(tempfile.mkdtemp(prefix="slowpath-postgresql-"))
    folder.chmod(0o755)
    running = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            for statement in TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO tags SELECT n, 'w' || n, now() FROM generate_series(1, 20) n")
            connection.execute(
                "INSERT INTO readings SELECT n, 's' || n % 99, 'n' || n FROM generate_series(1, 200000) n"
            )
            connection.execute("CREATE INDEX readings_sensor ON readings (sensor)")
            connection.execute("CREATE TABLE parts (id int, day int) PARTITION BY RANGE (day)")
            connection.execute("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)")
            connection.execute("CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20)")
            connection.execute("INSERT INTO parts SELECT n, n % 20 FROM generate_series(1, 3000) n")
            connection.execute("CREATE TABLE never_looked_at (id int)")
            for table in ("tags", "readings", "parts"):
                connection.execute(f"ANALYZE {table}")
            connection.execute("SET enable_seqscan = off")
            connection.execute("SELECT * FROM readings WHERE sensor = 's5'").fetchall()
        yield running.get_uri()
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def test_row_counts_and_searches_of_postgresql(project: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "snapshot", server, "--output", ".slowpath-snapshot.json"]) == 0
    census = decoded((project / ".slowpath-snapshot.json").read_bytes())
    assert isinstance(census, Census)
    tables = {table.name: table for table in census.tables}
    assert sorted(tables) == ["never_looked_at", "parts", "readings", "tags"]
    assert {table.schema for table in census.tables} == {"public"}
    assert [tables[name].rows for name in ("tags", "readings", "parts", "never_looked_at")] == [20, 200_000, 3000, None]
    note, _, sensor = tables["readings"].indexes
    assert note == CountedIndex("readings_note", ("note", "-sensor"), scans=0)
    assert sensor.name == "readings_sensor"
    assert (sensor.scans or 0) > 0
    assert CountedIndex("tags_word", ("lower(word)",), unique=True, scans=0) in tables["tags"].indexes
    _name_snapshot(project)
    assert _found(project) == WITH
    capsys.readouterr()
    assert main(["indexes"]) == 0
    said = capsys.readouterr().out
    assert "idx_readings_sensor" in said
    assert "  readings_note on readings (note, -sensor)\n" in said
    assert "readings_sensor on" not in said
    assert main(["indexes", "--format", "sql"]) == 0
    assert "readings_note" not in capsys.readouterr().out


def test_postgresql_is_only_read(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from slowpath.cli import catalogues

    monkeypatch.setattr(catalogues, "_POSTGRESQL_TABLES", "CREATE TABLE written AS SELECT 1")
    with pytest.raises(SlowpathError, match="read-only transaction"):
        catalogues.census_at(server)
    monkeypatch.setattr(catalogues, "_STATEMENT_SECONDS", 1)
    monkeypatch.setattr(catalogues, "_POSTGRESQL_TABLES", "SELECT pg_sleep(30)")
    with pytest.raises(SlowpathError, match="statement timeout"):
        catalogues.census_at(server)
