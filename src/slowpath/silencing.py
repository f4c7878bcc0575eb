"""Comments for findings that are there already: the code stays as it is, and what is new stands out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from slowpath.errors import SlowpathError
from slowpath.finding import Finding
from slowpath.suppression import rows_of

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_END = re.compile(r"[\r\n]*\Z")
_CODES = re.compile(r"# noqa:\s?(?:[A-Z]+[0-9]+(?:[,\s]+(?=[A-Z]+[0-9]))?)+", re.IGNORECASE)


class Silenced(Struct, frozen=True):
    """How many comments were written, in how many files."""

    comments: int
    files: int


def silence(root: Path, findings: Iterable[Finding], reason: str) -> Silenced:
    """Writes a comment for each of the findings into the project's files, in order of their paths."""
    comments = files = 0
    for path, group in groupby(findings, key=lambda finding: finding.path):
        if path.endswith(".py"):
            count = _silence(root / path, list(group), reason)
            comments += count
            files += count > 0
    return Silenced(comments, files)


def _silence(file: Path, findings: list[Finding], reason: str) -> int:
    import tokenize

    try:
        with open(file, "rb") as stream:
            encoding, _ = tokenize.detect_encoding(stream.readline)
        old = file.read_bytes().decode(encoding)
        new = with_comments(old, findings, reason)
        # Opened and not replaced, so that it stays the same file with the same rights.
        with open(file, "wb") as stream:
            stream.write(new.encode(encoding))
    except OSError as error:
        raise SlowpathError(f"{file}: cannot be written: {(error.strerror or 'unknown').lower()}") from None
    except UnicodeEncodeError as error:
        raise SlowpathError(f"{file}: the reason cannot be written as {error.encoding}") from None
    return sum(a != b for a, b in zip(_LINE.findall(old), _LINE.findall(new), strict=True))


def with_comments(text: str, findings: Iterable[Finding], reason: str) -> str:
    """The text with a comment for each finding, on the first of its lines that can have one.

    With a reason it is `# slowpath: allow[rule] reason`, without one `# noqa: CODE`.
    """
    lines = _LINE.findall(text)
    rows = rows_of([_END.sub("", line) for line in lines])
    wanted: dict[int, list[Finding]] = {}
    for finding in findings:
        row = rows.get(finding.span.line, range(finding.span.line, finding.span.line + 1))
        wanted.setdefault(row[-1], []).append(finding)
    for number, group in wanted.items():
        if number <= len(lines):
            lines[number - 1] = _commented(lines[number - 1], group, reason)
    return "".join(lines)


def _commented(line: str, findings: list[Finding], reason: str) -> str:
    body = _END.sub("", line)
    end = line[len(body) :]
    if reason:
        names = ", ".join(sorted({finding.name for finding in findings}))
        return f"{body.rstrip()}  # slowpath: allow[{names}] {reason}{end}"
    codes = ", ".join(sorted({finding.code for finding in findings}))
    if own := _CODES.search(body):
        return f"{body[: own.end()].rstrip()}, {codes}{body[own.end() :]}{end}"
    return f"{body.rstrip()}  # noqa: {codes}{end}"
