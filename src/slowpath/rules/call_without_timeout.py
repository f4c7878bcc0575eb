"""A call to another service may wait for ever.

## Problem

`requests`, `urllib` and the mail and FTP clients of the standard library wait for an answer without a limit unless
they are given one. When the other side accepts a connection and then says nothing, the worker that called is gone
until it is restarted; a few dozen such calls, and nothing is left that serves anybody.

## Slow

    import requests

    def rate(currency):
        return requests.get(f"https://rates.example/{currency}").json()

## Fast

    import requests

    def rate(currency):
        return requests.get(f"https://rates.example/{currency}", timeout=(3, 10)).json()

## How it decides

Tables say of functions, clients and their methods which argument limits the wait. Reported is a call without it,
unless its client was made with one or the project sets a limit for all calls of the kind.

## What silences it

A `timeout`, also `None` written out; arguments that are unpacked (`**options`); for sessions, an adapter that the
project mounts somewhere; for the standard library, `socket.setdefaulttimeout`. Clients that have a limit of their own
(`httpx`, `aiohttp`, cloud SDKs) are not reported.

## Fix safety

What used to hang raises an exception now: see to it that somebody handles it.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import WaitsForever
from slowpath.semantics.program import Program


def check(function: Function, program: Program) -> Iterator[Problem]:
    """Calls that wait with no limit."""
    for effect in function.summary.effects:
        if isinstance(effect, WaitsForever):
            yield Problem(
                place=effect.place,
                message=f"`{effect.label}` has no timeout: when {_other(effect)} does not answer, it waits for ever",
                subject=(effect.label,),
                help=f"add `{effect.limit}=…`, in seconds",
                related=(Mark(effect.place, "waits with no limit"),),
            )


def _other(effect: WaitsForever) -> str:
    return "the other side" if effect.service == "HTTP" else effect.service


rule = Rule("SLO601", check, since="0.1.0")
