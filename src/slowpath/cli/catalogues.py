"""What databases say of themselves: each vendor's catalogue, read and never written."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from msgspec import Struct

from slowpath.census import Census, CountedIndex, CountedTable, Vendor
from slowpath.errors import SlowpathError, UsageError

_SCHEMES: dict[str, Vendor] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}
_CONNECT_SECONDS = 10
_STATEMENT_SECONDS = 30
# Rows of SQLite's tables are counted one by one, and more than this need not be told apart.
_MOST_ROWS = 1_000_000
# How many steps SQLite takes before it looks at the clock.
_STEPS = 10_000

_POSTGRESQL_TABLES = r"""
SELECT n.nspname, c.relname, CAST(
  CASE WHEN c.relkind = 'p' THEN (
    SELECT CASE WHEN bool_or(l.reltuples < 0) THEN NULL ELSE sum(l.reltuples) END
    FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf
  ) WHEN c.reltuples >= 0 THEN c.reltuples END AS bigint)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 1, 2
"""
_POSTGRESQL_INDEXES = """
SELECT n.nspname, t.relname, c.relname, i.indisunique OR i.indisexclusion, ARRAY(
    SELECT CASE WHEN i.indoption[k - 1] & 1 = 1 THEN '-' ELSE '' END || pg_get_indexdef(i.indexrelid, k, true)
    FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k
  ), s.idx_scan
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid
WHERE i.indislive
ORDER BY 1, 2, 3
"""
_POSTGRESQL_SINCE = "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"
_MYSQL_TABLES = """
SELECT table_name, table_rows FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name
"""
_MYSQL_INDEXES = """
SELECT table_name, index_name, non_unique, seq_in_index, column_name, collation FROM information_schema.statistics
WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index
"""

Row = Sequence[Any]


class CatalogueError(SlowpathError):
    """A database that could not be read."""


class _Address(Struct, frozen=True):
    vendor: Vendor
    host: str
    port: int | None
    user: str
    password: str
    database: str
    options: dict[str, str]


def census_at(url: str) -> Census:
    """What the catalogue of the database at this URL says."""
    address = _address_of(url)
    if address.vendor == "sqlite":
        return _of_sqlite(address.database)
    return _of_postgresql(address) if address.vendor == "postgresql" else _of_mysql(address)


def _address_of(url: str) -> _Address:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # What Python says of it may be a piece of the password.
        raise UsageError(
            "the URL of the database cannot be read; write a password's `/ ? # @` as `%2F %3F …`"
        ) from None
    vendor = _SCHEMES.get(parts.scheme.partition("+")[0])
    if vendor is None:
        raise UsageError("the URL of the database must begin with `postgresql://`, `mysql://` or `sqlite:///`")
    return _Address(
        vendor,
        unquote(parts.hostname or ""),
        port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(parts.path.removeprefix("/")),
        dict(parse_qsl(parts.query)),
    )


def _of_sqlite(name: str) -> Census:
    if not name:
        raise UsageError("the URL names no file; write `sqlite:///path/to/file` (four slashes for an absolute path)")
    try:
        connection = sqlite3.connect(f"{Path(name).absolute().as_uri()}?mode=ro", uri=True, timeout=_CONNECT_SECONDS)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            return _census("sqlite", list(_sqlite_tables(connection)))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise CatalogueError(f"the database `{name}` cannot be read: {error}") from None


def _sqlite_tables(connection: sqlite3.Connection) -> Iterator[CountedTable]:
    named = r"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"
    for (table,) in connection.execute(f"{named} AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name").fetchall():
        indexes = []
        for _, name, is_unique, *_ in connection.execute(f"PRAGMA index_list({_quoted(table)})").fetchall():
            said = connection.execute(f"PRAGMA index_xinfo({_quoted(name)})").fetchall()
            columns = tuple(f"{'-' if row[3] else ''}{row[2] or '?'}" for row in said if row[5])
            indexes.append(CountedIndex(name, columns, bool(is_unique)))
        yield CountedTable(table, rows=_counted(connection, table), indexes=tuple(indexes))


def _counted(connection: sqlite3.Connection, table: str) -> int | None:
    """How many rows there are, or that there are more than anybody needs to know; None if that takes too long."""
    ends = time.monotonic() + _STATEMENT_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
    some = f"SELECT 1 FROM {_quoted(table)} LIMIT {_MOST_ROWS}"  # noqa: S608
    try:
        count: int = connection.execute(f"SELECT count(*) FROM ({some})").fetchone()[0]  # noqa: S608
    except sqlite3.OperationalError:
        if time.monotonic() > ends:
            return None
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return count


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _of_postgresql(address: _Address) -> Census:
    driver = _driver("psycopg", "snapshot-postgres")
    named = {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password,
        "dbname": address.database,
    }
    settings = {"connect_timeout": _CONNECT_SECONDS, "application_name": "slowpath"}
    given = {key: value for key, value in named.items() if value} | address.options
    try:
        connection = driver.connect(**(settings | given))
        try:
            # In a transaction, so that a pool's connection is afterwards what it was.
            connection.read_only = True
            cursor = connection.cursor()
            cursor.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'")
            tables = cursor.execute(_POSTGRESQL_TABLES).fetchall()
            indexes = cursor.execute(_POSTGRESQL_INDEXES).fetchall()
            since = cursor.execute(_POSTGRESQL_SINCE).fetchone()
            connection.rollback()
        finally:
            connection.close()
    except driver.Error as error:
        raise _unreadable(address, error) from None
    began = since[0] if since is not None else None
    return _census("postgresql", tables_from(tables, indexes), f"{began:%Y-%m-%d}" if began is not None else "")


def _of_mysql(address: _Address) -> Census:
    driver = _driver("pymysql", "snapshot-mysql")
    try:
        connection = driver.connect(
            host=address.host or "localhost",
            port=address.port or 3306,
            user=address.user,
            password=address.password,
            database=address.database,
            unix_socket=address.options.get("unix_socket"),
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_STATEMENT_SECONDS,
        )
        try:
            cursor = connection.cursor()
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            _limit(driver, cursor)
            cursor.execute(_MYSQL_TABLES)
            tables = cursor.fetchall()
            cursor.execute(_MYSQL_INDEXES)
            return _census("mysql", tables_from(*mysql_rows(tables, cursor.fetchall())))
        finally:
            connection.close()
    # Some ways to log in need a package more, which the driver says as a RuntimeError.
    except (driver.MySQLError, OSError, RuntimeError) as error:
        raise _unreadable(address, error) from None


def _limit(driver: ModuleType, cursor: Any) -> None:
    try:
        cursor.execute(f"SET SESSION max_execution_time = {_STATEMENT_SECONDS * 1000}")
    except driver.MySQLError:
        # MariaDB calls it so, and counts seconds.
        cursor.execute(f"SET SESSION max_statement_time = {_STATEMENT_SECONDS}")


def mysql_rows(tables: Iterable[Row], columns: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Tables and indexes from the rows of `information_schema`, which has a row for each column of an index."""
    found: dict[tuple[str, str], tuple[bool, list[str]]] = {}
    for table, name, non_unique, _, column, order in columns:
        _, named = found.setdefault((table, name), (not int(non_unique), []))
        named.append(f"{'-' if order == 'D' else ''}{column or '?'}")
    indexes: list[Row] = [("", table, name, unique, named, None) for (table, name), (unique, named) in found.items()]
    return [("", name, rows) for name, rows in tables], indexes


