"""The command, as the shell runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import slowpath
from slowpath.cli import main
from slowpath.errors import SlowpathError, nearest

MODELS = """\
from django.db import models


class User(models.Model):
    email = models.EmailField()


class Order(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE)
"""
VIEWS = """\
from shop.models import Order


def emails():
    found = []
    for order in Order.objects.all():
        found.append(order.user.email)
    return found
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one slow path, in which the command is run."""
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "__init__.py").touch()
    (shop / "models.py").write_text(MODELS)
    (shop / "views.py").write_text(VIEWS)
    (tmp_path / "pyproject.toml").write_text("[tool.slowpath]\njobs = 1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "slowpath", *arguments],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
        encoding="utf-8",
    )


def check(arguments: str, problem: str) -> None:
    with pytest.raises(SlowpathError) as caught:
        main(arguments.split())
    assert str(caught.value) == problem


def test_findings_end_with_1(project: Path) -> None:
    ended = run("check", "--no-cache")
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr == ""
    assert "SLO101 n-plus-one" in ended.stdout
    assert re.fullmatch(r"Found 1 slow path in 1 file \(3 files, [\d.]+ s\)", ended.stdout.splitlines()[-1])


def test_no_findings_end_with_0(project: Path) -> None:
    ended = run("check", "--no-cache", "shop/models.py")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("No slow paths found (")


def test_json_is_relative_to_the_working_directory(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "shop")
    ended = run("check", "--no-cache", "--output-format", "json", ".")
    assert ended.returncode == 1, ended.stderr
    (found,) = json.loads(ended.stdout)
    assert (found["code"], found["path"]) == ("SLO101", "views.py")


def test_colour_when_asked(project: Path) -> None:
    assert "\x1b[" in run("check", "--no-cache", FORCE_COLOR="1").stdout
    assert "\x1b[" not in run("check", "--no-cache", NO_COLOR="1", FORCE_COLOR="1").stdout


def test_what_slowpath_cannot_do_ends_with_2_and_a_sentence(project: Path) -> None:
    ended = run("check", "nowhere")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "slowpath: there is no file or folder `nowhere`\n"


def test_a_wrong_setting_ends_with_2_and_a_sentence(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.slowpath]\nignroe = []\n")
    ended = run("check")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith("pyproject.toml: tool.slowpath.ignroe: no such key; did you mean `ignore`?\n")


def test_nobody_listens(project: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "slowpath", "check", "--no-cache"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_nothing_heavy_is_imported_for_nothing() -> None:
    code = "import sys, slowpath.cli; print(*{'libcst', 'sqlglot', 'pygls', 'ast', 'tomllib'} & sys.modules.keys())"
    # msgspec reads `ast` by way of `inspect`; nothing else may.
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(ended.stdout.split()) <= {"ast"}


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"slowpath {slowpath.__version__}\n"


def test_the_version_is_the_same_everywhere() -> None:
    root = Path(__file__).resolve().parent.parent
    written = re.search(r'^version = "(.+)"$', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    newest = re.search(r"^## (\S+)", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert written is not None
    assert newest is not None
    assert written[1] == newest[1] == slowpath.__version__


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("", "say what to do: `slowpath check`, `slowpath rule` or `slowpath why`"),
        ("check --jobs 0", "--jobs: `0` is no number of processes; write one from 1 on"),
        ("check --jobs two", "--jobs: `two` is no number of processes; write one from 1 on"),
        ("check --select n-plus-on", "--select: no rule `n-plus-on`; did you mean `n-plus-one`?"),
        ("check --extend-select SLO101,SLO9", "--extend-select: no rule `SLO9`"),
        ("check --ignore XYZ1", "--ignore: no rule `XYZ1`"),
        ("check shop nowhere.py", "there is no file or folder `nowhere.py`"),
        ("rule n-plus-on", "there is no rule `n-plus-on`; did you mean `n-plus-one`?"),
        ("why shop/views.py", "`shop/views.py` is no place; write one like `shop/views.py:12`"),
        ("why shop/view.py:3", "there is no file or folder `shop/view.py`"),
        ("why shop:3", "`shop` is not a file"),
    ],
)
def test_arguments_that_cannot_be_followed(project: Path, arguments: str, problem: str) -> None:
    check(arguments, problem)


@pytest.mark.parametrize("arguments", ["chekc", "check --output-format xml", "check --selct x", "check --confidence x"])
def test_arguments_that_do_not_exist(project: Path, arguments: str) -> None:
    with pytest.raises(SlowpathError):
        main(arguments.split())


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ("", "shop/__init__.py shop/models.py shop/views.py"),
        ("shop/views.py", "shop/views.py"),
        ("shop --exclude views.py,__init__.py", "shop/models.py"),
        ("--exclude shop --exclude x", ""),
    ],
)
def test_files(project: Path, capsys: pytest.CaptureFixture[str], arguments: str, files: str) -> None:
    assert main(["check", "--show-files", *arguments.split()]) == 0
    assert capsys.readouterr().out.split() == files.split()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("--select SLO101", 1),
        ("--select query-in-loop", 0),
        ("--ignore n-plus-one", 0),
        ("--ignore n-plus-one --select ALL", 0),
        ("--extend-select SLO1 --min-severity note", 1),
        ("--statistics", 1),
        ("--output-format concise", 1),
        ("--jobs 2", 1),
    ],
)
def test_options(project: Path, capsys: pytest.CaptureFixture[str], arguments: str, status: int) -> None:
    assert main(["check", "--no-cache", *arguments.split()]) == status
    assert ("SLO101" in capsys.readouterr().out) is bool(status)


def test_a_rule_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "slo101"]) == 0
    by_code = capsys.readouterr().out
    assert main(["rule", "n-plus-one"]) == 0
    assert capsys.readouterr().out == by_code
    assert by_code.startswith("n-plus-one (SLO101)\n")
    assert "\nProblem\n" in by_code
    assert main(["rule"]) == 0
    assert "SLO101 n-plus-one" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["shop/views.py:6", "shop/views.py:7:22"])
def test_a_line_is_explained(project: Path, capsys: pytest.CaptureFixture[str], place: str) -> None:
    assert main(["why", place]) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("word", "known", "end"),
    [
        ("ignroe", ["ignore", "select"], "; did you mean `ignore`?"),
        ("HIGH", ["high", "low"], "; did you mean `high`?"),
        ("x", ["a", "b"], "; write `a` or `b`"),
        ("x", [], ""),
        ("x", list("abcdefgh"), ""),
    ],
)
def test_nearest(word: str, known: list[str], end: str) -> None:
    assert nearest(word, known) == end
