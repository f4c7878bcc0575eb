"""Comments that silence a finding: `# noqa`, as flake8 reads it, and `# slowpath: allow[rule] reason`.

In SQL they begin with `--`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from slowpath.finding import Finding
from slowpath.source import Span

_NOQA = re.compile(r"(?:#|--) noqa(?::\s?(?P<codes>(?:[A-Z]+[0-9]+(?:[,\s]+)?)+))?", re.IGNORECASE)
_CODE = re.compile(r"[A-Z]+[0-9]+")
_ALLOW = re.compile(r"(?:#|--)\s*slowpath:\s*allow\[(?P<rules>[^\]]*)\]", re.IGNORECASE)


class Suppression(Struct, frozen=True):
    """Findings of one file, parted by what its comments say."""

    kept: tuple[Finding, ...]
    suppressed: tuple[Finding, ...]


def suppress(lines: list[str], findings: Iterable[Finding]) -> Suppression:
    """The findings of the file with these lines, without those that a comment silences.

    The comment stands on the first or the last line of the finding, or alone on the line above it (`allow` only).
    """
    kept: list[Finding] = []
    suppressed: list[Finding] = []
    for finding in findings:
        (suppressed if _is_silenced(finding, lines) else kept).append(finding)
    return Suppression(tuple(kept), tuple(suppressed))


def _is_silenced(finding: Finding, lines: list[str]) -> bool:
    own = _lines_of(finding.span, lines)
    if any(_is_noqa(line, finding.code) for line in own):
        return True
    above = "".join(lines[finding.span.line - 2 : finding.span.line - 1])
    if above.lstrip().startswith(("#", "--")):
        own.append(above)
    return any(_is_allowed(line, finding) for line in own)


def _lines_of(span: Span, lines: list[str]) -> list[str]:
    return [lines[number - 1] for number in sorted({span.line, span.end_line}) if number <= len(lines)]


def _is_noqa(line: str, code: str) -> bool:
    for comment in _NOQA.finditer(line):
        codes = comment["codes"]
        if codes is None or code.startswith(tuple(_CODE.findall(codes.upper()))):
            return True
    return False


def _is_allowed(line: str, finding: Finding) -> bool:
    return any(
        word.strip().lower() in (finding.name, finding.code.lower())
        for comment in _ALLOW.finditer(line)
        for word in comment["rules"].split(",")
    )
