"""What Peewee's rows have with them, and how to say it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from slowpath.loads import Loads, Path, with_prefixes
from slowpath.query import model_at
from slowpath.schema import Relation, Schema
from slowpath.vocabulary import (
    AttributeTerm,
    Loaded,
    ModelTerm,
    OperationTerm,
    Passed,
    QueryTerm,
    SequenceTerm,
    Term,
)

# How far from its rows a query's joins are followed.
_DEPTH = 3


def load(schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
    """What rows of the model have after the call.

    Selecting columns of another model needs a join to it, or the database refuses; with both, its rows come along.
    So a join need only be read for which of several keys it is by.
    """
    terms = tuple(_terms(arguments))
    match method:
        case "select" | "select_extend":
            return Loaded(_selected(schema, model, loads, terms))
        case "join" | "left_outer_join" | "ensure_join":
            return Loaded(_joined(schema, model, loads, arguments))
        case "join_from":
            return Loaded(_joined(schema, model, loads, arguments[1:]))
        case "prefetch":
            return Loaded(_prefetched(schema, model, loads, terms))
        case "with_related":
            return Loaded(_related(loads, terms))
    return Loaded(loads)


def spell(schema: Schema, model: str, paths: tuple[Path, ...]) -> str:
    """The calls that load the paths, to be added at the end of the query: joins, or `prefetch` where one is to-many."""
    chains = [(path, tuple(_hops(schema, model, path))) for path in paths]
    hops = tuple(dict.fromkeys(hop for path, chain in chains for hop in chain if len(chain) == len(path)))
    tables = [relation.target for _, relation in hops]
    if not hops or model in tables or len(set(tables)) < len(tables):
        # A table that comes twice needs an alias.
        return ""
    labels = ", ".join(dict.fromkeys(schema.label(relation.target) for _, relation in hops))
    if any(relation.many for _, relation in hops):
        return f".prefetch({labels})"
    joins = [f".join_from({schema.label(owner)}, {_on(schema, owner, relation)})" for owner, relation in hops]
    return f".select_extend({labels}){''.join(joins)}"


def _terms(arguments: tuple[Passed, ...]) -> Iterator[Term | None]:
    for passed in arguments:
        if isinstance(passed.term, SequenceTerm):
            yield from passed.term.items
        elif passed.star:
            yield None
        elif not passed.keyword:
            yield passed.term


def _selected(schema: Schema, model: str, loads: Loads, terms: tuple[Term | None, ...]) -> Loads:
    chosen: set[str] = set()
    for term in terms:
        match term:
            case ModelTerm(model=other) | AttributeTerm(model=other):
                chosen.add(other)
            case _:
                loads = replace(loads, open=True)
    found = {path for path, target in _to_one(schema, model, ()) if target in chosen}
    return replace(loads, paths=loads.paths.union(*(with_prefixes(path) for path in found)))


def _joined(schema: Schema, model: str, loads: Loads, arguments: tuple[Passed, ...]) -> Loads:
    """A table is joined by one of the keys that lead to it, the first if it is not said by which; the other keys' rows
    are not in the query."""
    target = arguments[0].term if arguments else None
    if not isinstance(target, ModelTerm):
        return loads
    on = next((passed.term for passed in arguments if passed.keyword == "on"), None)
    if on is None:
        on = next((passed.term for passed in arguments[2:] if not passed.keyword), None)
    by: str | None = None
    match on:
        case AttributeTerm(path=(name,)) | OperationTerm(operator="==", operands=(AttributeTerm(path=(name,)), *_)):
            by = name
        case None:
            pass
        case _:
            return loads
    others: set[Path] = set()
    for path, found in _to_one(schema, model, ()):
        if found == target.model:
            owner = schema.models[model_at(schema, model, path[:-1])]
            rivals = [each.name for each in owner.relations if not each.many and each.target == found]
            if len(rivals) > 1 and path[-1] != (by if by in rivals else rivals[0]):
                others.add(path)
    kept = {path for path in loads.paths if not any(path[: len(other)] == other for other in others)}
    return replace(loads, paths=frozenset(kept))


def _to_one(schema: Schema, model: str, before: Path) -> Iterator[tuple[Path, str]]:
    """The paths of single rows that lead away from here, with the models they lead to."""
    found = schema.models.get(model)
    for relation in found.relations if found and len(before) < _DEPTH else ():
        if not relation.many and relation.target:
            yield (*before, relation.name), relation.target
            yield from _to_one(schema, relation.target, (*before, relation.name))


def _prefetched(schema: Schema, model: str, loads: Loads, terms: tuple[Term | None, ...]) -> Loads:
    """Each query's rows go to those of an earlier one that they have a key to, or that has one to them."""
    places: list[tuple[Path, str]] = [((), model)]
    paths = set(loads.paths)
    for term in terms:
        match term:
            case ModelTerm(model=target) | QueryTerm(model=target):
                below = term.loads.paths if isinstance(term, QueryTerm) else frozenset()
                for path in [each for place in places for each in _between(schema, place, target)]:
                    places.append((path, target))
                    paths |= {path, *((*path, *further) for further in below)}
            case _:
                return replace(loads, paths=frozenset(paths), open=True)
    return replace(loads, paths=frozenset(paths))


def _between(schema: Schema, place: tuple[Path, str], target: str) -> Iterator[Path]:
    path, model = place
    found = schema.models.get(model)
    for relation in found.relations if found else ():
        if relation.target == target:
            yield (*path, relation.name)


def _related(loads: Loads, terms: tuple[Term | None, ...]) -> Loads:
    for term in terms:
        if isinstance(term, AttributeTerm):
            loads = replace(loads, paths=loads.paths | with_prefixes(term.path))
        else:
            loads = replace(loads, open=True)
    return loads


def _hops(schema: Schema, model: str, path: Path) -> Iterator[tuple[str, Relation]]:
    for name in path:
        relation = schema.relation(model, name)
        if relation is None or relation.target not in schema.models:
            return
        yield model, relation
        model = relation.target


def _on(schema: Schema, owner: str, relation: Relation) -> str:
    label = schema.label(relation.target)
    found = schema.models.get(owner)
    rivals = [each for each in found.relations if each.target == relation.target] if found else []
    outer = ", JOIN.LEFT_OUTER" if relation.nullable else ""
    on = f", on={schema.label(owner)}.{relation.name}" if len(rivals) > 1 else ""
    return f"{label}{outer}{on}"
