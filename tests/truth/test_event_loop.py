"""A watched event loop: the coroutines that slowpath reports make it late, the others do not.

The fixtures' own coroutines run on a real loop beside a task that measures its own lateness. What they wait for
or work on is replaced by as much waiting on this machine; threads, executors, sessions and drivers are the real ones.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib.util
import inspect
import io
import pathlib
import sqlite3
import sys
import tempfile
import time
import types
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from markers import marks_in
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

FIXTURES = Path(__file__).resolve().parent.parent.parent / "fixtures"
RULES = {"blocking-call", "sync-orm-in-async", "cpu-heavy-call"}
WORK = 0.1
LATE = 0.08
# A busy machine is late now and then; a blocked loop always is.
TRIES = 4
CASES = [
    "blocking_call/waits.py",
    "blocking_call/helpers.py",
    "cpu_heavy_call/accounts.py",
    "sync_orm_in_async/sessions.py",
]

Coroutine = Callable[[], Awaitable[object]]


def work(*_: object, **__: object) -> Any:
    """As long as what it stands for, at least."""
    time.sleep(WORK)
    return Answer()


class Answer:
    """Whatever is asked of it is there."""

    size = (1, 1)
    content = stdout = b""

    def json(self) -> dict[str, str]:
        return {"name": "Ada"}

    thumbnail = staticmethod(work)


class Made:
    """A stand-in for a client, a hasher or a model; making one costs nothing."""

    def __init__(self, *_: object, **__: object) -> None: ...

    get = post = verify = derive = encode = staticmethod(work)


class Loaded(Made):
    """A model: making one is work."""

    def __init__(self, *_: object, **__: object) -> None:
        time.sleep(WORK)


class AsyncClient:
    """A client that lets others run while it waits."""

    async def get(self, *_: object, **__: object) -> Answer:
        await asyncio.sleep(WORK)
        return Answer()


def module(name: str, **members: object) -> types.ModuleType:
    """A module of this name that holds these."""
    made = types.ModuleType(name)
    vars(made).update(members)
    return made


class SlowCursor(sqlite3.Cursor):
    """Of a database that takes its time."""

    def execute(self, sql: str, *parameters: Any) -> SlowCursor:
        if sql.startswith("SELECT"):
            time.sleep(WORK)
        return super().execute(sql, *parameters)


class SlowConnection(sqlite3.Connection):
    """Its cursors are slow, whoever opened it."""

    def cursor(self, *_: object) -> SlowCursor:  # type: ignore[override]
        return super().cursor(SlowCursor)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Everything that a coroutine of the fixtures may wait for takes long enough to be noticed."""
    image = module("PIL.Image", open=lambda *_: Answer())
    replaced = {
        "requests": module("requests", get=work, Session=Made),
        "httpx": module("httpx", AsyncClient=AsyncClient),
        "bcrypt": module("bcrypt", hashpw=work, gensalt=lambda: b""),
        "PIL": module("PIL", Image=image),
        "PIL.Image": image,
        "passlib": module("passlib"),
        "passlib.context": module("passlib.context", CryptContext=Made),
        "sentence_transformers": module("sentence_transformers", SentenceTransformer=Loaded),
        "cryptography": module("cryptography"),
        "cryptography.hazmat": module("cryptography.hazmat"),
        "cryptography.hazmat.primitives": module("primitives", hashes=module("hashes", SHA256=object)),
        "cryptography.hazmat.primitives.kdf": module("kdf"),
        "cryptography.hazmat.primitives.kdf.pbkdf2": module("pbkdf2", PBKDF2HMAC=Made),
    }
    for name, made in replaced.items():
        monkeypatch.setitem(sys.modules, name, made)
    connect = sqlite3.connect
    for owner in (sqlite3, sqlite3.dbapi2):
        monkeypatch.setattr(owner, "connect", lambda *given, **more: connect(*given, factory=SlowConnection, **more))
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "report.txt").write_text("done")
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def loaded(path: Path) -> types.ModuleType:
    """The fixture's module, run afresh."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def slowed(case: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library's waiting, as the fixture sees it."""
    monkeypatch.setattr("subprocess.run", work)
    monkeypatch.setattr("socket.getaddrinfo", work)
    monkeypatch.setattr("hashlib.pbkdf2_hmac", work)
    made = tempfile.NamedTemporaryFile
    monkeypatch.setattr("tempfile.NamedTemporaryFile", lambda: (time.sleep(WORK), made())[1])
    monkeypatch.setattr(zipfile.ZipFile, "extractall", work)
    monkeypatch.setattr(pathlib.Path, "read_text", work)
    monkeypatch.setattr(case, "open", lambda *given: (time.sleep(WORK), open(*given))[1], raising=False)  # noqa: SIM115


