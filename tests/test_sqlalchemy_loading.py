"""What loader options bring with the rows, and what SQLAlchemy refuses: one table, asked of us and of SQLAlchemy."""

from __future__ import annotations

import ast
import sys
import warnings
from types import ModuleType

import pytest
from sqlalchemy import create_engine, inspect, select
from sqlalchemy import orm as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import InvalidRequestError, SQLAlchemyError

from slowpath.declarations import declare
from slowpath.libraries.sqlalchemy.dialect import dialect
from slowpath.loads import Loads, Path
from slowpath.project import link
from slowpath.schema import Schema
from slowpath.source import source_of
from slowpath.vocabulary import (
    AttributeTerm,
    BuilderTerm,
    ConstantTerm,
    ModelTerm,
    OpaqueTerm,
    Passed,
    SequenceTerm,
    Term,
    Text,
)

MODELS = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, DynamicMapped, Mapped, WriteOnlyMapped, mapped_column, relationship

class Base(DeclarativeBase):
    id: Mapped[int] = mapped_column(primary_key=True)

class User(Base):
    __tablename__ = "users"
    name: Mapped[str]
    photo: Mapped[str] = mapped_column(deferred=True)

class Order(Base):
    __tablename__ = "orders"
    note: Mapped[str]
    secret: Mapped[str] = mapped_column(deferred=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    user: Mapped[User] = relationship()
    lines: Mapped[list["Line"]] = relationship(back_populates="order")
    events: DynamicMapped["Line"] = relationship(viewonly=True)
    audits: WriteOnlyMapped["Line"] = relationship(viewonly=True)

    @property
    def title(self) -> str:
        return self.note

class Line(Base):
    __tablename__ = "lines"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order] = relationship(back_populates="lines")
    product_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    product: Mapped[User] = relationship()

class Person(Base):
    __tablename__ = "people"
    kind: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    user: Mapped[User] = relationship()
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

class Boss(Person):
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order | None] = relationship()
    __mapper_args__ = {"polymorphic_identity": "boss"}
