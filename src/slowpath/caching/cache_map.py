"""All that is done to a project's caches, with keys as the callers know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from slowpath.facts import AnyFact, KeepsResults, UsesEntry, WritesRows
from slowpath.keeping import CacheVerb
from slowpath.keys import Key, Part, are_about_one, is_known, may_be_same
from slowpath.semantics.effects import MEMO
from slowpath.source import Place


class CacheMap:
    """All that is done to a project's caches, with keys as the callers know them."""

    def __init__(self, facts: Sequence[AnyFact]) -> None:
        self.uses = _resolved([fact for fact in facts if isinstance(fact, UsesEntry)])
        self.writes = [fact for fact in facts if isinstance(fact, WritesRows)]
        self.memos = [fact for fact in facts if isinstance(fact, KeepsResults)]
        self._seen_from: dict[str, list[UsesEntry]] = defaultdict(list)
        self.clears = [fact for fact in facts if isinstance(fact, UsesEntry) and _may_clear(fact)]
        for fact in self.clears:
            self._seen_from[fact.function].append(fact)

    def of(self, cache: str, *verbs: CacheVerb) -> list[UsesEntry]:
        """What is done to entries of this cache, of these kinds; what may be a cache counts as each."""
        return [use for use in self.uses if use.cache in {cache, ""} and use.does in verbs]

    def clears_of(self, function: str) -> list[UsesEntry]:
        """What the function forgets, or fills anew, itself or through others."""
        return self._seen_from.get(function, [])

    def fills_of(self, use: UsesEntry) -> list[UsesEntry]:
        """Where entries of a known key are filled that the key may be of, from rows."""
        fills = (fill for fill in self.of(use.cache, "fill", "fetch") if fill.sources and is_known(fill.key))
        return [fill for fill in fills if are_about_one(fill.key, use.key)]

    def is_filled(self, use: UsesEntry) -> bool:
        """Whether anything of a known key is filled in a function that the key may be of."""
        fills = (fill for fill in self.of(use.cache, "fill", "fetch") if is_known(fill.key) and fill.place.function)
        return any(may_be_same(fill.key, use.key) for fill in fills)

    def made_from_rows(self) -> list[UsesEntry]:
        """Where an entry of a known key is filled with what is computed from rows; what decorators keep is one, too."""
        fills = [use for use in self.uses if use.does in {"fill", "fetch"} and use.cache and is_known(use.key)]
        kept = [_as_fill(memo) for memo in self.memos]
        return [fill for fill in (*fills, *kept) if fill.sources]

    @property
    def caches(self) -> list[str]:
        """The kinds of caches in use, by the type of their client."""
        return sorted({use.cache for use in self.uses} - {""})


def _may_clear(use: UsesEntry) -> bool:
    """Whether what was kept may be gone; who fills an entry because there is none changes nothing of an old one."""
    return use.does in {"forget", "flush"} or not use.cache or (use.does == "fill" and not use.after_read)


def _resolved(uses: Iterable[UsesEntry]) -> list[UsesEntry]:
    """Each use of each key once, by the shortest way that leads to it; what only callers know as they know it."""
    by_place: dict[Place, list[UsesEntry]] = {}
    for use in uses:
        by_place.setdefault(use.place, []).append(use)
    result: list[UsesEntry] = []
    for group in by_place.values():
        known_better = {use.chain[start:] for use in group for start in range(1, len(use.chain) + 1)}
        closed = [use for use in group if not use.open or use.chain not in known_better]
        best: dict[tuple[CacheVerb, Key], UsesEntry] = {}
        known = {(source.model, source.place): source for use in group if not use.chain for source in use.sources}
        for use in sorted(closed, key=lambda use: (len(use.chain), use.chain, use.function)):
            # How rows are asked for is known where that is done.
            sources = tuple(known.get((source.model, source.place), source) for source in use.sources)
            best.setdefault((use.does, use.key), replace(use, sources=sources))
        result += best.values()
    return result


def _as_fill(memo: KeepsResults) -> UsesEntry:
    key = (Part(memo.function),)
    return UsesEntry(memo.place, memo.function, "fetch", MEMO, key, memo.decorator, "", sources=memo.sources)


def site(use: UsesEntry | WritesRows) -> Place:
    """Where it happens, in the function that it is seen from."""
    return use.chain[0] if use.chain else use.place


def clears(one: UsesEntry, other: UsesEntry) -> bool:
    """Whether what one call forgets may be what the other is about."""
    return one.cache in {other.cache, ""} and (one.does == "flush" or may_be_same(one.key, other.key))
