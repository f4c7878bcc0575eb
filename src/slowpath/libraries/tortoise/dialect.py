"""Tortoise's little language: models by fields, relations by `a__b`."""

from __future__ import annotations

from collections.abc import Iterable

from slowpath.libraries.tortoise import loading, models
from slowpath.loads import Loads, Path
from slowpath.project import Project
from slowpath.schema import Model, Schema
from slowpath.vocabulary import Loaded, Passed


class TortoiseDialect:
    """Tortoise ORM 0.20 to 1.1."""

    library = "tortoise"

    def models(self, project: Project) -> Iterable[Model]:
        """The models the project declares."""
        return models.models(project)

    def load(self, schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
        """What rows have after `prefetch_related`, `select_related` or `fetch_related`."""
        return loading.load(schema, model, loads, method, arguments)

    def spell(self, schema: Schema, model: str, loads: Loads, paths: tuple[Path, ...]) -> str:
        """The `.prefetch_related(…)` that loads the paths."""
        return loading.spell(schema, model, paths)

    def spell_column(self, schema: Schema, model: str, loads: Loads, path: Path) -> str:
        """Nothing: no column of Tortoise's is loaded late."""
        return ""


dialect = TortoiseDialect()
