"""The documentation is true: its examples are run, and its picture is of what is printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from slowpath.config import settings_of
from slowpath.rules import load
from slowpath.workspace import run

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SHOP = ROOT / "fixtures" / "shop"
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Of slowpath's own affairs.
OWN = {"SLO003"}


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def found(root: Path) -> set[tuple[int, str]]:
    report = run(root, settings_of(root), [""], cache=False, jobs=1)
    assert not report.skipped
    return {(finding.span.line, finding.code) for finding in report.findings}


def test_the_example_of_knowledge_finds_what_it_says(tmp_path: Path) -> None:
    (code,) = blocks("knowledge.md", "python")
    settings, memo = blocks("knowledge.md", "toml")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "views.py").write_text(code, encoding="utf-8")
    choice, _ = settings.split("\n# A client:")
    (tmp_path / "pyproject.toml").write_text(choice, encoding="utf-8")
    assert not found(tmp_path)
    (tmp_path / "pyproject.toml").write_text(settings + memo, encoding="utf-8")
    lines = enumerate(code.splitlines(), start=1)
    marked = {(number, line.partition("  # ")[2]) for number, line in lines if "  # SLO" in line}
    assert len(marked) == 4
    assert found(tmp_path) == marked


def commands(page: str) -> list[str]:
    """What the page's workflows run of ours."""
    steps: list[str] = []
    for block in blocks(page, "yaml"):
        document = yaml.safe_load(block)
        if isinstance(document, list):
            steps += [step["run"] for step in document if "run" in step]
        else:
            for job in (*document.get("jobs", {}).values(), document.get("slowpath", {})):
                steps += [step["run"] for step in job.get("steps", []) if "run" in step] + job.get("script", [])
    return [step for step in steps if step.startswith("slowpath ")]


@pytest.mark.parametrize(("page", "count"), [("reports.md", 3), ("pre-commit.md", 1)])
def test_the_commands_of_workflows_report(page: str, count: int, tmp_path: Path) -> None:
    """As far as can be without their services: in a git checkout with the branch that is compared with."""
    shutil.copytree(SHOP, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".slowpath_cache"))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"], ["branch", "origin/main"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    views = tmp_path / "django_shop" / "views.py"
    views.write_text(views.read_text(encoding="utf-8").replace(".all()", ".all().order_by('pk')"), encoding="utf-8")
    steps = commands(page)
    assert len(steps) == count
    for step in steps:
        words = shlex.split(step.replace("$GITHUB_BASE_REF", "main"))
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))}
        ended = subprocess.run(
            [sys.executable, "-m", *words], cwd=tmp_path, env=clean, check=False, capture_output=True, text=True
        )
        assert ended.returncode in (0, 1), (step, ended.stderr)
        if "--output-file" in words:
            assert json.loads((tmp_path / words[words.index("--output-file") + 1]).read_text(encoding="utf-8"))
        if "--since" not in words:
            assert ended.returncode == 1, step


def test_the_picture_is_of_what_is_printed() -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "screenshot.py", "--check"], check=True)


def test_the_readme_names_every_rule_and_says_which_are_off() -> None:
    rows = re.findall(r"^\| (SLO\d{3}) \| \[([\w-]+)\].*\|$", README, re.MULTILINE)
    off = set(re.findall(r"^\| (SLO\d{3}) .*\(off by default\) \|$", README, re.MULTILINE))
    rules = [rule for rule in load() if rule.code not in OWN]
    assert rows == [(rule.code, rule.name) for rule in rules]
    assert off == {rule.code for rule in rules if not rule.default}
