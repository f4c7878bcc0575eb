"""The queries that no index serves, and what they are for: what the rule and the advisor's command both go by."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from slowpath.advisor import Key, NewIndex, Table, Verdict, access_of, advise, own, serves
from slowpath.asked import queries_of
from slowpath.catalogue import table_of
from slowpath.database import Database
from slowpath.expression import at_of
from slowpath.facts import AnyFact, Queries, SaysSQL
from slowpath.finding import Confidence
from slowpath.growth import Growth
from slowpath.loads import Path
from slowpath.project import Project
from slowpath.query import HIDDEN, POINTS, SPANS, Condition, Either, Shape, Test, model_at, related
from slowpath.schema import Schema
from slowpath.source import Place

Kind = Literal["lookup", "generic", "expiry", "next", "newest", "extreme", "sorted", "batch", "range", "few"]
"""What a query is for. lookup: the rows with some values. generic: those of a generic relation. expiry: removes what
is past its time. next: the next few of those in some state, as a worker asks again and again. newest: the first few
of all, in an order. extreme: the greatest or the least value. sorted: the first few, in an order, of those that an
index finds, which are all fetched and sorted for it. batch: some of those that are left to do, until none is. range:
those between two ends. few: those in one of a few states, which no index finds faster unless they are rare."""

# More than this is a page of a list, and no worker's next job.
_NEXT = 100

# Who asks for so many of an owner's rows and no more expects that there are more.
_MANY = 10


class Unserved(Struct, frozen=True):
    """A query for which the database goes through the whole table, and the index that would spare it that.

    `places` are others where the same rows of a relation are fetched."""

    fact: Queries
    table: Table
    verdict: Verdict
    index: NewIndex
    kind: Kind
    confidence: Confidence
    places: tuple[Place, ...] = ()

    @property
    def shape(self) -> Shape:
        """The query's shape."""
        return self.fact.shape


class Tables:
    """The tables of models, each looked up once."""

    def __init__(self, schema: Schema, database: Database) -> None:
        self.schema = schema
        self._database = database
        self._known: dict[str, Table | None] = {}

    def of(self, model: str) -> Table | None:
        """The table of the model, or the one of this name that has no model, if all of it is known."""
        if model not in self._known:
            declared = self._database.of_model(model) or self._database.tables.get(model)
            # The rows of a model that is spread over several tables are found by a join.
            alone = declared is not None and not (model in self.schema.models and self.schema.models[model].multi_table)
            self._known[model] = table_of(declared) if declared is not None and alone else None
        return self._known[model]

    def at(self, model: str, path: Path) -> Table | None:
        """The table at the end of a path of relations from the model."""
        if path and path[-1].startswith("="):
            return self.of(path[-1][1:])
        return self.of(model_at(self.schema, model, path))

    def of_project(self, facts: Iterable[AnyFact], own_models: Container[str]) -> Iterator[tuple[Queries, Table]]:
        """The queries among the facts of tables of which all is known, and which no library has made; but for those
        that were counted and are small."""
        for fact in queries_in(facts, self._database):
            model = fact.shape.model
            table = self.of(model) if model in own_models or model not in self.schema.models else None
            if table is not None and not self._database.sizes.is_small(table.name):
                yield fact, table


def queries_in(facts: Iterable[AnyFact], database: Database) -> tuple[Queries, ...]:
    """The queries among the facts, each once; one that a function hands on counts as what its callers make of it."""
    found: dict[Queries, None] = {}
    for each in facts:
        if isinstance(each, Queries):
            found[each] = None
        elif isinstance(each, SaysSQL):
            found |= dict.fromkeys(queries_of(each, database))
    begun = {fact.steps[:end] for fact in found for end in range(1, len(fact.steps) + 1 - fact.handed_on)}
    return tuple(fact for fact in found if not (fact.handed_on and fact.steps in begun))


def unserved(project: Project, schema: Schema, database: Database, facts: Iterable[AnyFact]) -> Iterator[Unserved]:
    """The queries that no index serves, of the project's own tables as far as all is known of them."""
    tables, growth = Tables(schema, database), Growth(schema, database)
    own_models = {ref.name for ref in project.classes()}
    fetched: dict[NewIndex, list[Unserved]] = {}
    bare: set[tuple[Place, ...]] = set()
    for fact, table in tables.of_project((*facts, *_loaded_always(schema, own_models)), own_models):
        found = judged(tables, growth, fact, table)
        if found is None or (fact.narrowed and fact.steps in bare):
            continue
        if not fact.narrowed:
            bare.add(fact.steps)
        if fact.steps:
            yield found
        else:
            # Nobody wrote this query: the rows of a relation are fetched, at however many places.
            fetched.setdefault(found.index, []).append(found)
    for every in fetched.values():
        # First where the code names the relation, then where its rows are fetched without it.
        first, *others = sorted(every, key=lambda found: not found.fact.named)
        yield replace(first, places=tuple(other.fact.place for other in others))


