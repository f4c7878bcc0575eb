"""How indexes are made by a migration of Django's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from slowpath.advisor import NewIndex
from slowpath.libraries.django.indexing import declared
from slowpath.schema import Schema


def operations(schema: Schema, indexes: Iterable[tuple[str, NewIndex]]) -> Iterator[str]:
    """The lines of a migration that makes the indexes of these models without keeping writers out."""
    yield from (
        "from django.contrib.postgres.operations import AddIndexConcurrently",
        "from django.db import migrations, models",
        "",
        "",
        "class Migration(migrations.Migration):",
        "    # An index is not made concurrently in a transaction.",
        "    atomic = False",
        "    operations = [",
    )
    for model, index in indexes:
        name = schema.models[model].label.rpartition(".")[2].lower()
        yield f'        AddIndexConcurrently("{name}", {declared(schema, model, index)}),'
    yield "    ]"
