"""Rows are changed, and a cache entry made from them stays, which the same change elsewhere forgets.

## Problem

The entry is computed from the rows and kept. One piece of code that changes them forgets the entry, another does not:
after that one, everybody is served what was true before, until the entry ends by itself.

## Slow

    from django.core.cache import cache

    from shop.models import Product

    def price_of(pk):
        return cache.get_or_set(f"product:{pk}:price", lambda: Product.objects.get(pk=pk).price, 3600)

    def change_price(product: Product, price):
        product.price = price
        product.save()
        cache.delete(f"product:{product.pk}:price")

    def start_sale(product: Product):
        product.price = product.price / 2
        product.save()

## Fast

    from django.core.cache import cache

    from shop.models import Product

    def price_of(pk):
        return cache.get_or_set(f"product:{pk}:price", lambda: Product.objects.get(pk=pk).price, 3600)

    def change_price(product: Product, price):
        product.price = price
        product.save()
        cache.delete(f"product:{product.pk}:price")

    def start_sale(product: Product):
        change_price(product, product.price / 2)

## How it decides

All uses of a key are put together, those of decorators of your own included: where the entry is computed from rows,
and where it is forgotten. Reported is a write of these rows on whose way nothing forgets the entry, when after another
write of the same kind something does. A branch that returns before the entry is forgotten is a way of its own.

Where nobody is seen to fill the entry (responses that are kept under the path of the request), habits decide: of the
functions that write such rows, two or more forget the entry, and they are more than those that do not.

## What silences it

Anything on the write's way that forgets or fills the entry, or may do so: the function, what it calls, whoever calls
it, what runs when the rows are saved. A key of which a part could be anything. A project in which nothing forgets the
entry after the same kind of write to the same columns: then it is believed that the entry may be old. A habit is no
reason where the function forgets other entries, or where writes of two models explain it equally well.

A write of columns that the entry is not made from, where its query says which it wants (`values_list("name")`).

A write in another module than the one that does it right has low confidence, and is not reported by default, unless
several functions have the habit of forgetting the entry; so has one where the entry, under one fixed key, is made from
some rows of the table (`filter(category="css")`): it may be of other rows.

## Fix safety

Forgetting too much costs a miss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slowpath.caching.cache_map import CacheMap, site
from slowpath.caching.collecting import entries
from slowpath.caching.habits import Habit, habits
from slowpath.caching.upkeep import Upkeep, is_same_change, is_seen
from slowpath.facts import UsesEntry, WritesRows
from slowpath.finding import Confidence
from slowpath.keys import shape, spell, varies
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.semantics.effects import MEMO
from slowpath.source import Place


def judge(whole: Whole) -> Iterator[Problem]:
    """Writes after which an entry is old, where another write of the kind is followed by what forgets it."""
    caches = CacheMap(whole.facts)
    upkeep = Upkeep(whole, caches)
    for entry in caches.made_from_rows():
        for model in dict.fromkeys(source.model for source in entry.sources):
            writes = upkeep.writes_of(model)
            careful = [(write, use) for write in writes for use in upkeep.forgets(write, entry)]
            for write in writes if careful else ():
                if is_seen(write, entry) and not upkeep.is_kept_up(write, entry):
                    yield from _problem(whole, entry, write, careful)
    for habit in habits(upkeep, caches):
        yield from _habit(whole, habit)


def _problem(
    whole: Whole, entry: UsesEntry, write: WritesRows, careful: Sequence[tuple[WritesRows, UsesEntry]]
) -> Iterator[Problem]:
    """Said only where there is a write that could be this one, and cares."""
    alike = [(other, use) for other, use in careful if is_same_change(write, other, use)]
    if not alike:
        return
    other, use = min(alike, key=lambda each: (_distance(write, each[0]), site(each[0]), spell(each[1].key)))
    key = entry.place.function.rpartition(".")[2] if entry.cache == MEMO else spell(entry.key)
    label = whole.schema.label(write.model)
    name = other.function.rpartition(".")[2]
    columns = [column for column in write.columns if column in other.columns] if write.columns else []
    what = f"`{columns[0]}` of {label}" if columns else f"{label} rows"
    if write.action == "link" and columns:
        owner, _, relation = columns[0].rpartition(".")
        what = f"`{relation}` of {whole.schema.label(owner)}"
    rows = [source.place for source in entry.sources if source.model == write.model]
    yield Problem(
        place=site(write),
        message=f"`{write.label}` writes {what}, and the cache keeps `{key}` as it was before; `{name}` forgets it "
        "after such a write",
        subject=(write.model, key if entry.cache == MEMO else shape(entry.key)),
        help=f"forget `{key}` here as well, or let one function do both",
        related=_marks(
            (site(entry), f"fills `{key}`"),
            *((place, f"from these {label} rows") for place in rows[:1]),
            (site(other), "the same write, where it is done right"),
            (site(use), f"forgets `{spell(use.key) if entry.cache != MEMO else key}`"),
        ),
        confidence=_confidence(entry, write, other),
    )


def _confidence(entry: UsesEntry, write: WritesRows, other: WritesRows) -> Confidence:
    """High in the module of what does it right. Elsewhere the entry may not be made from what is written: of 43
    findings on 96 projects that nothing was tuned on 42 were wrong (docs/scoreboard.md, 2026-11-27)."""
    some = all(source.narrowed for source in entry.sources if source.model == write.model)
    if some and entry.cache != MEMO and not varies(entry.key):
        # Of one entry that is made from some rows of a table nobody can tell whether these are among them.
        return "low"
    return "high" if _distance(write, other) < 2 else "low"


def _habit(whole: Whole, habit: Habit) -> Iterator[Problem]:
    """Said where nobody can tell what the entry is made from: that others forget it is what shows it."""
    write = habit.write
    other, use = min(habit.careful, key=lambda each: (_distance(write, each[0]), site(each[0]), spell(each[1].key)))
    key = spell(use.key)
    yield Problem(
        place=site(write),
        message=f"`{write.label}` writes {whole.schema.label(write.model)} rows, and the cache keeps `{key}` as it was "
        f"before; {len(habit.functions)} functions forget it with such a write",
        subject=(write.model, shape(use.key)),
        help=f"forget `{key}` here as well, or let one function do both",
        related=_marks(
            (site(other), "the same write, where it is done right"),
            (site(use), f"forgets `{key}`"),
        ),
        confidence="medium",
    )


def _marks(*marks: tuple[Place, str]) -> tuple[Mark, ...]:
    """Each place once."""
    said: dict[Place, str] = {}
    for place, message in marks:
        said.setdefault(place, message)
    return tuple(Mark(place, message) for place, message in said.items())


def _distance(write: WritesRows, other: WritesRows) -> int:
    """0 in the same class, 1 in the same module."""
    mine, theirs = write.place, other.place
    if mine.module != theirs.module:
        return 2
    owner = mine.function.rpartition(".")[0]
    return 0 if owner and owner == theirs.function.rpartition(".")[0] else 1


rule = Rule("SLO401", None, since="0.1.0", collect=entries, judge=judge)
