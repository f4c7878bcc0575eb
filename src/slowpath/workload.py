"""What the functions of a project ask of its database, as facts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from slowpath.facts import AnyFact, ChangesTables, Deletes, Queries, SaysSQL
from slowpath.query import Shape, model_at, related
from slowpath.rules import Function
from slowpath.schema import Schema
from slowpath.semantics.effects import AnyEffect, Asks, Prepares, ReadsRelation, Removes, Writes
from slowpath.semantics.program import Program
from slowpath.semantics.sql_texts import sql_in
from slowpath.semantics.steps import Trail, inside
from slowpath.semantics.values import Rows
from slowpath.single import is_by_key
from slowpath.source import Place
from slowpath.sql import Reader
from slowpath.vocabulary import AttributeTerm, OperationTerm, Refinement, SequenceTerm, Term

# A helper of a repository that is called through another one; further up nobody deletes anything that is not known.
_NEAR = 2
_MAKING = frozenset({"create", "bulk", "add", "get-or-create"})
_OF_ROWS = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:select|insert|update|delete|with|replace|merge)\b",
    re.IGNORECASE | re.DOTALL,
)


def deletions(function: Function, program: Program) -> Iterator[Deletes]:
    """The models of which the function deletes rows, itself or by what it hands to somebody who does."""
    for effect in function.summary.effects:
        if len(effect.via) <= _NEAR and isinstance(effect, Writes | Removes) and effect.model and _deletes(effect):
            place = effect.via[0].place if effect.via else effect.place
            many = effect.many if isinstance(effect, Removes) else effect.action == "write"
            many = many and not effect.via
            yield Deletes(place, effect.model, many and not is_by_key(function, program, effect.place))


def queries(function: Function, program: Program) -> Iterator[Queries | SaysSQL | ChangesTables]:
    """The queries that the function puts to tables, or gives to its callers, and what it says in SQL."""
    yield from statements(function, program)
    for effect in function.summary.effects:
        if isinstance(effect, ReadsRelation) and not effect.via:
            yield from _fetched(program.schema, effect.place, effect.model, effect.relation)
        if isinstance(effect, Prepares):
            for path in sorted(effect.paths):
                owner = model_at(program.schema, effect.model, path[:-1])
                yield from _fetched(program.schema, effect.place, owner, path[-1], named=True)
        if not isinstance(effect, Asks) or effect.trail.parameter:
            continue
        for without in effect.trail.ways():
            shape = program.shape(
                effect.model, effect.trail.steps, without, owner=effect.owner, relation=effect.relation
            )
            if effect.inside and not _chooses(program, shape, effect.trail.steps):
                continue
            query = _query(effect.place, shape, effect.trail, without)
            yield replace(query, taken=True) if _is_taken(function, program, effect, shape) else query
        yield from _chosen(function, program, effect)
        for path in sorted(effect.loads.paths) if not effect.inside else ():
            owner = model_at(program.schema, effect.model, path[:-1])
            yield from _fetched(program.schema, effect.place, owner, path[-1])
    match function.summary.returns:
        case Rows(model=model, here=False, trail=Trail(parameter="", steps=(*_, last)) as trail, owner=None):
            for without in trail.ways():
                shape = program.shape(model, trail.steps, without)
                yield _query(last.place, shape, trail, without, handed_on=True)


def _query(place: Place, shape: Shape, trail: Trail, without: frozenset[int], *, handed_on: bool = False) -> Queries:
    narrowed = any(step.branch is not None and at not in without for at, step in enumerate(trail.steps))
    return Queries(place, shape, tuple(step.place for step in trail.steps), handed_on, narrowed)


def _is_taken(function: Function, program: Program, effect: Asks, shape: Shape) -> bool:
    """Whether the rows that are found are changed, one after the other or by the statement that finds them."""
    written = [each for each in function.summary.effects if isinstance(each, Writes) and each.model == effect.model]
    if shape.verb == "update":
        set_here = {name for each in written if each.place == effect.place for name in each.columns}
        columns = (program.schema.column(effect.model, name) for name in set_here)
        names = {column.column for column in columns if column is not None}
        return any(test.column in names and not test.path for test in shape.conditions)
    return shape.verb == "select" and any(_goes_through(each, effect.model) for each in written)


def _goes_through(effect: Writes, model: str) -> bool:
    rows = (context.origin for context in effect.contexts)
    return effect.action not in _MAKING and any(origin is not None and origin.model == model for origin in rows)


def _chosen(function: Function, program: Program, effect: Asks) -> Iterator[Queries]:
    """The queries inside of one that choose some rows and no more: these are found before anything else is."""
    for step in effect.trail.steps:
        for query in inside(step):
            shape = program.shape(query.model, query.steps) if query.steps and not query.parameter else Shape("")
            if _chooses(program, shape, query.steps):
                places = tuple(each.place for each in query.steps)
                yield Queries(effect.place, shape, places, sets=_set_again(function, effect, query.model))


def _chooses(program: Program, shape: Shape, steps: tuple[Refinement, ...]) -> bool:
    """Whether a query inside of another chooses some rows by itself, the same for each row of the other."""
    if shape.limit is None or shape.model not in program.schema.models:
        return False
    known = {shape.model, *program.schema.models[shape.model].parents}
    known |= {path[-1].removeprefix("=") for path in shape.joins}
    return all(known.issuperset(_models_in(passed.term)) for step in steps for passed in step.arguments)


def _models_in(term: Term) -> Iterator[str]:
    """The models whose columns the term compares."""
    match term:
        case AttributeTerm(model=model):
            yield model
        case OperationTerm(operands=terms) | SequenceTerm(items=terms):
            for each in terms:
                yield from _models_in(each)


def _set_again(function: Function, effect: Asks, model: str) -> tuple[str, ...]:
    """The columns that the statement sets for the rows of the model, when it runs until it finds none any more."""
    if effect.model != model or not any(context.kind == "while" for context in effect.contexts):
        return ()
    written = (each for each in function.summary.effects if isinstance(each, Writes) and each.place == effect.place)
    return tuple(sorted({column for each in written for column in each.columns}))


def statements(function: Function, program: Program) -> Iterator[SaysSQL | ChangesTables]:
    """What the function says in SQL, as far as it reads or writes rows, or makes tables and indexes."""
    reader = Reader()
    for written in sql_in(program, function.ref):
        place = Place(function.ref.module, function.ref.qualname, written.at)
        if _OF_ROWS.match(written.text) is None:
            changes = tuple(change for each in reader.changes(written.text).statements for change in each.changes)
            if changes:
                yield ChangesTables(place, changes)
            continue
        parsed = reader.read(written.text)
        found = tuple(each for each in parsed.statements if each.verb not in ("ddl", "other"))
        if found or parsed.failures:
            yield SaysSQL(place, found, parsed.failures)


def counted(facts: Iterable[AnyFact]) -> dict[str, int]:
    """How many statements in SQL were `read`, and of the others how many there are for each reason."""
    counts: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, SaysSQL):
            counts["read"] += len(fact.statements)
            counts.update(failure.reason for failure in fact.failures)
    return dict(sorted((+counts).items()))


def _fetched(schema: Schema, place: Place, owner: str, name: str, *, named: bool = False) -> Iterator[Queries]:
    """The query for the rows of a relation whose key is on their side."""
    relation = schema.relation(owner, name)
    if relation is None or not relation.kind.startswith("reverse"):
        return
    shape = related(schema, Shape(relation.target), owner, name)
    if not shape.open:
        yield Queries(place, shape, named=named)


def _deletes(effect: AnyEffect) -> bool:
    if isinstance(effect, Writes):
        word = effect.label.rpartition(".")[2]
        return effect.action == "delete" or (effect.action == "write" and word in {"delete", "adelete"})
    return isinstance(effect, Removes)
