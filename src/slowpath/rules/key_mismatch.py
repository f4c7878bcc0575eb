"""A cache entry is forgotten under a key that nothing keeps anything under: the entry that was meant stays.

## Problem

The key is put together in two places, and one of them has changed: a prefix, a separator, a version. The delete finds
nothing and says nothing, and everybody goes on with the old value until the entry ends by itself.

## Slow

    from django.core.cache import cache

    from shop.models import Product

    def price_of(pk):
        price = cache.get(f"product:{pk}:price")
        if price is None:
            price = Product.objects.get(pk=pk).price
            cache.set(f"product:{pk}:price", price, 3600)
        return price

    def change_price(product, price):
        product.price = price
        product.save()
        cache.delete(f"price:{product.pk}")

## Fast

    from django.core.cache import cache

    from shop.models import Product

    def price_key(pk):
        return f"product:{pk}:price"

    def price_of(pk):
        price = cache.get(price_key(pk))
        if price is None:
            price = Product.objects.get(pk=pk).price
            cache.set(price_key(pk), price, 3600)
        return price

    def change_price(product, price):
        product.price = price
        product.save()
        cache.delete(price_key(product.pk))

## How it decides

Keys are read as text with holes, put together over variables and calls. Reported is one that is forgotten and that no
use of the same cache could mean, when the key of another use is made of some of the same words.

The fragments that templates keep (`{% cache 600 sidebar user.id %}`) are read as well: reported is one that is
forgotten by `make_template_fragment_key`, when no template keeps a fragment of this name for as many values.

Where keys cannot be read, calls are compared: reported is one that gives a thing itself as the key to forget
(`Cache().delete(base_key=paths)`), when two or more others, and most of all, give the same function what a helper of
the project makes of a thing of this name (`Cache().delete(base_key=cache_key(paths))`).

## What silences it

Any read, fill or other use of a key of the same kind of cache that could be the one forgotten, or of which nothing is
known: a key that is all hole could be every key. For fragments, a tag of another library that keeps something, and a
project of whose templates none keeps a fragment. For calls, a thing that is the function's own argument, and a function
that calls the helper in another place.

## Fix safety

None is needed: what was never found is not missed.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.caching.cache_map import CacheMap, site
from slowpath.caching.collecting import entries
from slowpath.caching.fragments import Fragments
from slowpath.caching.hooks import DONE, Hooks
from slowpath.caching.making import Unmade, unmade
from slowpath.facts import NamesEntry, UsesEntry, only
from slowpath.keys import is_known, may_be_same, spell, words
from slowpath.rules import Mark, Problem, Rule, Whole
from slowpath.source import Place

_MOST_MARKS = 3


def judge(whole: Whole) -> Iterator[Problem]:
    """Keys that are forgotten and never kept."""
    caches = CacheMap(whole.facts)
    hooks = Hooks(whole, caches)
    keeping = [Fragments(cache, caches) for cache in whole.knowledge.caches.values() if cache.fragment]
    for fragments in keeping:
        yield from _fragments(fragments, caches, hooks)
    for found in unmade(whole.project, list(only(NamesEntry, whole.facts))):
        yield _unmade(found)
    for cache in caches.caches:
        kept = caches.of(cache, "read", "fill", "fetch", "use", "expire")
        if not kept or not all(is_known(use.key) for use in kept):
            continue
        for use in caches.of(cache, "forget"):
            if not is_known(use.key) or any(fragments.is_one(use) for fragments in keeping):
                continue
            if not any(may_be_same(use.key, other.key) for other in kept):
                yield from _problem(hooks, use, kept)


def _unmade(found: Unmade) -> Problem:
    call, others = found.call, sorted(found.others, key=lambda other: other.place)
    return Problem(
        place=call.place,
        message=f"`{call.callee}` is given `{call.value}` itself as the key to forget, where {len(others)} other calls "
        f"give it `{found.helper}({call.value})`",
        subject=(call.callee, call.value),
        help=f"give it `{found.helper}({call.value})` here as well",
        related=tuple(Mark(other.place, f"by way of `{found.helper}`") for other in others[:_MOST_MARKS]),
        confidence="medium",
    )


def _fragments(fragments: Fragments, caches: CacheMap, hooks: Hooks) -> Iterator[Problem]:
    """Fragments of templates that are forgotten, and that no template keeps; nothing where no templates are seen."""
    told: set[tuple[Place, str]] = set()
    for use in caches.of(fragments.cache, "forget") if fragments.of_templates else ():
        name = fragments.name(use) if use.cache and fragments.is_one(use) else ""
        if not name or fragments.is_kept(use) or (site(use), name) in told:
            continue
        told.add((site(use), name))
        namesakes = fragments.namesakes(use)
        counts = sorted({count for other in namesakes if (count := fragments.parts(other)) is not None})
        why = f"no template keeps a fragment `{name}`"
        what = "forget the entry that has what it showed, or nothing"
        if namesakes:
            why = f"the templates keep `{name}` apart for {_values(counts)}, not for {fragments.parts(use)}"
            what = "give the same values here as the template does"
        yield Problem(
            place=site(use),
            message=f"forgets the cache entry `{spell(use.key)}`, and {why}",
            subject=(spell(use.key),),
            help=what,
            related=(
                *_when(hooks, use),
                *(Mark(other.place, f"keeps `{spell(other.key)}`") for other in namesakes[:_MOST_MARKS]),
            ),
            confidence="high" if namesakes else "medium",
        )


def _values(counts: list[int]) -> str:
    return f"{' or '.join(map(str, counts))} value{'s' if counts != [1] else ''}"


def _when(hooks: Hooks, use: UsesEntry) -> Iterator[Mark]:
    """What leads there by itself, and leaves an old entry behind."""
    for model, event, hook in hooks.waiting(use.function):
        yield Mark(hook.place, f"runs when a row of {model.label} is {DONE[event]}")
        return


def _problem(hooks: Hooks, use: UsesEntry, kept: list[UsesEntry]) -> Iterator[Problem]:
    """Said only where there is something that was meant."""
    near = _nearest(use, kept)
    if near:
        yield Problem(
            place=site(use),
            message=f"forgets the cache entry `{spell(use.key)}`, and nothing reads or fills an entry of such a key",
            subject=(spell(use.key),),
            help=f"forget the key that is kept, `{spell(near[0].key)}`; let one function make it for all who use it",
            related=(
                *_when(hooks, use),
                *(Mark(place, "leads to the cache") for place in (*use.chain[1:], *(use.chain and (use.place,)))),
                *(Mark(site(other), f"{_VERBS.get(other.does, 'uses')} `{spell(other.key)}`") for other in near),
            ),
        )


_VERBS = {"read": "reads", "fill": "fills", "fetch": "reads and fills"}


def _nearest(use: UsesEntry, kept: list[UsesEntry]) -> list[UsesEntry]:
    """The entries whose keys have most words in common with it."""
    own = words(use.key)
    kept = [other for other in kept if other.cache]
    shared = {spell(other.key): len(own & words(other.key)) for other in kept}
    most = max(shared.values(), default=0)
    if not most:
        return []
    found: dict[tuple[str, str], UsesEntry] = {}
    for other in sorted(kept, key=lambda other: (other.does != "fill", site(other))):
        if shared[spell(other.key)] == most:
            found.setdefault((other.does, spell(other.key)), other)
    return list(found.values())[:_MOST_MARKS]


rule = Rule("SLO404", None, since="0.1.0", collect=entries, judge=judge)
