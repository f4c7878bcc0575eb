"""When Django queries and when it does not: the facts that slowpath's findings stand on, executed.

Runs under Django 4.2 to 6.1; what differs is in `prefetch_table.SINCE`.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django
import django_world
import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import FieldError
from django.db import models
from django.db.models import Prefetch

from truth import prefetch_table

django_world.start()

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402

PARENTS, CHILDREN = 2, 3


class Parent(models.Model):
    name = models.CharField(max_length=20)
    size = models.IntegerField(default=1)
    toys = models.ManyToManyField("Toy", related_name="owners")
    books = models.ManyToManyField("Book", related_name="owners")
    notes = GenericRelation("Note")

    class Meta:
        app_label = "truth"


class Child(models.Model):
    parent = models.ForeignKey(Parent, models.CASCADE, related_name="children")
    teacher = models.ForeignKey(Parent, models.CASCADE, related_name="pupils", null=True)
    name = models.CharField(max_length=20)
    size = models.IntegerField(default=1)
    born = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "truth"


class Pet(models.Model):
    """A child in a fixed order."""

    parent = models.ForeignKey(Parent, models.CASCADE, related_name="pets")
    name = models.CharField(max_length=20)
    born = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "truth"
        ordering = ("name",)


class Toy(models.Model):
    name = models.CharField(max_length=20)
    born = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "truth"


class Book(models.Model):
    """A toy in a fixed order."""

    name = models.CharField(max_length=20)
    born = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "truth"
        ordering = ("name",)


class Passport(models.Model):
    parent = models.OneToOneField(Parent, models.CASCADE, related_name="passport")
    number = models.IntegerField()

    class Meta:
        app_label = "truth"


class Note(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveBigIntegerField()
    about = GenericForeignKey()
    name = models.CharField(max_length=20)
    born = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "truth"


@pytest.fixture(scope="module", autouse=True)
def family() -> Iterator[None]:
    """Two parents with a passport and three of everything; the children's teacher is a third."""
    django_world.create_tables(Parent, Child, Pet, Toy, Book, Passport, Note)
    with django_world.rolled_back():
        teacher = Parent.objects.create(name="teacher")
        for number in range(PARENTS):
            parent = Parent.objects.create(name=f"parent {number}")
            Passport.objects.create(parent=parent, number=number)
            for name in range(CHILDREN):
                Child.objects.create(parent=parent, teacher=teacher, name=name)
                Pet.objects.create(parent=parent, name=name)
                parent.toys.add(Toy.objects.create(name=name))
                parent.books.add(Book.objects.create(name=name))
                Note.objects.create(about=parent, name=name)
        yield


@pytest.fixture(autouse=True)
def unchanged(family: None) -> Iterator[None]:
    with django_world.rolled_back():
        ContentType.objects.clear_cache()
        ContentType.objects.get_for_model(Parent)
        yield


@contextmanager
def costs(queries: int) -> Iterator[None]:
    with django_world.statements() as sent:
        yield
    assert len(sent) == queries, sent


def since(fact: str) -> bool:
    return prefetch_table.SINCE[fact] <= django.VERSION


def parents() -> models.QuerySet[Parent]:
    return Parent.objects.exclude(name="teacher")


# The table. Each kind of to-many relation is called in every way there is.

RELATIONS = {
    "children": Child,  # reverse foreign key
    "pets": Pet,  # the same, ordered
    "toys": Toy,  # many-to-many
    "books": Book,  # the same, ordered
    "notes": Note,  # generic relation
}
ORDERED = {"pets", "books"}

