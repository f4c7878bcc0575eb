"""JUnit's XML, which every CI server can show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from slowpath.finding import Finding, Skipped
from slowpath.reporters import plain
from slowpath.reporters.view import View

if TYPE_CHECKING:
    from slowpath.workspace import Report

# All that XML 1.0 can hold.
_UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def lines(report: Report, view: View) -> Iterator[str]:
    """A suite per file with a failed test per finding; one test that passes if there is nothing to say."""
    cases: list[Finding | Skipped] = [*report.findings, *report.skipped]
    failures = len(report.findings)
    errors = sum(each.code == "SLO002" for each in report.skipped)
    tests = len(cases) or 1
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield (
        f'<testsuites name="slowpath" tests="{tests}" failures="{failures}" errors="{errors}" '
        f'time="{view.seconds:.3f}">'
    )
    if not cases:
        yield '  <testsuite name="slowpath" tests="1" failures="0" errors="0" skipped="0">'
        yield '    <testcase name="no slow paths" classname="slowpath"/>'
        yield "  </testsuite>"
    for path, group in groupby(sorted(cases, key=lambda each: each.path), key=lambda each: each.path):
        yield from _suite(view.path_of(path), list(group), view)
    yield "</testsuites>"


def _suite(path: str, cases: list[Finding | Skipped], view: View) -> Iterator[str]:
    failures = sum(isinstance(each, Finding) for each in cases)
    errors = sum(each.code == "SLO002" for each in cases)
    skipped = len(cases) - failures - errors
    yield (
        f'  <testsuite name={_attribute(path)} tests="{len(cases)}" failures="{failures}" errors="{errors}" '
        f'skipped="{skipped}">'
    )
    for case in cases:
        line = case.span.line if isinstance(case, Finding) else case.line
        name, file = _attribute(_name(case)), _attribute(path)
        yield f'    <testcase name={name} classname={file} file={file} line="{line}">'
        yield f"      {_outcome(case, view)}"
        yield "    </testcase>"
    yield "  </testsuite>"


def _name(case: Finding | Skipped) -> str:
    """The same as long as the finding is the same, and unlike all others."""
    if isinstance(case, Skipped):
        return f"{case.code} {case.reason}"
    where = f" in {case.function}" if case.function else ""
    return f"{case.code} {case.name}{where} ({case.fingerprint[:8]})"


def _outcome(case: Finding | Skipped, view: View) -> str:
    if isinstance(case, Skipped):
        return f"<{'error' if case.code == 'SLO002' else 'skipped'} message={_attribute(case.reason)}/>"
    text = escape(_speakable("\n".join(plain.lines(case, view.path_of))), quote=False)
    return f"<failure type={_attribute(case.name)} message={_attribute(case.message)}>{text}</failure>"


def _attribute(text: str) -> str:
    return f'"{escape(_speakable(" ".join(text.splitlines())))}"'


def _speakable(text: str) -> str:
    return _UNSPEAKABLE.sub("\N{REPLACEMENT CHARACTER}", text)
