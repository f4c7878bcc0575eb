"""A connection, session or lock is acquired, and not given back on every way out.

## Problem

A pool has five or ten connections. One that is not given back is missing until the garbage collector happens on it, or
for ever. Nobody notices in staging; in production, after some errors, every request waits for a connection until it
times out.

The way out that is forgotten is mostly an exception, or an early `return`. It may also be the caller who forgets: a
function that returns an open session leaves it to all its callers to close it.

## Slow

    import psycopg2

    def names(dsn):
        connection = psycopg2.connect(dsn)
        cursor = connection.cursor()
        cursor.execute("SELECT name FROM users")
        rows = cursor.fetchall()
        connection.close()
        return rows

## Fast

    from contextlib import closing

    import psycopg2

    def names(dsn):
        with closing(psycopg2.connect(dsn)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT name FROM users")
            return cursor.fetchall()

## How it decides

Every way through a function is followed: returns, exceptions and what handles them, tests for `None`, flags. Anything
between acquiring and giving back may fail. Where a resource goes to another function, that one is read for what it
does with it.

## What silences it

`with`, `try`/`finally`, `closing`, `ExitStack`, a framework that closes what it gave, returning the connection to
callers, handing it to something that closes it, keeping it on `self`, unless it is a session that is used and that
nothing ends. What `with` means is known of each library: a `psycopg2` or `sqlite3` connection only ends its
transaction there.

## Fix safety

What is closed earlier cannot be used later: rows that load lazily, cursors that are still read.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.finding import Confidence
from slowpath.rules import Function, Mark, Problem, Rule
from slowpath.semantics.owning.answers import ownership_of
from slowpath.semantics.owning.keeping import left_open
from slowpath.semantics.owning.ownership import Exit, Ownership, Resource
from slowpath.semantics.program import Program
from slowpath.source import Place
from slowpath.vocabulary import Type

_WORDS = {"connection": "connection", "session": "connection", "client": "sockets", "lock": "lock", "file": "file"}
_NORMAL = frozenset({"end", "return", "unbound", "rebound", "again"})


def check(function: Function, program: Program) -> Iterator[Problem]:
    """What the function acquires and does not give back on every way out."""
    found = ownership_of(program, function.ref)
    names = dict(found.names)
    yield from _kept_for_life(function, program, found)
    for resource in found.resources:
        exits = sorted(way for at, way in found.exits if at == resource.at)
        known = program.type_named(resource.type)
        # Who locks and leaves the unlocking to others knows why.
        meant = resource.how == "locked" and resource.at not in found.expected
        if exits and known is not None and known.resource in _WORDS and not meant:
            yield _problem(function, resource, known, names.get(resource.at, ""), exits, found)


def _kept_for_life(function: Function, program: Program, found: Ownership) -> Iterator[Problem]:
    """Sessions that a new object keeps, uses, and never ends."""
    kept = dict(found.kept)
    for resource in found.resources:
        known = program.type_named(resource.type)
        if resource.at not in kept or resource.how != "made" or known is None or known.resource != "session":
            continue
        user = left_open(program, function.ref, kept[resource.at])
        if user is None:
            continue
        cls = program.project.function_of(function.ref).owner
        name = f"self.{kept[resource.at]}"
        yield Problem(
            place=_place(function, resource.at),
            message=f"`{name}` is one session for as long as its `{cls}` lives, and nothing ends it: its connection "
            "stays out of the pool from the first query on",
            subject=(name,),
            help="keep what makes sessions instead, and open one where it is needed "
            "(`with self.sessions() as session`), or close it",
            related=(Mark(Place(user.module, user.qualname, 0), f"`{user.qualname}` uses it and leaves it open"),),
            confidence="medium",
        )


def _problem(
    function: Function, resource: Resource, known: Type, name: str, exits: list[Exit], found: Ownership
) -> Problem:
    cared = resource.at in found.released or resource.at in found.rested
    normal = [way for way in exits if way.kind in _NORMAL]
    worst = normal[0] if normal else exits[0]
    subject = name or resource.label
    return Problem(
        place=_place(function, resource.at),
        message=_message(resource, known, subject, worst, normal, found),
        subject=(resource.label,),
        help=_help(resource, known),
        related=tuple(_marks(function, resource, worst)),
        confidence=_confidence(known, worst, cared, resource.at in found.escaped),
        severity="note" if known.resource == "file" else "warning",
    )


def _place(function: Function, at: int) -> Place:
    return Place(function.ref.module, function.ref.qualname, at)


def _message(resource: Resource, known: Type, subject: str, worst: Exit, normal: list[Exit], found: Ownership) -> str:
    what = f"its {_WORDS[known.resource]}"
    if resource.how == "locked":
        return f"`{subject}` stays locked {_when(worst)}: whoever needs it next waits for ever"
    cost = f"{what} is missing from the pool until the garbage collector finds it"
    if known.resource == "client":
        cost = "its sockets stay open"
    elif known.resource == "file":
        cost = "its file stays open"
    elif known.collected:
        cost = "the server keeps it open for as long as anything refers to it"
    if resource.how == "generator":
        return f"`{resource.label}` runs the generator up to its `yield` and never to its end: {cost}"
    if worst.kind == "unbound":
        return f"nothing can close what `{resource.label}` gives, as no name is left for it: {cost}"
    if resource.at not in found.released and resource.at in found.rested:
        return f"`{subject}` is never closed, and no commit gives its connection back {_when(worst)}: {cost}"
    if normal and resource.at not in found.released:
        return f"`{subject}` is never closed: {cost}"
    return f"`{subject}` is not closed {_when(worst)}: {cost}"


def _when(worst: Exit) -> str:
    return {
        "end": "when the function ends",
        "return": "on an early return",
        "raise": "when an exception is raised on the way",
        "call": "when something fails in between",
        "yield": "when the one who uses it fails",
        "rebound": "before its name is given to something else",
        "again": "before the next one is opened",
        "unbound": "by anybody",
    }[worst.kind]


def _marks(function: Function, resource: Resource, worst: Exit) -> Iterator[Mark]:
    if resource.maker is not None:
        yield Mark(Place(resource.maker.module, resource.maker.qualname, 0), f"`{resource.maker.name}` leaves it open")
    words = {
        "return": "returns without closing it",
        "raise": "raises without closing it",
        "call": "if this fails, it is not closed",
        "yield": "if this raises, it is not closed",
        "rebound": "the name is given to something else",
    }
    if worst.kind in words:
        yield Mark(_place(function, worst.at), words[worst.kind])


def _help(resource: Resource, known: Type) -> str:
    keyword = "async with" if known.asynchronous else "with"
    if resource.how == "locked":
        return f"write `{keyword} {resource.label}:`"
    if resource.how == "generator":
        return "make a context manager of the generator (`contextlib.contextmanager`) and open it in a `with`"
    if known.leaving == "transaction":
        return "give it back in a `finally`, or open it in `with closing(…)`: its own `with` only ends the transaction"
    return f"open it in `{keyword}`, or close it in a `finally`"


def _confidence(known: Type, worst: Exit, cared: bool, escaped: bool) -> Confidence:
    if known.resource == "file" or (escaped and not cared):
        return "low"
    if worst.kind in {"call", "yield"}:
        return "medium" if cared or not known.collected else "low"
    return "medium" if known.collected else "high"


rule = Rule("SLO201", check, since="0.1.0")
