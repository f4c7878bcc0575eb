"""What a file is for, as its path tells."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import Literal, get_args

Role = Literal["production", "test", "migration", "command", "script"]

ROLES: tuple[Role, ...] = get_args(Role)

_TEST_FOLDERS = {
    "test",
    "tests",
    "testing",
    "testsuite",
    "testutils",
    "test_utils",
    "test_helpers",
    "pytest",
    "e2e",
    "e2e_tests",
    "functional_tests",
    "integration_tests",
    "unit_tests",
}
TEST_LIBRARIES = frozenset({"pytest", "factory", "model_bakery", "mixer", "hypothesis"})
"""What only tests and what they are made of import: frameworks, and makers of rows."""
COMMAND_LIBRARIES = dict.fromkeys(("click", "typer", "asyncclick", "cloup", "rich_click", "cyclopts"), "command")
COMMAND_LIBRARIES |= {"invoke": "task", "fabric": "task"}
"""What makes functions into commands that somebody types, and the decorator's last name."""
_TEST_FILES = {"conftest.py", "test.py", "tests.py", "pytest_plugin.py"}
_SCRIPT_FOLDERS = {"scripts", "script", "bin", "examples", "benchmarks", "notebooks", "docs_src"}
# Below the top these are ordinary names of packages: an app called `docs`, an agent's `tools`.
_TOP_SCRIPT_FOLDERS = {
    "evals",
    "tutorials",
    "cookbook",
    "docs",
    "doc",
    "example",
    "samples",
    "demo",
    "tools",
    "bench",
    "benchmark",
    "ci",
    "hack",
}
# What a reader is shown stays so, whatever is in it.
_SHOWN = {"example", "samples", "demo", "tutorials"}
_REVISION = re.compile(r"[0-9a-f]{12}_")
_PARTS_OF_AN_APP = {"models.py", "apps.py", "migrations"}
_COMMAND_FOLDERS = {"cli", "_cli"}
_COMMAND_FILES = {"cli.py", "__main__.py"}
_SCRIPT_FILES = {"setup.py", "noxfile.py", "fabfile.py", "dodo.py", "locustfile.py", "manage.py", "gunicorn.conf.py"}


def apps_in(paths: Iterable[str]) -> frozenset[str]:
    """The folders at the top that are an app of the service, though they are called like one of scripts."""
    parts = (path.split("/", 2) for path in paths)
    named = {part[0] for part in parts if len(part) > 1 and part[1] in _PARTS_OF_AN_APP}
    return frozenset(named & _TOP_SCRIPT_FOLDERS - _SHOWN)


def role_of(path: str, apps: Container[str] = ()) -> Role:
    """What the file at this path, relative to the project's root, is for; `apps` are those that `apps_in` found."""
    *folders, name = path.split("/")
    if _is_test(folders, name):
        return "test"
    if _is_migration(folders, name):
        return "migration"
    if "/management/commands/" in f"/{path}" or not _COMMAND_FOLDERS.isdisjoint(folders) or name in _COMMAND_FILES:
        return "command"
    if _is_script(folders, name, apps):
        return "script"
    return "production"


def _is_test(folders: list[str], name: str) -> bool:
    return (
        name in _TEST_FILES
        or name.startswith(("test_", "tests_"))
        or name.endswith(("_test.py", "_tests.py"))
        or not _TEST_FOLDERS.isdisjoint(folders)
    )


def _is_migration(folders: list[str], name: str) -> bool:
    if "migrations" in folders or "alembic" in folders:
        return True
    # Revisions of Alembic's: the folder that holds them is called as somebody likes.
    if folders[-1:] == ["versions"] and (_REVISION.match(name) or folders[-2:-1] == ["migrate"]):
        return True
    return any(folder.endswith("_migrations") for folder in folders)


def _is_script(folders: list[str], name: str, apps: Container[str]) -> bool:
    if name in _SCRIPT_FILES or not _SCRIPT_FOLDERS.isdisjoint(folders):
        return True
    if any(folder.startswith("example_") for folder in folders):
        return True
    return bool(folders) and folders[0] in _TOP_SCRIPT_FOLDERS and folders[0] not in apps
