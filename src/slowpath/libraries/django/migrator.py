"""Django's migrations: classes `Migration` with their operations, played through from the first one on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from slowpath.changes import AnyChange
from slowpath.declarations import ClassDeclaration
from slowpath.expression import Call, Constant, Expression, Listing
from slowpath.libraries.django.apps import Apps, settings, user_class
from slowpath.libraries.django.names import Names, Placed
from slowpath.libraries.django.operations import State, steps_of
from slowpath.migrations import Migration, Migrator, Remedy, in_order
from slowpath.project import Project
from slowpath.references import FunctionRef

_REMEDIES: Mapping[Remedy, str] = {
    "concurrently": "AddIndexConcurrently",
    "apart": "atomic = False",
    "unchecked": "AddConstraintNotValid",
}


class DjangoMigrator:
    """Django's own migrations."""

    library = "django"

    def migrations(self, project: Project) -> Iterable[Migration]:
        """The classes `Migration` in packages of migrations."""
        classes = dict(_classes(project))
        if not classes:
            return ()
        names = Names(project, user_class(project, settings(project)))
        apps = Apps(names)
        ordered = list(in_order(_header(names, apps, module, found) for module, found in classes.items()))
        replaced = {key for each in ordered for key in _replaced(names, apps, each.module, classes[each.module])}
        state = State(names)
        return tuple(_played(state, apps, each, classes[each.module], known=replaced) for each in ordered)

    def runners(self, project: Project) -> Iterable[FunctionRef]:
        """None: Django runs migrations by itself, each in a transaction of its own."""
        return ()

    def changes(self, project: Project, module: str, operation: str, table: str, call: Call) -> Iterable[AnyChange]:
        """None: what is done in functions is done by statements."""
        return ()

    def spell(self, remedy: Remedy) -> str:
        """What to write in the class."""
        return _REMEDIES[remedy]


def _classes(project: Project) -> Iterator[tuple[str, ClassDeclaration]]:
    for module, declarations in project.modules.items():
        if "migrations" in module.split("."):
            for found in declarations.classes:
                if found.qualname == "Migration":
                    yield module, found


def _header(names: Names, apps: Apps, module: str, found: ClassDeclaration) -> Migration:
    """The migration without its steps; one that replaces others comes after them."""
    values = _values(found)
    after = (*_keys(names, module, values.get("dependencies")), *_replaced(names, apps, module, found))
    atomic = values.get("atomic")
    whole = not (isinstance(atomic, Constant) and atomic.value is False)
    folder = names.project.path_of(module).rpartition("/")[0]
    return Migration("django", module, folder, f"{_label(apps, module)}.{module.rpartition('.')[2]}", after, (), whole)


def _label(apps: Apps, module: str) -> str:
    package = module.partition(".migrations.")[0] if ".migrations." in module else module.rpartition(".")[0]
    return apps.label(f"{package}.models")


def _replaced(names: Names, apps: Apps, module: str, found: ClassDeclaration) -> tuple[str, ...]:
    return tuple(_keys(names, module, _values(found).get("replaces")))


def _keys(names: Names, module: str, value: Expression | None) -> Iterator[str]:
    chased = names.chased(Placed(value, module)) if value is not None else None
    for each in chased.value.elements if chased is not None and isinstance(chased.value, Listing) else ():
        pair = names.strings(Placed(each, module))
        if pair is not None and len(pair) == 2:
            yield ".".join(pair)


def _played(state: State, apps: Apps, migration: Migration, found: ClassDeclaration, known: set[str]) -> Migration:
    from msgspec.structs import replace

    again = any(key in known for key in migration.after) and "replaces" in _values(found)
    operations = _values(found).get("operations")
    if again or operations is None:
        return migration
    label = _label(apps, migration.module)
    return replace(migration, steps=tuple(steps_of(state, label, Placed(operations, migration.module))))


def _values(found: ClassDeclaration) -> dict[str, Expression]:
    return {each.name: each.value for each in found.assignments if each.value is not None}


migrator: Migrator = DjangoMigrator()
