"""Models, eager loads and suggestions of Tortoise and Peewee."""

from __future__ import annotations

import pytest

from slowpath.declarations import declare
from slowpath.libraries.peewee.dialect import dialect as peewee
from slowpath.libraries.tortoise.dialect import dialect as tortoise
from slowpath.loads import Loads
from slowpath.project import link
from slowpath.schema import Schema
from slowpath.source import source_of
from slowpath.vocabulary import AttributeTerm, BuilderTerm, Dialect, ModelTerm, OpaqueTerm, Passed, QueryTerm, Text


def schema_of(dialect: Dialect, **files: str) -> Schema:
    """The models of a project with these modules."""
    return Schema(dialect.models(link(declare(source_of(f"{name}.py", text)) for name, text in files.items())))


def shape(schema: Schema, model: str) -> dict[str, tuple[str, str, str, str]]:
    """What there is to say of each relation."""
    return {
        relation.name: (relation.target, relation.kind, relation.access, relation.back)
        for relation in schema.models[model].relations
    }


TORTOISE = schema_of(
    tortoise,
    base="""
from tortoise import fields
from tortoise.models import Model

class Base(Model):
    id = fields.IntField(primary_key=True)
    created = fields.DatetimeField(null=True)

    class Meta:
        abstract = True
""",
    shop="""
from tortoise import fields
from tortoise.manager import Manager
from tortoise.signals import post_save
from base import Base

class Recent(Manager):
    pass

class User(Base):
    name = fields.CharField(80, unique=True)
    orders: fields.ReverseRelation["Order"]

class Order(Base):
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name="orders")
    boss = fields.ForeignKeyField("models.User", null=True, related_name=False)
    invoice = fields.OneToOneField("models.Invoice", related_name="order")
    tags = fields.ManyToManyField("models.Tag", through="order_tag")
    recent = Recent()

    class Meta:
        table = "orders"
        indexes = [("user_id", "created")]
        ordering = ["id"]

    async def save(self, *args, **kwargs):
        await super().save(*args, **kwargs)

class Invoice(Base):
    pass

class Tag(Base):
    parent = fields.ForeignKeyField("models.Tag")

@post_save(Order)
async def saved(sender, instance, created, using_db, update_fields):
    pass
""",
)


def test_tortoise_models() -> None:
    assert shape(TORTOISE, "shop.Order") == {
        "user": ("shop.User", "foreign-key", "row", "orders"),
        "boss": ("shop.User", "foreign-key", "row", ""),
        "invoice": ("shop.Invoice", "one-to-one", "row", "order"),
        "tags": ("shop.Tag", "many-to-many", "query", "orderss"),
    }
    assert shape(TORTOISE, "shop.User") == {"orders": ("shop.Order", "reverse-foreign-key", "query", "user")}
    assert shape(TORTOISE, "shop.Invoice") == {"order": ("shop.Order", "reverse-one-to-one", "row", "invoice")}
    assert shape(TORTOISE, "shop.Tag") == {
        "orderss": ("shop.Order", "many-to-many", "query", "tags"),
        "parent": ("shop.Tag", "foreign-key", "row", "tags"),
        "tags": ("shop.Tag", "reverse-foreign-key", "query", "parent"),
    }
    order = TORTOISE.models["shop.Order"]
    assert (order.table, order.ordered, order.complete, order.overrides) == ("orders", True, True, ("save",))
    assert (order.managers, order.receivers) == ((("recent", "shop.Recent"),), ("post_save",))
    assert [index.columns for index in order.indexes] == [("user_id", "created")]
    assert [column.name for column in order.columns] == ["user_id", "boss_id", "invoice_id", "id", "created"]
    assert TORTOISE.models["base.Base"].abstract


@pytest.mark.parametrize(
    ("model", "method", "written", "paths", "reason"),
    [
        ("Order", "prefetch_related", "user", "user", ""),
        ("User", "prefetch_related", "orders__tags", "orders orders.tags", ""),
        ("Order", "fetch_related", "tags", "tags", ""),
        ("Order", "select_related", "user", "user", ""),
        ("User", "select_related", "orders", "", ""),
        ("Order", "filter", "user", "", ""),
        ("Order", "prefetch_related", "users", "users", "Order has no relation `users` (did you mean `user`?)"),
        ("User", "prefetch_related", "orders__club", "orders orders.club", "Order has no relation `club`"),
        ("User", "select_related", "name", "name", "`name` is a column of User, no relation"),
    ],
)
def test_tortoise_loads(model: str, method: str, written: str, paths: str, reason: str) -> None:
    answer = tortoise.load(TORTOISE, f"shop.{model}", Loads(), method, (Passed(Text(written)),))
    assert answer.loads.paths == {tuple(path.split(".")) for path in paths.split()}
    assert [problem.reason.partition(":")[0] for problem in answer.problems] == ([reason] if reason else [])


