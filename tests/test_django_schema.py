"""The schema read from Django's classes, compared with what is written here and with Django itself."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from textwrap import dedent

import django_world
import pytest

from slowpath.declarations import declare
from slowpath.libraries.django.dialect import dialect
from slowpath.libraries.django.rows import lookup_name
from slowpath.project import link
from slowpath.schema import Model, Schema
from slowpath.source import source_of

django_world.start()

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRel, GenericRelation  # noqa: E402
from django.db import models  # noqa: E402

HEAD = "from django.db import models\nfrom django.conf import settings\n"


def schema_of(files: Mapping[str, str]) -> Schema:
    """The schema of a project of these files, each beginning with the usual imports."""
    texts = {path: HEAD + dedent(text) for path, text in files.items()}
    packages = {f"{path.rpartition('/')[0]}/__init__.py": "" for path in files}
    return Schema(dialect.models(link([declare(source_of(*file)) for file in (packages | texts).items()])))


def relations(schema: Schema, model: str) -> list[str]:
    """`name kind target access` of every relation of the model, targets by label."""
    found = schema.models[model].relations
    return [f"{r.name} {r.kind} {schema.label(r.target) or '?'} {r.access} back={r.back or '-'}" for r in found]


BOOKS = """
class Author(models.Model):
    name = models.CharField(max_length=9, db_column="full_name")