READS: dict[str, Callable[[Any], object]] = {
    "__bool__": lambda manager: bool(manager.all()),
    "__contains__": lambda manager: 1 in manager.all(),
    "__getitem__": lambda manager: (manager.all()[0], manager.all()[:2], manager.all()[::2]),
    "__iter__": lambda manager: list(iter(manager.all())),
    "__len__": lambda manager: len(manager.all()),
    "aggregate": lambda manager: manager.aggregate(models.Max("name")),
    "alias": lambda manager: list(manager.alias(label=models.F("name"))),
    "all": lambda manager: list(manager.all()),
    "annotate": lambda manager: list(manager.annotate(label=models.F("name"))),
    "complex_filter": lambda manager: list(manager.complex_filter({})),
    "contains": lambda manager: manager.contains(manager.all()[0]),
    "count": lambda manager: manager.count(),
    "dates": lambda manager: list(manager.dates("born", "year")),
    "datetimes": lambda manager: list(manager.datetimes("born", "year")),
    "db_manager": lambda manager: list(manager.db_manager("default").all()),
    "defer": lambda manager: list(manager.defer("name")),
    "difference": lambda manager: list(manager.order_by().difference(manager.order_by())),
    "distinct": lambda manager: list(manager.distinct()),
    "earliest": lambda manager: manager.earliest("name"),
    "exclude": lambda manager: list(manager.exclude(name="nobody")),
    "exists": lambda manager: manager.exists(),
    "explain": lambda manager: manager.explain(),
    "extra": lambda manager: list(manager.extra()),
    "fetch_mode": lambda manager: list(manager.fetch_mode(models.FETCH_PEERS)),
    "filter": lambda manager: list(manager.filter()),
    "first": lambda manager: manager.first(),
    "get": lambda manager: manager.get(name="1"),
    "get_queryset": lambda manager: list(manager.get_queryset()),
    "in_bulk": lambda manager: manager.in_bulk(),
    "intersection": lambda manager: list(manager.order_by().intersection(manager.order_by())),
    "iterator": lambda manager: list(manager.iterator()),
    "last": lambda manager: manager.last(),
    "latest": lambda manager: manager.latest("name"),
    "none": lambda manager: list(manager.none()),
    "only": lambda manager: list(manager.only("name")),
    "order_by": lambda manager: list(manager.order_by("name")),
    "prefetch_related": lambda manager: list(manager.prefetch_related(None)),
    "raw": lambda manager: list(manager.raw(f"SELECT * FROM {manager.model._meta.db_table}")),
    "reverse": lambda manager: list(manager.all().reverse()),
    "select_for_update": lambda manager: list(manager.select_for_update()),
    "select_related": lambda manager: list(manager.select_related(None)),
    "union": lambda manager: list(manager.order_by().union(manager.order_by())),
    "using": lambda manager: list(manager.using("default")),
    "values": lambda manager: list(manager.values("name")),
    "values_list": lambda manager: list(manager.values_list("name")),
}
WRITES: dict[str, Callable[[Any, Any], object]] = {
    "add": lambda manager, row: manager.add(row),
    "bulk_create": lambda manager, row: manager.bulk_create([row]) if row.pk is None else None,
    "bulk_update": lambda manager, row: manager.bulk_update([row], ["name"]),
    "clear": lambda manager, row: manager.clear(),
    "create": lambda manager, row: manager.create(**values(row)),
    "delete": lambda manager, row: manager.all().delete(),
    "get_or_create": lambda manager, row: manager.get_or_create(**values(row)),
    "remove": lambda manager, row: manager.remove(manager.all()[0]),
    "set": lambda manager, row: manager.set([row]),
    "update": lambda manager, row: manager.update(name="new"),
    "update_or_create": lambda manager, row: manager.update_or_create(**values(row)),
}


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("method", READS)
def test_read_of_prefetched_relation(relation: str, method: str) -> None:
    if method in prefetch_table.SINCE and not since(method):
        assert not hasattr(models.QuerySet, method)
        return
    free = method in prefetch_table.FREE or (method in prefetch_table.FREE_IF_ORDERED and relation in ORDERED)
    assert is_free(relation, READS[method]) == free


def is_free(relation: str, read: Callable[[Any], object]) -> bool:
    parent = parents().prefetch_related(relation).first()
    with django_world.statements() as sent:
        read(getattr(parent, relation))
    return not sent


