"""Alembic's migrations: modules that name their revision, and the one before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from slowpath.changes import AnyChange
from slowpath.declarations import Declarations
from slowpath.expression import Call, Constant, Expression, Listing
from slowpath.libraries.alembic.operations import changes
from slowpath.libraries.sqlalchemy.names import Names
from slowpath.migrations import Migration, Migrator, Remedy
from slowpath.project import Project
from slowpath.references import External, FunctionRef

_REMEDIES: Mapping[Remedy, str] = {
    "concurrently": "postgresql_concurrently=True",
    "apart": "with op.get_context().autocommit_block():",
    "unchecked": "postgresql_not_valid=True",
}
_CONFIGURE = External("alembic.context.configure")
_BEFORE = ("down_revision", "depends_on")


class Alembic:
    """Alembic, also as Flask-Migrate."""

    library = "alembic"

    def migrations(self, project: Project) -> Iterable[Migration]:
        """The modules with a revision and an `upgrade`."""
        return tuple(_migrations(project))

    def runners(self, project: Project) -> Iterable[FunctionRef]:
        """The functions that configure the context: those of `env.py`."""
        for module, declarations in project.modules.items():
            for function in declarations.functions:
                if any(_is_configuring(project, module, name) for name in function.sketch.calls):
                    yield FunctionRef(module, function.qualname)

    def changes(self, project: Project, module: str, operation: str, table: str, call: Call) -> Iterable[AnyChange]:
        """What one of Alembic's operations does."""
        return (
            tuple(changes(Names(project), module, operation, table, call)) if operation.startswith("alembic.") else ()
        )

    def spell(self, remedy: Remedy) -> str:
        """What to write in an `upgrade`."""
        return _REMEDIES[remedy]


def _migrations(project: Project) -> Iterator[Migration]:
    for module, declarations in project.modules.items():
        values = _values(declarations)
        key = values.get("revision")
        if not isinstance(key, Constant) or not isinstance(key.value, str) or "down_revision" not in values:
            continue
        if any(function.qualname == "upgrade" for function in declarations.functions):
            folder = project.path_of(module).rpartition("/")[0]
            # Several databases have a chain each.
            chain = folder.partition("/versions")[0]
            after = tuple(f"{chain}:{name}" for word in _BEFORE for name in _named(values.get(word)))
            entry = FunctionRef(module, "upgrade")
            yield Migration("alembic", module, folder, f"{chain}:{key.value}", after, (entry,))


def _is_configuring(project: Project, module: str, name: str) -> bool:
    return name.endswith(".configure") and project.resolve(module, name) == _CONFIGURE


def _values(declarations: Declarations) -> dict[str, Expression]:
    return {each.name: each.value for each in declarations.assignments if each.value is not None}


def _named(value: Expression | None) -> tuple[str, ...]:
    match value:
        case Constant(value=str(text)):
            return (text,)
        case Listing(elements=elements):
            return tuple(name for each in elements for name in _named(each))
    return ()


migrator: Migrator = Alembic()
