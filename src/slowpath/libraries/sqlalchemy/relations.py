"""Relationships: where they lead, to how many rows, and how they are loaded."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from slowpath.expression import Call, Constant, Expression, argument
from slowpath.expression import Mapping as Written
from slowpath.libraries.sqlalchemy.drafts import Annotated, RelationDraft
from slowpath.libraries.sqlalchemy.joins import attributes, marked
from slowpath.libraries.sqlalchemy.registry import Mapped, Registry
from slowpath.schema import Access, Lazy, Relation, RelationKind

_LAZY: Mapping[str | bool | None, Lazy] = {
    True: "select",
    None: "none",
    False: "joined",
    "select": "select",
    "dynamic": "select",
    "write_only": "select",
    "joined": "joined",
    "selectin": "batch",
    "subquery": "batch",
    "immediate": "batch",
    "selectin_polymorphic": "batch",
    "raise": "raise",
    "raise_on_sql": "raise",
    "noload": "none",
}
_OPPOSITE: Mapping[RelationKind, RelationKind] = {
    "foreign-key": "reverse-foreign-key",
    "one-to-one": "reverse-foreign-key",
    "reverse-foreign-key": "foreign-key",
    "reverse-one-to-one": "foreign-key",
    "many-to-many": "many-to-many",
}


class Options(Struct, frozen=True):
    """The keyword arguments of a relationship or a backref; `unread` when some were unpacked from something."""

    given: Mapping[str, Expression]
    unread: bool = False

    def truth(self, name: str) -> bool | None:
        """The bool given by this name."""
        value = self.given.get(name)
        return value.value if isinstance(value, Constant) and isinstance(value.value, bool) else None


def options_of(call: Call | None) -> Options:
    """The keyword arguments of the call, with SQLModel's `sa_relationship_kwargs` among them."""
    if call is None:
        return Options({}, True)
    given = {passed.keyword: passed.value for passed in call.arguments if passed.keyword}
    second = argument(call, "secondary", 1)
    if second is not None:
        given["secondary"] = second
    unread = any(passed.star == "**" for passed in call.arguments)
    extra = given.pop("sa_relationship_kwargs", None)
    if isinstance(extra, Written):
        for key, value in zip(extra.keys, extra.values, strict=True):
            if isinstance(key, Constant) and isinstance(key.value, str):
                given[key.value] = value
        unread = unread or None in extra.keys
    elif extra is not None and not isinstance(extra, Constant):
        unread = True
    inner = given.pop("sa_relationship", None)
    if isinstance(inner, Call):
        return options_of(inner)
    return Options(given, unread)


def lazy_of(options: Options) -> tuple[Lazy, bool]:
    """How the relation is loaded, and whether reading it gives a query. What cannot be read counts as loaded."""
    value = options.given.get("lazy")
    if value is None:
        return ("joined" if options.unread else "select"), False
    if not isinstance(value, Constant) or not isinstance(value.value, (str, bool, type(None))):
        return "joined", False
    return _LAZY.get(value.value, "joined"), value.value in {"dynamic", "write_only"}


def relation_of(registry: Registry, model: Mapped, draft: RelationDraft) -> Relation:
    """The relation that the draft makes for the model."""
    options = options_of(draft.call)
    hint = draft.annotation or Annotated()
    target = _target(registry, model, draft)
    lazy, is_query = lazy_of(options)
    is_query = is_query or hint.wrapper in {"DynamicMapped", "WriteOnlyMapped"}
    is_query = is_query or (
        draft.call is not None and registry.names.word_of(draft.call, draft.module) == "dynamic_loader"
    )
    secondary = options.given.get("secondary") or options.given.get("link_model")
    column = _local_column(registry, model, target, options)
    many = _is_many(registry, model, draft, hint, options, target, column)
    many = many or is_query
    kind = _kind(registry, model, target, many, bool(secondary), column)
    return Relation(
        draft.name,
        target.name if target else "",
        kind,
        _access(many, is_query),
        column=column if kind in {"foreign-key", "one-to-one"} else "",
        back=registry.text(model, options.given.get("back_populates"), draft.module),
        lazy=lazy,
        nullable=_is_nullable(model, hint, kind, column),
        through=registry.table_named(secondary, draft.module) if secondary else "",
        line=draft.line,
        module=draft.module,
    )