def _loaded_always(schema: Schema, own_models: Container[str]) -> Iterator[Queries]:
    """The queries for rows that come with those of another model whenever these are fetched."""
    for model in schema.models.values():
        for relation in model.relations if model.name in own_models else ():
            always = relation.lazy in {"joined", "batch"} and relation.kind.startswith("reverse")
            if not always or not relation.line or not relation.module:
                continue
            shape = related(schema, Shape(relation.target), model.name, relation.name)
            if not shape.open:
                yield Queries(Place(relation.module, "", at_of(relation.line, 1)), shape, named=True)


def judged(tables: Tables, growth: Growth, fact: Queries, table: Table) -> Unserved | None:
    """What is wrong with the query, if anything is."""
    shape = fact.shape
    if fact.handed_on and shape.limit is None and shape.order:
        # Whoever is given rows in an order may want the first of them only.
        shape = replace(shape, limit=0)
    if shape.open or any(c.column not in table.columns or c.column in table.binary for c in own(shape)):
        return None
    verdict = access_of(table, shape)
    telling = [c for c in own(shape) if c.how in POINTS and _tells(table, c)]
    if any(narrows(tables, shape.model, test) for test in shape.tests):
        return None
    if fact.sets and (again := _again(tables.schema, fact, table)) is not None:
        return Unserved(fact, table, verdict, again, "batch", "medium")
    is_sorted = verdict.access == "point" and _is_sorted(table, shape)
    # In the order of an index, rows that are found by nothing else may all have to be looked at.
    is_found = verdict.access in {"key", "point", "unsure"} or (verdict.access in {"order", "span"} and not telling)
    due = fact.taken and not fact.narrowed and fact.shape.limit is None and _is_due(growth, shape)
    wanted = replace(shape, limit=0) if due and shape.said else shape
    index = advise(table, wanted) if is_sorted or not is_found else None
    if index is None or any(key.plain and serves(key, index) for key in table.keys):
        return None
    if is_sorted:
        many = (fact.shape.limit or 0) >= _MANY and growth.happens(shape.model, shape.order[0].column)
        return Unserved(fact, table, verdict, index, "sorted", "medium" if many else "low")
    kind = _kind(table, wanted, telling)
    sure = _sure(growth, shape, kind, verdict)
    if sure == "low" and kind == "lookup" and growth.belongs(shape.model, {condition.column for condition in telling}):
        sure = "medium"
    if due:
        # Who changes all the rows that are found works off what is due, and that is little of a table that grows.
        sure = (
            "medium"
            if (growth.grows(shape.model) or growth.is_large(shape.model)) and kind in ("few", "range", "next")
            else sure
        )
    elif kind in ("next", "newest") and shape.limit != fact.shape.limit:
        sure = "low"
    if _may_be_led(table, shape, kind):
        sure = "low"
    if fact.narrowed and sure != "low":
        # Of the filters that a list can have, those by what the rows belong to are there to be used.
        sure = "low" if table.references.isdisjoint(condition.column for condition in telling) else "medium"
    return Unserved(fact, table, verdict, index, kind, sure)


def _may_be_led(table: Table, shape: Shape, kind: Kind) -> bool:
    """Whether something else may leave few rows: another table's, that are looked for there, or a state that has an
    index of its own, as one has in which few rows are; or whether any row will do."""
    if kind == "newest" and shape.limit == 1 and not shape.said:
        return True
    states = {c.column for c in own(shape) if c.how in ("equal", "in") and not _tells(table, c)}
    states -= {c.column for c in own(shape) if c.value in ("TRUE", "FALSE")}
    if kind == "lookup" and any(key.plain and not states.isdisjoint(key.bare[:1]) for key in table.keys):
        return True
    return any(c.path and c.how in POINTS and _tells(table, c) and not c.around for c in shape.conditions)


def _is_due(growth: Growth, shape: Shape) -> bool:
    """Whether the rows are taken in their turn, or when their time has come: such a query leaves the others alone."""
    tested = own(shape)
    turn = shape.said and bool(tested) and growth.in_turn(shape.model, {sort.column for sort in shape.order})
    return turn or any(c.how == "range" and growth.in_turn(shape.model, {c.column}) for c in tested)


