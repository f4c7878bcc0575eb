"""Statements that change the schema, from sqlglot's trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace
from sqlglot import exp

from slowpath.changes import (
    AddsCheck,
    AddsColumn,
    AddsForeignKey,
    AltersColumn,
    AnyChange,
    DropsColumn,
    DropsIndex,
    DropsTable,
    MakesIndex,
    MakesTable,
    NewColumn,
    RenamesColumn,
    RenamesIndex,
    RenamesTable,
    SetsKey,
    SetsOption,
    Unreadable,
)
from slowpath.schema import ForeignKey, Index
from slowpath.sql.queries import line_of, name_of
from slowpath.sql.text import MARK

_KINDS = {"TABLE", "INDEX"}
_FIXED = (exp.Literal, exp.Boolean, exp.Null, exp.Neg, exp.CurrentTimestamp, exp.CurrentDate)


def changes_of(tree: exp.Expr, line: int) -> Iterator[AnyChange]:
    """What the statement changes; nothing if it only makes functions, types and the like."""
    match tree:
        case exp.Create() if tree.args.get("kind") == "INDEX":
            yield _created_index(tree, line)
        case exp.Create() if tree.args.get("kind") in ("TABLE", "VIEW"):
            yield _created_table(tree, line)
        case exp.Alter():
            yield from _altered(tree, line)
        case exp.Drop():
            yield from _dropped(tree, line)
        case exp.Set():
            yield from _set(tree, line)


def _created_index(tree: exp.Create, line: int) -> AnyChange:
    made = tree.this
    parameters = made.args.get("params")
    columns = parameters.args.get("columns") if parameters is not None else None
    where = parameters.args.get("where") if parameters is not None else None
    using = parameters.args.get("using") if parameters is not None else None
    index = Index(
        tuple(_index_column(each) for each in columns or made.args.get("columns") or ()),
        unique=bool(tree.args.get("unique")),
        name=name_of(made.this),
        condition=_written(where.this) if where is not None else "",
        method=using.name.lower() if using is not None and using.name.lower() != "btree" else "",
    )
    table = name_of(made.args["table"]) if made.args.get("table") is not None else ""
    return MakesIndex(
        table, line, index, concurrently=bool(tree.args.get("concurrently")), if_missing=bool(tree.args.get("exists"))
    )


def _index_column(node: exp.Expr) -> str:
    """A column's name, with `-` in front when it is sorted downwards; an expression as SQL; empty for a hole."""
    descending = isinstance(node, exp.Ordered) and bool(node.args.get("desc"))
    inner = node.this if isinstance(node, exp.Ordered) else node
    while isinstance(inner, exp.Opclass | exp.Paren | exp.Collate | exp.ColumnPrefix):
        inner = inner.this
    name = name_of(inner) if isinstance(inner, exp.Column | exp.Identifier) else _written(inner)
    return f"-{name}" if descending and name else name


def _written(node: exp.Expr) -> str:
    text: str = node.sql(dialect="postgres")
    return "?" if MARK in text else text


def _created_table(tree: exp.Create, line: int) -> AnyChange:
    schema = tree.this
    properties = tree.args.get("properties")
    kinds = properties.expressions if properties is not None else []
    is_temporary = any(isinstance(each, exp.TemporaryProperty) for each in kinds)
    is_view = tree.args.get("kind") == "VIEW"
    name = name_of(schema.this if isinstance(schema, exp.Schema) else schema)
    parts = _Parts(line)
    for each in schema.expressions if isinstance(schema, exp.Schema) else ():
        parts.take(each)
    has_more = any(
        isinstance(each, exp.PartitionedOfProperty | exp.LikeProperty | exp.InheritsProperty) for each in kinds
    )
    return MakesTable(
        name,
        line,
        columns=tuple(parts.columns),
        primary_key=parts.primary_key,
        indexes=tuple(parts.indexes),
        foreign_keys=tuple(parts.foreign_keys),
        whole=isinstance(schema, exp.Schema) and parts.whole and not has_more and not tree.args.get("expression"),
        kind="view" if is_view else "temporary" if is_temporary else "",
        if_missing=bool(tree.args.get("exists")),
    )


