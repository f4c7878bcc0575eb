"""What slowpath says: a finding, the steps that prove it, and the edit that would mend it."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from slowpath.source import Place, Span

Severity = Literal["error", "warning", "note"]
Confidence = Literal["high", "medium", "low"]

SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")
CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")


class Step(Struct, frozen=True):
    """One place of a finding's evidence, and what happens there."""

    path: str
    span: Span
    message: str


class Edit(Struct, frozen=True):
    """A replacement of one span of a file by other text."""

    path: str
    span: Span
    text: str


class Fix(Struct, frozen=True):
    """Edits that mend a finding together; `safe` when they cannot change what the program does."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool


class Finding(Struct, frozen=True):
    """One slow path: what, where, why it grows, where it comes from, and what to write instead.

    `function` is the qualified name inside the module (`Class.method`), empty at module level. `help` is the
    suggestion in one or two sentences. `fingerprint` survives line moves. `past` when it is about something that has
    happened, so that only somebody whose change it is wants to hear of it.
    """

    code: str
    name: str
    message: str
    path: str
    span: Span
    severity: Severity
    confidence: Confidence
    function: str
    related: tuple[Step, ...]
    help: str
    fingerprint: str
    fix: Fix | None = None
    past: bool = False

    @property
    def url(self) -> str:
        """The page that explains the rule."""
        return f"https://slowpath.dev/rules/{self.name}"


class Mark(Struct, frozen=True):
    """A place of the evidence, and what happens there."""

    place: Place
    message: str


class Problem(Struct, frozen=True):
    """What a rule has to say. `subject` tells apart the problems of one place; one whose subject begins another's is
    part of it.
    `tail` is how many characters at the end of the place are meant, 0 for all: the method's name in a long chain.
    `facts` are what `Rule.combine` needs of it. `past` when what it speaks of has happened already."""

    place: Place
    message: str
    subject: tuple[str, ...]
    help: str
    related: tuple[Mark, ...] = ()
    confidence: Confidence = "high"
    severity: Severity = "warning"
    tail: int = 0
    facts: tuple[str, ...] = ()
    past: bool = False


class Named(Protocol):
    """A rule, as far as its names go."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...


class Skipped(Struct, frozen=True):
    """A file that could not be analysed (SLO001), or a function on which slowpath itself failed (SLO002)."""

    code: Literal["SLO001", "SLO002"]
    path: str
    line: int
    column: int
    reason: str
