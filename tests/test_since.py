"""What a change brings, in a real repository, on the command line and in pre-commit."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from projects import AUTHOR, OFFLINE, commit, git, hooks_in

from slowpath.cli import main
from slowpath.errors import SlowpathError

MODELS = """\
from django.db import models


class User(models.Model):
    email = models.EmailField()


class Order(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    number = models.CharField(max_length=20)
"""
HELPERS = """\
def row(order):
    return order.number
"""
VIEWS = """\
from shop.helpers import row
from shop.models import Order


def export():
    return [row(order) for order in Order.objects.all()]


def known():
    return [order.user.email for order in Order.objects.all()]
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one known slow path, in which the command is run."""
    root = tmp_path / "repository"
    (root / "shop").mkdir(parents=True)
    for name, text in {"__init__": "", "models": MODELS, "helpers": HELPERS, "views": VIEWS}.items():
        (root / "shop" / f"{name}.py").write_text(text, encoding="utf-8")
    (root / "pyproject.toml").write_text("[tool.slowpath]\njobs = 1\n", encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / ".gitignore").write_text(".slowpath_cache\n", encoding="utf-8")
    commit(root)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


class Said:
    """Which functions have slow paths, as `slowpath check` says."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> list[str]:
        main(["check", "--output-format=concise", *arguments])
        return [line.partition(" ")[0] for line in self._capsys.readouterr().out.splitlines()]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_nothing_has_changed(shop: Path, said: Said) -> None:
    assert said() == ["shop/views.py:10:43"]
    assert said("--since=HEAD") == []


def test_a_changed_callee_makes_an_unchanged_loop_slow(shop: Path, said: Said) -> None:
    edit(shop / "shop" / "helpers.py", "order.number", "order.user.email")
    assert said("--since=HEAD") == ["shop/views.py:6:37"]
    assert said("--since=HEAD", "--no-cache") == ["shop/views.py:6:37"]
    assert said("--since=HEAD", "shop/helpers.py") == []
    commit(shop)
    assert said("--since=HEAD") == []
    assert said("--since=HEAD~1") == ["shop/views.py:6:37"]


def test_a_changed_model_makes_an_unchanged_loop_slow(shop: Path, said: Said) -> None:
    models = shop / "shop" / "models.py"
    edit(models, "    number = models.CharField(max_length=20)\n", "    email = models.CharField(max_length=20)\n")
    models.write_text(
        models.read_text(encoding="utf-8") + "\n    @property\n    def number(self):\n        return self.user.email\n",
        encoding="utf-8",
    )
    assert said("--since=HEAD") == ["shop/views.py:6:37"]


def test_a_new_file_and_a_moved_line(shop: Path, said: Said) -> None:
    (shop / "shop" / "more.py").write_text(VIEWS.replace("known", "unknown"), encoding="utf-8")
    edit(shop / "shop" / "views.py", "def export", "# a comment\ndef export")
    assert said("--since=HEAD") == ["shop/more.py:10:43"]


def test_a_changed_line_of_a_known_one(shop: Path, said: Said) -> None:
    edit(shop / "shop" / "views.py", "    return [order.user.email", "    return [order.user.email.lower()")
    assert said("--since=HEAD") == ["shop/views.py:10:51"]


def test_a_file_that_is_moved(shop: Path, said: Said) -> None:
    git(shop, "mv", "shop/views.py", "shop/pages.py")
    # All its lines are new where it is now, but nothing of it is.
    assert said("--since=HEAD") == ["shop/pages.py:10:43"]


def test_what_others_did_meanwhile_is_not_ours(shop: Path, said: Said) -> None:
    git(shop, "switch", "--quiet", "--create", "ours")
    git(shop, "switch", "--quiet", "main")
    edit(shop / "shop" / "views.py", "    return [order.user", "    return [row(order)")
    commit(shop)
    git(shop, "switch", "--quiet", "ours")
    assert said("--since=main") == []


def test_a_project_in_a_folder(tmp_path: Path, shop: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "backend").mkdir()
    git(shop, "mv", "shop", "pyproject.toml", "backend")
    commit(shop)
    monkeypatch.chdir(shop / "backend")
    edit(shop / "backend" / "shop" / "helpers.py", "order.number", "order.user.email")
    assert said("--since=HEAD") == ["shop/views.py:6:37"]


def test_a_diff_says_the_same(shop: Path, said: Said) -> None:
    edit(shop / "shop" / "helpers.py", "order.number", "order.user.email")
    edit(shop / "shop" / "views.py", "    return [order.user.email", "    return [order.user.email.lower()")
    (shop / "shop" / "more.py").write_text(VIEWS.replace("known", "unknown"), encoding="utf-8")
    (shop / "shop" / "gone.py").write_text("x = 1\n", encoding="utf-8")
    git(shop, "add", "--all")
    git(shop, "rm", "--quiet", "-f", "shop/gone.py")
    expected = said("--since=HEAD")
    assert len(expected) == 4
    for context in ("--unified=0", "--unified=3"):
        patch = subprocess.run(["git", "diff", context, "HEAD"], cwd=shop, check=True, capture_output=True).stdout
        (shop / "change.patch").write_bytes(patch)
        assert said("--diff=change.patch") == expected


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--diff=old.patch"], "--diff: does not fit shop/helpers.py: it must be a diff to the files as they are"),
        (["--diff=none.patch"], "--diff: `none.patch` cannot be read: no such file or directory"),
        (
            ["--diff=old.patch", "--since=HEAD"],
            "--diff: says what has changed, and so does `--since`; give one of them",
        ),
    ],
)
def test_a_diff_that_cannot_be_used(shop: Path, arguments: list[str], problem: str) -> None:
    text = "--- a/shop/helpers.py\n+++ b/shop/helpers.py\n@@ -2 +2 @@\n-    return 1\n+    return 2\n"
    (shop / "old.patch").write_text(text, encoding="utf-8")
    with pytest.raises(SlowpathError) as caught:
        main(["check", *arguments])
    assert str(caught.value) == problem


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", ""])
def test_a_revision_that_there_is_not(shop: Path, revision: str) -> None:
    with pytest.raises(SlowpathError, match=r"^--since: git knows no revision `"):
        main(["check", f"--since={revision}"])
    assert not (shop / "x").exists()


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.slowpath]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SlowpathError, match=r"^--since: git knows no revision"):
        main(["check", "--since=HEAD"])


