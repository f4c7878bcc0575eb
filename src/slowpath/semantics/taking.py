"""Connections that are taken from pools: by which calls, and what keeps too many from being taken at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slowpath import expression as e
from slowpath.semantics.arguments import Arguments, varies_of
from slowpath.semantics.effects import Builds, Takes
from slowpath.semantics.frame import Frame
from slowpath.semantics.values import Collection, Instance, Method, Object, Symbol, Unknown, Value
from slowpath.spelling import spelled

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

_CONNECTED = frozenset({"connection", "session"})


# What many may use at once.
_SHARED = frozenset({"pool", "client"})


def note(frame: Frame, callee: Value, arguments: Arguments, made: Value, node: e.Call) -> None:
    """Write down that the call takes what it gives from a pool, or makes a pool, if it does."""
    program = frame.program
    known = program.type_named(made.type) if isinstance(made, Object) else None
    if known is None:
        return
    label = spelled(node.func)
    if known.resource in _SHARED and _is_constructor(program, callee):
        frame.emit(Builds(place=frame.place(node.at), label=label, type=known.name), varies_of(arguments))
        return
    if known.resource not in _CONNECTED or not _from_pool(program, callee, known.resource):
        return
    given = (program.type_named(each.value.type) for each in arguments if isinstance(each.value, Object))
    if any(each is not None and each.resource in _CONNECTED for each in given):
        # It works on a connection that it is given.
        return
    taken = Takes(place=frame.place(node.at), label=label, type=known.name, limited=frame.gates > 0)
    frame.emit(taken, varies_of(arguments))


def _from_pool(program: Program, callee: Value, resource: str) -> bool:
    match callee:
        case Object(type=name):
            known = program.type_named(name)
            return known is not None and bool(known.calls)
        case Symbol():
            # What is made by itself has a pool behind it when it takes its connection late.
            return resource == "session" and program.type_named(callee.name) is not None
        case Method(receiver=Object(type=name), name=method):
            known = program.type_named(name)
            fact = program.fact(name, method)
            if known is None or fact is None or fact.action != "new":
                return False
            return known.resource == "pool" or bool(known.calls)
    return False


def _is_constructor(program: Program, callee: Value) -> bool:
    if not isinstance(callee, Symbol):
        return False
    if program.type_named(callee.name) is not None:
        return True
    owner, _, method = callee.name.rpartition(".")
    fact = program.knowledge.functions.get(callee.name) or program.class_fact(owner, method)
    return fact is not None and fact.action == "new"


def may_limit(program: Program, context: Value) -> bool:
    """Whether what stands in `async with` may let in only so many at once: a semaphore, or anything unknown."""
    match context:
        case Object(type=name):
            known = program.type_named(name)
            return known is None or known.resource in {"", "lock"}
        case Collection(element=Object()) | Instance():
            return False
        case Unknown() | Collection():
            return True
    return False
