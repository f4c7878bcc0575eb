"""The models read from SQLAlchemy classes are those that SQLAlchemy itself maps."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from types import ModuleType

import pytest
from sqlalchemy import Column as SqlColumn
from sqlalchemy import inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipProperty, configure_mappers

from slowpath.declarations import declare
from slowpath.libraries.sqlalchemy.dialect import dialect
from slowpath.project import link
from slowpath.schema import Column, Lazy, Model, Relation, Schema
from slowpath.source import source_of

MODERN = """
from __future__ import annotations

from typing import Annotated, List, Optional

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    backref,
    column_property,
    deferred,
    mapped_column,
    relationship,
    synonym,
)
from sqlalchemy.orm.collections import attribute_keyed_dict

intpk = Annotated[int, mapped_column(primary_key=True)]
userfk = Annotated[int, mapped_column(ForeignKey("users.id"), index=True)]


class Base(DeclarativeBase):
    pass


class TimeMixin:
    created_at: Mapped[Optional[str]]
    updated_by_id: Mapped[Optional[int]] = mapped_column(ForeignKey("users.id"))


class CommonBase(Base):
    __abstract__ = True
    id: Mapped[intpk]


tags = Table(
    "post_tags", Base.metadata, Column("post_id", ForeignKey("posts.id")), Column("tag_id", ForeignKey("tags.id"))
)


class User(CommonBase):
    __tablename__ = "users"
    name: Mapped[str] = mapped_column("user_name", String(20), unique=True)
    nick = synonym("name")
    bio: Mapped[Optional[str]] = mapped_column(Text, deferred=True)
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    manager: Mapped[User | None] = relationship(remote_side="User.id", back_populates="reports")
    reports: Mapped[list[User]] = relationship(back_populates="manager")
    profile: Mapped[Optional[Profile]] = relationship(
        back_populates="user", uselist=False, lazy="joined", foreign_keys="Profile.user_id"
    )
    posts: DynamicMapped[Post] = relationship(back_populates="author", foreign_keys="Post.author_id")
    logs: WriteOnlyMapped["Log"] = relationship(order_by="Log.id")
    memberships: Mapped[List["Membership"]] = relationship(
        back_populates="user", cascade="all, delete-orphan", foreign_keys="[Membership.user_id]"
    )
    groups = association_proxy("memberships", "group")
    followers = relationship(
        lambda: User,
        secondary="follows",
        primaryjoin="User.id == Follow.to_id",
        secondaryjoin="User.id == Follow.from_id",
        backref=backref("following", lazy="dynamic"),
        viewonly=False,
    )
    first_posts = relationship(
        "Post",
        primaryjoin="and_(User.id == foreign(Post.author_id), Post.id < 10)",
        viewonly=True,
        order_by="Post.id",
    )


class Follow(Base):
    __tablename__ = "follows"
    to_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    from_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    __table_args__ = (
        PrimaryKeyConstraint("to_id", "from_id"),
        Index("ix_from", "from_id"),
        UniqueConstraint("from_id", "to_id", name="u"),
    )


class Profile(CommonBase, TimeMixin):
    __tablename__ = "profiles"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    user: Mapped["User"] = relationship(back_populates="profile", foreign_keys=[user_id])


class Log(CommonBase):
    __tablename__ = "logs"
    user_id: Mapped[userfk]
    text: Mapped[str]
    when = deferred(Column(Integer, nullable=False))


class Post(CommonBase):
    __tablename__ = "posts"
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    editor_id = Column(Integer, ForeignKey("users.id"), index=True)
    author: Mapped["User"] = relationship(foreign_keys=[author_id], back_populates="posts", lazy="raise")
    editor = relationship("User", foreign_keys="Post.editor_id", backref="edited", lazy=False)
    reviewer = relationship(User, primaryjoin=editor_id == User.id, viewonly=True)
    tags: Mapped[set["Tag"]] = relationship(secondary=tags, back_populates="posts", lazy="selectin")
    tag_names = association_proxy("tags", "name")
    length: Mapped[int] = column_property(func.length("x"))
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "post"}

    @hybrid_property
    def label(self):
        return self.id


class Article(Post):
    source_id = Column(ForeignKey("sources.id"))
    source = relationship("Source", backref=backref("article", uselist=False, lazy="subquery"))
    __mapper_args__ = {"polymorphic_identity": "article"}


