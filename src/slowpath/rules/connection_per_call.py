"""Each request makes a pool or a client of its own, and throws it away.

## Problem

An engine, a pool or a client is made to be shared: it keeps connections, so that the next request need not open one.
Made anew for each request it does the opposite. Every request pays for connecting (a TCP and a TLS handshake, and a
process that the database starts), and no limit holds any more: a hundred requests have a hundred pools. What is not
closed stays open until the garbage collector finds it.

## Slow

    from fastapi import FastAPI
    from sqlalchemy import create_engine, text

    application = FastAPI()

    @application.get("/totals")
    def totals():
        engine = create_engine("postgresql://localhost/shop")
        with engine.connect() as connection:
            return connection.execute(text("SELECT sum(total) FROM orders")).scalar()

## Fast

    from fastapi import FastAPI
    from sqlalchemy import create_engine, text

    application = FastAPI()
    engine = create_engine("postgresql://localhost/shop")

    @application.get("/totals")
    def totals():
        with engine.connect() as connection:
            return connection.execute(text("SELECT sum(total) FROM orders")).scalar()

## How it decides

Tables say what makes an engine, a pool or a client. What is made is followed to where it is kept, closed or dropped;
reported is what each request, or each turn of a loop, makes for itself and drops.

## What silences it

What is kept: in a variable of the module, on an object, in a dictionary, by a decorator that remembers results
(`functools.lru_cache`). Functions that are not seen to answer requests, unless they do it in a loop: they may run
once. Clients for HTTP in endpoints have low confidence: a connection more is what some mean.

## Fix safety

A client that many share must not carry what belongs to one of them: cookies, credentials. An asynchronous one belongs
to its event loop, so make it when the application starts.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.finding import Confidence
from slowpath.references import FunctionRef
from slowpath.routes import has_route
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.effects import Builds
from slowpath.semantics.owning.discarding import discarded_in
from slowpath.semantics.program import Program
from slowpath.semantics.repetition import chain, each, repeated
from slowpath.source import Place


def check(function: Function, program: Program) -> Iterator[Problem]:
    """What the function, or what it calls, makes for one call only."""
    builds = [effect for effect in function.summary.effects if isinstance(effect, Builds) and not effect.rare]
    if not builds:
        return
    serves = has_route(program.project.function_of(function.ref))
    for effect in builds:
        context = repeated(effect)
        often = context is not None and context.bound in {"growing", "named"} and not context.hops
        if not serves and not often:
            continue
        place = discarded_in(program, effect)
        if place is not None:
            item = each(context) if often and context is not None else ""
            yield _problem(function, program, effect, place, item)


def _problem(function: Function, program: Program, effect: Builds, place: Place, item: str) -> Problem:
    home = FunctionRef(place.module, place.function)
    when = f"for each {item}" if item else "for each request"
    return Problem(
        place=effect.place,
        message=f"`{effect.label}` makes a new {_word(program, effect)} {when}, which connects anew and shares nothing",
        subject=(effect.label,),
        help="make it once, at the level of the module or when the application starts, and use it in every call",
        related=(
            *(
                Mark(hop, f"calls what leads there, in `{function.ref.qualname}`")
                for hop in chain(effect)[:1]
                if effect.via
            ),
            *((Mark(place, f"thrown away at the end of `{home.qualname}`"),) if place != effect.place else ()),
        ),
        confidence=_confidence(program, effect, item),
    )


def _word(program: Program, effect: Builds) -> str:
    known = program.type_named(effect.type)
    return "client" if known is not None and known.kind == "client" else "pool of connections"


def _confidence(program: Program, effect: Builds, item: str) -> Confidence:
    known = program.type_named(effect.type)
    if known is None or (known.sends == "HTTP" and not item):
        return "low"
    return "high" if len(effect.via) <= 2 else "medium"


rule = Rule("SLO202", check, since="0.1.0")
