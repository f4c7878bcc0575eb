"""An array of objects, for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.finding import Finding, Fix
from slowpath.reporters.view import View
from slowpath.source import Span

if TYPE_CHECKING:
    from slowpath.workspace import Report


def lines(report: Report, view: View) -> Iterator[str]:
    """The findings as one JSON array, each object on lines of its own."""
    yield array(_object(finding, view) for finding in report.findings)


def single_lines(report: Report, view: View) -> Iterator[str]:
    """The same objects, each on one line."""
    for finding in report.findings:
        yield json.dumps(_object(finding, view))


def array(objects: Iterator[dict[str, object]]) -> str:
    """The objects as a JSON array that is ASCII, whatever they hold."""
    return json.dumps(list(objects), indent=2)


def _object(finding: Finding, view: View) -> dict[str, object]:
    return {
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        "path": view.path_of(finding.path),
        **_span(finding.span),
        "severity": finding.severity,
        "confidence": finding.confidence,
        "function": finding.function,
        "related": [
            {
                "path": view.path_of(step.path),
                "line": step.span.line,
                "column": step.span.column,
                "message": step.message,
            }
            for step in finding.related
        ],
        "help": finding.help,
        "url": finding.url,
        "fingerprint": finding.fingerprint,
        "fix": finding.fix and _fix(finding.fix, view),
    }


def _fix(fix: Fix, view: View) -> dict[str, object]:
    return {
        "title": fix.title,
        "safe": fix.safe,
        "edits": [{"path": view.path_of(edit.path), **_span(edit.span), "text": edit.text} for edit in fix.edits],
    }


def _span(span: Span) -> dict[str, int]:
    return {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}
