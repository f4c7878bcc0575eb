"""A finding as some lines of plain text, for formats that have one field for all there is to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slowpath.finding import Finding


def lines(finding: Finding, path_of: Callable[[str], str]) -> Iterator[str]:
    """The message, the steps that prove it, what to write instead, and where more is said."""
    yield finding.message
    for number, step in enumerate(finding.related, start=1):
        yield f"{number}. {path_of(step.path)}:{step.span.line}:{step.span.column} {step.message}"
    if finding.help:
        yield f"help: {finding.help}"
    yield finding.url
