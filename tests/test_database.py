"""The tables read from models are those that the libraries make, and vendors are told by what a project says."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from textwrap import dedent
from types import ModuleType

import django_world
import pytest
from sqlalchemy import create_engine, inspect

from slowpath.database import Table, merged, tables_of, with_implied
from slowpath.declarations import declare
from slowpath.libraries.django.dialect import dialect as django_dialect
from slowpath.libraries.sqlalchemy.dialect import dialect as sqlalchemy_dialect
from slowpath.libraries.vendors import vendors_of
from slowpath.project import link
from slowpath.schema import ForeignKey, Index
from slowpath.source import source_of

django_world.start()

from django.db import connection  # noqa: E402

# Columns, primary key, indexes as (columns, unique), keys as (columns, table, what a deletion does).
Shape = tuple[set[str], tuple[str, ...], set[tuple[tuple[str, ...], bool]], set[tuple[tuple[str, ...], str, str]]]

LIBRARY = """
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, MetaData, String, Table, Text
from sqlalchemy import UniqueConstraint, PrimaryKeyConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship, column_property


class Base(DeclarativeBase):
    pass


class Tracked:
    created: Mapped[int] = mapped_column(index=True)

    @declared_attr
    def owner_id(cls) -> Mapped[int]:
        return mapped_column("owner", ForeignKey("people.id", ondelete="SET NULL"))


class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column("mail", String(80), unique=True)
    kind: Mapped[str]
    name = Column(String(80))
    shout = column_property(name + "!")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Staff(Person):
    __tablename__ = "staff"
    id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    desk: Mapped[int] = mapped_column(index=True)
    __mapper_args__ = {"polymorphic_identity": "staff"}


class Guest(Person):
    until: Mapped[int | None] = mapped_column(index=True)
    __mapper_args__ = {"polymorphic_identity": "guest"}


