"""When SQLAlchemy queries and when it does not: the facts that slowpath's findings stand on, executed.

Runs under SQLAlchemy 2.0 and 2.1, on SQLite. `AsyncSession` needs greenlet (`sqlalchemy[asyncio]`).
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from sqlalchemy import (
    Connection,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    create_engine,
    event,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import ArgumentError, InvalidRequestError, SAWarning, SQLAlchemyError
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.orm import (
    DeclarativeBase,
    Load,
    Mapped,
    Session,
    contains_eager,
    defaultload,
    defer,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    mapped_column,
    noload,
    raiseload,
    registry,
    relationship,
    selectinload,
    subqueryload,
    undefer,
)
from sqlalchemy.orm.exc import DetachedInstanceError
from sqlalchemy.pool import StaticPool

from truth import loading_table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

PARENTS, CHILDREN = 3, 2

OPTION = {
    "contains_eager": contains_eager,
    "immediateload": immediateload,
    "joinedload": joinedload,
    "lazyload": lazyload,
    "noload": noload,
    "raiseload": raiseload,
    "selectinload": selectinload,
    "subqueryload": subqueryload,
}


class Base(DeclarativeBase):
    pass


class School(Base):
    __tablename__ = "school"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="school")


class Parent(Base):
    __tablename__ = "parent"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    bio: Mapped[str] = mapped_column(default="")
    photo: Mapped[str] = mapped_column(default="", deferred=True)
    letter: Mapped[str] = mapped_column(default="", deferred=True, deferred_group="post")
    stamp: Mapped[str] = mapped_column(default="", deferred=True, deferred_group="post")
    children: Mapped[list[Child]] = relationship(back_populates="parent")
    passport: Mapped[Passport] = relationship(back_populates="parent")
    names: AssociationProxy[list[str]] = association_proxy("children", "name")


class Child(Base):
    __tablename__ = "child"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("parent.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    name: Mapped[str]
    parent: Mapped[Parent] = relationship(back_populates="children")
    school: Mapped[School] = relationship()
    parent_name: AssociationProxy[str] = association_proxy("parent", "name")


class Passport(Base):
    __tablename__ = "passport"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("parent.id"))
    parent: Mapped[Parent] = relationship(back_populates="passport", single_parent=True)


class Vehicle(Base):
    __tablename__ = "vehicle"
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]


class Car(Vehicle):
    __tablename__ = "car"
    __mapper_args__: ClassVar = {"polymorphic_identity": "car"}

    id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
    doors: Mapped[int] = mapped_column(default=4)


def filled(metadata: MetaData) -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        fill(connection, metadata)
    return engine


def fill(connection: Connection, metadata: MetaData) -> None:
    """Three parents, each with a passport, and with two children at schools of their own."""
    metadata.create_all(connection)
    for table, rows in ROWS.items():
        if table in metadata.tables:
            connection.execute(insert(metadata.tables[table]), rows)


NUMBERS = range(1, PARENTS + 1)
PAIRS = [(parent, CHILDREN * parent + n) for parent in NUMBERS for n in range(CHILDREN)]
ROWS: dict[str, list[dict[str, Any]]] = {
    "parent": [{"id": n, "name": f"parent {n}"} for n in NUMBERS],
    "passport": [{"id": n, "parent_id": n} for n in NUMBERS],
    "school": [{"id": child} for _, child in PAIRS],
    "child": [{"id": c, "name": f"child {c}", "parent_id": p, "school_id": c} for p, c in PAIRS],
    "vehicle": [{"id": n, "kind": "car"} for n in NUMBERS],
    "car": [{"id": n} for n in NUMBERS],
}


@contextmanager
def listened(engine: Engine) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def session() -> Iterator[Session]:
    engine = filled(Base.metadata)
    with Session(engine) as session:
        yield session
    engine.dispose()


@contextmanager
def costs(session: Session, queries: int) -> Iterator[None]:
    with listened(session.get_bind()) as sent:
        yield
    assert len(sent) == queries, sent


# The table: how a collection comes, by `lazy=` and by option.


@cache
def mapped(lazy: str | bool | None) -> type[Any]:
    """A Parent whose children are loaded in this way."""
    base: Any = registry().generate_base()

    class Parent(base):
        __tablename__ = "parent"
        id = mapped_column(Integer, primary_key=True)
        name = mapped_column(String)
        children = relationship(lambda: Child, lazy=lazy)

    class Child(base):
        __tablename__ = "child"
        id = mapped_column(Integer, primary_key=True)
        name = mapped_column(String)
        parent_id = mapped_column(ForeignKey("parent.id"))

    return Parent


def cost_of_collection(session: Session, statement: Any) -> tuple[int, int | str]:
    """Queries to load the parents, and to read the children of all of them."""
    with listened(session.get_bind()) as sent:
        parents = session.scalars(statement).unique().all()
        loading = len(sent)
        assert len(parents) == PARENTS
        try:
            for parent in parents:
                list(parent.children)
        except (InvalidRequestError, TypeError):
            return loading, "raises"
        return loading, len(sent) - loading


def expected(lazy: str | bool | None) -> tuple[int, int | str]:
    if lazy in loading_table.WITH_THE_ROWS:
        return 1 + loading_table.QUERIES[lazy], 0
    if lazy in loading_table.WITH_EACH_ROW:
        return 1 + PARENTS, 0
    if lazy in loading_table.ON_READ | loading_table.ON_EVERY_READ:
        return 1, PARENTS
    if lazy in loading_table.NEVER:
        return 1, 0
    assert lazy in loading_table.RAISES
    return 1, "raises"


LAZY = (
    loading_table.ON_READ
    | loading_table.WITH_THE_ROWS
    | loading_table.WITH_EACH_ROW
    | loading_table.ON_EVERY_READ
    | loading_table.NEVER
    | loading_table.RAISES
)
pytestmark = pytest.mark.filterwarnings("ignore:The .*noload:sqlalchemy.exc.SADeprecationWarning")


@pytest.mark.parametrize("lazy", sorted(LAZY, key=str))
def test_lazy(lazy: str | bool | None) -> None:
    model = mapped(lazy)
    with Session(filled(model.metadata)) as session:
        assert cost_of_collection(session, select(model)) == expected(lazy)


@pytest.mark.parametrize("lazy", sorted(LAZY - loading_table.NO_OPTION, key=str))
@pytest.mark.parametrize("option", sorted(loading_table.OPTIONS))
def test_option_overrides_lazy(option: str, lazy: str | bool | None) -> None:
    model = mapped(lazy)
    statement = select(model).options(OPTION[option](model.children))
    if option == "contains_eager":
        statement = statement.join(model.children)
    with Session(filled(model.metadata)) as session:
        cost = cost_of_collection(session, statement)
    assert cost == expected(loading_table.OPTIONS[option])


@pytest.mark.parametrize("lazy", sorted(loading_table.NO_OPTION))
def test_collection_that_no_option_loads(lazy: str) -> None:
    model = mapped(lazy)
    with Session(filled(model.metadata)) as session, pytest.raises(InvalidRequestError):
        session.scalars(select(model).options(selectinload(model.children))).all()


def test_dynamic_collection_queries_on_every_read() -> None:
    model = mapped("dynamic")
    with Session(filled(model.metadata)) as session:
        parent = session.scalars(select(model)).first()
        with costs(session, 4):
            list(parent.children)
            list(parent.children)
            parent.children.count()
            parent.children.filter_by(name="child").all()


def test_write_only_collection_gives_a_statement() -> None:
    model = mapped("write_only")
    with Session(filled(model.metadata)) as session:
        parent = session.scalars(select(model)).first()
        with costs(session, 1):
            assert len(session.scalars(parent.children.select()).all()) == CHILDREN


@pytest.mark.parametrize("option", sorted(loading_table.OPTIONS))
def test_yield_per(session: Session, option: str) -> None:
    statement = select(Parent).options(OPTION[option](Parent.children))
    if option == "contains_eager":
        statement = statement.join(Parent.children)
    statement = statement.execution_options(yield_per=1)
    if option in loading_table.NO_YIELD_PER:
        with pytest.raises(InvalidRequestError, match="yield_per"):
            session.scalars(statement)
    else:
        with costs(session, 1 + PARENTS if option in {"selectinload", "immediateload"} else 1):
            list(session.scalars(statement))


# Per row: what was loaded with the rows, and what reading all of them costs.

Rows = Any  # a statement, or a function that gives rows
Read = Callable[[Any], object]


def orphans(session: Session) -> Any:
    session.execute(update(Child).values(parent_id=None))
    return session.scalars(select(Child)).all()


def adopted(session: Session) -> Any:
    children = session.scalars(select(Child)).all()
    for child in children:
        child.parent = Parent(name="new")
    return children


ROWS_READ: list[tuple[str, Rows, Read, int]] = [
    ("collection", select(Parent), lambda parent: len(parent.children), PARENTS),
    ("collection twice", select(Parent), lambda parent: (bool(parent.children), list(parent.children)), PARENTS),
    ("session.query", lambda session: session.query(Parent).all(), lambda parent: parent.children, PARENTS),
    (
        "textual SQL",
        select(Parent).from_statement(text("SELECT id, name FROM parent")),
        lambda parent: parent.children,
        PARENTS,
    ),
    (
        "textual SQL with option",
        select(Parent).from_statement(text("SELECT id, name FROM parent")).options(selectinload(Parent.children)),
        lambda parent: parent.children,
        0,
    ),
    ("join is not a load", select(Parent).join(Parent.children), lambda parent: parent.children, PARENTS),
    (
        "contains_eager takes the join",
        select(Parent).join(Parent.children).options(contains_eager(Parent.children)),
        lambda parent: parent.children,
        0,
    ),
    (
        "joinedload in session.query",
        lambda session: session.query(Parent).options(joinedload(Parent.children)).all(),
        lambda parent: parent.children,
        0,
    ),
    ("one-to-one", select(Parent), lambda parent: parent.passport, PARENTS),
    ("one-to-one there and back", select(Parent), lambda parent: parent.passport.parent, PARENTS),
    ("and the other way", select(Passport), lambda passport: passport.parent.passport, 2 * PARENTS),
    # Options in chains.
    (
        "second hop",
        select(Parent).options(selectinload(Parent.children)),
        lambda parent: [child.school for child in parent.children],
        PARENTS * CHILDREN,
    ),
    (
        "selectin, joined",
        select(Parent).options(selectinload(Parent.children).joinedload(Child.school)),
        lambda parent: [child.school for child in parent.children],
        0,
    ),
    (
        "selectin, selectin",
        select(Parent).options(selectinload(Parent.children).selectinload(Child.school)),
        lambda parent: [child.school for child in parent.children],
        0,
    ),
    (
        "selectin, options",
        select(Parent).options(selectinload(Parent.children).options(joinedload(Child.school))),
        lambda parent: [child.school for child in parent.children],
        0,
    ),
    (
        "defaultload loads nothing",
        select(Parent).options(defaultload(Parent.children).selectinload(Child.school)),
        lambda parent: [child.school for child in parent.children],
        2 * PARENTS,
    ),
    ("Load", select(Parent).options(Load(Parent).selectinload(Parent.children)), lambda parent: parent.children, 0),
    (
        "Load of everything",
        select(Parent).options(Load(Parent).selectinload("*")),
        lambda parent: (parent.children, parent.passport),
        0,
    ),
    ("everything", select(Parent).options(selectinload("*")), lambda parent: (parent.children, parent.passport), 0),
    (
        "one, and nothing else",
        select(Parent).options(selectinload(Parent.children), raiseload("*")),
        lambda parent: parent.children,
        0,
    ),
    # Many-to-one: a parent costs one query, however many children have it.
    ("many-to-one", select(Child), lambda child: child.parent, PARENTS),
    ("its key", select(Child), lambda child: child.parent_id, 0),
    ("its id", select(Child), lambda child: child.parent.id, PARENTS),
    ("join of it", select(Child).join(Child.parent), lambda child: child.parent, PARENTS),
    (
        "selected beside it",
        lambda session: session.execute(select(Child, Parent).join(Child.parent)).all(),
        lambda row: row.Child.parent,
        0,
    ),
    ("joined", select(Child).options(joinedload(Child.parent)), lambda child: child.parent, 0),
    (
        "collection behind it",
        select(Child).options(joinedload(Child.parent)),
        lambda child: child.parent.children,
        PARENTS,
    ),
    ("null key", orphans, lambda child: child.parent, 0),
    ("assigned", adopted, lambda child: child.parent, 0),
    # Back references, also of children that another query found: the parent is in the identity map.
    ("of a lazy collection", select(Parent), lambda parent: [child.parent for child in parent.children], PARENTS),
    (
        "of a loaded collection",
        select(Parent).options(selectinload(Parent.children)),
        lambda parent: [child.parent for child in parent.children],
        0,
    ),
    # Association proxies.
    ("proxy", select(Parent), lambda parent: list(parent.names), PARENTS),
    ("proxy, loaded", select(Parent).options(selectinload(Parent.children)), lambda parent: list(parent.names), 0),
    ("proxy of one", select(Child), lambda child: child.parent_name, PARENTS),
    ("proxy of one, loaded", select(Child).options(joinedload(Child.parent)), lambda child: child.parent_name, 0),
    # Columns.
    ("tuples", lambda session: session.execute(select(Child.name, Child.parent_id)).all(), lambda row: row.name, 0),
    ("tuples of session.query", lambda session: session.query(Child.name).all(), lambda row: row.name, 0),
    ("load_only", select(Parent).options(load_only(Parent.name)), lambda parent: (parent.id, parent.name), 0),
    (
        "not in load_only",
        select(Parent).options(load_only(Parent.name)),
        lambda parent: (parent.bio, parent.bio),
        PARENTS,
    ),
    (
        "two not in load_only",
        select(Parent).options(load_only(Parent.id)),
        lambda parent: (parent.bio, parent.name),
        2 * PARENTS,
    ),
    ("defer", select(Parent).options(defer(Parent.bio)), lambda parent: parent.bio, PARENTS),
    ("defer of everything", select(Parent).options(defer("*")), lambda parent: (parent.id, parent.name), PARENTS),
    ("deferred in the model", select(Parent), lambda parent: parent.photo, PARENTS),
    ("undefer", select(Parent).options(undefer(Parent.photo)), lambda parent: parent.photo, 0),
    ("undefer of everything", select(Parent).options(undefer("*")), lambda parent: parent.photo, 0),
    ("deferred group", select(Parent), lambda parent: (parent.letter, parent.stamp), PARENTS),
    (
        "load_only of related rows",
        select(Parent).options(selectinload(Parent.children).load_only(Child.name)),
        lambda parent: [child.school_id for child in parent.children],
        PARENTS * CHILDREN,
    ),
    ("key left out", select(Child).options(load_only(Child.name)), lambda child: child.school, 2 * PARENTS * CHILDREN),
    (
        "key left out, joined",
        select(Child).options(load_only(Child.name), joinedload(Child.school)),
        lambda child: child.school,
        0,
    ),
    ("columns of a subclass", select(Vehicle), lambda car: car.doors, PARENTS),
    ("columns of the class asked for", select(Car), lambda car: car.doors, 0),
]


@pytest.mark.parametrize(("load", "read", "queries"), [pytest.param(*case[1:], id=case[0]) for case in ROWS_READ])
def test_cost_of_reading_rows(session: Session, load: Rows, read: Read, queries: int) -> None:
    rows = list(load(session)) if callable(load) else session.scalars(load).unique().all()
    assert rows
    with costs(session, queries):
        for row in rows:
            read(row)


# The identity map: one row, one object, for as long as somebody holds the object.


def test_many_to_one_is_free_while_its_row_is_held(session: Session) -> None:
    children = session.scalars(select(Child)).all()
    parents = session.scalars(select(Parent)).all()
    with costs(session, 0):
        assert {child.parent for child in children} == set(parents)


def test_many_to_one_queries_again_once_its_row_is_let_go(session: Session) -> None:
    session.scalars(select(Parent)).all()
    children = session.scalars(select(Child)).all()
    with costs(session, PARENTS):
        for child in children:
            child.parent


def test_children_found_by_their_parent_know_it(session: Session) -> None:
    parents = session.scalars(select(Parent)).all()
    with costs(session, PARENTS):
        for parent in parents:
            for child in session.scalars(select(Child).where(Child.parent_id == parent.id)):
                assert child.parent is parent


def test_raise_refuses_what_is_in_the_identity_map_and_sql_only_does_not(session: Session) -> None:
    parents = session.scalars(select(Parent)).all()
    allowed = session.scalars(select(Child).options(raiseload(Child.parent, sql_only=True))).all()
    with costs(session, 0):
        assert {child.parent for child in allowed} == set(parents)
    session.expunge_all()
    parents = session.scalars(select(Parent)).all()
    refused = session.scalars(select(Child).options(raiseload(Child.parent))).all()
    with pytest.raises(InvalidRequestError, match="lazy='raise'"):
        refused[0].parent


def test_get_is_free_while_its_row_is_held(session: Session) -> None:
    parents = session.scalars(select(Parent)).all()
    with costs(session, 0):
        assert [session.get(Parent, n) for n in NUMBERS] == parents
        assert [session.get_one(Parent, n) for n in NUMBERS] == parents


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda session: session.get(Parent, 1), id="get, let go"),
        pytest.param(lambda session: session.get(Parent, 100), id="get of no row"),
    ],
)
def test_get_that_queries_again(session: Session, ask: Callable[[Session], Any]) -> None:
    with costs(session, 2):
        ask(session)
        ask(session)


def test_get_of_a_row_that_is_held_ignores_its_options(session: Session) -> None:
    parent = session.get(Parent, 1)
    with costs(session, 0):
        session.get(Parent, 1, options=[selectinload(Parent.children)])
    with costs(session, 1):
        parent.children


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda session: session.get(Parent, 1, populate_existing=True), id="get anew"),
        pytest.param(lambda session: session.scalars(select(Parent).where(Parent.id == 1)).one(), id="select"),
        pytest.param(lambda session: session.query(Parent).filter_by(id=1).one(), id="query"),
    ],
)
def test_row_that_is_held_is_queried_again(session: Session, ask: Callable[[Session], Any]) -> None:
    parent = session.get(Parent, 1)
    with costs(session, 1):
        assert ask(session) is parent


def test_later_query_loads_into_the_rows_that_are_held(session: Session) -> None:
    parents = session.scalars(select(Parent)).all()
    session.scalars(select(Parent).options(selectinload(Parent.children))).all()
    with costs(session, 0):
        for parent in parents:
            parent.children


def test_lazily_loaded_row_brings_its_own_eager_loads() -> None:
    model = mapped("selectin")
    with Session(filled(model.metadata)) as session:
        with costs(session, 2 * PARENTS):
            rows = [session.get(model, n) for n in NUMBERS]
        with costs(session, 0):
            for parent in rows:
                parent.children


def test_query_runs_as_often_as_it_is_iterated(session: Session) -> None:
    query = session.query(Parent)
    with costs(session, 3):
        list(query)
        list(query)
        query.count()


# Options that cannot be.


def test_options_that_raise_when_the_statement_is_run(session: Session) -> None:
    for statement in (
        select(Parent).options(selectinload(Child.school)),
        select(Parent.id).options(selectinload(Parent.children)),
    ):
        with pytest.raises(ArgumentError):
            session.execute(statement)


def test_option_takes_no_string() -> None:
    with pytest.raises(ArgumentError, match="Strings are not accepted"):
        selectinload("children")


def test_joined_collection_must_be_made_unique(session: Session) -> None:
    with pytest.raises(InvalidRequestError, match="unique"):
        session.scalars(select(Parent).options(joinedload(Parent.children))).all()


def test_contains_eager_without_the_join_loads_everybodys_children(session: Session) -> None:
    statement = select(Parent).options(contains_eager(Parent.children))
    with pytest.warns(SAWarning, match="cartesian product"):
        parents = session.scalars(statement).unique().all()
    assert [len(parent.children) for parent in parents] == [PARENTS * CHILDREN] * PARENTS


def test_contains_eager_loads_what_the_query_left_of_the_collection(session: Session) -> None:
    statement = select(Parent).join(Parent.children).where(Child.id == PAIRS[0][1])
    (parent,) = session.scalars(statement.options(contains_eager(Parent.children))).unique()
    assert len(parent.children) == 1


def test_detached_row_raises(session: Session) -> None:
    parent = session.get(Parent, 1)
    session.expunge(parent)
    with pytest.raises(DetachedInstanceError):
        parent.children


# Writing.


def committed(session: Session) -> None:
    session.commit()


def flushed(session: Session) -> None:
    session.flush()


@pytest.mark.parametrize(
    ("end", "expire", "queries"),
    [
        # From the second row on an update is preceded by a reload of what the commit expired.
        pytest.param(committed, True, 2 * PARENTS - 1, id="commit"),
        pytest.param(committed, False, PARENTS, id="commit without expiry"),
        pytest.param(flushed, True, PARENTS, id="flush"),
    ],
)
def test_update_per_row(session: Session, end: Callable[[Session], None], expire: bool, queries: int) -> None:
    session.expire_on_commit = expire
    parents = session.scalars(select(Parent)).all()
    with costs(session, queries):
        for parent in parents:
            parent.name = f"new {id(parent)}"
            end(session)


@pytest.mark.parametrize(
    "end", [pytest.param(Session.commit, id="commit"), pytest.param(Session.rollback, id="rollback")]
)
def test_row_is_read_again_after_the_transaction_ended(session: Session, end: Callable[[Session], None]) -> None:
    parents = session.scalars(select(Parent)).all()
    with costs(session, PARENTS - 1):
        for parent in parents:
            parent.name
            end(session)


def test_what_was_eagerly_loaded_is_gone_after_a_commit(session: Session) -> None:
    parents = session.scalars(select(Parent).options(selectinload(Parent.children))).all()
    session.commit()
    with costs(session, 2 * PARENTS):
        for parent in parents:
            parent.children


def test_updates_of_the_same_columns_are_one_statement(session: Session) -> None:
    for parent in session.scalars(select(Parent)).all():
        parent.name = f"new {parent.id}"
    with costs(session, 1):
        session.flush()


def test_updates_of_different_columns_are_not(session: Session) -> None:
    for parent in session.scalars(select(Parent)).all():
        setattr(parent, "bio" if parent.id % 2 else "name", "new")
    with costs(session, PARENTS):
        session.flush()


def added_and_refreshed(session: Session) -> None:
    school = School()
    session.add(school)
    session.commit()
    session.refresh(school)


def appended(session: Session) -> None:
    with session.no_autoflush:
        for parent in session.scalars(select(Parent)).all():
            parent.children.append(Child(name="new"))


ADDED: list[tuple[str, Callable[[Session], object], int]] = [
    ("add, flush", lambda session: [(session.add(School()), session.flush()) for _ in range(3)], 3),
    ("add, commit", lambda session: [(session.add(School()), session.commit()) for _ in range(3)], 3),
    ("add, commit, refresh", lambda session: [added_and_refreshed(session) for _ in range(3)], 6),
    # SQLite gives keys one by one. PostgreSQL and MariaDB give them to a statement's rows at once.
    ("add_all, flush", lambda session: (session.add_all([School() for _ in range(3)]), session.flush()), 3),
    ("add_all with keys", lambda session: (session.add_all([School(id=50 + n) for n in range(3)]), session.flush()), 1),
    ("insert of a list", lambda session: session.execute(insert(School), [{"name": "new"}] * 3), 1),
    (
        "insert with returning",
        lambda session: session.scalars(insert(School).returning(School.id), [{"name": "new"}] * 3).all(),
        1,
    ),
    ("bulk_save_objects", lambda session: session.bulk_save_objects([School() for _ in range(3)]), 1),
    (
        "update of a list",
        lambda session: session.execute(update(Parent), [{"id": n, "name": "new"} for n in NUMBERS]),
        1,
    ),
    # A pending row is flushed before a query: one that queries per item writes per item.
    (
        "add, query",
        lambda session: [(session.add(School()), session.scalar(select(func.count(School.id)))) for _ in range(3)],
        6,
    ),
    ("merge", lambda session: [session.merge(School(id=c, name="school")) for _, c in PAIRS], len(PAIRS)),
    ("merge of rows that are here", lambda session: list(map(session.merge, session.scalars(select(School)).all())), 1),
    ("refresh", lambda session: [session.refresh(passport) for passport in session.scalars(select(Passport)).all()], 4),
    (
        "delete",
        lambda session: ([session.delete(row) for row in session.scalars(select(Passport)).all()], session.flush()),
        2,
    ),
    # To take the key from its children a deleted parent reads them: a query per row and relationship.
    (
        "delete of a parent",
        lambda session: ([session.delete(row) for row in session.scalars(select(Parent)).all()], session.flush()),
        1 + 2 * PARENTS + 3,
    ),
    ("append to a lazy collection", appended, 1 + PARENTS),
    (
        "the same from the other side",
        lambda session: [Child(parent=row) for row in session.scalars(select(Parent)).all()],
        1,
    ),
]


@pytest.mark.parametrize(("write", "queries"), [pytest.param(*case[1:], id=case[0]) for case in ADDED])
def test_cost_of_writing(session: Session, write: Callable[[Session], object], queries: int) -> None:
    with costs(session, queries):
        write(session)


# AsyncSession: what would be a query of its own raises instead.

Work = Callable[["AsyncSession"], Awaitable[object]]


async def read_collection(session: AsyncSession) -> None:
    for parent in await session.scalars(select(Parent)):
        parent.children


async def read_many_to_one(session: AsyncSession) -> None:
    for child in await session.scalars(select(Child)):
        child.parent


async def read_deferred_column(session: AsyncSession) -> None:
    for parent in await session.scalars(select(Parent)):
        parent.photo


async def read_after_commit(session: AsyncSession) -> None:
    parents = (await session.scalars(select(Parent))).all()
    await session.commit()
    parents[0].name


async def read_after_commit_without_expiry(session: AsyncSession) -> None:
    session.sync_session.expire_on_commit = False
    await read_after_commit(session)


async def read_eagerly(session: AsyncSession) -> None:
    for parent in await session.scalars(select(Parent).options(selectinload(Parent.children))):
        parent.children


async def read_many_to_one_that_is_held(session: AsyncSession) -> None:
    parents = (await session.scalars(select(Parent))).all()
    children = (await session.scalars(select(Child))).all()
    assert {child.parent for child in children} == set(parents)


async def load_by_another_query(session: AsyncSession) -> None:
    parents = (await session.scalars(select(Parent))).all()
    await session.execute(select(Parent).options(selectinload(Parent.children)))
    for parent in parents:
        parent.children


async def refresh_each(session: AsyncSession) -> None:
    for parent in (await session.scalars(select(Parent))).all():
        await session.refresh(parent, ["children"])
        parent.children


async def read_inside_run_sync(session: AsyncSession) -> None:
    def read(session: Session) -> None:
        for parent in session.scalars(select(Parent)):
            parent.children

    await session.run_sync(read)


@pytest.mark.filterwarnings("ignore:coroutine 'Connection.cursor' was never awaited")
@pytest.mark.parametrize("work", [read_collection, read_many_to_one, read_deferred_column, read_after_commit])
def test_async_session_raises(work: Work) -> None:
    # MissingGreenlet in 2.0; in 2.1 a StatementError with it inside.
    with pytest.raises(SQLAlchemyError, match="greenlet_spawn has not been called"):
        asyncio.run(queries_of(work))
    gc.collect()  # so that the coroutine is missed here, and not in another test


@pytest.mark.parametrize(
    ("work", "queries"),
    [
        (read_after_commit_without_expiry, 1),
        (read_eagerly, 2),
        (read_many_to_one_that_is_held, 2),
        (load_by_another_query, 3),
        (refresh_each, 1 + 2 * PARENTS),
        (read_inside_run_sync, 1 + PARENTS),
    ],
)
def test_async_session_queries(work: Work, queries: int) -> None:
    assert asyncio.run(queries_of(work)) == queries


async def queries_of(work: Work) -> int:
    # Here, for without greenlet SQLAlchemy 2.1 cannot even import it.
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: fill(sync, Base.metadata))
        with listened(engine.sync_engine) as sent:
            async with AsyncSession(engine) as session:
                await work(session)
            return len(sent)
    finally:
        await engine.dispose()