"""


def modelled() -> ModuleType:
    """The classes, mapped by SQLAlchemy."""
    module = ModuleType("shop")
    sys.modules["shop"] = module
    exec(compile(MODELS, "shop", "exec", dont_inherit=True), module.__dict__)
    return module


SHOP = modelled()
SCHEMA = Schema(dialect.models(link([declare(source_of("shop.py", MODELS))])))
LABELS = {model.label: name for name, model in SCHEMA.models.items()}
WORDS = {name: getattr(sql, name) for name in dir(sql)} | vars(SHOP)


@pytest.fixture(scope="module")
def session() -> sql.Session:
    """A session on one order of two lines, and a boss."""
    engine = create_engine("sqlite://")
    SHOP.Base.metadata.create_all(engine)
    session = sql.Session(engine)
    user = SHOP.User(name="Ada", photo="")
    order = SHOP.Order(note="", secret="", user=user)
    session.add_all([SHOP.Line(order=order, product=user), SHOP.Line(order=order, product=user)])
    session.add_all([SHOP.Boss(user=user, order=order)])
    session.commit()
    return session


def term(node: ast.expr) -> Term:
    """The code as the interpreter would hand it over."""
    match node:
        case ast.Constant(value=str(text)):
            return Text(text)
        case ast.Constant(value=value):
            return ConstantTerm(value)  # type: ignore[arg-type]
        case ast.Name(id=name) if name in LABELS:
            return ModelTerm(LABELS[name])
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in LABELS:
            return AttributeTerm(LABELS[name], (attribute,))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return SequenceTerm(tuple(term(item) for item in items))
        case ast.Call(func=ast.Attribute(value=ast.Attribute() as attribute, attr="and_" | "of_type")):
            return term(attribute)
        case ast.Call(func=ast.Name(id=name)):
            return BuilderTerm(f"sqlalchemy.orm.{name}", passed(node))
        case ast.Call(func=ast.Attribute(value=before, attr=name)):
            built = term(before)
            assert isinstance(built, BuilderTerm)
            return BuilderTerm(built.type, built.arguments, (*built.chain, (name, passed(node))))
    return OpaqueTerm()


def passed(call: ast.Call) -> tuple[Passed, ...]:
    """The arguments of a call."""
    positional = [
        Passed(term(each.value), star=True) if isinstance(each, ast.Starred) else Passed(term(each))
        for each in call.args
    ]
    return (*positional, *(Passed(term(keyword.value), keyword.arg or "") for keyword in call.keywords))


def arguments(options: str) -> tuple[Passed, ...]:
    """The arguments of `options(…)`."""
    call = ast.parse(f"options({options})", mode="eval").body
    assert isinstance(call, ast.Call)
    return passed(call)


def loaded(options: str, model: str = "Order") -> Loads:
    """What the options load."""
    return dialect.load(SCHEMA, LABELS[model], Loads(), "options", arguments(options)).loads


def rows_of(session: sql.Session, options: str, model: str) -> list[object]:
    """The rows that SQLAlchemy gives."""
    session.expunge_all()
    given = eval(f"[{options}]", dict(WORDS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(session.scalars(select(getattr(SHOP, model)).options(*given)).unique())


def has(row: object, path: Path) -> bool:
    """Whether the row has the rows at the end of the path with it."""
    if not path:
        return True
    if path[0] in inspect(row).unloaded:
        return False
    value = getattr(row, path[0])
    return all(has(each, path[1:]) for each in (value if isinstance(value, list) else [value]) if each is not None)


WORKING = {
    "": "",
    "joinedload(Order.user)": "user",
    "selectinload(Order.lines)": "lines",
    "subqueryload(Order.lines), immediateload(Order.user)": "lines user",
    "selectinload(Order.lines).joinedload(Line.product)": "lines lines.product",
    "selectinload(Order.lines), selectinload(Order.lines).joinedload(Line.product)": "lines lines.product",
    "joinedload(Order.lines, Line.product)": "lines.product",
    "defaultload(Order.lines).joinedload(Line.product)": "lines.product",
    "lazyload(Order.lines).joinedload(Line.product)": "lines.product",
    "Load(Order).selectinload(Order.lines).joinedload(Line.product)": "lines lines.product",
    "selectinload(Order.lines).options(joinedload(Line.product), load_only(Line.id))": "lines lines.product",
    "joinedload(Order.lines.and_(Line.id > 0)).joinedload(Line.product)": "lines lines.product",
    "*[selectinload(Order.lines), joinedload(Order.user)]": "lines user",
    "joinedload(Order.user), raiseload('*')": "user",
    "raiseload(Order.events), noload(Order.lines)": "",
    "lazyload(Order.events), with_loader_criteria(Line, Line.id > 0)": "",
}


@pytest.mark.parametrize("options", WORKING)
def test_what_comes_along(session: sql.Session, options: str) -> None:
    expected = frozenset(tuple(path.split(".")) for path in WORKING[options].split())
    answer = dialect.load(SCHEMA, "shop.Order", Loads(), "options", arguments(options))
    assert (answer.loads.paths, answer.loads.open, answer.problems) == (expected, False, ())
    [row] = rows_of(session, options, "Order")
    for path in (("user",), ("lines",)):
        if "noload" not in options:
            assert has(row, path) is (path in expected), path
    if ("lines", "product") in expected:
        assert has(row, ("lines", "product")) or not has(row, ("lines",))


REFUSED = {
    "joinedload(Order.usr)": ("Order.usr", "`Order` has no relationship `usr` (did you mean `user`?)"),
    "joinedload(Order.title)": ("Order.title", "`Order` has no relationship `title`"),
    "selectinload(Order.note)": ("Order.note", "it is a column of `Order`, not a relationship"),
    "immediateload(Order.user_id)": ("Order.user_id", "it is a column of `Order`, not a relationship"),
    "joinedload('lnes')": ("lnes", "`Order` has no relationship `lnes` (did you mean `lines`?)"),
    "selectinload(Line.product)": ("Line.product", "the rows are of `Order`, not of `Line`"),
    "contains_eager(Line.product)": ("Line.product", "the rows are of `Order`, not of `Line`"),
    "Load(Line).joinedload(Line.product)": ("Line", "the rows are of `Order`, not of `Line`"),
    "joinedload(Order.user).selectinload(Order.lines)": (
        "Order.lines",
        "it does not link from `Order.user`, which leads to `User`",
    ),
    "selectinload(Order.lines).options(joinedload(Order.user))": (
        "Order.user",
        "it does not link from `Order.lines`, which leads to `Line`",
    ),
    "selectinload(Order.events)": ("Order.events", "rows of a dynamic relationship cannot be loaded eagerly"),
    "contains_eager(Order.audits)": ("Order.audits", "rows of a dynamic relationship cannot be loaded eagerly"),
}


@pytest.mark.parametrize("options", REFUSED)
def test_what_sqlalchemy_refuses(session: sql.Session, options: str) -> None:
    problems = dialect.load(SCHEMA, "shop.Order", Loads(), "options", arguments(options)).problems
    assert [(problem.path, problem.reason.rpartition(";")[0] or problem.reason) for problem in problems] == [
        (REFUSED[options][0], REFUSED[options][1])
    ] or problems[0].reason.startswith(REFUSED[options][1])
    with pytest.raises((SQLAlchemyError, AttributeError)):
        rows_of(session, options, "Order")


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("Boss", "joinedload(Person.user)"),
        ("Boss", "joinedload(Boss.user)"),
        ("Person", "joinedload(Boss.order)"),
        ("Order", "joinedload(Order.lines.of_type(Line))"),
    ],
)
def test_what_works_though_it_looks_wrong(session: sql.Session, model: str, options: str) -> None:
    assert dialect.load(SCHEMA, LABELS[model], Loads(), "options", arguments(options)).problems == ()
    assert rows_of(session, options, model)


COLUMNS = {
    "load_only(Order.note)": {"id", "note"},
    "load_only(Order.note), load_only(Order.user_id)": {"id", "note", "user_id"},
    "load_only(Order.note), undefer(Order.secret)": {"id", "note", "secret"},
    "load_only(Order.secret)": {"id", "secret"},
    "defer(Order.note)": {"id", "user_id"},
    "undefer(Order.secret)": {"id", "note", "user_id", "secret"},
    "undefer('*')": {"id", "note", "user_id", "secret"},
    "defer('*')": {"id"},
    "joinedload(Order.user).load_only(User.name)": {"id", "note", "user_id"},
}


@pytest.mark.parametrize("options", COLUMNS)
def test_which_columns_come(session: sql.Session, options: str) -> None:
    loads = loaded(options)
    ours = {
        column.name
        for column in SCHEMA.models["shop.Order"].columns
        if column.primary_key or _comes(loads, column.name, column.deferred)
    }
    [row] = rows_of(session, options, "Order")
    theirs = {column.name for column in SHOP.Order.__table__.c if column.name not in inspect(row).unloaded}
    assert ours == theirs == COLUMNS[options]


def _comes(loads: Loads, name: str, late: bool) -> bool:
    if (name,) in loads.deferred or (
        loads.only is not None and (name,) not in loads.only and (name,) not in loads.paths
    ):
        return False
    return not late or (name,) in loads.paths or (name,) in (loads.only or ())


def test_columns_of_a_relation(session: sql.Session) -> None:
    assert loaded("joinedload(Order.user).load_only(User.name)").deferred == {("user", "photo")}
    assert loaded("joinedload(Order.user).load_only(User.photo)").deferred == {("user", "name")}
    assert loaded("joinedload(Order.user).defer(User.name)").deferred == {("user", "name")}
    assert loaded("joinedload(Order.user).undefer(User.photo)").below("user").paths == {("photo",)}


def test_refused() -> None:
    assert loaded("raiseload('*')").refused == {("*",)}
    assert loaded("raiseload(Order.user)").refused == {("user",)}
    assert loaded("selectinload(Order.lines).raiseload('*')").refused == {("lines", "*")}
    assert loaded("raiseload(Order.user), joinedload(Order.user)").refused == frozenset()
    assert loaded("joinedload(Order.user), lazyload(Order.user)").paths == frozenset()


@pytest.mark.parametrize("options", ["*OPTIONS", "OPTION", "joinedload(NAME)", "joinedload('*')", "joinedload(*NAMES)"])
def test_what_cannot_be_read(options: str) -> None:
    assert loaded(options).open


def test_names_in_strings() -> None:
    assert loaded("joinedload('lines.product')").paths == {("lines", "product")}
    assert loaded("joinedload_all('lines.product')").paths == {("lines",), ("lines", "product")}
    answer = dialect.load(SCHEMA, "shop.Order", Loads(), "refresh", arguments("['user', 'note']"))
    assert answer.loads.paths == {("user",)}
    answer = dialect.load(SCHEMA, "shop.Order", Loads(), "options", arguments("options=[joinedload(Order.user)]"))
    assert answer.loads.paths == {("user",)}
    assert dialect.load(SCHEMA, "shop.Order", Loads(), "execution_options", ()).loads == Loads()


SPELLED = {
    "user": ".options(joinedload(Order.user))",
    "lines": ".options(selectinload(Order.lines))",
    "lines lines.product": ".options(selectinload(Order.lines).joinedload(Line.product))",
    "user lines": ".options(joinedload(Order.user), selectinload(Order.lines))",
    "lines.product lines.order": (
        ".options(selectinload(Order.lines).options(joinedload(Line.product), joinedload(Line.order)))"
    ),
    "events": "",
    "nothing": "",
    "events user": ".options(joinedload(Order.user))",
}


@pytest.mark.parametrize("paths", SPELLED)
def test_suggestions_work(session: sql.Session, paths: str) -> None:
    wanted = tuple(tuple(path.split(".")) for path in paths.split())
    spelled = dialect.spell(SCHEMA, "shop.Order", Loads(), wanted)
    assert spelled == SPELLED[paths]
    if spelled:
        options = spelled.removeprefix(".options(").removesuffix(")")
        [row] = rows_of(session, options, "Order")
        assert all(has(row, path) for path in wanted if path != ("events",))


def test_a_suggestion_keeps_the_strategy_there_is(session: sql.Session) -> None:
    before = "joinedload(Order.lines)"
    spelled = dialect.spell(SCHEMA, "shop.Order", loaded(before), (("lines", "product"),))
    assert spelled == ".options(defaultload(Order.lines).joinedload(Line.product))"
    assert rows_of(session, f"{before}, defaultload(Order.lines).joinedload(Line.product)", "Order")
    with pytest.raises(InvalidRequestError):
        rows_of(session, f"{before}, selectinload(Order.lines).joinedload(Line.product)", "Order")


def test_what_is_joined_to_locked_rows_is_locked_too() -> None:
    assert dialect.spell(SCHEMA, "shop.Order", Loads(locked=True), (("user",),)) == ".options(selectinload(Order.user))"
    query = select(SHOP.Order).options(sql.joinedload(SHOP.Order.user)).with_for_update()
    joined = str(query.compile(dialect=postgresql.dialect()))
    assert "JOIN" in joined
    assert joined.endswith("FOR UPDATE")


def test_suggested_columns(session: sql.Session) -> None:
    def spelled(options: str, *path: str) -> str:
        return dialect.spell_column(SCHEMA, "shop.Order", loaded(options), path)

    assert spelled("load_only(Order.note)", "user_id") == "load_only(…, Order.user_id)"
    assert spelled("", "secret") == ".options(undefer(Order.secret))"
    assert spelled("joinedload(Order.user)", "user", "photo") == ".options(defaultload(Order.user).undefer(User.photo))"
    assert spelled("defer(Order.note)", "note") == ""
