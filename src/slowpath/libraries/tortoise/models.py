"""The models a project declares with Tortoise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from slowpath.declarations import Assignment
from slowpath.expression import Call, Constant, Expression, Listing, argument, dotted
from slowpath.project import Project
from slowpath.references import ClassRef, External, FunctionRef
from slowpath.schema import Column, Index, Model, Relation, RelationKind

ROOTS = (External("tortoise.models.Model"), External("tortoise.Model"))
_RELATIONS = {"ForeignKeyField", "OneToOneField", "ManyToManyField"}
_PERSISTENCE = {"save", "delete", "create", "bulk_create", "update_from_dict", "refresh_from_db"}


class _Field(Struct, frozen=True):
    """A field of a class, inherited ones included; `kind` is the last part of its type's name."""

    name: str
    kind: str
    call: Call
    module: str
    line: int


class _Class(Struct, frozen=True):
    """A model's class; `meta` are the assignments of its own `Meta`."""

    ref: ClassRef
    fields: tuple[_Field, ...]
    managers: tuple[tuple[str, str], ...]
    meta: dict[str, Expression]

    @property
    def label(self) -> str:
        """The class's name."""
        return self.ref.qualname.rpartition(".")[2]

    @property
    def abstract(self) -> bool:
        """Whether there are no rows of the class itself."""
        return _is_true(self.meta.get("abstract"))

    @property
    def table(self) -> str:
        """The name of its table."""
        return _text(self.meta.get("table")) or self.label.lower()


def models(project: Project) -> tuple[Model, ...]:
    """All subclasses of Tortoise's `Model`, abstract ones included."""
    found = {ref for root in ROOTS for ref in project.subclasses(root)}
    classes = {ref.name: _class(project, ref) for ref in sorted(found)}
    relations: defaultdict[str, list[Relation]] = defaultdict(list)
    for each in classes.values():
        for field in each.fields:
            if field.kind in _RELATIONS:
                _relate(project, classes, each, field, relations)
    signals = _signals(project)
    return tuple(_model(project, each, tuple(relations[name]), signals) for name, each in classes.items())


def _class(project: Project, ref: ClassRef) -> _Class:
    fields: dict[str, _Field] = {}
    managers: dict[str, str] = {}
    for ancestor in project.ancestors(ref):
        if isinstance(ancestor, ClassRef):
            for assignment in project.class_of(ancestor).assignments:
                _read(project, ancestor.module, assignment, fields, managers)
    meta = project.inner_class(ref, "Meta")
    own = meta is not None and meta.qualname == f"{ref.qualname}.Meta" and meta.module == ref.module
    written = project.class_of(meta).assignments if meta and own else ()
    return _Class(
        ref,
        tuple(fields.values()),
        tuple(managers.items()),
        {assignment.name: assignment.value for assignment in written if assignment.value is not None},
    )


def _read(
    project: Project, module: str, assignment: Assignment, fields: dict[str, _Field], managers: dict[str, str]
) -> None:
    call, name = assignment.value, assignment.name
    if not isinstance(call, Call) or name in fields or name in managers:
        return
    found = project.resolve(module, dotted(call.func))
    outside = _outside(project, found) if isinstance(found, (ClassRef, External, FunctionRef)) else ()
    library = next((each for each in outside if each.startswith("tortoise.")), "")
    if library.startswith("tortoise.manager."):
        managers[name] = found.name if isinstance(found, (ClassRef, External)) else library
    elif library.startswith(("tortoise.fields.", "tortoise.contrib.")):
        fields[name] = _Field(name, library.rpartition(".")[2], call, module, assignment.line)


def _outside(project: Project, found: ClassRef | External | FunctionRef) -> tuple[str, ...]:
    """The dotted names of the library's classes that this one is or descends from."""
    match found:
        case External(name=name):
            return (name,)
        case ClassRef():
            return tuple(each.name for each in project.ancestors(found) if isinstance(each, External))
    return ()


def _relate(
    project: Project,
    classes: dict[str, _Class],
    owner: _Class,
    field: _Field,
    relations: defaultdict[str, list[Relation]],
) -> None:
    target = _target(project, classes, owner, field)
    many = field.kind == "ManyToManyField"
    written = argument(field.call, "related_name", 4 if many else 1)
    back = _text(written) or ("" if _is_false(written) else f"{owner.table}s")
    is_one = field.kind == "OneToOneField"
    relation = Relation(
        field.name,
        target,
        "many-to-many" if many else "one-to-one" if is_one else "foreign-key",
        "query" if many else "row",
        column="" if many else f"{field.name}_id",
        back=back,
        nullable=_is_true(argument(field.call, "null")),
        through=_text(argument(field.call, "through", 1)) if many else "",
        line=field.line,
    )
    relations[owner.ref.name].append(relation)
    if back and target and not owner.abstract:
        kind: RelationKind = "many-to-many" if many else "reverse-one-to-one" if is_one else "reverse-foreign-key"
        reverse = Relation(
            back,
            owner.ref.name,
            kind,
            "row" if is_one else "query",
            back=field.name,
            nullable=is_one,
            through=relation.through,
            line=field.line,
        )
        relations[target].append(reverse)


