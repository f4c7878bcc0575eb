"""What SQLAlchemy's rows have with them after loader options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Union

from msgspec import Struct
from msgspec.structs import replace

from slowpath.libraries.sqlalchemy.linking import Place, follow
from slowpath.loads import Loads, Path
from slowpath.schema import Column, Schema
from slowpath.vocabulary import (
    AttributeTerm,
    BuilderTerm,
    ConstantTerm,
    Loaded,
    LoadProblem,
    ModelTerm,
    Passed,
    SequenceTerm,
    Term,
    Text,
)

Verb = Literal["load", "lazy", "refuse", "only", "defer", "undefer", "extra", "open"]


class Change(Struct, frozen=True):
    """What one step of an option does to the rows at the end of a path; `names` are of attributes there."""

    verb: Verb
    path: Path = ()
    names: tuple[str, ...] = ()
    model: str = ""


Step = Union[Change, LoadProblem]

# How each option treats the last relation of those it names.
_RELATION_OPTIONS: dict[str, Literal["load", "lazy", "refuse", ""]] = {
    "joinedload": "load",
    "selectinload": "load",
    "subqueryload": "load",
    "immediateload": "load",
    "contains_eager": "load",
    "joinedload_all": "load",
    "selectinload_all": "load",
    "subqueryload_all": "load",
    "eagerload": "load",
    "eagerload_all": "load",
    "lazyload": "lazy",
    "raiseload": "refuse",
    "noload": "refuse",
    "defaultload": "",
}
_COLUMN_OPTIONS: dict[str, Literal["only", "defer", "undefer", "extra"]] = {
    "load_only": "only",
    "defer": "defer",
    "undefer": "undefer",
    "undefer_group": "undefer",
    "with_expression": "extra",
}
_QUIET = frozenset({"selectin_polymorphic", "with_loader_criteria", "and_", "of_type"})


def load(schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
    """What rows of the model have after the call, and what is wrong with it."""
    match method:
        case "options":
            steps = tuple(_options(schema, Place(model), _terms(arguments)))
        case "refresh":
            steps = tuple(_refreshed(schema, model, _terms(arguments)))
        case _:
            return Loaded(loads)
    for step in steps:
        if isinstance(step, Change):
            loads = _changed(schema, model, loads, step)
    return Loaded(loads, tuple(step for step in steps if isinstance(step, LoadProblem)))


def _terms(arguments: tuple[Passed, ...]) -> tuple[Term | None, ...]:
    """The arguments that name what is loaded; `None` for what was unpacked from something unknown."""
    found: list[Term | None] = []
    for passed in arguments:
        if passed.star:
            found += passed.term.items if isinstance(passed.term, SequenceTerm) else (None,)
        elif passed.keyword in {"", "attrs", "attribute_names", "keys", "options"}:
            found.append(passed.term)
    return tuple(found)


def _flat(terms: tuple[Term | None, ...]) -> Iterator[Term | None]:
    for term in terms:
        if isinstance(term, SequenceTerm):
            yield from _flat(term.items)
        else:
            yield term


def _refreshed(schema: Schema, model: str, terms: tuple[Term | None, ...]) -> Iterator[Step]:
    for term in _flat(terms):
        match term:
            case Text(value=name) if schema.relation(model, name):
                yield Change("load", (name,))
            case None:
                yield Change("open")


def _options(schema: Schema, place: Place, terms: tuple[Term | None, ...]) -> Iterator[Step]:
    for term in _flat(terms):
        match term:
            case BuilderTerm(type=kind, arguments=arguments, chain=chain):
                yield from _chain(schema, place, ((kind.rpartition(".")[2], arguments), *chain))
            case ConstantTerm():
                pass
            case _:
                yield Change("open", place.path)


def _chain(schema: Schema, place: Place, calls: tuple[tuple[str, tuple[Passed, ...]], ...]) -> Iterator[Step]:
    """The steps of `joinedload(A.b).selectinload(B.c)`, each going on where the one before it got to."""
    for name, arguments in calls:
        terms = _terms(arguments)
        if place.lost:
            yield Change("open")
        elif name in _RELATION_OPTIONS:
            steps: list[Step] = []
            place = _relations(schema, place, name, terms, steps)
            yield from steps
        elif name in _COLUMN_OPTIONS:
            yield from _columns(schema, place, _COLUMN_OPTIONS[name], terms)
        elif name == "options":
            yield from _options(schema, place, terms)
        elif name == "Load":
            place, problem = _root(schema, place, terms)
            if problem:
                yield problem
        elif name not in _QUIET:
            yield Change("open")


def _root(schema: Schema, place: Place, terms: tuple[Term | None, ...]) -> tuple[Place, LoadProblem | None]:
    match terms:
        case (ModelTerm(model=model),):
            return follow(schema, place, model, "")
    return replace(place, lost=True), None


def _relations(schema: Schema, place: Place, option: str, terms: tuple[Term | None, ...], steps: list[Step]) -> Place:
    """Where the option leads, with its steps written down; only `…_all` loads others than the last relation."""
    verb = _RELATION_OPTIONS[option]
    hops = tuple(_hops(terms))
    for number, hop in enumerate(hops, 1):
        if hop is None:
            steps.append(Change("open"))
            return replace(place, lost=True)
        owner, name = hop
        if name == "*":
            if verb in {"load", "refuse"}:
                steps.append(Change("open") if verb == "load" else Change("refuse", (*place.path, "*")))
            continue
        place, problem = follow(schema, place, owner, name, eager=verb == "load")
        if problem:
            steps.append(problem)
        if verb and (number == len(hops) or option.endswith("_all")):
            steps.append(Change(verb, place.path))
    return place


def _hops(terms: tuple[Term | None, ...]) -> Iterator[tuple[str, str] | None]:
    """The relations named, each with the class it was read from, if any; `None` for what cannot be read."""
    for term in _flat(terms):
        match term:
            case AttributeTerm(model=model, path=(name, *_)):
                yield model, name
            case Text(value=text):
                yield from (("", name) for name in text.split("."))
            case _:
                yield None


def _columns(
    schema: Schema, place: Place, verb: Literal["only", "defer", "undefer", "extra"], terms: tuple[Term | None, ...]
) -> Iterator[Step]:
    found: list[str] = []
    path = place.path
    for term in terms[:1] if verb == "extra" else _flat(terms):
        match term:
            case AttributeTerm(path=(name, *_)):
                found.append(name)
            case Text(value=text):
                *before, name = text.split(".")
                path = (*place.path, *before)
                found.append(name)
            case _:
                yield Change("open")
                return
    yield Change(verb, path, tuple(found), place.model if path == place.path else "")


def _changed(schema: Schema, root: str, loads: Loads, change: Change) -> Loads:
    path = change.path
    match change.verb:
        case "open":
            return replace(loads, open=True)
        case "load":
            return replace(loads, paths=loads.paths | {path}, refused=loads.refused - {path})
        case "lazy":
            return replace(loads, paths=_outside(loads.paths, path), refused=loads.refused - {path})
        case "refuse":
            return replace(loads, paths=_outside(loads.paths, path), refused=loads.refused | {path})
        case "extra":
            return replace(loads, extra=loads.extra | set(change.names) if not path else loads.extra)
    return _with_columns(schema, loads, change)


def _outside(paths: frozenset[Path], path: Path) -> frozenset[Path]:
    return frozenset(other for other in paths if other[: len(path)] != path)


def _with_columns(schema: Schema, loads: Loads, change: Change) -> Loads:
    path = change.path
    model = schema.models.get(change.model)
    columns = model.columns if model else ()
    if "*" in change.names:
        chosen = {(*path, column.name) for column in columns if not column.primary_key}
    elif change.verb == "undefer" and not all(_is_column(columns, name) for name in change.names):
        # The name of a group: any of what the model itself defers.
        chosen = {(*path, column.name) for column in columns if column.deferred}
    else:
        chosen = {(*path, name) for name in change.names}
    if change.verb == "undefer":
        only = loads.only if loads.only is None or path else loads.only | chosen
        return replace(loads, only=only, deferred=loads.deferred - chosen, paths=loads.paths | chosen)
    if change.verb == "defer":
        only = loads.only - chosen if loads.only is not None else None
        return replace(loads, only=only, deferred=loads.deferred | chosen, paths=loads.paths - chosen)
    if not path:
        return replace(loads, only=(loads.only or frozenset()) | chosen, deferred=loads.deferred - chosen)
    late = {(*path, column.name) for column in columns if column.deferred}
    return replace(loads, deferred=_narrowed(loads, path, columns, chosen), paths=loads.paths | (chosen & late))


def _is_column(columns: tuple[Column, ...], name: str) -> bool:
    return any(column.name == name for column in columns)


def _narrowed(loads: Loads, path: Path, columns: tuple[Column, ...], chosen: set[Path]) -> frozenset[Path]:
    """The columns left out after `load_only` on a relation's rows: all others, or fewer when it is not the first."""
    if any(left_out[:-1] == path for left_out in loads.deferred):
        return loads.deferred - chosen
    others = {(*path, column.name) for column in columns if not column.primary_key}
    return loads.deferred | (others - chosen)
