"""The whole cache is emptied because some rows were written.

## Problem

Every entry of every part of the service is gone at once, and the next requests compute all of them at the same time.
On a shared Redis, sessions, locks and other services' entries go as well.

## Slow

    from django.core.cache import cache

    from shop.models import Product

    def rename(product: Product, name):
        product.name = name
        product.save()
        cache.clear()

## Fast

    from django.core.cache import cache

    from shop.models import Product

    def rename(product: Product, name):
        product.name = name
        product.save()
        cache.delete(f"product:{product.pk}")

## How it decides

Reported is a call that empties a cache, in a function that also writes rows or that is a receiver of a model's
signals.

## What silences it

Code that writes no rows, as a button or a command that empties the cache because somebody asked for it.

## Fix safety

The entries that are made from the rows must all be found: a search for where the cache is filled lists them.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.caching.cache_map import CacheMap, site
from slowpath.caching.collecting import entries
from slowpath.caching.hooks import Hooks
from slowpath.facts import UsesEntry
from slowpath.keys import spell
from slowpath.rules import Mark, Problem, Rule, Whole


def judge(whole: Whole) -> Iterator[Problem]:
    """Flushes on the way of a write."""
    caches = CacheMap(whole.facts)
    hooks = Hooks(whole, caches)
    writers: dict[str, str] = {write.function: write.model for write in reversed(caches.writes)}
    for model in whole.schema.models.values():
        for event in ("save", "delete"):
            writers |= {hook.function: model.name for hook in hooks.of(model, event) if hook.signal}
    for use in caches.uses:
        if use.does == "flush" and use.function in writers:
            yield _problem(whole, caches, use, writers[use.function])


def _problem(whole: Whole, caches: CacheMap, use: UsesEntry, model: str) -> Problem:
    label = whole.schema.label(model)
    made = [fill for fill in caches.of(use.cache, "fill", "fetch") if any(s.model == model for s in fill.sources)]
    names = " and ".join(f"`{spell(fill.key)}`" for fill in made[:2])
    return Problem(
        place=site(use),
        message=f"`{use.label}` empties the whole cache because {label} rows are written: everything in it is computed "
        "again at once",
        subject=(model,),
        help=f"forget only what is made from {label} rows{': ' if names else ''}{names}",
        related=tuple(Mark(site(fill), f"fills `{spell(fill.key)}` from {label}") for fill in made[:3]),
    )


rule = Rule("SLO407", None, since="0.1.0", default=False, collect=entries, judge=judge)
