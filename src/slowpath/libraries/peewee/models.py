"""The models a project declares with Peewee."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from slowpath.declarations import Assignment
from slowpath.expression import Call, Constant, Expression, Listing, argument, dotted
from slowpath.project import Project
from slowpath.references import ClassRef, External
from slowpath.schema import Column, Index, Model, Relation, RelationKind

# Peewee's extensions take all its names; that of `signals` and, once, of `gfk` extends it.
_MODULES = (
    "peewee",
    *(f"playhouse.{name}" for name in ("gfk", "signals", "postgres_ext", "psycopg3_ext", "sqlite_ext")),
)
_ROOTS = tuple(External(f"{module}.Model") for module in _MODULES)
_PERSISTENCE = {"save", "delete_instance", "create", "insert", "update", "delete"}
_RELATIONS = {"ForeignKeyField", "DeferredForeignKey", "ManyToManyField"}


class _Field(Struct, frozen=True):
    """A field of a class, inherited ones included; `kind` is the last part of its type's name."""

    name: str
    kind: str
    call: Call
    module: str
    line: int


class _Class(Struct, frozen=True):
    """A model's class; `meta` are the assignments of its `Meta`; `abstract` when it has no fields but children."""

    ref: ClassRef
    fields: tuple[_Field, ...]
    meta: dict[str, Expression]
    abstract: bool

    @property
    def label(self) -> str:
        """The class's name."""
        return self.ref.qualname.rpartition(".")[2]


def models(project: Project) -> tuple[Model, ...]:
    """All subclasses of Peewee's `Model`, by whichever of its names."""
    found = dict.fromkeys(ref for root in _ROOTS for ref in project.subclasses(root))
    classes = {ref.name: _class(project, ref) for ref in found}
    relations: defaultdict[str, list[Relation]] = defaultdict(list)
    for each in classes.values():
        for field in each.fields:
            if field.kind in _RELATIONS:
                _relate(project, classes, each, field, relations)
    return tuple(_model(project, each, tuple(relations[name])) for name, each in classes.items())


def _class(project: Project, ref: ClassRef) -> _Class:
    fields: dict[str, _Field] = {}
    for ancestor in project.ancestors(ref):
        if isinstance(ancestor, ClassRef):
            for assignment in project.class_of(ancestor).assignments:
                field = _field(project, ancestor.module, assignment)
                if field:
                    fields.setdefault(field.name, field)
    meta = project.inner_class(ref, "Meta")
    written = project.class_of(meta).assignments if meta else ()
    own = {assignment.name for assignment in project.class_of(ref).assignments}
    return _Class(
        ref,
        tuple(fields.values()),
        {assignment.name: assignment.value for assignment in written if assignment.value is not None},
        not own & fields.keys() and bool(project.subclasses(ref)),
    )


def _field(project: Project, module: str, assignment: Assignment) -> _Field | None:
    call = assignment.value
    if not isinstance(call, Call):
        return None
    found = project.resolve(module, dotted(call.func))
    names: tuple[str, ...] = ()
    if isinstance(found, External):
        names = (found.name,)
    elif isinstance(found, ClassRef):
        names = tuple(each.name for each in project.ancestors(found) if isinstance(each, External))
    library = next((name for name in names if name.partition(".")[0] in {"peewee", "playhouse"}), "")
    kind = library.rpartition(".")[2]
    if not kind.endswith(("Field", "DeferredForeignKey")):
        return None
    return _Field(assignment.name, kind, call, module, assignment.line)


def _relate(
    project: Project,
    classes: dict[str, _Class],
    owner: _Class,
    field: _Field,
    relations: defaultdict[str, list[Relation]],
) -> None:
    target = _target(project, classes, owner, field)
    many = field.kind == "ManyToManyField"
    written = _text(argument(field.call, "backref", 1 if many else 2)) or _text(argument(field.call, "related_name"))
    back = written or (f"{owner.label.lower()}s" if many else f"{owner.label.lower()}_set")
    back = "" if back in {"+", "!"} else back
    relations[owner.ref.name].append(
        Relation(
            field.name,
            target,
            "many-to-many" if many else "foreign-key",
            "query" if many else "row",
            column="" if many else _key_name(field),
            back=back,
            nullable=_is_true(argument(field.call, "null")),
            line=field.line,
        )
    )
    if back and target and not owner.abstract:
        kind: RelationKind = "many-to-many" if many else "reverse-foreign-key"
        reverse = Relation(back, owner.ref.name, kind, "query", back=field.name, line=field.line)
        relations[target].append(reverse)