def _again(schema: Schema, fact: Queries, table: Table) -> NewIndex | None:
    """The index that would hold nothing but the rows that are left to do, if none does: without it, each batch passes
    over those of all batches before it."""
    shape = fact.shape
    columns = (schema.column(shape.model, name) for name in fact.sets)
    sets = {column.column for column in columns if column is not None}
    left = [c for c in own(shape) if c.column in sets and (c.how == "null" or (c.how == "equal" and c.value))]
    points = {c.column for c in own(shape) if c.how in POINTS and _tells(table, c)}
    if not left or not points or any(_leaves_out(key, left, points) for key in table.keys):
        return None
    return advise(table, replace(shape, tests=tuple(c for c in own(shape) if c.how in POINTS), order=()))


def _leaves_out(key: Key, left: list[Condition], points: set[str]) -> bool:
    """Whether the index leads to rows that are left to do, and to no others."""
    if key.unique and not key.condition and points.issuperset(key.bare):
        return True
    told = any(c.column in key.bare or re.search(rf"\b{re.escape(c.column)}\b", key.condition) for c in left)
    first = key.bare[0] if key.bare else "?"
    return told and (not key.plain or first in points or first.startswith("?"))


def _is_sorted(table: Table, shape: Shape) -> bool:
    """Whether the rows that an index finds have to be sorted, as they are wanted in another order than it has."""
    first = next(iter(shape.order), None)
    if first is None or first.step < 0 or first.path or first.column == "?" or shape.limit is None:
        return False
    points = {condition.column for condition in own(shape) if condition.how == "equal"}
    behind = (key.bare[: key.bare.index(first.column)] for key in table.keys if first.column in key.bare[1:])
    return not any(points.issuperset(columns) for columns in behind)


def _tells(table: Table, condition: Condition) -> bool:
    # What is compared with the same value at every call is a state, and many rows are in each.
    return condition.how != "null" and not condition.value and condition.column not in table.few


def narrows(tables: Tables, model: str, test: Test) -> bool:
    """Whether the test leads to few rows by an index of another table, or of any kind that is not known."""
    if isinstance(test, Either):
        return _narrows_either(tables, model, test)
    return bool(test.path) and _narrows_alone(tables, model, test)


def _narrows_either(tables: Tables, model: str, test: Either) -> bool:
    """Whether every side leads to few rows, and all of the same table: no database unites what it finds in several."""
    found = [[each for each in side if _narrows_alone(tables, model, each)] for side in test.alternatives]
    paths = [{each.path if isinstance(each, Condition) else () for each in side} for side in found]
    return all(found) and bool(set[Path]().union(*paths[:1]).intersection(*paths[1:]))


def _narrows_alone(tables: Tables, model: str, test: Test) -> bool:
    if isinstance(test, Either):
        return narrows(tables, model, test)
    if test.how not in POINTS | SPANS or test.around:
        return False
    table = tables.at(model, test.path)
    if table is None:
        return True
    return test.how != "null" and test.column not in table.few and bool(table.leads(test.column))


def _kind(table: Table, shape: Shape, telling: list[Condition]) -> Kind:
    columns = {condition.column for condition in telling}
    if columns:
        return "generic" if len(columns) > 1 and any(c.endswith("content_type_id") for c in columns) else "lookup"
    spans = any(condition.how in SPANS for condition in own(shape))
    if shape.verb == "delete" and spans:
        return "expiry"
    if shape.highest:
        return "extreme"
    if shape.limit is not None and shape.order and not (shape.order[0].path or shape.order[0].column == "?"):
        if not shape.tests:
            return "newest"
        if any(condition.around not in ("", HIDDEN) or condition.how == "contains" for condition in shape.conditions):
            # Few rows may be left, whose order is no matter; a state is one that many are in.
            return "few"
        return "next" if shape.limit <= _NEXT and own(shape) else "range" if spans else "newest"
    return "range" if spans else "few"


def _sure(growth: Growth, shape: Shape, kind: Kind, verdict: Verdict) -> Confidence:
    if kind == "range" or kind == "few":
        return "low"
    if kind == "expiry" or (kind == "next" and growth.in_turn(shape.model, {sort.column for sort in shape.order})):
        # Whoever clears a table out by date, or takes jobs from it, knows that it grows.
        return "medium"
    if not growth.grows(shape.model):
        return "medium" if growth.is_large(shape.model) else "low"
    return "high" if kind in {"lookup", "generic"} and verdict.access == "scan" else "medium"
