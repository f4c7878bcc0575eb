"""A report for people: each finding with its code, its trace and what to do, and a summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slowpath.finding import Finding, Step
from slowpath.reporters.concise import COLOURS, excuse, heading, place_of
from slowpath.reporters.view import View, cells_of, cropped, painted, printable, wrapped
from slowpath.source import Span

if TYPE_CHECKING:
    from slowpath.workspace import Report

# A longer span shows its first and its last line.
_FRAME_LINES = 4
_GONE = 10


def lines(report: Report, view: View) -> Iterator[str]:
    """The whole report."""
    for finding in report.findings:
        yield from _finding(finding, view)
        yield ""
    for skipped in report.skipped:
        yield excuse(skipped, view)
    if report.skipped:
        yield ""
    yield from gone(report, view)
    yield summary(report, view)


def gone(report: Report, view: View) -> Iterator[str]:
    """Which known findings there are no more."""
    entries = report.baseline.gone if report.baseline is not None else ()
    for entry in entries[:_GONE]:
        where = f" in `{entry.function}`" if entry.function else ""
        yield f"{printable(view.path_of(entry.path))} {entry.code} {entry.name}{printable(where)} is gone"
    if len(entries) > _GONE:
        yield f"{len(entries) - _GONE:,} more are gone"
    if entries:
        yield "`slowpath baseline` takes what is gone out of the baseline"
        yield ""


def summary(report: Report, view: View) -> str:
    """How much was found, in how much code, in what time."""
    found = len(report.findings)
    paths = len({finding.path for finding in report.findings})
    about = [f"{_count(report.files, 'file')}, {_seconds(view.seconds)}"]
    if report.suppressed:
        about.append(f"{report.suppressed:,} suppressed")
    if report.baseline is not None and report.baseline.known:
        about.append(f"{len(report.baseline.known):,} known")
    if report.skipped:
        about.append(f"{_count(len(report.skipped), 'place')} not analysed")
    new = "new " if report.baseline is not None and report.baseline.known else ""
    what = (
        f"Found {_count(found, f'{new}slow path')} in {_count(paths, 'file')}" if found else f"No {new}slow paths found"
    )
    return f"{painted(what, view, 'bold')} ({'; '.join(about)})"


def _finding(finding: Finding, view: View) -> Iterator[str]:
    yield heading(finding, view)
    digits = len(str(finding.span.end_line))
    frame = list(_frame(finding, view, digits))
    if frame:
        yield _gutter("", view, digits)
        yield from frame
        yield _gutter("", view, digits)
    indent = " " * (digits + 1)
    for number, step in enumerate(finding.related, start=1):
        yield from _step(number, step, finding, view, indent)
    if finding.help:
        first, *rest = wrapped(f"help: {finding.help}", view.width - len(indent), "      ") or ["help:"]
        yield f"{indent}{painted('help', view, 'bold', 'green')}{first[4:]}"
        yield from (indent + line for line in rest)


def _frame(finding: Finding, view: View, digits: int) -> Iterator[str]:
    """The finding's lines and the one that leads to them, the finding underlined."""
    span, source = finding.span, view.lines_of(finding.path)
    if span.line > len(source):
        return
    if span.line > 1 and source[span.line - 2].strip():
        yield _code(span.line - 1, cells_of(source[span.line - 2]), 0, view, digits)
    last = min(span.end_line, len(source))
    for number in range(span.line, last + 1):
        if last - span.line < _FRAME_LINES or number in (span.line, last):
            yield from _underlined(number, source[number - 1], finding, view, digits)
        elif number == span.line + 1:
            yield painted("." * 3, view, "dim")


def _underlined(number: int, line: str, finding: Finding, view: View, digits: int) -> Iterator[str]:
    start, end = _columns(number, line, finding.span)
    cells = cells_of(line)
    first, last = len(cells_of(line[:start])), len(cells_of(line[:end]))
    room = view.width - digits - 3
    # The mark stays in sight, with some of what stands before it.
    offset = 0 if last < room else max(0, min(first - room // 4, len(cells) - room))
    yield _code(number, cells, offset, view, digits)
    carets = "^" * max(1, min(last - offset, room) - (first - offset))
    mark = painted(carets, view, "bold", COLOURS[finding.severity])
    yield f"{_gutter('', view, digits)} {' ' * (first - offset)}{mark}"


def _columns(number: int, line: str, span: Span) -> tuple[int, int]:
    start = span.column - 1 if number == span.line else len(line) - len(line.lstrip())
    end = span.end_column - 1 if number == span.end_line else len(line.rstrip())
    return min(start, len(line)), max(min(end, len(line)), min(start, len(line)))


def _code(number: int, cells: list[str], offset: int, view: View, digits: int) -> str:
    room = max(view.width - digits - 3, 1)
    return f"{_gutter(str(number), view, digits)} {cropped(cells, offset, offset + room).rstrip()}".rstrip()


def _gutter(number: str, view: View, digits: int) -> str:
    return painted(f"{number:>{digits}} |", view, "dim")


def _step(number: int, step: Step, finding: Finding, view: View, indent: str) -> Iterator[str]:
    place = place_of(step.path, step.span.line, step.span.column, view)
    yield f"{indent}{painted(f'{number}.', view, 'cyan')} {place} {printable(step.message)}"
    if (step.path, step.span.line) == (finding.path, finding.span.line):
        return
    source = view.lines_of(step.path)
    if step.span.line <= len(source):
        cells = cells_of(source[step.span.line - 1].strip())
        code = cropped(cells, 0, max(view.width - len(indent) - 3, 1))
        yield f"{indent}   {painted(code, view, 'dim')}".rstrip()


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