class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE)
"""

# Proxies of the project's users are users.
PROXIED = {
    "shop/models.py": """
        from django.contrib.auth import get_user_model
        class Buyer(get_user_model()):
            class Meta:
                proxy = True
        class Order(models.Model):
            buyer = models.ForeignKey("shop.Buyer", models.CASCADE, related_name="orders")
    """
}

CASES: dict[str, tuple[dict[str, str], str, list[str]]] = {
    "default names": (
        {"shop/models.py": BOOKS},
        "shop.models.Author",
        ["book_set reverse-foreign-key Book manager back=author"],
    ),
    "strings, other apps, other labels": (
        {
            "shop/apps.py": """
                from django.apps import AppConfig
                class ShopConfig(AppConfig):
                    name = "shop"
                    label = "store"
            """,
            "shop/models.py": BOOKS,
            "blog/models.py": """
                class Post(models.Model):
                    author = models.ForeignKey("store.Author", models.CASCADE)
                    book = models.ForeignKey(to="shop.Book", on_delete=models.CASCADE)
                    reply_to = models.ForeignKey("self", models.CASCADE)
                    tag = models.ManyToManyField("Tag", related_name="posts")
                class Tag(models.Model): pass
            """,
        },
        "blog.models.Post",
        [
            "author foreign-key Author row back=post_set",
            "book foreign-key Book row back=post_set",
            "reply_to foreign-key Post row back=post_set",
            "tag many-to-many Tag manager back=posts",
            "post_set reverse-foreign-key Post manager back=reply_to",
        ],
    ),
    "the user model of the settings": (
        {
            "config/settings.py": 'AUTH_USER_MODEL = "accounts.Member"',
            "tests/settings.py": 'AUTH_USER_MODEL = "tests.Fake"',
            "accounts/models.py": """
                from django.contrib.auth.models import AbstractUser
                class Member(AbstractUser): pass
            """,
            "blog/compat.py": "USER = getattr(settings, 'AUTH_USER_MODEL', 'auth.User')",
            "blog/models.py": """
                from django.contrib.auth import get_user_model
                from .compat import USER
                class Post(models.Model):
                    a = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
                    b = models.ForeignKey(get_user_model(), models.CASCADE, related_name="+")
                    c = models.ForeignKey(USER, models.CASCADE, related_name="%(app_label)s_%(class)ss")
            """,
        },
        "blog.models.Post",
        [
            "a foreign-key Member row back=-",
            "b foreign-key Member row back=-",
            "c foreign-key Member row back=blog_posts",
        ],
    ),
    "Django's own user": (
        {
            "blog/models.py": """
                class Post(models.Model):
                    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
            """
        },
        "django.contrib.auth.models.User",
        [
            "groups many-to-many Group manager back=user_set",
            "user_permissions many-to-many Permission manager back=user_set",
            "post_set reverse-foreign-key Post manager back=by",
            "logentry_set reverse-foreign-key LogEntry manager back=user",
            "auth_token reverse-one-to-one Token row back=user",
        ],
    ),
    "a proxy of the user model": (
        PROXIED,
        "shop.models.Order",
        ["buyer foreign-key Buyer row back=orders"],
    ),
    "fields and bases of other libraries": (
        {
            "shop/models.py": """
                from elsewhere.models import Priced
                from mptt.models import MPTTModel, TreeForeignKey
                from taggit.managers import TaggableManager
                class OwnKey(models.ForeignKey): pass
                class Node(MPTTModel):
                    parent = TreeForeignKey("self", models.CASCADE, related_name="children")
                    tags = TaggableManager()
                class Order(Priced):
                    node = OwnKey("Node", models.CASCADE)
                    unknown = models.ForeignKey(chosen(), models.CASCADE)
            """
        },
        "shop.models.Node",
        [
            "parent foreign-key Node row back=children",
            "tags many-to-many Tag manager back=-",
            "children reverse-foreign-key Node manager back=parent",
            "order_set reverse-foreign-key Order manager back=node",
        ],
    ),
    "plain mixins give no fields, a name set to something else takes one away": (
        {
            "shop/models.py": """
                class Mixin:
                    owner = models.ForeignKey("Order", models.CASCADE)
                class Base(models.Model):
                    payer = models.ForeignKey("Order", models.CASCADE, related_name="+")
                    class Meta:
                        abstract = True
                class Order(Mixin, Base):
                    payer = None
            """
        },
        "shop.models.Order",
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_relations(case: str) -> None:
    files, model, expected = CASES[case]
    assert relations(schema_of(files), model) == expected


def test_classes_in_a_circle() -> None:
    schema = schema_of({"shop/models.py": "class A(B): pass\nclass B(C, models.Model): pass\nclass C(A): pass"})
    assert {"shop.models.A", "shop.models.B"} <= set(schema.models)


def only_model(text: str, name: str = "Order") -> Model:
    return schema_of({"shop/models.py": text}).models[f"shop.models.{name}"]


def test_managers_are_named_by_the_classes_whose_methods_they_have() -> None:
    order = only_model(
        """
        from thirdparty import OtherManager
        class Orders(models.QuerySet): pass
        class Base(models.Manager): pass
        Combined = Base.from_queryset(Orders)
        class Inherits(models.Manager.from_queryset(Orders)): pass
        class Order(models.Model):
            a = Base()
            b = Orders.as_manager()
            c = Base.from_queryset(Orders)()
            d = Combined()
            e = Inherits()
            f = OtherManager()
            class Meta:
                default_manager_name = "b"
        """
    )
    both = "shop.models.Base+shop.models.Orders"
    assert dict(order.managers) == {
        "a": "shop.models.Base",
        "b": "shop.models.Orders",
        "c": both,
        "d": both,
        "e": "shop.models.Inherits+shop.models.Orders",
        "f": "thirdparty.OtherManager",
        "_default_manager": "shop.models.Orders",
        "_base_manager": "django.db.models.Manager",
    }
    assert order.default_manager == "b"


def test_what_happens_on_saving() -> None:
    models_ = schema_of(
        {
            "shop/models.py": """
                from simple_history.models import HistoricalRecords
                class Base(models.Model):
                    def save(self): pass
                    class Meta:
                        abstract = True
                class Order(Base): pass
                class Line(models.Model): pass
                class Offer(models.Model):
                    history = HistoricalRecords()
            """,
            "shop/signals.py": """
                from django.db.models.signals import post_save, pre_delete, m2m_changed
                from django.dispatch import receiver
                from .models import Order
                @receiver([post_save, pre_delete], sender=Order)
                def log(**kwargs): pass
                m2m_changed.connect(log, sender="shop.Line")
            """,
        }
    ).models
    found = {label: models_[f"shop.models.{label}"] for label in ("Order", "Line", "Offer")}
    assert {label: (model.overrides, model.receivers) for label, model in found.items()} == {
        "Order": (("save",), ("post_save", "pre_delete")),
        "Line": ((), ("m2m_changed",)),
        "Offer": ((), ("post_delete", "post_save")),
    }


def test_a_receiver_without_a_sender_listens_to_all() -> None:
    text = "from django.db.models.signals import post_save\npost_save.connect(print)\nclass Order(models.Model): pass"
    assert only_model(text).receivers == ("post_save",)


@pytest.mark.parametrize(
    ("bases", "complete"),
    [
        ("models.Model", True),
        ("models.Model, object", True),
        ("Plain, models.Model", True),
        ("Unknown", False),
        ("Unknown, models.Model", False),
        ("make()", False),
        ("TimeStampedModel", True),
        ("AbstractUser", True),
    ],
)
def test_complete_when_every_base_is_known(bases: str, complete: bool) -> None:
    order = only_model(
        f"""
        from django.contrib.auth.models import AbstractUser
        from model_utils.models import TimeStampedModel
        from elsewhere import Unknown, make
        class Plain: pass
        class Order({bases}):
            name = models.CharField(max_length=9)
        """
    )
    assert order.complete is complete


def test_what_only_looks_like_a_model() -> None:
    schema = schema_of(
        {
            "shop/forms.py": """
                from django import forms
                from rest_framework import serializers
                import graphene
                class OrderForm(forms.ModelForm):
                    name = forms.CharField()
                class OrderSerializer(serializers.ModelSerializer):
                    lines = serializers.ManyRelatedField()
                class Mutations(graphene.ObjectType):
                    create = OrderCreate.Field()
                class Plain:
                    name = models.CharField()
            """
        }
    )
    assert [name for name in schema.models if name.startswith("shop.")] == []


def test_indexes() -> None:
    order = only_model(
        """
        class Order(models.Model):
            class Meta:
                unique_together = ("a", "b")
                indexes = [models.Index(fields=["a", "-b"], name="ab", condition=models.Q(a=1))]
                constraints = [models.UniqueConstraint(fields=["c"], name="c")]
        """
    )
    found = [(index.columns, index.unique, index.name, bool(index.condition)) for index in order.indexes]
    assert found == [(("a", "b"), True, "", False), (("a", "-b"), False, "ab", True), (("c",), True, "c", False)]


WORLD = """
from django.contrib.auth.models import AbstractUser
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType

