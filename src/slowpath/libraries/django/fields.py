"""What an assignment in a model's body is: a column, a relation, or nothing of Django's."""

from __future__ import annotations

from slowpath.declarations import Assignment
from slowpath.expression import Call, Constant, Expression, argument, dotted
from slowpath.libraries.django.builtins import DEFAULT_USER
from slowpath.libraries.django.drafts import USER_SETTING, Field, Target
from slowpath.libraries.django.names import UNKNOWN, Meaning, Names, Placed, flag
from slowpath.references import ClassRef, External
from slowpath.schema import RelationKind

_KINDS: dict[str, RelationKind] = {
    "ForeignKey": "foreign-key",
    "OneToOneField": "one-to-one",
    "ManyToManyField": "many-to-many",
    "GenericForeignKey": "generic-foreign-key",
    "GenericRelation": "generic-reverse",
    "ParentalKey": "foreign-key",
    "TaggableManager": "many-to-many",
    "ClusterTaggableManager": "many-to-many",
}
_FLAGS = frozenset({"BooleanField", "NullBooleanField"})
_SUFFIXES = ("OneToOneField", "ManyToManyField", "ForeignKey")
_TAGULOUS = {"TagField": "ManyToManyField", "SingleTagField": "ForeignKey"}
_TAGS = "taggit.models.Tag"


def field_type(names: Names, module: str, value: Expression | None) -> str:
    """The class of Django's that the field is an instance of (`CharField`), empty when it is no field."""
    if not isinstance(value, Call):
        return ""
    name = dotted(value.func)
    # A name that nothing explains is still a name.
    return type_of(names, names.meaning(module, name) or External(f"?.{name}")) if name else ""


def is_opaque(names: Names, module: str, value: Expression | None) -> bool:
    """Whether the field is of a class that nothing shows to be Django's: what its attribute gives may be anything."""
    name = dotted(value.func) if isinstance(value, Call) else ""
    match names.meaning(module, name) if name else None:
        case External(name=outside):
            return not outside.startswith("django.")
        case ClassRef() as ref:
            return not any(each.startswith("django.") for each in names.outside(ref))
    return True


def is_database_field(names: Names, module: str, value: Expression | None) -> bool:
    """Whether the value is a field of Django's own models, whatever class it stands in."""
    name = dotted(value.func) if isinstance(value, Call) else ""
    match names.meaning(module, name) if name else None:
        case External(name=outside):
            return outside.startswith("django.") and ".forms" not in outside and outside.endswith(("Field", "Key"))
    return False


def type_of(names: Names, meaning: Meaning) -> str:
    """The class of Django's behind a class of fields, empty when instances of it are no fields."""
    match meaning:
        case External(name=name):
            return _outside_type(name)
        case ClassRef():
            outside = names.outside(meaning)
            types = {type_ for name in outside if (type_ := _outside_type(name))}
            if not types and UNKNOWN in outside:
                return _outside_type(f"?.{meaning.qualname}")
            return min(types, key=lambda type_: (type_ not in _KINDS, type_), default="")
    return ""


def _outside_type(name: str) -> str:
    package, _, last = name.rpartition(".")
    if ".forms" in package or "serializers" in package or package.startswith(("factory", "graphene", "django_filters")):
        return ""
    if last in _KINDS:
        return last
    if package.startswith("tagulous."):
        return _TAGULOUS.get(last, "")
    if not package.startswith("django."):
        suffix = next((suffix for suffix in _SUFFIXES if last.endswith(suffix)), "")
        if suffix:
            return suffix
    return last if last.endswith(("Field", "PrimaryKey")) else ""


def read_field(names: Names, module: str, assignment: Assignment) -> Field | None:
    """The field, if the assignment makes one."""
    call = assignment.value
    type_ = field_type(names, module, call)
    if not type_ or not isinstance(call, Call):
        return None
    kind = _KINDS.get(type_)
    if kind is None:
        return _column(names, module, assignment.name, type_, call, assignment.line)
    if kind == "generic-foreign-key":
        keys = (_text(names, module, call, "ct_field", 0), _text(names, module, call, "fk_field", 1))
        return Field(
            assignment.name, type_, kind, keys=(keys[0] or "content_type", keys[1] or "object_id"), line=assignment.line
        )
    if type_.endswith("TaggableManager"):
        return _tags(names, module, assignment.name, call, assignment.line)
    return _relation(names, module, assignment.name, type_, kind, call, assignment.line)


