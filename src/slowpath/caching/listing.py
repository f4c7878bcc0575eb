"""A project's cache entries, one for each kind of key, with all that is done to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from slowpath.caching.cache_map import CacheMap, site
from slowpath.caching.hooks import DONE, Hooks
from slowpath.facts import KeepsResults, Source, UsesEntry
from slowpath.keys import Key, are_about_one, is_known, may_be_same, spell
from slowpath.rules import Whole
from slowpath.semantics.effects import MEMO
from slowpath.source import Place

Did = Literal["filled", "read", "used", "forgotten", "crossed", "flushed"]

_DID: dict[str, Did] = {
    "fill": "filled",
    "fetch": "filled",
    "read": "read",
    "use": "used",
    "expire": "used",
    "forget": "forgotten",
    "flush": "flushed",
}


class Deed(Struct, frozen=True, order=True):
    """Something that is done to entries of a key: where, and under which key as it is written there.

    What is *crossed* is forgotten where both keys have holes in the place of what the other says: they may be the same.
    Where entries are filled, `expiry` is how long they live and `sources` the rows that they are made from. `when` says
    which rows' writing leads there by itself.
    """

    did: Did
    place: Place
    key: str
    expiry: str = ""
    sources: tuple[tuple[str, Place], ...] = ()
    when: tuple[str, ...] = ()


class Listed(Struct, frozen=True):
    """The entries of one kind of key in one kind of cache. A `memo` is kept by a decorator of that name."""

    key: str
    cache: str
    deeds: tuple[Deed, ...]
    memo: bool = False

    @property
    def is_forgotten(self) -> bool:
        """Whether any code forgets such entries."""
        return any(deed.did == "forgotten" for deed in self.deeds)

    @property
    def is_filled(self) -> bool:
        """Whether any code is seen to fill such entries."""
        return any(deed.did == "filled" for deed in self.deeds)


class Listing(Struct, frozen=True):
    """The entries by key, what is done under keys that could be any, and where each cache is emptied."""

    entries: tuple[Listed, ...]
    unknown: tuple[Deed, ...]
    flushed: tuple[tuple[str, tuple[Deed, ...]], ...] = ()

    def places(self) -> Iterator[Place]:
        """Every place that it names."""
        flushes = (deed for _, deeds in self.flushed for deed in deeds)
        for deed in (*(deed for entry in self.entries for deed in entry.deeds), *self.unknown, *flushes):
            yield deed.place
            yield from (place for _, place in deed.sources)


def listing(whole: Whole) -> Listing:
    """What is known of the project's caches."""
    caches = CacheMap(whole.facts)
    when = _when(whole, caches)
    uses = sorted((use for use in caches.uses if use.cache), key=lambda use: (spell(use.key), site(use)))
    groups: dict[tuple[str, tuple[str | None, ...]], list[UsesEntry]] = defaultdict(list)
    for use in uses:
        if is_known(use.key) and use.does != "flush" and use.cache != MEMO:
            groups[use.cache, _form(use.key)].append(use)
    shown = [group for group in groups.values() if not _is_shown_elsewhere(group, groups.values())]
    entries = [_listed(whole, group, uses, when) for group in shown]
    entries += [_kept(whole, memo, uses, when) for memo in caches.memos]
    unknown = [_deed(whole, use, when) for use in uses if not is_known(use.key) and use.does != "flush"]
    order = sorted(entries, key=lambda entry: (entry.memo, entry.cache, entry.key))
    flushes: dict[str, set[Deed]] = defaultdict(set)
    for use in uses:
        if use.does == "flush":
            flushes[use.cache].add(_deed(whole, use, when))
    flushed = tuple((cache, tuple(sorted(deeds))) for cache, deeds in sorted(flushes.items()))
    return Listing(tuple(order), tuple(sorted(set(unknown))), flushed)


def _when(whole: Whole, caches: CacheMap) -> dict[UsesEntry, tuple[str, ...]]:
    """The writes that lead by themselves to what forgets."""
    found: dict[UsesEntry, dict[str, None]] = defaultdict(dict)
    hooks = Hooks(whole, caches)
    for model in whole.schema.models.values():
        if not model.abstract:
            for event, done in DONE.items():
                for _, use in hooks.clears(model, event):
                    found[use][f"{model.label} is {done}"] = None
    return {use: tuple(said) for use, said in found.items()}


def _form(key: Key) -> tuple[str | None, ...]:
    """The key without the names of its holes."""
    return tuple(None if part.hole else part.text for part in key)


def _listed(
    whole: Whole, group: list[UsesEntry], uses: Iterable[UsesEntry], when: dict[UsesEntry, tuple[str, ...]]
) -> Listed:
    first = min(group, key=lambda use: (use.does not in ("fill", "fetch"), site(use)))
    deeds = {_deed(whole, use, when) for use in group}
    for use in uses if _is_kept(group) else ():
        if use.cache == first.cache and use.does == "forget" and use not in group and is_known(use.key):
            if are_about_one(use.key, first.key):
                deeds.add(_deed(whole, use, when))
            elif may_be_same(use.key, first.key):
                deeds.add(replace(_deed(whole, use, when), did="crossed"))
    return Listed(spell(first.key), first.cache, tuple(sorted(deeds)))


def _is_kept(group: Iterable[UsesEntry]) -> bool:
    """Whether there are such entries, as far as is seen: more than somebody who forgets them."""
    return any(use.does != "forget" for use in group)


def _is_shown_elsewhere(group: Sequence[UsesEntry], groups: Iterable[Sequence[UsesEntry]]) -> bool:
    """Whether it is only forgotten under this key, and others show what that is about."""
    key, cache = group[0].key, group[0].cache
    return not _is_kept(group) and any(
        other is not group and other[0].cache == cache and _is_kept(other) and are_about_one(key, other[0].key)
        for other in groups
    )


def _kept(
    whole: Whole, memo: KeepsResults, uses: Iterable[UsesEntry], when: dict[UsesEntry, tuple[str, ...]]
) -> Listed:
    filled = Deed("filled", memo.place, memo.function, sources=_sources(whole, memo.sources))
    forgets = [use for use in uses if use.cache == MEMO and spell(use.key) == memo.function]
    deeds = {filled, *(_deed(whole, use, when) for use in forgets)}
    name = f"{memo.place.function.rpartition('.')[2]}()"
    return Listed(name, memo.decorator, tuple(sorted(deeds)), memo=True)


def _deed(whole: Whole, use: UsesEntry, when: dict[UsesEntry, tuple[str, ...]]) -> Deed:
    did = _DID[use.does]
    key = "" if use.does == "flush" else spell(use.key)
    expiry = use.expiry if did == "filled" else ""
    return Deed(did, site(use), key, expiry, _sources(whole, use.sources), when.get(use, ()))


def _sources(whole: Whole, sources: Iterable[Source]) -> tuple[tuple[str, Place], ...]:
    return tuple((whole.schema.label(source.model), source.place) for source in sources)
