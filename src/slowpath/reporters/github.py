"""Commands to GitHub's runner, which shows them as annotations of the changed lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.finding import Finding, Severity
from slowpath.reporters import plain
from slowpath.reporters.view import View

if TYPE_CHECKING:
    from slowpath.workspace import Report

_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


def lines(report: Report, view: View) -> Iterator[str]:
    """A command per finding, then one for each place that could not be analysed."""
    for finding in report.findings:
        yield _command(_LEVELS[finding.severity], _place(finding, view), plain.lines(finding, view.checkout_path_of))
    for skipped in report.skipped:
        place = {
            "title": f"{skipped.code} not analysed" if skipped.code == "SLO001" else f"{skipped.code} slowpath failed",
            "file": view.checkout_path_of(skipped.path),
            "line": str(skipped.line),
        }
        yield _command("notice" if skipped.code == "SLO001" else "error", place, [skipped.reason])


def _place(finding: Finding, view: View) -> dict[str, str]:
    span = finding.span
    place = {
        "title": f"{finding.code} {finding.name}",
        "file": view.checkout_path_of(finding.path),
        "line": str(span.line),
        "endLine": str(span.end_line),
    }
    # Columns are understood only within one line.
    columns = {"col": str(span.column), "endColumn": str(span.end_column)}
    return place | (columns if span.line == span.end_line else {})


def _command(level: str, properties: dict[str, str], text: Iterator[str] | list[str]) -> str:
    told = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::{level} {told}::{_escaped(chr(10).join(text))}"


def _escaped(text: str, also: str = "") -> str:
    for character in f"%\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
