"""Columns, as classes write them."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath.declarations import Assignment
from slowpath.expression import Attribute, Call, Constant, Expression, Listing, Name, Subscript, argument, dotted
from slowpath.libraries.sqlalchemy.annotations import annotated
from slowpath.libraries.sqlalchemy.drafts import Annotated, ColumnDraft
from slowpath.libraries.sqlalchemy.names import Names, Placed
from slowpath.references import ClassRef, External
from slowpath.schema import Column
from slowpath.spelling import spelled

_COLUMNS = {"Column", "mapped_column", "MappedColumn", "Field"}
_WRAPPERS = {"deferred", "column_property", "query_expression"}
_FLAGS = {"Boolean", "BOOLEAN", "Enum", "ENUM", "BOOL"}
_ASIDE = {"ForeignKey", "Sequence", "Identity", "Computed", "CheckConstraint", "FetchedValue", "DefaultClause"}


def column_of(names: Names, assignment: Assignment, module: str, style: str) -> ColumnDraft | None:
    """The column that the assignment in a class's body makes, if it makes one."""
    hint = annotated(assignment.annotation)
    value = assignment.value
    word = names.word(Placed(value, module)) if value else ""
    if isinstance(value, Call):
        if word in _WRAPPERS:
            inner = argument(value, "column", 0)
            draft = column_of(names, replace(assignment, value=inner), module, style) if inner else None
            late = word == "deferred" or _is_true(argument(value, "deferred"))
            return _deferred(draft, late) if draft else _plain(assignment, word, late)
        if word in _COLUMNS:
            return _called(names, assignment, value, module, hint)
    if hint.wrapper == "Mapped" and not word:
        return _bare(names, assignment, module, hint)
    if style == "sqlmodel" and _is_field(assignment, word):
        return _bare(names, assignment, module, hint)
    return None


def _is_field(assignment: Assignment, word: str) -> bool:
    if assignment.annotation is None or word or assignment.name.startswith(("_", "model_config")):
        return False
    outer = assignment.annotation.value if isinstance(assignment.annotation, Subscript) else assignment.annotation
    return dotted(outer).rpartition(".")[2] != "ClassVar"


def _plain(assignment: Assignment, kind: str, late: bool) -> ColumnDraft:
    return ColumnDraft(Column(assignment.name, "", kind, deferred=late, nullable=True, line=assignment.line))


def _deferred(draft: ColumnDraft, late: bool) -> ColumnDraft:
    return replace(draft, column=replace(draft.column, deferred=True)) if late else draft


def _bare(names: Names, assignment: Assignment, module: str, hint: Annotated) -> ColumnDraft:
    """The column of an annotation alone, which may name an `Annotated` type that says the rest."""
    shared = _shared(names, assignment, module, hint)
    if shared:
        return shared
    column = Column(
        assignment.name,
        assignment.name,
        _type(hint.inner),
        nullable=hint.optional,
        few=_is_few(names, module, None, hint.inner),
        line=assignment.line,
    )
    return ColumnDraft(column, (), module)


def _shared(names: Names, assignment: Assignment, module: str, hint: Annotated) -> ColumnDraft | None:
    """The column that the type of the annotation describes: `intpk = Annotated[int, mapped_column(…)]`."""
    found = names.value(Placed(hint.inner, module)) if hint.inner else None
    match found.value if found else None:
        case Subscript(value=value, index=Listing(elements=(_, *extras))) if (
            dotted(value).endswith("Annotated") and found
        ):
            for extra in extras:
                if isinstance(extra, Call) and names.word(Placed(extra, found.module)) in _COLUMNS:
                    return _read(names, assignment, extra, found.module, hint)
    return None


