"""What the operations of Django's migrations do to the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from slowpath.changes import (
    AddsCheck,
    AddsColumn,
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
)
from slowpath.declarations import Assignment
from slowpath.expression import Binary, Call, Constant, Expression, Listing, Template, argument, dotted
from slowpath.expression import Mapping as Written
from slowpath.libraries.django.drafts import Field
from slowpath.libraries.django.fields import read_field
from slowpath.libraries.django.metas import index_of
from slowpath.libraries.django.names import Names, Placed
from slowpath.migrations import Statement, Step
from slowpath.references import FunctionRef
from slowpath.schema import Index
from slowpath.source import Place
from slowpath.sql import hole

_TYPES = {
    "AutoField": "integer",
    "BigAutoField": "bigint",
    "SmallAutoField": "smallint",
    "IntegerField": "integer",
    "PositiveIntegerField": "integer",
    "BigIntegerField": "bigint",
    "PositiveBigIntegerField": "bigint",
    "SmallIntegerField": "smallint",
    "PositiveSmallIntegerField": "smallint",
    "CharField": "varchar",
    "TextField": "text",
    "SlugField": "varchar",
    "EmailField": "varchar",
    "URLField": "varchar",
    "UUIDField": "uuid",
    "JSONField": "jsonb",
    "FloatField": "float",
    "DecimalField": "numeric",
    "BooleanField": "boolean",
    "DateField": "date",
}


class Table:
    """A model's table as the migrations so far have made it: its fields as they were written, by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, Placed] = {}
        self.unique: frozenset[tuple[str, ...]] = frozenset()
        self.indexed: frozenset[tuple[str, ...]] = frozenset()


class State:
    """The tables by app and model, and how names are looked up."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.tables: dict[tuple[str, str], Table] = {}

    def field(self, table: Table, name: str) -> Field | None:
        """The field of this name as it is now."""
        placed = table.fields.get(name)
        if placed is None:
            return None
        return read_field(self.names, placed.module, Assignment(name, placed.value, None, 0))

    def column(self, table: Table, name: str) -> str:
        """The column of a field."""
        bare = name.removeprefix("-")
        field = self.field(table, bare)
        plain = f"{bare}_id" if field is not None and field.kind in ("foreign-key", "one-to-one") else bare
        return (field.column if field is not None else "") or plain


class Operation:
    """One operation as a migration of the app writes it."""

    def __init__(self, state: State, label: str, call: Call, module: str) -> None:
        self.state = state
        self.label = label
        self.call = call
        self.module = module

    def given(self, keyword: str, position: int) -> Expression | None:
        """The argument."""
        return argument(self.call, keyword, position)

    def text(self, keyword: str, position: int) -> str:
        """The argument's string, empty if it cannot be read."""
        value = self.given(keyword, position)
        return (self.state.names.text(Placed(value, self.module)) if value is not None else None) or ""

    def table(self, keyword: str = "model_name") -> Table:
        """The table of the model that is named first; one that nobody is seen to make has Django's name for it."""
        model = self.text(keyword, 0).lower()
        return self.state.tables.setdefault((self.label, model), Table(f"{self.label}_{model}"))


def steps_of(state: State, label: str, operations: Placed) -> Iterator[Step | FunctionRef | Statement]:
    """The steps of a migration of the app, which change the state."""
    found = state.names.chased(operations)
    for each in _elements(found.value):
        placed = state.names.chased(Placed(each, found.module))
        if isinstance(placed.value, Call):
            operation = Operation(state, label, placed.value, placed.module)
            yield from _steps(operation, Place(placed.module, "", placed.value.at))


def _elements(value: Expression) -> Iterator[Expression]:
    match value:
        case Listing(elements=elements):
            yield from elements
        case Binary(operator="+", left=left, right=right):
            yield from _elements(left)
            yield from _elements(right)


def _steps(op: Operation, place: Place) -> Iterator[Step | FunctionRef | Statement]:
    word = dotted(op.call.func).rpartition(".")[2]
    match word:
        case "RunPython":
            code = op.given("code", 0)
            meaning = op.state.names.meaning(op.module, dotted(code)) if code is not None and dotted(code) else None
            if isinstance(meaning, FunctionRef):
                yield meaning
        case "RunSQL":
            yield from (Statement(text, place) for text in _texts(op, op.given("sql", 0)))
        case "SeparateDatabaseAndState":
            done = op.given("database_operations", 0)
            shown = op.given("state_operations", 1)
            if done is not None:
                yield from steps_of(op.state, op.label, Placed(done, op.module))
            if shown is not None:
                # What is only believed changes the state all the same.
                list(steps_of(op.state, op.label, Placed(shown, op.module)))
        case _ if word in _READERS:
            yield from (Step(change, place, modelled=True) for change in _READERS[word](op))


