"""Columns, as classes write them."""

from __future__ import annotations

from msgspec.structs import replace

from slowpath.declarations import Assignment
from slowpath.expression import Attribute, Call, Constant, Expression, Listing, Name, Subscript, argument, dotted
from slowpath.libraries.sqlalchemy.annotations import annotated
from slowpath.libraries.sqlalchemy.drafts import Annotated, ColumnDraft
from slowpath.libraries.sqlalchemy.names import Names, Placed
from slowpath.schema import Column
from slowpath.spelling import spelled

_COLUMNS = {"Column", "mapped_column", "MappedColumn", "Field"}
_WRAPPERS = {"deferred", "column_property"}
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
            return _called(names, assignment, Placed(value, module), hint)
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
    base = _from_type(names, assignment, module, hint)
    if base:
        return base
    column = Column(assignment.name, assignment.name, _type(hint.inner), nullable=hint.optional, line=assignment.line)
    return ColumnDraft(column, (), module, hint.inner)


def _from_type(names: Names, assignment: Assignment, module: str, hint: Annotated) -> ColumnDraft | None:
    if hint.inner is None:
        return None
    found = names.value(Placed(hint.inner, module))
    match found.value:
        case Subscript(value=value, index=Listing(elements=(_, *extras))) if dotted(value).endswith("Annotated"):
            for extra in extras:
                if isinstance(extra, Call) and names.word(Placed(extra, found.module)) in _COLUMNS:
                    return _called(names, assignment, Placed(extra, found.module), hint)
    return None


def _called(names: Names, assignment: Assignment, placed: Placed, hint: Annotated) -> ColumnDraft | None:
    call = placed.value
    if not isinstance(call, Call):
        return None
    inner = argument(call, "sa_column")
    if isinstance(inner, Call):
        return _called(names, assignment, Placed(inner, placed.module), hint)
    shared = _from_type(names, assignment, placed.module, hint)
    if shared and placed.value is assignment.value:
        return _merged(shared, _read(names, assignment, placed, hint))
    return _read(names, assignment, placed, hint)


def _merged(shared: ColumnDraft, own: ColumnDraft) -> ColumnDraft:
    one, other = shared.column, own.column
    column = replace(
        other,
        type=other.type or one.type,
        primary_key=one.primary_key or other.primary_key,
        unique=one.unique or other.unique,
        indexed=one.indexed or other.indexed,
        deferred=one.deferred or other.deferred,
    )
    return replace(own, column=column, keys=own.keys or shared.keys)


def _read(names: Names, assignment: Assignment, placed: Placed, hint: Annotated) -> ColumnDraft:
    call = placed.value
    assert isinstance(call, Call)
    positional = [passed.value for passed in call.arguments if not passed.keyword and not passed.star]
    is_field = names.word(placed) == "Field"
    written = argument(call, "name") if is_field is False else None
    kind: Expression | None = argument(call, "type_") or argument(call, "sa_type")
    keys: list[Expression] = []
    for number, value in enumerate(() if is_field else positional):
        word = names.word(Placed(value, placed.module))
        if isinstance(value, Constant) and isinstance(value.value, str) and number == 0:
            written = value
        elif word == "ForeignKey" and isinstance(value, Call):
            target = argument(value, "column", 0)
            keys += (target,) if target else ()
        elif word not in _ASIDE:
            kind = kind or value
    if is_field and (target := argument(call, "foreign_key")):
        keys.append(target)
    primary = _is_true(argument(call, "primary_key"))
    nullable = argument(call, "nullable")
    default = hint.optional or not (hint.wrapper or is_field)
    column = Column(
        assignment.name,
        written.value if isinstance(written, Constant) and isinstance(written.value, str) else assignment.name,
        _type(kind) or _type(hint.inner),
        primary_key=primary,
        unique=_is_true(argument(call, "unique")),
        indexed=_is_true(argument(call, "index")),
        nullable=not primary and (default if nullable is None else not _is_false(nullable)),
        deferred=_is_true(argument(call, "deferred")),
        line=assignment.line,
    )
    return ColumnDraft(column, tuple(keys), placed.module, kind)


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