def test_table_has_every_method_of_a_related_manager_once() -> None:
    written = (
        prefetch_table.WRITES_AND_DROPS
        | prefetch_table.WRITES_AND_KEEPS
        | prefetch_table.WRITES_AND_DROPS_IF_MANY_TO_MANY
    )
    groups = (prefetch_table.FREE, prefetch_table.FREE_IF_ORDERED, prefetch_table.QUERIES, written)
    table = frozenset().union(*groups)
    assert sum(map(len, groups)) == len(table)
    assert table == READS.keys() | WRITES.keys()
    manager = Parent.objects.create(name="lonely").toys
    methods = {
        name
        for name in (*dir(models.QuerySet), "add", "remove", "clear", "set")
        if not name.startswith("_") and callable(getattr(manager, name, None))
    }
    async_methods = {name for name in methods if name[0] == "a" and name[1:] in methods}
    assert methods - async_methods - table == set()


ASYNC = {
    "aaggregate": lambda manager: manager.aaggregate(models.Max("name")),
    "acontains": lambda manager: manager.acontains(manager.all()[0]),
    "acount": lambda manager: manager.acount(),
    "aearliest": lambda manager: manager.aearliest("name"),
    "aexists": lambda manager: manager.aexists(),
    "aexplain": lambda manager: manager.aexplain(),
    "afirst": lambda manager: manager.afirst(),
    "aget": lambda manager: manager.aget(name="1"),
    "ain_bulk": lambda manager: manager.ain_bulk(),
    "alast": lambda manager: manager.alast(),
    "alatest": lambda manager: manager.alatest("name"),
    "__aiter__": lambda manager: drained(manager.all()),
    "aiterator": lambda manager: drained(manager.aiterator()),
}


async def drained(rows: Any) -> list[Any]:
    return [row async for row in rows]


@pytest.mark.parametrize("method", ASYNC)
@pytest.mark.parametrize("relation", ["pets", "toys"])
def test_async_method_costs_what_its_namesake_does(relation: str, method: str) -> None:
    namesake = "__iter__" if method == "__aiter__" else method[1:]

    async def read(manager: Any) -> None:
        await ASYNC[method](manager)

    # async_to_sync stays on this thread, and that is where the in-memory database is.
    assert is_free(relation, async_to_sync(read)) == is_free(relation, READS[namesake])


@pytest.mark.parametrize("relation", ["children", "toys", "notes", "pupils"])
@pytest.mark.parametrize("method", WRITES)
def test_rows_prefetched_before_a_write(relation: str, method: str) -> None:
    parent = (Parent.objects if relation == "pupils" else parents()).prefetch_related(relation)[0]
    manager = getattr(parent, relation)
    if not hasattr(manager, method) and method != "delete":
        assert (relation, method) in {("children", "clear"), ("children", "remove")}
        return
    WRITES[method](manager, new_row(manager, saved=method != "bulk_create"))
    with django_world.statements() as sent:
        list(manager.all())
    assert bool(sent) == drops(relation, method)


def values(row: models.Model) -> dict[str, object]:
    """The name of a new row, and for a pupil the parent it has besides a teacher."""
    parent = {"parent": row.parent} if isinstance(row, Child) and row.teacher_id else {}
    return {"name": "newer", **parent}


def new_row(manager: Any, *, saved: bool) -> models.Model:
    """A row that is not of the relation yet, or in `bulk_create` not in the database either."""
    row = manager.model(name="new")
    if isinstance(row, Child):
        row.parent = Parent.objects.first()
        row.teacher = manager.instance if manager.field.name == "teacher" else None
    if isinstance(row, Note):
        row.about = Parent.objects.first()
    if saved:
        row.save()
    return row


def drops(relation: str, method: str) -> bool:
    if method == "create" and relation in {"children", "pupils"}:
        return since("create drops the prefetched rows of a reverse foreign key")
    return method in prefetch_table.WRITES_AND_DROPS or (
        method in prefetch_table.WRITES_AND_DROPS_IF_MANY_TO_MANY and relation == "toys"
    )


def test_second_all_has_no_rows() -> None:
    assert not is_free("pets", lambda manager: list(manager.all().all()))


def test_queryset_that_is_not_ordered_any_more() -> None:
    for parent in parents().prefetch_related(Prefetch("pets", Pet.objects.order_by())):
        with costs(0 if since("first is free after order_by() without arguments") else 1):
            parent.pets.first()


def test_queryset_ordered_by_the_prefetch() -> None:
    for parent in parents().prefetch_related(Prefetch("toys", Toy.objects.order_by("name"))):
        with costs(0):
            parent.toys.first()
        with costs(1):
            parent.toys.last()


