"""Where the lines of one text are in a later one, of which only the middle is another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from msgspec import Struct
from msgspec.structs import replace

from slowpath.finding import Finding
from slowpath.source import Span, moved


class Drift(Struct, frozen=True):
    """The lines up to `head` are where they were, those from `tail` on are `shift` lines further down."""

    head: int
    tail: int
    shift: int

    def of(self, span: Span) -> Span | None:
        """Where the span is now; none if it is in what has changed."""
        if span.end_line <= self.head:
            return span
        return moved(span, self.shift) if span.line >= self.tail else None


def drift_of(old: Sequence[str], new: Sequence[str]) -> Drift:
    """How lines have moved from one text to the other."""
    head = _common(zip(old, new, strict=False))
    rest = min(len(old), len(new)) - head
    tail = min(rest, _common(zip(reversed(old), reversed(new), strict=False)))
    return Drift(head, len(old) - tail + 1, len(new) - len(old))


def drifted(findings: Iterable[Finding], drifts: Mapping[str, Drift]) -> Iterator[Finding]:
    """The findings where they are now in the files that have drifted; what is not there any more is left out."""
    for finding in findings:
        span = drifts[finding.path].of(finding.span) if finding.path in drifts else finding.span
        if span is None:
            continue
        steps = [
            (step, drifts[step.path].of(step.span) if step.path in drifts else step.span) for step in finding.related
        ]
        yield replace(finding, span=span, related=tuple([replace(step, span=at) for step, at in steps if at]))


def _common(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