def coroutines(path: Path) -> Iterator[tuple[str, bool, set[str]]]:
    """Each coroutine of the file: its name, whether something is said of it, and the names in it."""
    text = path.read_text(encoding="utf-8")
    marked = {line for kind, line, rule in marks_in(text) if kind == "expect" and rule in RULES}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            yield from (each for each in _coroutines(node.body, marked, f"{node.name}."))
        elif isinstance(node, ast.Module):
            yield from _coroutines(node.body, marked, "")


def _coroutines(body: list[ast.stmt], marked: set[int], prefix: str) -> Iterator[tuple[str, bool, set[str]]]:
    for node in body:
        if isinstance(node, ast.AsyncFunctionDef):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            yield prefix + node.name, not marked.isdisjoint(lines), names


def called(case: types.ModuleType, name: str, given: dict[str, Any], sessions: Any) -> Coroutine:
    """The coroutine, with something for each of its parameters."""
    owner, _, method = name.rpartition(".")
    function = getattr(getattr(case, owner)() if owner else case, method)

    async def run() -> object:
        async with contextlib.AsyncExitStack() as stack:
            arguments = {}
            for parameter in inspect.signature(function).parameters.values():
                if parameter.annotation is Session:
                    arguments[parameter.name] = stack.enter_context(Session(sessions[0]))
                elif parameter.annotation is AsyncSession:
                    arguments[parameter.name] = await stack.enter_async_context(AsyncSession(sessions[1]))
                else:
                    arguments[parameter.name] = given[parameter.name]
            return await function(**arguments)

    return run


async def lateness(coroutine: Coroutine) -> float:
    """By how much the loop is late, at most, while the coroutine runs."""
    latest = 0.0

    async def watch() -> None:
        nonlocal latest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            latest = max(latest, time.perf_counter() - before - 0.005)

    watchdog = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    latest = 0.0
    await coroutine()
    await asyncio.sleep(0.01)
    watchdog.cancel()
    return latest


def is_late(coroutine: Coroutine) -> bool:
    """Whether the loop is late every time."""
    return all(asyncio.run(lateness(coroutine)) > LATE for _ in range(TRIES))


def archive() -> bytes:
    """An archive with one file."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        packed.writestr("a.txt", "a")
    return held.getvalue()


@pytest.mark.parametrize("name", CASES)
def test_what_is_reported_makes_the_loop_late_and_nothing_else_does(
    name: str, slow: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = FIXTURES / name
    found = list(coroutines(path))
    case = loaded(path)
    engines: Any = None
    if hasattr(case, "Base"):
        url = tmp_path / "notes.db"
        engines = (
            create_engine(f"sqlite:///{url}"),
            create_async_engine(f"sqlite+aiosqlite:///{url}", poolclass=NullPool),
        )
        case.Base.metadata.create_all(engines[0])
        case.Sessions.configure(bind=engines[0])
        case.AsyncSessions.configure(bind=engines[1])
    if hasattr(case, "processes"):
        # The stand-ins cannot be sent to another process.
        slow.setattr(case, "processes", ThreadPoolExecutor())
    slowed(case, slow)
    given: dict[str, Any] = dict.fromkeys(("password", "hashed", "secret", "picture"), b"x")
    given |= {"text": "x", "numbers": [2, 1], "data": archive(), "function": time.sleep, "args": 0}
    reported = {each for each, said, _ in found if said}
    wrong = []
    for each, said, names in found:
        # A coroutine that awaits a reported one is late by its fault.
        if "function" in inspect.signature(_function(case, each)).parameters or not names.isdisjoint(reported):
            continue
        if is_late(called(case, each, given, engines)) != said:
            wrong.append(f"{each} is {'not ' if said else ''}late, and {'' if said else 'not '}reported")
    assert not wrong


def _function(case: types.ModuleType, name: str) -> Any:
    owner, _, method = name.rpartition(".")
    return getattr(getattr(case, owner) if owner else case, method)