def backref_of(registry: Registry, model: Mapped, draft: RelationDraft, relation: Relation) -> Relation | None:
    """The relation that `backref=` makes on the other side."""
    value = options_of(draft.call).given.get("backref")
    if value is None or not relation.target:
        return None
    name, options = _backref(registry, model, draft, value)
    if not name:
        return None
    lazy, is_query = lazy_of(options)
    kind = _OPPOSITE.get(relation.kind, "foreign-key")
    one = options.truth("uselist") is False or kind == "foreign-key"
    if one and kind == "reverse-foreign-key":
        kind = "reverse-one-to-one"
    column = ""
    target = registry.models.get(relation.target)
    if kind == "foreign-key" and target:
        column = _local_column(registry, target, model, options)
    return Relation(
        name,
        model.name,
        kind,
        _access(not one or is_query, is_query),
        column=column,
        back=relation.name,
        lazy=lazy,
        nullable=one,
        through=relation.through,
        line=relation.line,
        module=relation.module,
    )


def may_have_backref(draft: RelationDraft) -> bool:
    """Whether the relation may give the other side one that cannot be read."""
    options = options_of(draft.call)
    return options.unread or "backref" in options.given


def _backref(registry: Registry, model: Mapped, draft: RelationDraft, value: Expression) -> tuple[str, Options]:
    if isinstance(value, Call) and registry.names.word_of(value, draft.module) == "backref":
        return registry.text(model, argument(value, "name", 0), draft.module), options_of(value)
    return registry.text(model, value, draft.module), Options({})


def _access(many: bool, is_query: bool) -> Access:
    if is_query:
        return "query"
    return "rows" if many else "row"


def _target(registry: Registry, model: Mapped, draft: RelationDraft) -> Mapped | None:
    first = None
    if draft.call is not None:
        is_field = registry.names.word_of(draft.call, draft.module) == "Relationship"
        first = None if is_field else argument(draft.call, "argument", 0)
    written = first or (draft.annotation.inner if draft.annotation else None)
    return registry.target(model, written, draft.module) if written else None


def _is_many(
    registry: Registry,
    model: Mapped,
    draft: RelationDraft,
    hint: Annotated,
    options: Options,
    target: Mapped | None,
    column: str,
) -> bool:
    said = options.truth("uselist")
    if said is not None:
        return said
    if hint.many is not None and hint.inner is not None:
        return hint.many
    if options.given.get("secondary") is not None or "collection_class" in options.given:
        return True
    if column:
        return False
    if target and registry.keys_between(target, model):
        return True
    # The key is nowhere to be seen: what only collections are given speaks for one.
    return bool({"order_by", "cascade", "passive_deletes"} & options.given.keys()) or not target


def _local_column(registry: Registry, model: Mapped, target: Mapped | None, options: Options) -> str:
    """The attribute of this side that holds the key to the target, if this side holds it."""
    if target is None or options.given.get("secondary") is not None:
        return ""
    join = options.given.get("primaryjoin")
    said = attributes(options.given.get("foreign_keys")) or marked(join, "foreign")
    own = registry.keys_between(model, target)
    columns = {column.name for column in model.columns}
    labels = {name.rpartition(".")[2] for name in (model.name, *model.parents)} | {"cls", "self"}
    mine = tuple(name for label, name in said if name in columns and (not label or label in labels))
    if registry.same_table(model, target):
        remote = attributes(options.given.get("remote_side")) or marked(join, "remote")
        keys = mine or own
        return keys[0] if keys and remote and not {name for _, name in remote} & set(keys) else ""
    if said:
        return mine[0] if mine else ""
    joined = attributes(join)
    mentioned = tuple(key for key in own if any(key == name and label in {"", *labels} for label, name in joined))
    if mentioned:
        return mentioned[0]
    is_theirs = options.truth("uselist") and registry.keys_between(target, model)
    return own[0] if own and not joined and not is_theirs else ""


def _kind(
    registry: Registry, model: Mapped, target: Mapped | None, many: bool, secondary: bool, column: str
) -> RelationKind:
    if secondary:
        return "many-to-many"
    if many:
        return "reverse-foreign-key"
    if column:
        return "one-to-one" if any(each.name == column and each.unique for each in model.columns) else "foreign-key"
    if target and registry.keys_between(target, model):
        return "reverse-one-to-one"
    return "foreign-key"


def _is_nullable(model: Mapped, hint: Annotated, kind: RelationKind, column: str) -> bool:
    if hint.optional or kind == "reverse-one-to-one":
        return True
    return bool(column) and any(each.name == column and each.nullable for each in model.columns)
