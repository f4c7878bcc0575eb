"""Foreign keys, as the database knows them."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.expression import Attribute, Call, Constant, Expression, Lambda, Listing, argument, line_column
from slowpath.libraries.sqlalchemy.drafts import KeyDraft
from slowpath.libraries.sqlalchemy.names import Names, Placed
from slowpath.libraries.sqlalchemy.registry import Mapped, Registry
from slowpath.schema import ForeignKey


def key_draft(names: Names, call: Call, module: str) -> KeyDraft | None:
    """The key of several columns that a `ForeignKeyConstraint` makes."""
    if names.word(Placed(call, module)) != "ForeignKeyConstraint":
        return None
    columns, targets = argument(call, "columns", 0), argument(call, "refcolumns", 1)
    if not isinstance(columns, Listing) or not isinstance(targets, Listing):
        return None
    written = tuple(_text(names, each, module) for each in columns.elements)
    line, _ = line_column(call.at)
    on_delete = _text(names, argument(call, "ondelete"), module)
    return KeyDraft(written, targets.elements, module, on_delete, _text(names, argument(call, "name"), module), line)


def foreign_keys(registry: Registry, model: Mapped) -> Iterator[ForeignKey]:
    """The keys of the model's own table of which the other table is known."""
    own = {column.name: column for column in model.columns if not column.inherited}
    names = {column.name: column.column or column.name for column in own.values()}
    for draft in model.keyed:
        column = own.get(draft.column.name)
        table, target = _target(registry, draft.keys[0], draft.module)
        if column is not None and table:
            yield ForeignKey(
                (names[column.name],),
                table,
                (target,),
                draft.on_delete.lower(),
                line=column.line,
                module=column.module or model.ref.module,
            )
    for key in model.foreign:
        targets = [_target(registry, each, key.module) for each in key.targets]
        table = targets[0][0] if targets else ""
        if table and all(each == table for each, _ in targets):
            yield ForeignKey(
                tuple(names.get(each, each) for each in key.columns),
                table,
                tuple(column for _, column in targets),
                key.on_delete.lower(),
                key.name,
                line=key.line,
                module=key.module,
            )


def _target(registry: Registry, written: Expression, module: str) -> tuple[str, str]:
    """The table and the column that a key names; empty when they cannot be told."""
    match written:
        case Lambda(body=body):
            return _target(registry, body, module)
        case Attribute(value=owner, attr=name):
            inner = owner.value if isinstance(owner, Attribute) and owner.attr in {"c", "__table__"} else owner
            model = registry.class_of(inner, module)
            found = next((c for c in model.columns if c.name == name), None) if model else None
            return (model.known_table, found.column or found.name) if model and found else ("", "")
    text = written.value if isinstance(written, Constant) else registry.names.text_of(written, module)
    if not isinstance(text, str):
        return "", ""
    table, _, column = text.rpartition(".")
    return table.rpartition(".")[2], column


def _text(names: Names, value: Expression | None, module: str) -> str:
    return (names.text(Placed(value, module)) if value else None) or ""
