"""One walk through a function: what has been acquired so far, and the ways out that were met."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from slowpath.references import FunctionRef
from slowpath.semantics.owning.ownership import Exit, ExitKind, Resource, Use
from slowpath.semantics.owning.state import (
    Cause,
    Got,
    Held,
    Outcome,
    Ref,
    State,
    States,
    bound,
    closed,
    forgotten,
    named,
    opened,
    referred,
    states,
)
from slowpath.semantics.sight import Sight
from slowpath.vocabulary import Type

if TYPE_CHECKING:
    from slowpath.semantics.program import Program

# More ways than this through one function are not told apart by anybody who reads it.
_MOST = 64


class TooManyWaysError(Exception):
    """A function with too many ways through it to follow them all."""


class Walk:
    """What is found out on the way. With `given`, only what becomes of the parameters is followed;
    without `rests`, as if a session still held its connection when it has committed."""

    def __init__(
        self, program: Program, ref: FunctionRef, sight: Sight, *, given: bool = False, rests: bool = True
    ) -> None:
        self.program = program
        self.ref = ref
        self.sight = sight
        self.given = given
        self.rests = rests
        self.awaited = False
        self.outside: set[str] = set()
        self.resources: dict[int, Resource] = {}
        self.exits: dict[tuple[int, Exit], None] = {}
        self.released: set[int] = set()
        self.expected: set[int] = set()
        self.rested: set[int] = set()
        self.escaped: set[int] = set()
        self.entered: set[int] = set()
        self.handed: set[int] = set()
        self.lodged: set[int] = set()
        self.parked: dict[int, tuple[str, int]] = {}
        self.kept: dict[int, str] = {}
        self.working: set[int] = set()
        self.names: dict[int, str] = {}
        self.uses: dict[Use, None] = {}
        self.left: set[int] = set()
        self.fresh = ""
        self.lent = ""
        self.around = ""
        self.raised: dict[State, Cause] = {}
        self.returned: dict[State, Cause] = {}
        self.broke: States = {}
        self.continued: States = {}

    def type_of(self, resource: int) -> Type | None:
        """The library's type of a resource."""
        return self.program.type_named(self.resources[resource].type)

    def is_session(self, resource: int) -> bool:
        """Whether the resource holds nothing before its first use."""
        known = self.type_of(resource)
        return known is not None and known.resource == "session"

    def transaction_in(self, state: State) -> str:
        """The type of a transaction that is open, empty if none is."""
        for resource in sorted(state.open):
            known = self.type_of(resource)
            if known is not None and known.resource == "transaction":
                return known.name
        return ""

    def is_owed(self, resource: int) -> bool:
        """Whether the function must give the resource back."""
        return self.resources[resource].how not in {"lent", "given"}

    def acquire(self, state: State, resource: Resource) -> State:
        """The state after the resource was acquired."""
        at = resource.at
        self.resources.setdefault(at, resource)
        if at in state.open:
            self.lose(at, "again", at)
        return state if self.is_session(at) else opened(state, at)

    def give_back(self, state: State, resource: int) -> State:
        """The state after the resource was given back."""
        self.released.add(resource)
        if state.failed is None:
            self.expected.add(resource)
        return closed(state, resource)

    def escape(self, state: State, resource: int) -> State:
        """The state after the resource went to somebody else."""
        self.escaped.add(resource)
        return forgotten(state, resource)

    def let_go(self, state: State, ref: object) -> State:
        """The state after this went where nobody follows it."""
        return self.escape(state, ref.resource) if isinstance(ref, Held | Got) else state

    def lose(self, resource: int, kind: ExitKind, at: int) -> None:
        """Note a way on which the resource is lost."""
        if self.is_owed(resource):
            self.exits[resource, Exit(at, kind)] = None

    def may_raise(self, state: State, cause: Cause) -> None:
        """Note that the way may leave here, while something is held."""
        if state.open and not self.given:
            known = self.raised.get(state)
            self.raised[state] = cause if known is None else min(known, cause)

    def use(self, state: State, at: int, passed: Mapping[int, str] | None = None) -> None:
        """Note what is held when this node is reached, and what it is passed for."""
        names = passed or {}
        for resource in sorted(state.open | names.keys()):
            self.uses[Use(at, resource, names.get(resource, ""), resource not in state.open)] = None

    def dropped(self, state: State, at: int, kind: ExitKind) -> State:
        """The state without what nothing refers to any more, which is lost."""
        for resource in sorted(state.open - self.entered):
            if not referred(state, resource) and self.resources[resource].how == "made":
                self.lose(resource, kind, at)
                state = closed(state, resource)
        return state

    def rebound(self, state: State, name: str, ref: Ref, at: int) -> State:
        """The state after the variable was given something else."""
        old = named(state, name)
        state = bound(state, name, ref)
        if not isinstance(old, Held) or (isinstance(ref, Held) and ref.resource == old.resource):
            return state
        resource = old.resource
        if resource in state.open - self.entered and not referred(state, resource):
            self.lose(resource, "rebound", at)
            state = closed(state, resource)
        return state

    def inside(self, read: Callable[[], States]) -> Outcome:
        """How what is read ends, told apart from what is around it."""
        kept = (self.raised, self.returned, self.broke, self.continued)
        self.raised, self.returned, self.broke, self.continued = {}, {}, {}, {}
        on = read()
        outcome = Outcome(on, self.raised, self.returned, self.broke, self.continued)
        self.raised, self.returned, self.broke, self.continued = kept
        return outcome

    def leave(self, outcome: Outcome) -> States:
        """Let the ways out of a block be ways out of what is around it; those that go on."""
        for state, cause in outcome.raised.items():
            self.raised.setdefault(state, cause)
        for state, cause in outcome.returned.items():
            self.returned.setdefault(state, cause)
        self.broke |= outcome.broke
        self.continued |= outcome.continued
        return outcome.on

    def finish(self, outcome: Outcome, end: int) -> None:
        """Note what is lost on the ways out of the whole function."""
        self.left = {resource for state in (*outcome.on, *outcome.returned) for resource in state.open}
        ways = [(state, Cause(end, "end")) for state in outcome.on]
        ways += [*outcome.returned.items(), *outcome.raised.items()]
        for state, cause in ways:
            through = state.failed if state.failed is not None and cause.kind in {"end", "return"} else cause
            for resource in sorted(state.open):
                self.lose(resource, through.kind, through.at)


def checked(found: States) -> States:
    """The states, if they are few enough to go on with."""
    if len(found) > _MOST:
        raise TooManyWaysError
    return found


def after_each(change: Callable[[State], State], outcome: Outcome) -> Outcome:
    """The outcome with every state changed in the same way."""
    return Outcome(
        states(map(change, outcome.on)),
        {change(state): cause for state, cause in outcome.raised.items()},
        {change(state): cause for state, cause in outcome.returned.items()},
        states(map(change, outcome.broke)),
        states(map(change, outcome.continued)),
    )


def failing(state: State, cause: Cause) -> State:
    """The state in which a handler begins."""
    return replace(state, failed=cause) if state.open else state