class FleetQuerySet(models.QuerySet):
    pass

class Registered(models.Model):
    office = models.ForeignKey("Office", models.CASCADE, related_name="%(class)s_records")
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    papers = models.ManyToManyField(
        "Paper", related_name="%(app_label)s_%(model_name)s_set", related_query_name="%(class)s"
    )
    records = models.Manager()
    class Meta:
        abstract = True
        ordering = ["pk"]

class Office(models.Model):
    code = models.CharField(max_length=9, primary_key=True)
    inspects = models.ManyToManyField("self", symmetrical=False, related_name="inspected_by")
    neighbours = models.ManyToManyField("self")

class Paper(models.Model):
    title = models.CharField(max_length=9, unique=True, db_column="heading")
    replaces = models.OneToOneField("self", models.SET_NULL, null=True)

class Vessel(Registered):
    name = models.CharField(max_length=9, db_index=True)
    remarks = GenericRelation("Remark", related_query_name="vessel")
    fleet = FleetQuerySet.as_manager()

class Tanker(Vessel):
    volume = models.IntegerField()
    class Meta:
        verbose_name = "tanker"

class Supertanker(Tanker):
    pass

class Tug(Registered, models.Model):
    class Meta:
        default_related_name = "tugs"
    helps = models.ForeignKey(Vessel, models.CASCADE)

class Barge(models.Model):
    vessel = models.OneToOneField(
        Vessel, models.CASCADE, parent_link=False, related_name="barge_of", related_query_name="towing"
    )

class Launch(Vessel):
    base = models.OneToOneField(Vessel, models.CASCADE, parent_link=True, related_name="boat")

class OldVessel(Vessel):
    class Meta:
        proxy = True
        ordering = ["-pk"]

class Sailor(models.Model):
    ships = models.ManyToManyField(Vessel, through="Service", related_name="crew")
    mentor = models.ForeignKey("self", models.SET_NULL, null=True, related_query_name="pupil")
    rival = models.OneToOneField("Sailor", models.SET_NULL, null=True, related_name="rival_of")

