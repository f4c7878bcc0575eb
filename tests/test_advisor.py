"""Which index answers a query, and which one would."""

from __future__ import annotations

import pytest

from slowpath.advisor import Key, NewIndex, Table, access_of, advise, created, fewest
from slowpath.query import Condition, Shape, Sort

ORDERS = Table(
    "orders",
    frozenset({"id", "user_id", "status", "paid", "total", "created_at"}),
    (Key(("id",), unique=True),),
    few=frozenset({"paid"}),
    primary=("id",),
)
NEWEST = (Sort("created_at", descending=True),)


def equal(column: str, value: str = "") -> Condition:
    return Condition(column, "equal", value=value)


def advised(*tests: Condition, order: tuple[Sort, ...] = (), limit: int | None = None) -> str:
    index = advise(ORDERS, Shape("", tests, order, limit))
    return created(index) if index is not None else ""


def test_the_textbook_case() -> None:
    assert advised(equal("user_id", "42"), equal("status", "'pending'"), order=NEWEST, limit=20) == (
        "CREATE INDEX CONCURRENTLY idx_orders_user_id_status_created_at ON orders (user_id, status, created_at DESC);"
    )


@pytest.mark.parametrize(
    ("tests", "order", "limit", "columns"),
    [
        ((equal("status"), equal("user_id")), (), None, "(status, user_id)"),
        ((equal("paid"), equal("user_id")), (), None, "(user_id, paid)"),
        ((equal("user_id"), Condition("total", "range")), (), None, "(user_id, total)"),
        ((equal("user_id"), Condition("total", "range")), NEWEST, 20, "(user_id, total)"),
        ((equal("user_id"), Condition("created_at", "range")), NEWEST, 20, "(user_id, created_at DESC)"),
        ((equal("user_id"),), NEWEST, None, "(user_id)"),
        ((equal("user_id"),), (Sort("id", step=2),), 1, "(user_id)"),
        ((), NEWEST, 20, "(created_at)"),
        ((equal("paid", "TRUE"),), NEWEST, 1, "(created_at) WHERE paid"),
        ((Condition("total", "null"),), NEWEST, 1, "(created_at) WHERE total IS NULL"),
    ],
)
def test_columns_in_order(
    tests: tuple[Condition, ...], order: tuple[Sort, ...], limit: int | None, columns: str
) -> None:
    assert advised(*tests, order=order, limit=limit).partition(" ON orders ")[2] == f"{columns};"


@pytest.mark.parametrize(
    ("tests", "order", "limit"),
    [
        ((Condition("total", "differs"),), (), None),
        ((Condition("status", "equal", around="UPPER"),), (), None),
        ((equal("paid", "TRUE"),), (), None),
    ],
)
def test_nothing_to_advise(tests: tuple[Condition, ...], order: tuple[Sort, ...], limit: int | None) -> None:
    assert advised(*tests, order=order, limit=limit) == ""


@pytest.mark.parametrize(
    ("key", "tests", "access"),
    [
        (Key(("user_id",)), (equal("user_id"),), "point"),
        (Key(("user_id", "status")), (equal("user_id"),), "point"),
        (Key(("status", "user_id")), (equal("user_id"),), "scan"),
        (Key(("user_id",), plain=False), (equal("user_id"),), "unsure"),
        (Key(("paid",)), (equal("paid"), equal("user_id")), "scan"),
        (Key(("paid", "user_id")), (equal("paid"), equal("user_id")), "point"),
        (Key(("created_at",)), (Condition("created_at", "range"),), "span"),
        (Key(("created_at",)), (Condition("created_at", "range", around="DATE"),), "scan"),
        (Key(("user_id",), condition="paid"), (equal("user_id"), equal("paid", "TRUE")), "point"),
        (Key(("user_id",), condition="paid IS TRUE"), (equal("user_id"), equal("paid", "TRUE")), "point"),
        (Key(("user_id",), condition="paid"), (equal("user_id"),), "unsure"),
        (Key(("user_id",), condition="?"), (equal("user_id"),), "unsure"),
        (Key(("?",)), (equal("user_id"),), "unsure"),
        (Key(("user_id",)), (equal("id"), equal("total")), "key"),
    ],
)
def test_how_rows_are_found(key: Key, tests: tuple[Condition, ...], access: str) -> None:
    table = Table(ORDERS.name, ORDERS.columns, (*ORDERS.keys, key), ORDERS.few, ORDERS.primary)
    assert access_of(table, Shape("", tests)).access == access


def test_an_order_is_had_from_its_index() -> None:
    table = Table(ORDERS.name, ORDERS.columns, (Key(("-created_at",)),))
    assert access_of(table, Shape("", (), NEWEST, 20)).access == "order"
    assert access_of(table, Shape("", (), NEWEST, None)).access == "scan"
    assert access_of(table, Shape("", highest="created_at")).access == "order"


def test_no_index_that_another_one_serves_as_well() -> None:
    long = NewIndex("orders", ("user_id", "status"))
    partial = NewIndex("orders", ("status",), "paid")
    assert fewest([NewIndex("orders", ("user_id",)), long, partial, long]) == (partial, long)
