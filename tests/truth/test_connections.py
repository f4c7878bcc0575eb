"""The matrix of connections, run: what is reported drains its pool, and what is silent does not.

Every connection is referred to for as long as a test lasts, as by a traceback that somebody keeps: nothing is given
back but by the code itself.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from types import ModuleType
from typing import Any

import pytest
from connection_matrix import SHAPES, WAYS, WORLD, Way, leaks, module_of

CALLS = 3
# What fails in between fails where the shape says; the others are made to fail in their query.
_WITHOUT_ERROR = {"early_return", "raise_between"}


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pgserver = pytest.importorskip("pgserver")
    # Not below pytest's own folder, which the server's user may not enter when root runs the tests.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pgserver.get_server(Path(folder) / "data")
        yield str(server.get_uri())
        server.cleanup()


@pytest.fixture
def module(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Any]:
    if way.name.startswith("psycopg"):
        pytest.importorskip("psycopg2" if way.name.startswith("psycopg2") else "psycopg_pool")
        url = request.getfixturevalue("postgres")
    elif way.name == "sqlite3_connect":
        url = str(tmp_path / "shop.db")
    else:
        url = f"sqlite{'+aiosqlite' if way.is_async else ''}:///{tmp_path / 'shop.db'}"
    world = ModuleType("world")
    exec(WORLD, world.__dict__)
    monkeypatch.setitem(sys.modules, "world", world)
    cells = ModuleType("cells")
    exec(module_of(way, url), cells.__dict__)
    gc.disable()
    yield cells
    gc.enable()


def kept(monkeypatch: pytest.MonkeyPatch, way: Way, cells: Any) -> list[Any]:
    """The connections that are made from now on, by drivers that have no pool."""
    made: list[Any] = []
    owner = {"raw_connection": "engine"}.get(way.name, way.name.removesuffix("_connect"))
    if not hasattr(cells, owner) or way.name in {"engine_connect", "async_connect"}:
        return made
    name = "raw_connection" if owner == "engine" else "connect"
    original: Callable[..., Any] = getattr(getattr(cells, owner), name)

    def remembered(*arguments: Any, **keywords: Any) -> Any:
        made.append(original(*arguments, **keywords))
        return made[-1]

    monkeypatch.setattr(getattr(cells, owner), name, remembered)
    return made


def missing(way: Way, cells: Any, made: list[Any]) -> int:
    """How many connections have not been given back."""
    if way.name == "psycopg2_pool":
        return len(cells.pool._used)
    if way.name == "psycopg_pool":
        return int(cells.pool._nconns - len(cells.pool._pool))
    if hasattr(cells, "engine"):
        return int(cells.engine.pool.checkedout())
    return sum(not is_closed(each) for each in made)


def is_closed(connection: Any) -> bool:
    if hasattr(connection, "closed"):
        return bool(connection.closed)
    try:
        connection.execute("SELECT 1")
    except Exception:
        return True
    return False


def close(cells: Any, made: list[Any]) -> None:
    for each in made:
        each.close()
    if hasattr(cells, "pool"):
        getattr(cells.pool, "closeall", cells.pool.close if hasattr(cells.pool, "close") else None)()


async def call(way: Way, cells: Any, shape: str) -> tuple[int, int]:
    """Call the cell, and keep what is raised, as whoever reports errors does; the number of errors, and of connections
    that are missing then."""
    function = getattr(cells, f"drive_{shape}", None) or getattr(cells, shape)
    raised = [error for _ in range(CALLS) if (error := await error_of(function)) is not None]
    return len(raised), 0 if not way.is_async else missing(way, cells, [])


async def error_of(function: Callable[[], Any]) -> BaseException | None:
    try:
        result = function()
        if asyncio.iscoroutine(result):
            await result
    except Exception as error:
        return error
    return None


def settled(count: Callable[[], int], wanted: int) -> int:
    """The count, once it is what is wanted or has had time to be: some pools take things back in a thread."""
    until = monotonic() + 3
    while (found := count()) != wanted and monotonic() < until:
        sleep(0.05)
    return found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_cell_drains_its_pool_if_it_is_reported(
    way: Way, shape: str, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = sys.modules["world"].SETTINGS
    fails = shape not in _WITHOUT_ERROR
    settings["query"] = "SELECT nonsense" if fails else "SELECT 1"
    made = kept(monkeypatch, way, module)
    wanted = CALLS if leaks(way, shape) else 0
    errors, left = asyncio.run(call(way, module, shape))
    if not way.is_async:
        left = settled(lambda: missing(way, module, made), wanted)
    close(module, made)
    assert errors == (0 if shape in {"swallowed", "early_return"} else CALLS)
    assert left == wanted


def test_a_session_that_an_object_keeps_holds_its_connection_until_its_transaction_ends(tmp_path: Path) -> None:
    from sqlalchemy import QueuePool, create_engine, text
    from sqlalchemy.orm import Session, sessionmaker

    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}", poolclass=QueuePool)

    class Store:
        def __init__(self) -> None:
            self.session: Session = sessionmaker(engine)()

        def read(self) -> None:
            self.session.execute(text("SELECT 1")).all()

    stores = [Store(), Store()]
    assert engine.pool.checkedout() == 0
    for store in stores:
        store.read()
        store.read()
    assert engine.pool.checkedout() == 2
    stores[0].session.commit()
    stores[1].session.close()
    assert engine.pool.checkedout() == 0


def test_a_statement_has_no_limit_unless_one_is_set(postgres: str) -> None:
    psycopg2 = pytest.importorskip("psycopg2")
    plain = psycopg2.connect(postgres)
    limited = psycopg2.connect(postgres, options="-c statement_timeout=50")
    try:
        with plain.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)
        with limited.cursor() as cursor, pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("SELECT pg_sleep(2)")
    finally:
        plain.close()
        limited.close()
