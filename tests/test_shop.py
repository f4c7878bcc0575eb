"""The example service does what its `expect` markers say: its queries are counted on SQLite.

The slow pages cost as many queries more per order, line, product or item as the finding names; what
slowpath suggests instead (`/fixed`) answers the same, leaves the same rows and does not grow.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import django_world
import httpx
import pytest
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

django_world.start()

from django.contrib.auth.models import User  # noqa: E402
from django.test import Client  # noqa: E402
from django_shop import models as shop  # noqa: E402
from django_shop.urls import urlpatterns  # noqa: E402
from fastapi_shop import models as tables  # noqa: E402
from fastapi_shop.database import Base, get_session  # noqa: E402
from fastapi_shop.main import app  # noqa: E402

FEW, MORE = 3, 6
PER_ORDER = {"order": 1, "line": 2, "product": 2, "category": 2, "item": 2}


@dataclass(frozen=True)
class Page:
    """A page, and where it is slow, of what it costs one query more."""

    name: str
    path: str
    per: str = ""
    method: str = "GET"
    body: Callable[[int], object] = lambda orders: None


@dataclass(frozen=True)
class Answer:
    """What a page answered, the SQL it sent, and the rows it left."""

    content: Any
    sent: tuple[str, ...]
    rows: tuple[list[Any], ...]


def cart(orders: int) -> list[dict[str, int]]:
    return [{"product": pk, "quantity": 3} for pk in range(1, 2 * orders + 1)]


def order_ids(orders: int) -> list[int]:
    return list(range(1, orders + 1))


SLOW = (
    Page("order_list", "orders", per="order"),
    Page("shipping_labels", "orders/labels", per="order"),
    Page("packing_list", "orders/packing", per="line"),
    Page("order_export", "orders/export", per="order"),
    Page("picking_list", "orders/picking", per="line"),
    Page("order_summaries", "orders/summaries", per="order"),
    Page("place_order", "orders/place", per="item", method="POST", body=cart),
    Page("ship_orders", "orders/ship", per="order", method="POST"),
    Page("catalogue", "products/catalogue", per="category"),
    Page("price_list", "products/prices", per="product"),
    Page("ratings", "products/ratings", per="product"),
    Page("best_reviews", "products/best-reviews", per="product"),
    Page("cart_total", "cart/total", per="item", method="POST", body=cart),
    Page("revenue", "revenue", per="line"),
)
SLOW_IN_DJANGO = (
    Page("bulky_lines", "orders/bulky", per="order"),
    Page("last_lines", "orders/last-lines", per="order"),
    Page("raise_prices", "products/prices/raise", per="product", method="POST"),
)
EXISTENCE = (
    Page("open_orders", "orders/open"),
    Page("has_reviews", "products/reviewed"),
)
FAST = (
    Page("order_detail", "orders/1"),
    Page("customer_ids", "orders/customer-ids"),
    Page("line_counts", "orders/line-counts"),
    Page("status_counts", "orders/statuses"),
    Page("archive_orders", "orders/archive", method="POST", body=order_ids),
    Page("shop_window", "products/window"),
    Page("favourites", "products/favourites"),
    Page("search", "products/search?word=product 1"),
)
FAST_IN_DJANGO = (Page("order_sizes", "orders/sizes"),)
FAST_IN_FASTAPI = (Page("shelves", "products/shelves"),)


@cache
def ask_django(page: Page, orders: int, *, fixed: bool = False) -> Answer:
    path, _, query = page.path.partition("?")
    url = f"/{'fixed/' if fixed else ''}{path}/?{query}"
    body = json.dumps(page.body(orders))
    with django_world.rolled_back():
        fill_django(orders)
        with django_world.statements() as sent:
            response = Client().generic(page.method, url, body, content_type="application/json")
        assert response.status_code == 200, response.content
        rows = (
            list(shop.Order.objects.order_by("pk").values_list("pk", "status")),
            list(shop.Product.objects.order_by("pk").values_list("pk", "price")),
            list(shop.OrderLine.objects.order_by("pk").values_list("product", "quantity", "price")),
        )
        return Answer(json.loads(response.content), tuple(sent), rows)


def fill_django(orders: int) -> None:
    """Orders of two lines, in which nobody and nothing appears twice."""
    tag = shop.Tag.objects.create(name="new")
    for n in range(1, orders + 1):
        user = User.objects.create(pk=n, username=f"user{n}", first_name=f"first{n}")
        shop.Address.objects.create(user=user, city=f"city{n}")
        order = shop.Order.objects.create(pk=n, customer=user)
        for m in (2 * n - 1, 2 * n):
            category = shop.Category.objects.create(pk=m, name=f"category {m}")
            product = shop.Product.objects.create(pk=m, category=category, name=f"product {m}", price=m)
            product.tags.add(tag)
            shop.Review.objects.create(product=product, author=user, stars=m % 5 + 1)
            shop.OrderLine.objects.create(order=order, product=product, quantity=m % 3 + 1, price=m)


@cache
def ask_fastapi(page: Page, orders: int, *, fixed: bool = False) -> Answer:
    with session_of_shop(orders) as session:
        engine = session.get_bind()
        sent: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            sent.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        app.dependency_overrides[get_session] = lambda: session
        try:
            url = f"{'/fixed' if fixed else ''}/{page.path}"
            response = asyncio.run(request(page.method, url, page.body(orders)))
        finally:
            app.dependency_overrides.clear()
            event.remove(engine, "before_cursor_execute", note)
        assert response.status_code == 200, response.text
        line = tables.OrderLine
        rows = (
            session.execute(select(tables.Order.id, tables.Order.status)).all(),
            session.execute(select(tables.Product.id, tables.Product.cents)).all(),
            session.execute(select(line.product_id, line.quantity, line.cents)).all(),
        )
        return Answer(response.json(), tuple(sent), tuple(list(found) for found in rows))


async def request(method: str, url: str, body: object) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        return await client.request(method, url, json=body)


@contextmanager
def session_of_shop(orders: int) -> Iterator[Session]:
    """A new session on the rows of `fill_django`."""
    memory = {"connect_args": {"check_same_thread": False}, "poolclass": StaticPool}
    engine = create_engine("sqlite://", **memory)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        tag = tables.Tag(name="new")
        for n in range(1, orders + 1):
            user = tables.User(id=n, name=f"user{n}", address=tables.Address(city=f"city{n}"))
            order = tables.Order(id=n, customer=user)
            for m in (2 * n - 1, 2 * n):
                category = tables.Category(id=m, name=f"category {m}")
                product = tables.Product(id=m, category=category, name=f"product {m}", cents=m, tags=[tag])
                product.reviews = [tables.Review(author=user, stars=m % 5 + 1)]
                order.lines.append(tables.OrderLine(product=product, quantity=m % 3 + 1, cents=m))
            session.add(order)
        session.commit()
    with Session(engine) as session:
        yield session
    engine.dispose()


def cases(ask: Callable[..., Answer], *groups: tuple[Page, ...]) -> list[Any]:
    half = ask.__name__.removeprefix("ask_")
    return [pytest.param(ask, page, id=f"{half}-{page.name}") for group in groups for page in group]


slow_pages = cases(ask_django, SLOW, SLOW_IN_DJANGO) + cases(ask_fastapi, SLOW)
existence_pages = cases(ask_django, EXISTENCE) + cases(ask_fastapi, EXISTENCE)
fast_pages = cases(ask_django, FAST, FAST_IN_DJANGO) + cases(ask_fastapi, FAST, FAST_IN_FASTAPI)


@pytest.mark.parametrize(("ask", "page"), slow_pages)
def test_slow_page_costs_one_query_more_per_item(ask: Callable[..., Answer], page: Page) -> None:
    growth = len(ask(page, MORE).sent) - len(ask(page, FEW).sent)
    assert growth == (MORE - FEW) * PER_ORDER[page.per]


@pytest.mark.parametrize(("ask", "page"), slow_pages + existence_pages)
def test_mended_page_does_not_grow_and_answers_the_same(ask: Callable[..., Answer], page: Page) -> None:
    few, more = ask(page, FEW, fixed=True), ask(page, MORE, fixed=True)
    assert len(few.sent) == len(more.sent)
    slow = ask(page, MORE)
    assert (more.content, more.rows) == (slow.content, slow.rows)


@pytest.mark.parametrize(("ask", "page"), existence_pages)
def test_existence_is_asked_of_all_rows_until_mended(ask: Callable[..., Answer], page: Page) -> None:
    (slow,), (mended,) = ask(page, FEW).sent, ask(page, FEW, fixed=True).sent
    assert not stops_at_first_row(slow)
    assert stops_at_first_row(mended)


def stops_at_first_row(sql: str) -> bool:
    return "LIMIT 1" in sql or "EXISTS" in sql


@pytest.mark.parametrize(("ask", "page"), fast_pages)
def test_unmarked_page_does_not_grow(ask: Callable[..., Answer], page: Page) -> None:
    assert len(ask(page, FEW).sent) == len(ask(page, MORE).sent)


def names(*groups: tuple[Page, ...]) -> set[str]:
    return {page.name for group in groups for page in group}


def test_every_page_is_executed() -> None:
    views = {pattern.callback.__name__ for pattern in urlpatterns if pattern.callback}
    assert views == names(SLOW, SLOW_IN_DJANGO, EXISTENCE, FAST, FAST_IN_DJANGO)
    endpoints = {
        route.endpoint.__name__
        for route in app.routes
        if getattr(route, "endpoint", None) and route.endpoint.__module__ == "fastapi_shop.main"
    }
    assert endpoints == names(SLOW, EXISTENCE, FAST, FAST_IN_FASTAPI)


@pytest.mark.parametrize(
    ("half", "slow"),
    [
        ("django_shop", names(SLOW, SLOW_IN_DJANGO, EXISTENCE)),
        ("fastapi_shop", names(SLOW, EXISTENCE)),
    ],
)
def test_every_marker_is_of_a_page_that_is_executed(half: str, slow: set[str]) -> None:
    # What is kept in caches is executed by a test of its own.
    paths = [path for path in (django_world.SHOP / half).glob("*.py") if path.stem != "kept"]
    sources = (path.read_text() for path in paths)
    assert sum(source.count("# expect: ") for source in sources) == len(slow)
