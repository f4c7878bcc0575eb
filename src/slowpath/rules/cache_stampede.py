"""One entry for all is worked out by everybody who asks while it is missing.

## Problem

The entry ends, and until the first one has worked it out anew, everyone who asks finds nothing and works it out as
well: the database gets the same heavy query many times at once, at the busiest time of the day.

## Slow

    from django.core.cache import cache

    from shop.models import Order, Product

    def bestsellers():
        found = cache.get("bestsellers")
        if found is None:
            found = [product.name for product in Product.objects.order_by("-sold")[:10]]
            cache.set("bestsellers", found, 3600)
        return found

## Fast

    from django.core.cache import cache

    from shop.models import Order, Product

    def bestsellers():
        found = cache.get("bestsellers")
        if found is None:
            if not cache.add("bestsellers:lock", True, 60):
                return cache.get("bestsellers:before") or []
            found = [product.name for product in Product.objects.order_by("-sold")[:10]]
            cache.set("bestsellers", found, 3600)
            cache.set("bestsellers:before", found, None)
        return found

## How it decides

Reported is an entry under one fixed key, in a cache that all share, that ends by itself and is filled where it was
found missing, from rows that are asked for anew.

## What silences it

A lock, or an expiry with something by chance in it. A cache that lets one caller work while the others wait (dogpile).
A query that only asks for rows with a certain value, or for one row by its key: it is quick. What fills the entry
without asking whether it is there: a task that does so in time.

## Fix safety

Whoever finds the lock taken needs something to show: the old value, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.caching.cache_map import CacheMap, site
from slowpath.caching.collecting import entries
from slowpath.facts import UsesEntry
from slowpath.keys import spell, varies
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.semantics.effects import MEMO

_GUARDING = ("lock", "acquire", "semaphore", "mutex", "rand", "jitter", "uniform", "setnx", "add")


def judge(whole: Whole) -> Iterator[Problem]:
    """Entries that many may work out at once."""
    declared = {
        f"{module}.{function.qualname}": function
        for module, declarations in whole.project.modules.items()
        for function in declarations.functions
    }
    for fill in CacheMap(whole.facts).made_from_rows():
        if not _is_hot(whole, fill):
            continue
        words = {word.lower() for name in _around(fill) if name in declared for word in declared[name].sketch.words}
        if not any(guard in word if guard != "add" else guard == word for word in words for guard in _GUARDING):
            yield _problem(whole, fill)


def _is_hot(whole: Whole, fill: UsesEntry) -> bool:
    """Whether it is one entry for all that ends, and is made from more than a few rows."""
    cache = whole.knowledge.caches.get(fill.cache)
    return (
        fill.cache != MEMO
        and (cache is None or not cache.guards)
        and not varies(fill.key)
        and (fill.does == "fetch" or fill.after_read)
        and fill.expiry != "never"
        and "rand" not in fill.expiry
        and not all(source.narrowed for source in fill.sources)
    )


def _around(fill: UsesEntry) -> Iterator[str]:
    """The functions by which the entry is filled."""
    yield fill.function
    yield from (f"{place.module}.{place.function}" for place in (*fill.chain, fill.place))


def _problem(whole: Whole, fill: UsesEntry) -> Problem:
    key = spell(fill.key)
    labels = list(dict.fromkeys(whole.schema.label(source.model) for source in fill.sources if not source.narrowed))
    return Problem(
        place=site(fill),
        message=f"`{key}` is one entry for all: when it has ended, everyone who asks reads {' and '.join(labels[:2])} "
        "rows to fill it, at once",
        subject=(key,),
        help="let one do the work: take a lock (`add` of a key beside it) and give the others the old value; or let a "
        "task fill it before it ends",
        related=tuple(Mark(source.place, "is worked out from these rows") for source in fill.sources[:2]),
        severity="note",
        confidence="medium",
    )


rule = Rule("SLO410", None, since="0.1.0", default=False, severity="note", collect=entries, judge=judge)
