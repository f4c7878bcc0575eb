"""A coroutine does work that keeps its event loop busy.

## Problem

Hashing a password takes a tenth of a second on purpose. Running a model, reading a PDF, resizing a picture, packing an
archive, loading a data frame take as long or longer. While a coroutine does that, every other request of the process
waits: an event loop has one thread.

Making some objects is such work as well: a sentence splitter or a model loads its data when it is constructed.

## Slow

    import bcrypt

    async def log_in(user, password):
        return bcrypt.checkpw(password, user.password)

## Fast

    import asyncio
    import bcrypt

    async def log_in(user, password):
        return await asyncio.to_thread(bcrypt.checkpw, password, user.password)

## How it decides

Ordinary calls are followed from each coroutine down to functions and constructors of libraries of which a table says
that they keep the processor busy, as for blocking-call.

## What silences it

Work that is handed to a thread or a process, and work whose size nobody knows: loops, sorting, regular expressions,
`json`.

## Fix safety

A thread helps where the library lets go of Python's lock while it works, as hashing, imaging and inference do. Pure
Python work needs a process: `loop.run_in_executor` with a `ProcessPoolExecutor`, or a job queue.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.busy_loops import problems
from slowpath.rules import Function, Problem, Rule
from slowpath.semantics.busy import name_of
from slowpath.semantics.effects import Blocks
from slowpath.semantics.program import Program
from slowpath.vocabulary import Work

_DOES: dict[Work, str] = {
    "key": "derives a key",
    "image": "works on an image",
    "document": "reads or makes a document",
    "archive": "packs or unpacks an archive",
    "model": "loads or runs a model",
    "table": "loads a data frame",
    "text": "splits long texts",
}


def check(function: Function, program: Program) -> Iterator[Problem]:
    """What a coroutine computes that takes long."""
    yield from problems(program, function.ref, function.summary, _DOES, _advice)


def _advice(effect: Blocks) -> str:
    if effect.work in {"model", "text"} and not effect.via and effect.label[:1].isupper():
        return f"make it once, before requests are served, or in a thread: `await asyncio.to_thread({effect.label}, …)`"
    return f"run it in a thread: `await asyncio.to_thread({name_of(effect)}, …)`"


rule = Rule("SLO303", check, since="0.1.0")
