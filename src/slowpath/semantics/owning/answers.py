"""The questions that others ask: what a function acquires and holds, and what it does with one that it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slowpath.references import FunctionRef
from slowpath.semantics.owning.beginning import begun
from slowpath.semantics.owning.ownership import Fate, Ownership, Resource, Use
from slowpath.semantics.owning.state import Held, Outcome, State
from slowpath.semantics.owning.walk import TooManyWaysError, Walk
from slowpath.semantics.shapes import yielded_names

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

# The number of a resource that is passed for the parameter that was asked about.
GIVEN = -1


def ownership_of(program: Program, ref: FunctionRef) -> Ownership:
    """What the function acquires, and what becomes of that."""
    return held_by(program, ref) if program.prospects.may_acquire(ref) else Ownership()


def held_by(program: Program, ref: FunctionRef) -> Ownership:
    """What the function acquires, or holds from its beginning, and what becomes of that."""
    return program.recall(program.owned.ownerships, ref, Ownership(), lambda: _ownership(program, ref))


def passage_of(program: Program, ref: FunctionRef, parameter: str, kind: str, *, opened: bool) -> frozenset[Use]:
    """The nodes at which the function holds a resource of this type that is passed for the parameter; `opened` when it
    is held before."""
    key = (ref, parameter, kind, opened)
    return program.recall(
        program.owned.passages, key, frozenset(), lambda: _passage(program, ref, parameter, kind, opened)
    )


def works_in(program: Program, ref: FunctionRef, parameter: str, kind: str) -> bool:
    """Whether a session of this type that is passed for the parameter is put to work in the function."""
    return program.recall(
        program.owned.works, (ref, parameter, kind), False, lambda: _works_in(program, ref, parameter, kind)
    )


def may_be_left_alone(program: Program, ref: FunctionRef, parameter: str) -> bool:
    """Whether a generator yields what it is given for the parameter on one way and something else on another: nobody
    knows which of them is used then."""
    body = program.body(ref) if program.project.function_of(ref).sketch.yields else None
    yielded = set(yielded_names(body.statements)) if body is not None else set[str]()
    return parameter in yielded and len(yielded) > 1


def fate_of(program: Program, ref: FunctionRef, parameter: str, kind: str) -> Fate:
    """What becomes of a resource of this type that is passed for the parameter."""
    return program.recall(
        program.owned.fates, (ref, parameter, kind), "borrows", lambda: _fate(program, ref, parameter, kind)
    )


def _ownership(program: Program, ref: FunctionRef) -> Ownership:
    walk = Walk(program, ref, program.sight_of(ref))
    outcome = _outcome(walk, begun(walk))
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
        handed=frozenset(walk.handed),
        lodged=frozenset(walk.lodged),
        parked=tuple((resource, name, at) for resource, (name, at) in sorted(walk.parked.items())),
        kept=tuple(sorted(walk.kept.items())),
        names=tuple(sorted(walk.names.items())),
        fresh=walk.fresh,
        lent=walk.lent,
        around=walk.around,
        uses=tuple(walk.uses),
        left=frozenset(walk.left),
    )


def _passage(program: Program, ref: FunctionRef, parameter: str, kind: str, opened: bool) -> frozenset[Use]:
    walk = Walk(program, ref, program.sight_of(ref), given=True)
    walk.resources[GIVEN] = Resource(GIVEN, kind, parameter, "given")
    names = frozenset({(parameter, Held(GIVEN))})
    if _outcome(walk, State(names, frozenset({GIVEN} if opened else ()))) is None:
        return frozenset()
    return frozenset(use for use in walk.uses if use.resource == GIVEN)


def _works_in(program: Program, ref: FunctionRef, parameter: str, kind: str) -> bool:
    walk = Walk(program, ref, program.sight_of(ref), given=True)
    walk.resources[GIVEN] = Resource(GIVEN, kind, parameter, "given")
    outcome = _outcome(walk, State(frozenset({(parameter, Held(GIVEN))}), frozenset()))
    # Of what is too long to follow, nobody knows.
    return outcome is None or GIVEN in walk.working


def _fate(program: Program, ref: FunctionRef, parameter: str, kind: str) -> Fate:
    walk = Walk(program, ref, program.sight_of(ref), given=True, rests=False)
    walk.resources[GIVEN] = Resource(GIVEN, kind, parameter, "given")
    outcome = _outcome(walk, State(frozenset({(parameter, Held(GIVEN))}), frozenset({GIVEN})))
    if outcome is None or GIVEN in walk.escaped:
        return "keeps"
    ends = [*outcome.on, *outcome.returned]
    if GIVEN in walk.released and not any(GIVEN in state.open for state in ends):
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
