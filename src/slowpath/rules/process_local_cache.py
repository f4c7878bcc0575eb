"""Rows of the database are kept in the memory of each process for as long as it lives.

## Problem

`lru_cache` and `cache` remember what a function gave. In a service there are many processes: when a row changes, each
goes on with what it read first, until it is restarted. Clearing the memory in the process that wrote does nothing for
the others, so that answers depend on which worker gets the request.

## Slow

    from functools import lru_cache

    from shop.models import Rate

    @lru_cache
    def rate_of(currency):
        return Rate.objects.get(currency=currency).value

    def change_rate(rate: Rate, value):
        rate.value = value
        rate.save()

## Fast

    from django.core.cache import cache

    from shop.models import Rate

    def rate_of(currency):
        return cache.get_or_set(f"rate:{currency}", lambda: Rate.objects.get(currency=currency).value, 60)

    def change_rate(rate: Rate, value):
        rate.value = value
        rate.save()
        cache.delete(f"rate:{rate.currency}")

## How it decides

Reported is a function whose results a decorator keeps in the process without an end, that reads rows of a model, and
code of the service that writes rows of this model.

## What silences it

Rows that no code of the service writes; a time after which results are forgotten (`ttl_cache`).

## Fix safety

A shared cache is a round trip where memory was none; what must be fast and may be a minute old can stay in memory with
a time to live.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.caching.cache_map import CacheMap, site
from slowpath.caching.collecting import entries
from slowpath.facts import KeepsResults, WritesRows
from slowpath.rules import Mark, Problem, Rule, Whole


def judge(whole: Whole) -> Iterator[Problem]:
    """Functions whose rows are kept by the process for ever."""
    caches = CacheMap(whole.facts)
    written = {write.model: write for write in sorted(caches.writes, key=lambda each: each.place, reverse=True)}
    for memo in caches.memos:
        if memo.keeps == "process" and not memo.ends:
            changing = [source for source in memo.sources if source.model in written]
            if changing:
                yield _problem(whole, memo, [written[source.model] for source in changing])


def _problem(whole: Whole, memo: KeepsResults, writes: list[WritesRows]) -> Problem:
    models = list(dict.fromkeys(write.model for write in writes))
    labels = " and ".join(whole.schema.label(model) for model in models[:2])
    name = memo.place.function.rpartition(".")[2]
    return Problem(
        place=memo.place,
        message=f"`{memo.decorator}` keeps what `{name}` read of {labels} in this process for as long as it lives: "
        "after a change each worker goes on with what it read first",
        subject=tuple(models),
        help="keep it in a cache that all processes share, with an expiry, and forget it where the rows are written; "
        "or give it a time to live",
        related=(
            *(Mark(source.place, f"reads {whole.schema.label(source.model)}") for source in memo.sources[:2]),
            *(Mark(site(write), f"writes {whole.schema.label(write.model)}") for write in writes[:2]),
        ),
    )


rule = Rule("SLO406", None, since="0.1.0", default=False, collect=entries, judge=judge)
