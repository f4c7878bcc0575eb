"""The sessions of `held-across-io`, run: a connection is out of its pool where a call is reported, and nowhere else."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

SESSIONS = Path(__file__).resolve().parents[2] / "fixtures" / "held_across_io" / "sessions.py"
# Functions of the fixture that nothing is acquired in by themselves, and scopes, which are entered by others.
HELPERS = {"send", "ask", "find_and_send", "send_and_mark", "mark_and_send", "scope", "async_scope", "remembered"}


def cases() -> Iterator[tuple[str, bool]]:
    """The functions that acquire, each with whether something is reported of it."""
    for part in re.split(r"\n(?=(?:async )?def |@)", SESSIONS.read_text(encoding="utf-8")):
        found = re.match(r"(?:async )?def (\w+)", part)
        if found and found[1] not in HELPERS:
            yield found[1], "expect: held-across-io" in part


class Answer:
    def json(self) -> dict[str, int]:
        return {"user": 1}


@pytest.fixture
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    original, original_async = sqlalchemy.create_engine, sqlalchemy_asyncio.create_async_engine
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    with original(url).begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE users (id INTEGER, email TEXT, invited BOOLEAN)"))
        connection.execute(sqlalchemy.text("INSERT INTO users VALUES (1, 'ada@example.com', false)"))

    def engine(_: str) -> sqlalchemy.Engine:
        return original(url, poolclass=QueuePool)

    def async_engine(_: str) -> Any:
        return original_async(url.replace("sqlite:", "sqlite+aiosqlite:"), poolclass=AsyncAdaptedQueuePool)

    monkeypatch.setattr(sqlalchemy, "create_engine", engine)
    monkeypatch.setattr(sqlalchemy_asyncio, "create_async_engine", async_engine)
    module = ModuleType("sessions")
    text = re.sub(
        r"^(import (httpx|redis|requests)|(client|memory) = .*)$", "", SESSIONS.read_text(), flags=re.MULTILINE
    )
    exec(text, module.__dict__)
    return module


def seen_by(module: Any, function: Callable[..., Any]) -> list[int]:
    """How many connections are out of the pools whenever the other service is asked."""
    seen: list[int] = []

    def note() -> Answer:
        seen.append(module.engine.pool.checkedout() + module.async_engine.pool.checkedout())
        return Answer()

    class Requests:
        @staticmethod
        def post(*_: Any, **__: Any) -> Answer:
            return note()

    class Client:
        @staticmethod
        async def post(*_: Any, **__: Any) -> Answer:
            return note()

    module.requests, module.client = Requests, Client
    arguments = [1] * len(inspect.signature(function).parameters)

    async def call() -> None:
        result = function(*arguments)
        if inspect.iscoroutine(result):
            await result
        await module.async_engine.dispose()

    asyncio.run(call())
    return seen


@pytest.mark.parametrize(("name", "reported"), list(cases()))
def test_what_is_reported_holds_a_connection(name: str, reported: bool, sessions: ModuleType) -> None:
    assert seen_by(sessions, getattr(sessions, name)) == [1 if reported else 0]