def _texts(op: Operation, value: Expression | None) -> Iterator[str]:
    """The statements that `RunSQL` is given: a string, or a list of strings and of pairs with parameters."""
    placed = op.state.names.chased(Placed(value, op.module)) if value is not None else None
    match placed.value if placed is not None else None:
        case Constant(value=str(text)):
            yield text
        case Template(parts=parts):
            yield "".join(str(part.value) if isinstance(part, Constant) else hole() for part in parts)
        case Listing(elements=elements):
            for each in elements:
                first = each.elements[0] if isinstance(each, Listing) and each.elements else each
                yield from _texts(op, first)


def _create_model(op: Operation) -> Iterator[AnyChange]:
    model = op.text("name", 0)
    table = Table(f"{op.label}_{model.lower()}")
    op.state.tables[op.label, model.lower()] = table
    fields, options = op.given("fields", 1), op.given("options", 2)
    for each in fields.elements if isinstance(fields, Listing) else ():
        if isinstance(each, Listing) and len(each.elements) == 2 and isinstance(each.elements[0], Constant):
            table.fields[str(each.elements[0].value)] = Placed(each.elements[1], op.module)
    for key, value in zip(options.keys, options.values, strict=True) if isinstance(options, Written) else ():
        if isinstance(key, Constant) and key.value == "db_table":
            table.name = op.state.names.text(Placed(value, op.module)) or table.name
        if isinstance(key, Constant) and key.value == "unique_together":
            table.unique = _groups(op, value)
    yield MakesTable(table.name, 1)


def _delete_model(op: Operation) -> Iterator[AnyChange]:
    table = op.table("name")
    op.state.tables.pop((op.label, op.text("name", 0).lower()), None)
    yield DropsTable(table.name, 1)


def _rename_model(op: Operation) -> Iterator[AnyChange]:
    old, new = op.table("old_name"), op.text("new_name", 1).lower()
    op.state.tables.pop((op.label, op.text("old_name", 0).lower()), None)
    op.state.tables[op.label, new] = old
    before = old.name
    if before == f"{op.label}_{op.text('old_name', 0).lower()}":
        old.name = f"{op.label}_{new}"
        yield RenamesTable(before, 1, old.name)


def _alter_table(op: Operation) -> Iterator[AnyChange]:
    table = op.table("name")
    before, table.name = table.name, op.text("table", 1) or f"{op.label}_{op.text('name', 0).lower()}"
    yield RenamesTable(before, 1, table.name)


def _add_field(op: Operation) -> Iterator[AnyChange]:
    table, name, value = op.table(), op.text("name", 1), op.given("field", 2)
    if value is None or not name:
        return
    table.fields[name] = Placed(value, op.module)
    field = op.state.field(table, name)
    if field is None or field.kind not in ("", "foreign-key", "one-to-one"):
        return
    column = op.state.column(table, name)
    computed = isinstance(value, Call) and argument(value, "db_default") is not None
    # Django asks for a default, gives it to the rows that are there, and takes it away again.
    yield AddsColumn(table.name, 1, NewColumn(column, field.type, nullable=True, default=computed))
    if not field.kind and (field.indexed or field.unique):
        yield MakesIndex(table.name, 1, Index((column,), field.unique), constraint=field.unique)


def _alter_field(op: Operation) -> Iterator[AnyChange]:
    table, name, value = op.table(), op.text("name", 1), op.given("field", 2)
    if value is None or not name:
        return
    before = op.state.field(table, name)
    table.fields[name] = Placed(value, op.module)
    field = op.state.field(table, name)
    if before is None or field is None or field.kind not in ("", "foreign-key", "one-to-one"):
        return
    column = op.state.column(table, name)
    required = before.null and not field.null and not field.primary_key
    kinds = (_TYPES.get(before.type, ""), _TYPES.get(field.type, ""))
    changed = kinds[0] != kinds[1] and not field.kind and not before.kind
    if required or changed:
        yield AltersColumn(table.name, 1, column, False if required else None, kinds[1] if changed else None, kinds[0])
    if field.unique and not before.unique and not field.primary_key and not field.kind:
        yield MakesIndex(table.name, 1, Index((column,), True), constraint=True)
    elif field.indexed and not before.indexed and not before.unique and not field.kind and not before.kind:
        yield MakesIndex(table.name, 1, Index((column,)))


def _remove_field(op: Operation) -> Iterator[AnyChange]:
    table, name = op.table(), op.text("name", 1)
    column = op.state.column(table, name)
    table.fields.pop(name, None)
    yield DropsColumn(table.name, 1, column)


