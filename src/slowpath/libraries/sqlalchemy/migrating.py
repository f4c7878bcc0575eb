"""How indexes are made by a migration of Alembic's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from slowpath.advisor import NewIndex


def operations(indexes: Iterable[NewIndex]) -> Iterator[str]:
    """The lines of a migration that makes the indexes without keeping writers out, and takes them back."""
    found = tuple(indexes)
    yield from ("import sqlalchemy as sa", "from alembic import op", "", "", "def upgrade() -> None:")
    # An index is not made concurrently in a transaction.
    yield "    with op.get_context().autocommit_block():"
    for index in found:
        columns = ", ".join(f'sa.text("{c[1:]} DESC")' if c.startswith("-") else f'"{c}"' for c in index.columns)
        where = f', postgresql_where=sa.text("{index.condition}")' if index.condition else ""
        made = f'"{index.name}", "{index.table}", [{columns}]{where}'
        yield f"        op.create_index({made}, postgresql_concurrently=True, if_not_exists=True)"
    yield from ("", "", "def downgrade() -> None:", "    with op.get_context().autocommit_block():")
    for index in found:
        yield f'        op.drop_index("{index.name}", "{index.table}", postgresql_concurrently=True, if_exists=True)'
