"""The fixtures' own functions, run on SQLite with counted queries: one or two for all rows, or one for each."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session

FIXTURES = Path(__file__).resolve().parent.parent.parent / "fixtures"
FEW, MANY = 3, 9


def loaded(case: str) -> ModuleType:
    """The fixture's module."""
    spec = importlib.util.spec_from_file_location(f"fixture_{Path(case).stem}", FIXTURES / case)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def counted(metadata: Any, *rows: object) -> Iterator[tuple[Session, list[str]]]:
    """A session whose database has these rows and which holds none of them, and the statements it runs."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(rows)
        session.commit()
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with Session(engine) as session:
        yield session, statements
    engine.dispose()


OTHERS = loaded("n_plus_one/sqlalchemy_rows_of_other_parents.py")
OTHERS_SLOW = {"visible_to", "visible", "of_active_members", "of_chosen_members"}


def arguments_of(name: str, session: Session) -> tuple[Any, ...]:
    """What the function takes besides the session."""
    first, second = session.get(OTHERS.Member, 1), session.get(OTHERS.Member, 2)
    given: dict[str, tuple[Any, ...]] = {
        "visible": (1,),
        "of_active_members": (),
        "of_chosen_members": (),
        "own_or_of_a_friend": (first, second),
        "of_these": ([first, second],),
    }
    return given.get(name, (first,))


@pytest.mark.parametrize(
    "name", [*sorted(OTHERS_SLOW), "own", "own_or_of_a_friend", "own_by_relation", "own_public", "of_these"]
)
def test_parents_by_filter(name: str) -> None:
    members = [OTHERS.Member(id=1 + i, name="n", active=True) for i in range(MANY)]
    notes = [OTHERS.Note(id=1 + i, public=True, member_id=1 + i) for i in range(MANY)]
    with counted(OTHERS.Base.metadata, *members, *notes) as (session, statements):
        given = arguments_of(name, session)
        statements.clear()
        getattr(OTHERS, name)(session, *given)
        assert (len(statements) >= MANY - 2) == (name in OTHERS_SLOW)
        assert len(statements) >= MANY - 2 or len(statements) <= FEW
