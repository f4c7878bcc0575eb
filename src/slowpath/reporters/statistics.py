"""How often each rule found something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from slowpath.reporters.json import array
from slowpath.reporters.text import summary
from slowpath.reporters.view import View, painted

if TYPE_CHECKING:
    from slowpath.workspace import Report

# Why statements are not read (`sql.statements.Reason`), in words.
_REASONS = {
    "no-statement": "without a verb",
    "procedural": "procedural",
    "prefix": "cut off",
    "template": "with a hole where anything may stand",
    "vendor": "in a vendor's own words",
}


def table(report: Report, view: View) -> Iterator[str]:
    """A row per rule, the most frequent first, how much of the SQL was read, and the summary."""
    counts = _counts(report)
    width = max((len(f"{count:,}") for _, _, count in counts), default=0)
    for code, name, count in counts:
        yield f"{painted(f'{count:>{width},}', view, 'bold')}  {code} {name}"
    if counts:
        yield ""
    yield from _of_sql(report.sql)
    yield summary(report, view)


def _of_sql(counts: Mapping[str, int]) -> Iterator[str]:
    total = sum(counts.values())
    if not total:
        return
    read = counts.get("read", 0)
    others = ", ".join(f"{count:,} {_REASONS[reason]}" for reason, count in counts.items() if reason != "read")
    rest = f"; not read: {others}" if others else ""
    yield f"{total:,} statement{'s' * (total > 1)} in SQL, {read / total:.1%} read{rest}"


def objects(report: Report, view: View) -> Iterator[str]:
    """The same rows as a JSON array."""
    yield array({"code": code, "name": name, "count": count} for code, name, count in _counts(report))


def _counts(report: Report) -> list[tuple[str, str, int]]:
    counts = Counter((finding.code, finding.name) for finding in report.findings)
    return sorted(((code, name, count) for (code, name), count in counts.items()), key=lambda row: (-row[2], row[0]))
