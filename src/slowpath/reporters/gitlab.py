"""GitLab's code quality report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.finding import Finding, Severity
from slowpath.reporters import plain
from slowpath.reporters.json import array
from slowpath.reporters.view import View

if TYPE_CHECKING:
    from slowpath.workspace import Report

_SEVERITIES: dict[Severity, str] = {"error": "critical", "warning": "major", "note": "minor"}


def lines(report: Report, view: View) -> Iterator[str]:
    """The findings as one JSON array."""
    yield array(_issue(finding, view) for finding in report.findings)


def _issue(finding: Finding, view: View) -> dict[str, object]:
    span = finding.span
    return {
        "type": "issue",
        "check_name": finding.name,
        "description": f"{finding.code} {finding.name}: {finding.message}",
        "content": {"body": "\n\n".join(plain.lines(finding, view.checkout_path_of))},
        "categories": ["Performance"],
        "severity": _SEVERITIES[finding.severity],
        "fingerprint": finding.fingerprint,
        "location": {
            "path": view.checkout_path_of(finding.path),
            "lines": {"begin": span.line, "end": span.end_line},
        },
    }
