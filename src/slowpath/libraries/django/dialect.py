"""Django's ORM: its models, its eager loads, and how to write them."""

from __future__ import annotations

from collections.abc import Iterable

from slowpath.advisor import NewIndex
from slowpath.database import Table
from slowpath.libraries.django import filtering, indexing, loading, models, operators, suggesting
from slowpath.loads import Loads, Path
from slowpath.project import Project
from slowpath.query import Shape
from slowpath.schema import Model, Schema
from slowpath.vocabulary import Dialect, Loaded, Passed, Refinement


class Django:
    """The grammar of Django's ORM."""

    library = "django"

    def models(self, project: Project) -> Iterable[Model]:
        """The models the project declares, plus Django's own."""
        return tuple(models.models(project))

    def tables(self, project: Project) -> Iterable[Table]:
        """None: every table has a model."""
        return ()

    def operators(self, project: Project) -> Iterable[str]:
        """The lookups and transforms that classes of the project are."""
        return operators.operators(project)

    def load(self, schema: Schema, model: str, loads: Loads, method: str, arguments: tuple[Passed, ...]) -> Loaded:
        """What rows of the model have after the call."""
        return loading.load(schema, model, loads, method, arguments)

    def spell(self, schema: Schema, model: str, loads: Loads, paths: tuple[Path, ...]) -> str:
        """The calls that load the missing paths, to be added at the end of the query."""
        return suggesting.spell(schema, model, loads, paths)

    def spell_column(self, schema: Schema, model: str, loads: Loads, path: Path) -> str:
        """The calls after which the column comes with the rows."""
        return suggesting.spell_column(schema, model, loads, path)

    def spell_index(self, schema: Schema, model: str, index: NewIndex) -> str:
        """The index as the class declares it."""
        return indexing.spell_index(schema, model, index)

    def begin(self, schema: Schema, model: str) -> Shape:
        """The shape of a query for all rows."""
        return Shape(model, order=filtering.default_order(schema, model))

    def refine(self, schema: Schema, shape: Shape, step: int, refinement: Refinement) -> Shape:
        """The query's shape after one more call."""
        return filtering.refine(schema, shape, step, refinement)


dialect: Dialect = Django()
