"""What happens while a function holds something that others wait for, also some calls away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from slowpath.references import FunctionRef
from slowpath.semantics.effects import AnyEffect, CallsService, Takes
from slowpath.semantics.owning.answers import held_by, passage_of
from slowpath.semantics.owning.ownership import Ownership, Resource, Use
from slowpath.semantics.repetition import chain

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

_SCARCE = frozenset({"connection", "session", "transaction"})


class Meanwhile(Struct, frozen=True):
    """Something that happens at a node, or in what is called there, while the resource is held."""

    at: int
    resource: Resource
    effect: CallsService | Takes


def meanwhile(program: Program, ref: FunctionRef) -> Iterator[Meanwhile]:
    """Calls of distant services, and connections taken from the same pool, while the function holds a connection or a
    transaction."""
    ownership = held_by(program, ref)
    sight = program.sight_of(ref)
    resources = {each.at: each for each in ownership.resources}
    for use in sorted(ownership.uses):
        resource = resources[use.resource]
        if not _is_scarce(program, resource, ownership):
            continue
        for effect in sight.effects(use.at):
            if _matters(program, ref, resource, effect) and _is_held(program, use, resource, effect):
                yield Meanwhile(use.at, resource, effect)  # type: ignore[arg-type]


def _is_scarce(program: Program, resource: Resource, ownership: Ownership) -> bool:
    known = program.type_named(resource.type)
    if known is None or known.resource not in _SCARCE:
        return False
    # A connection that no pool gave is one that nobody else waits for.
    return resource.how == "lent" or known.resource == "session" or not known.collected


def _matters(program: Program, ref: FunctionRef, resource: Resource, effect: AnyEffect) -> bool:
    if effect.later or not isinstance(effect, CallsService | Takes) or _is_told_inside(program, effect):
        return False
    if isinstance(effect, CallsService):
        return not effect.near
    return any(_same_pool(taken, effect) for taken in _taken_for(program, ref, resource))


def _taken_for(program: Program, ref: FunctionRef, resource: Resource) -> Iterator[Takes]:
    """How the resource was taken from its pool."""
    if resource.at >= 0:
        effects = program.sight_of(ref).effects(resource.at)
    else:
        effects = program.effects_of(resource.maker).effects if resource.maker is not None else ()
    yield from (effect for effect in effects if isinstance(effect, Takes))


def _same_pool(one: Takes, other: Takes) -> bool:
    """Whether both are taken by the same code, or from what goes by the same name everywhere."""
    if one.place == other.place:
        return True
    return one.label == other.label and one.type == other.type and not one.label.startswith(("self.", "cls."))


def _is_held(program: Program, use: Use, resource: Resource, effect: AnyEffect) -> bool:
    """Whether the resource is held when the effect comes about, in what the resource is passed to."""
    places = chain(effect)
    for hop in range(1, len(places)):
        if not use.passed:
            break
        callee = program.project.declared(places[hop].module, places[hop].function)
        if not isinstance(callee, FunctionRef):
            break
        names = {parameter.name for parameter in program.project.function_of(callee).parameters}
        if use.passed not in names:
            break
        found = passage_of(program, callee, use.passed, resource.type, opened=not use.opens)
        there = [each for each in sorted(found) if each.at == places[hop].at]
        if not there:
            return False
        use = there[-1]
    return not use.opens


def _is_told_inside(program: Program, effect: CallsService | Takes) -> bool:
    """Whether a function on the way holds something of its own there: it is its own affair then."""
    places = chain(effect)
    for hop in range(1, len(places)):
        callee = program.project.declared(places[hop].module, places[hop].function)
        if not isinstance(callee, FunctionRef) or not program.prospects.may_hold(callee):
            continue
        ownership = held_by(program, callee)
        scarce = {each.at for each in ownership.resources if _is_scarce(program, each, ownership)}
        if any(use.at == places[hop].at and use.resource in scarce and not use.opens for use in ownership.uses):
            return True
    return False