def _rename_field(op: Operation) -> Iterator[AnyChange]:
    table, old, new = op.table(), op.text("old_name", 1), op.text("new_name", 2)
    column = op.state.column(table, old)
    if old in table.fields:
        table.fields[new] = table.fields.pop(old)
    yield RenamesColumn(table.name, 1, column, op.state.column(table, new))


def _add_index(op: Operation) -> Iterator[AnyChange]:
    return _made(op, op.table(), op.given("index", 1), concurrently=False)


def _add_index_concurrently(op: Operation) -> Iterator[AnyChange]:
    return _made(op, op.table(), op.given("index", 1), concurrently=True)


def _add_constraint(op: Operation) -> Iterator[AnyChange]:
    return _constrained(op, validated=True)


def _add_constraint_not_valid(op: Operation) -> Iterator[AnyChange]:
    return _constrained(op, validated=False)


def _constrained(op: Operation, *, validated: bool) -> Iterator[AnyChange]:
    table, value = op.table(), op.given("constraint", 1)
    if isinstance(value, Call) and dotted(value.func).endswith("CheckConstraint"):
        yield AddsCheck(table.name, 1, _not_null(op, table, value), validated)
    else:
        yield from _made(op, table, value, concurrently=False)


def _not_null(op: Operation, table: Table, constraint: Call) -> str:
    """The condition as SQL, if it says that a column is never null."""
    written = argument(constraint, "condition") or argument(constraint, "check")
    for passed in written.arguments if isinstance(written, Call) else ():
        name, _, test = (passed.keyword or "").rpartition("__")
        if test == "isnull" and isinstance(passed.value, Constant) and passed.value.value is False:
            return f"{op.state.column(table, name)} IS NOT NULL"
    return ""


def _made(op: Operation, table: Table, value: Expression | None, *, concurrently: bool) -> Iterator[AnyChange]:
    for index in index_of(op.state.names, Placed(value, op.module)) if value is not None else ():
        columns = tuple(op.state.column(table, name) if name != "?" else name for name in index.columns)
        # A constraint with a condition is an index, which locks no readers out.
        alone = index.unique and not index.condition and "?" not in columns
        found = Index(columns, index.unique, index.name, index.condition, index.method)
        yield MakesIndex(table.name, 1, found, concurrently, constraint=alone)


def _alter_unique_together(op: Operation) -> Iterator[AnyChange]:
    table, wanted = op.table("name"), _groups(op, op.given("unique_together", 1))
    for group in sorted(wanted - table.unique):
        columns = tuple(op.state.column(table, name) for name in group)
        yield MakesIndex(table.name, 1, Index(columns, True), constraint=True)
    table.unique = wanted


def _alter_index_together(op: Operation) -> Iterator[AnyChange]:
    table, wanted = op.table("name"), _groups(op, op.given("index_together", 1))
    for group in sorted(wanted - table.indexed):
        yield MakesIndex(table.name, 1, Index(tuple(op.state.column(table, name) for name in group)))
    table.indexed = wanted


def _groups(op: Operation, value: Expression | None) -> frozenset[tuple[str, ...]]:
    """The groups of fields: `{("a", "b")}`, or a single pair."""
    inner = value.arguments[0].value if isinstance(value, Call) and value.arguments else value
    if not isinstance(inner, Listing):
        return frozenset()
    if inner.elements and all(isinstance(each, Constant) for each in inner.elements):
        return frozenset({op.state.names.strings(Placed(inner, op.module)) or ()})
    groups = (op.state.names.strings(Placed(each, op.module)) for each in inner.elements)
    return frozenset(group for group in groups if group)


def _remove_index(op: Operation) -> Iterator[AnyChange]:
    yield DropsIndex(op.table().name, 1, op.text("name", 1))


_READERS: Mapping[str, Callable[[Operation], Iterator[AnyChange]]] = {
    "CreateModel": _create_model,
    "DeleteModel": _delete_model,
    "RenameModel": _rename_model,
    "AlterModelTable": _alter_table,
    "AddField": _add_field,
    "AlterField": _alter_field,
    "RemoveField": _remove_field,
    "RenameField": _rename_field,
    "AddIndex": _add_index,
    "AddIndexConcurrently": _add_index_concurrently,
    "RemoveIndex": _remove_index,
    "RemoveConstraint": _remove_index,
    "AddConstraint": _add_constraint,
    "AddConstraintNotValid": _add_constraint_not_valid,
    "AlterUniqueTogether": _alter_unique_together,
    "AlterIndexTogether": _alter_index_together,
}
