"""A cache entry is forgotten before others can read what was written: they fill it again with what was before.

## Problem

Until the transaction is committed, everybody else reads the old rows. Whoever asks for the entry in that moment finds
nothing, computes it from the old rows, and keeps it: it is old from then on, though all the code did forget it. It
happens rarely, to the rows that are asked for most, and nobody can repeat it.

## Slow

    from django.core.cache import cache
    from django.db import transaction

    from shop.models import Product

    def price_of(pk):
        return cache.get_or_set(f"product:{pk}:price", lambda: Product.objects.get(pk=pk).price, 3600)

    @transaction.atomic
    def change_price(product: Product, price):
        product.price = price
        product.save()
        cache.delete(f"product:{product.pk}:price")

## Fast

    from django.core.cache import cache
    from django.db import transaction

    from shop.models import Product

    def price_of(pk):
        return cache.get_or_set(f"product:{pk}:price", lambda: Product.objects.get(pk=pk).price, 3600)

    @transaction.atomic
    def change_price(product: Product, price):
        product.price = price
        product.save()
        transaction.on_commit(lambda: cache.delete(f"product:{product.pk}:price"))

## How it decides

Writes are followed to where their transaction ends: the block, the decorated function, the session's commit. Reported
is an entry that is computed from the rows and forgotten before that.

## What silences it

An entry that is not seen to be computed from the rows; one that is forgotten again, or filled, when they are written.
Transactions that only whoever calls the function opens are reported there.

## Fix safety

What is to happen after the commit does not happen when there is none: then nothing was changed either.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.caching.cache_map import CacheMap, site
from slowpath.caching.collecting import entries
from slowpath.facts import Pending, Source, UsesEntry
from slowpath.keys import is_known, spell
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.semantics.effects import MEMO
from slowpath.source import Place


def judge(whole: Whole) -> Iterator[Problem]:
    """What is forgotten too early."""
    caches = CacheMap(whole.facts)
    nearest: dict[tuple[Place, str], UsesEntry] = {}
    for use in sorted(caches.clears, key=lambda use: (len(use.chain), site(use), use.function)):
        if use.pending is not None and use.cache != MEMO and is_known(use.key):
            nearest.setdefault((use.place, spell(use.key)), use)
    for use in nearest.values():
        if use.pending is not None:
            yield from _problem(whole, caches, use, use.pending)


def _problem(whole: Whole, caches: CacheMap, use: UsesEntry, pending: Pending) -> Iterator[Problem]:
    """Said of entries that are made from what is being written."""
    written = {source.model: source for source in pending.rows}
    for fill in caches.fills_of(use):
        rows = next((source for source in fill.sources if source.model in written), None)
        if rows is not None:
            yield _told(whole, use, pending, fill, written[rows.model])
            return


def _told(whole: Whole, use: UsesEntry, pending: Pending, fill: UsesEntry, row: Source) -> Problem:
    label, key = whole.schema.label(row.model), spell(use.key)
    return Problem(
        place=site(use),
        message=f"forgets `{key}` {_BEFORE[pending.how].format(label)}: who asks for it in between fills it with what "
        "was there before, and it stays",
        subject=(key,),
        help=_help(whole, row.model, pending),
        related=(
            Mark(row.place, f"writes {label}"),
            Mark(pending.until, _UNTIL[pending.how]),
            Mark(site(fill), f"fills `{spell(fill.key)}` from {label}"),
        ),
        confidence="medium" if pending.how == "write" else "high",
    )


_BEFORE = {
    "transaction": "inside the transaction that writes {}",
    "commit": "before the change of {} is committed",
    "write": "before {} is written",
}
_UNTIL = {
    "transaction": "the transaction begins",
    "commit": "others see it from here on",
    "write": "it is written",
}


def _help(whole: Whole, model: str, pending: Pending) -> str:
    """What to write, in the words of the library that the model is of."""
    if pending.how != "transaction":
        return f"forget it after the {pending.how}"
    found = whole.schema.models.get(model)
    library = found.library if found is not None else ""
    later = (name for name, fact in whole.knowledge.functions.items() if fact.action == "later")
    name = next((name for name in later if name.partition(".")[0] == library), "")
    called = ".".join(name.rsplit(".", 2)[1:])
    return f"forget it in `{called}(lambda: …)`" if called else "forget it when the transaction has ended"


rule = Rule("SLO408", None, since="0.1.0", collect=entries, judge=judge)
