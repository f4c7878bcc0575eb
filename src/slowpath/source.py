"""What one file says: its text, and where in it things are."""

from __future__ import annotations

from hashlib import blake2b

from msgspec import Struct


class Span(Struct, frozen=True, order=True):
    """A stretch of text: lines and columns from 1, the end exclusive of nothing but the character after it."""

    line: int
    column: int
    end_line: int
    end_column: int


def moved(span: Span, lines: int) -> Span:
    """The span so many lines further down."""
    return Span(span.line + lines, span.column, span.end_line + lines, span.end_column)


class Place(Struct, frozen=True, order=True, cache_hash=True):
    """A node: of a function (`at` is its number) or, with an empty `function`, of a module (`at` is line and
    column). The module of a file that is no Python is its path. `below` counts lines from the first one of a text."""

    module: str
    function: str
    at: int
    below: int = 0


class Source(Struct, frozen=True):
    """A file as it was read: where it is (relative to the project's root, with `/`) and its text."""

    path: str
    text: str
    digest: str

    def lines(self) -> list[str]:
        """The lines without their ends; only `\\n`, `\\r\\n` and `\\r` end one, as in Python itself."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def digest_of(text: str) -> str:
    """Sixteen bytes of BLAKE2 over the text, in hexadecimal: the key of everything computed from it."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def source_of(path: str, text: str) -> Source:
    """The source with this text."""
    return Source(path, text, digest_of(text))
