"""What is held at one point of one way through a function."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from slowpath.semantics.owning.ownership import ExitKind

EMPTY: frozenset[int] = frozenset()


class Cause(Struct, frozen=True, order=True):
    """What began a way out: the node, and how."""

    at: int
    kind: ExitKind


class Held(Struct, frozen=True):
    """An expression that is a resource or, `derived`, something that was made from it and needs it."""

    resource: int
    derived: bool = False


class Truth(Struct, frozen=True):
    """An expression that is `None`, true or false."""

    value: bool | None


class Got(Struct, frozen=True):
    """An expression that tells whether the resource was acquired."""

    resource: int


Ref = Held | Truth | Got | None


class State(Struct, frozen=True, cache_hash=True):
    """What variables hold, which resources are held at present, which sessions have something to write, and what went
    wrong before on this way."""

    names: frozenset[tuple[str, Held | Truth | Got]] = frozenset()
    open: frozenset[int] = EMPTY
    pending: frozenset[int] = EMPTY
    failed: Cause | None = None


# An ordered set: the order of reading must not depend on hashes.
States = dict[State, None]


def states(found: Iterable[State]) -> States:
    """The states, each once."""
    return dict.fromkeys(found)


def named(state: State, name: str) -> Ref:
    """What the variable holds."""
    for known, ref in state.names:
        if known == name:
            return ref
    return None


def bound(state: State, name: str, ref: Ref) -> State:
    """The state after the variable was given this."""
    names = frozenset(pair for pair in state.names if pair[0] != name)
    return replace(state, names=names | {(name, ref)} if ref is not None else names)


def opened(state: State, resource: int) -> State:
    """The state with the resource held."""
    return state if resource in state.open else replace(state, open=state.open | {resource})


def awaiting(state: State, resource: int) -> State:
    """The state with something for the session to write once it commits."""
    return replace(state, pending=state.pending | {resource})


def closed(state: State, resource: int) -> State:
    """The state with the resource given back."""
    if resource not in state.open and resource not in state.pending:
        return state
    left = state.open - {resource}
    return replace(state, open=left, pending=state.pending - {resource}, failed=state.failed if left else None)


def forgotten(state: State, resource: int) -> State:
    """The state with the resource gone to somebody else: nothing here refers to it any more."""
    names = frozenset((name, ref) for name, ref in state.names if isinstance(ref, Truth) or ref.resource != resource)
    return replace(closed(state, resource), names=names)


def referred(state: State, resource: int) -> bool:
    """Whether some variable holds the resource, or something that was made from it."""
    return any(isinstance(ref, Held) and ref.resource == resource for _, ref in state.names)


class Outcome(Struct, frozen=True):
    """How a block ends: going on, or leaving in one of four ways. Returns and exceptions know what began them."""

    on: States
    raised: dict[State, Cause]
    returned: dict[State, Cause]
    broke: States
    continued: States