class Service(models.Model):
    sailor = models.ForeignKey(Sailor, models.CASCADE)
    ship = models.ForeignKey(OldVessel, models.CASCADE)
    class Meta:
        unique_together = [("sailor", "ship")]
        order_with_respect_to = None

class Remark(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveIntegerField()
    about = GenericForeignKey()

class Cargo(models.Model):
    tanker = models.ForeignKey(to="truth.Tanker", on_delete=models.CASCADE, db_column="tank", to_field=None)
    papers = models.ManyToManyField(Paper)
    class Meta:
        base_manager_name = "objects"
    objects = models.Manager.from_queryset(FleetQuerySet)()
    others = models.Manager()
"""
WORLD_MODULE = "truth.fleet"
WORLD_MODELS = [
    "Office",
    "Paper",
    "Vessel",
    "Tanker",
    "Supertanker",
    "Tug",
    "Barge",
    "Launch",
    "OldVessel",
    "Sailor",
    "Service",
    "Remark",
    "Cargo",
]


@pytest.fixture(scope="module")
def real() -> types.ModuleType:
    """The same models in Django."""
    if WORLD_MODULE not in sys.modules:
        module = types.ModuleType(WORLD_MODULE)
        sys.modules[WORLD_MODULE] = module
        exec(compile(HEAD + WORLD, WORLD_MODULE, "exec"), module.__dict__)
    return sys.modules[WORLD_MODULE]


@pytest.fixture(scope="module")
def schema() -> Schema:
    return schema_of({"truth/fleet.py": WORLD})


def _kind(field: models.Field) -> str:  # type: ignore[type-arg]
    if isinstance(field, GenericForeignKey):
        return "generic-foreign-key"
    if isinstance(field, GenericRelation):
        return "generic-reverse"
    if field.many_to_many:
        return "many-to-many"
    side = "reverse-" if field.auto_created and not field.concrete else ""
    return f"{side}one-to-one" if field.one_to_one else "reverse-foreign-key" if side else "foreign-key"


def _name(field: models.Field) -> str:  # type: ignore[type-arg]
    return field.get_accessor_name() if field.auto_created and not field.concrete else field.name


@pytest.mark.parametrize("label", WORLD_MODELS)
def test_relations_are_those_of_django(label: str, real: types.ModuleType, schema: Schema) -> None:
    model = getattr(real, label)
    expected = {
        (_name(field), _kind(field), field.related_model.__name__ if field.related_model else "", field.name)
        for field in model._meta.get_fields()
        # A generic relation has another side in lookups only.
        if field.is_relation and not isinstance(field, GenericRel)
    }
    name = f"{WORLD_MODULE}.{label}"
    found = {
        (r.name, r.kind, schema.label(r.target) if r.target else "", lookup_name(schema, name, r))
        for r in schema.models[name].relations
    }
    assert found == expected
    for relation in schema.models[name].relations:
        reads_manager = (
            hasattr(getattr(model, relation.name), "related_manager_cls") or relation.kind == "generic-reverse"
        )
        assert relation.many is reads_manager, relation.name


@pytest.mark.parametrize("label", WORLD_MODELS)
def test_columns_are_those_of_django(label: str, real: types.ModuleType, schema: Schema) -> None:
    fields = getattr(real, label)._meta.concrete_fields
    expected = {(f.attname, f.column, f.primary_key, f.unique, f.unique or f.db_index, f.null) for f in fields}
    columns = schema.models[f"{WORLD_MODULE}.{label}"].columns
    assert {(c.name, c.column, c.primary_key, c.unique, c.indexed, c.nullable) for c in columns} == expected


@pytest.mark.parametrize("label", WORLD_MODELS)
def test_the_rest_is_that_of_django(label: str, real: types.ModuleType, schema: Schema) -> None:
    options, found = getattr(real, label)._meta, schema.models[f"{WORLD_MODULE}.{label}"]
    names = {name for name, _ in found.managers if not name.startswith("_")}
    assert names == {manager.name for manager in options.managers}
    assert found.default_manager == options.default_manager.name
    assert found.table == options.db_table
    assert found.ordered is bool(options.ordering)
    assert found.multi_table is any(options.concrete_model._meta.parents.values())
    assert found.complete
