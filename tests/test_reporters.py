"""Reports, as they are shown."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from slowpath.finding import Edit, Finding, Fix, Severity, Skipped, Step
from slowpath.reporters import FORMATS, STATISTICS
from slowpath.reporters.progress import Progress, bar
from slowpath.reporters.view import View, cells_of, cropped, printable, wants_colour
from slowpath.source import Span
from slowpath.workspace import Report

VIEWS = """\
def export():
    orders = Order.objects.filter(paid=True)

    for order in orders:
        print(order.user.name)
"""
USER = Span(5, 15, 5, 25)
FILES = {"shop/views.py": VIEWS.split("\n")}


def finding(
    span: Span = USER,
    *,
    path: str = "shop/views.py",
    message: str = "`user` of each `order` is loaded by a query of its own",
    severity: Severity = "warning",
    related: tuple[Step, ...] = (),
    fix: Fix | None = None,
) -> Finding:
    help_text = 'load it with the rows: `.select_related("user")`'
    return Finding(
        "SLO101", "n-plus-one", message, path, span, severity, "high", "export", related, help_text, "f00d", fix
    )


TRACE = (
    Step("shop/views.py", Span(2, 14, 2, 45), "the rows come from here, without `user`"),
    Step("shop/gone.py", Span(7, 1, 7, 2), "they pass through here"),
    Step("shop/views.py", USER, "`user` is read"),
)


def report(*findings: Finding, skipped: tuple[Skipped, ...] = (), files: int = 340, suppressed: int = 0) -> Report:
    return Report(findings=findings, skipped=skipped, files=files, suppressed=suppressed)


def view(files: dict[str, list[str]] = FILES, *, width: int = 100, colour: bool = False) -> View:
    def lines_of(path: str) -> Sequence[str]:
        return files.get(path, [])

    return View(
        path_of=lambda path: f"app/{path}",
        checkout_path_of=lambda path: f"top/{path}",
        lines_of=lines_of,
        width=width,
        colour=colour,
        seconds=2.13,
    )


def shown(what: Report, form: str = "text", where: View | None = None) -> str:
    return "\n".join(FORMATS[form](what, where or view()))


def frame(text: str, span: Span, *, width: int = 100) -> list[str]:
    """The lines of the code frame, without the empty ones around it."""
    where = view({"a.py": text.split("\n")}, width=width)
    lines = shown(report(finding(span, path="a.py")), where=where).split("\n")
    return lines[2 : next(number for number in range(2, len(lines)) if lines[number].lstrip() == "|")]


def test_text() -> None:
    skipped = Skipped("SLO001", "shop/old.py", 3, 7, "invalid syntax")
    assert shown(report(finding(related=TRACE), skipped=(skipped,), suppressed=2)) == (
        """\
app/shop/views.py:5:15 SLO101 n-plus-one: `user` of each `order` is loaded by a query of its own
  |
4 |     for order in orders:
5 |         print(order.user.name)
  |               ^^^^^^^^^^
  |
  1. app/shop/views.py:2:14 the rows come from here, without `user`
     orders = Order.objects.filter(paid=True)
  2. app/shop/gone.py:7:1 they pass through here
  3. app/shop/views.py:5:15 `user` is read
  help: load it with the rows: `.select_related("user")`

app/shop/old.py:3:7 SLO001 not analysed: invalid syntax

