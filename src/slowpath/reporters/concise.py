"""A line per finding, for editors and `grep`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.finding import Finding, Severity, Skipped
from slowpath.reporters.view import Paint, View, painted, printable

if TYPE_CHECKING:
    from slowpath.workspace import Report

COLOURS: dict[Severity, Paint] = {"error": "red", "warning": "yellow", "note": "blue"}


def lines(report: Report, view: View) -> Iterator[str]:
    """The heading of each finding, then a line for each place that could not be analysed."""
    for finding in report.findings:
        yield heading(finding, view)
    for skipped in report.skipped:
        yield excuse(skipped, view)


def heading(finding: Finding, view: View) -> str:
    """Where, which rule, and what."""
    code = painted(finding.code, view, "bold", COLOURS[finding.severity])
    name = painted(finding.name, view, "bold")
    place = place_of(finding.path, finding.span.line, finding.span.column, view)
    return f"{place} {code} {name}: {printable(finding.message)}"


def excuse(skipped: Skipped, view: View) -> str:
    """Which place was not analysed, and why."""
    place = place_of(skipped.path, skipped.line, skipped.column, view)
    what = "not analysed" if skipped.code == "SLO001" else "slowpath failed here, please report it"
    return f"{place} {painted(skipped.code, view, 'bold', 'red')} {what}: {printable(skipped.reason)}"


def place_of(path: str, line: int, column: int, view: View) -> str:
    """`path:line:column`, as editors and terminals know it."""
    return f"{painted(printable(view.path_of(path)), view, 'bold')}:{line}:{column}"
