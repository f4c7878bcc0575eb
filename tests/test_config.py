"""Settings, selection of rules, and the root of a project."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct

from slowpath.config import (
    ConfigError,
    Settings,
    is_wanted,
    root_of,
    selected,
    settings_from,
    settings_of,
    unknown_selector,
)
from slowpath.finding import Confidence, Finding, Severity
from slowpath.source import Span


class Rule(Struct, frozen=True):
    code: str
    name: str
    default: bool = True


RULES = (
    Rule("SLO101", "n-plus-one"),
    Rule("SLO102", "query-in-loop"),
    Rule("SLO107", "remote-call-in-loop", default=False),
    Rule("SLO301", "blocking-call"),
)


def project(root: Path, toml: str) -> Path:
    (root / "pyproject.toml").write_text(toml, encoding="utf-8")
    return root


def test_no_file_and_no_table_give_the_defaults(tmp_path: Path) -> None:
    assert settings_of(tmp_path) == Settings()
    assert settings_of(project(tmp_path, "[project]\nname = 'slowpath-user'\n")) == Settings()
    assert Settings().confidence == "medium"
    assert Settings().min_severity == "note"


def test_a_table_is_read(tmp_path: Path) -> None:
    toml = """
        [tool.slowpath]
        select = ["n-plus-one", "SLO3"]
        extend-select = ["SLO107"]
        ignore = ["SLO102"]
        exclude = ["legacy/**"]
        include-roles = ["command"]
        confidence = "high"
        min-severity = "warning"
        jobs = 2
        cache-dir = "var/slowpath"
        max-file-size = 5
        django-version = "5.2"
        [tool.slowpath.knowledge.query."shop.repository.Repository"]
        row = ["by_id"]
    """
    assert settings_of(project(tmp_path, toml)) == Settings(
        select=("n-plus-one", "SLO3"),
        extend_select=("SLO107",),
        ignore=("SLO102",),
        exclude=("legacy/**",),
        include_roles=("command",),
        confidence="high",
        min_severity="warning",
        jobs=2,
        cache_dir="var/slowpath",
        max_file_size=5,
        django_version="5.2",
        knowledge={"query": {"shop.repository.Repository": {"row": ["by_id"]}}},
    )


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"ingore": []}, "ingore: no such key; did you mean `ignore`?"),
        ({"extend_select": []}, "extend_select: no such key; did you mean `extend-select`?"),
        ({"zzz": 1}, "zzz: no such key"),
        ({"confidence": "hihg"}, "confidence: no value `hihg`; did you mean `high`?"),
        ({"min-severity": "x"}, "min-severity: no value `x`; write `error` or `note` or `warning`"),
        ({"include-roles": ["tests"]}, "include-roles: no value `tests`; did you mean `test`?"),
        ({"select": "SLO1"}, "select: expected a list, got a string"),
        ({"select": [1]}, "select[0]: expected a string, got a whole number"),
        ({"jobs": True}, "jobs: expected a whole number, got true or false"),
        ({"jobs": -1}, "jobs: expected a whole number >= 0"),
        ({"knowledge": 3}, "knowledge: expected a table, got a whole number"),
        ({"django-version": "five"}, 'django-version: expected a version; write one like "5.2"'),
        ({"cache-dir": "../x"}, "cache-dir: must be a folder inside the project; write `.slowpath_cache`"),
        ({"cache-dir": "/tmp/x"}, "cache-dir: must be a folder inside the project; write `.slowpath_cache`"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(table: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_from(table, file="pyproject.toml")
    assert str(caught.value) == f"pyproject.toml: tool.slowpath.{problem}"


def test_broken_toml_is_told_only_where_it_concerns_us(tmp_path: Path) -> None:
    assert settings_of(project(tmp_path, "{{ cookiecutter }}")) == Settings()
    with pytest.raises(ConfigError, match="not valid TOML"):
        settings_of(project(tmp_path, "[tool.slowpath\n"))
    with pytest.raises(ConfigError, match=r"write `\[tool.slowpath\]`"):
        settings_of(project(tmp_path, "[tool]\nslowpath = 1\n"))


def root(*paths: Path, standing_in: Path) -> Path:
    return root_of([path.resolve() for path in paths], standing_in)


def test_the_root_is_the_nearest_table_or_repository(tmp_path: Path) -> None:
    inner = tmp_path / "services" / "shop"
    (inner / "orders").mkdir(parents=True)
    file = inner / "orders" / "views.py"
    file.touch()
    assert root(file, standing_in=tmp_path) == tmp_path
    assert root(file, standing_in=Path("/elsewhere")) == inner / "orders"
    project(inner, "[project]\n")
    assert root(file, standing_in=tmp_path) == inner
    (tmp_path / ".git").mkdir()
    assert root(file, standing_in=tmp_path) == tmp_path
    project(inner, "[tool.slowpath]\n")
    assert root(file, standing_in=tmp_path) == inner
    assert root(file, tmp_path / "services", standing_in=tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        (Settings(), "101 102 301"),
        (Settings(select=("ALL",)), "101 102 107 301"),
        (Settings(select=("SLO1",)), "101 102 107"),
        (Settings(select=("slo101", "blocking-call")), "101 301"),
        (Settings(extend_select=("remote-call-in-loop",)), "101 102 107 301"),
        (Settings(select=("SLO3",), extend_select=("SLO107",)), "107 301"),
        (Settings(ignore=("SLO1",)), "301"),
        (Settings(select=("all",), ignore=("n-plus-one",)), "102 107 301"),
    ],
)
def test_selection(settings: Settings, codes: str) -> None:
    assert " ".join(rule.code[3:] for rule in selected(RULES, settings)) == codes


def test_an_unknown_rule_is_told() -> None:
    assert unknown_selector(["SLO1", "n-plus-one", "ALL"], RULES) == ""
    assert unknown_selector(["SLO9"], RULES) == "no rule `SLO9`"
    assert unknown_selector(["n-plus-on"], RULES) == "no rule `n-plus-on`; did you mean `n-plus-one`?"
    with pytest.raises(ConfigError, match=r"tool.slowpath.ignore: no rule `n-plus-on`"):
        selected(RULES, Settings(ignore=("n-plus-on",)))


@pytest.mark.parametrize(
    ("severity", "confidence", "wanted"),
    [
        ("warning", "medium", True),
        ("error", "high", True),
        ("note", "high", False),
        ("error", "low", False),
    ],
)
def test_what_is_wanted(severity: Severity, confidence: Confidence, wanted: bool) -> None:
    span = Span(1, 1, 1, 2)
    finding = Finding("SLO101", "n-plus-one", "m", "a.py", span, severity, confidence, "f", (), "", "f")
    assert is_wanted(finding, Settings(min_severity="warning")) is wanted