Found 1 slow path in 1 file (340 files, 2.1 s; 2 suppressed; 1 place not analysed)"""
    )


@pytest.mark.parametrize(
    ("what", "summary"),
    [
        (report(files=1), "No slow paths found (1 file, 2.1 s)"),
        (report(files=0, suppressed=1), "No slow paths found (0 files, 2.1 s; 1 suppressed)"),
        (report(finding(), finding()), "Found 2 slow paths in 1 file (340 files, 2.1 s)"),
        (report(finding(), finding(path="b.py"), files=1200), "Found 2 slow paths in 2 files (1,200 files, 2.1 s)"),
    ],
)
def test_summary(what: Report, summary: str) -> None:
    assert shown(what).split("\n")[-1] == summary


def test_a_long_run_is_told_in_whole_seconds() -> None:
    where = View(path_of=str, checkout_path_of=str, lines_of=lambda path: [], width=80, colour=False, seconds=75.4)
    assert shown(report(), where=where) == "No slow paths found (340 files, 75 s)"


def test_a_span_of_several_lines() -> None:
    text = "rows = load(\n    Order,\n\tpaid=True,\n)\n"
    assert frame(text, Span(1, 8, 4, 2)) == [
        "1 | rows = load(",
        "  |        ^^^^^",
        "2 |     Order,",
        "  |     ^^^^^^",
        "3 |     paid=True,",
        "  |     ^^^^^^^^^^",
        "4 | )",
        "  | ^",
    ]


def test_a_span_of_many_lines_is_shortened() -> None:
    text = "\n".join(["rows = load(", *["    Order,"] * 10, ")"])
    assert frame(text, Span(1, 8, 12, 2)) == [" 1 | rows = load(", "   |        ^^^^^", "...", "12 | )", "   | ^"]


def test_tabs_and_wide_characters() -> None:
    assert frame('\tprint("漢字", user)', Span(1, 14, 1, 18)) == [
        '1 |     print("漢字", user)',
        "  |                   ^^^^",
    ]


def test_a_long_line_is_cropped_around_the_mark() -> None:
    line = "a" * 200 + "user" + "b" * 200
    code, mark = frame(line, Span(1, 201, 1, 205), width=40)
    assert code == "1 | …" + "a" * 8 + "user" + "b" * 22 + "…"
    assert mark == "  |          ^^^^"
    code, mark = frame(line, Span(1, 1, 1, 400), width=40)
    assert code == "1 | " + "a" * 35 + "…"
    assert mark == "  | " + "^" * 36


@pytest.mark.parametrize("width", [0, 1, 5, 12, 30, 79, 500])
@pytest.mark.parametrize("text", ["", "x", "漢" * 100, "\t" * 30 + "x", "e\u0301" * 90, "x" * 5000])
def test_any_terminal_and_any_text_survive(width: int, text: str) -> None:
    where = view({"a.py": [text]}, width=width)
    for span in (Span(1, 1, 1, len(text) + 1), Span(1, 3, 1, 4), Span(1, 99, 1, 120), Span(9, 1, 9, 2)):
        step = Step("a.py", span, text or "here")
        assert "help: load" in shown(report(finding(span, path="a.py", related=(step,))), where=where)


@pytest.mark.parametrize("start", range(3))
@pytest.mark.parametrize("end", range(4, 9))
def test_cropping_keeps_its_width(start: int, end: int) -> None:
    for text in ("abcdefgh", "漢字漢字", "a漢字漢b漢"):
        cells = cells_of(text)
        assert len(cells_of(cropped(cells, start, end).replace("…", "."))) == min(end, len(cells)) - start


def test_nothing_in_the_code_commands_the_terminal() -> None:
    hostile = "x = '\x1b]0;owned\x07' # \u202e\r"
    where = view({"a.py": [hostile]}, colour=False)
    text = shown(report(finding(Span(1, 1, 1, 2), path="a.py", message=f"a\nb {hostile}")), where=where)
    assert not any(character in text for character in "\x1b\x07\u202e\r")
    assert printable("two\nlines\x1b") == "two lines\N{REPLACEMENT CHARACTER}"


def test_colour_is_all_that_colour_adds() -> None:
    what = report(finding(related=TRACE))
    coloured = shown(what, where=view(colour=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == shown(what)


@pytest.mark.parametrize(
    ("environment", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_when_there_is_colour(environment: dict[str, str], terminal: bool, colour: bool) -> None:
    assert wants_colour(environment, terminal=terminal) is colour


def test_concise() -> None:
    skipped = Skipped("SLO002", "shop/old.py", 3, 7, "KeyError: 'x'")
    assert shown(report(finding(related=TRACE), skipped=(skipped,)), "concise").split("\n") == [
        "app/shop/views.py:5:15 SLO101 n-plus-one: `user` of each `order` is loaded by a query of its own",
        "app/shop/old.py:3:7 SLO002 slowpath failed here, please report it: KeyError: 'x'",
    ]


def test_json() -> None:
    edit = Edit("shop/views.py", Span(2, 14, 2, 45), "…")
    what = finding(related=TRACE[:1], fix=Fix("Load `user` with the rows", (edit,), safe=True))
    assert json.loads(shown(report(what), "json")) == [
        {
            "code": "SLO101",
            "name": "n-plus-one",
            "message": "`user` of each `order` is loaded by a query of its own",
            "path": "app/shop/views.py",
            "line": 5,
            "column": 15,
            "end_line": 5,
            "end_column": 25,
            "severity": "warning",
            "confidence": "high",
            "function": "export",
            "related": [
                {
                    "path": "app/shop/views.py",
                    "line": 2,
                    "column": 14,
                    "message": "the rows come from here, without `user`",
                }
            ],
            "help": 'load it with the rows: `.select_related("user")`',
            "url": what.url,
            "fingerprint": "f00d",
            "fix": {
                "title": "Load `user` with the rows",
                "safe": True,
                "edits": [
                    {
                        "path": "app/shop/views.py",
                        "line": 2,
                        "column": 14,
                        "end_line": 2,
                        "end_column": 45,
                        "text": "…",
                    }
                ],
            },
        }
    ]


def test_json_of_anything_is_ascii() -> None:
    assert shown(report(), "json") == "[]"
    text = shown(report(finding(message="caf\u00e9 \ud800")), "json")
    assert text.isascii()
    assert json.loads(text)[0]["fix"] is None


def test_statistics() -> None:
    other = Finding("SLO102", "query-in-loop", "m", "b.py", Span(1, 1, 1, 2), "note", "low", "", (), "", "f")
    what = report(other, *[finding()] * 11)
    assert list(STATISTICS["text"](what, view())) == [
        "11  SLO101 n-plus-one",
        " 1  SLO102 query-in-loop",
        "",
        "Found 12 slow paths in 2 files (340 files, 2.1 s)",
    ]
    assert json.loads("".join(STATISTICS["json"](what, view()))) == [
        {"code": "SLO101", "name": "n-plus-one", "count": 11},
        {"code": "SLO102", "name": "query-in-loop", "count": 1},
    ]
    assert STATISTICS.keys() < FORMATS.keys()


def test_statistics_of_sql() -> None:
    what = replace(report(), sql={"read": 97, "template": 2, "vendor": 1})
    assert next(iter(STATISTICS["text"](what, view()))) == (
        "100 statements in SQL, 97.0% read; not read: 2 with a hole where anything may stand, 1 in a vendor's own words"
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_waits_then_shows_then_leaves_nothing() -> None:
    quick = Terminal()
    progress = Progress(quick)
    progress(1, 2)
    progress.close()
    assert quick.getvalue() == ""
    slow = Terminal()
    progress = Progress(slow, patience=0)
    progress(1, 2)
    progress.close()
    assert slow.getvalue() == f"\r\x1b[K{bar(1, 2)}\r\x1b[K"


def test_progress_is_for_terminals() -> None:
    stream = io.StringIO()
    progress = Progress(stream, patience=0)
    progress(1, 2)
    progress.close()
    assert stream.getvalue() == ""


def test_bar() -> None:
    assert bar(0, 0) == f"slowpath [{' ' * 30}] 0/0"
    assert bar(1000, 2000) == f"slowpath [{'=' * 15}{' ' * 15}] 1,000/2,000"
    assert bar(3, 2).count("=") == 30
