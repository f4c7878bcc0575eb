"""`slowpath schema`: what is shown of the database's tables."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from slowpath.cli import main
from slowpath.errors import UsageError

FILES = {
    "shop/__init__.py": "",
    "shop/db.py": """
        import asyncpg
        from sqlalchemy.orm import DeclarativeBase


        class Base(DeclarativeBase):
            pass
        """,
    "shop/models.py": """
        from sqlalchemy import ForeignKey, Index
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.db import Base
        from shop.parts import table_arguments


        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
            email: Mapped[str] = mapped_column(unique=True)


        class Order(Base):
            __tablename__ = "orders"
            __table_args__ = (Index("newest", "user_id", "created"), Index("open", "paid", postgresql_where="paid"))
            id: Mapped[int] = mapped_column(primary_key=True)
            user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
            coupon_id: Mapped[int | None] = mapped_column(ForeignKey("coupons.id"))
            created: Mapped[int]
            paid: Mapped[bool]


        class Coupon(Base):
            __tablename__ = "coupons"
            __table_args__ = table_arguments()
            id: Mapped[int] = mapped_column(primary_key=True)
        """,
    "migrations/versions/first.py": """
        from shop.db import Base
        from sqlalchemy.orm import Mapped, mapped_column


        class Order(Base):
            __tablename__ = "orders"
            old_number: Mapped[str] = mapped_column(primary_key=True)


        class Basket(Base):
            __tablename__ = "baskets"
            id: Mapped[int] = mapped_column(primary_key=True)
        """,
    "tests/models.py": """
        from shop.db import Base
        from sqlalchemy.orm import Mapped, mapped_column


        class Dummy(Base):
            __tablename__ = "dummies"
            id: Mapped[int] = mapped_column(primary_key=True)
        """,
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(dedent(text).lstrip())
    (tmp_path / "pyproject.toml").write_text("[tool.slowpath]\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("project")
def test_all_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "coupons  1 column, 0 indexes, 0 foreign keys, not known in full  shop/models.py:27",
        "orders   5 columns, 2 indexes, 2 foreign keys  shop/models.py:17",
        "users    2 columns, 1 index, 0 foreign keys  shop/models.py:10",
        "3 tables on postgresql",
    ]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", ["orders", "Order"])
def test_one_table(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["schema", name]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "orders  shop/models.py:17",
        "  rows of shop.models.Order",
        "  columns",
        "    id         int, primary key  shop/models.py:17",
        "    user_id    int               shop/models.py:18",
        "    coupon_id  int, may be null  shop/models.py:19",
        "    created    int               shop/models.py:20",
        "    paid       bool              shop/models.py:21",
        "  indexes",
        "    (id)                unique",
        "    (user_id, created)  newest         shop/models.py:16",
        "    (paid)              partial, open  shop/models.py:16",
        "  foreign keys",
        "    (user_id)    to users, on delete cascade  shop/models.py:18",
        "    (coupon_id)  to coupons, no index         shop/models.py:19",
    ]


@pytest.mark.usefixtures("project")
def test_why_a_table_is_not_known_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "coupons"]) == 0
    assert "  not known in full: not all that `Coupon` inherits or says" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_a_table_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no table `order`; did you mean `orders`"):
        main(["schema", "order"])


@pytest.mark.usefixtures("project")
def test_what_migrations_and_sql_make(capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in ELSEWHERE.items():
        Path(name).write_text(dedent(text).lstrip())
    assert main(["schema", "orders"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "orders  migrations/versions/second.py:7, shop/models.py:17, shop/prepare.py:1"
    assert [line for line in said if "second" in line or "prepare" in line][1:] == [
        "    (created)           ix_orders_created  migrations/versions/second.py:7",
        "    (paid, created)     ix_orders_paid     shop/prepare.py:1",
    ]
    assert main(["schema", "events"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "events  migrations/versions/second.py:7"
    assert [line.split() for line in said[2:4]] == [
        ["id", "Integer,", "primary", "key", "migrations/versions/second.py:7"],
        ["kind", "String,", "may", "be", "null", "migrations/versions/second.py:7"],
    ]


ELSEWHERE = {
    "migrations/versions/second.py": """
        import sqlalchemy as sa
        from alembic import op

        revision = "b"
        down_revision = "a"

        def upgrade():
            op.create_index("ix_orders_created", "orders", ["created"])
            op.create_index("ix_orders_gone", "orders", ["user_id"])
            op.drop_index("ix_orders_gone", "orders")
            op.create_table("events", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("kind", sa.String()))
        """,
    "shop/prepare.py": """
        def prepare(connection):
            connection.execute("CREATE INDEX ix_orders_paid ON orders (paid, created)")
        """,
}