def _called(names: Names, assignment: Assignment, call: Call, module: str, hint: Annotated) -> ColumnDraft:
    inner = argument(call, "sa_column")
    own = _read(names, assignment, inner if isinstance(inner, Call) else call, module, hint)
    shared = _shared(names, assignment, module, hint)
    if not shared:
        return own
    one, other = shared.column, own.column
    column = replace(
        other,
        type=other.type or one.type,
        primary_key=one.primary_key or other.primary_key,
        unique=one.unique or other.unique,
        indexed=one.indexed or other.indexed,
        deferred=one.deferred or other.deferred,
    )
    return replace(own, column=column, keys=own.keys or shared.keys, on_delete=own.on_delete or shared.on_delete)


def _read(names: Names, assignment: Assignment, call: Call, module: str, hint: Annotated) -> ColumnDraft:
    is_field = names.word(Placed(call, module)) == "Field"
    name, kind, keys = _positional(names, call, module) if not is_field else ("", argument(call, "sa_type"), ())
    target = argument(call, "foreign_key") if is_field else None
    deleted = argument(call, "ondelete") if is_field else _on_delete(names, call, module)
    primary = _is_true(argument(call, "primary_key"))
    nullable = argument(call, "nullable")
    default = hint.optional or not (hint.wrapper or is_field)
    column = Column(
        assignment.name,
        name or assignment.name,
        _type(kind) or _type(hint.inner),
        primary_key=primary,
        unique=_is_true(argument(call, "unique")),
        indexed=_is_true(argument(call, "index")),
        nullable=not primary and (default if nullable is None else not _is_false(nullable)),
        deferred=_is_true(argument(call, "deferred")),
        few=_is_few(names, module, kind, hint.inner),
        line=assignment.line,
    )
    on_delete = (names.text(Placed(deleted, module)) if deleted else None) or ""
    return ColumnDraft(column, (*keys, target) if target else keys, module, on_delete)


def _on_delete(names: Names, call: Call, module: str) -> Expression | None:
    """What the key of the column says of deletions."""
    for passed in call.arguments:
        value = passed.value
        if isinstance(value, Call) and names.word(Placed(value, module)) == "ForeignKey":
            return argument(value, "ondelete")
    return None


def _positional(names: Names, call: Call, module: str) -> tuple[str, Expression | None, tuple[Expression, ...]]:
    """The column's name in the table, its type and the keys it refers to, as far as the arguments say them."""
    written = argument(call, "name")
    kind = argument(call, "type_")
    keys: tuple[Expression, ...] = ()
    for passed in call.arguments:
        value = passed.value
        word = names.word(Placed(value, module))
        if passed.keyword or passed.star:
            continue
        if isinstance(value, Constant) and isinstance(value.value, str):
            written = value
        elif word == "ForeignKey" and isinstance(value, Call):
            target = argument(value, "column", 0)
            keys += (target,) if target else ()
        elif word not in _ASIDE:
            kind = kind or value
    return names.text(Placed(written, module)) or "" if written else "", kind, keys


def _is_few(names: Names, module: str, kind: Expression | None, hint: Expression | None) -> bool:
    """Whether the column's type, in the database or in Python, has only a few values."""
    if _type(kind) in _FLAGS or _type(hint) == "bool":
        return True
    written = [kind.func, *(passed.value for passed in kind.arguments)] if isinstance(kind, Call) else [kind]
    classes = (names.class_behind(Placed(each, module)) for each in (*written, hint) if dotted(each))
    return any(ref is not None and _is_enum(names, ref) for ref in classes)


def _is_enum(names: Names, ref: ClassRef) -> bool:
    ancestors = names.project.ancestors(ref)
    return any(isinstance(each, External) and each.name.startswith("enum.") for each in ancestors)


def _type(kind: Expression | None) -> str:
    match kind:
        case None | Constant():
            return ""
        case Call(func=func):
            return _type(func)
        case Name() | Attribute():
            return dotted(kind).rpartition(".")[2]
    return spelled(kind)


def _is_true(value: Expression | None) -> bool:
    return isinstance(value, Constant) and value.value is True


def _is_false(value: Expression | None) -> bool:
    return isinstance(value, Constant) and value.value is False
