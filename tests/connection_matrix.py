"""Every way to acquire a connection in every shape of use, as code, with what is right for each.

A cell is a function of a module that is checked (tests/test_connection_matrix.py), and that is run against real pools
(tests/truth/test_connections.py).
"""

from __future__ import annotations

import re
from typing import NamedTuple

WORLD = '''
"""What the tests set while the functions beside this run."""

SETTINGS = {"query": "SELECT 1", "flag": True}


def query():
    return SETTINGS["query"]


def flag():
    return SETTINGS["flag"]
'''


class Way(NamedTuple):
    """How to acquire: what stands before it, the call, what uses and what gives back the variable `x`.

    `enters` when the end of `with` gives it back, `closes` when `closing` does. `opened` is what `with` opens,
    where that is not the call.
    """

    name: str
    header: str
    acquire: str
    use: str
    release: str = "x.close()"
    enters: bool = True
    closes: bool = True
    is_async: bool = False
    opened: str = ""


_SYNC = """
    from sqlalchemy import create_engine, text
    from sqlalchemy.orm import Session, sessionmaker
    from sqlalchemy.pool import QueuePool

    engine = create_engine(URL, poolclass=QueuePool, pool_size=5, max_overflow=0, pool_timeout=1)
    SessionLocal = sessionmaker(bind=engine)


    def open_session():
        return SessionLocal()
"""
_ASYNC = """
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
    from sqlalchemy.pool import AsyncAdaptedQueuePool

    engine = create_async_engine(URL, poolclass=AsyncAdaptedQueuePool, pool_size=5, max_overflow=0, pool_timeout=1)
    AsyncSessionLocal = async_sessionmaker(bind=engine)
"""
_TEXT = "x.execute(text(query()))"
_CURSOR = "x.cursor().execute(query())"

WAYS = (
    Way("session_maker", _SYNC, "SessionLocal()", _TEXT),
    Way("session_class", _SYNC, "Session(engine)", _TEXT),
    Way("own_factory", _SYNC, "open_session()", _TEXT),
    Way("engine_connect", _SYNC, "engine.connect()", _TEXT),
    Way("raw_connection", _SYNC, "engine.raw_connection()", _CURSOR),
    Way("async_session", _ASYNC, "AsyncSessionLocal()", f"await {_TEXT}", "await x.close()", is_async=True),
    Way(
        "async_connect",
        _ASYNC,
        "await engine.connect()",
        f"await {_TEXT}",
        "await x.close()",
        is_async=True,
        opened="engine.connect()",
    ),
    Way("psycopg2_connect", "\n    import psycopg2\n", "psycopg2.connect(URL)", _CURSOR, enters=False),
    Way("psycopg_connect", "\n    import psycopg\n", "psycopg.connect(URL)", "x.execute(query())"),
    Way(
        "psycopg2_pool",
        "\n    from psycopg2.pool import ThreadedConnectionPool\n\n    pool = ThreadedConnectionPool(0, 5, URL)\n",
        "pool.getconn()",
        _CURSOR,
        "pool.putconn(x)",
        enters=False,
        closes=False,
    ),
    Way(
        "psycopg_pool",
        "\n    from psycopg_pool import ConnectionPool\n\n    pool = ConnectionPool(URL, min_size=5, open=True)\n",
        "pool.getconn()",
        "x.execute(query())",
        "pool.putconn(x)",
        enters=False,
        closes=False,
    ),
    Way("sqlite3_connect", "\n    import sqlite3\n", "sqlite3.connect(URL)", "x.execute(query())", enters=False),
)

