"""`slowpath indexes`: the fewest indexes for all queries, and migrations that make them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from slowpath.cli import main

MODELS = """\
from django.contrib.auth.models import User
from django.db import models


class Visit(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    page = models.CharField(max_length=100)
    source = models.CharField(max_length=100)
    left_at = models.DateTimeField(null=True)


def of_page(page):
    return list(Visit.objects.filter(page=page))


def of_page_since(page, moment):
    return list(Visit.objects.filter(page=page, left_at__gt=moment))


def present_on(page):
    return list(Visit.objects.filter(page=page, left_at=None))


def present_from(source):
    return list(Visit.objects.filter(source=source, left_at=None))
"""
STATEMENTS = """\
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Token(Base):
    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


def forget(session: Session, now: datetime):
    session.execute(delete(Token).where(Token.expires_at < now))
"""
BOTH = "CREATE INDEX CONCURRENTLY idx_people_visit_page_left_at ON people_visit (page, left_at);"
PRESENT = "CREATE INDEX CONCURRENTLY idx_people_visit_source ON people_visit (source) WHERE left_at IS NULL;"
TOKENS = "CREATE INDEX CONCURRENTLY idx_tokens_expires_at ON tokens (expires_at);"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "__init__.py").write_text("")
    (tmp_path / "people" / "models.py").write_text(MODELS)
    (tmp_path / "tokens.py").write_text(STATEMENTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _said(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["indexes", *options]) == 0
    return capsys.readouterr().out


def test_one_index_serves_what_its_beginning_serves(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(_said(capsys, "--format", "sql").splitlines()) == sorted([BOTH, PRESENT, TOKENS])


def test_the_queries_of_each_index_are_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = _said(capsys).splitlines()
    first = lines.index(f"  {BOTH}")
    assert lines[first + 1 : first + 3] == [
        "    for people/models.py of_page",
        "    for people/models.py of_page_since",
    ]
    assert lines[-1] == "3 indexes for 2 tables."


def test_a_migration_for_django(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = _said(capsys, "--format", "django")
    ast.parse(written)
    whole = (
        'AddIndexConcurrently("visit", models.Index(fields=["page", "left_at"], name="idx_people_visit_page_left_at"))'
    )
    assert whole in written
    assert 'name="idx_people_visit_source", condition=models.Q(left_at__isnull=True))' in written
    assert "tokens" not in written


def test_a_migration_for_alembic(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = _said(capsys, "--format", "alembic")
    ast.parse(written)
    assert 'op.create_index("idx_tokens_expires_at", "tokens", ["expires_at"], postgresql_concurrently=True' in written
    assert "people" not in written


ORDERS = """\
from datetime import datetime

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    status: Mapped[str]
    created_at: Mapped[datetime]


def latest(cursor):
    cursor.execute("SELECT * FROM orders WHERE user_id = 42 AND status = 'pending' ORDER BY created_at DESC LIMIT 20")
"""


def test_equality_then_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "orders.py").write_text(ORDERS)
    monkeypatch.chdir(tmp_path)
    assert _said(capsys, "--format", "sql") == (
        "CREATE INDEX CONCURRENTLY idx_orders_user_id_status_created_at ON orders (user_id, status, created_at DESC);\n"
    )


LATEST_OF_ONE = """\
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Entry(Base):
    __tablename__ = "entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(index=True)
    topic: Mapped[str] = mapped_column(index=True)
    written_at: Mapped[datetime] = mapped_column(index=True)


def latest_of(session, author):
    latest = select(Entry).where(Entry.author == author).order_by(Entry.written_at.desc())
    return session.scalars(latest.limit(50)).all()


def all_of(session, topic):
    return session.scalars(select(Entry).where(Entry.topic == topic).order_by(Entry.written_at.desc())).all()
"""


def test_found_by_an_index_and_sorted_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "entries.py").write_text(LATEST_OF_ONE)
    monkeypatch.chdir(tmp_path)
    assert "served by an index" in _said(capsys)
    assert _said(capsys, "--confidence", "low", "--format", "sql") == (
        "CREATE INDEX CONCURRENTLY idx_entries_author_written_at ON entries (author, written_at DESC);\n"
    )


def test_nothing_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.chdir(tmp_path)
    assert _said(capsys) == "Every query that could be read is served by an index.\n"
    assert _said(capsys, "--format", "sql") == ""
