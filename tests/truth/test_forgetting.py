"""What is forgotten before the commit is filled again with what was before; afterwards it is not.

Somebody else asks for the entry in the very moment in which it is forgotten.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import django_world
import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session

django_world.start()

from django.core.cache import caches  # noqa: E402
from django.db import connections, models, transaction  # noqa: E402

pytest.importorskip("redis")

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "invalidation_before_commit" / "sqlalchemy_commit.py"


class Memory:
    """As much of Redis as the fixture needs, and who asks when something is forgotten."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.asks: Callable[[], object] = lambda: None

    def get(self, key: str) -> str | None:
        return self.kept.get(key)

    def set(self, key: str, value: str, ex: int) -> None:
        self.kept[key] = value

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)
        self.asks()


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The fixture's module, with a cache of its own."""
    spec = importlib.util.spec_from_file_location("users", FIXTURE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "users", module)
    spec.loader.exec_module(module)
    module.client = Memory()
    return module


@pytest.mark.parametrize(
    ("function", "stale"),
    [("rename", True), ("rename_at_once", True), ("rename_first", False), ("rename_twice", False)],
)
def test_sqlalchemy(users: Any, tmp_path: Path, function: str, stale: bool) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'users.db'}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode=WAL"))
    users.Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(users.User(id=1, name="old"))
        session.commit()

    def ask() -> Any:
        with Session(engine) as other:
            return users.profile(other, 1)["name"]

    assert ask() == "old"
    users.client.asks = ask
    with Session(engine) as session:
        getattr(users, function)(session, 1, "new")
    assert ask() == ("old" if stale else "new")
    engine.dispose()


class Rate(models.Model):
    value = models.IntegerField()

    class Meta:
        app_label = "truth"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """The name of a database in a file, which each thread opens for itself."""
    connections.databases["file"] = {**connections.databases["default"], "NAME": str(tmp_path / "rates.db")}
    with connections["file"].schema_editor() as editor:
        editor.create_model(Rate)
    with connections["file"].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
    yield "file"
    connections["file"].close()
    del connections["file"]
    del connections.databases["file"]


@pytest.mark.parametrize(("committed", "found"), [(False, 1), (True, 2)])
def test_django(database: str, committed: bool, found: int) -> None:
    cache = caches["default"]
    cache.clear()
    rates = Rate.objects.using(database)
    rates.create(pk=1, value=1)

    def ask() -> int:
        return cache.get_or_set("rate", lambda: rates.get(pk=1).value)

    def somebody_asks() -> None:
        ask()
        connections[database].close()

    def forget() -> None:
        cache.delete("rate")
        other = Thread(target=somebody_asks)
        other.start()
        other.join()

    assert ask() == 1
    with transaction.atomic(using=database):
        rates.update(value=2)
        if committed:
            transaction.on_commit(forget, using=database)
        else:
            forget()
    assert ask() == found
    cache.clear()