@pytest.mark.skipif(find_spec("pre_commit") is None, reason="pre-commit is not installed")
def test_pre_commit_itself(shop: Path, tmp_path: Path) -> None:
    hooks = hooks_in(tmp_path / "slowpath")

    def tried(hook: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), hook, "--verbose"],
            cwd=shop,
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | AUTHOR | {"PRE_COMMIT_HOME": str(tmp_path / "home")},
        )

    edit(shop / "shop" / "helpers.py", "order.number", "order.user.email")
    git(shop, "add", "shop/helpers.py")
    ended = tried("slowpath")
    if any(word in ended.stdout for word in OFFLINE):
        pytest.skip("needs a registry of packages")
    assert ended.returncode == 0, ended.stdout
    ended = tried("slowpath-change")
    assert ended.returncode == 1, ended.stdout
    assert "shop/views.py:6:37 SLO101" in ended.stdout
    assert "Found 1 slow path in 1 file" in ended.stdout
    edit(shop / "shop" / "views.py", "def export", "# touched\ndef export")
    git(shop, "add", "shop/views.py")
    ended = tried("slowpath")
    assert "Found 2 slow paths in 1 file" in ended.stdout


def test_migrations_that_are_new(shop: Path, said: Said) -> None:
    (shop / "shop" / "database.py").write_text('DATABASE_URL = "postgresql://db/shop"\n', encoding="utf-8")
    (shop / "shop" / "views.py").unlink()
    migrations = shop / "shop" / "migrations"
    migrations.mkdir()
    (migrations / "__init__.py").touch()
    for number in range(1, 5):
        migrate(migrations, number)
    commit(shop)
    assert said() == []
    for number in range(5, 10):
        migrate(migrations, number)
    # What has run long ago is no news, unless the change brings it.
    indexed = [f"shop/migrations/m{number}.py:7:9" for number in range(5, 10)]
    assert said("--confidence=low") == indexed[2:]
    assert said("--confidence=low", "--since=HEAD") == indexed


def migrate(folder: Path, number: int) -> None:
    fields = '("id", models.AutoField(primary_key=True)), ("number", models.CharField(max_length=20))'
    made = f'migrations.CreateModel("Order", [{fields}])'
    built = f'migrations.AddIndex("Order", models.Index(fields=["number"], name="by{number}"))'
    before = f'("shop", "m{number - 1}")' if number > 1 else ""
    operation = made if number == 1 else built if number > 4 else 'migrations.AlterModelOptions("Order", {})'
    text = f"""\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [{before}]
    operations = [
        {operation},
    ]
"""
    (folder / f"m{number}.py").write_text(text, encoding="utf-8")
