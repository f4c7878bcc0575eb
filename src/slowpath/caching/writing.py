"""The rows that functions write, as facts: where somebody who reads the code would say that they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slowpath.facts import UsesEntry, WritesRows
from slowpath.references import ClassRef
from slowpath.rules import Function
from slowpath.semantics.effects import AnyEffect, Changes, Hop, Removes, Writes
from slowpath.semantics.parting import are_apart
from slowpath.semantics.program import Program
from slowpath.source import Place
from slowpath.vocabulary import Action

Writing = Writes | Changes | Removes


def written(function: Function, program: Program, uses: Sequence[UsesEntry]) -> Iterator[WritesRows]:
    """The rows that the function writes by itself; where it forgets entries, also what it writes through others."""
    effects = function.summary.effects
    clearing = {use.chain[0] if use.chain else use.place for use in uses if use.does in {"forget", "flush", "fill"}}
    body = program.body(function.ref) if clearing else None
    removed = {effect.place for effect in effects if isinstance(effect, Removes)}
    for effect in effects:
        if not isinstance(effect, Writing) or not is_written(program, effect):
            continue
        if isinstance(effect, Writes) and effect.place in removed:
            # The statement that deletes is told of once.
            continue
        chain, place, label = _seen(program, effect)
        if clearing or not chain:
            action, columns = _what(effect, effects, place)
            at = chain[0].place.at if chain else place.at
            apart = [each for each in sorted(clearing) if body and are_apart(body.statements, at, each.at)]
            yield WritesRows(
                place=place,
                function=function.ref.name,
                model=effect.model,
                action=action,
                label=label,
                chain=tuple(hop.place for hop in chain),
                columns=columns,
                implied=isinstance(effect, Changes),
                without=tuple(apart),
            )


def is_written(program: Program, effect: Writes | Changes | Removes) -> bool:
    """Whether rows of a known model are written there: where they have a method for that, not where they change."""
    return bool(effect.model) and not (isinstance(effect, Changes) and program.has_own_save(effect.model))


def _seen(program: Program, effect: Writing) -> tuple[Sequence[Hop], Place, str]:
    """The calls that lead to the write, and where it is: a model's own way to be saved is no call but the write."""
    for position, hop in enumerate(effect.via):
        owner, _, name = hop.callee.rpartition(".")
        own = owner and _is_own(program, effect.model, owner)
        fact = program.row_fact(effect.model, name) if own else None
        if fact is not None and fact.action in {"save", "delete"}:
            return effect.via[:position], hop.place, hop.callee
    return effect.via, effect.place, effect.label


def _is_own(program: Program, model: str, owner: str) -> bool:
    """Whether a class of this name is the model's, or one that it extends."""
    ref = program.class_of_model(model)
    classes = program.project.ancestors(ref) if ref is not None else ()
    return ref is None or any(isinstance(each, ClassRef) and each.qualname == owner for each in classes)


def _what(effect: Writing, effects: Sequence[AnyEffect], place: Place) -> tuple[Action, tuple[str, ...]]:
    """What is done to the rows, and to which of their columns, as far as that is known."""
    match effect:
        case Removes():
            return "delete", ()
        case Changes(attribute=""):
            return "create", ()
        case Changes(attribute=attribute):
            return "save", (attribute,)
        case Writes(action="save"):
            changed = {
                other.attribute for other in effects if isinstance(other, Changes) and _is_of(other, effect, place)
            }
            return "save", tuple(sorted(changed))
    return effect.action, effect.columns


def _is_of(change: Changes, write: Writes, place: Place) -> bool:
    """Whether the write writes what is changed."""
    where = change.place
    return (
        bool(change.attribute)
        and change.model == write.model
        and (where.module, where.function) == (place.module, place.function)
    )
