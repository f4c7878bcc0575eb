"""Cache entries are filled for each thing there is, and neither end by themselves nor are ever forgotten.

## Problem

What is kept without an expiry under a key of its own for each row stays when the row has changed, and stays when the
row is gone. The cache grows until it is full; then the server refuses writes, or throws out what is needed.

## Slow

    import redis

    from shop.models import Product

    client = redis.Redis()

    def name_of(pk):
        name = client.get(f"product:{pk}:name")
        if name is None:
            name = Product.objects.get(pk=pk).name
            client.set(f"product:{pk}:name", name)
        return name

## Fast

    import redis

    from shop.models import Product

    client = redis.Redis()

    def name_of(pk):
        name = client.get(f"product:{pk}:name")
        if name is None:
            name = Product.objects.get(pk=pk).name
            client.set(f"product:{pk}:name", name, ex=3600)
        return name

## How it decides

All uses of a key are put together, wherever they are in the project. Reported is an entry whose key has a part that
varies, that is filled with what was computed from rows, that no fill gives an end, and that no code forgets.

## What silences it

A value that is not computed from rows on a miss; any call that gives such an entry an expiry or forgets it, or may do
so.

## Fix safety

An entry that ends is computed again: choose a time that the database can bear.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.caching.cache_map import CacheMap, clears, site
from slowpath.caching.collecting import entries
from slowpath.facts import UsesEntry
from slowpath.keys import is_known, spell, varies
from slowpath.rules import Mark, Problem, Rule, Whole


def judge(whole: Whole) -> Iterator[Problem]:
    """Fills of entries that never end."""
    caches = CacheMap(whole.facts)
    for cache in caches.caches:
        ending = caches.of(cache, "forget", "expire", "flush", "use")
        for use in caches.of(cache, "fill", "fetch"):
            if _stays(use) and not any(clears(other, use) for other in ending):
                yield _problem(whole, use)


def _stays(use: UsesEntry) -> bool:
    computed = use.does == "fetch" or use.after_read
    return use.expiry == "never" and computed and bool(use.sources) and is_known(use.key) and varies(use.key)


def _problem(whole: Whole, use: UsesEntry) -> Problem:
    label = whole.schema.label(use.sources[0].model)
    return Problem(
        place=site(use),
        message=f"`{use.label}` keeps `{spell(use.key)}` for ever, and nothing forgets it: old {label} data is served, "
        "and the cache grows with every key",
        subject=(spell(use.key),),
        help="give it an expiry, and forget it where the rows are written",
        related=tuple(
            Mark(source.place, f"is computed from {whole.schema.label(source.model)}") for source in use.sources[:2]
        ),
    )


rule = Rule("SLO405", None, since="0.1.0", default=False, collect=entries, judge=judge)
