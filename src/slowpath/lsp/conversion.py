"""Findings in the words of the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lsprotocol import types
from msgspec import Struct
from pygls.workspace import PositionCodec

from slowpath.finding import Finding, Severity, Skipped
from slowpath.reporters.page import markdown
from slowpath.rules import load
from slowpath.session import Said
from slowpath.silencing import with_comments
from slowpath.source import Span

SOURCE = "slowpath"
_REASON = "because …"
OPEN_DOCUMENTATION = "slowpath.openDocumentation"

_SEVERITIES: dict[Severity, types.DiagnosticSeverity] = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "note": types.DiagnosticSeverity.Information,
}


class Page(Struct, frozen=True):
    """A file of a project as an editor shows it, in this version of it if it is open, and what is said of it."""

    uri: str
    root: Path
    path: str
    version: int | None
    said: Said

    @property
    def lines(self) -> Sequence[str]:
        """The file's lines."""
        return self.said.lines.get(self.path, ())


class Writer:
    """Writes for one client: columns count in its encoding, and paths become its URIs."""

    def __init__(self, codec: PositionCodec, uri_of: Callable[[Path], str]) -> None:
        self._codec = codec
        self._uri_of = uri_of

    def diagnostics(self, page: Page) -> list[types.Diagnostic]:
        """Everything that is said of the file."""
        found = [self._diagnostic(finding, page) for finding in page.said.findings]
        return found + [self._excuse(skipped, page) for skipped in page.said.skipped]

    def hover(self, page: Page, position: types.Position) -> types.Hover | None:
        """What is found at a position, with the pages of the rules."""
        here = list(self._at(page, types.Range(position, position)))
        if not here:
            return None
        text = "\n\n---\n\n".join(_explained(finding) for finding in here)
        span = self._range(here[0].span, page.lines)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), span)

    def actions(self, page: Page, where: types.Range, *, opens: bool) -> list[types.CodeAction]:
        """What can be done about what is found there: silence it, giving a reason, or read about it."""
        actions = []
        for finding in self._at(page, where):
            diagnostic = self._diagnostic(finding, page)
            edit = self._silencing(finding, page.lines)
            if edit is not None:
                actions.append(
                    types.CodeAction(
                        f"{finding.code}: allow this {finding.name}, giving a reason",
                        types.CodeActionKind.QuickFix,
                        [diagnostic],
                        edit=types.WorkspaceEdit({page.uri: [edit]}),
                    )
                )
            if opens:
                title = f"{finding.code}: read about {finding.name}"
                command = types.Command(title, OPEN_DOCUMENTATION, arguments=[finding.url])
                actions.append(types.CodeAction(title, types.CodeActionKind.QuickFix, [diagnostic], command=command))
        return actions

    def _silencing(self, finding: Finding, lines: Sequence[str]) -> types.TextEdit | None:
        """The comment that allows the finding, at the end of the first line that can have one."""
        after = with_comments("\n".join(lines), [finding], _REASON).split("\n")
        for number, (old, new) in enumerate(zip(lines, after, strict=False), start=1):
            if old != new:
                return types.TextEdit(self._range(Span(number, 1, number, len(old) + 1), lines), new)
        return None

    def _at(self, page: Page, where: types.Range) -> Iterator[Finding]:
        for finding in page.said.findings:
            span = self._range(finding.span, page.lines)
            if _key(span.start) <= _key(where.end) and _key(where.start) <= _key(span.end):
                yield finding

    def _diagnostic(self, finding: Finding, page: Page) -> types.Diagnostic:
        related = []
        for step in finding.related:
            span = self._range(step.span, page.said.lines.get(step.path, ()))
            place = types.Location(self._uri_of(page.root / step.path), span)
            related.append(types.DiagnosticRelatedInformation(place, step.message))
        return types.Diagnostic(
            range=self._range(finding.span, page.lines),
            message=f"{finding.message}\nhelp: {finding.help}" if finding.help else finding.message,
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            code_description=types.CodeDescription(finding.url),
            source=SOURCE,
            related_information=related,
            data={"fingerprint": finding.fingerprint},
        )

    def _excuse(self, skipped: Skipped, page: Page) -> types.Diagnostic:
        span = Span(skipped.line, skipped.column, skipped.line, skipped.column + 1)
        return types.Diagnostic(
            range=self._range(span, page.lines),
            message=f"not analysed: {skipped.reason}",
            severity=types.DiagnosticSeverity.Information,
            code=skipped.code,
            source=SOURCE,
        )

    def _range(self, span: Span, lines: Sequence[str]) -> types.Range:
        start = types.Position(span.line - 1, span.column - 1)
        end = types.Position(span.end_line - 1, span.end_column - 1)
        inside = types.Range(_within(start, lines), _within(end, lines))
        return self._codec.range_to_client_units(lines, inside)


def _within(position: types.Position, lines: Sequence[str]) -> types.Position:
    """The position, or the nearest one that the text has."""
    line = max(0, min(position.line, len(lines) - 1))
    return types.Position(line, max(0, min(position.character, len(lines[line]) if lines else 0)))


def _key(position: types.Position) -> tuple[int, int]:
    return position.line, position.character


def _explained(finding: Finding) -> str:
    rule = next(rule for rule in load() if rule.code == finding.code)
    head = f"**{finding.name}** ({finding.code}): {finding.message}"
    remedy = f"\n\n**help:** {finding.help}" if finding.help else ""
    return f"{head}{remedy}\n\n{markdown(rule)}\n\n[{finding.url}]({finding.url})"
