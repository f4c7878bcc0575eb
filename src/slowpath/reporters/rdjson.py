"""The diagnostic format of reviewdog."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.finding import Finding, Severity
from slowpath.reporters import plain
from slowpath.reporters.view import View
from slowpath.source import Span

if TYPE_CHECKING:
    from slowpath.workspace import Report

_SEVERITIES: dict[Severity, str] = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}


def lines(report: Report, view: View) -> Iterator[str]:
    """The findings as one JSON object."""
    result = {
        "source": {"name": "slowpath", "url": "https://slowpath.dev"},
        "diagnostics": [_diagnostic(finding, view) for finding in report.findings],
    }
    yield json.dumps(result, indent=2)


def _diagnostic(finding: Finding, view: View) -> dict[str, object]:
    result: dict[str, object] = {
        "message": "\n".join(plain.lines(finding, view.checkout_path_of)),
        "location": {
            "path": view.checkout_path_of(finding.path),
            "range": _range(finding.path, finding.span, view),
        },
        "severity": _SEVERITIES[finding.severity],
        "code": {"value": finding.code, "url": finding.url},
    }
    # A suggestion is for the file that the finding is in.
    if finding.fix is not None and all(edit.path == finding.path for edit in finding.fix.edits):
        result["suggestions"] = [
            {"range": _range(edit.path, edit.span, view), "text": edit.text} for edit in finding.fix.edits
        ]
    return result


def _range(path: str, span: Span, view: View) -> dict[str, object]:
    return {
        "start": _position(path, span.line, span.column, view),
        "end": _position(path, span.end_line, span.end_column, view),
    }


def _position(path: str, line: int, column: int, view: View) -> dict[str, int]:
    """Columns count bytes there."""
    source = view.lines_of(path)
    before = source[line - 1][: column - 1] if line <= len(source) else " " * (column - 1)
    return {"line": line, "column": len(before.encode("utf-8", "surrogatepass")) + 1}
