"""What Alembic's operations do to the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

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
    RenamesTable,
    RunsMigrations,
    SetsKey,
    Unreadable,
)
from slowpath.expression import Attribute, Call, Constant, Expression, Listing, Name, argument, dotted
from slowpath.libraries.sqlalchemy.core import Reader
from slowpath.libraries.sqlalchemy.names import Names, Placed
from slowpath.schema import ForeignKey, Index
from slowpath.spelling import spelled

# What the database computes once for all rows; anything else it computes for each of them.
_STABLE = ("now", "current_timestamp", "current_date", "localtimestamp", "true", "false", "null")


class Operation(Struct, frozen=True):
    """A call as a module writes it; `table` is the one that it is a batch for."""

    names: Names
    module: str
    table: str
    call: Call

    def given(self, keyword: str, position: int) -> Expression | None:
        """The argument; in a batch the table is not among them, and comes at position 1 otherwise."""
        if self.table:
            position -= position > 0
        return argument(self.call, keyword, position)

    def text(self, value: Expression | None) -> str:
        """The string, empty if it cannot be read."""
        if isinstance(value, Constant):
            return value.value if isinstance(value.value, str) else ""
        return (self.names.text(Placed(value, self.module)) if value else None) or ""

    def flag(self, keyword: str) -> bool:
        """Whether it is passed as `True`."""
        value = argument(self.call, keyword)
        return isinstance(value, Constant) and value.value is True

    def has(self, keyword: str) -> bool:
        """Whether anything but `None` or `False` is passed."""
        value = argument(self.call, keyword)
        return value is not None and not (isinstance(value, Constant) and value.value in (None, False))

    def columns(self, value: Expression | None) -> tuple[str, ...]:
        """The columns of a list, `?` for an expression; none where the list cannot be read."""
        return tuple(map(self._column, value.elements)) if isinstance(value, Listing) else ()

    def _column(self, value: Expression) -> str:
        text = self.text(value)
        if text or not isinstance(value, Call):
            return text or "?"
        inner = self.text(value.arguments[0].value) if value.arguments else ""
        return inner if inner.isidentifier() else "?"


def changes(names: Names, module: str, operation: str, table: str, call: Call) -> Iterator[AnyChange]:
    """What the call of an operation does to the schema."""
    read = _READERS.get(operation.rpartition(".")[2])
    if read is not None:
        in_batch = operation.rpartition(".")[0].endswith("BatchOperations")
        yield from read(Operation(names, module, (table or "?") if in_batch else "", call))


def _table(op: Operation, keyword: str, position: int) -> str:
    """The table of an operation, empty when it cannot be read."""
    name = op.table or op.text(argument(op.call, keyword, position))
    return "" if name == "?" else name.rpartition(".")[2]


def _create_table(op: Operation) -> Iterator[AnyChange]:
    reader = Reader(op.names, op.module)
    made = reader.table(op.call)
    name = op.text(argument(op.call, "table_name", 0))
    if made is None:
        yield MakesTable(name, 1, whole=False)
        return
    yield MakesTable(
        made.name,
        1,
        tuple(NewColumn(column.column, column.type, column.nullable) for column in made.columns),
        made.primary_key,
        made.indexes,
        made.foreign_keys,
        whole=not made.gaps,
    )


def _drop_table(op: Operation) -> Iterator[AnyChange]:
    yield DropsTable(_table(op, "table_name", 0), 1)


def _rename_table(op: Operation) -> Iterator[AnyChange]:
    yield RenamesTable(_table(op, "old_table_name", 0), 1, op.text(argument(op.call, "new_table_name", 1)))


def _add_column(op: Operation) -> Iterator[AnyChange]:
    table = _table(op, "table_name", 0)
    written = op.given("column", 1)
    reader = Reader(op.names, op.module)
    if written is not None:
        reader.take(written)
    if not reader.columns or not isinstance(written, Call):
        yield Unreadable(table, 1)
        return
    column = reader.columns[0]
    default = argument(written, "server_default")
    made = any(_word(op, each.value) in ("Identity", "Computed") for each in written.arguments)
    has_default = made or (default is not None and not (isinstance(default, Constant) and default.value is None))
    yield AddsColumn(
        table,
        1,
        NewColumn(
            column.column, column.type, column.nullable, has_default, not made and (not has_default or _stable(default))
        ),
    )
    for index in reader.indexes:
        yield MakesIndex(table, 1, index)
    for key in reader.foreign:
        yield AddsForeignKey(table, 1, key)


def _word(op: Operation, value: Expression) -> str:
    return op.names.word(Placed(value, op.module)) if isinstance(value, Call) else ""


def _stable(default: Expression | None) -> bool:
    """Whether a default is the same for all rows, as far as it can be told."""
    inner = default.arguments[0].value if isinstance(default, Call) and default.arguments else default
    if isinstance(inner, Constant) and isinstance(inner.value, str):
        text = inner.value.strip().lower()
        return "(" not in text or text.startswith(_STABLE)
    word = dotted(default.func).rpartition(".")[2] if isinstance(default, Call) else dotted(default).rpartition(".")[2]
    return not isinstance(default, Call) or word in _STABLE


def _drop_column(op: Operation) -> Iterator[AnyChange]:
    yield DropsColumn(_table(op, "table_name", 0), 1, op.text(op.given("column_name", 1)))


def _alter_column(op: Operation) -> Iterator[AnyChange]:
    table, column = _table(op, "table_name", 0), op.text(op.given("column_name", 1))
    nullable = argument(op.call, "nullable")
    allowed = nullable.value if isinstance(nullable, Constant) and isinstance(nullable.value, bool) else None
    kind, before = argument(op.call, "type_"), argument(op.call, "existing_type")
    if allowed is not None or kind is not None:
        yield AltersColumn(
            table, 1, column, allowed, _type(kind) if kind is not None else None, _type(before) if before else ""
        )
    name = op.text(argument(op.call, "new_column_name"))
    if name:
        yield RenamesColumn(table, 1, column, name)


def _type(kind: Expression) -> str:
    match kind:
        case Call(func=func):
            return _type(func)
        case Name() | Attribute():
            return dotted(kind).rpartition(".")[2].lower()
    return spelled(kind)


def _create_index(op: Operation) -> Iterator[AnyChange]:
    index = Index(
        op.columns(op.given("columns", 2)),
        op.flag("unique"),
        op.text(argument(op.call, "index_name", 0)),
        "?" if op.has("postgresql_where") else "",
        op.text(argument(op.call, "postgresql_using")).lower().replace("btree", ""),
    )
    yield MakesIndex(
        _table(op, "table_name", 1),
        1,
        index,
        concurrently=op.has("postgresql_concurrently"),
        if_missing=op.flag("if_not_exists"),
    )


def _drop_index(op: Operation) -> Iterator[AnyChange]:
    yield DropsIndex(
        _table(op, "table_name", 1),
        1,
        op.text(argument(op.call, "index_name", 0)),
        op.has("postgresql_concurrently"),
        op.flag("if_exists"),
    )


def _create_unique_constraint(op: Operation) -> Iterator[AnyChange]:
    index = Index(op.columns(op.given("columns", 2)), True, op.text(argument(op.call, "constraint_name", 0)))
    yield MakesIndex(_table(op, "table_name", 1), 1, index, constraint=True)


def _create_primary_key(op: Operation) -> Iterator[AnyChange]:
    yield SetsKey(_table(op, "table_name", 1), 1, op.columns(op.given("columns", 2)))


def _create_foreign_key(op: Operation) -> Iterator[AnyChange]:
    """`op.create_foreign_key(name, source, referent, columns, columns)`; a batch has no source."""
    key = ForeignKey(
        op.columns(op.given("local_cols", 3)),
        op.text(op.given("referent_table", 2)).rpartition(".")[2],
        op.columns(op.given("remote_cols", 4)),
        op.text(argument(op.call, "ondelete")).lower(),
        op.text(argument(op.call, "constraint_name", 0)),
        validated=not op.has("postgresql_not_valid"),
    )
    yield AddsForeignKey(_table(op, "source_table", 1), 1, key)


def _create_check_constraint(op: Operation) -> Iterator[AnyChange]:
    condition = op.text(op.given("condition", 2))
    yield AddsCheck(_table(op, "table_name", 1), 1, condition, validated=not op.has("postgresql_not_valid"))


def _drop_constraint(op: Operation) -> Iterator[AnyChange]:
    yield DropsIndex(_table(op, "table_name", 1), 1, op.text(argument(op.call, "constraint_name", 0)))


def _configure(op: Operation) -> Iterator[AnyChange]:
    """`context.configure(connection=…)` in `env.py`; without a connection the statements are only printed."""
    if argument(op.call, "connection") is not None:
        unknown = any(given.star for given in op.call.arguments)
        yield RunsMigrations("", 1, apart=unknown or op.has("transaction_per_migration"))


_READERS: Mapping[str, Callable[[Operation], Iterator[AnyChange]]] = {
    "create_table": _create_table,
    "drop_table": _drop_table,
    "rename_table": _rename_table,
    "add_column": _add_column,
    "drop_column": _drop_column,
    "alter_column": _alter_column,
    "create_index": _create_index,
    "drop_index": _drop_index,
    "create_unique_constraint": _create_unique_constraint,
    "create_primary_key": _create_primary_key,
    "create_foreign_key": _create_foreign_key,
    "create_check_constraint": _create_check_constraint,
    "drop_constraint": _drop_constraint,
    "configure": _configure,
}
