"""Rows are written by a query, past the code that forgets their cache entries when they are saved one by one.

## Problem

`update()`, `bulk_create()` and `bulk_update()` send one statement: they call no `save()` and send no signals, so what
forgets the cache there does not run. `delete()` of a query sends signals and calls no `delete()` of the model.

## Slow

    from django.core.cache import cache
    from django.db import models

    class Product(models.Model):
        name = models.CharField(max_length=100)
        price = models.IntegerField()

        def save(self, *args, **kwargs):
            super().save(*args, **kwargs)
            cache.delete("price-list")

    def price_list():
        return cache.get_or_set("price-list", lambda: list(Product.objects.values_list("name", "price")), 3600)

    def raise_prices():
        Product.objects.update(price=models.F("price") * 2)

## Fast

    from django.core.cache import cache
    from django.db import models

    class Product(models.Model):
        name = models.CharField(max_length=100)
        price = models.IntegerField()

        def save(self, *args, **kwargs):
            super().save(*args, **kwargs)
            cache.delete("price-list")

    def price_list():
        return cache.get_or_set("price-list", lambda: list(Product.objects.values_list("name", "price")), 3600)

    def raise_prices():
        Product.objects.update(price=models.F("price") * 2)
        cache.delete("price-list")

## How it decides

What runs when one row is saved or deleted (a `save()` of the model's own, receivers of signals) is read for the cache
entries that it forgets. A write by a query is reported when such an entry is computed from rows of the model and
nothing on the write's way forgets it.

## What silences it

An entry that is not seen to be computed from rows of the model; code on the way that forgets or fills the entry;
new rows, where the key is that of one row.

## Fix safety

Forgetting too much costs a miss.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.caching.cache_map import CacheMap, clears, site
from slowpath.caching.collecting import entries
from slowpath.caching.hooks import Hook, Hooks, event_of
from slowpath.caching.reaching import Reaching
from slowpath.facts import UsesEntry, WritesRows
from slowpath.keys import is_known, is_of_one_row, spell
from slowpath.rules import Mark, Problem, Rule, Whole


def judge(whole: Whole) -> Iterator[Problem]:
    """Writes in bulk that go past what forgets."""
    caches = CacheMap(whole.facts)
    hooks = Hooks(whole, caches)
    reaching = Reaching(whole, caches)
    for write in caches.writes:
        model = whole.schema.models.get(write.model)
        event, methods, signals = event_of(write)
        if model is None or write.chain or (methods and signals):
            continue
        skipped = [(hook, use) for hook, use in hooks.clears(model, event) if not (signals if hook.signal else methods)]
        for hook, use in skipped:
            if _is_missed(write, use) and not reaching.clears(write, use):
                yield from _problem(whole, caches, write, hook, use)


def _is_missed(write: WritesRows, use: UsesEntry) -> bool:
    """Whether an entry that is known can hold what is written."""
    return use.does != "flush" and is_known(use.key) and not (_is_new(write) and is_of_one_row(use.key))


def _is_new(write: WritesRows) -> bool:
    return write.action == "bulk" and "create" in write.label


def _problem(whole: Whole, caches: CacheMap, write: WritesRows, hook: Hook, use: UsesEntry) -> Iterator[Problem]:
    fills = [fill for fill in caches.fills_of(use) if any(source.model == write.model for source in fill.sources)]
    if not fills:
        return
    where = "the listener" if hook.signal else f"`{hook.function.rpartition('.')[2]}()`"
    yield Problem(
        place=site(write),
        message=f"`{write.label}` writes {whole.schema.label(write.model)} rows past {where} that forgets "
        f"`{spell(use.key)}`: the old value stays in the cache",
        subject=(write.model, spell(use.key)),
        help=f"forget `{spell(use.key)}` after the write",
        related=(
            Mark(site(fills[0]), f"fills `{spell(fills[0].key)}`"),
            *(Mark(each.place, "from these rows") for each in fills[0].sources if each.model == write.model),
            Mark(site(use), f"forgets `{spell(use.key)}` when a row is written by itself"),
        ),
        confidence="high" if any(clears(use, fill) for fill in fills) else "medium",
    )


rule = Rule("SLO402", None, since="0.1.0", default=False, collect=entries, judge=judge)
