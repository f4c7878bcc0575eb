"""SQLAlchemy's little language: declarative models and loader options."""

from __future__ import annotations

from collections.abc import Iterable

from slowpath.advisor import NewIndex
from slowpath.database import Table
from slowpath.libraries.sqlalchemy import core, filtering, indexing, loading, models, suggesting
from slowpath.loads import Loads, Path
from slowpath.project import Project
from slowpath.query import Shape
from slowpath.schema import Model, Schema
from slowpath.vocabulary import Loaded, Passed, Refinement


class SqlalchemyDialect:
    """SQLAlchemy 1.3 to 2.1, with Flask-SQLAlchemy and SQLModel."""

    library = "sqlalchemy"

    def models(self, project: Project) -> Iterable[Model]:
        """The classes the project maps."""
        return models.models(project)

    def tables(self, project: Project) -> Iterable[Table]:
        """Those that modules make with `Table(…)`."""
        return tuple(core.tables(project))

    def operators(self, project: Project) -> Iterable[str]:
        """None that conditions could be told by."""
        return ()

    def load(self, schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
        """What rows have after `options(…)` or `refresh(row, […])`."""
        return loading.load(schema, model, loads, method, arguments)

    def spell(self, schema: Schema, model: str, loads: Loads, paths: tuple[Path, ...]) -> str:
        """The `.options(…)` that loads the paths."""
        return suggesting.spell(schema, model, loads, paths)

    def spell_column(self, schema: Schema, model: str, loads: Loads, path: Path) -> str:
        """What to write so that the column comes along."""
        return suggesting.spell_column(schema, model, loads, path)

    def spell_index(self, schema: Schema, model: str, index: NewIndex) -> str:
        """The index as the class declares it."""
        return indexing.spell_index(schema, model, index)

    def begin(self, schema: Schema, model: str) -> Shape:
        """The shape of a query for all rows."""
        return Shape(model)

    def refine(self, schema: Schema, shape: Shape, step: int, refinement: Refinement) -> Shape:
        """The query's shape after one more call."""
        return filtering.refine(schema, shape, step, refinement)


dialect = SqlalchemyDialect()
