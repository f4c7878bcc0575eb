"""The documentation is true: its examples are run, and its picture is of what is printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from slowpath.config import settings_of
from slowpath.reporters.page import index, page
from slowpath.reporters.view import View
from slowpath.rules import load
from slowpath.workspace import run

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
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


@pytest.mark.parametrize("width", [46, 120])
def test_the_terminal_has_the_text_of_the_site(width: int) -> None:
    view = View(path_of=str, checkout_path_of=str, lines_of=lambda path: [], width=width, colour=False, seconds=0)
    for rule in load():
        text = (DOCS / "rules" / f"{rule.name}.md").read_text(encoding="utf-8")
        shown = list(page(rule, view))
        site = re.sub(r"^(<!--.*|```.*|#+ )", "", text, flags=re.MULTILINE).replace(" by default.", " by default", 1)
        assert " ".join(shown).lower().split() == site.lower().split()
        assert all(len(line) <= width for line in shown if not line.startswith("    "))
    listed = list(index(load(), view))
    assert all(rule.summary.split()[-1] in " ".join(listed) for rule in load())
    assert width < 120 or all(len(line) <= width for line in listed)


def test_the_picture_is_of_what_is_printed() -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "screenshot.py", "--check"], check=True)


def test_the_readme_names_every_rule_and_says_which_are_off() -> None:
    rows = re.findall(r"^\| (SLO\d{3}) \| \[([\w-]+)\].*\|$", README, re.MULTILINE)
    off = set(re.findall(r"^\| (SLO\d{3}) .*\(off by default\) \|$", README, re.MULTILINE))
    rules = [rule for rule in load() if rule.code not in OWN]
    assert rows == [(rule.code, rule.name) for rule in rules]
    assert off == {rule.code for rule in rules if not rule.default}
