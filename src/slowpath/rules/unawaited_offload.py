"""Work is handed to a thread and nobody awaits it, so it never runs.

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
its own, or as a condition.

## What silences it

`await`, and whatever else is done with it: a task, `gather`, a variable, `return`.

## Fix safety

What never ran runs once this is mended: look at what it does.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import NeverRuns
from slowpath.semantics.program import Program


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


rule = Rule("SLO304", check, since="0.1.0", severity="error")
