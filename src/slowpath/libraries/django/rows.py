"""What Django's rows know that the common schema has no word for, and relations looked up the way Django does."""

from __future__ import annotations

from difflib import get_close_matches

from slowpath.loads import Loads, Path
from slowpath.schema import Model, Relation, Schema


class DjangoModel(Model, frozen=True):
    """A model of Django.

    `query_names` are the names that lookups (`filter`, `select_related`, `only`) use for reverse relations where the
    attribute is called something else: such a name, then the attribute. `attributes` are the other names its class
    body binds. `loose` are names of reverse relations whose model is unknown: any model may have them.
    """

    query_names: tuple[tuple[str, str], ...] = ()
    attributes: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()


def relation_by_lookup(schema: Schema, model: str, name: str) -> Relation | None:
    """The relation that a lookup calls by this name."""
    found = schema.models.get(model)
    names = dict(found.query_names) if isinstance(found, DjangoModel) else {}
    relation = schema.relation(model, names.get(name, name))
    # Once a reverse relation has a name for lookups, the attribute's own name is none.
    return None if relation and relation.name in names.values() and name not in names else relation


def relation_by_attribute(schema: Schema, model: str, loads: Loads, path: Path) -> Relation | None:
    """The relation that the last attribute of the path reads on this model, also through `Prefetch(to_attr=…)`."""
    alias = dict(loads.aliases).get(path)
    return schema.relation(model, alias or path[-1])


def lookup_name(schema: Schema, model: str, relation: Relation) -> str:
    """What lookups call the relation."""
    found = schema.models.get(model)
    names = found.query_names if isinstance(found, DjangoModel) else ()
    return next((name for name, attribute in names if attribute == relation.name), relation.name)


def may_have(schema: Schema, model: str, name: str, *, attributes: bool) -> bool:
    """Whether rows of the model could have something of this name; `attributes` counts those of its class."""
    found = schema.models.get(model)
    if found is None or not found.complete:
        return True
    if not isinstance(found, DjangoModel):
        return False
    return name in found.loose or (attributes and name in found.attributes)


def nearest(schema: Schema, model: str, name: str, *, joined: bool) -> str:
    """The name that was probably meant, in brackets, or nothing."""
    found = schema.models[model]
    relations = [relation for relation in found.relations if not (joined and relation.many)]
    names = [lookup_name(schema, model, relation) if joined else relation.name for relation in relations]
    known = dict(found.query_names) if isinstance(found, DjangoModel) and not joined else {}
    meant = known.get(name) or next(iter(get_close_matches(name, names, 1, 0.7)), "")
    return f" (did you mean `{meant}`?)" if meant else ""


def is_parent_link(relation: Relation) -> bool:
    """Whether the relation leads to the row's own columns in the parent's table."""
    return relation.kind == "one-to-one" and relation.lazy == "joined"


def key_columns(schema: Schema, model: str) -> frozenset[str]:
    """The attributes that hold the primary key."""
    found = schema.models.get(model)
    return frozenset(column.name for column in found.columns if column.primary_key) if found else frozenset()
