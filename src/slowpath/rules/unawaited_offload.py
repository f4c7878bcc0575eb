"""Work is handed to a thread and nobody awaits it, so it never runs; or one branch does, and its sibling does not.

## Problem

`asyncio.to_thread(f)` only makes a coroutine. Until that is awaited, or made a task, `f` is not called: what it should
have saved is not saved. As a condition, a coroutine is always true.

## Slow

    import asyncio

    async def close(report):
        asyncio.to_thread(report.save)

## Fast

    import asyncio

    async def close(report):
        await asyncio.to_thread(report.save)

## How it decides

Tables say which functions give a coroutine that hands work to a thread. Reported is a call of one as a statement of
its own, or as a condition. Reported too is a call of what the other branch of an `if` hands to a thread.

## What silences it

`await`, and whatever else is done with it: a task, `gather`, a variable, `return`.

## Fix safety

What never ran runs once this is mended: look at what it does.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import NeverRuns
from slowpath.semantics.gathering import left_on_loop
from slowpath.semantics.program import Program
from slowpath.source import Place
from slowpath.spelling import spelled


def check(function: Function, program: Program) -> Iterator[Problem]:
    """What is handed to a thread and then forgotten."""
    for effect in function.summary.effects:
        if isinstance(effect, NeverRuns):
            yield Problem(
                place=effect.place,
                message=f"`{effect.label}` is not awaited: what it was given never runs",
                subject=(effect.label,),
                help=f"`await {effect.label}(…)`",
                related=(Mark(effect.place, "makes a coroutine, and drops it"),),
                severity="error",
            )
    if program.project.function_of(function.ref).is_async:
        yield from _left(function, program)


def _left(function: Function, program: Program) -> Iterator[Problem]:
    """What runs in a thread on one branch, and on the event loop on the other."""
    module, qualname = function.ref.module, function.ref.qualname
    for call, handed in left_on_loop(program, function.ref):
        name = spelled(call.func)
        yield Problem(
            place=Place(module, qualname, call.at),
            message=f"`{name}` keeps the event loop here, while the other branch runs it in a thread",
            subject=(name, "left"),
            help=f"`await {spelled(handed.func)}({name}, …)` on both branches",
            related=(Mark(Place(module, qualname, handed.at), "runs it in a thread"),),
            confidence="medium",
        )


rule = Rule("SLO304", check, since="0.1.0", severity="error")