# Per row: the rows are in memory with what was loaded of them; what does reading them cost each?

Rows = Any  # a queryset, or a function that gives rows
Read = Callable[[Any], object]


def prefetched(rows: list[Any], lookup: str) -> list[Any]:
    models.prefetch_related_objects(rows, lookup)
    return rows


def with_key_of(rows: models.QuerySet[Child], relation: str) -> list[Child]:
    """Children whose parent's key is assigned to a relation: `parent` loses nothing by it."""
    children = list(rows)
    for child in children:
        setattr(child, f"{relation}_id", child.parent_id)
    return children


PER_ROW: list[tuple[str, Rows, Read, int]] = [
    ("foreign key", Child.objects.all(), lambda child: child.parent, 1),
    ("foreign key twice", Child.objects.all(), lambda child: (child.parent, child.parent), 1),
    ("its attname", Child.objects.all(), lambda child: child.parent_id, 0),
    ("its pk", Child.objects.all(), lambda child: child.parent.pk, 1),
    ("its pk, selected", Child.objects.select_related("parent"), lambda child: child.parent.pk, 0),
    ("its pk, prefetched", Child.objects.prefetch_related("parent"), lambda child: child.parent.pk, 0),
    ("hasattr of it", Child.objects.all(), lambda child: hasattr(child, "parent"), 1),
    ("comparison of it", Child.objects.all(), lambda child: child.parent == 1, 1),
    ("serializable_value", Child.objects.all(), lambda child: child.serializable_value("parent"), 0),
    ("clean_fields looks each key up", Child.objects.all(), lambda child: child.clean_fields(), 2),
    ("null key", lambda: [Child(name="orphan")], lambda child: child.teacher, 0),
    ("raw rows", lambda: Child.objects.raw("SELECT * FROM truth_child"), lambda child: child.parent, 1),
    ("second hop selects the first", Child.objects.select_related("parent__passport"), lambda child: child.parent, 0),
    # One-to-one, from its other side: that there is none is remembered too.
    ("one-to-one", Parent.objects.all(), lambda parent: hasattr(parent, "passport"), 1),
    (
        "one-to-one twice",
        Parent.objects.all(),
        lambda parent: (hasattr(parent, "passport"), hasattr(parent, "passport")),
        1,
    ),
    ("one-to-one, selected", Parent.objects.select_related("passport"), lambda parent: hasattr(parent, "passport"), 0),
    (
        "one-to-one, prefetched",
        Parent.objects.prefetch_related("passport"),
        lambda parent: hasattr(parent, "passport"),
        0,
    ),
    ("one-to-one there and back", parents(), lambda parent: parent.passport.parent, 1),
    ("and the other way", Passport.objects.all(), lambda passport: passport.parent.passport, 1),
    # To-many.
    ("manager itself", parents(), lambda parent: (bool(parent.children), hasattr(parent, "toys")), 0),
    ("related rows", parents(), lambda parent: list(parent.children.all()), 1),
    ("prefetched", parents().prefetch_related("children"), lambda parent: list(parent.children.all()), 0),
    (
        "prefetched and refreshed",
        parents().prefetch_related("children"),
        lambda parent: (parent.refresh_from_db(), list(parent.children.all())),
        2,
    ),
    (
        "prefetched in objects",
        lambda: prefetched(list(parents()), "children"),
        lambda parent: list(parent.children.all()),
        0,
    ),
    ("to_attr", parents().prefetch_related(Prefetch("children", to_attr="kids")), lambda parent: parent.kids, 0),
    (
        "to_attr, read as relation",
        parents().prefetch_related(Prefetch("children", to_attr="kids")),
        lambda parent: list(parent.children.all()),
        1,
    ),
    (
        "hop after to_attr",
        parents().prefetch_related(Prefetch("children", to_attr="kids"), "kids__teacher"),
        lambda parent: [child.teacher for child in parent.kids],
        0,
    ),
    (
        "filtered Prefetch",
        parents().prefetch_related(Prefetch("children", Child.objects.filter(size=1))),
        lambda parent: list(parent.children.all()),
        0,
    ),
    (
        "Prefetch that selects",
        parents().prefetch_related(Prefetch("children", Child.objects.select_related("teacher"))),
        lambda parent: [child.teacher for child in parent.children.all()],
        0,
    ),
    (
        "Prefetch that does not",
        parents().prefetch_related("children"),
        lambda parent: [child.teacher for child in parent.children.all()],
        CHILDREN,
    ),
    (
        "both hops",
        parents().prefetch_related("children__teacher"),
        lambda parent: [child.teacher for child in parent.children.all()],
        0,
    ),
    # Back references. What a manager returns knows whose it is; what another query returns does not.
    ("of related rows", parents(), lambda parent: [child.parent for child in parent.children.all()], 1),
    ("of filtered rows", parents(), lambda parent: [child.parent for child in parent.children.filter(size=1)], 1),
    ("of sliced rows", parents(), lambda parent: [child.parent for child in parent.children.order_by("name")[:2]], 1),
    ("of streamed rows", parents(), lambda parent: [child.parent for child in parent.children.iterator()], 1),
    ("of a single row", parents(), lambda parent: parent.children.get(name="1").parent, 1),
    (
        "of prefetched rows",
        parents().prefetch_related("children"),
        lambda parent: [child.parent for child in parent.children.all()],
        0,
    ),
    (
        "of rows in to_attr",
        parents().prefetch_related(Prefetch("children", to_attr="kids")),
        lambda parent: [child.parent for child in parent.kids],
        0,
    ),
    (
        "of rows found by their parent",
        parents(),
        lambda parent: [child.parent for child in Child.objects.filter(parent=parent)],
        1 + CHILDREN,
    ),
    (
        "the other foreign key",
        parents(),
        lambda parent: [child.teacher for child in parent.children.all()],
        1 + CHILDREN,
    ),
    (
        "of many-to-many rows",
        parents().prefetch_related("toys"),
        lambda parent: [list(toy.owners.all()) for toy in parent.toys.all()],
        CHILDREN,
    ),
    (
        "of generic rows",
        parents().prefetch_related("notes"),
        lambda parent: [note.about for note in parent.notes.all()],
        CHILDREN,
    ),
    # Generic foreign keys. Content types are cached, but not those that are read as a foreign key.
    ("generic key", Note.objects.all(), lambda note: note.about, 1),
    ("generic key, prefetched", Note.objects.prefetch_related("about"), lambda note: note.about, 0),
    ("content type", Note.objects.all(), lambda note: note.content_type, 1),
    # What is assigned.
    (
        "assigned row",
        Child.objects.all(),
        lambda child: (setattr(child, "parent", Parent(name="new")), child.parent.name),
        0,
    ),
    (
        "assigned key",
        lambda: with_key_of(Child.objects.select_related("teacher"), "teacher"),
        lambda child: child.teacher,
        1,
    ),
    (
        "same key assigned",
        lambda: with_key_of(Child.objects.select_related("parent"), "parent"),
        lambda child: child.parent,
        0,
    ),
    # Columns left out.
    ("only", Child.objects.only("name"), lambda child: (child.pk, child.id, child.name), 0),
    ("left out by only", Child.objects.only("name"), lambda child: (child.size, child.size), 1),
    ("left out by defer", Child.objects.defer("size"), lambda child: child.size, 1),
    ("two left out", Child.objects.only("name"), lambda child: (child.size, child.born), 2),
    ("only replaces only", Child.objects.only("name").only("size"), lambda child: child.name, 1),
    ("defer adds to defer", Child.objects.defer("name").defer("size"), lambda child: (child.name, child.size), 2),
    ("defer takes from only", Child.objects.only("name", "size").defer("size"), lambda child: child.size, 1),
    ("defer(None)", Child.objects.defer("name").defer(None), lambda child: child.name, 0),
    ("attname left out", Child.objects.only("name"), lambda child: child.parent_id, 1),
    ("attname by field name", Child.objects.only("name", "parent"), lambda child: child.parent_id, 0),
    ("attname by its own", Child.objects.only("name", "parent_id"), lambda child: child.parent_id, 0),
    ("row behind an attname left out", Child.objects.only("name"), lambda child: child.parent, 2),
    (
        "only across a selected key",
        Child.objects.select_related("parent").only("name", "parent__name"),
        lambda child: (child.parent_id, child.parent.name),
        0,
    ),
    (
        "left out across it",
        Child.objects.select_related("parent").only("name", "parent__name"),
        lambda child: child.parent.size,
        1,
    ),
    (
        "whole row across it",
        Child.objects.select_related("parent").only("name", "parent"),
        lambda child: child.parent.size,
        0,
    ),
    (
        "defer across it",
        Child.objects.select_related("parent").defer("parent__size"),
        lambda child: child.parent.size,
        1,
    ),
    ("only does not select", Child.objects.only("name", "parent__name"), lambda child: child.parent.name, 1),
    ("save of what only loaded", Child.objects.only("name"), lambda child: child.save(), 1),
    # What a later call leaves of an eager load.
    (
        "select adds to select",
        Child.objects.select_related("parent").select_related("teacher"),
        lambda child: (child.parent, child.teacher),
        0,
    ),
    (
        "select_related(None)",
        Child.objects.select_related("parent").select_related(None),
        lambda child: child.parent,
        1,
    ),
    (
        "prefetch_related(None)",
        parents().prefetch_related("toys").prefetch_related(None),
        lambda parent: list(parent.toys.all()),
        1,
    ),
    ("slice keeps it", parents().prefetch_related("toys")[:1], lambda parent: list(parent.toys.all()), 0),
    (
        "get keeps it",
        lambda: [parents().prefetch_related("toys").get(name="parent 1")],
        lambda parent: list(parent.toys.all()),
        0,
    ),
    ("first keeps it", lambda: [parents().prefetch_related("toys").first()], lambda parent: list(parent.toys.all()), 0),
    (
        "in_bulk keeps it",
        lambda: Child.objects.select_related("parent").in_bulk().values(),
        lambda child: child.parent,
        0,
    ),
    ("| keeps the left's", Child.objects.select_related("parent") | Child.objects.all(), lambda child: child.parent, 0),
    (
        "| drops the right's",
        Child.objects.all() | Child.objects.select_related("parent"),
        lambda child: child.parent,
        1,
    ),
    ("iterator keeps select", lambda: Child.objects.select_related("parent").iterator(), lambda child: child.parent, 0),
    # select_related() follows foreign keys that cannot be null, and nothing else.
    ("bare select", lambda: Child.objects.select_related(), lambda child: child.parent, 0),
    ("bare select, nullable", lambda: Child.objects.select_related(), lambda child: child.teacher, 1),
    ("bare select, one-to-one", lambda: Parent.objects.select_related(), lambda parent: hasattr(parent, "passport"), 1),
    # Rows of values are plain.
    ("values", Child.objects.values("name", "parent__name"), lambda row: row["parent__name"], 0),
    ("values ignore a prefetch", parents().prefetch_related("toys").values("name"), lambda row: row["name"], 0),
    ("values ignore a select", Child.objects.select_related("parent").values("name"), lambda row: row["name"], 0),
]


