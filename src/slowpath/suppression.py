"""Comments that silence a finding: `# noqa`, as flake8 reads it, and `# slowpath: allow[rule] reason`.

In SQL they begin with `--`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from slowpath.errors import nearest
from slowpath.finding import Finding, Named
from slowpath.source import Span, digest_of

_FILE = re.compile(r"\s*# flake8[:=]\s*noqa", re.IGNORECASE)
_NOQA = re.compile(r"(?:#|--) noqa(?::\s?(?P<codes>(?:[A-Z]+[0-9]+(?:[,\s]+)?)+))?", re.IGNORECASE)
_CODE = re.compile(r"[A-Z]+[0-9]+")
_ALLOW = re.compile(r"(?:#|--)\s*slowpath:\s*allow\[(?P<rules>[^\]]*)\]", re.IGNORECASE)
_ANY = re.compile(r"(?:#|--)\s*(?:slowpath:|(?:flake8[:=]\s*)?noqa)", re.IGNORECASE)


class Suppression(Struct, frozen=True):
    """Findings of one file, parted by what its comments say."""

    kept: tuple[Finding, ...]
    suppressed: tuple[Finding, ...]


def suppress(path: str, lines: Sequence[str], findings: Iterable[Finding], *, noqa: bool = True) -> Suppression:
    """The findings of the file at this path, with these lines, without those that a comment silences.

    The comment stands on the first or the last line of the finding, or alone on the line above it (`allow` only).
    Without `noqa`, such comments silence nothing.
    """
    kept: list[Finding] = []
    suppressed: list[Finding] = []
    silencer = _Silencer(lines, noqa=noqa, python=path.endswith(".py"))
    for finding in findings:
        (suppressed if silencer.silences(finding) else kept).append(finding)
    return Suppression(tuple(kept), tuple(suppressed))


def speaks(text: str) -> bool:
    """Whether there may be a comment that silences something."""
    return _ANY.search(text) is not None


def unused(path: str, lines: Sequence[str], findings: Sequence[Finding], rules: Sequence[Named]) -> Iterator[Finding]:
    """What is to be said of comments in the file at this path that silence none of all its findings.

    A plain `# noqa` may be meant for others, and so may the codes in one that are not ours.
    """
    comments = _comments_in(lines)
    silencer = _Silencer(lines, noqa=True, python=True)
    seen: dict[str, int] = {}
    for number, (column, text) in sorted(comments.items()):
        for words, what in _words_of(text):
            problem = _problem(words, what, silencer.reached_from(number, findings), rules)
            if problem:
                key = f"{words}\0{what}"
                seen[key] = seen.get(key, 0) + 1
                yield _finding(path, Span(number, column, number, column + len(text)), problem, f"{key}\0{seen[key]}")


def _words_of(comment: str) -> Iterator[tuple[str, str]]:
    """The rules or codes of ours that a comment names, and how."""
    for allow in _ALLOW.finditer(comment):
        for word in allow["rules"].split(","):
            yield word.strip().lower(), "allow"
    noqa = _NOQA.search(comment)
    for code in _CODE.findall((noqa["codes"] or "").upper()) if noqa is not None else ():
        if code.startswith("SLO"):
            yield code.lower(), "noqa"


def _problem(word: str, what: str, findings: Iterable[Finding], rules: Sequence[Named]) -> str:
    names = {rule.name for rule in rules}
    codes = {rule.code.lower() for rule in rules}
    if what == "noqa":
        used = any(each.code.lower().startswith(word) for each in findings)
        known = any(code.startswith(word) for code in codes)
    else:
        used = any(word in (each.name, each.code.lower()) for each in findings)
        known = word in names | codes
    if used:
        return ""
    if not known:
        return f"there is no rule `{word.upper() if what == 'noqa' else word}`{nearest(word, names | codes)}"
    return f"`{word.upper()}` is not found here" if what == "noqa" else f"`{word}` is not found here"


def _finding(path: str, span: Span, problem: str, key: str) -> Finding:
    return Finding(
        code="SLO003",
        name="unused-suppression",
        message=f"this comment silences nothing: {problem}",
        path=path,
        span=span,
        severity="note",
        confidence="high",
        function="",
        related=(),
        help="take it out, so that it cannot hide what comes later",
        fingerprint=digest_of(f"SLO003\0{path}\0{key}")[:16],
    )


class _Silencer:
    """What the comments of one file silence."""

    def __init__(self, lines: Sequence[str], *, noqa: bool, python: bool) -> None:
        self._lines = lines
        self._noqa = noqa
        self._speaks = any(map(_ANY.search, lines))
        self._whole = self._speaks and noqa and any(map(_FILE.match, lines))
        self._rows: dict[int, range] | None = None if python else {}

    def reached_from(self, number: int, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that a comment on this line can silence."""
        return [
            finding
            for finding in findings
            if number in self._row(finding.span.line)
            or number in self._row(finding.span.end_line)
            or number == self._row(finding.span.line)[0] - 1
        ]

    def silences(self, finding: Finding) -> bool:
        if not self._speaks or self._whole:
            return self._whole
        first, last = self._row(finding.span.line), self._row(finding.span.end_line)
        if self._noqa and any(_is_noqa("\n".join(self._of(row)), finding.code) for row in (first, last)):
            return True
        above = [line for line in self._of([first[0] - 1]) if line.lstrip().startswith(("#", "--"))]
        return any(_is_allowed(line, finding) for line in (*self._of(first), *self._of(last), *above))

    def _row(self, line: int) -> range:
        """The lines that this one is one with; itself alone where that cannot be told."""
        if self._rows is None:
            self._rows = rows_of(self._lines)
        return self._rows.get(line, range(line, line + 1))

    def _of(self, numbers: Iterable[int]) -> list[str]:
        return [self._lines[number - 1] for number in numbers if 0 < number <= len(self._lines)]


def rows_of(lines: Sequence[str]) -> dict[int, range]:
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


def _comments_in(lines: Sequence[str]) -> dict[int, tuple[int, str]]:
    """The comments of ours by line, each with its column; none in a file that cannot be read."""
    import tokenize

    texts = iter([f"{line}\n" for line in lines])
    try:
        return {
            token.start[0]: (token.start[1] + 1, token.string)
            for token in tokenize.generate_tokens(lambda: next(texts, ""))
            if token.type == tokenize.COMMENT and _ANY.search(token.string)
        }
    except (tokenize.TokenError, SyntaxError):
        return {}


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