def test_tortoise_prefetch() -> None:
    query = QueryTerm("shop.Order", Loads(frozenset({("tags",)})))
    prefetch = BuilderTerm("tortoise.query_utils.Prefetch", (Passed(Text("orders")), Passed(query, "queryset")))
    loads = tortoise.load(TORTOISE, "shop.User", Loads(), "prefetch_related", (Passed(prefetch),)).loads
    assert loads.paths == {("orders",), ("orders", "tags")}
    named = BuilderTerm(prefetch.type, (*prefetch.arguments, Passed(Text("paid"), "to_attr")))
    loads = tortoise.load(TORTOISE, "shop.User", Loads(), "prefetch_related", (Passed(named),)).loads
    assert (loads.aliases, loads.paths) == (((("paid",), "orders"),), {("paid",), ("paid", "tags")})
    assert tortoise.load(TORTOISE, "shop.User", Loads(), "prefetch_related", (Passed(OpaqueTerm()),)).loads.open


def test_tortoise_suggestions() -> None:
    spelled = tortoise.spell(TORTOISE, "shop.User", Loads(), (("orders",), ("orders", "tags"), ("orders", "invoice")))
    assert spelled == '.prefetch_related("orders__tags", "orders__invoice")'
    assert tortoise.spell(TORTOISE, "shop.User", Loads(), (("nothing",),)) == ""


PEEWEE = schema_of(
    peewee,
    base="from peewee import Model\nclass BaseModel(Model):\n    class Meta:\n        database = None\n",
    shop="""
import peewee
from peewee import CharField, ForeignKeyField, ManyToManyField
from base import BaseModel

class User(BaseModel):
    name = CharField(unique=True)

class Order(BaseModel):
    user = ForeignKeyField(User, backref="orders")
    previous = ForeignKeyField("self", null=True)

class Line(BaseModel):
    order = peewee.ForeignKeyField(Order, column_name="order_key")

    class Meta:
        table_name = "order_lines"
        primary_key = peewee.CompositeKey("order")
        indexes = ((("order",), True),)

class Tag(BaseModel):
    lines = ManyToManyField(Line, backref="tags")
""",
)


def test_peewee_models() -> None:
    assert shape(PEEWEE, "shop.Order") == {
        "user": ("shop.User", "foreign-key", "row", "orders"),
        "previous": ("shop.Order", "foreign-key", "row", "order_set"),
        "order_set": ("shop.Order", "reverse-foreign-key", "query", "previous"),
        "line_set": ("shop.Line", "reverse-foreign-key", "query", "order"),
    }
    assert shape(PEEWEE, "shop.User") == {"orders": ("shop.Order", "reverse-foreign-key", "query", "user")}
    assert shape(PEEWEE, "shop.Line")["tags"] == ("shop.Tag", "many-to-many", "query", "lines")
    line = PEEWEE.models["shop.Line"]
    assert (line.table, [(column.name, column.primary_key) for column in line.columns]) == (
        "order_lines",
        [("order_key", True)],
    )
    assert PEEWEE.models["base.BaseModel"].abstract
    assert PEEWEE.models["shop.User"].columns[0].name == "id"


# Counted with Peewee 4.5: what these rows have with them costs no further query.
@pytest.mark.parametrize(
    ("model", "method", "names", "paths"),
    [
        ("Order", "select", "Order", ""),
        ("Order", "select", "Order User", "user"),
        ("Order", "select", "Order.id User.name", "user"),
        ("Line", "select", "Line User", "order order.user"),
        ("Order", "select_extend", "User", "user"),
        ("User", "select", "User Order", ""),
        ("Order", "join", "User", ""),
        ("User", "prefetch", "Order", "orders"),
        ("User", "prefetch", "Order Line", "orders orders.line_set"),
        ("Order", "prefetch", "User", "user"),
        ("Order", "with_related", "Order.user", "user"),
    ],
)
def test_peewee_loads(model: str, method: str, names: str, paths: str) -> None:
    terms = [
        AttributeTerm(f"shop.{name.partition('.')[0]}", (name.partition(".")[2],))
        if "." in name
        else ModelTerm(f"shop.{name}")
        for name in names.split()
    ]
    answer = peewee.load(PEEWEE, f"shop.{model}", Loads(), method, tuple(Passed(term) for term in terms))
    expected = {tuple(path.split(".")) for path in paths.split()}
    found = {path for path in answer.loads.paths if "previous" not in path}
    assert (found, answer.loads.open) == (expected, False)


def test_peewee_what_cannot_be_read() -> None:
    assert peewee.load(PEEWEE, "shop.Order", Loads(), "select", (Passed(OpaqueTerm()),)).loads.open
    assert peewee.load(PEEWEE, "shop.Order", Loads(), "prefetch", (Passed(OpaqueTerm()),)).loads.open


@pytest.mark.parametrize(
    ("model", "paths", "spelled"),
    [
        ("Order", "user", ".select_extend(User).join_from(Order, User)"),
        ("Line", "order.user", ".select_extend(Order, User).join_from(Line, Order).join_from(Order, User)"),
        ("Order", "previous", ""),
        ("User", "orders", ".prefetch(Order)"),
        ("User", "orders.line_set", ".prefetch(Order, Line)"),
        ("User", "nothing", ""),
    ],
)
def test_peewee_suggestions(model: str, paths: str, spelled: str) -> None:
    wanted = tuple(tuple(path.split(".")) for path in paths.split())
    assert peewee.spell(PEEWEE, f"shop.{model}", Loads(), wanted) == spelled