@pytest.mark.filterwarnings("ignore:Calling select_related.. with no arguments")  # Django 6.1
@pytest.mark.parametrize(("load", "read", "queries"), [pytest.param(*case[1:], id=case[0]) for case in PER_ROW])
def test_cost_per_row(load: Rows, read: Read, queries: int) -> None:
    rows = list(load() if callable(load) else load.all())
    assert rows
    with costs(queries * len(rows)):
        for row in rows:
            read(row)


# Evaluating the same queryset more than once.

EVALUATIONS: list[tuple[str, tuple[Read, ...], int]] = [
    ("[0], [1]", (lambda rows: rows[0], lambda rows: rows[1]), 2),
    ("for, [0], [:2]", (list, lambda rows: rows[0], lambda rows: rows[:2]), 1),
    ("for, for", (list, list), 1),
    ("if, for", (bool, list), 1),
    ("if not, for", (lambda rows: not rows, list), 1),
    ("len, for", (len, list), 1),
    ("in, for", (lambda rows: 1 in rows, list), 1),
    ("pickle, for", (pickle.dumps, list), 1),
    ("exists, for", (lambda rows: rows.exists(), list), 2),
    ("count, for", (lambda rows: rows.count(), list), 2),
    ("first, for", (lambda rows: rows.first(), list), 2),
    ("contains, for", (lambda rows: rows.contains(Child(pk=1)), list), 2),
    (
        "for, exists, count, contains",
        (list, lambda rows: rows.exists(), lambda rows: rows.count(), lambda rows: rows.contains(Child(pk=1))),
        1,
    ),
    ("for, first", (list, lambda rows: rows.first()), 2),
    ("for, get", (list, lambda rows: rows.get(pk=rows[0].pk)), 2),
    ("for, filter", (list, lambda rows: list(rows.filter(size=1))), 2),
    ("for, values_list", (list, lambda rows: list(rows.values_list("pk"))), 2),
    ("for, all", (list, lambda rows: list(rows.all())), 2),
    ("for, iterator, iterator", (list, lambda rows: list(rows.iterator()), lambda rows: list(rows.iterator())), 3),
    ("for, update, for", (list, lambda rows: rows.update(size=2), list), 3),
    ("not evaluated", (lambda rows: rows.filter(size=1).order_by("name").select_related("parent")[:3],), 0),
]


