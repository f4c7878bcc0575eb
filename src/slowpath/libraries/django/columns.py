"""Columns that Django's queries fetch or leave out: `only()` and `defer()`."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from slowpath.libraries.django.rows import is_parent_link, key_columns, lookup_name, relation_by_lookup
from slowpath.loads import Loads, Path
from slowpath.schema import Relation, Schema
from slowpath.vocabulary import LoadProblem

_KEYED = ("foreign-key", "one-to-one")


def only(schema: Schema, model: str, loads: Loads, names: tuple[str, ...]) -> Loads:
    """The loads after `only(names)`: earlier `only()`s are forgotten, what earlier `defer()`s named stays out."""
    kept: frozenset[Path] = frozenset().union(*(_kept(schema, model, name) for name in names))
    own = _own_deferred(loads)
    kept -= own - {path for path in kept if path[-1] in _keys(schema, model, path)}
    return replace(loads, only=kept or None, deferred=loads.deferred - own)


def deferred(schema: Schema, model: str, loads: Loads, names: tuple[str, ...]) -> Loads:
    """The loads after `defer(names)`: it adds to earlier calls, and takes away from an `only()`."""
    left_out = frozenset(column_path(schema, model, name) for name in names)
    if loads.only is None:
        return replace(loads, deferred=loads.deferred | left_out)
    kept = loads.only - left_out
    named = any(path[-1] not in _keys(schema, model, path) for path in kept)
    return replace(loads, only=kept if named else None)


def column_path(schema: Schema, model: str, name: str) -> Path:
    """The path to the attribute that holds the column of this lookup."""
    path: Path = ()
    *hops, last = name.split("__")
    for hop in hops:
        relation = relation_by_lookup(schema, model, hop)
        path = (*path, relation.name if relation else hop)
        model = relation.target if relation else ""
    relation = relation_by_lookup(schema, model, last)
    if relation:
        return (*path, relation.column or relation.name)
    if last == "pk":
        return (*path, min(key_columns(schema, model), default="pk"))
    return (*path, last)


def left_out(schema: Schema, model: str, loads: Loads, prefix: Path, relation: Relation) -> str:
    """The call that leaves out the key that the relation at the end of these joins needs; empty if none does."""
    if is_parent_link(relation):
        return ""
    names = {relation.name, relation.column}
    level = {
        path[len(prefix)] for path in loads.only or () if path[: len(prefix)] == prefix and len(path) > len(prefix)
    }
    if level and not level & names:
        return "only()"
    return "defer()" if any((*prefix, name) in loads.deferred for name in names) else ""


def contradictions(schema: Schema, model: str, loads: Loads) -> Iterator[LoadProblem]:
    """Joins along keys that are left out."""
    if loads.only is None and not loads.deferred:
        return
    for path in sorted(loads.joined):
        relation = relation_at(schema, model, path)
        call = left_out(schema, model, loads, path[:-1], relation) if relation else ""
        if call:
            reason = f"`{call}` leaves out the key that `select_related()` follows: Django raises FieldError"
            yield LoadProblem("__".join(path), reason, certain=True)


def relation_at(schema: Schema, model: str, path: Path) -> Relation | None:
    """The relation at the end of a path of relations."""
    relation = None
    for name in path:
        relation = schema.relation(model, name)
        if relation is None:
            return None
        model = relation.target
    return relation


def written_only(schema: Schema, model: str, loads: Loads) -> list[str]:
    """The names to give to `only()` for what it fetches now, in the order of the model's columns."""
    paths = loads.only or frozenset()
    hops = {path[:end] for path in paths for end in range(1, len(path))}
    order = {column.name: index for index, column in enumerate(schema.models[model].columns)}
    kept = (
        path for path in paths if path[-1] not in _keys(schema, model, path) and not _is_hop(schema, model, path, hops)
    )
    in_order = sorted(kept, key=lambda path: (len(path), order.get(path[0], len(order)), path))
    names = ["__".join(as_written(schema, model, path)) for path in in_order]
    return names or ["pk"]


def _is_hop(schema: Schema, model: str, path: Path, hops: set[Path]) -> bool:
    """Whether a path is the key of a relation that a longer one goes through."""
    return any(hop[:-1] == path[:-1] and _key_of(schema, model, hop) == path[-1] for hop in hops)


def _key_of(schema: Schema, model: str, path: Path) -> str:
    relation = relation_at(schema, model, path)
    return (relation.column or relation.name) if relation else path[-1]


def as_written(schema: Schema, model: str, path: Path) -> Path:
    """The path in the words of lookups: a foreign key's column called by the relation's name."""
    written: Path = ()
    for name in path:
        found = schema.models.get(model)
        by_column = {r.column: r for r in found.relations if r.kind in _KEYED} if found else {}
        relation = schema.relation(model, name) or by_column.get(name)
        written = (*written, lookup_name(schema, model, relation) if relation else name)
        model = relation.target if relation else ""
    return written


def _kept(schema: Schema, model: str, name: str) -> frozenset[Path]:
    """The columns fetched because of one name: its own, the keys of the joins to it, and the primary keys."""
    path = column_path(schema, model, name)
    kept = {path, *((key,) for key in key_columns(schema, model))}
    for end, hop in enumerate(path[:-1]):
        relation = schema.relation(model, hop)
        if relation is None:
            break
        model = relation.target
        kept.add((*path[:end], relation.column or relation.name))
        kept |= {(*path[: end + 1], key) for key in key_columns(schema, model)}
    return frozenset(kept)


def _keys(schema: Schema, model: str, path: Path) -> frozenset[str]:
    """The primary key's attributes of the rows that the last part of the path is read from."""
    if len(path) > 1:
        relation = relation_at(schema, model, path[:-1])
        model = relation.target if relation else ""
    return key_columns(schema, model)


def _own_deferred(loads: Loads) -> frozenset[Path]:
    """The columns that this query itself leaves out, not one of a `Prefetch`."""
    apart = loads.paths - loads.joined
    return frozenset(path for path in loads.deferred if path[:-1] not in apart)
