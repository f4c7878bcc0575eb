"""Each turn of a loop opens a connection of its own, because nothing is there to keep one.

## Problem

`requests.get` and `httpx.get` make a client, open a connection, and throw both away. For one request that does not
matter. In a loop every turn pays for a name lookup, a TCP and a TLS handshake: two to four round trips before the
request itself. A session keeps the connection for the next turn.

## Slow

    import requests

    def avatars(urls):
        return [requests.get(url, timeout=10).content for url in urls]

## Fast

    import requests

    def avatars(urls):
        with requests.Session() as session:
            return [session.get(url, timeout=10).content for url in urls]

## How it decides

Tables say which functions open a connection for each call. Reported is such a call on every turn of a loop that grows
with the data.

## What silences it

Requests through a session or client, loops over a few constants, retries, requests that are made at most once.

## Fix safety

A session also keeps cookies: make one for each side that must not see those of another.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import CallsService
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import callees, each, how_sure, place_in, repeated, steps


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Requests of a loop that each open a connection."""
    for effect in function.summary.effects:
        if not isinstance(effect, CallsService) or effect.rare or not effect.shared:
            continue
        context = repeated(effect)
        if context is None or context.bound not in {"growing", "named"}:
            continue
        names = callees(effect, context)
        start = f"`{names[0]}` calls `{effect.label}`, which opens" if names else f"`{effect.label}` opens"
        yield Problem(
            place=place_in(effect, context),
            message=f"{start} a new connection for each {each(context)}",
            subject=(names[0] if names else effect.label,),
            help=f"make one `{effect.shared}` before the loop, and send the requests with it",
            related=(
                Mark(context.place, f"repeats for each {each(context)}"),
                *(Mark(hop.place, f"calls `{hop.callee}`") for hop in steps(effect, context)),
                Mark(effect.place, "opens a connection, and closes it"),
            ),
            confidence=how_sure(effect, context),
        )


rule = Rule("SLO602", check, since="0.1.0", default=False)
