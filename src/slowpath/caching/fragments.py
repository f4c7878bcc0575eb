"""What templates keep in a project's caches, and what is forgotten of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slowpath.caching.cache_map import CacheMap
from slowpath.expression import at_of
from slowpath.facts import UsesEntry
from slowpath.keeping import CacheType
from slowpath.keys import Key, Part, may_be_same
from slowpath.source import Place
from slowpath.templates import fragments
from slowpath.vocabulary import Knowledge

_UNKNOWN = Part("…", hole=True)


def kept_in(module: str, text: str, knowledge: Knowledge) -> Iterator[UsesEntry]:
    """What the template of this text keeps, in every cache that keeps such things."""
    for cache in knowledge.caches.values():
        if cache.fragment:
            for found in fragments(text):
                yield UsesEntry(
                    place=Place(module, "", at_of(found.line, found.column)),
                    function=module,
                    does="fetch",
                    cache=cache.name,
                    key=_key(cache, found.name, found.apart),
                    label="{% cache %}",
                    expiry=found.expiry,
                )


def _key(cache: CacheType, name: str, apart: Sequence[str]) -> Key:
    before = prefix(cache)
    if not name:
        return (Part(before), _UNKNOWN)
    parts = [Part(f"{before}{name}."), *(part for each in apart for part in (Part(each, hole=True), Part(":")))]
    return tuple(parts[:-1] if apart else parts)


def prefix(cache: CacheType) -> str:
    """What the keys of all fragments begin with."""
    return cache.fragment.partition("{")[0]


class Fragments:
    """The fragments that a project's templates keep in a cache, and who else makes such keys."""

    def __init__(self, cache: CacheType, caches: CacheMap) -> None:
        self.cache = cache.name
        self._prefix = prefix(cache)
        uses = caches.of(cache.name, "read", "fill", "fetch", "use", "expire")
        self._kept = [use for use in uses if use.cache and self.is_one(use)]
        self.of_templates = [use for use in self._kept if not use.place.function]

    def is_one(self, use: UsesEntry) -> bool:
        """Whether it is about a fragment."""
        return not use.key[0].hole and use.key[0].text.startswith(self._prefix)

    def name(self, use: UsesEntry) -> str:
        """The fragment's name; empty if nobody knows it."""
        name, dot, _ = use.key[0].text.removeprefix(self._prefix).partition(".")
        return name if dot else ""

    def parts(self, use: UsesEntry) -> int | None:
        """How many values the fragment is kept apart for; `None` if nobody knows."""
        texts = ["\0" if part.hole else part.text for part in use.key]
        known = not any(part.hole and part.text.startswith(("*", "…")) for part in use.key)
        _, dot, rest = "".join(texts).removeprefix(self._prefix).partition(".")
        if not (known and dot and self.name(use)):
            return None
        return rest.count(":") + 1 if rest else 0

    def is_kept(self, use: UsesEntry) -> bool:
        """Whether anybody may keep a fragment of this key."""
        return any(
            may_be_same(use.key, other.key) and len({self.parts(use), self.parts(other)} - {None}) < 2
            for other in self._kept
        )

    def namesakes(self, use: UsesEntry) -> list[UsesEntry]:
        """The templates' fragments of the same name."""
        return [other for other in self.of_templates if self.name(other) == self.name(use)]
