"""Templates, as files that declare one function: which fragments of what they show they keep."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from slowpath.source import Source

_ANYWHERE = (".html", ".htm", ".xhtml", ".djhtml")
# Files of these names are templates where they are among templates.
_AMONG = (".txt", ".xml", ".svg", ".js", ".css", ".json", ".md", ".mjml", ".jinja", ".jinja2", ".j2", ".haml", ".pug")
_FOLDERS = {"templates", "jinja2"}

_TAG = re.compile(r"\{%[-+]?\s*(?!end)(?P<tag>\w*cache\w*)\s+(?P<rest>[^%]*(?:%(?!\})[^%]*)*)%\}")
_WORD = re.compile(r"""(?:[^\s'"]*(?:"[^"]*"|'[^']*')[^\s'"]*)+|\S+""")


class Fragment(Struct, frozen=True):
    """A part of a template that is kept: under which name, apart for which values, for how long, and where it begins.

    The name is empty if another tag than `cache` keeps it: nobody knows under which key.
    """

    name: str
    apart: tuple[str, ...]
    expiry: str
    line: int
    column: int


def is_template(path: str) -> bool:
    """Whether a file of this name is a template."""
    return path.endswith(_ANYWHERE) or (path.endswith(_AMONG) and not _FOLDERS.isdisjoint(path.split("/")[:-1]))


def keeps_fragments(source: Source) -> bool:
    """Whether the template keeps anything."""
    return "cache" in source.text and _TAG.search(source.text) is not None


def fragments(text: str) -> Iterator[Fragment]:
    """What the template keeps."""
    for match in _TAG.finditer(text):
        words = [word for word in _WORD.findall(match["rest"].removesuffix("-")) if not word.startswith("using=")]
        before = text[: match.start()]
        line, column = before.count("\n") + 1, match.start() - before.rfind("\n")
        plain = match["tag"] == "cache" and len(words) > 1 and not words[0].endswith(",")
        expiry, name, *apart = words if plain else ("", "")
        yield Fragment(name, tuple(apart), expiry, line, column)
