"""How often each rule found something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.reporters.json import array
from slowpath.reporters.text import summary
from slowpath.reporters.view import View, painted

if TYPE_CHECKING:
    from slowpath.workspace import Report


def table(report: Report, view: View) -> Iterator[str]:
    """A row per rule, the most frequent first, and the summary."""
    counts = _counts(report)
    width = max((len(f"{count:,}") for _, _, count in counts), default=0)
    for code, name, count in counts:
        yield f"{painted(f'{count:>{width},}', view, 'bold')}  {code} {name}"
    if counts:
        yield ""
    yield summary(report, view)


def objects(report: Report, view: View) -> Iterator[str]:
    """The same rows as a JSON array."""
    yield array({"code": code, "name": name, "count": count} for code, name, count in _counts(report))


def _counts(report: Report) -> list[tuple[str, str, int]]:
    counts = Counter((finding.code, finding.name) for finding in report.findings)
    return sorted(((code, name, count) for (code, name), count in counts.items()), key=lambda row: (-row[2], row[0]))
