"""Where a coroutine keeps its event loop busy: by itself, or by what it calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Literal

from slowpath.semantics.effects import Blocks, Summary
from slowpath.semantics.repetition import chain
from slowpath.source import Place
from slowpath.vocabulary import Work

_NEAR = 2
_FAR = 3
# What reads a file several calls away reads it once, or when it has changed, in most code.
_FAR_FOR_FILES = 2

_SURENESS = ("high", "medium", "low")


def kept_busy(
    summary: Summary, works: Collection[Work], together: Callable[[Blocks], Hashable]
) -> list[tuple[Blocks, ...]]:
    """What keeps a coroutine's event loop busy with one of these works, one for each place in the coroutine; those that
    belong together in one tuple, the nearest and surest of them first."""
    nearest: dict[tuple[Hashable, Place], Blocks] = {}
    for effect in summary.effects:
        if not isinstance(effect, Blocks) or effect.work not in works:
            continue
        key = (together(effect), place_of(effect))
        known = nearest.get(key)
        if known is None or _order(effect) < _order(known):
            nearest[key] = effect
    groups: dict[Hashable, list[Blocks]] = {}
    for (belongs, _), effect in nearest.items():
        groups.setdefault(belongs, []).append(effect)
    return [tuple(sorted(group, key=_order)) for group in groups.values()]


def _order(effect: Blocks) -> tuple[object, ...]:
    return (_SURENESS.index(sureness(effect)), len(effect.via), place_of(effect), effect.work, effect.label)


def place_of(effect: Blocks) -> Place:
    """Where, in the coroutine, it happens or is called."""
    return chain(effect)[0]


def name_of(effect: Blocks) -> str:
    """What the coroutine calls."""
    return effect.via[0].callee if effect.via else effect.label


def sureness(effect: Blocks) -> Literal["high", "medium", "low"]:
    """How much there is to a finding: what happens seldom, or many calls away, may depend on something; what the file
    system knows of a file is most often in memory."""
    far = _FAR_FOR_FILES if effect.work == "file" else _FAR
    if effect.rare or effect.work == "stat" or len(effect.via) > far:
        return "low"
    return "high" if len(effect.via) <= _NEAR else "medium"
