"""What a module is for, seen from those that import it: what only commands and scripts need is one of theirs, unless it
serves."""

from __future__ import annotations

from collections.abc import Mapping

from slowpath.project import Project
from slowpath.references import ModuleRef
from slowpath.roles import COMMAND_LIBRARIES, TEST_LIBRARIES, Role, apps_in, role_of
from slowpath.routes import has_route, is_decorated

_ASIDE = frozenset({"test", "migration", "command", "script"})
_RUN_BY_HAND = frozenset({"command", "script"})


def roles_of(project: Project) -> dict[str, Role]:
    """The role of every module: by its path; a test's, if it imports what only tests do; a command's, if it makes
    commands of its functions, or if only commands and scripts import it, besides tests.

    An application that a command starts, or a script asks for its routes, stays what it is.
    """
    paths = {module: project.path_of(module) for module in project.modules}
    apps = apps_in(paths.values())
    roles = {module: role_of(path, apps) for module, path in paths.items()}
    for module, role in roles.items():
        if role == "production" and _is_of_tests(project, module):
            roles[module] = "test"
        elif role == "production" and _is_of_commands(project, module):
            roles[module] = "command"
    importers = _importers(project)
    serving = _serving(project, importers)
    changed = True
    while changed:
        changed = False
        for module, users in importers.items():
            theirs = {roles[user] for user in users}
            if roles[module] == "production" and module not in serving and theirs <= _ASIDE and theirs & _RUN_BY_HAND:
                roles[module] = "command"
                changed = True
    return roles


def _is_of_tests(project: Project, module: str) -> bool:
    """Whether the module imports, at its own level, what only tests are made with."""
    names = (each.module.partition(".")[0] for each in project.modules[module].imports if not each.level)
    return any(name in TEST_LIBRARIES and name not in project.modules for name in names)


def _is_of_commands(project: Project, module: str) -> bool:
    """Whether the module makes commands of its functions with decorators, and answers no requests."""
    declarations = project.modules[module]
    imported = {each.module.partition(".")[0] for each in declarations.imports if not each.level}
    words = {word for library, word in COMMAND_LIBRARIES.items() if library in imported}
    if not words or any(map(has_route, declarations.functions)):
        return False
    return any(is_decorated(function, words) for function in declarations.functions)


def _importers(project: Project) -> dict[str, set[str]]:
    """The modules that import each module at their own level."""
    found: dict[str, set[str]] = {}
    for module, declarations in project.modules.items():
        for imported in declarations.imports:
            meaning = project.resolve_import(module, imported)
            home = getattr(meaning, "module", "")
            for target in (home, f"{home}.{imported.name}" if isinstance(meaning, ModuleRef) else ""):
                if target in project.modules and target != module:
                    found.setdefault(target, set()).add(module)
    return found


def _serving(project: Project, importers: Mapping[str, set[str]]) -> set[str]:
    """The modules that declare routes, and those that import one of these, also by way of others."""
    pending = [module for module, each in project.modules.items() if any(map(has_route, each.functions))]
    found: set[str] = set()
    while pending:
        module = pending.pop()
        if module not in found:
            found.add(module)
            pending += importers.get(module, ())
    return found