def _target(project: Project, classes: dict[str, _Class], owner: _Class, field: _Field) -> str:
    first = argument(field.call, "to", 0) or argument(field.call, "model_name")
    found = project.resolve(field.module, dotted(first)) if first else None
    if isinstance(found, ClassRef):
        return found.name if found.name in classes else ""
    app, _, label = _text(first).rpartition(".")
    named = [each for each in classes.values() if each.label == label]
    if len(named) > 1:
        near = [each for each in named if each.ref.module == owner.ref.module]
        named = near or [each for each in named if app in each.ref.module.split(".")]
    return named[0].ref.name if len(named) == 1 else ""


def _model(
    project: Project, declared: _Class, relations: tuple[Relation, ...], signals: dict[str, tuple[str, ...]]
) -> Model:
    ref = declared.ref
    columns = tuple(_columns(declared))
    if not any(column.primary_key for column in columns):
        columns = (Column("id", "id", "IntField", primary_key=True), *columns)
    ancestors = [each for each in project.ancestors(ref) if isinstance(each, ClassRef)]
    own = {name for each in ancestors for name in project.own_methods(each)}
    return Model(
        name=ref.name,
        label=declared.label,
        library="tortoise",
        rows_type="tortoise.queryset.QuerySet",
        row_type="tortoise.models.Model",
        related_type="tortoise.fields.relational.ReverseRelation",
        table="" if declared.abstract else declared.table,
        columns=columns,
        relations=tuple({relation.name: relation for relation in relations}.values()),
        managers=declared.managers,
        indexes=tuple(_indexes(declared)),
        parents=tuple(each.name for each in ancestors[1:] if _is_model(project, each)),
        complete=project.complete(ref) and _is_plain(project, ref),
        abstract=declared.abstract,
        ordered="ordering" in declared.meta,
        overrides=tuple(sorted(own & _PERSISTENCE)),
        receivers=signals.get(ref.name, ()),
    )


def _is_model(project: Project, ref: ClassRef) -> bool:
    return any(root in project.ancestors(ref) for root in ROOTS)


def _is_plain(project: Project, ref: ClassRef) -> bool:
    plain = ("tortoise.", "builtins.", "typing.", "abc.", "typing_extensions.")
    return all(each.name.startswith(plain) for each in project.ancestors(ref) if isinstance(each, External))


def _columns(declared: _Class) -> Iterator[Column]:
    for field in declared.fields:
        if field.kind == "ManyToManyField":
            continue
        is_key = field.kind in _RELATIONS
        name = f"{field.name}_id" if is_key else field.name
        call = field.call
        yield Column(
            name,
            _text(argument(call, "source_field")) or name,
            field.kind,
            primary_key=_is_true(argument(call, "primary_key")) or _is_true(argument(call, "pk")),
            unique=_is_true(argument(call, "unique")) or field.kind == "OneToOneField",
            indexed=_is_true(argument(call, "db_index")) or _is_true(argument(call, "index")),
            nullable=_is_true(argument(call, "null")),
            line=field.line,
        )


def _indexes(declared: _Class) -> Iterator[Index]:
    for word in ("indexes", "unique_together"):
        written = declared.meta.get(word)
        groups = written.elements if isinstance(written, Listing) else ()
        if groups and all(isinstance(group, Constant) for group in groups) and isinstance(written, Listing):
            groups = (written,)
        for group in groups:
            names = argument(group, "fields") if isinstance(group, Call) else group
            if isinstance(names, Listing):
                yield Index(tuple(_text(name) for name in names.elements), unique=word == "unique_together")


def _signals(project: Project) -> dict[str, tuple[str, ...]]:
    """The signals that somebody listens to, by model."""
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for module, file in project.modules.items():
        if not any(imported.module.startswith("tortoise.signals") for imported in file.imports):
            continue
        for function in file.functions:
            for decorator in function.decorators:
                if isinstance(decorator, Call):
                    signal = project.resolve(module, dotted(decorator.func))
                    models = [project.resolve(module, dotted(passed.value)) for passed in decorator.arguments]
                    for model in models:
                        if isinstance(signal, External) and isinstance(model, ClassRef):
                            found[model.name] += (signal.name.rpartition(".")[2],)
    return dict(found)


def _text(value: Expression | None) -> str:
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else ""


def _is_true(value: Expression | None) -> bool:
    return isinstance(value, Constant) and value.value is True


def _is_false(value: Expression | None) -> bool:
    return isinstance(value, Constant) and value.value is False
