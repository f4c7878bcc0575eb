"""A query runs once per item of a loop that grows with the data.

## Problem

`Order.objects.get(pk=pk)` costs a round trip to the database: half a millisecond when it is near, several when it is not. Inside a loop over
ids it costs that for every id. One query for all of them, before the loop, costs about as much as one of these.

The query may be in a function that the loop calls; slowpath shows the calls on the way. A query that is the same on every
turn needs no batch: it belongs before the loop.

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

## What silences it

Loops over a few constants, loops that retry, loops over batches or pages, queries that run at most once (before a `return` or `break`, in an
`except`, on a miss of a dict that is filled there).

## Fix safety

Fetching everything at once holds it in memory: go in batches of some hundreds when there may be very many.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.finding import Confidence
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import Context, RunsQuery, Writes
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import callees, chain, each, growing, invariant, place_in


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Queries that run per item, and queries that run again and again unchanged."""
    for effect in function.summary.effects:
        if not isinstance(effect, RunsQuery) or effect.rare or effect.bypasses:
            continue
        context = growing(effect)
        if context is not None:
            yield _per_item(effect, context)
            continue
        context = invariant(effect)
        if context is not None and not effect.via and not _is_written(effect, function):
            yield _unchanged(effect, context)


def _is_written(effect: RunsQuery, function: Function) -> bool:
    """Whether something in the same loop writes, so that the answer may differ from turn to turn."""
    return any(
        isinstance(other, Writes) and other.contexts[: len(effect.contexts)] == effect.contexts
        for other in function.summary.effects
    )


def _per_item(effect: RunsQuery, context: Context) -> Problem:
    names = callees(effect, context)
    query = _named(effect)
    through = f"`{names[0]}` runs {query}" if names else f"{query} runs"
    return Problem(
        place=place_in(effect, context),
        message=f"{through} once per {each(context)}: the number of queries grows with the data",
        subject=(effect.model or effect.label, effect.label),
        help=_help(effect),
        related=_related(effect, context),
        confidence=_confidence(effect),
    )


def _named(effect: RunsQuery) -> str:
    return f"`{effect.label}`"


def _help(effect: RunsQuery) -> str:
    if effect.action == "sql":
        return f"fetch all rows in one statement before the loop ({effect.instead or '`WHERE id = ANY(…)` or `IN (…)`'}) and look them up in a dict"
    if effect.relation:
        return f"fetch the `{effect.relation}` of all rows at once before the loop, filtered with `…__in`, and group them in a dict"
    return "fetch everything that the loop needs with one query before it, and look it up in a dict by key"


def _related(effect: RunsQuery, context: Context) -> tuple[Mark, ...]:
    marks = [Mark(context.place, f"repeats for each {each(context)}")]
    marks += [Mark(hop.place, f"calls `{hop.callee}`") for hop in effect.via if hop.place in _tail(effect, context)]
    marks.append(Mark(effect.place, f"runs {_named(effect)}"))
    return tuple(marks)


def _tail(effect: RunsQuery, context: Context) -> tuple[object, ...]:
    places = chain(effect)
    return places[places.index(place_in(effect, context)) :]


def _confidence(effect: RunsQuery) -> Confidence:
    return "medium" if len(effect.via) > 3 else "high"


def _unchanged(effect: RunsQuery, context: Context) -> Problem:
    return Problem(
        place=effect.place,
        message=f"{_named(effect)} runs again for each {each(context)}, with the same answer every time",
        subject=(effect.model or effect.label, effect.label),
        help="run it once before the loop",
        related=(Mark(context.place, f"repeats for each {each(context)}"),),
        confidence="medium",
    )


rule = Rule("SLO102", check, since="0.1.0")
