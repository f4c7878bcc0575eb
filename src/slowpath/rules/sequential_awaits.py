"""A coroutine asks another service once per item and waits for each answer before it asks for the next.

## Problem

An answer takes fifty milliseconds, of which the program does nothing. A hundred of them, one after the other, take five
seconds; a few at a time, they take a fraction of that, and the event loop has nothing else to do meanwhile anyway.

## Slow

    import httpx

    async def names(client: httpx.AsyncClient, ids):
        found = []
        for pk in ids:
            response = await client.get(f"https://people.example/{pk}")
            found.append(response.json()["name"])
        return found

## Fast

    import asyncio

    import httpx

    async def names(client: httpx.AsyncClient, ids):
        few = asyncio.Semaphore(10)

        async def name(pk):
            async with few:
                response = await client.get(f"https://people.example/{pk}")
            return response.json()["name"]

        return await asyncio.gather(*(name(pk) for pk in ids))

## How it decides

Reported is a round trip to a distant service that a loop of a coroutine awaits on every turn, itself or in what it
calls, when the loop grows with the data and no turn needs what an earlier one has done.

## What silences it

Loops that end early, pause or yield; calls that are given what came of the turn before; caches and databases, whose
queries are `query-in-loop`'s affair; loops over a few constants, pages that each name the next.

The rule is off by default: it tells what could be faster, and some services mind being asked for much at a time.

## Fix safety

Side by side, errors come together: decide whether one of them ends the others (`asyncio.TaskGroup`) or not
(`gather(…, return_exceptions=True)`). Keep a limit, and share no session or connection among them.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import CallsService
from slowpath.semantics.gathering import could_run_beside
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import callees, each, growing, how_sure, place_in, steps


def check(function: Function, program: Program) -> Iterator[Problem]:
    """The loops of a coroutine that wait for one answer after the other."""
    if not program.project.function_of(function.ref).is_async:
        return
    told: set[int] = set()
    for effect in function.summary.effects:
        if not isinstance(effect, CallsService) or effect.near or effect.rare or effect.later:
            continue
        context = growing(effect)
        if context is None or context.hops or context.place.at in told:
            continue
        place = place_in(effect, context)
        if not could_run_beside(program, function.ref, context.place.at, place.at):
            continue
        told.add(context.place.at)
        names = callees(effect, context)
        called = names[0] if names else effect.label
        yield Problem(
            place=place,
            message=f"`{called}` waits for {effect.service} once per {each(context)}, one after the other: the loop "
            "takes as long as all answers together",
            subject=(called,),
            help="start them together, a few at a time (`asyncio.gather` and a `Semaphore`), or ask for many at once",
            related=(
                Mark(context.place, f"goes on to the next {each(context)} when the answer is here"),
                *(Mark(hop.place, f"calls `{hop.callee}`") for hop in steps(effect, context)),
                Mark(effect.place, f"waits for {effect.service}"),
            ),
            confidence=how_sure(effect, context),
            severity="note",
        )


rule = Rule("SLO305", check, since="0.1.0", default=False, severity="note")