def _column(names: Names, module: str, name: str, type_: str, call: Call, line: int) -> Field:
    primary = flag(call, "primary_key") or type_ == "CompositePrimaryKey"
    return Field(
        name,
        type_,
        null=flag(call, "null"),
        unique=flag(call, "unique"),
        indexed=flag(call, "db_index") or (type_ == "SlugField" and argument(call, "db_index") is None),
        few=type_ in _FLAGS or argument(call, "choices") is not None,
        primary_key=primary,
        column=_text(names, module, call, "db_column") or "",
        line=line,
    )


def _relation(names: Names, module: str, name: str, type_: str, kind: RelationKind, call: Call, line: int) -> Field:
    written = argument(call, "to", 0)
    related = argument(call, "related_name")
    query = argument(call, "related_query_name")
    related_name = _optional(names, module, related)
    related_query_name = _optional(names, module, query)
    unread = ((related_name, related), (related_query_name, query))
    symmetrical = argument(call, "symmetrical")
    return Field(
        name,
        type_,
        kind,
        read_target(names, Placed(written, module)) if written else Target(),
        read_target(names, Placed(through, module)) if (through := argument(call, "through")) else Target(),
        null=flag(call, "null"),
        unique=flag(call, "unique"),
        indexed=not _is_false(argument(call, "db_index")),
        primary_key=flag(call, "primary_key"),
        column=_text(names, module, call, "db_column") or "",
        related_name=related_name or None,
        related_query_name=related_query_name or None,
        readable=all(text is not None or _is_none(value) for text, value in unread) and not _is_spread(call),
        symmetrical=None if symmetrical is None else not _is_false(symmetrical),
        parent_link=flag(call, "parent_link"),
        keys=(
            _text(names, module, call, "content_type_field") or "content_type",
            _text(names, module, call, "object_id_field") or "object_id",
        ),
        line=line,
        on_delete=dotted(argument(call, "on_delete", 1)).rpartition(".")[2],
    )


def _tags(names: Names, module: str, name: str, call: Call, line: int) -> Field:
    through = argument(call, "through")
    target = Target("class", _TAGS, module)
    linking = read_target(names, Placed(through, module)) if through else Target()
    related = _optional(names, module, argument(call, "related_name"))
    return Field(name, "TaggableManager", "many-to-many", target, linking, related_name=related or "+", line=line)


def read_target(names: Names, placed: Placed) -> Target:
    """The model that an expression names."""
    placed = names.chosen(names.chased(names.chosen(placed)))
    match placed.value:
        case Constant(value=str(text)):
            return Target("name", text, placed.module)
        case Call():
            return _called(names, placed.value, placed.module)
    name = dotted(placed.value)
    head, _, last = name.rpartition(".")
    if last.endswith("_MODEL") and (head.endswith("settings") or last == USER_SETTING):
        return Target("setting", last, placed.module, DEFAULT_USER if last == USER_SETTING else "")
    match names.meaning(placed.module, name) if name else None:
        case ClassRef() as ref:
            return Target("class", ref.name, placed.module)
        case External(name=outside):
            if outside.rpartition(".")[2] == USER_SETTING:
                return Target("setting", USER_SETTING, placed.module, DEFAULT_USER)
            return Target("class", outside, placed.module)
    return Target()


def _called(names: Names, call: Call, module: str) -> Target:
    """The model that a call gives: `get_user_model()`, `getattr(settings, …)`, `get_model(…)`."""
    texts = [names.text(Placed(passed.value, module)) for passed in call.arguments if not passed.keyword]
    match dotted(call.func).rpartition(".")[2], texts:
        case "get_user_model", _:
            return Target("setting", USER_SETTING, module, DEFAULT_USER)
        case "getattr", [_, str(setting), *rest]:
            default = rest[0] if rest else None
            return Target("setting", setting, module, default or (DEFAULT_USER if setting == USER_SETTING else ""))
        case "get_model_name", [str(app), str(model)]:
            # The settings of swapper.
            return Target("setting", f"{app}_{model}_MODEL".upper(), module, f"{app}.{model}")
        case "get_model" | "get_registered_model", [str(app), str(model), *_]:
            return Target("name", f"{app}.{model}", module)
        case "get_model", [str(label)] if "." in label:
            return Target("name", label, module)
    return Target()


def _text(names: Names, module: str, call: Call, keyword: str, position: int | None = None) -> str | None:
    return _optional(names, module, argument(call, keyword, position))


def _optional(names: Names, module: str, value: Expression | None) -> str | None:
    return names.text(Placed(value, module)) if value else None


def _is_spread(call: Call) -> bool:
    return any(passed.star == "**" for passed in call.arguments)


def _is_none(value: Expression | None) -> bool:
    return value is None or (isinstance(value, Constant) and value.value is None)


def _is_false(value: Expression | None) -> bool:
    return isinstance(value, Constant) and value.value is False
