"""A request to another service is made per item of a loop: one network round trip each.

## Problem

A cache, a document store or an HTTP API answers in a millisecond or in a hundred. Asked once per item, one after the
other, the waits add up; most services take many keys in one request.

## Slow

    import redis

    client = redis.Redis()

    def names(ids):
        return [client.get(f"name:{pk}") for pk in ids]

## Fast

    import redis

    client = redis.Redis()

    def names(ids):
        return client.mget([f"name:{pk}" for pk in ids])

## How it decides

Tables say which methods of clients are a round trip, and which do the same for many at once. A call is followed
through the functions that lead to it; reported is one that a loop makes on every turn, when the loop grows with the
data.

## What silences it

Pipelines, requests that are gathered, pages that each name the next, retries, loops over a few constants.

## Fix safety

A batch fails as a whole where single calls fail one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.finding import Confidence
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import CallsService, Context
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import callees, each, growing, how_sure, place_in, repeated, steps


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Round trips that are made per item."""
    for effect in function.summary.effects:
        if not isinstance(effect, CallsService) or effect.rare:
            continue
        context = repeated(effect)
        if context is None or context.bound not in {"growing", "named"}:
            continue
        names = callees(effect, context)
        start = f"`{names[0]}` calls `{effect.label}`" if names else f"`{effect.label}` is called"
        yield Problem(
            place=place_in(effect, context),
            message=f"{start} once per {each(context)}: 1 {effect.service} round trip per {each(context)}",
            subject=(names[0] if names else effect.label,),
            help=_help(effect) if growing(effect) is not None else "ask once before the loop, and keep the answer",
            related=(
                Mark(context.place, f"repeats for each {each(context)}"),
                *(Mark(hop.place, f"calls `{hop.callee}`") for hop in steps(effect, context)),
                Mark(effect.place, f"asks {effect.service}"),
            ),
            confidence=_confidence(effect, context),
        )


def _confidence(effect: CallsService, context: Context) -> Confidence:
    """Where no batched form is known, a call that is not in sight of the loop is rarely there by accident."""
    if not effect.instead and len(steps(effect, context)) > 2:
        return "low"
    return how_sure(effect, context)


def _help(effect: CallsService) -> str:
    if effect.instead:
        return f"ask once for all items: `{effect.instead}`"
    return "ask for many items in one request where the service can, or send the requests side by side with a limit"


rule = Rule("SLO107", check, since="0.1.0", default=False)