class _Parts:
    """What the parts of a `CREATE TABLE`, or the additions of an `ALTER TABLE`, say."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.columns: list[NewColumn] = []
        self.primary_key: tuple[str, ...] = ()
        self.indexes: list[Index] = []
        self.foreign_keys: list[ForeignKey] = []
        self.checks: list[str] = []
        self.whole = True

    def take(self, node: exp.Expr, name: str = "") -> None:
        """Take in one part, with the name of the constraint that it is in."""
        match node:
            case exp.ColumnDef():
                self._column(node)
            case exp.Constraint():
                for each in node.expressions:
                    self.take(each, name_of(node.this))
            case exp.PrimaryKey():
                self.primary_key = _names(node.expressions)
            case exp.UniqueColumnConstraint() | exp.IndexColumnConstraint():
                self._index(node, name)
            case exp.ForeignKey():
                self.foreign_keys.append(_foreign_key(_names(node.expressions), node.args.get("reference"), name))
            case exp.CheckColumnConstraint():
                self.checks.append(_written(node.this))
            case exp.ExcludeColumnConstraint() | exp.Identifier():
                # A hole alone among the columns hides some of them.
                self.whole = self.whole and not isinstance(node, exp.Identifier)
            case _:
                self.whole = False

    def _index(self, node: exp.Expr, name: str) -> None:
        unique = isinstance(node, exp.UniqueColumnConstraint)
        inner = node.this
        given = name_of(inner.this) if isinstance(inner, exp.Schema) else name_of(inner)
        columns = inner.expressions if isinstance(inner, exp.Schema) else node.expressions
        method = str(node.args.get("kind") or "").lower()
        self.indexes.append(Index(tuple(map(_index_column, columns)), unique, name or given, method=method))

    def _column(self, node: exp.ColumnDef) -> None:
        name = name_of(node.this)
        kinds = [each.kind for each in node.constraints]
        default = next((each for each in kinds if isinstance(each, exp.DefaultColumnConstraint)), None)
        is_key = any(isinstance(each, exp.PrimaryKeyColumnConstraint) for each in kinds)
        required = any(
            isinstance(each, exp.NotNullColumnConstraint) and not each.args.get("allow_null") for each in kinds
        )
        made = any(
            isinstance(each, exp.GeneratedAsIdentityColumnConstraint | exp.ComputedColumnConstraint) for each in kinds
        )
        type_ = node.args.get("kind")
        written = type_.sql(dialect="postgres").lower() if isinstance(type_, exp.Expr) else ""
        self.columns.append(
            NewColumn(
                name,
                written,
                nullable=not (required or is_key),
                default=default is not None or made or "serial" in written,
                plain_default=not made
                and "serial" not in written
                and (not default or isinstance(default.this, _FIXED)),
                line=line_of(node, self._first),
            )
        )
        if is_key:
            self.primary_key = (name,)
        if any(isinstance(each, exp.UniqueColumnConstraint) for each in kinds):
            self.indexes.append(Index((name,), unique=True))
        for each in kinds:
            if isinstance(each, exp.Reference):
                self.foreign_keys.append(_foreign_key((name,), each, ""))
        self.whole = self.whole and bool(name)


def _names(nodes: Iterable[exp.Expr]) -> tuple[str, ...]:
    return tuple(name_of(each.this if isinstance(each, exp.Ordered) else each) for each in nodes)


def _foreign_key(columns: tuple[str, ...], reference: object, name: str) -> ForeignKey:
    if not isinstance(reference, exp.Reference):
        return ForeignKey(columns, "", name=name)
    target = reference.this
    table = name_of(target.this if isinstance(target, exp.Schema) else target)
    references = _names(target.expressions) if isinstance(target, exp.Schema) else ()
    options = [str(each).upper() for each in reference.args.get("options") or ()]
    on_delete = next((each.removeprefix("ON DELETE ") for each in options if each.startswith("ON DELETE")), "")
    return ForeignKey(columns, table, references, on_delete.lower(), name)


def _altered(tree: exp.Alter, line: int) -> Iterator[AnyChange]:
    table = name_of(tree.this)
    if tree.args.get("kind") == "INDEX":
        for action in tree.args.get("actions") or ():
            if isinstance(action, exp.AlterRename):
                yield RenamesIndex("", line, table, name_of(action.this))
        return
    if tree.args.get("kind") != "TABLE":
        return
    for action in tree.args.get("actions") or ():
        yield from _action(table, action, tree, line)


def _action(table: str, action: exp.Expr, tree: exp.Alter, first: int) -> Iterator[AnyChange]:
    line = line_of(action, first)
    match action:
        case exp.ColumnDef() | exp.AddConstraint() | exp.Schema():
            yield from _added(table, action, tree, line)
        case exp.Drop() if action.args.get("kind") == "COLUMN":
            for name in _targets(action):
                yield DropsColumn(table, line, name)
        case exp.Drop() if action.args.get("kind") in ("CONSTRAINT", "INDEX"):
            for name in _targets(action):
                yield DropsIndex(table, line, name)
        case exp.AlterColumn():
            allowed = action.args.get("allow_null")
            kind = action.args.get("dtype")
            written = kind.sql(dialect="postgres").lower() if isinstance(kind, exp.Expr) else None
            yield AltersColumn(table, line, name_of(action.this), allowed, written)
        case exp.RenameColumn():
            yield RenamesColumn(table, line, name_of(action.this), name_of(action.args.get("to")))
        case exp.AlterRename():
            yield RenamesTable(table, line, name_of(action.this))
        case _:
            yield Unreadable(table, line)


def _added(table: str, action: exp.Expr, tree: exp.Alter, line: int) -> Iterator[AnyChange]:
    parts = _Parts(line)
    for each in action.expressions if not isinstance(action, exp.ColumnDef) else (action,):
        parts.take(each)
    if isinstance(action, exp.ColumnDef):
        for column in parts.columns:
            yield AddsColumn(table, line, column)
    if parts.primary_key:
        yield SetsKey(table, line, parts.primary_key)
    for index in parts.indexes:
        yield MakesIndex(table, line, index, constraint=index.unique)
    validated = not tree.args.get("not_valid")
    for key in parts.foreign_keys:
        yield AddsForeignKey(table, line, replace(key, validated=validated))
    for condition in parts.checks if not isinstance(action, exp.ColumnDef) else ():
        yield AddsCheck(table, line, condition, validated)


def _targets(node: exp.Drop) -> Iterator[str]:
    """What is dropped."""
    found = node.args.get("tables") or [node.this]
    return (name_of(each) for each in found)


def _dropped(tree: exp.Drop, line: int) -> Iterator[AnyChange]:
    kind = tree.args.get("kind")
    for name in _targets(tree) if kind in _KINDS | {"VIEW"} else ():
        if kind == "INDEX":
            on = tree.args.get("cluster")
            table = name_of(on.this) if isinstance(on, exp.OnProperty) else ""
            gone, there = bool(tree.args.get("concurrently")), bool(tree.args.get("exists"))
            yield DropsIndex(table, line, name, concurrently=gone, if_there=there)
        else:
            yield DropsTable(name, line)


def _set(tree: exp.Set, line: int) -> Iterator[AnyChange]:
    for item in tree.expressions:
        setting = item.this if isinstance(item, exp.SetItem) else None
        if isinstance(setting, exp.EQ) and name_of(setting.this):
            yield SetsOption("", line, name_of(setting.this), setting.expression.name)