def _key_name(field: _Field) -> str:
    """The attribute that holds a foreign key's value."""
    said = _text(argument(field.call, "object_id_name")) or _text(argument(field.call, "column_name"))
    name = said or (field.name if field.name.endswith("_id") else f"{field.name}_id")
    return f"{name}_id" if name == field.name else name


def _target(project: Project, classes: dict[str, _Class], owner: _Class, field: _Field) -> str:
    first = argument(field.call, "model", 0) or argument(field.call, "rel_model") or argument(field.call, "to")
    if _text(first) == "self":
        return owner.ref.name
    found = project.resolve(field.module, dotted(first)) if first else None
    if isinstance(found, ClassRef):
        return found.name if found.name in classes else ""
    label = _text(first) or _text(argument(field.call, "rel_model_name", 0))
    named = [name for name, each in classes.items() if each.label == label]
    return named[0] if len(named) == 1 else ""


def _model(project: Project, declared: _Class, relations: tuple[Relation, ...]) -> Model:
    ref = declared.ref
    columns = tuple(_columns(declared))
    if not any(column.primary_key for column in columns) and not _is_false(declared.meta.get("primary_key")):
        columns = (Column("id", "id", "AutoField", primary_key=True), *columns)
    ancestors = project.ancestors(ref)
    own = {name for each in ancestors if isinstance(each, ClassRef) for name in project.own_methods(each)}
    plain = ("peewee.", "playhouse.", "builtins.", "typing.", "abc.")
    return Model(
        name=ref.name,
        label=declared.label,
        library="peewee",
        rows_type="peewee.ModelSelect",
        row_type="peewee.Model",
        table="" if declared.abstract else _table(declared),
        columns=columns,
        relations=tuple({relation.name: relation for relation in relations}.values()),
        indexes=tuple(_indexes(declared)),
        parents=tuple(each.name for each in ancestors[1:] if isinstance(each, ClassRef) and _is_model(project, each)),
        complete=project.complete(ref)
        and all(each.name.startswith(plain) for each in ancestors if isinstance(each, External)),
        abstract=declared.abstract,
        overrides=tuple(sorted(own & _PERSISTENCE)),
    )


def _is_model(project: Project, ref: ClassRef) -> bool:
    return not set(_ROOTS).isdisjoint(project.ancestors(ref))


def _table(declared: _Class) -> str:
    said = _text(declared.meta.get("table_name")) or _text(declared.meta.get("db_table"))
    if said or "table_function" in declared.meta:
        return said
    if _is_false(declared.meta.get("legacy_table_names")):
        first = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", declared.label)
        return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", first).lower()
    return re.sub(r"[^\w]+", "_", declared.label.lower())


def _columns(declared: _Class) -> Iterator[Column]:
    composite = declared.meta.get("primary_key")
    keys = {_text(passed.value) for passed in composite.arguments} if isinstance(composite, Call) else set()
    for field in declared.fields:
        if field.kind == "ManyToManyField":
            continue
        is_key = field.kind in _RELATIONS
        name = _key_name(field) if is_key else field.name
        call = field.call
        yield Column(
            name,
            _text(argument(call, "column_name")) or _text(argument(call, "db_column")) or name,
            field.kind,
            primary_key=_is_true(argument(call, "primary_key"))
            or field.kind.endswith("AutoField")
            or field.name in keys,
            unique=_is_true(argument(call, "unique")),
            # Peewee indexes foreign keys by itself.
            indexed=_is_true(argument(call, "index")) or (is_key and not _is_false(argument(call, "index"))),
            nullable=_is_true(argument(call, "null")),
            line=field.line,
        )


def _indexes(declared: _Class) -> Iterator[Index]:
    written = declared.meta.get("indexes")
    for group in written.elements if isinstance(written, Listing) else ():
        match group:
            case Listing(elements=(Listing(elements=names), Constant(value=unique))):
                yield Index(tuple(_text(name) for name in names), unique=unique is True)


def _text(value: Expression | None) -> str:
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else ""


def _is_true(value: Expression | None) -> bool:
    return isinstance(value, Constant) and value.value is True


def _is_false(value: Expression | None) -> bool:
    return isinstance(value, Constant) and value.value is False
