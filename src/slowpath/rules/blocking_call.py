"""A coroutine waits in a way that stops its event loop.

## Problem

An event loop runs one thing at a time, and goes on to the next when a coroutine awaits. A call that waits without
`await` (a request sent by `requests`, a query of `psycopg2`, `subprocess.run`, `time.sleep`, a file) holds up every
other request of the process until it is done. One slow answer of another service then stalls everybody.

The call may be many functions away: slowpath follows ordinary calls from the coroutine down, and shows the way.

## Slow

    import requests

    async def profile(user_id):
        return requests.get(f"https://people.example/{user_id}", timeout=5).json()

## Fast

    import httpx

    client = httpx.AsyncClient()

    async def profile(user_id):
        return (await client.get(f"https://people.example/{user_id}")).json()

Where there is no asynchronous library, the call can have a thread of its own:

    import asyncio
    import requests

    async def profile(user_id):
        response = await asyncio.to_thread(requests.get, f"https://people.example/{user_id}", timeout=5)
        return response.json()

## How it decides

Ordinary calls are followed from each coroutine down to functions of libraries of which a table says that they keep
their thread waiting. A coroutine that is awaited answers for itself, so a finding stands in the one whose code waits.

## What silences it

What is handed to a thread or process (`to_thread`, executors, `run_in_threadpool`, `sync_to_async`) and functions that
are decorated to run there; plain functions that no coroutine calls, also as endpoints: frameworks run these in threads.
Questions to the file system (`os.path.exists`) are notes, shown with `confidence = "low"`. A
coroutine that `asyncio.run` runs with nothing beside it, as scripts do.

## Fix safety

What moves to a thread runs beside other things: it must not share a session or a connection with them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from slowpath.busy_loops import problems
from slowpath.rules import Function, Problem, Rule
from slowpath.semantics.busy import name_of
from slowpath.semantics.effects import Blocks
from slowpath.semantics.program import Program
from slowpath.vocabulary import Work

_DOES: dict[Work, str] = {
    "database": "waits for the database",
    "network": "waits for",
    "dns": "waits for a name to be looked up",
    "process": "waits for a process",
    "sleep": "sleeps",
    "wait": "waits for another thread",
    "file": "reads or writes a file",
    "stat": "asks the file system",
}


def check(function: Function, program: Program) -> Iterator[Problem]:
    """What a coroutine waits for without awaiting it."""
    yield from problems(program, function.ref, function.summary, _DOES, _advice, _together)


def _together(effect: Blocks) -> Hashable:
    return effect.work if effect.work == "stat" else name_of(effect)


def _advice(effect: Blocks) -> str:
    thread = f"`await asyncio.to_thread({name_of(effect)}, …)`"
    if not effect.via and (effect.work == "sleep" or effect.instead):
        return f"`await ….{effect.instead}(…)`" if effect.instead else "`await asyncio.sleep(…)`"
    if effect.work in {"network", "database"}:
        return f"use an asynchronous client, or run it in a thread: {thread}"
    return f"run it in a thread: {thread}"


rule = Rule("SLO301", check, since="0.1.0")