def tables_from(tables: Iterable[Row], indexes: Iterable[Row]) -> list[CountedTable]:
    """Tables from rows of schema, name and count, and of their indexes' schema, table, name, whether it is unique,
    columns and searches."""
    having: dict[tuple[str, str], list[CountedIndex]] = {}
    for schema, table, name, is_unique, columns, scans in indexes:
        having.setdefault((schema, table), []).append(CountedIndex(name, tuple(columns), bool(is_unique), scans))
    return [
        CountedTable(name, schema, None if rows is None else int(rows), tuple(having.get((schema, name), ())))
        for schema, name, rows in tables
    ]


def _census(vendor: Vendor, tables: Sequence[CountedTable], since: str = "") -> Census:
    return Census(1, vendor, f"{datetime.now(timezone.utc):%Y-%m-%d}", since, tuple(tables))


def _driver(name: str, extra: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(
            f"`{name}` is not installed, which reads such a database: `pip install slowpath[{extra}]`"
        ) from None


def _unreadable(address: _Address, error: Exception) -> CatalogueError:
    said = " ".join(str(each) for each in error.args) or type(error).__name__
    for secret in (address.password, address.options.get("password", "")):
        for form in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)} - {""}:
            said = said.replace(form, "***")
    where = address.host or address.options.get("host", "") or "this machine"
    return CatalogueError(f"the database `{address.database}` on {where} cannot be read: {' '.join(said.split())}")
