"""What a project knows of and lives with: a baseline, and comments."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from projects import shop_in

from slowpath.baseline import BaselineError, baseline_of, compared, read, write
from slowpath.cli import main
from slowpath.errors import UsageError
from slowpath.finding import Finding
from slowpath.silencing import with_comments
from slowpath.source import Span

NAME = "slowpath-baseline.json"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which the command is run."""
    root = shop_in(tmp_path / "project", only="fastapi_shop")
    monkeypatch.chdir(root)
    return root


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(list(arguments))
    return status, capsys.readouterr().out


def entries(root: Path) -> list[dict[str, str]]:
    found = json.loads((root / NAME).read_text(encoding="utf-8"))["findings"]
    assert isinstance(found, list)
    return found


def test_only_what_is_new_is_reported(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, before = run(capsys, "check")
    assert status == 1
    status, told = run(capsys, "baseline")
    count = len(entries(shop))
    assert (status, told) == (0, f"Wrote {NAME}: {count} known.\n")
    assert f"Found {count} slow paths" in before
    status, told = run(capsys, "check")
    assert status == 0
    assert "No new slow paths found" in told
    assert f"; {count} known)" in told
    assert run(capsys, "check", "--no-baseline")[0] == 1

    crud = shop / "fastapi_shop" / "crud.py"
    text = crud.read_text(encoding="utf-8")
    crud.write_text(f"# moved by a line\n{text}", encoding="utf-8")
    assert run(capsys, "check")[0] == 0
    again = "\n\ndef again(session):\n    return len(session.scalars(select(Order)).all()) > 0\n"
    crud.write_text(text + again, encoding="utf-8")
    status, told = run(capsys, "check")
    assert status == 1
    assert "Found 1 new slow path in 1 file" in told


def test_a_baseline_only_becomes_shorter(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "baseline")
    first = entries(shop)
    main_file = shop / "fastapi_shop" / "main.py"
    text = main_file.read_text(encoding="utf-8")
    more = "\n\ndef more(session):\n    return len(session.scalars(select(models.Order)).all()) > 0\n"
    imports = "from sqlalchemy import select\n\nfrom fastapi_shop import models\n"
    (shop / "fastapi_shop" / "more.py").write_text(imports + more, encoding="utf-8")
    mended = {entry["fingerprint"] for entry in first if entry["path"].endswith("main.py")}
    assert mended
    main_file.write_text("x = 1\n", encoding="utf-8")

    status, told = run(capsys, "check")
    assert status == 1
    assert "is gone\n" in told
    assert "`slowpath baseline` takes what is gone out of the baseline" in told

    status, told = run(capsys, "baseline")
    assert status == 1
    assert "1 new and left out" in told
    left = {entry["fingerprint"] for entry in entries(shop)}
    assert left < {entry["fingerprint"] for entry in first}
    assert not left & mended

    status, told = run(capsys, "baseline", "--grow")
    assert status == 0
    assert {entry["path"] for entry in entries(shop)} >= {"fastapi_shop/more.py"}
    assert run(capsys, "check")[0] == 0
    main_file.write_text(text, encoding="utf-8")
    assert run(capsys, "check")[0] == 1


def test_what_is_out_of_sight_is_not_gone(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "baseline")
    for arguments in (("fastapi_shop/services.py",), ("--select=SLO105",), ("--confidence=high",)):
        assert "is gone" not in run(capsys, "check", *arguments)[1]
    first = entries(shop)
    crud = shop / "fastapi_shop" / "crud.py"
    text = crud.read_text(encoding="utf-8")
    crud.write_text("def f(:\n", encoding="utf-8")
    told = run(capsys, "check")[1]
    assert "crud.py SLO" not in told
    crud.write_text(text, encoding="utf-8")
    run(capsys, "baseline")
    assert entries(shop) == first


def test_a_moved_file_is_known(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "fastapi_shop" / "reports.py").write_text(
        "from sqlalchemy import select\n\nfrom fastapi_shop.models import Order\n\n\n"
        "def any_order(session):\n    return len(session.scalars(select(Order)).all()) > 0\n",
        encoding="utf-8",
    )
    run(capsys, "baseline")
    (shop / "fastapi_shop" / "reports.py").rename(shop / "fastapi_shop" / "statistics.py")
    status, told = run(capsys, "check")
    assert (status, "is gone" in told) == (0, False)
    assert run(capsys, "baseline")[0] == 0
    paths = {entry["path"] for entry in entries(shop)}
    assert "fastapi_shop/statistics.py" in paths
    assert "fastapi_shop/reports.py" not in paths


def test_nothing_found_is_nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.slowpath]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["baseline"]) == 0
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not a baseline; write it anew with `slowpath baseline`"),
        ("[]", "not a baseline; write it anew with `slowpath baseline`"),
        ('{"version": 2, "findings": []}', "version 2 is of another slowpath; this one reads 1"),
    ],
)
def test_a_broken_baseline_is_one_sentence(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / NAME).write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError) as caught:
        read(tmp_path / NAME)
    assert str(caught.value) == f"{tmp_path / NAME}: {problem}"
    assert read(tmp_path / "none.json") is None


