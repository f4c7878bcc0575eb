"""Projects for tests: copies of the example service, and repositories of git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
AUTHOR = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
# What installers say where no registry answers.
OFFLINE = ("No matching distribution found for hatchling", "ENOTFOUND", "ETIMEDOUT", "ECONNREFUSED", "EAI_AGAIN")
# What somebody's own run has left in the fixtures.
_LEFT = shutil.ignore_patterns(".slowpath_cache", "__pycache__")


def shop_in(folder: Path, settings: str = "jobs = 1", *, only: str = "") -> Path:
    """The folder, with a copy of the example service in it (or one of its packages) and these settings."""
    shutil.copytree(FIXTURES / "shop" / only, folder / only, dirs_exist_ok=True, ignore=_LEFT)
    (folder / "pyproject.toml").write_text(f"[tool.slowpath]\n{settings}\n", encoding="utf-8")
    return folder


def shop_with_helpers_in(folder: Path) -> Path:
    """The folder, newly made, with the example service as it is and with cases that go through several modules."""
    shutil.copytree(FIXTURES / "shop", folder, ignore=_LEFT)
    for case in ("n_plus_one/django_helper_modules", "query_in_loop/django_helpers", "n_plus_one/sqlalchemy_helpers"):
        shutil.copytree(FIXTURES / case, folder / case.replace("/", "_"))
    return folder


def git(folder: Path, *arguments: str) -> None:
    """Runs git there, with nobody's settings."""
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env=os.environ | AUTHOR)


def commit(folder: Path) -> None:
    """Commits all there is."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")


def hooks_in(folder: Path) -> Path:
    """The folder, newly made a repository of what pre-commit needs of this one."""
    folder.mkdir()
    for name in ("src", ".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=_LEFT)
        else:
            shutil.copy(ROOT / name, folder)
    git(folder, "init", "--quiet")
    commit(folder)
    return folder