@pytest.mark.parametrize(("steps", "queries"), [pytest.param(*case[1:], id=case[0]) for case in EVALUATIONS])
def test_cost_of_one_queryset(steps: tuple[Read, ...], queries: int) -> None:
    rows = Child.objects.all()
    with costs(queries):
        for step in steps:
            step(rows)


def test_truth_value_loads_every_row_and_exists_does_not() -> None:
    with django_world.statements() as sent:
        bool(Child.objects.all())
        Child.objects.exists()
    assert ["LIMIT 1" in sql for sql in sent] == [False, True]


# Prefetching itself.


def test_prefetch_costs_one_query_per_hop() -> None:
    with costs(3):
        list(parents().prefetch_related("children__teacher"))


def test_prefetch_of_a_generic_key_costs_one_query_per_content_type() -> None:
    with costs(2):
        list(Note.objects.prefetch_related("about"))


def test_count_and_exists_do_not_prefetch() -> None:
    rows = parents().prefetch_related("children")
    with costs(2):
        rows.count()
        rows.exists()


def test_iterator_prefetches_once_per_chunk() -> None:
    rows = parents().prefetch_related("children")
    with costs(1 + PARENTS):
        for parent in rows.iterator(chunk_size=1):
            list(parent.children.all())
    with costs(1 + 1):
        for parent in rows.iterator(chunk_size=PARENTS):
            list(parent.children.all())


