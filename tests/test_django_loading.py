"""What eager loads bring, what is wrong with them and how they are written, all of it executed by Django."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from itertools import chain
from typing import Any

import django_world
import pytest

from slowpath.declarations import declare
from slowpath.libraries.django.columns import relation_at
from slowpath.libraries.django.dialect import dialect
from slowpath.loads import Loads, Path
from slowpath.project import link
from slowpath.schema import Schema
from slowpath.source import source_of
from slowpath.vocabulary import (
    BuilderTerm,
    ConstantTerm,
    Loaded,
    OpaqueTerm,
    Passed,
    QueryTerm,
    SequenceTerm,
    Term,
    Text,
)

django_world.start()

from django.core.exceptions import FieldError  # noqa: E402
from django.db.models import Count, FilteredRelation, Prefetch, QuerySet  # noqa: E402

WORLD = """
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models

class Land(models.Model):
    name = models.CharField(max_length=9)

class Town(models.Model):
    name = models.CharField(max_length=9)
    code = models.CharField(max_length=9)
    land = models.ForeignKey(Land, models.CASCADE, related_name="towns")
    twin = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    marks = models.ManyToManyField("Mark")
    memos = GenericRelation("Memo")

class Chief(models.Model):
    name = models.CharField(max_length=9)
    town = models.OneToOneField(Town, models.CASCADE, related_name="chief", related_query_name="head")

class Mark(models.Model):
    name = models.CharField(max_length=9)

class Road(models.Model):
    town = models.ForeignKey(Town, models.CASCADE)
    keeper = models.ForeignKey(Chief, models.CASCADE, related_name="roads")
    length = models.IntegerField(default=0)

    @property
    def place(self):
        return self.town

