"""What a file is for, as its path tells."""

from __future__ import annotations

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
    "e2e",
    "e2e_tests",
    "functional_tests",
    "integration_tests",
    "unit_tests",
}
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
_COMMAND_FOLDERS = {"cli"}
_SCRIPT_FILES = {"setup.py", "noxfile.py", "fabfile.py", "dodo.py", "locustfile.py", "manage.py", "gunicorn.conf.py"}


def role_of(path: str) -> Role:
    """What the file at this path, relative to the project's root, is for."""
    *folders, name = path.split("/")
    if _is_test(folders, name):
        return "test"
    if _is_migration(folders):
        return "migration"
    if "/management/commands/" in f"/{path}" or not _COMMAND_FOLDERS.isdisjoint(folders):
        return "command"
    if _is_script(folders, name):
        return "script"
    return "production"


def _is_test(folders: list[str], name: str) -> bool:
    return (
        name in _TEST_FILES
        or name.startswith(("test_", "tests_"))
        or name.endswith(("_test.py", "_tests.py"))
        or not _TEST_FOLDERS.isdisjoint(folders)
    )


def _is_migration(folders: list[str]) -> bool:
    if "migrations" in folders or "alembic" in folders:
        return True
    return any(folder.endswith("_migrations") for folder in folders)


def _is_script(folders: list[str], name: str) -> bool:
    if name in _SCRIPT_FILES or not _SCRIPT_FOLDERS.isdisjoint(folders):
        return True
    return bool(folders) and folders[0] in _TOP_SCRIPT_FOLDERS