class Video(Post):
    __tablename__ = "videos"
    id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    scenes: Mapped[dict[str, "Scene"]] = relationship(collection_class=attribute_keyed_dict("name"))
    __mapper_args__ = {"polymorphic_identity": "video"}


class Scene(CommonBase):
    __tablename__ = "scenes"
    name: Mapped[str]
    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("scenes.id"))
    parent = relationship("Scene", remote_side="Scene.id", backref="children")
    children2 = relationship("Scene", viewonly=True)


class Source(CommonBase):
    __tablename__ = "sources"
    url: Mapped[str]


class Tag(CommonBase):
    __tablename__ = "tags"
    name: Mapped[str]
    posts: Mapped[List["Post"]] = relationship("Post", secondary=lambda: tags, back_populates="tags")


class Group(CommonBase):
    __tablename__ = "groups"
    name: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    owner = relationship("User", lazy="immediate")
    owner2 = relationship("User", lazy="noload", viewonly=True)
    owner3 = relationship("User", lazy=True, viewonly=True)
    owner4 = relationship("User", lazy=None, viewonly=True)


class Membership(TimeMixin, CommonBase):
    __tablename__ = "memberships"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    user: Mapped["User"] = relationship(back_populates="memberships", foreign_keys="[Membership.user_id]")
    group: Mapped["Group"] = relationship(backref="memberships")
"""

OLDER = """
from sqlalchemy import Column, ForeignKey, Integer, Table
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    backref,
    declarative_base,
    mapped_column,
    registry,
    relationship,
)

Old = declarative_base()


class Node(Old):
    __tablename__ = "nodes"
    id = Column(Integer, primary_key=True)
    parent_id = Column(Integer, ForeignKey("nodes.id"))
    children = relationship("Node", backref=backref("parent", remote_side=[id]), lazy="joined", join_depth=2)


SHARED = {"lazy": "subquery", "viewonly": True}


class Leaf(Old):
    __tablename__ = "leaves"
    OWN = dict(lazy="raise", viewonly=True)
    shared = relationship(Node, **SHARED)
    own = relationship(Node, **OWN)
    id = Column(Integer, primary_key=True)
    node_id = Column(ForeignKey(Node.id), nullable=False)
    node = relationship(Node, uselist=False, backref=backref("leaf", uselist=False))


reg = registry()


@reg.mapped
class Thing:
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)
    parts: Mapped[list["Part"]] = relationship(back_populates="thing")


@reg.mapped
class Part:
    __table__ = Table(
        "parts", reg.metadata, Column("id", Integer, primary_key=True), Column("thing_id", ForeignKey("things.id"))
    )
    thing = relationship(Thing, back_populates="parts")


class DC(MappedAsDataclass, DeclarativeBase):
    pass


class Point(DC):
    __tablename__ = "points"
    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("dlines.id"))
    line: Mapped["DLine"] = relationship(init=False, foreign_keys=[line_id])


class DLine(DC):
    __tablename__ = "dlines"
    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    start_id: Mapped[int] = mapped_column(ForeignKey("points.id"))
    start: Mapped["Point"] = relationship(init=False, foreign_keys=[start_id])
    points: Mapped[list["Point"]] = relationship(init=False, foreign_keys=[Point.line_id])
"""

SQLMODEL = """
from typing import Optional

from sqlmodel import Field, Relationship, SQLModel


class Named(SQLModel):
    name: str = Field(index=True)


class Membership(SQLModel, table=True):
    team_id: Optional[int] = Field(default=None, foreign_key="team.id", primary_key=True)
    hero_id: Optional[int] = Field(default=None, foreign_key="hero.id", primary_key=True)


