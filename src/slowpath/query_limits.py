"""How the time of queries is limited on what a call connects to."""

from __future__ import annotations

from msgspec import Struct


class QueryLimit(Struct, frozen=True, array_like=True):
    """The argument that sets the limit, the words that stand in it where it does, and those of what needs none."""

    argument: str
    words: tuple[str, ...]
    needless: tuple[str, ...] = ()


def query_limit(text: str) -> QueryLimit | None:
    """The limit that tables write as `argument: word, word; needless`; `None` if it is written otherwise."""
    argument, _, rest = text.partition(":")
    words, _, needless = rest.partition(";")
    limit = QueryLimit(argument.strip(), _listed(words), _listed(needless))
    return limit if limit.argument.isidentifier() and limit.words else None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
