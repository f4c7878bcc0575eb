"""Peewee's little language: models by fields, related rows by selecting their columns."""

from __future__ import annotations

from collections.abc import Iterable

from slowpath.libraries.peewee import loading, models
from slowpath.loads import Loads, Path
from slowpath.project import Project
from slowpath.schema import Model, Schema
from slowpath.vocabulary import Loaded, Passed


class PeeweeDialect:
    """Peewee 3 and 4."""

    library = "peewee"

    def models(self, project: Project) -> Iterable[Model]:
        """The models the project declares."""
        return models.models(project)

    def load(self, schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
        """What rows have after `select`, `prefetch` or `with_related`."""
        return loading.load(schema, model, loads, method, arguments)

    def spell(self, schema: Schema, model: str, loads: Loads, paths: tuple[Path, ...]) -> str:
        """The joins or the `.prefetch(…)` that load the paths."""
        return loading.spell(schema, model, paths)

    def spell_column(self, schema: Schema, model: str, loads: Loads, path: Path) -> str:
        """Nothing: no column of Peewee's is loaded late."""
        return ""


dialect = PeeweeDialect()
