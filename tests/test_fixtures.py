"""Every case below fixtures/ is a project; slowpath says of it what its markers say, and nothing else."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from markers import Found, clean_functions, differences, marks_in
from msgspec.structs import replace

from slowpath import rules
from slowpath.config import settings_of
from slowpath.workspace import Report, run

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
# What is there besides the cases: what Python leaves behind, and what a case looks like after `--fix`.
BESIDES = shutil.ignore_patterns("__pycache__", "fixed")
# What would be said of nearly every project that connects to a database or has a cache, and is off by default.
ABOUT_ALL = {"no_query_timeout": "SLO204", "cache_stampede": "SLO410"}
FOLDERS = sorted(folder for folder in FIXTURES.iterdir() if folder.is_dir() and folder.name != "shop")
CASES = sorted(
    case
    for folder in FOLDERS
    for case in folder.iterdir()
    if case.suffix == ".py" or (case.is_dir() and case.name != "__pycache__")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_case(case: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    if case.is_dir():
        shutil.copytree(case, root, ignore=BESIDES)
    else:
        root.mkdir()
        shutil.copy(case, root)
    asked = tuple(code for folder, code in ABOUT_ALL.items() if folder != case.parent.name)
    settings = replace(settings_of(root), select=("ALL",), extend_select=(), ignore=asked)
    report = run(root, settings, [""], cache=False, jobs=1, progress=None)
    if problems := list(_problems(root, report)):
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_clean_functions_outnumber_slow_lines(folder: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if "fixed" not in path.parts]
    slow = sum(count for text in texts for (kind, *_), count in marks_in(text).items() if kind == "expect")
    clean = sum(clean_functions(text) for text in texts)
    assert clean > slow, f"{clean} clean functions, {slow} slow lines"


def test_markers_name_rules() -> None:
    known = {rule.name for rule in rules.load()} | {"SLO001", "SLO002"}
    named = {
        (path.relative_to(FIXTURES).as_posix(), line, rule)
        for path in FIXTURES.rglob("*.py")
        for _, line, rule in marks_in(path.read_text(encoding="utf-8"))
    }
    assert not sorted(mark for mark in named if mark[2] not in known)


def test_every_rule_has_fixtures() -> None:
    folders = {folder.name for folder in FOLDERS}
    assert not sorted(rule.name for rule in rules.load() if rule.name.replace("-", "_") not in folders)


@pytest.mark.parametrize(
    ("marker", "found", "problems"),
    [
        ("", 0, []),
        ("", 1, ["rule is found once, and expected never"]),
        ("# expect: rule", 1, []),
        ("-- expect: rule", 0, ["rule is found never, and expected once"]),
        ("# expect: rule, rule", 1, ["rule is found once, and expected 2 times"]),
        ("# false-alarm: rule", 1, []),
        ("# false-alarm: rule", 0, ["rule is no longer found: remove `false-alarm`"]),
        ("# missed: rule", 0, []),
        ("# missed: rule", 1, ["rule is found now: write `expect` for `missed`"]),
        ("# expect: rule  # missed: rule", 1, []),
    ],
)
def test_markers(marker: str, found: int, problems: list[str]) -> None:
    told = differences(marks_in(f"x = 1\ny = 2  {marker}\n"), Counter({(2, "rule"): found}))
    assert list(told) == [(2, problem) for problem in problems]


def _problems(root: Path, report: Report) -> Iterator[str]:
    found: dict[str, Found] = defaultdict(Counter)
    messages: dict[tuple[str, int], list[str]] = defaultdict(list)
    for path, line, rule, message in _said(report):
        found[path][line, rule] += 1
        messages[path, line].append(f"{rule}: {message}")
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        path = file.relative_to(root).as_posix()
        text = file.read_text(encoding="utf-8", errors="replace")
        for line, problem in differences(marks_in(text), found.pop(path, Counter())):
            yield f"{path}:{line}: {problem}"
            yield f"    | {text.splitlines()[line - 1].strip()}"
            yield from (f"    > {message}" for message in messages[path, line])
    for path, rest in found.items():
        yield f"{path}: something is said of it, and it is no file of the project: {rest}"


def _said(report: Report) -> Iterator[tuple[str, int, str, str]]:
    for finding in report.findings:
        yield finding.path, finding.span.line, finding.name, finding.message
    for skipped in report.skipped:
        yield skipped.path, skipped.line, skipped.code, skipped.reason
