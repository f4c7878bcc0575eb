"""Settings that hold in some paths, that come from other files, and how they are shown and described."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from slowpath.cli import main
from slowpath.config import KEYS, MEANINGS, ConfigError, Override, Settings, in_path, selected, settings_of, severity_of
from slowpath.finding import Finding
from slowpath.selection import wanted
from slowpath.source import Span

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "src" / "slowpath" / "settings.schema.json"
LEGACY = """\
[tool.slowpath]
confidence = "low"
[tool.slowpath.severity]
"SLO1" = "note"
"n-plus-one" = "error"
[[tool.slowpath.overrides]]
paths = ["legacy/", "**/old_*.py"]
ignore = ["SLO102"]
confidence = "high"
[[tool.slowpath.overrides]]
paths = ["api/**"]
extend-select = ["SLO107"]
min-severity = "warning"
"""


class Rule:
    """A rule, as far as selection goes."""

    def __init__(self, code: str, name: str, *, default: bool = True) -> None:
        self.code = code
        self.name = name
        self.default = default
        self.roles = ("production",)


RULES = (
    Rule("SLO101", "n-plus-one"),
    Rule("SLO102", "query-in-loop"),
    Rule("SLO107", "remote-call-in-loop", default=False),
)


def written(folder: Path, text: str, name: str = "pyproject.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def told(settings: Settings, path: str) -> list[str]:
    """What is reported in this path of a sure and of an unsure finding of every rule."""
    findings = [
        Finding(rule.code, rule.name, "m", path, Span(1, 1, 1, 2), "warning", sure, "f", (), "", "f")
        for rule in RULES
        for sure in ("high", "low")
    ]
    chosen = selected(RULES, settings)
    return [
        f"{each.code[3:]} {each.confidence} {each.severity}" for each in wanted(findings, chosen, settings, (path,))
    ]


def test_overrides_and_severities(tmp_path: Path) -> None:
    settings = settings_of(written(tmp_path, LEGACY))
    both = ["101 high error", "101 low error", "102 high note", "102 low note"]
    assert told(settings, "shop/views.py") == both
    assert told(settings, "legacy/shop/views.py") == ["101 high error"]
    assert told(settings, "shop/old_views.py") == ["101 high error"]
    # What the severity makes a note of is below the least that is reported there.
    assert told(settings, "api/views.py") == ["101 high error", "101 low error"]


def test_a_rule_that_is_on_in_some_paths() -> None:
    settings = Settings(overrides=(Override(("api",), extend_select=("SLO107",)),))
    assert "107 high warning" in told(settings, "api/views.py")
    assert "107 high warning" not in told(settings, "shop/views.py")
    assert in_path(settings, "apis/views.py") == settings


def test_the_longest_prefix_says_how_severe() -> None:
    settings = Settings(severity={"ALL": "note", "SLO": "warning", "SLO10": "error"})
    assert severity_of(RULES[0], "note", settings) == "error"
    assert severity_of(RULES[0], "warning", Settings(severity={"ALL": "note"})) == "note"


def test_what_is_extended_is_below(tmp_path: Path) -> None:
    written(tmp_path, 'extend = "deeper.toml"\nignore = ["SLO1"]\n[severity]\n"SLO101" = "note"\n', "base.toml")
    written(tmp_path, "jobs = 3\n[[overrides]]\npaths = ['a']\n", "deeper.toml")
    text = (
        '[tool.slowpath]\nextend = "../base.toml"\nignore = ["SLO102"]\n[tool.slowpath.severity]\n"SLO102" = "error"\n'
    )
    settings = settings_of(written(tmp_path / "service", f"{text}[[tool.slowpath.overrides]]\npaths = ['b']\n"))
    assert settings.jobs == 3
    assert settings.ignore == ("SLO102",)
    assert settings.severity == {"SLO101": "note", "SLO102": "error"}
    assert [override.paths for override in settings.overrides] == [("a",), ("b",)]
    other = written(tmp_path / "other", '[tool.slowpath]\nextend = "../service/pyproject.toml"\n')
    assert settings_of(other).jobs == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('extend = "nowhere.toml"', "extend: there is no file `nowhere.toml`"),
        ('extend = "./pyproject.toml"', "extend: `./pyproject.toml` extends itself"),
        ("extend = 3", "extend: expected a string, got a whole number"),
        ('severity = {"SLO101" = "hihg"}', "severity: no value `hihg`; write `error` or `note` or `warning`"),
        ("overrides = [{paths = ['a'], jobs = 1}]", "overrides[0]: table contains unknown field `jobs`"),
        ("overrides = [{ignore = []}]", "overrides[0]: table missing required field `paths`"),
        (
            "overrides = [{paths = ['a'], confidence = 'hgh'}]",
            "overrides[0].confidence: no value `hgh`; did you mean `high`?",
        ),
    ],
)
def test_a_mistake_is_told_in_a_sentence(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(written(tmp_path, f"[tool.slowpath]\n{text}\n"))
    assert str(caught.value) == f"{tmp_path / 'pyproject.toml'}: tool.slowpath.{problem}"


def test_a_selector_of_an_override_is_checked() -> None:
    with pytest.raises(ConfigError, match=r"tool.slowpath.overrides: no rule `n-plus-on`; did you mean `n-plus-one`"):
        selected(RULES, Settings(overrides=(Override(("a",), ignore=("n-plus-on",)),)))
    with pytest.raises(ConfigError, match=r"tool.slowpath.severity: no rule `SLO9`"):
        selected(RULES, Settings(severity={"SLO9": "note"}))


def test_the_cache_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        written(tmp_path / name, "[tool.slowpath]\n")
        (tmp_path / name / "a.py").write_text("x = 1\n", encoding="utf-8")
        monkeypatch.setenv("SLOWPATH_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path / name)
        assert main(["check"]) == 0
        assert not (tmp_path / name / ".slowpath_cache").exists()
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_what_applies_and_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "jobs = 3\n", "base.toml")
    root = written(tmp_path / "service", LEGACY.replace("\n", '\nextend = "../base.toml"\n', 1))
    written(root / "legacy", "x = 1\n", "a.py")
    monkeypatch.chdir(root)
    monkeypatch.delenv("SLOWPATH_CACHE_DIR", raising=False)
    assert main(["config"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'confidence = "low"  # pyproject.toml' in lines
    assert "jobs = 3  # ../base.toml" in lines
    assert 'min-severity = "note"  # default' in lines
    assert [line.partition(" =")[0] for line in lines[1:]] == list(KEYS)
    if sys.version_info >= (3, 11):
        import tomllib

        assert tomllib.loads("\n".join(lines))["severity"] == {"SLO1": "note", "n-plus-one": "error"}
    assert main(["config", "legacy/a.py"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'confidence = "high"  # pyproject.toml, overrides' in lines
    assert 'ignore = ["SLO102"]  # overrides' in lines


def test_the_schema_in_the_package_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from schema import text

    assert SCHEMA.read_text(encoding="utf-8") == text()
    assert MEANINGS.keys() == set(KEYS)


@pytest.mark.parametrize(
    ("table", "valid"),
    [
        ({}, True),
        ({"select": ["SLO1"], "confidence": "high", "severity": {"SLO1": "note"}}, True),
        ({"overrides": [{"paths": ["a"], "ignore": ["SLO1"]}], "knowledge": {"type": {}}}, True),
        ({"ignroe": []}, False),
        ({"confidence": "hihg"}, False),
        ({"jobs": -1}, False),
        ({"overrides": [{"ignore": []}]}, False),
        ({"overrides": [{"paths": ["a"], "jobs": 1}]}, False),
        ({"severity": {"SLO1": "loud"}}, False),
        ({"django-version": "five"}, False),
    ],
)
def test_the_schema_agrees(table: dict[str, object], valid: bool) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from slowpath.config import settings_from

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert jsonschema.Draft202012Validator(schema).is_valid(table) is valid
    if valid:
        settings_from(table, file="pyproject.toml")
    else:
        with pytest.raises(ConfigError):
            settings_from(table, file="pyproject.toml")