class Team(Named, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    city_id: int = Field(foreign_key="city.id", unique=True)
    city: "City" = Relationship(back_populates="team")
    heroes: list["Hero"] = Relationship(link_model=Membership)


class Hero(Named, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    secret: str | None = None
    powers: list["Power"] = Relationship(back_populates="hero", sa_relationship_kwargs={"lazy": "selectin"})


class City(Named, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    team: Optional["Team"] = Relationship(back_populates="city", sa_relationship_kwargs={"uselist": False})


class Power(Named, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    hero_id: Optional[int] = Field(default=None, foreign_key="hero.id")
    hero: Optional[Hero] = Relationship(back_populates="powers")
"""

LAZY: Mapping[object, Lazy] = {
    "select": "select",
    "dynamic": "select",
    "write_only": "select",
    "joined": "joined",
    "selectin": "batch",
    "subquery": "batch",
    "immediate": "batch",
    "raise": "raise",
    "raise_on_sql": "raise",
    "noload": "none",
}
KINDS = {
    "MANYTOONE": ("foreign-key", "one-to-one"),
    "ONETOMANY": ("reverse-foreign-key", "reverse-one-to-one"),
    "MANYTOMANY": ("many-to-many",),
}


def models_of(files: Mapping[str, str]) -> dict[str, Model]:
    """The models of a project with these files, by label."""
    project = link(declare(source_of(path, text)) for path, text in files.items())
    return {model.label: model for model in dialect.models(project)}


def mappers_of(name: str, text: str) -> Iterator[Mapper[object]]:
    """What SQLAlchemy makes of the file."""
    module = ModuleType(name)
    sys.modules[name] = module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(text, name, "exec", dont_inherit=True), module.__dict__)
        configure_mappers()
    for value in dict.fromkeys(value for value in vars(module).values() if isinstance(value, type)):
        try:
            mapper = inspect(value)
        except NoInspectionAvailable:
            continue
        if isinstance(mapper, Mapper) and value.__module__ == name:
            yield mapper


@pytest.mark.parametrize(("name", "text"), [("modern", MODERN), ("older", OLDER), ("heroes", SQLMODEL)])
def test_sqlalchemy_maps_the_same(name: str, text: str) -> None:
    ours = {label: model for label, model in models_of({f"{name}.py": text}).items() if not model.abstract}
    mappers = {mapper.class_.__name__: mapper for mapper in mappers_of(name, text)}
    assert ours.keys() == mappers.keys()
    for label, mapper in mappers.items():
        model = ours[label]
        assert model.complete, label
        assert model.table in ("", getattr(mapper.local_table, "name", None)), label
        assert {relation.name: _ours(relation, mapper) for relation in model.relations} == {
            key: _theirs(name, relationship) for key, relationship in mapper.relationships.items()
        }, label
        assert {column.name: _our_column(column) for column in model.columns} == {
            attribute.key: _their_column(attribute) for attribute in mapper.column_attrs
        }, label


def _ours(relation: Relation, mapper: Mapper[object]) -> object:
    theirs = mapper.relationships[relation.name]
    assert relation.kind in KINDS[theirs.direction.name], relation
    keys = [mapper.get_property_by_column(column).key for column in theirs.local_columns]
    assert theirs.direction.name != "MANYTOONE" or relation.column in keys, relation
    return relation.target, relation.access, relation.lazy, relation.back


def _theirs(module: str, relationship: RelationshipProperty[object]) -> object:
    is_query = relationship.lazy in ("dynamic", "write_only")
    access = "query" if is_query else "rows" if relationship.uselist else "row"
    lazy = {True: "select", False: "joined", None: "noload"}.get(relationship.lazy, relationship.lazy)  # type: ignore[call-overload]
    target = f"{module}.{relationship.mapper.class_.__qualname__}"
    return target, access, LAZY[lazy], relationship.back_populates or ""


def _our_column(column: Column) -> object:
    if not column.column or column.type == "column_property":
        return column.deferred
    return column.column, column.primary_key, column.nullable, column.indexed, column.unique, column.deferred


def _their_column(attribute: ColumnProperty[object]) -> object:
    column = attribute.columns[0]
    if not isinstance(column, SqlColumn):
        return attribute.deferred
    flags = (column.primary_key, bool(column.nullable), bool(column.index), bool(column.unique))
    return column.name, *flags, attribute.deferred


def test_what_else_a_class_says() -> None:
    models = models_of({"modern.py": MODERN})
    user, follow, video = models["User"], models["Follow"], models["Video"]
    assert [(proxy.name, proxy.path) for proxy in user.proxies] == [
        ("nick", ("name",)),
        ("groups", ("memberships", "group")),
    ]
    assert [(index.columns, index.unique, index.name) for index in follow.indexes] == [
        (("from_id",), False, "ix_from"),
        (("from_id", "to_id"), True, "u"),
    ]
    assert (video.multi_table, models["Article"].multi_table) == (True, False)
    assert video.parents == ("modern.Post", "modern.CommonBase")
    assert models["CommonBase"].abstract
    assert Schema(models.values()).relation("modern.User", "posts").nullable is False  # type: ignore[union-attr]
    assert {relation.name for relation in models["Group"].relations if relation.nullable} == set()
    assert {relation.through for relation in user.relations if relation.through} == {"modern.Follow"}


FLASK = {
    "app/__init__.py": "",
    "app/database.py": """
from flask_sqlalchemy import SQLAlchemy

class Query:
    pass

db = SQLAlchemy(query_class=Query)
Model = db.Model
""",
    "app/models.py": """
from functools import partial
from sqlalchemy.ext.declarative import declared_attr
from app import database
from .database import Model, db

Column = partial(db.Column, nullable=False)


class Owned:
    @declared_attr
    def owner(cls) -> "User":
        return db.relationship("User")


class UserAccount(Model):
    id = Column(db.Integer, primary_key=True)


class OrderLine(database.db.Model):
    id = db.Column(db.Integer, primary_key=True)
    account_id = db.Column(db.ForeignKey("user_account.id"), index=True)
    account = db.relationship("UserAccount", backref=db.backref("lines", lazy="dynamic"))


class Special(OrderLine):
    other = db.relationship("app.models.UserAccount", viewonly=True)
""",
    "app/views.py": "from app.models import OrderLine\n",
}


def test_flask() -> None:
    models = models_of(FLASK)
    assert sorted(models) == ["OrderLine", "Special", "UserAccount"]
    line = models["OrderLine"]
    assert (line.table, line.rows_type) == ("order_line", "flask_sqlalchemy.query.Query")
    assert line.managers == (("query", "app.database.Query"),)
    account, lines = line.relations[0], models["UserAccount"].relations[0]
    assert (account.target, account.column, account.back) == ("app.models.UserAccount", "account_id", "lines")
    assert (lines.target, lines.access, lines.kind) == ("app.models.OrderLine", "query", "reverse-foreign-key")
    assert [relation.target for relation in models["Special"].relations] == ["app.models.UserAccount"] * 2


def test_bases_outside_the_project() -> None:
    models = models_of(
        {
            "base.py": "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase):\n    pass\n",
            "models.py": """
from company.database import Base as Shared
from company.mixins import Audited
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship
from base import Base

class User(SQLAlchemyBaseUserTableUUID, Base):
    pass

class Far(Shared):
    __tablename__ = "far"
    id: Mapped[int] = mapped_column(primary_key=True)

class Near(Audited, Base):
    __tablename__ = "near"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user = relationship("User", **OPTIONS)
    far: Mapped["Far"] = relationship(lazy=HOW)

class Plain:
    __tablename__ = "plain"
""",
        }
    )
    assert {label: model.complete for label, model in models.items()} == {"User": False, "Far": False, "Near": False}
    user, far = models["Near"].relations
    # What cannot be read counts as loaded: nothing is said about it.
    assert (user.target, user.column, user.lazy, far.lazy) == ("models.User", "user_id", "joined", "joined")


def test_names_that_two_classes_have() -> None:
    base = "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase):\n    pass\n"
    thing = """
from sqlalchemy import Column
from {0} import Base
class Thing(Base):
    __tablename__ = "things"
    id = Column(primary_key=True)
"""
    part = """
from sqlalchemy.orm import relationship
from a.base import Base
class Part(Base):
    __tablename__ = "parts"
    one = relationship("{0}")
"""
    files = {"a/__init__.py": "", "a/base.py": base, "b/__init__.py": "", "b/base.py": base}
    files |= {"a/one.py": thing.format("a.base"), "b/one.py": thing.format("b.base")}
    assert models_of({**files, "a/part.py": part.format("Thing")})["Part"].relations[0].target == "a.one.Thing"
    files["a/two.py"] = thing.format("a.base")
    assert models_of({**files, "a/part.py": part.format("Thing")})["Part"].relations[0].target == ""
    assert models_of({**files, "a/part.py": part.format("a.two.Thing")})["Part"].relations[0].target == "a.two.Thing"
