"""Comments that silence a finding: `# noqa`, as flake8 reads it, and `# slowpath: allow[rule] reason`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from slowpath.finding import Finding

_FILE = re.compile(r"\s*# flake8[:=]\s*noqa", re.IGNORECASE)
_NOQA = re.compile(r"# noqa(?::\s?(?P<codes>(?:[A-Z]+[0-9]+(?:[,\s]+)?)+))?", re.IGNORECASE)
_CODE = re.compile(r"[A-Z]+[0-9]+")
_ALLOW = re.compile(r"#\s*slowpath:\s*allow\[(?P<rules>[^\]]*)\]", re.IGNORECASE)
_ANY = re.compile(r"#\s*(?:slowpath:|(?:flake8[:=]\s*)?noqa)", re.IGNORECASE)


class Suppression(Struct, frozen=True):
    """Findings of one file, parted by what its comments say."""

    kept: tuple[Finding, ...]
    suppressed: tuple[Finding, ...]


def suppress(lines: Sequence[str], findings: Iterable[Finding], *, noqa: bool = True) -> Suppression:
    """The findings of the file with these lines, without those that a comment silences.

    The comment stands on the first or the last line of the finding, or alone on the line above it (`allow` only).
    Without `noqa`, such comments silence nothing.
    """
    kept: list[Finding] = []
    suppressed: list[Finding] = []
    silencer = _Silencer(lines, noqa=noqa)
    for finding in findings:
        (suppressed if silencer.silences(finding) else kept).append(finding)
    return Suppression(tuple(kept), tuple(suppressed))


class _Silencer:
    """What the comments of one file silence."""

    def __init__(self, lines: Sequence[str], *, noqa: bool) -> None:
        self._lines = lines
        self._noqa = noqa
        self._speaks = any(map(_ANY.search, lines))
        self._whole = self._speaks and noqa and any(map(_FILE.match, lines))
        self._rows: dict[int, range] | None = None

    def silences(self, finding: Finding) -> bool:
        if not self._speaks or self._whole:
            return self._whole
        first, last = self._row(finding.span.line), self._row(finding.span.end_line)
        if self._noqa and any(_is_noqa("\n".join(self._of(row)), finding.code) for row in (first, last)):
            return True
        above = [line for line in self._of([first[0] - 1]) if line.lstrip().startswith("#")]
        return any(_is_allowed(line, finding) for line in (*self._of(first), *self._of(last), *above))

    def _row(self, line: int) -> range:
        """The lines that this one is one with; itself alone where that cannot be told."""
        if self._rows is None:
            self._rows = _rows_of(self._lines)
        return self._rows.get(line, range(line, line + 1))

    def _of(self, numbers: Iterable[int]) -> list[str]:
        return [self._lines[number - 1] for number in numbers if 0 < number <= len(self._lines)]


def _rows_of(lines: Sequence[str]) -> dict[int, range]:
    """The lines that are one because a string or a backslash joins them, by each of these lines."""
    # tokenize is slow to import, and few files have such comments.
    import tokenize

    found: dict[int, range] = {}
    texts = iter([f"{line}\n" for line in lines])
    first = 0
    try:
        for token in tokenize.generate_tokens(lambda: next(texts, "")):
            if token.type not in (tokenize.ENDMARKER, tokenize.DEDENT):
                first = first or token.start[0]
            if token.type in (tokenize.NEWLINE, tokenize.NL):
                row = range(first, token.end[0] + 1)
                found |= dict.fromkeys(row, row)
                first = 0
    except (tokenize.TokenError, SyntaxError):
        return {}
    return found


def _is_noqa(text: str, code: str) -> bool:
    comment = _NOQA.search(text)
    if comment is None:
        return False
    codes = comment["codes"]
    return codes is None or code.startswith(tuple(_CODE.findall(codes.upper())))


def _is_allowed(line: str, finding: Finding) -> bool:
    return any(
        word.strip().lower() in (finding.name, finding.code.lower())
        for comment in _ALLOW.finditer(line)
        for word in comment["rules"].split(",")
    )
