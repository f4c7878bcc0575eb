"""The example service keeps old values in its caches exactly where its markers say so.

An entry is filled, the row written, and the entry read again: after a write that is marked it is what it was before,
after any other it is what the database has. In this process, and in a Redis where there is one to be started.
"""

from __future__ import annotations

import ast
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django_world
import pytest
from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from test_shop import fill_django, session_of_shop

django_world.start()

from django.contrib.auth.models import User  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.db.models import Avg  # noqa: E402
from django.test import TestCase, override_settings  # noqa: E402
from django_shop import kept as django_kept  # noqa: E402
from django_shop.models import Category, Product, Review  # noqa: E402
from fastapi_shop import kept  # noqa: E402
from fastapi_shop import models as tables  # noqa: E402

ORDERS = 2
TEXT = "teh longest text of all that anybody has read"


class Memory:
    """As much of Redis as the shop needs."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self._kept.get(key)

    def set(self, key: str, value: str, ex: int) -> None:
        self._kept[key] = value

    def delete(self, key: str) -> None:
        self._kept.pop(key, None)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a Redis that nobody else uses."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], **quiet) as process:
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("redis-server does not answer")


@pytest.fixture(params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> str:
    """Where the caches are; empty for this process."""
    return request.getfixturevalue("server") if request.param == "redis" else ""


@pytest.fixture
def django_cache(url: str) -> Iterator[None]:
    """An empty cache."""
    backend = "django.core.cache.backends." + ("redis.RedisCache" if url else "locmem.LocMemCache")
    with override_settings(CACHES={"default": {"BACKEND": backend, "LOCATION": url}}):
        cache.clear()
        yield
        cache.clear()


def product() -> Product:
    return Product.objects.get(pk=1)


def text() -> tuple[str, str]:
    return django_kept.text_of(1), product().description


def stars() -> tuple[float | None, float | None]:
    return django_kept.stars_of(1), Review.objects.filter(product=1).aggregate(mean=Avg("stars"))["mean"]


def categories() -> tuple[list[str], list[str]]:
    return django_kept.category_names(), list(Category.objects.order_by("pk").values_list("name", flat=True))


def review(stars: int) -> Review:
    return Review(product=product(), author=User.objects.earliest("pk"), stars=stars)


DJANGO: list[tuple[str, Callable[[], object], Callable[[], tuple[object, object]]]] = [
    ("describe", lambda: django_kept.describe(product(), "new"), text),
    ("correct", lambda: django_kept.correct(product()), text),
    ("praise", lambda: django_kept.praise(product()), text),
    ("shorten", lambda: django_kept.shorten(product()), text),
    ("announce", lambda: django_kept.announce("new"), text),
    ("rename", lambda: django_kept.rename(product(), "new"), text),
    ("withdraw_text", lambda: django_kept.withdraw_text(product()), text),
    ("review", lambda: django_kept.review(product(), User.objects.earliest("pk"), 1), stars),
    ("import_reviews", lambda: django_kept.import_reviews([review(1)]), stars),
    ("withdraw_reviews", lambda: django_kept.withdraw_reviews(product()), stars),
    ("new_category", lambda: django_kept.new_category("new"), categories),
    ("forget_categories", lambda: django_kept.drop_category(Category.objects.create(name="new").pk), categories),
]


@pytest.mark.usefixtures("django_cache")
@pytest.mark.parametrize(("name", "write", "look"), DJANGO, ids=[name for name, _, _ in DJANGO])
def test_django(name: str, write: Callable[[], object], look: Callable[[], tuple[object, object]]) -> None:
    with django_world.rolled_back():
        fill_django(ORDERS)
        Product.objects.update(description=TEXT)
        Review.objects.update(stars=5)
        if name == "forget_categories":
            Category.objects.create(name="short-lived")
            write = Category.objects.latest("pk").delete
        kept_before, _ = look()
        with TestCase.captureOnCommitCallbacks(execute=True):
            write()
        kept_now, true = look()
        assert (kept_now != true) == (name in marked(django_kept))
        assert (kept_now == kept_before) == (name in marked(django_kept) or true == kept_before)


SESSION: list[tuple[str, Callable[[Session], object], str]] = [
    ("describe", lambda session: kept.describe(session, session.get_one(tables.Product, 1), "new"), "text"),
    ("praise", lambda session: kept.praise(session, session.get_one(tables.Product, 1)), "text"),
    ("correct", lambda session: kept.correct(session, session.get_one(tables.Product, 1)), "text"),
    ("shorten", lambda session: kept.shorten(1, session), "text"),
    ("announce", lambda session: kept.announce(session, "new"), "text"),
    ("rename", lambda session: kept.rename(session, session.get_one(tables.Product, 1), "new"), "text"),
    ("review", lambda session: kept.review(session, 1, 1, 1), "stars"),
    ("import_review", lambda session: kept.import_review(session, 1, 1, 1), "stars"),
    ("withdraw_review", lambda session: kept.withdraw_review(session, session.get_one(tables.Review, 1)), "stars"),
    ("withdraw_reviews", lambda session: kept.withdraw_reviews(session, 1), "stars"),
]


@pytest.mark.parametrize(("name", "write", "what"), SESSION, ids=[name for name, _, _ in SESSION])
def test_fastapi(
    name: str, write: Callable[[Session], object], what: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Any = Redis.from_url(url) if url else Memory()
    if url:
        client.flushdb()
    monkeypatch.setattr(kept, "redis", client)
    with session_of_shop(ORDERS) as session:
        session.get_one(tables.Product, 1).description = TEXT
        session.commit()
        before, _ = looked(session, what)
        write(session)
        now, true = looked(session, what)
    assert (now != true) == (name in marked(kept))
    assert (now == before) == (name in marked(kept) or true == before)


def looked(session: Session, what: str) -> tuple[object, object]:
    """What the cache says, and what the database does."""
    if what == "text":
        return kept.text_of(1, session), session.get_one(tables.Product, 1).description
    mean = session.scalar(select(func.avg(tables.Review.stars)).where(tables.Review.product_id == 1))
    return kept.stars_of(1, session), mean


def marked(module: Any) -> set[str]:
    """The functions of the module with a marker in them."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    lines = source.splitlines()
    return {
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
        and any("# expect: " in line for line in lines[node.lineno - 1 : node.end_lineno])
    }


def test_every_marker_is_executed() -> None:
    assert marked(django_kept) <= {name for name, _, _ in DJANGO}
    assert marked(kept) <= {name for name, _, _ in SESSION}
