"""Pools and clients that are thrown away by those who have made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slowpath.references import FunctionRef
from slowpath.semantics.effects import Builds
from slowpath.semantics.owning.answers import held_by
from slowpath.semantics.repetition import chain
from slowpath.source import Place

if TYPE_CHECKING:
    from slowpath.semantics.program import Program


def discarded_in(program: Program, effect: Builds) -> Place | None:
    """The place of the call that gave it to the function that keeps it no longer than itself; `None` if that is not
    clear."""
    for place in reversed(chain(effect)):
        ref = program.project.declared(place.module, place.function)
        if not isinstance(ref, FunctionRef) or program.is_memoized(ref):
            return None
        ownership = held_by(program, ref)
        if all(each.at != place.at for each in ownership.resources):
            return None
        if place.at in ownership.released:
            return place
        if place.at in ownership.lodged:
            return None
        if place.at not in ownership.escaped:
            return place
        if place.at not in ownership.handed:
            return None
    return None