def finding(line: int, *, end_line: int = 0, code: str = "SLO101", name: str = "n-plus-one") -> Finding:
    span = Span(line, 1, end_line or line, 2)
    return Finding(code, name, "m", "a.py", span, "warning", "high", "f", (), "", f"{code}{line}")


def test_equal_findings_are_counted(tmp_path: Path) -> None:
    write(tmp_path / NAME, baseline_of([finding(1), finding(2)]))
    known = read(tmp_path / NAME)
    assert known is not None
    three = [finding(1), finding(2), finding(3)]
    beside = compared(three, known, is_there=lambda path: True, lives=lambda entry: False)
    assert [each.span.line for each in beside.new] == [3]
    fewer = compared(three[:1], known, is_there=lambda path: True, lives=lambda entry: False)
    assert [entry.fingerprint for entry in fewer.gone] == ["SLO1012"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rows = f()\n", "rows = f()  # noqa: SLO101\n"),
        ("rows = f()", "rows = f()  # noqa: SLO101"),
        ("rows = f()\r\n", "rows = f()  # noqa: SLO101\r\n"),
        ("rows = f()  # all of them\n", "rows = f()  # all of them  # noqa: SLO101\n"),
        ("rows = f()  # noqa: E501\n", "rows = f()  # noqa: E501, SLO101\n"),
        ("rows = f()  # noqa: E501, F401 long\n", "rows = f()  # noqa: E501, F401, SLO101 long\n"),
        ("rows = f('''\n''')\n", "rows = f('''\n''')  # noqa: SLO101\n"),
        ("rows = \\\n    f()\n", "rows = \\\n    f()  # noqa: SLO101\n"),
        ("rows = f(\n    1,\n)\n", "rows = f(  # noqa: SLO101\n    1,\n)\n"),
    ],
)
def test_where_a_comment_goes(before: str, after: str) -> None:
    assert with_comments(before, [finding(1)], "") == after


def test_a_comment_for_several_and_one_with_a_reason() -> None:
    several = [finding(1), finding(1, code="SLO102", name="query-in-loop")]
    assert with_comments("rows = f()\n", several, "") == "rows = f()  # noqa: SLO101, SLO102\n"
    reason = "# slowpath: allow[n-plus-one, query-in-loop] at most three"
    assert with_comments("rows = f()\n", several, "at most three") == f"rows = f()  {reason}\n"


@pytest.mark.parametrize("reason", ["", "known since #12"])
def test_comments_silence_everything_and_change_nothing(
    shop: Path, capsys: pytest.CaptureFixture[str], reason: str
) -> None:
    files = sorted(shop.rglob("*.py"))
    trees = [ast.dump(ast.parse(file.read_text(encoding="utf-8"))) for file in files]
    status, told = run(capsys, "check", "--add-noqa", "--reason", reason)
    assert status == 0
    assert told.startswith("Wrote ")
    status, told = run(capsys, "check")
    assert status == 0, told
    assert "suppressed" in told
    assert [ast.dump(ast.parse(file.read_text(encoding="utf-8"))) for file in files] == trees
    assert run(capsys, "check", "--add-noqa")[1] == "Wrote 0 comments into 0 files.\n"


def test_encodings_and_line_ends_stay(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crud = shop / "fastapi_shop" / "crud.py"
    text = crud.read_text(encoding="utf-8")
    crud.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert run(capsys, "check", "--add-noqa")[0] == 0
    data = crud.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\xef\xbb\xbf") == 1
    assert data.count(b"\n") == data.count(b"\r\n") == text.count("\n")
    assert run(capsys, "check")[0] == 0


def test_a_reason_is_for_comments(shop: Path) -> None:
    with pytest.raises(UsageError, match="--reason: is for `--add-noqa`"):
        main(["check", "--reason", "x"])