@pytest.mark.filterwarnings("ignore:Using QuerySet.iterator")
def test_iterator_without_chunk_size_raises_or_forgets_the_prefetch() -> None:
    rows = parents().prefetch_related("children")
    if since("iterator without chunk_size raises after prefetch_related"):
        with pytest.raises(ValueError, match="chunk_size must be provided"):
            list(rows.iterator())
    else:
        with costs(1 + PARENTS):
            for parent in rows.iterator():
                list(parent.children.all())


def test_prefetched_rows_without_the_key_that_joins_them_cost_a_query_each() -> None:
    with costs(1 + 1 + PARENTS * CHILDREN):
        list(parents().prefetch_related(Prefetch("children", Child.objects.only("name"))))
    with costs(1 + 1 + PARENTS * CHILDREN):
        list(Child.objects.only("name").prefetch_related("parent"))


# Eager loads that cannot be.

NO_SELECT = {
    "many-to-many": lambda: Parent.objects.select_related("toys"),
    "reverse foreign key": lambda: Parent.objects.select_related("children"),
    "generic relation": lambda: Parent.objects.select_related("notes"),
    "generic foreign key": lambda: Note.objects.select_related("about"),
    "column": lambda: Child.objects.select_related("name"),
    "attname": lambda: Child.objects.select_related("parent_id"),
    "unknown": lambda: Child.objects.select_related("unknown"),
    "unknown second hop": lambda: Child.objects.select_related("parent__unknown"),
    "only without the key": lambda: Child.objects.select_related("parent").only("name"),
    "defer of the key": lambda: Child.objects.select_related("parent").defer("parent"),
}


