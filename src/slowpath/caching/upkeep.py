"""Which writes keep a cache entry up to date, and which go past it."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from slowpath.caching.cache_map import CacheMap, clears, site
from slowpath.caching.hooks import Hooks, event_of
from slowpath.caching.reaching import Reaching
from slowpath.facts import UsesEntry, WritesRows
from slowpath.keys import are_about_one, is_known, is_of_one_row, words
from slowpath.rules import Whole

# What is forgotten more calls away is forgotten for other reasons than this write.
_FARTHEST = 3

Change = Literal["new", "gone", "changed", "linked", ""]


class Upkeep:
    """The writes of a project, and what each of them does to entries made from the rows."""

    def __init__(self, whole: Whole, caches: CacheMap) -> None:
        self._whole = whole
        self._caches = caches
        self._hooks = Hooks(whole, caches)
        self._reaching = Reaching(whole, caches)
        self._writes: dict[str, list[WritesRows]] = defaultdict(list)
        self._within: dict[str, list[WritesRows]] = defaultdict(list)
        for write in caches.writes:
            self._writes[write.model].append(write)
            self._within[write.function].append(write)

    def writes_of(self, model: str) -> list[WritesRows]:
        """The writes of rows of the model."""
        return self._writes.get(model, [])

    def writes_in(self, function: str) -> list[WritesRows]:
        """The writes that are seen from the function."""
        return self._within.get(function, [])

    def clears_in(self, function: str) -> list[UsesEntry]:
        """What the function forgets or fills anew, itself or by calls nearby."""
        return [use for use in self._caches.clears_of(function) if len(use.chain) <= _FARTHEST]

    def forgets(self, write: WritesRows, entry: UsesEntry) -> list[UsesEntry]:
        """What surely forgets this entry, or fills it anew, in the function that the write is seen from."""
        uses = (use for use in self.clears_in(write.function) if site(use) not in write.without)
        return [use for use in uses if _is_meant(use, entry)]

    def is_kept_up(self, write: WritesRows, entry: UsesEntry) -> bool:
        """Whether something on the way of the write may forget the entry; one that is seen through calls is judged
        where it is."""
        missed = self._is_missed(write, entry)
        if (
            self._is_on_way_of(write, entry)
            or (write.chain and not missed)
            or self._is_own_way(write)
            or self._reaching.clears(write, entry, beyond=missed)
        ):
            return True
        return any(
            self._by_itself(other, entry)
            for function in self._reaching.around(write.function)
            for other in self._within[function]
        )

    def _is_on_way_of(self, write: WritesRows, entry: UsesEntry) -> bool:
        """Whether whoever fills the entry may come by the write while the value is worked out."""
        filling = {entry.function, *(f"{place.module}.{place.function}" for place in (*entry.chain, entry.place))}
        return not filling.isdisjoint(self._reaching.around(write.function))

    def _is_missed(self, write: WritesRows, entry: UsesEntry) -> bool:
        """Whether the function forgets the entry, and only on ways that do not come by the write."""
        uses = [use for use in self._caches.clears_of(write.function) if clears(use, entry)]
        return bool(uses) and all(site(use) in write.without for use in uses)

    def _is_own_way(self, write: WritesRows) -> bool:
        """Whether the function is how rows of the model are saved or deleted: whoever calls it writes."""
        model = self._whole.schema.models.get(write.model)
        if model is None:
            return False
        own = (hook for event in ("save", "delete") for hook in self._hooks.of(model, event) if not hook.signal)
        return any(hook.function == write.function for hook in own)

    def _by_itself(self, write: WritesRows, entry: UsesEntry) -> bool:
        """Whether what runs when such rows are written may forget the entry, or nobody knows what runs."""
        model = self._whole.schema.models.get(write.model)
        if model is None:
            return False
        event, _, _ = event_of(write)
        if write.model in {source.model for source in entry.sources} and not self._hooks.is_known(model):
            return True
        return any(clears(use, entry) for _, use in self._hooks.clears(model, event))


def _is_meant(use: UsesEntry, entry: UsesEntry) -> bool:
    """Whether what is forgotten is this entry, and not everything or something that nobody knows."""
    if use.does == "flush" or not is_known(use.key) or not use.cache or not clears(use, entry):
        return False
    if not are_about_one(use.key, entry.key):
        return False
    return not words(entry.key) or not words(entry.key).isdisjoint(words(use.key))


def is_seen(write: WritesRows, entry: UsesEntry) -> bool:
    """Whether the entry may be made from what the write changes; a write of other columns is none of its business."""
    columns = [source.columns for source in entry.sources if source.model == write.model]
    if not write.columns or not columns or not all(columns):
        return True
    return not {_plain(name) for name in write.columns}.isdisjoint(_plain(name) for each in columns for name in each)


def _plain(column: str) -> str:
    """A relation goes by the name of its key, or without the end of it."""
    return column.removesuffix("_id")


def is_same_change(write: WritesRows, other: WritesRows, use: UsesEntry) -> bool:
    """Whether the entry that is forgotten after the one write is old after the other one, too."""
    change = _change(write)
    if change != _change(other) or (change == "new" and is_of_one_row(use.key)):
        return False
    return change in {"new", "gone"} or not set(write.columns).isdisjoint(other.columns)


def _change(write: WritesRows) -> Change:
    """What the write does to rows; nothing that anybody knows where it may do one thing or another."""
    if write.action == "get-or-create":
        return ""
    if write.action == "link":
        return "linked"
    if event_of(write)[0] == "delete":
        return "gone"
    if write.action == "create" or (write.action == "bulk" and "create" in write.label):
        return "new"
    return "changed"
