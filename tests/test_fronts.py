"""One engine, one judgement: every front end says the same of the same project."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from editor import Editor
from projects import shop_in

from slowpath.cli import main

SETTINGS = """\
jobs = 1
ignore = ["SLO104"]
[tool.slowpath.severity]
"SLO103" = "error"
[[tool.slowpath.overrides]]
paths = ["fastapi_shop/main.py"]
ignore = ["write-in-loop"]
"""
Found = set[tuple[str, int, str]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with settings, comments and a baseline."""
    root = shop_in(tmp_path_factory.mktemp("shop"), SETTINGS)
    crud = root / "fastapi_shop" / "crud.py"
    lines = crud.read_text(encoding="utf-8").splitlines()
    lines[13] += "  # noqa: SLO101"
    lines[17] += "  # slowpath: allow[n-plus-one] few"
    lines[0] += "  # slowpath: allow[n-plus-one] nothing is slow here"
    crud.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.chdir(root)
        assert main(["baseline"]) == 0
    baseline = root / "slowpath-baseline.json"
    known = json.loads(baseline.read_text(encoding="utf-8"))
    known["findings"] = known["findings"][:5]
    baseline.write_text(json.dumps(known), encoding="utf-8")
    return root


@pytest.fixture
def checked(shop: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What `slowpath check` says."""
    monkeypatch.chdir(shop)
    found = json.loads(report(shop, "json"))
    assert len(found) > 15
    assert "SLO003" in {each["code"] for each in found}
    return list(found)


def report(shop: Path, form: str, *arguments: str) -> str:
    file = shop / f"report.{form}"
    assert main(["check", f"--output-format={form}", f"--output-file={file}", *arguments]) == 1
    return file.read_text(encoding="utf-8")


def fingerprints(found: list[dict[str, object]]) -> list[object]:
    return [each["fingerprint"] for each in found]


def test_every_report_has_the_same_fingerprints(shop: Path, checked: list[dict[str, object]]) -> None:
    expected = fingerprints(checked)
    (run,) = json.loads(report(shop, "sarif"))["runs"]
    assert [each["partialFingerprints"]["slowpath/v1"] for each in run["results"]] == expected
    assert [each["level"] for each in run["results"]] == [each["severity"] for each in checked]
    assert fingerprints(json.loads(report(shop, "gitlab"))) == expected
    assert fingerprints([json.loads(line) for line in report(shop, "json-lines").splitlines()]) == expected
    short = re.findall(r"\(([0-9a-f]{8})\)\" classname", report(shop, "junit"))
    assert sorted(short) == sorted(str(each)[:8] for each in expected)
    assert len(json.loads(report(shop, "rdjson"))["diagnostics"]) == len(expected)
    assert report(shop, "github").count("\n") == report(shop, "concise").count("\n") == len(expected)


def test_files_one_by_one_as_pre_commit_hands_them_over(shop: Path, checked: list[dict[str, object]]) -> None:
    for path in sorted({str(each["path"]) for each in checked}):
        own = [each for each in checked if each["path"] == path]
        assert json.loads(report(shop, "json", path)) == own
        assert json.loads(report(shop, "json", "--no-cache", path)) == own


@pytest.mark.skipif(not entry_points(group="flake8.extension", name="SLO"), reason="installed without its plugin")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_flake8(shop: Path, checked: list[dict[str, object]], jobs: str) -> None:
    command = [sys.executable, "-m", "flake8", "--select=SLO", f"--jobs={jobs}", "--format=%(path)s:%(row)d:%(code)s"]
    ended = subprocess.run(command, cwd=shop, check=False, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stderr
    places = sorted(line.removeprefix("./") for line in ended.stdout.splitlines())
    assert places == sorted(f"{each['path']}:{each['line']}:{each['code']}" for each in checked)


def test_the_language_server(shop: Path, checked: list[dict[str, object]]) -> None:
    levels = {"error": 1, "warning": 2, "note": 3}
    expected = {(each["path"], each["code"], each["fingerprint"], levels[str(each["severity"])]) for each in checked}
    paths = sorted(path.relative_to(shop).as_posix() for path in shop.rglob("*.py"))

    async def conversation(editor: Editor) -> None:
        await editor.start()
        for path in paths:
            editor.open(path)
        await editor.until(lambda: len(editor.published) == len(paths) and said(editor) == expected)
        await editor.stop()

    asyncio.run(conversation(Editor(shop)))


def said(editor: Editor) -> set[tuple[object, ...]]:
    return {
        (path, each.code, each.data["fingerprint"], each.severity)
        for path, published in editor.published.items()
        for each in published.diagnostics
    }
