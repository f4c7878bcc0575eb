"""What is read of a migration's operations is what the libraries make of them."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from slowpath.changes import (
    AddsCheck,
    AddsColumn,
    AddsForeignKey,
    AltersColumn,
    AnyChange,
    DropsColumn,
    DropsIndex,
    MakesIndex,
    MakesTable,
)
from slowpath.declarations import declare
from slowpath.libraries.alembic.migrator import migrator as alembic
from slowpath.project import link
from slowpath.source import source_of
from slowpath.sql import Reader

OPERATIONS = """
op.create_table("orders", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("number", sa.Text(), unique=True))
op.add_column("orders", sa.Column("note", sa.Text(), nullable=True))
op.add_column("orders", sa.Column("paid", sa.Boolean(), nullable=False, server_default=sa.text("false")))
op.add_column("orders", sa.Column("key", sa.Uuid(), nullable=False, server_default=sa.text("gen_random_uuid()")))
op.add_column("orders", sa.Column("seen", sa.DateTime(), server_default=sa.func.now()))
op.add_column("orders", sa.Column("text", sa.Text(), sa.Computed("lower(note)", persisted=True), nullable=False))
op.add_column("orders", sa.Column("country", sa.Text(), index=True))
op.add_column("orders", sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id", ondelete="CASCADE")))
op.drop_column("orders", "note")
op.alter_column("orders", "note", nullable=False)
op.alter_column("orders", "number", existing_type=sa.Integer(), type_=sa.BigInteger())
op.create_index("by_note", "orders", ["note", "number"], unique=True)
op.create_index("by_note", "orders", ["note"], postgresql_concurrently=True, if_not_exists=True)
op.create_index("by_note", "orders", ["note"], postgresql_using="gin")
op.drop_index("by_note", table_name="orders")
op.drop_index("by_note", "orders", postgresql_concurrently=True, if_exists=True)
op.create_unique_constraint("one", "orders", ["note"])
op.create_foreign_key("fk", "orders", "users", ["user_id"], ["id"], ondelete="SET NULL")
op.create_foreign_key("fk", "orders", "users", ["user_id"], ["id"], postgresql_not_valid=True)
op.create_check_constraint("ck", "orders", "number > 0")
op.create_check_constraint("ck", "orders", "number > 0", postgresql_not_valid=True)
op.drop_constraint("one", "orders")
"""


@pytest.mark.parametrize("written", OPERATIONS.strip().split("\n"))
def test_an_operation_of_alembic(written: str) -> None:
    declared = declare(source_of("m.py", f"import sqlalchemy as sa\nfrom alembic import op\n{written}\n"))
    (call,) = declared.calls
    word = written.partition("(")[0].removeprefix("op.")
    read = list(alembic.changes(link([declared]), "m", f"alembic.op.{word}", "", call))
    text = sql_of(written)
    said = [change for each in Reader("postgresql").read(text).statements for change in each.changes]
    assert sorted(map(essence, read)) == sorted(map(essence, said)), text


def sql_of(written: str) -> str:
    """What Alembic itself makes of the operation."""
    migration = pytest.importorskip("alembic.migration")
    operations = pytest.importorskip("alembic.operations")
    buffer = io.StringIO()
    context = migration.MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": buffer}
    )
    with operations.Operations.context(context) as op:
        exec(written, {"op": op, "sa": sa})
    return buffer.getvalue()


def essence(change: AnyChange) -> str:
    """What of a change matters here, without names that are made up and types as each spells them."""
    match change:
        case MakesTable(columns=columns, primary_key=key, indexes=indexes):
            made: object = ([column.name for column in columns], key, [(each.columns, each.unique) for each in indexes])
        case AddsColumn(column=column):
            made = replace(column, type="", line=0)
        case AltersColumn(column=column, nullable=nullable):
            made = (column, nullable)
        case MakesIndex(index=index, concurrently=concurrently, if_missing=if_missing, constraint=constraint):
            made = (index.columns, index.unique, index.method, concurrently, if_missing, constraint)
        case AddsForeignKey(key=key):
            made = (key.columns, key.table, key.on_delete, key.validated)
        case AddsCheck(validated=validated):
            made = validated
        case DropsColumn(column=column):
            made = column
        case DropsIndex(name=name, concurrently=concurrently, if_there=if_there):
            made = (name, concurrently, if_there)
            return f"drops {made}"
        case _:
            made = change
    return f"{type(change).__name__} {change.table} {made}"
