"""What the functions that write rows do to the cache as a rule, and which of them do not: Engler et al., "Bugs as
deviant behavior" (SOSP 2001), for the entries of which nobody can tell from what they are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct

from slowpath.caching.cache_map import CacheMap
from slowpath.caching.upkeep import Upkeep, is_same_change
from slowpath.facts import UsesEntry, WritesRows
from slowpath.keys import is_known, shape
from slowpath.semantics.effects import MEMO

# So many functions make a habit, if they are more than have not got it.
_FEWEST = 2

# A habit is to call what forgets, or to be decorated by it; what happens further away is a habit of somebody else.
_NEAR = 2

Careful = tuple[WritesRows, UsesEntry]


class Habit(Struct, frozen=True):
    """A write after which an entry is not forgotten, and the writes of the kind after which it is."""

    write: WritesRows
    careful: tuple[Careful, ...]

    @property
    def functions(self) -> frozenset[str]:
        """Those that have the habit."""
        return frozenset(write.function for write, _ in self.careful)


def habits(upkeep: Upkeep, caches: CacheMap) -> Iterator[Habit]:
    """The writes that break a habit, one for each function: of several habits the one that most others have."""
    found: dict[str, Habit] = {}
    for uses in _forgotten(caches):
        for habit in _explained(upkeep, uses):
            best = found.get(habit.write.function)
            if best is None or len(habit.functions) > len(best.functions):
                found[habit.write.function] = habit
    yield from found.values()


def _explained(upkeep: Upkeep, uses: Sequence[UsesEntry]) -> Sequence[Habit]:
    """The broken habits of the model whose writes explain best why the entry is forgotten; nothing if two do."""
    careful: dict[str, list[Careful]] = defaultdict(list)
    for use in uses:
        for write in upkeep.writes_in(use.function):
            # What is written some calls away is no reason for what is forgotten here.
            if not write.chain:
                careful[write.model].append((write, use))
    broken = [tuple(_broken(upkeep, model, uses[0], pairs)) for model, pairs in careful.items()]
    support = [max((len(habit.functions) for habit in each), default=0) for each in broken]
    most = max(support, default=0)
    return broken[support.index(most)] if most and support.count(most) == 1 else ()


def _forgotten(caches: CacheMap) -> Iterator[Sequence[UsesEntry]]:
    """What several functions forget, by the key, unless somebody is seen to fill it."""
    groups: dict[tuple[str, str], list[UsesEntry]] = defaultdict(list)
    for use in caches.clears:
        own = use.cache not in {"", MEMO} and len(use.chain) <= _NEAR
        if own and use.does == "forget" and is_known(use.key) and not use.open:
            groups[use.cache, shape(use.key)].append(use)
    for uses in groups.values():
        if len({use.function for use in uses}) >= _FEWEST and not caches.is_filled(uses[0]):
            yield uses


def _chooses(upkeep: Upkeep, write: WritesRows, entry: UsesEntry) -> bool:
    """Whether the function forgets other entries of the cache: who wrote it thought of what to forget."""
    return any(use.cache == entry.cache for use in upkeep.clears_in(write.function))


def _broken(upkeep: Upkeep, model: str, entry: UsesEntry, careful: Sequence[Careful]) -> Iterator[Habit]:
    found: list[Habit] = []
    for write in upkeep.writes_of(model):
        habit = Habit(write, tuple((other, use) for other, use in careful if is_same_change(write, other, use)))
        if len(habit.functions) >= _FEWEST and not (_chooses(upkeep, write, entry) or upkeep.is_kept_up(write, entry)):
            found.append(habit)
    for habit in found:
        without = {other.write.function for other in found if is_same_change(other.write, habit.write, entry)}
        if len(habit.functions) > len(without):
            yield habit
