"""Whether relations of models follow one from another, and what is wrong where they do not."""

from __future__ import annotations

from difflib import get_close_matches

from msgspec import Struct

from slowpath.loads import Path
from slowpath.schema import Schema
from slowpath.vocabulary import LoadProblem


class Place(Struct, frozen=True):
    """Where a chain of options has got to: the model there (empty: unknown), and the path to it.

    `written` is how its last step was written; `lost` when a step could not be read.
    """

    model: str
    path: Path = ()
    written: str = ""
    lost: bool = False


def follow(
    schema: Schema, place: Place, owner: str, name: str, *, eager: bool = False
) -> tuple[Place, LoadProblem | None]:
    """The place that the relation leads to. `owner` is the class it was read from, if it was not named by a string.

    Without a name it is the place itself, for rows of the owner.
    """
    model = owner or place.model
    written = f"{schema.label(owner)}.{name}".rstrip(".") if owner else name
    problem = _link_problem(schema, place, owner, written) if owner else None
    if not name:
        return Place(model, place.path, place.written), problem
    relation = schema.relation(model, name)
    if relation is None:
        step = _alias(schema, model, name)
        path = (*place.path, step or name)
        relation = schema.relation(model, step) if step else None
        if relation is None:
            return Place("", path, written), problem or _name_problem(schema, model, name, written)
        return Place(relation.target, path, written), problem
    if eager and relation.access == "query" and not problem and is_known(schema, model):
        problem = LoadProblem(
            written, "rows of a dynamic relationship cannot be loaded eagerly, SQLAlchemy raises", True
        )
    return Place(relation.target, (*place.path, name), written), problem


def is_known(schema: Schema, model: str) -> bool:
    """Whether everything the model's class has is known."""
    found = schema.models.get(model)
    return found is not None and found.complete and not found.abstract


def lineage(schema: Schema, model: str) -> frozenset[str]:
    """The model and all models it inherits from."""
    found: set[str] = set()
    todo = [model]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += schema.models[name].parents if name in schema.models else ()
    return frozenset(found)


def _alias(schema: Schema, model: str, name: str) -> str:
    proxy = schema.proxy(model, name)
    return proxy.path[0] if proxy and len(proxy.path) == 1 else ""


def _link_problem(schema: Schema, place: Place, owner: str, written: str) -> LoadProblem | None:
    here = place.model
    if not (is_known(schema, here) and is_known(schema, owner)):
        return None
    if here in lineage(schema, owner) or owner in lineage(schema, here):
        return None
    if place.written:
        reason = f"it does not link from `{place.written}`, which leads to `{schema.label(here)}`; SQLAlchemy raises"
    else:
        reason = f"the rows are of `{schema.label(here)}`, not of `{schema.label(owner)}`; SQLAlchemy raises"
    return LoadProblem(written, reason, True)


def _name_problem(schema: Schema, model: str, name: str, written: str) -> LoadProblem | None:
    if not is_known(schema, model) or _is_of_a_child(schema, model, name):
        return None
    label = schema.label(model)
    if schema.column(model, name) is not None:
        return LoadProblem(written, f"it is a column of `{label}`, not a relationship; SQLAlchemy raises", True)
    meant = get_close_matches(name, [relation.name for relation in schema.models[model].relations], 1, 0.6)
    also = f" (did you mean `{meant[0]}`?)" if meant else ""
    return LoadProblem(written, f"`{label}` has no relationship `{name}`{also}; SQLAlchemy raises", True)


def _is_of_a_child(schema: Schema, model: str, name: str) -> bool:
    return any(schema.relation(other, name) and model in lineage(schema, other) for other in schema.models)
