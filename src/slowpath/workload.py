"""What the functions of a project ask of its database, as facts."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.facts import Deletes
from slowpath.rules import Function
from slowpath.semantics.effects import Writes
from slowpath.semantics.program import Program


def deletions(function: Function, program: Program) -> Iterator[Deletes]:
    """The models of which the function itself deletes rows."""
    for effect in function.summary.effects:
        if isinstance(effect, Writes) and not effect.via and effect.model and _deletes(effect):
            yield Deletes(effect.place, effect.model)


def _deletes(effect: Writes) -> bool:
    word = effect.label.rpartition(".")[2]
    return effect.action == "delete" or (effect.action == "write" and word in {"delete", "adelete"})