class Memo(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveIntegerField()
    about = GenericForeignKey()

class Bridge(Road):
    height = models.IntegerField(default=0)
"""
MODULE = "truth.lands"


@pytest.fixture(scope="module")
def world() -> types.ModuleType:
    """The models in Django, with a row or two of each."""
    if MODULE not in sys.modules:
        module = types.ModuleType(MODULE)
        sys.modules[MODULE] = module
        exec(compile(WORLD, MODULE, "exec"), module.__dict__)
        _fill(module)
    return sys.modules[MODULE]


def _fill(world: types.ModuleType) -> None:
    names = ("Land", "Town", "Chief", "Mark", "Road", "Memo", "Bridge")
    django_world.create_tables(*(getattr(world, name) for name in names))
    land = world.Land.objects.create(name="l")
    other = world.Town.objects.create(name="o", land=land)
    town = world.Town.objects.create(name="t", land=land, twin=other)
    world.Town.objects.filter(pk=other.pk).update(twin=town)
    for each in (town, other):
        chief = world.Chief.objects.create(name="c", town=each)
        each.marks.add(world.Mark.objects.create(name="m"))
        world.Bridge.objects.create(town=each, keeper=chief)
        world.Memo.objects.create(about=each)


@pytest.fixture(scope="module")
def schema() -> Schema:
    files = {"truth/__init__.py": "", "truth/lands.py": WORLD}
    return Schema(dialect.models(link([declare(source_of(path, text)) for path, text in files.items()])))


class Query:
    """The calls of a query, to be made on Django's objects and on our loads."""

    def __init__(self, model: str, calls: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = ()) -> None:
        self.model = model
        self.calls = calls

    def __getattr__(self, method: str) -> Any:
        return lambda *args, **kwargs: Query(self.model, (*self.calls, (method, args, kwargs)))

    def real(self, world: types.ModuleType) -> QuerySet[Any]:
        rows = getattr(world, self.model).objects.order_by("pk")
        for method, args, kwargs in self.calls:
            positional = [_real(value, world) for value in args]
            rows = getattr(rows, method)(*positional, **{name: _real(v, world) for name, v in kwargs.items()})
        return rows

    def loaded(self, schema: Schema) -> Loaded:
        found = Loaded(Loads())
        for method, args, kwargs in self.calls:
            passed = [Passed(_term(value, schema)) for value in args]
            passed += [Passed(_term(value, schema), keyword=name) for name, value in kwargs.items()]
            name = f"{MODULE}.{self.model}"
            step = dialect.load(schema, name, found.loads, method, tuple(passed))
            found = Loaded(step.loads, (*found.problems, *step.problems))
        return found


class Built:
    """A `Prefetch` to be."""

    def __init__(self, lookup: str, queryset: Query | None = None, to_attr: str | None = None) -> None:
        self.arguments = (lookup, queryset, to_attr)


def _real(value: Any, world: types.ModuleType) -> Any:
    match value:
        case Built(arguments=arguments):
            return Prefetch(*(_real(each, world) for each in arguments))
        case Query():
            return value.real(world)
    return value


def _term(value: Any, schema: Schema) -> Term:
    match value:
        case str():
            return Text(value)
        case Built(arguments=arguments):
            return BuilderTerm("django.db.models.Prefetch", tuple(Passed(_term(each, schema)) for each in arguments))
        case Query():
            return QueryTerm(f"{MODULE}.{value.model}", value.loaded(schema).loads)
        case int() | None:
            return ConstantTerm(value)
    return OpaqueTerm()


TOWN, ROAD, BRIDGE, MEMO, LAND = Query("Town"), Query("Road"), Query("Bridge"), Query("Memo"), Query("Land")

RIGHT = {
    "nothing": TOWN,
    "a join": TOWN.select_related("land"),
    "two hops": ROAD.select_related("town__land"),
    "joins add up": ROAD.select_related("town").select_related("town__land", "keeper"),
    "joins cleared": TOWN.prefetch_related("land").select_related("twin").select_related(None),
    "a reverse one-to-one by its name in lookups": TOWN.select_related("head"),
    "a reverse one-to-one fetched by its attribute": TOWN.prefetch_related("chief__roads"),
    "the parent's columns": BRIDGE.select_related("road_ptr", "town"),
    "no further than the parent": BRIDGE.select_related("road_ptr__town"),
    "a child table": ROAD.select_related("bridge"),
    "many": TOWN.prefetch_related("road_set__keeper", "marks", "memos"),
    "fetches cleared": TOWN.select_related("land").prefetch_related("land__towns", "marks").prefetch_related(None),
    "a queryset of its own": TOWN.prefetch_related(Built("road_set", ROAD.select_related("keeper"))),
    "nested objects": LAND.prefetch_related(Built("towns", TOWN.prefetch_related(Built("road_set", ROAD.all())))),
    "in an attribute": TOWN.prefetch_related(Built("road_set", ROAD.select_related("keeper"), "ways")),
    "through the attribute": TOWN.prefetch_related(Built("road_set", None, "ways"), "ways__keeper"),
    "generic": MEMO.prefetch_related("about"),
    "beyond generic": MEMO.prefetch_related("about__land"),
    "a filtered relation": TOWN.annotate(x=FilteredRelation("marks")).select_related("x"),
    "only with the key": TOWN.only("name", "land").select_related("land"),
    "only with the key's column": TOWN.only("name", "land_id").select_related("land"),
    "only with a column behind it": TOWN.only("name", "land__name").select_related("land"),
    "only with the other side": TOWN.only("name", "head").select_related("head"),
    "only without a join": TOWN.only("name"),
    "only cleared of joins": TOWN.select_related("land").only("land").select_related(None).only("name"),
    "only and nested joins": ROAD.only("town__name", "town__land").select_related("town__land"),
    "the last only counts": TOWN.only("code").only("name"),
    "defer takes from only": TOWN.only("name", "code").defer("code"),
    "only minus everything": TOWN.only("name").defer("name"),
    "defer adds up": TOWN.defer("name").defer("code"),
    "only after defer": TOWN.defer("name").only("name", "code"),
    "defer cleared": TOWN.defer("name").defer(None),
    "defer behind a join": TOWN.select_related("land").defer("land__name"),
    "defer beside a join": TOWN.select_related("land").defer("name"),
    "streamed": TOWN.select_related("land").prefetch_related("marks").iterator(chunk_size=10),
    "streamed without fetches": TOWN.select_related("land").iterator(),
    "annotated": TOWN.annotate(Count("marks"), n=Count("marks")),
}


def walks(world: types.ModuleType, schema: Schema, model: str, depth: int) -> Iterator[Path]:
    """All paths of relations from the model."""
    for relation in schema.models[model].relations if depth else ():
        if relation.target.startswith(MODULE):
            yield (relation.name,)
            yield from ((relation.name, *rest) for rest in walks(world, schema, relation.target, depth - 1))


def follow(rows: list[Any], path: Path) -> list[Any]:
    for name in path:
        found = (getattr(row, name) for row in rows if hasattr(row, name))
        rows = list(chain.from_iterable(each.all() if hasattr(each, "all") else [each] for each in found if each))
    return rows


def costs(query: Query, world: types.ModuleType, path: Path) -> bool:
    """Whether Django sends queries when the last relation of the path is read."""
    rows = follow(list(query.real(world)), path[:-1])
    with django_world.statements() as sent:
        follow(rows, path[-1:])
    return bool(sent)


def comes_along(schema: Schema, query: Query, loads: Loads, path: Path) -> bool:
    """Whether the relation at the path's end is there, by the loads, or because of where its rows were reached from."""
    relation = relation_at(schema, f"{MODULE}.{query.model}", path)
    before = relation_at(schema, f"{MODULE}.{query.model}", path[:-1])
    reached_back = before is not None and before.back == path[-1] and not (relation and relation.many)
    parents_columns = relation is not None and relation.lazy == "joined" and loads.only is None
    # A child reached from its parent takes over what the parent has.
    taken_over = before is not None and before.name == "bridge" and path[1:] in loads.paths
    return path in loads.paths or reached_back or parents_columns or taken_over


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_loaded_costs_nothing_and_what_is_not_does(case: str, world: types.ModuleType, schema: Schema) -> None:
    query = RIGHT[case]
    answer = query.loaded(schema)
    assert answer.problems == ()
    for path in walks(world, schema, f"{MODULE}.{query.model}", 2):
        expected = not comes_along(schema, query, answer.loads, path)
        assert costs(query, world, path) is expected, path


@pytest.mark.parametrize("case", RIGHT)
def test_columns_left_out_are_those_of_django(case: str, world: types.ModuleType, schema: Schema) -> None:
    query = RIGHT[case]
    loads = query.loaded(schema).loads
    for row in query.real(world):
        for column in schema.models[f"{MODULE}.{query.model}"].columns:
            left_out = (loads.only is not None and (column.name,) not in loads.only) or (column.name,) in loads.deferred
            assert (column.name in row.get_deferred_fields()) is left_out, column.name


WRONG = {
    "land name": (TOWN.select_related("lend"), "lend", "(did you mean `land`?): Django raises FieldError"),
    "second hop": (ROAD.select_related("town__lend"), "town__lend", "Town has no relation `lend`"),
    "a column joined": (TOWN.select_related("name"), "name", "is a column of Town"),
    "a key's column joined": (TOWN.select_related("land_id"), "land_id", "is a column of Town"),
    "many joined": (TOWN.select_related("marks"), "marks", "many rows"),
    "many joined at the second hop": (ROAD.select_related("town__marks"), "town__marks", "many rows"),
    "reverse joined": (LAND.select_related("towns"), "towns", "many rows"),
    "a generic relation joined": (TOWN.select_related("memos"), "memos", "many rows"),
    "a generic key joined": (MEMO.select_related("about"), "about", "generic foreign key"),
    "the attribute in a lookup": (TOWN.select_related("chief"), "chief", "no relation `chief`"),
    "a misspelt fetch": (
        TOWN.prefetch_related("mark"),
        "mark",
        "(did you mean `marks`?): Django raises AttributeError",
    ),
    "the lookup as an attribute": (TOWN.prefetch_related("road"), "road", "(did you mean `road_set`?)"),
    "two in one string": (TOWN.prefetch_related("land, marks"), "land, marks", "no attribute `land, marks`"),
    "a column fetched": (
        TOWN.prefetch_related("land__name"),
        "land__name",
        "column of Land, no relation: Django raises Val",
    ),
    "a key fetched": (TOWN.prefetch_related("pk"), "pk", "is a column"),
    "an object of nothing": (TOWN.prefetch_related(Built("streets")), "streets", "no attribute"),
    "the attribute comes later": (TOWN.prefetch_related("xs__town", Built("road_set", None, "xs")), "xs__town", "`xs`"),
    "only, then joined": (TOWN.only("name").select_related("land"), "land", "`only()` leaves out the key"),
    "joined, then only": (TOWN.select_related("land").only("name"), "land", "`only()` leaves out the key"),
    "only without the other side": (TOWN.only("name").select_related("head"), "chief", "`only()` leaves out the key"),
    "only without the second key": (ROAD.select_related("town__land").only("town__name"), "town__land", "`only()`"),
    "deferred and joined": (TOWN.select_related("land").defer("land"), "land", "`defer()` leaves out the key"),
    "deferred column and joined": (
        TOWN.defer("land_id").select_related("land"),
        "land",
        "`defer()` leaves out the key",
    ),
    "streamed": (TOWN.prefetch_related("marks").iterator(), "marks", "`iterator()` without `chunk_size`"),
    "streamed with None": (TOWN.prefetch_related("marks").iterator(chunk_size=None), "marks", "`iterator()`"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_raises_in_django(case: str, world: types.ModuleType, schema: Schema) -> None:
    query, path, reason = WRONG[case]
    problems = query.loaded(schema).problems
    assert [(problem.path, problem.certain) for problem in problems] == [(path, True)]
    assert reason in problems[0].reason
    with pytest.raises((FieldError, AttributeError, ValueError)) as raised:
        list(query.real(world))
    assert type(raised.value).__name__ in problems[0].reason


def test_attributes_on_the_way_may_be_anything(world: types.ModuleType, schema: Schema) -> None:
    query = ROAD.prefetch_related("place__land")
    assert list(query.real(world))
    assert query.loaded(schema).problems == ()


def test_a_column_on_the_way_stops_a_fetch_silently(world: types.ModuleType, schema: Schema) -> None:
    query = TOWN.prefetch_related("name__marks")
    assert list(query.real(world))
    (problem,) = query.loaded(schema).problems
    assert problem.reason == "`name` is a column of Town, no relation: Django stops there and loads nothing"


MISSING = {
    "one": (TOWN, [("land",)], '.select_related("land")'),
    "two hops": (ROAD, [("town",), ("town", "land")], '.select_related("town__land")'),
    "by the name in lookups": (TOWN, [("chief",)], '.select_related("head")'),
    "many": (TOWN, [("marks",), ("road_set", "keeper")], '.prefetch_related("marks", "road_set__keeper")'),
    "both": (TOWN, [("land",), ("memos",)], '.select_related("land").prefetch_related("memos")'),
    "generic": (MEMO, [("about",)], '.prefetch_related("about")'),
    "beyond generic": (MEMO, [("about", "land")], ""),
    "further than a fetch": (TOWN.prefetch_related("land"), [("land", "towns")], '.prefetch_related("land__towns")'),
    "to one behind a fetch": (ROAD.prefetch_related("town"), [("town", "land")], '.prefetch_related("town__land")'),
    "behind an object": (
        TOWN.prefetch_related(Built("road_set", ROAD.all())),
        [("road_set", "keeper")],
        '.prefetch_related("road_set__keeper")',
    ),
    "behind an attribute": (
        TOWN.prefetch_related(Built("road_set", None, "xs")),
        [("xs", "keeper")],
        '.prefetch_related("xs__keeper")',
    ),
    "through the parent": (BRIDGE, [("road_ptr", "town")], '.prefetch_related("road_ptr__town")'),
    "only without the key": (TOWN.only("name"), [("land",)], '.only("name", "land").select_related("land")'),
    "only without the key, a fetch": (
        TOWN.only("name"),
        [("land", "towns")],
        '.only("name", "land").prefetch_related("land__towns")',
    ),
    "only with the key": (TOWN.only("land"), [("land",)], '.select_related("land")'),
    "only, many": (TOWN.only("name"), [("marks",)], '.prefetch_related("marks")'),
    "only, the other side": (TOWN.only("name"), [("chief",)], '.only("name", "head").select_related("head")'),
    "only of a joined row": (
        ROAD.select_related("town").only("length", "town__name"),
        [("town", "land")],
        '.only("length", "town__land", "town__name").select_related("town__land")',
    ),
    "only, generic": (
        MEMO.only("pk"),
        [("about",)],
        '.only("content_type", "object_id").prefetch_related("about")',
    ),
    "deferred key": (
        TOWN.defer("land", "code"),
        [("land",)],
        '.defer(None).defer("code").select_related("land")',
    ),
    "left out by another queryset": (
        TOWN.prefetch_related(Built("road_set", ROAD.only("town"))),
        [("road_set", "keeper")],
        "",
    ),
}


@pytest.mark.parametrize("case", MISSING)
def test_suggestions_load_what_was_missing(case: str, world: types.ModuleType, schema: Schema) -> None:
    query, paths, expected = MISSING[case]
    spelled = dialect.spell(schema, f"{MODULE}.{query.model}", query.loaded(schema).loads, tuple(paths))
    assert spelled == expected
    if spelled:
        fixed = eval(f"query{spelled}", {"query": query})
        assert fixed.loaded(schema).problems == ()
        assert [path for path in paths if costs(fixed, world, path)] == []


COLUMNS = {
    "only": (TOWN.only("name"), ("code",), '.only("name", "code")'),
    "only of a joined row": (
        TOWN.select_related("land").only("code", "land__id"),
        ("land", "name"),
        '.only("code", "land__name")',
    ),
    "only with a key": (TOWN.only("name"), ("land_id",), '.only("name", "land")'),
    "defer": (TOWN.defer("name", "code"), ("code",), '.defer(None).defer("name")'),
    "one deferred": (TOWN.defer("code"), ("code",), ".defer(None)"),
    "deferred of a joined row": (TOWN.select_related("land").defer("land__name"), ("land", "name"), ".defer(None)"),
    "of another queryset": (TOWN.prefetch_related(Built("road_set", ROAD.only("town"))), ("road_set", "length"), ""),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_suggested_columns_are_fetched(case: str, world: types.ModuleType, schema: Schema) -> None:
    query, path, expected = COLUMNS[case]
    spelled = dialect.spell_column(schema, f"{MODULE}.{query.model}", query.loaded(schema).loads, path)
    assert spelled == expected
    rows = list((eval(f"query{spelled}", {"query": query}) if spelled else query).real(world))
    with django_world.statements() as sent:
        assert follow(rows, path[:-1])
        [getattr(row, path[-1]) for row in follow(rows, path[:-1])]
    assert bool(sent) is not bool(spelled)


OPEN = {
    "an unknown name": ("select_related", (Passed(OpaqueTerm()),)),
    "names unpacked": ("select_related", (Passed(OpaqueTerm(), star=True),)),
    "an unknown lookup": ("prefetch_related", (Passed(OpaqueTerm()),)),
    "an unknown queryset": (
        "prefetch_related",
        (Passed(BuilderTerm("django.db.models.Prefetch", (Passed(Text("marks")), Passed(OpaqueTerm())))),),
    ),
    "unknown columns": ("only", (Passed(OpaqueTerm()),)),
    "an unknown mode": ("fetch_mode", (Passed(OpaqueTerm()),)),
    "an unknown method": ("load_everything", ()),
}


@pytest.mark.parametrize("case", OPEN)
def test_what_cannot_be_read_leaves_everything_open(case: str, schema: Schema) -> None:
    answer = dialect.load(schema, f"{MODULE}.Town", Loads(), *OPEN[case])
    assert answer.loads.open
    assert answer.problems == ()


def test_what_needs_no_rows(schema: Schema) -> None:
    town = f"{MODULE}.Town"
    unpacked = Passed(SequenceTerm((Text("land"), Text("twin"))), star=True)
    assert dialect.load(schema, town, Loads(), "select_related", (unpacked,)).loads.paths == {("land",), ("twin",)}
    assert dialect.load(schema, town, Loads(), "select_related", ()).loads == Loads(every_one=True)
    rows = (Passed(OpaqueTerm()), Passed(Text("marks")))
    assert dialect.load(schema, town, Loads(), "prefetch_related_objects", rows).loads.paths == {("marks",)}
    for name in ("django.db.models.FETCH_PEERS", "django.db.models.fetch_modes.FetchPeers"):
        peers = (Passed(BuilderTerm(name, ())),)
        assert dialect.load(schema, town, Loads(), "fetch_mode", peers).loads == Loads(peers=True)
    refused = (Passed(BuilderTerm("django.db.models.FETCH_RAISE", ())),)
    assert dialect.load(schema, town, Loads(), "fetch_mode", refused).loads == Loads(refused=frozenset({("*",)}))
    count = Passed(BuilderTerm("django.db.models.Count", (Passed(Text("marks")),)))
    names = dialect.load(schema, town, Loads(), "annotate", (count, Passed(OpaqueTerm(), keyword="n"))).loads.extra
    assert names == {"marks__count", "n"}
    for loads in (Loads(every_one=True), Loads(locked=True)):
        assert dialect.spell(schema, town, loads, (("twin",),)) == '.prefetch_related("twin")'
