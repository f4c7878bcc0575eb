"""What a module is for, seen from those that import it: what only commands and scripts need is one of theirs."""

from __future__ import annotations

from slowpath.project import Project
from slowpath.references import ModuleRef
from slowpath.roles import Role, role_of

_ASIDE = frozenset({"test", "migration", "command", "script"})
_RUN_BY_HAND = frozenset({"command", "script"})


def roles_of(project: Project) -> dict[str, Role]:
    """The role of every module: by its path; a command's, if only commands and scripts import it, besides tests."""
    roles = {module: role_of(project.path_of(module)) for module in project.modules}
    importers = _importers(project)
    changed = True
    while changed:
        changed = False
        for module, users in importers.items():
            theirs = {roles[user] for user in users}
            if roles[module] == "production" and theirs <= _ASIDE and theirs & _RUN_BY_HAND:
                roles[module] = "command"
                changed = True
    return roles


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
