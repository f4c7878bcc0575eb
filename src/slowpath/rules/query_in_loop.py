"""A query runs once per item of a loop that grows with the data.

## Problem

`Order.objects.get(pk=pk)` costs a round trip to the database: half a millisecond when it is near, several when it is
not. Inside a loop over ids it costs that for every id. One query for all of them, before the loop, costs about as
much as one of these.

The query may be in a function that the loop calls; slowpath shows the calls on the way. A query that is the same on
every turn needs no batch: it belongs before the loop.

## Slow

    from shop.models import Order

    def totals(pks):
        result = {}
        for pk in pks:
            result[pk] = Order.objects.get(pk=pk).total
        return result

## Fast

    from shop.models import Order

    def totals(pks):
        orders = Order.objects.in_bulk(pks)
        return {pk: orders[pk].total for pk in pks if pk in orders}

## How it decides

A query is followed from where it runs through the functions that lead to it. Reported is one that a loop runs on every
turn, when the loop grows with the data and what is asked for changes from turn to turn, or when it is the same each
time and belongs before the loop. A list that a framework makes is a loop too: the methods of a serializer that a list
view shows, columns of Django's admin, feeds.

## What silences it

Loops over a few constants, loops that retry, loops over batches or pages, queries that run at most once (before a
`return` or `break`, in an `except`, on a miss of a dict that is filled there). Calls that do a whole job for each
item, that lock what they read, or that are five calls away from their query, rows that are fetched to do something
with each of them, loops over a `range` of some number, and loops over the entries of a dict of which nothing is known
but that they name no rows by their key, have low confidence, and are not reported by default.

## Fix safety

Fetching everything at once holds it in memory: go in batches of some hundreds when there may be very many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from slowpath.keyed import is_keyed
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import CACHE, AnyEffect, CallsService, Context, RunsQuery, Writes
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import callees, each, growing, how_sure, invariant, place_in, steps
from slowpath.source import Place

# A helper asks this much for an item; what asks more is a job of its own.
_MOST_QUERIES = 3


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Queries that run per item, and queries that run again and again unchanged; one problem for each place in a
    loop."""
    per_item: dict[tuple[Place, Place], list[tuple[RunsQuery, Context]]] = {}
    for effect in function.summary.effects:
        if not isinstance(effect, RunsQuery) or effect.rare or effect.bypasses:
            continue
        if effect.action == "refresh" and _is_handled(effect, function):
            continue
        context = growing(effect)
        if context is not None:
            per_item.setdefault((place_in(effect, context), context.place), []).append((effect, context))
            continue
        context = invariant(effect)
        if context is not None and not (effect.via or effect.computed or _is_written(effect, function)):
            yield _unchanged(effect, context)
    for (place, _), found in per_item.items():
        effects, context = [effect for effect, _ in found], found[0][1]
        problem = _per_item(place, effects, context)
        # Years, levels and attempts are counted too, not just rows; and names are of settings and of fields.
        named = context.bound == "named" and not any(is_keyed(effect, program) for effect in effects)
        unsure = named or context.bound == "counted" or _is_operation(effects[0], context, function)
        low = unsure or _is_part_of_work(effects, context, function)
        yield replace(problem, confidence="low") if low else problem


def _is_operation(effect: RunsQuery, context: Context, function: Function) -> bool:
    """Whether the loop calls something that does a whole job for each item: no one query can take its place."""
    calls = steps(effect, context)
    behind = [other for other in function.summary.effects if calls and calls[0] in other.via]
    queries = {other.place for other in behind if isinstance(other, RunsQuery)}
    return len(queries) > _MOST_QUERIES or any(_is_work(other) for other in behind)


def _is_part_of_work(effects: Sequence[RunsQuery], context: Context, function: Function) -> bool:
    """Whether the rows of an item are locked to be written or by what the loop calls, or fetched to work on each of
    them: the work takes the time, and goes item by item."""
    writes = any(isinstance(other, Writes) and context in other.contexts for other in function.summary.effects)
    if any(effect.locks and (writes or steps(effect, context)) for effect in effects):
        return True
    fetched = {effect.origin for effect in effects if effect.origin is not None}
    return any(
        _is_work(other) and any(inner.origin in fetched for inner in other.contexts)
        for other in function.summary.effects
        if context in other.contexts
    )


def _is_work(effect: AnyEffect) -> bool:
    """Whether something else is changed or asked, and not just now and then; a look into a cache is no work."""
    return isinstance(effect, Writes | CallsService) and not effect.rare and getattr(effect, "service", "") != CACHE


def _is_written(effect: RunsQuery, function: Function) -> bool:
    """Whether something in the same loop writes, so that the answer may differ from turn to turn."""
    return any(
        isinstance(other, Writes) and other.contexts[: len(effect.contexts)] == effect.contexts
        for other in function.summary.effects
    )


def _is_handled(effect: RunsQuery, function: Function) -> bool:
    """Whether a refresh belongs to a write of the same item whose errors are handled item by item."""
    return any(
        isinstance(other, Writes) and other.handled and other.contexts[: len(effect.contexts)] == effect.contexts
        for other in function.summary.effects
    )


def _per_item(place: Place, effects: Sequence[RunsQuery], context: Context) -> Problem:
    first = min(effects, key=lambda effect: len(effect.via))
    names = callees(first, context)
    # Some of several may be on ways that exclude each other.
    queries = "a query" if len(effects) == 1 else "queries"
    subject = f"`{names[0]}` runs {queries}" if names else f"`{first.label}` runs"
    return Problem(
        place=place,
        message=f"{subject} once per {each(context)}: the number of queries grows with the data",
        subject=(names[0] if names else first.model or first.label,),
        help=_help(first),
        related=_related(effects, context),
        confidence=how_sure(first, context),
    )


def _help(effect: RunsQuery) -> str:
    if effect.action in {"refresh", "load-onto"}:
        return "load what is needed of all rows with one query, before the loop or after it"
    if effect.action == "sql":
        return f"make it one statement for all items ({effect.instead or 'WHERE id IN (…)'}), outside the loop"
    of = f"the `{effect.relation}` of all rows" if effect.relation else "for all items"
    if effect.action == "count":
        return f"count {of} with one grouped query before the loop, and look the numbers up in a dict"
    if effect.action == "exists":
        return "ask which of them exist with one query before the loop, and look it up in a set"
    if effect.relation:
        return f"fetch {of} with one query before the loop, and group them in a dict"
    return "fetch everything that the loop needs with one query before it, and look it up in a dict by key"


def _related(effects: Sequence[RunsQuery], context: Context) -> tuple[Mark, ...]:
    marks = [Mark(context.place, f"repeats for each {each(context)}")]
    for effect in effects[:3]:
        marks += [Mark(hop.place, f"calls `{hop.callee}`") for hop in steps(effect, context)]
        marks.append(Mark(effect.place, f"runs `{effect.label}`"))
    return tuple(dict.fromkeys(marks))


def _unchanged(effect: RunsQuery, context: Context) -> Problem:
    return Problem(
        place=effect.place,
        message=f"`{effect.label}` runs again for each {each(context)}, with the same answer every time",
        subject=(effect.model or effect.label,),
        help="run it once before the loop",
        related=(Mark(context.place, f"repeats for each {each(context)}"),),
        confidence="medium",
    )


rule = Rule("SLO102", check, since="0.1.0")
