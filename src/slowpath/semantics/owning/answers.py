"""The two questions that others ask: what a function acquires, and what it does with one that it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slowpath.references import FunctionRef
from slowpath.semantics.owning.ownership import Fate, Ownership, Resource
from slowpath.semantics.owning.state import Held, Outcome, State
from slowpath.semantics.owning.walk import TooManyWaysError, Walk

if TYPE_CHECKING:
    from slowpath.semantics.program import Program


def ownership_of(program: Program, ref: FunctionRef) -> Ownership:
    """What the function acquires, and what becomes of that."""
    return program.recall(program.ownerships, ref, Ownership(), lambda: _ownership(program, ref))


def fate_of(program: Program, ref: FunctionRef, parameter: str, kind: str) -> Fate:
    """What becomes of a resource of this type that is passed for the parameter."""
    return program.recall(
        program.fates, (ref, parameter, kind), "borrows", lambda: _fate(program, ref, parameter, kind)
    )


def _ownership(program: Program, ref: FunctionRef) -> Ownership:
    if not program.may_acquire(ref):
        return Ownership()
    walk = Walk(program, ref, program.sight_of(ref), given=False)
    outcome = _outcome(walk, State())
    if outcome is None:
        return Ownership()
    walk.finish(outcome, 0)
    return Ownership(
        resources=tuple(walk.resources[at] for at in sorted(walk.resources)),
        exits=tuple(walk.exits),
        released=frozenset(walk.released),
        expected=frozenset(walk.expected),
        rested=frozenset(walk.rested),
        escaped=frozenset(walk.escaped),
        entered=frozenset(walk.entered),
        names=tuple(sorted(walk.names.items())),
        fresh=walk.fresh,
        lent=walk.lent,
        uses=tuple(walk.uses),
    )


def _fate(program: Program, ref: FunctionRef, parameter: str, kind: str) -> Fate:
    walk = Walk(program, ref, program.sight_of(ref), given=True)
    walk.resources[-1] = Resource(-1, kind, parameter, "given")
    outcome = _outcome(walk, State(frozenset({(parameter, Held(-1))}), frozenset({-1})))
    if outcome is None or -1 in walk.escaped:
        return "keeps"
    ends = [*outcome.on, *outcome.returned]
    if -1 in walk.released and not any(-1 in state.open for state in ends):
        return "gives-back"
    return "borrows"


def _outcome(walk: Walk, start: State) -> Outcome | None:
    from slowpath.semantics.owning.statements import run

    body = walk.program.body(walk.ref)
    if body is None:
        return None
    try:
        return walk.inside(lambda: run(walk, body.statements, {start: None}))
    except TooManyWaysError:
        return None