@pytest.mark.parametrize("rows", [pytest.param(rows, id=name) for name, rows in NO_SELECT.items()])
def test_select_related_raises_when_evaluated_also_without_rows(rows: Callable[[], Any]) -> None:
    with pytest.raises(FieldError):
        list(rows().filter(pk=0))
    rows().count()


def test_only_without_a_selected_one_to_one() -> None:
    rows = Parent.objects.select_related("passport").only("name")
    if since("only raises unless it names a selected reverse one-to-one"):
        with pytest.raises(FieldError):
            list(rows)
    else:
        with costs(1):
            assert [hasattr(parent, "passport") for parent in rows] == [False, True, True]


@pytest.mark.parametrize(
    ("lookup", "error"),
    [("unknown", AttributeError), ("name", ValueError), ("parent_id", ValueError)],
)
def test_prefetch_related_raises_only_where_there_are_rows(lookup: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(Child.objects.prefetch_related(lookup))
    assert list(Child.objects.filter(pk=0).prefetch_related(lookup)) == []


@pytest.mark.parametrize("method", ["select_related", "only", "defer"])
def test_rows_of_values_are_no_rows_to_load_from(method: str) -> None:
    with pytest.raises(TypeError, match=r"after \.values"):
        getattr(Child.objects.values("name"), method)("parent")


# Django 6.1 can fetch what was not loaded for all the rows of a query at once, or refuse.

PEERS: list[tuple[str, models.QuerySet[Any], Read, int]] = [
    ("foreign key", Child.objects.all(), lambda child: child.parent, 1),
    ("two foreign keys", Child.objects.all(), lambda child: (child.parent, child.teacher), 2),
    ("two hops", Child.objects.all(), lambda child: hasattr(child.parent, "passport"), 2),
    (
        "hop after a selected one",
        Child.objects.select_related("parent"),
        lambda child: hasattr(child.parent, "passport"),
        1,
    ),
    ("one-to-one", Parent.objects.all(), lambda parent: hasattr(parent, "passport"), 1),
    ("generic key", Note.objects.all(), lambda note: note.about, 1),
    ("column left out", Child.objects.only("name"), lambda child: child.size, 1),
    ("to-many", parents(), lambda parent: list(parent.children.all()), PARENTS),
    ("key of to-many rows", parents(), lambda parent: [child.teacher for child in parent.children.all()], 2 * PARENTS),
    (
        "key of prefetched rows",
        parents().prefetch_related("children"),
        lambda parent: [child.teacher for child in parent.children.all()],
        PARENTS * CHILDREN,
    ),
]


@pytest.mark.parametrize(("load", "read", "queries"), [pytest.param(*case[1:], id=case[0]) for case in PEERS])
def test_fetch_peers(load: models.QuerySet[Any], read: Read, queries: int) -> None:
    if not since("fetch_mode"):
        assert not hasattr(models, "FETCH_PEERS")
        return
    rows = list(load.fetch_mode(models.FETCH_PEERS))
    with costs(queries):
        for row in rows:
            read(row)


def test_peers_that_were_streamed_past_are_not_fetched() -> None:
    if not since("fetch_mode"):
        assert not hasattr(models, "FETCH_PEERS")
        return
    rows = Child.objects.fetch_mode(models.FETCH_PEERS)
    with costs(1 + PARENTS * CHILDREN):
        for child in rows.iterator():
            child.parent
    kept = list(rows.iterator())
    with costs(1):
        for child in kept:
            child.parent


def test_fetch_raise_blocks_what_is_one_and_lets_pass_what_is_many() -> None:
    if not since("fetch_mode"):
        assert not hasattr(models, "FETCH_RAISE")
        return
    from django.core.exceptions import FieldFetchBlocked

    child = Child.objects.only("name", "parent").fetch_mode(models.FETCH_RAISE)[0]
    for attribute in ("parent", "size"):
        with pytest.raises(FieldFetchBlocked):
            getattr(child, attribute)
    parent = Parent.objects.fetch_mode(models.FETCH_RAISE)[0]
    with costs(2):
        list(parent.children.all())
        list(parent.toys.all())
