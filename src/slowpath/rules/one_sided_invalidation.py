"""A cache entry is forgotten when a row is saved, and stays when the row is deleted (or the other way round).

## Problem

The code that runs on every save of a model forgets its entry in the cache; nothing does when a row is deleted. What
was deleted goes on being served until the entry ends by itself, and a new row of the same key meets the old value.

## Slow

    from django.core.cache import cache
    from django.db.models.signals import post_save
    from django.dispatch import receiver

    from shop.models import Banner

    @receiver(post_save, sender=Banner)
    def forget_banner(instance, **kwargs):
        cache.delete(f"banner:{instance.place}")

## Fast

    from django.core.cache import cache
    from django.db.models.signals import post_delete, post_save
    from django.dispatch import receiver

    from shop.models import Banner

    @receiver([post_save, post_delete], sender=Banner)
    def forget_banner(instance, **kwargs):
        cache.delete(f"banner:{instance.place}")

## How it decides

What runs when a row is saved and what runs when it is deleted (methods of the model, receivers of signals) is read for
the cache entries that it forgets. Reported is an entry that is computed from rows of the model and forgotten by one of
the two.

## What silences it

A key that holds the row's own primary key, for deletes: nobody asks for it when the row is gone. A delete that forgets
the entry itself; an entry that is not seen to be computed from rows of the model; code that listens to the model's
signals and is out of sight. A model whose own `delete` or `save` leads to no other one: it refuses, or does something
else.

## Fix safety

Forgetting too much costs a miss.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.caching.cache_map import CacheMap, clears, site
from slowpath.caching.collecting import entries
from slowpath.caching.hooks import DONE, Event, Hook, Hooks, event_of
from slowpath.facts import UsesEntry
from slowpath.keys import is_known, is_of_one_row, spell, words
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.schema import Model
from slowpath.source import Place

_OTHER: dict[Event, Event] = {"save": "delete", "delete": "save"}


def judge(whole: Whole) -> Iterator[Problem]:
    """Entries that only one of the two forgets."""
    caches = CacheMap(whole.facts)
    hooks = Hooks(whole, caches)
    for model in whole.schema.models.values():
        if model.abstract or not hooks.is_known(model):
            continue
        for event, other in _OTHER.items():
            if hooks.is_refused(model, other):
                continue
            twins = [use for _, use in hooks.clears(model, other)]
            nearest: dict[tuple[Place, str], tuple[Hook, UsesEntry]] = {}
            for hook, use in sorted(hooks.clears(model, event), key=lambda found: len(found[1].chain)):
                if _matters(use, other) and not any(clears(twin, use) for twin in twins):
                    nearest.setdefault((use.place, spell(use.key)), (hook, use))
            for hook, use in nearest.values():
                yield from _problem(caches, model, event, hook, use)


def _matters(use: UsesEntry, other: Event) -> bool:
    """Whether an entry that is known would be missed: one that goes by the row's own key is of no use without it."""
    return use.does == "forget" and is_known(use.key) and not (other == "delete" and is_of_one_row(use.key))


def _problem(caches: CacheMap, model: Model, event: Event, hook: Hook, use: UsesEntry) -> Iterator[Problem]:
    fills = [fill for fill in caches.fills_of(use) if any(source.model == model.name for source in fill.sources)]
    other = _OTHER[event]
    if not fills or _clears_itself(caches, model, other, use) or _is_asked_for(caches, hook, use):
        return
    yield Problem(
        place=site(use),
        message=f"forgets `{spell(use.key)}` when a row of {model.label} is {DONE[event]}, and nothing does when "
        f"one is {DONE[other]}: the entry stays as it was",
        subject=(spell(use.key),),
        help=f"forget the entry when a row is {DONE[other]} as well",
        related=(
            Mark(hook.place, f"runs when a row is {DONE[event]}"),
            *(Mark(site(fill), f"fills `{spell(fill.key)}`") for fill in fills[:2]),
        ),
    )


def _clears_itself(caches: CacheMap, model: Model, event: Event, use: UsesEntry) -> bool:
    """Whether some code that writes rows in the other way forgets the entry itself."""
    return any(
        clears(other, use)
        for write in caches.writes
        if write.model == model.name and event_of(write)[0] == event
        for other in caches.clears_of(write.function)
    )


def _is_asked_for(caches: CacheMap, hook: Hook, use: UsesEntry) -> bool:
    """Whether functions forget the entry besides what runs by itself: then they do it where it is needed."""
    return any(
        clears(other, use)
        and not words(other.key).isdisjoint(words(use.key))
        and not any(
            (place.module, place.function) == (hook.place.module, hook.place.function)
            for place in (*other.chain, other.place)
        )
        and use.place.function != other.function.removeprefix(f"{use.place.module}.")
        for other in caches.clears
        if other.does == "forget" and other.cache
    )


rule = Rule("SLO403", None, since="0.1.0", collect=entries, judge=judge)
