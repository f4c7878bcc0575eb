"""SARIF 2.1.0, for GitHub's code scanning and other dashboards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import slowpath
from slowpath.finding import Finding, Fix, Skipped, Step
from slowpath.reporters.view import View
from slowpath.source import Span

if TYPE_CHECKING:
    from slowpath.rules import Rule
    from slowpath.workspace import Report

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"

_Object = dict[str, object]


def lines(report: Report, view: View) -> Iterator[str]:
    """One log with one run."""
    rules = _rules_of(report.findings)
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    driver = {
        "name": "slowpath",
        "informationUri": "https://slowpath.dev",
        "semanticVersion": slowpath.__version__,
        "rules": [_descriptor(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder under version control."}}},
        "invocations": [
            {
                "executionSuccessful": all(skipped.code != "SLO002" for skipped in report.skipped),
                "toolExecutionNotifications": [_notification(skipped, view) for skipped in report.skipped],
            }
        ],
        "results": [_result(finding, numbers[finding.code], view) for finding in report.findings],
    }
    yield json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rules_of(findings: Sequence[Finding]) -> list[Rule]:
    if not findings:
        return []
    from slowpath.rules import load

    codes = {finding.code for finding in findings}
    return [rule for rule in load() if rule.code in codes]


def _descriptor(rule: Rule) -> _Object:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.doc, "markdown": rule.doc},
        "helpUri": f"https://slowpath.dev/rules/{rule.name}",
        "defaultConfiguration": {"level": rule.severity, "enabled": rule.default},
        "properties": {"tags": ["performance"], "precision": "high"},
    }


def _result(finding: Finding, number: int, view: View) -> _Object:
    advice = f"\n{finding.help}" if finding.help else ""
    location: _Object = {"physicalLocation": _place(finding.path, finding.span, view)}
    if finding.function:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.function, "kind": "function"}]
    result: _Object = {
        "ruleId": finding.code,
        "ruleIndex": number,
        "level": finding.severity,
        "message": {"text": f"{finding.message}{advice}"},
        "locations": [location],
        "partialFingerprints": {"slowpath/v1": finding.fingerprint},
        "properties": {"confidence": finding.confidence},
    }
    if finding.related:
        related = [_step(step, view) for step in finding.related]
        result["relatedLocations"] = [{"id": number, **step} for number, step in enumerate(related, start=1)]
        result["codeFlows"] = [{"threadFlows": [{"locations": [{"location": step} for step in _flow(finding, view)]}]}]
    if finding.fix is not None:
        result["fixes"] = [_fix(finding.fix, view)]
    return result


def _flow(finding: Finding, view: View) -> Iterator[_Object]:
    """The whole way, the finding's own place included."""
    own = Step(finding.path, finding.span, finding.message)
    if all((step.path, step.span) != (own.path, own.span) for step in finding.related):
        yield _step(own, view)
    for step in finding.related:
        yield _step(step, view)


def _step(step: Step, view: View) -> _Object:
    return {"physicalLocation": _place(step.path, step.span, view), "message": {"text": step.message}}


def _place(path: str, span: Span, view: View) -> _Object:
    return {"artifactLocation": _artifact(path, view), "region": _region(span)}


def _artifact(path: str, view: View) -> _Object:
    from urllib.parse import quote

    return {"uri": quote(view.checkout_path_of(path)), "uriBaseId": _ROOT}


def _region(span: Span) -> _Object:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(fix: Fix, view: View) -> _Object:
    changes: dict[str, list[_Object]] = {}
    for edit in fix.edits:
        replacement: _Object = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        changes.setdefault(edit.path, []).append(replacement)
    return {
        "description": {"text": fix.title},
        "artifactChanges": [
            {"artifactLocation": _artifact(path, view), "replacements": replacements}
            for path, replacements in changes.items()
        ],
    }


def _notification(skipped: Skipped, view: View) -> _Object:
    region = {"startLine": skipped.line, "startColumn": skipped.column}
    place = {"artifactLocation": _artifact(skipped.path, view), "region": region}
    return {
        "descriptor": {"id": skipped.code},
        "level": "error" if skipped.code == "SLO002" else "warning",
        "message": {"text": skipped.reason},
        "locations": [{"physicalLocation": place}],
    }