class Loan(Tracked, Base):
    __tablename__ = "loans"
    __table_args__ = (
        Index("by_person", "person_id", "created"),
        UniqueConstraint("shelf", "slot", name="one"),
        ForeignKeyConstraint(["shelf", "slot"], ["places.shelf", "places.slot"], ondelete="CASCADE"),
        {"comment": "lent"},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id = Column(ForeignKey(Person.id))
    shelf = Column(Integer)
    slot = Column(Integer)
    person = relationship(Person, foreign_keys=person_id)


class Spot(Base):
    __tablename__ = "places"
    __table_args__ = (PrimaryKeyConstraint("shelf", "slot"),)
    shelf = Column(Integer)
    slot = Column(Integer)
    note = Column(Text)


Index("by_note", Spot.note.desc())

tags = Table(
    "tags",
    Base.metadata,
    Column("loan_id", ForeignKey("loans.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(9), primary_key=True, index=True),
    Column("code", Integer, unique=True),
    Index("by_tag", "tag", "code", unique=True),
)
"""

MODERN_LIBRARY = """
from sqlmodel import Field, SQLModel


class Crew(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)


class SailorBase(SQLModel):
    nick: str = Field(unique=True)


class Sailor(SailorBase, table=True):
    __tablename__ = "sailors"
    id: int | None = Field(default=None, primary_key=True)
    crew_id: int | None = Field(default=None, foreign_key="crew.id", ondelete="CASCADE")
"""

SHELF = """
from django.db import models


class Stamped(models.Model):
    stamp = models.DateField(db_index=True)

    class Meta:
        abstract = True
        app_label = "truth"


class Owner(models.Model):
    name = models.CharField(max_length=9, unique=True, db_column="full_name")
    slug = models.SlugField()

    class Meta:
        app_label = "truth"
        db_table = "owner_of_things"


class Thing(Stamped):
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="+")
    other = models.ForeignKey(Owner, models.SET_NULL, null=True, db_column="second", related_name="+")
    one = models.OneToOneField(Owner, models.CASCADE, related_name="+")
    size = models.IntegerField()
    code = models.CharField(max_length=5)

    class Meta:
        app_label = "truth"
        indexes = [models.Index(fields=["owner", "-size"], name="by_owner")]
        unique_together = [("code", "size")]
        constraints = [models.UniqueConstraint(fields=["size", "stamp"], name="once")]


class BigThing(Thing):
    weight = models.IntegerField(db_index=True)

    class Meta:
        app_label = "truth"


class NamedThing(Thing):
    class Meta:
        app_label = "truth"
        proxy = True
"""


def read(dialect: object, files: Mapping[str, str]) -> dict[str, Table]:
    project = link([declare(source_of(path, text)) for path, text in files.items()])
    return merged((*tables_of(dialect.models(project)), *dialect.tables(project)))  # type: ignore[attr-defined]


def shape(table: Table) -> Shape:
    columns = {column.column for column in table.columns}
    indexes = {(tuple(c.removeprefix("-") for c in index.columns), index.unique) for index in table.indexes}
    keys = {(key.columns, key.table, key.on_delete) for key in table.foreign_keys}
    return columns, table.primary_key, indexes, keys


def made_by_sqlalchemy(module: ModuleType) -> dict[str, Shape]:
    """What the tables look like in SQLite when the module's metadata has made them."""
    base = vars(module).get("Base") or vars(module)["SQLModel"]
    engine = create_engine("sqlite://")
    tables = [t for t in base.metadata.sorted_tables if vars(module).get("Base") or t.name in ("crew", "sailors")]
    base.metadata.create_all(engine, tables=tables)
    inspector = inspect(engine)
    found = {}
    for table in tables:
        name = table.name
        indexes = [(tuple(i["column_names"]), bool(i["unique"])) for i in inspector.get_indexes(name)]
        indexes += [(tuple(u["column_names"]), True) for u in inspector.get_unique_constraints(name)]
        # SQLite's catalogue does not name what is sorted downwards.
        indexes = [("note",) if None in columns else columns for columns, _ in indexes] and [
            (("note",) if None in columns else columns, unique) for columns, unique in indexes
        ]
        keys = [
            (tuple(k["constrained_columns"]), k["referred_table"], k["options"].get("ondelete", "").lower())
            for k in inspector.get_foreign_keys(name)
        ]
        columns = {column["name"] for column in inspector.get_columns(name)}
        found[name] = (
            columns,
            tuple(inspector.get_pk_constraint(name)["constrained_columns"]),
            set(indexes),
            set(keys),
        )
    return found


@pytest.mark.parametrize("text", [LIBRARY, MODERN_LIBRARY], ids=["sqlalchemy", "sqlmodel"])
def test_tables_are_those_that_sqlalchemy_makes(text: str) -> None:
    tables = read(sqlalchemy_dialect, {"library.py": text})
    module = ModuleType("library")
    sys.modules["library"] = module
    exec(compile(text, "library.py", "exec", dont_inherit=True), vars(module))
    assert {name: shape(table) for name, table in tables.items()} == made_by_sqlalchemy(module)
    assert all(table.known for table in tables.values())


def test_tables_are_those_that_django_makes() -> None:
    module = ModuleType("truth.shelf")
    sys.modules["truth.shelf"] = module
    exec(compile(SHELF, "shelf.py", "exec"), vars(module))
    concrete = [module.Owner, module.Thing, module.BigThing]
    django_world.create_tables(*concrete)
    tables = read(django_dialect, {"truth/models.py": SHELF, "truth/__init__.py": ""})
    for model in concrete:
        name = model._meta.db_table
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, name).values()
            columns = {c.name for c in connection.introspection.get_table_description(cursor, name)}
        indexes = {
            (tuple(c["columns"]), bool(c["unique"]))
            for c in constraints
            if (c["index"] or c["unique"]) and not c["primary_key"]
        }
        primary = next(tuple(c["columns"]) for c in constraints if c["primary_key"])
        found = shape(tables[name])
        assert found[:3] == (columns, primary, indexes), name
    assert shape(tables["truth_thing"])[3] == {
        (("owner_id",), "owner_of_things", "cascade"),
        (("second",), "owner_of_things", "set null"),
        (("one_id",), "owner_of_things", "cascade"),
    }
    assert tables["truth_thing"].models == ("truth.models.Thing", "truth.models.NamedThing")


def test_every_part_of_a_table_knows_where_it_comes_from() -> None:
    tables = read(sqlalchemy_dialect, {"library.py": LIBRARY})
    lines = LIBRARY.splitlines()
    loans = tables["loans"]
    assert {key.columns: lines[key.line - 1].strip()[:14] for key in loans.foreign_keys} == {
        ("owner",): "def owner_id(c",
        ("person_id",): "person_id = Co",
        ("shelf", "slot"): "ForeignKeyCons",
    }
    assert {index.columns: lines[index.line - 1].strip()[:14] for index in loans.indexes} == {
        ("created",): "created: Mappe",
        ("person_id", "created"): 'Index("by_pers',
        ("shelf", "slot"): "UniqueConstrai",
    }


def made(*columns: str, unique: bool = False, condition: str = "", method: str = "") -> Index:
    return Index(columns, unique, condition=condition, method=method)


@pytest.mark.parametrize(
    ("wanted", "indexes", "served"),
    [
        (["a"], [made("a")], True),
        (["a"], [made("-a", "b")], True),
        (["a"], [made("b", "a")], False),
        (["a", "b"], [made("b", "a")], True),
        (["a", "b"], [made("b")], True),
        (["a", "b"], [made("b", "c")], False),
        (["a"], [made("a", condition="b IS NULL")], False),
        (["a"], [made("a", method="gin")], False),
        (["a"], [made("lower(a)")], False),
        (["id"], [], True),
    ],
)
def test_what_serves_a_look_up(wanted: list[str], indexes: Iterable[Index], served: bool) -> None:
    table = Table("t", primary_key=("id",), indexes=tuple(indexes))
    assert (table.serving(wanted) is not None) == served


def test_mysql_indexes_keys_that_nothing_serves() -> None:
    keys = (ForeignKey(("a",), "u"), ForeignKey(("b",), "u"))
    table = Table("t", primary_key=("id",), indexes=(made("b", "c"),), foreign_keys=keys)
    assert [index.columns for index in with_implied(table).indexes] == [("b", "c"), ("a",)]


def test_what_several_say_of_a_table_is_put_together() -> None:
    one = Table("t", primary_key=("id",), indexes=(made("a"),), models=("m.T",))
    other = Table("t", indexes=(made("a"), made("b")), foreign_keys=(ForeignKey(("b",), "u"),), gaps=("unread",))
    both = merged([one, other])["t"]
    assert [index.columns for index in both.indexes] == [("a",), ("b",)]
    assert (both.primary_key, both.models, both.known) == (("id",), ("m.T",), False)


@pytest.mark.parametrize(
    ("files", "vendors"),
    [
        ({"a.py": "x = 1"}, ()),
        ({"settings.py": 'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}'}, ("postgresql",)),
        ({"settings.py": 'DATABASES = {"default": env.db("DATABASE_URL", default="postgres://x")}'}, ("postgresql",)),
        ({"config.py": 'class S:\n    db_url: str = "mysql+aiomysql://u@h/d"\n'}, ("mysql",)),
        ({"config.py": 'DB_DRIVER = env("DB_DRIVER", "mariadb")'}, ("mysql",)),
        ({"config.py": 'DRIVERS = {A: "postgresql+asyncpg", B: "mysql+aiomysql"}'}, ("mysql", "postgresql")),
        ({"config.py": 'DB_NAME = "mysql tables"'}, ()),
        ({"db.py": "import asyncpg\n"}, ("postgresql",)),
        ({"db.py": "import sqlite3\nfrom psycopg2 import sql\n"}, ("postgresql",)),
        ({"db.py": "import aiosqlite\n"}, ("sqlite",)),
        ({"a.py": "import pymysql\nimport psycopg\n", "b.py": "import psycopg\n"}, ("postgresql", "mysql")),
        ({"tests/settings.py": 'DATABASE_URL = "mysql://x"'}, ()),
        ({"a.py": 'DOCS_URL = "https://www.postgresql.org/"'}, ()),
    ],
)
def test_vendors(files: Mapping[str, str], vendors: tuple[str, ...]) -> None:
    assert vendors_of(link([declare(source_of(path, dedent(text))) for path, text in files.items()])) == vendors
