"""A coroutine runs queries with an ORM or a session that does not await them.

## Problem

A query through Django's plain ORM methods, a plain SQLAlchemy `Session` or Peewee waits for the database without giving
the event loop anything else to do: each query of one request stops all the others. (Django refuses, with
`SynchronousOnlyOperation`, unless told not to.) The query may be in a function that the coroutine calls, as most are.

## Slow

    from shop.models import Order

    async def total(request, pk):
        return Order.objects.get(pk=pk).total

## Fast

    from shop.models import Order

    async def total(request, pk):
        return (await Order.objects.aget(pk=pk)).total

Where the work takes many queries, it can have a thread of its own:

    import asyncio

    async def report(request):
        return await asyncio.to_thread(build_report)

## How it decides

Ordinary calls are followed from each coroutine down to what runs a query. A coroutine that is awaited answers for
itself, so a finding stands in the one whose code queries.

## What silences it

Asynchronous sessions and methods, `async for`, and whatever is handed to a thread: `sync_to_async`, `to_thread`,
executors, `run_in_threadpool`, `run_sync`.

## Fix safety

A session belongs to one thread at a time: open it inside the function that moves to a thread.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.busy import kept_busy, name_of, place_of, sureness
from slowpath.semantics.effects import Blocks
from slowpath.semantics.program import Program
from slowpath.vocabulary import Work

_QUERIES: tuple[Work, ...] = ("query",)
_PLACES = 8


def check(function: Function, program: Program) -> Iterator[Problem]:
    """The queries that a coroutine waits for; one problem, as one decision mends them all."""
    declaration = program.project.function_of(function.ref)
    if not declaration.is_async:
        return
    for group in kept_busy(function.summary, _QUERIES, lambda effect: effect.rare):
        first, *others = group
        more = f" (and {len(others)} more)" if others else ""
        yield Problem(
            place=place_of(first),
            message=f"{_said(first)}{more}, and the event loop waits: nothing else runs meanwhile",
            subject=("rarely",) if first.rare else (),
            help=_help(first, alone=not declaration.sketch.awaits),
            related=(
                *(Mark(hop.place, f"calls `{hop.callee}`") for hop in first.via),
                Mark(first.place, f"`{first.label}` waits for the database"),
                *(Mark(place_of(other), f"`{name_of(other)}` does too") for other in others[:_PLACES]),
            ),
            confidence=sureness(first),
        )


def _said(effect: Blocks) -> str:
    if effect.via:
        return f"`{name_of(effect)}` runs a query (`{effect.label}`)"
    return f"`{effect.label}` runs a query"


def _help(effect: Blocks, *, alone: bool) -> str:
    thread = "move the queries to a function, and run that in a thread: `await asyncio.to_thread(…)`"
    if effect.via:
        thread = f"run it in a thread: `await asyncio.to_thread({name_of(effect)}, …)`"
    if effect.instead and not effect.via:
        return f"`await ….{effect.instead}(…)`"
    if alone:
        return f"{thread}; or write `def` for `async def`, as nothing is awaited here"
    return f"use an asynchronous session, or {thread}"


rule = Rule("SLO302", check, since="0.1.0")
