"""A connection or a transaction is held while something slow is waited for.

## Problem

A pool has a few connections. A request that keeps one while it waits two seconds for another service keeps the other
requests from the database for two seconds: with ten connections, five requests a second are the end of it. An open
transaction keeps its locks as well, and others wait for these rows. Nothing shows in staging, where one request runs at
a time.

Whoever takes a second connection while holding one can wait for ever: when all requests hold their first, there is no
second for any. The same comes of coroutines that are all started at once and take a connection each.

## Slow

    import requests
    from sqlalchemy.orm import Session

    def invite(engine, user_id):
        with Session(engine) as session:
            user = session.get(User, user_id)
            requests.post("https://mail.example/invite", json={"to": user.email}, timeout=10)
            user.invited = True
            session.commit()

## Fast

    import requests
    from sqlalchemy.orm import Session

    def invite(engine, user_id):
        with Session(engine) as session:
            email = session.get(User, user_id).email
        requests.post("https://mail.example/invite", json={"to": email}, timeout=10)
        with Session(engine) as session:
            session.get(User, user_id).invited = True
            session.commit()

## How it decides

Every way through a function is followed, and calls on it: which connections and transactions are open, and what is
waited for meanwhile. A session takes its connection with its first query and keeps it until it commits, rolls back or
is closed. One that a framework passes to an endpoint is closed when the request has ended.

## What silences it

A `commit`, `rollback` or `close` before the call; what is put off until the transaction has ended (`on_commit`, tasks,
background tasks); services as close as the database (Redis, Memcached, search engines). Locks of the process are left
alone: they are often held on purpose, so that only one does the work. Coroutines that pass a semaphore.

## Fix safety

Between two transactions others may change the rows: read again what the second one relies on.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.finding import Confidence
from slowpath.references import ValueRef
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import CallsService, Context, Takes
from slowpath.semantics.gathering import gathered
from slowpath.semantics.owning.answers import held_by
from slowpath.semantics.owning.holding import Meanwhile, meanwhile
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import each, repeated
from slowpath.source import Place

_NEAR, _FAR = 2, 4


def check(function: Function, program: Program) -> Iterator[Problem]:
    """What is waited for while something is held."""
    effects = function.summary.effects
    if program.prospects.may_hold(function.ref) and any(_may_matter(effect) for effect in effects):
        told: set[tuple[int, type]] = set()
        for found in meanwhile(program, function.ref):
            if (found.resource.at, type(found.effect)) not in told:
                told.add((found.resource.at, type(found.effect)))
                yield _problem(function, program, found)
    yield from _put_away(function, program)
    yield from _all_at_once(function, program)


def _may_matter(effect: object) -> bool:
    return isinstance(effect, Takes) or (isinstance(effect, CallsService) and not effect.near)


def _problem(function: Function, program: Program, found: Meanwhile) -> Problem:
    effect, resource = found.effect, found.resource
    name, place = f"`{resource.label}`", _place(function, found.at)
    if resource.through is not None:
        # Once for a dependency, however many endpoints have it.
        name += f" of `{resource.through.qualname}`"
        place = Place(resource.through.module, resource.through.qualname, 0)
    known = program.type_named(resource.type)
    locked = known is not None and known.resource == "transaction"
    what = f"`{effect.via[0].callee}`" if effect.via else f"`{effect.label}`"
    if isinstance(effect, Takes):
        message = f"{what} takes a second connection while {name} keeps the first: "
        message += "when every request holds one, all wait for a second that nobody can give back"
        advice = "pass the session on, or give the first one back (commit or close it) before"
        last = "takes the second connection"
    elif locked:
        message = f"the transaction stays open, with all it has locked, while {what} waits for {effect.service}"
        advice = "call it before the transaction or after it, and leave only the writes inside"
        last = f"waits for {effect.service}"
    else:
        message = f"{name} keeps its connection out of the pool while {what} waits for {effect.service}"
        advice = "read what is needed, give the connection back (commit, or end the `with`), call, and open another to "
        advice += "write the answer"
        last = f"waits for {effect.service}"
    return Problem(
        place=place,
        message=message,
        subject=(resource.label, type(effect).__name__),
        help=advice,
        related=(*_begin(function, found, locked), *_way(effect, last)),
        confidence=_confidence(found),
    )


def _begin(function: Function, found: Meanwhile, locked: bool) -> Iterator[Mark]:
    resource = found.resource
    if resource.at >= 0:
        yield Mark(_place(function, resource.at), "the transaction begins" if locked else "held from here")
    elif resource.maker is not None:
        place = Place(resource.maker.module, resource.maker.qualname, 0)
        yield Mark(place, f"`{resource.maker.qualname}` is ended by the framework, after the request")
    if resource.through is not None:
        called = found.effect.via[0].callee if found.effect.via else found.effect.label
        yield Mark(_place(function, found.at), f"`{function.ref.qualname}` depends on it, and calls `{called}`")


def _way(effect: CallsService | Takes, last: str) -> Iterator[Mark]:
    yield from (Mark(hop.place, f"calls `{hop.callee}`") for hop in effect.via[1:])
    if effect.via:
        yield Mark(effect.place, last)


def _place(function: Function, at: int) -> Place:
    return Place(function.ref.module, function.ref.qualname, at)


def _confidence(found: Meanwhile) -> Confidence:
    calls = len(found.effect.via)
    if found.effect.rare or calls > _FAR:
        return "low"
    sure = calls <= _NEAR and isinstance(found.effect, CallsService) and found.resource.through is None
    return "high" if sure else "medium"


def _put_away(function: Function, program: Program) -> Iterator[Problem]:
    """Sessions that go, in the middle of a transaction, into a variable of the module, where they stay."""
    if not program.prospects.may_acquire(function.ref):
        return
    ownership = held_by(program, function.ref)
    resources = {each.at: each for each in ownership.resources}
    for number, name, at in ownership.parked:
        resource = resources[number]
        known = program.type_named(resource.type)
        if known is None or known.resource != "session" or resource.how != "made":
            continue
        if isinstance(program.project.resolve(function.ref.module, name), ValueRef):
            yield Problem(
                place=_place(function, at),
                message=f"`{name}` keeps a session whose transaction is open: the connection stays out of the pool, "
                "idle, and the database keeps old rows for it",
                subject=(name, "put away"),
                help="commit before it is put away: a lock of the session, unlike one of the transaction, stays",
                related=(Mark(_place(function, number), "made here"),),
                confidence="medium",
            )


def _all_at_once(function: Function, program: Program) -> Iterator[Problem]:
    """Coroutines that are started together, as many as there are items, and each take a connection."""
    for effect in function.summary.effects:
        if not isinstance(effect, Takes) or not effect.together or effect.limited or effect.rare or effect.later:
            continue
        context = repeated(effect)
        if context is None or context.hops or context.kind != "comprehension" or not effect.via:
            continue
        at = gathered(program, function.ref, context.place.at)
        if at is not None:
            yield _crowd(function, effect, context, at)


def _crowd(function: Function, effect: Takes, context: Context, at: int) -> Problem:
    return Problem(
        place=_place(function, at),
        message=f"`{effect.via[0].callee}` takes a connection for each {each(context)}, all at once: the pool is empty "
        "for everybody else until they are through",
        subject=(effect.via[0].callee, "together"),
        help="let in a few at a time with an `asyncio.Semaphore`, or go through them one after the other",
        related=(
            Mark(context.place, f"a coroutine for each {each(context)}"),
            *_way(effect, "takes a connection"),
        ),
        confidence="medium" if len(effect.via) <= _FAR else "low",
    )


rule = Rule("SLO203", check, since="0.1.0")