# The body of each shape; what it is right to say depends on the way for some.
SHAPES = {
    "straight": """
        def straight():
            x = ACQUIRE
            USE
            RELEASE
    """,
    "finally_": """
        def finally_():
            x = ACQUIRE
            try:
                USE
            finally:
                RELEASE
    """,
    "with_": """
        def with_():
            with OPENED as x:
                USE
    """,
    "early_return": """
        def early_return():
            x = ACQUIRE
            try:
                USE
            except Exception:
                RELEASE
                raise
            if flag():
                return None
            RELEASE
            return None
    """,
    "raise_between": """
        def raise_between():
            x = ACQUIRE
            try:
                USE
            except Exception:
                RELEASE
                raise
            if flag():
                raise ValueError("flag")
            RELEASE
    """,
    "returned": """
        def returned():
            x = ACQUIRE
            return x


        def drive_returned():
            x = AWAIT returned()
            try:
                USE
            finally:
                RELEASE
    """,
    "yielded": """
        @contextlib.CONTEXTMANAGER
        def yielded():
            x = ACQUIRE
            try:
                yield x
            finally:
                RELEASE


        def drive_yielded():
            with yielded() as x:
                USE
    """,
    "stored": """
        class Stored:
            def open(self):
                self.x = ACQUIRE
                return self

            def use(self):
                x = self.x
                USE

            def close(self):
                x = self.x
                RELEASE


        def drive_stored():
            stored = AWAIT Stored().open()
            try:
                AWAIT stored.use()
            finally:
                AWAIT stored.close()
    """,
    "exit_stack": """
        def exit_stack():
            with contextlib.EXITSTACK() as stack:
                x = ENTER(OPENED)
                USE
    """,
    "closing": """
        def closing():
            with contextlib.CLOSING(ACQUIRE) as x:
                USE
    """,
    "helper_closes": """
        def give_back(x):
            if x is not None:
                RELEASE


        def helper_closes():
            x = ACQUIRE
            try:
                USE
            finally:
                AWAIT give_back(x)
    """,
    "conditional": """
        def conditional():
            x = None
            if flag():
                x = ACQUIRE
            try:
                if x is not None:
                    USE
            finally:
                if x is not None:
                    RELEASE
    """,
    "loop": """
        def loop():
            for _ in range(2):
                x = ACQUIRE
                try:
                    USE
                finally:
                    RELEASE
    """,
    "nested": """
        def nested():
            x = ACQUIRE
            try:
                try:
                    USE
                except ZeroDivisionError:
                    print("never")
                finally:
                    print("used")
            except Exception:
                print("failed")
                raise
            finally:
                RELEASE
    """,
    "swallowed": """
        def swallowed():
            x = ACQUIRE
            try:
                USE
                RELEASE
            except Exception:
                print("failed")
    """,
}

_LEAKING = {"straight", "early_return", "raise_between", "swallowed"}


def leaks(way: Way, shape: str) -> bool:
    """Whether the cell does not give back what it acquires, on some way out."""
    if shape in {"with_", "exit_stack"}:
        return not way.enters
    return shape in _LEAKING or (shape == "closing" and not way.closes)


def module_of(way: Way, url: str) -> str:
    """The module of all shapes of a way, with markers as fixtures have them."""
    shapes = "\n\n".join(_shape(way, shape) for shape in SHAPES)
    header = _dedented(way.header).strip()
    return f"import contextlib\n\nfrom world import flag, query\n\nURL = {url!r}\n\n{header}\n\n\n{shapes}\n"


def _shape(way: Way, shape: str) -> str:
    code = _dedented(SHAPES[shape]).strip()
    expect = "  # expect: leaked-connection" if leaks(way, shape) else ""
    lines = [line + expect if "ACQUIRE" in line or "OPENED" in line else line for line in code.split("\n")]
    code = "\n".join(lines)
    words = {
        "OPENED": way.opened or way.acquire,
        "ACQUIRE": way.acquire,
        "USE": way.use,
        "RELEASE": way.release,
        "AWAIT ": "await " if way.is_async else "",
        "CONTEXTMANAGER": "asynccontextmanager" if way.is_async else "contextmanager",
        "EXITSTACK": "AsyncExitStack" if way.is_async else "ExitStack",
        "ENTER": "await stack.enter_async_context" if way.is_async else "stack.enter_context",
        "CLOSING": "aclosing" if way.is_async else "closing",
    }
    if way.is_async:
        code = re.sub(r"\b(def|with) ", r"async \1 ", code)
    for word, written in words.items():
        code = code.replace(word, written)
    return code + "\n"


def _dedented(text: str) -> str:
    lines = text.strip("\n").split("\n")
    depth = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[depth:] for line in lines)
