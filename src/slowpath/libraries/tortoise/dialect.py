"""Tortoise's little language: models by fields, relations by `a__b`."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from slowpath.advisor import NewIndex
from slowpath.database import Table
from slowpath.libraries.tortoise import loading, models
from slowpath.loads import Loads, Path
from slowpath.project import Project
from slowpath.query import Shape
from slowpath.schema import Model, Schema
from slowpath.vocabulary import Loaded, Passed, Refinement


class TortoiseDialect:
    """Tortoise ORM 0.20 to 1.1."""

    library = "tortoise"

    def models(self, project: Project) -> Iterable[Model]:
        """The models the project declares."""
        return models.models(project)

    def tables(self, project: Project) -> Iterable[Table]:
        """None: every table has a model."""
        return ()

    def operators(self, project: Project) -> Iterable[str]:
        """None that conditions could be told by."""
        return ()

    def load(self, schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
        """What rows have after `prefetch_related`, `select_related` or `fetch_related`."""
        return loading.load(schema, model, loads, method, arguments)

    def spell(self, schema: Schema, model: str, loads: Loads, paths: tuple[Path, ...]) -> str:
        """The `.prefetch_related(…)` that loads the paths."""
        return loading.spell(schema, model, paths)

    def spell_column(self, schema: Schema, model: str, loads: Loads, path: Path) -> str:
        """Nothing: no column of Tortoise's is loaded late."""
        return ""

    def spell_index(self, schema: Schema, model: str, index: NewIndex) -> str:
        """The index as the class declares it: left to SQL."""
        return ""

    def begin(self, schema: Schema, model: str) -> Shape:
        """The shape of a query for all rows."""
        return Shape(model)

    def refine(self, schema: Schema, shape: Shape, step: int, refinement: Refinement) -> Shape:
        """The query's shape after one more call, of which nothing is known yet."""
        return replace(shape, open=True)


dialect = TortoiseDialect()
